//! Errors at the end, in units of the tolerance.

use crate::problems::{self, Problem, Visitor, adaptive, arenstorf, distance};
use flowmap::{
    Ode, Tolerance,
    solver::{Adaptive, BOGACKI_SHAMPINE, Controller, DOP853, DOPRI5, Save, Solver, TSIT5, Tableau},
};

/// Solves every problem, and collects those whose error is too large.
struct Errors {
    method: Tableau,
    tolerance: f64,
    too_large: Vec<String>,
}

impl Visitor for Errors {
    fn visit<const D: usize, O: Ode<D> + Copy>(&mut self, problem: &Problem<O, D>) {
        // the method of order 3 takes many times as many steps, the errors of which add up
        let factor = if self.method == BOGACKI_SHAMPINE { 10.0 * problem.factor } else { problem.factor };
        if factor * self.tolerance >= 1.0 && self.method == BOGACKI_SHAMPINE {
            return; // Lorenz' equations until 20, whose errors grow to the size of the solution
        }
        let error = problem.error(&adaptive(self.method, self.tolerance)) / self.tolerance;
        let line = format!("{:<10} {:.0e} {error:>10.2} of {factor:>8}  {}", self.method.name, self.tolerance, problem.name);
        println!("{line}");
        if error > factor {
            self.too_large.push(line);
        }
    }
}

fn errors_are_within_the_factors(method: Tableau, tolerances: &[f64]) {
    for &tolerance in tolerances {
        let mut errors = Errors { method, tolerance, too_large: Vec::new() };
        problems::each(&mut errors);
        assert!(errors.too_large.is_empty(), "errors in units of the tolerance:\n{}", errors.too_large.join("\n"));
    }
}

#[test]
fn dopri5_solves_every_problem_to_its_tolerance() {
    errors_are_within_the_factors(DOPRI5, &[1e-6, 1e-9]);
}

#[test]
fn tsit5_solves_every_problem_to_its_tolerance() {
    errors_are_within_the_factors(TSIT5, &[1e-6, 1e-9]);
}

#[test]
fn dop853_solves_every_problem_to_its_tolerance() {
    errors_are_within_the_factors(DOP853, &[1e-6, 1e-9, 1e-12]);
}

#[test]
fn bogacki_shampine_solves_every_problem_to_its_tolerance() {
    errors_are_within_the_factors(BOGACKI_SHAMPINE, &[1e-6]);
}

#[test]
fn the_arenstorf_orbits_close() {
    for orbit in [arenstorf::BIG, arenstorf::SMALL] {
        let path = orbit.solve(&adaptive(DOP853, 1e-13));
        let gap = distance(path.end(), &orbit.x);
        assert!(gap < 5e-9, "{}: {gap:.1e}", orbit.name);
    }
}

/// Hairer's program takes 238 steps, of which it rejects 21, and 1429 evaluations.
#[test]
fn dopri5_takes_as_many_steps_as_hairers_program() {
    let control = Controller::default().safety(0.9).unwrap();
    let solver = adaptive(DOPRI5, 1e-7).controller(control).first_step(1e-4).unwrap();
    let taken = arenstorf::BIG.solve(&solver).statistics();
    println!("{taken:?}");
    let close = |found: u64, expected: f64| (found as f64 / expected - 1.0).abs() < 0.1;
    assert!(close(taken.accepted + taken.rejected, 238.0), "{taken:?}");
    assert!(close(taken.accepted, 217.0) && taken.rejected.abs_diff(21) <= 3, "{taken:?}");
    assert!(close(taken.evaluations, 1429.0), "{taken:?}");
}

/// Rates are evaluated once: that at the end of a step is the first of the next.
#[test]
fn dopri5_evaluates_six_rates_a_step_and_two_to_begin_with() {
    let taken = arenstorf::BIG.solve(&adaptive(DOPRI5, 1e-7)).statistics();
    assert_eq!(taken.evaluations, 6 * (taken.accepted + taken.rejected) + 2);
}

/// The end of the path and the state there by dense output are one, and so is every state at the end of a step.
#[test]
fn dense_output_meets_the_ends_of_all_steps() {
    let orbit = arenstorf::BIG;
    for method in [BOGACKI_SHAMPINE, DOPRI5, TSIT5, DOP853] {
        let solver = Adaptive::new(method).unwrap().tolerance(Tolerance::new(1e-6, 1e-6).unwrap());
        let solve = |save: &Save| solver.solve(&orbit.field(), &0.0, &orbit.end, &orbit.x, save).unwrap();
        let (steps, dense) = (solve(&Save::Steps), solve(&Save::Dense));
        assert_eq!(steps.end(), dense.end());
        for (time, state) in steps.times().iter().zip(steps.states()) {
            assert_eq!(&dense.at(time), state, "{} at {time}", method.name);
        }
    }
}
