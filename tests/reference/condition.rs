//! What problems make of errors, and that the factors which they are allowed do not exceed it.

use crate::problems::{self, Problem, Visitor, adaptive};
use flowmap::{
    Ode,
    analysis::jacobian,
    solver::{DOP853, DOPRI5, Save, Solver},
};
use std::{collections::BTreeMap, sync::Mutex};

/// What one tolerance, taken at time `t`, becomes at the end: `‖∇X_{t,T}(x_t)‖ (1 + |x_t|)`, in the maximum norm.
fn growth<const D: usize, O: Ode<D> + Copy>(problem: &Problem<O, D>, time: f64, x: &[f64; D]) -> f64 {
    let map = adaptive(DOP853, 1e-9).of(problem.field());
    let jacobian = jacobian(&map, &time, &problem.end, x);
    let rows = jacobian.iter().map(|row| row.iter().map(|entry| entry.abs()).sum::<f64>());
    rows.fold(0.0, f64::max) * (1.0 + x.iter().fold(0.0, |size: f64, x| size.max(x.abs())))
}

/// The largest [`growth`] over a grid of times.
pub fn condition<const D: usize, O: Ode<D> + Copy>(problem: &Problem<O, D>) -> f64 {
    static KNOWN: Mutex<BTreeMap<&str, f64>> = Mutex::new(BTreeMap::new());
    if let Some(known) = KNOWN.lock().unwrap().get(problem.name) {
        return *known;
    }
    const PARTS: u32 = 50;
    let times = (0..PARTS).map(|i| problem.end * f64::from(i) / f64::from(PARTS)).collect();
    let path = adaptive(DOP853, 1e-9).solve(&problem.field(), &0.0, &problem.end, &problem.x, &Save::At(times)).unwrap();
    let sizes = path.times().iter().zip(path.states()).map(|(time, x)| growth(problem, *time, x));
    let condition = sizes.fold(0.0, f64::max);
    KNOWN.lock().unwrap().insert(problem.name, condition);
    condition
}

struct Factors;

impl Visitor for Factors {
    fn visit<const D: usize, O: Ode<D> + Copy>(&mut self, problem: &Problem<O, D>) {
        if problem.factor > 100.0 {
            let path = adaptive(DOPRI5, 1e-6).solve(&problem.field(), &0.0, &problem.end, &problem.x, &Save::Steps).unwrap();
            let steps = path.times().iter().zip(path.states());
            let mut sums = steps.map(|(time, x)| growth(problem, *time, x)).scan(0.0, |sum, growth| {
                *sum += growth;
                Some(*sum)
            });
            // the sum over all steps is at least this one
            assert!(sums.any(|sum| sum >= problem.factor), "{}", problem.name);
        }
    }
}

/// A tolerance allows every step an error of `tolerance (1 + |x|)`. What the errors of all steps of Dopri5 together may become at
/// the end is more than any factor above 100.
#[test]
fn no_problem_is_allowed_more_than_the_tolerance_allows() {
    problems::each(&mut Factors);
}
