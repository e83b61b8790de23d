//! How many steps solves take, compared exactly with `tests/problems/steps.csv`.
//!
//! The file changes where a change of the solver changes steps. To write it anew, look at the difference, and commit it:
//! `FLOWMAP_WRITE_STEPS=1 cargo test --features train --test reference steps`.
//!
//! The problems are those whose right-hand sides have no transcendental functions: sums, products, quotients and roots are
//! rounded alike on every machine. Step sizes involve logarithms and exponentials, whose last bits may differ between
//! platforms; a count changes only if an error lies within such a bit of the tolerance.

use crate::problems::{self, Problem, Visitor, adaptive};
use flowmap::{
    Ode,
    solver::{BOGACKI_SHAMPINE, DOP853, DOPRI5, HEUN, TSIT5},
};
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/problems/steps.csv");
const HEADER: &str = "\
# accepted and rejected steps and evaluations with rtol = atol = tolerance, default controllers, in f64
# written by FLOWMAP_WRITE_STEPS=1 cargo test --features train --test reference steps
problem,method,tolerance,accepted,rejected,evaluations
";

#[derive(Default)]
struct Table(String);

impl Visitor for Table {
    fn visit<const D: usize, O: Ode<D> + Copy>(&mut self, problem: &Problem<O, D>) {
        if problem.name.starts_with("DETEST A3") {
            return; // it has a cosine
        }
        let methods = [(HEUN, [1e-3, 1e-4]), (BOGACKI_SHAMPINE, [1e-4, 1e-6]), (DOPRI5, [1e-6, 1e-9]), (TSIT5, [1e-6, 1e-9])];
        for (method, tolerances) in methods.into_iter().chain([(DOP853, [1e-6, 1e-10])]) {
            for tolerance in tolerances {
                let taken = problem.solve(&adaptive(method, tolerance)).statistics();
                let (accepted, rejected, evaluations) = (taken.accepted, taken.rejected, taken.evaluations);
                let name = problem.name;
                writeln!(self.0, "\"{name}\",{},{tolerance:e},{accepted},{rejected},{evaluations}", method.name).unwrap();
            }
        }
    }
}

#[test]
fn solves_take_as_many_steps_as_they_did() {
    let mut table = Table(HEADER.to_owned());
    problems::each(&mut table);
    if std::env::var_os("FLOWMAP_WRITE_STEPS").is_some() {
        std::fs::write(FILE, &table.0).unwrap();
    }
    let expected = std::fs::read_to_string(FILE).unwrap();
    let differences: Vec<_> = expected.lines().zip(table.0.lines()).filter(|(a, b)| a != b).collect();
    assert!(differences.is_empty() && expected.lines().count() == table.0.lines().count(), "{differences:#?}");
}
