//! Every method in single precision.

use crate::{
    condition::condition,
    problems::{self, Problem, Visitor, adaptive, distance},
};
use flowmap::{
    Ode, Pointwise, Real,
    solver::{FixedSteps, METHODS, Save, Solution, Solver, Status, Tableau},
};

/// Solves in single precision.
fn solve<const D: usize, O: Ode<D> + Copy>(
    problem: &Problem<O, D>,
    solver: &impl Solver<[f32; D], Pointwise<O, D>>,
) -> Solution<[f32; D]> {
    solver.solve(&problem.field(), &0.0, &(problem.end as f32), &problem.x.map(|x| x as f32), &Save::End).unwrap()
}

/// What errors of the steps make of the end: the tolerance, and rounding errors, which are as many times the size of the solution
/// as the coefficients of the method cancel each other. The former
/// add up, the latter like a random walk, and both grow by the condition of the problem.
fn bound<const D: usize, O: Ode<D> + Copy>(problem: &Problem<O, D>, method: &Tableau, tolerance: f64, steps: u64) -> f64 {
    let rows = method.a.iter().chain([&method.b]).map(|row| row.iter().map(|a| a.abs()).sum::<f64>());
    let rounding = f64::from(f32::EPSILON) * rows.fold(1.0, f64::max);
    let steps = steps as f64;
    condition(problem) * (steps * tolerance + steps.sqrt() * rounding)
}

fn error<const D: usize, O: Ode<D> + Copy>(problem: &Problem<O, D>, path: &Solution<[f32; D]>) -> f64 {
    distance(&path.end().map(Real::into_f64), &problem.end_state())
}

struct Errors {
    method: Tableau,
    tolerance: f64,
    failures: Vec<String>,
}

impl Visitor for Errors {
    fn visit<const D: usize, O: Ode<D> + Copy>(&mut self, problem: &Problem<O, D>) {
        let solver = adaptive(self.method, self.tolerance);
        let path = solve(problem, &solver);
        let (error, taken) = (error(problem, &path), path.statistics());
        let bound = bound(problem, &self.method, self.tolerance, taken.accepted);
        let line = format!(
            "{:<16} {:.0e} error {error:>8.1e} of {bound:>8.1e}, {} + {} steps, {}  {}",
            self.method.name,
            self.tolerance,
            taken.accepted,
            taken.rejected,
            if path.status().is_success() { "finished" } else { "stopped" },
            problem.name
        );
        println!("{line}");
        // where errors grow to the size of the solution, the clock may be too coarse for the tolerance: the solve says so
        let lost = bound > 1.0 && matches!(path.status(), Status::StepTooSmall | Status::TooManySteps);
        if !(lost || path.status().is_success() && error <= bound) {
            self.failures.push(line);
        }
    }
}

#[test]
fn every_adaptive_method_is_as_precise_as_its_tolerance_and_rounding_allow() {
    let mut failures = Vec::new();
    for method in METHODS.into_iter().filter(|method| method.estimate.is_some()) {
        for tolerance in [1e-3, 1e-4, 1e-5, 1e-6] {
            let mut errors = Errors { method, tolerance, failures: Vec::new() };
            problems::each(&mut errors);
            failures.append(&mut errors.failures);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Fixed steps in both precisions: they differ by rounding errors alone.
struct Fixed {
    method: Tableau,
    failures: Vec<String>,
}

impl Visitor for Fixed {
    fn visit<const D: usize, O: Ode<D> + Copy>(&mut self, problem: &Problem<O, D>) {
        let solver = FixedSteps::new(self.method, 2000).unwrap();
        let (single, double) = (solve(problem, &solver), problem.solve(&solver));
        let (difference, bound) =
            (distance(&single.end().map(Real::into_f64), double.end()), bound(problem, &self.method, 0.0, 2000));
        println!("{:<16} {difference:>9.2e} of {bound:.1e}  {}", self.method.name, problem.name);
        // where equal steps are much too long, both are far from the solution, and from each other
        if double.status().is_success() && distance(double.end(), &problem.end_state()) < 1e-2 && difference > bound {
            self.failures.push(format!("{}, {}: {difference:.1e} of {bound:.1e}", self.method.name, problem.name));
        }
    }
}

#[test]
fn every_method_with_fixed_steps_differs_between_precisions_by_rounding_alone() {
    let mut failures = Vec::new();
    for method in METHODS {
        let mut fixed = Fixed { method, failures: Vec::new() };
        problems::each(&mut fixed);
        failures.append(&mut fixed.failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
