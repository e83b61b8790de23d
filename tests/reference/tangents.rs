//! What it costs that errors of tangents count: evaluations, in units of those of a solve that steps by its values alone.
//!
//! `cargo test --features train --test reference tangents -- --nocapture` prints them.

use crate::problems::{self, Problem, Visitor, adaptive};
use flowmap::{
    Dual, Ode, Tolerance,
    solver::{DOP853, DOPRI5, Save, Solver, TSIT5},
};

#[derive(Default)]
struct Ratios(Vec<(f64, String)>);

impl Visitor for Ratios {
    fn visit<const D: usize, O: Ode<D> + Copy>(&mut self, problem: &Problem<O, D>) {
        for (method, tolerance) in [(DOPRI5, 1e-6), (DOPRI5, 1e-9), (TSIT5, 1e-6), (TSIT5, 1e-9), (DOP853, 1e-6), (DOP853, 1e-10)]
        {
            let evaluations = |tolerance: Tolerance| {
                let (s, t) = (Dual::constant(0.0), Dual::constant(problem.end));
                let x = Dual::new(problem.x, std::array::from_fn(|i| 1.0 / (i + 1) as f64));
                let solver = adaptive(method, 1e-6).tolerance(tolerance);
                let path = solver.solve(&problem.ode.field(), &s, &t, &x, &Save::End).unwrap();
                path.statistics().evaluations as f64
            };
            let both = Tolerance::new(tolerance, tolerance).unwrap();
            let ratio = evaluations(both.clone()) / evaluations(both.of_values());
            self.0.push((ratio, format!("{}, {}, {tolerance:e}", problem.name, method.name)));
        }
    }
}

#[test]
fn errors_of_tangents_cost_less_than_half_of_the_solve() {
    let mut ratios = Ratios::default();
    problems::each(&mut ratios);
    let mut ratios = ratios.0;
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (ratio, name) in &ratios {
        println!("{ratio:.3}  {name}");
    }
    let at = |share: f64| ratios[(share * (ratios.len() - 1) as f64) as usize].0;
    println!("least {:.2}, half {:.2}, nine of ten {:.2}, most {:.2}", at(0.0), at(0.5), at(0.9), at(1.0));
    assert!(at(0.5) < 1.5, "as a rule {}", at(0.5));
}
