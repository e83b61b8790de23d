//! Standard problems: the ODE, where it starts, and where it ends to 24 digits.
//!
//! The end states in `reference-values.json` were computed with 50 digits; see the names there.
#![allow(dead_code, reason = "every suite uses a part of it")]

pub mod arenstorf;
pub mod bodies;
pub mod chains;
pub mod gyre;
pub mod lorenz;
pub mod moderate;
pub mod oscillators;
pub mod scalar;
pub mod second_order;

use flowmap::{
    Ode, Pointwise, State, Tolerance,
    solver::{Adaptive, Save, Solution, Solver, Tableau},
};
use std::{collections::BTreeMap, sync::OnceLock};

/// An initial value problem that starts at time 0.
#[derive(Clone, Copy)]
pub struct Problem<O, const D: usize> {
    /// As in `reference-values.json`.
    pub name: &'static str,
    pub ode: O,
    pub x: [f64; D],
    pub end: f64,
    /// By how many tolerances the end may be off, both tolerances being the same.
    pub factor: f64,
}

impl<O: Ode<D> + Copy, const D: usize> Problem<O, D> {
    /// A problem whose condition is moderate.
    pub const fn new(name: &'static str, ode: O, x: [f64; D], end: f64) -> Self {
        Self { name, ode, x, end, factor: 100.0 }
    }

    pub fn field(&self) -> Pointwise<O, D> {
        self.ode.field()
    }

    /// Where the solution is at the end.
    pub fn end_state(&self) -> [f64; D] {
        reference(self.name).try_into().expect("as many coordinates as the problem has")
    }

    pub fn solve(&self, solver: &impl Solver<[f64; D], Pointwise<O, D>>) -> Solution<[f64; D]> {
        solver.solve(&self.field(), &0.0, &self.end, &self.x, &Save::End).unwrap()
    }

    /// The largest error of a coordinate at the end.
    pub fn error(&self, solver: &impl Solver<[f64; D], Pointwise<O, D>>) -> f64 {
        let path = self.solve(solver);
        assert!(path.status().is_success(), "{}: {}", self.name, path.status());
        distance(path.end(), &self.end_state())
    }
}

/// What is done with each problem.
pub trait Visitor {
    fn visit<const D: usize, O: Ode<D> + Copy>(&mut self, problem: &Problem<O, D>);
}

/// Every problem that is not stiff, with a reference of its end.
pub fn each(visitor: &mut impl Visitor) {
    scalar::each(visitor);
    moderate::each(visitor);
    chains::each(visitor);
    bodies::each(visitor);
    second_order::each(visitor);
    oscillators::each(visitor);
    arenstorf::each(visitor);
    lorenz::each(visitor);
}

/// The numbers of an entry of `reference-values.json`.
pub fn reference(name: &str) -> Vec<f64> {
    static VALUES: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    let values = VALUES.get_or_init(|| serde_json::from_str(include_str!("reference-values.json")).unwrap());
    let entry = values.get(name).unwrap_or_else(|| panic!("there is no reference \"{name}\""));
    entry.iter().map(|number| number.parse().unwrap()).collect()
}

/// With `rtol = atol = tolerance`.
pub fn adaptive(method: Tableau, tolerance: f64) -> Adaptive {
    Adaptive::new(method).unwrap().tolerance(Tolerance::new(tolerance, tolerance).unwrap())
}

/// The largest difference of two coordinates; infinite if one is not a number.
pub fn distance<X: State>(x: &X, y: &X) -> f64 {
    let differences = x.minus(y).values().into_iter().map(|d| if d.is_nan() { f64::INFINITY } else { d.abs() });
    differences.fold(0.0, f64::max)
}
