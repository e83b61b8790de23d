//! Dense output.
//!
//! A tableau calls the order of its dense output `q` if the polynomial on one step, from an exact start, is off by
//! `O(h^(q+1))`. On a whole solve the error at the ends of steps, `O(h^p)`, is added: between them it is
//! `O(h^min(p, q+1))`. Both are measured: the first on single steps that start on the solution, which is the claim itself, the
//! second as what a user sees.

use super::flows::{self, Visitor, Way, converge, distance, is_near, order};
use flowmap::{
    FlowMap, Pointwise,
    exact::ExactFlow,
    solver::{FixedSteps, METHODS, Save, Solver, Tableau},
};

/// Shares of a step at which errors are measured.
const SHARES: [f64; 7] = [0.11, 0.25, 0.37, 0.5, 0.64, 0.79, 0.92];

/// Of a method.
struct Orders(Tableau);

impl Visitor for Orders {
    fn visit<const D: usize, E: ExactFlow<D>>(&self, way: &Way<Pointwise<E, D>, D>) -> Option<String> {
        let Way { flow, s, t, .. } = way;
        let method = self.0;
        // of the solution through x, from one time to another
        let worst = |from: f64, to: f64, x: &[f64; D], n: u32| {
            let start: [f64; D] = flow.flow(s, &from, x);
            let path = FixedSteps::new(method, n).unwrap().solve(flow, &from, &to, &start, &Save::Dense).unwrap();
            let errors = (0..n).flat_map(|i| SHARES.map(|share| (f64::from(i) + share) / f64::from(n))).map(|share| {
                let time = from + share * (to - from);
                let exact: [f64; D] = flow.flow(s, &time, x);
                distance(&path.at(&time), &exact)
            });
            largest(errors)
        };
        let local = order(|n| {
            let step = (t - s) / f64::from(n);
            let starts = (0..8).map(|i| s + f64::from(i) / 8.0 * (t - s));
            largest(starts.map(|from| way.over_starts(|x| worst(from, from + step, x, 1))))
        });
        let global = order(|n| way.over_starts(|x| worst(*s, *t, x, n)));
        let q = method.dense.order;
        let line = format!("{:<16} dense order {q} in {D} dimensions: one step {local:.2}, all {global:.2}", method.name);
        println!("{line}");
        let expected = f64::from(method.order.min(q + 1));
        let holds = is_near(local, f64::from(q + 1)) && is_near(global, expected);
        (!holds).then_some(line)
    }
}

/// The largest of some errors; NaN if one is, where steps are so long that they lead nowhere.
fn largest(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, |largest, error| if error > largest || error.is_nan() { error } else { largest })
}

#[test]
fn dense_output_converges_with_the_order_that_the_tableau_claims() {
    converge(METHODS.into_iter().filter(|method| method.order < 8).map(Orders), flows::each);
}

#[test]
fn the_same_for_methods_of_high_order() {
    converge(METHODS.into_iter().filter(|method| method.order >= 8).map(Orders), flows::each_long);
}
