//! What is right: the state at a time, with all derivatives, is that of the exact flow on the same numbers.
//!
//! A step may be off by the tolerance, and the end by `κ` times as much for every step taken. `κ` is the largest
//! `|∇X_{u,v}| (1 + |x_u|)` for two times on the way, where the norms sum up values and tangents: values with their tangents
//! solve an ODE, too, the variational equation, and this bounds its condition.
//!
//! Between the ends of a step of length `h`, the polynomial is off by `h^(q+1)`, `q` being the order of the dense output, or by
//! the tolerance if that is less: the error estimate is of no higher order. Each derivative in time divides that by `h/(q+1)²`,
//! by Markov's inequality for polynomials, and what is rounded in the difference of two states by `h`. At the ends of a step the
//! polynomial has the slopes of the field: one derivative loses nothing there.

use crate::{
    cases::{Problem, SampleOf},
    numbers::{Packed, Sample},
    paths::{Ends, Seen},
    solvers::{Choice, Steps},
};
use flowmap::{Coordinates, Dual};
use proptest::{prelude::*, test_runner::TestCaseResult};

/// How many `κ tol` a state may be off: several steps' worth.
const SHARE: f64 = 10.0;

/// What rounding loses.
const ROUNDING: f64 = 1e-15;

/// How exact the states of a path can be.
pub struct Meter<'a> {
    pub solver: Choice,
    pub ends: &'a Ends,
}

impl Meter<'_> {
    /// Whether a row ends where it starts.
    fn is_still(&self, row: usize) -> bool {
        self.ends[row].windows(2).all(|step| step[0] == step[1])
    }

    /// By how much a state of `row` at time `t`, or a part of it with so many derivatives, may be off, in units of `κ`.
    pub fn allowed(&self, row: usize, t: f64, own: bool, derivatives: u32) -> f64 {
        let steps = self.ends[row].windows(2).map(|step| [step[0].min(step[1]), step[0].max(step[1])]);
        let steps: Vec<_> = steps.filter(|[low, high]| low < high).collect();
        let longest = steps.iter().map(|[low, high]| high - low).fold(0.0, f64::max);
        let tolerance = match self.solver.steps {
            Steps::Adaptive(tolerance) => tolerance,
            Steps::Fixed(_) => longest.powf(self.solver.method.order.into()),
        };
        let reached = SHARE * (tolerance + 10.0 * ROUNDING);
        let at_end = steps.iter().any(|step| step.contains(&t));
        let degree = f64::from(self.solver.method.dense.order + 1);
        // of several steps, those between the ends of the span are as long as the clock rounds them
        let one_step = steps.len() == 1 && (self.ends[row].len() == 2 || matches!(self.solver.steps, Steps::Adaptive(_)));
        let between = |[low, high]: &[f64; 2]| {
            let length = high - low;
            let lost = if at_end && derivatives == 1 { 1.0 } else { (length / (degree * degree)).powf(derivatives.into()) };
            let missed = length.powf(degree).min(tolerance);
            let rounded = ROUNDING * (1.0 + t.abs()) / if one_step { lost } else { length.powf(derivatives.into()) };
            SHARE * (missed / lost + rounded)
        };
        let holding = steps.iter().filter(|[low, high]| !own && (*low..=*high).contains(&t));
        reached + holding.map(between).fold(0.0, f64::max)
    }
}

/// The sum of the sizes of all parts.
fn size<S: Sample>(coordinates: &[S; 2]) -> f64 {
    coordinates.iter().flat_map(Sample::parts).map(f64::abs).sum()
}

/// `κ`.
pub fn condition<S: Sample>(problem: &Problem<S>) -> f64 {
    const TIMES: u32 = 3;
    let times: Vec<S> = (0..=TIMES)
        .map(|k| f64::from(k) / f64::from(TIMES))
        .map(|share| problem.s().scale(1.0 - share) + problem.t().scale(share))
        .collect();
    let mut largest = 1.0_f64;
    for (k, u) in times.iter().enumerate() {
        let x = problem.at(u);
        for v in &times[k..] {
            let column = |i: usize| {
                let moving = |j: usize| Dual::new(x[j].clone(), S::still(if i == j { 1.0 } else { 0.0 }));
                let end = problem.still().flow(&Dual::constant(u.clone()), &Dual::constant(v.clone()), &[moving(0), moving(1)]);
                size(&end.map(|c| c.tangent().clone()))
            };
            largest = largest.max((column(0) + column(1)) * (1.0 + size(&x)));
        }
    }
    largest
}

/// The time; where the velocity jumps, which has derivatives on both sides, one on each.
fn sides<S: Sample>(problem: &Problem<S>, time: &S) -> [S; 2] {
    let t = time.parts()[0];
    let beside = 8.0 * f64::EPSILON * (1.0 + t.abs());
    let parameters = [&problem.inputs[4], &problem.inputs[5]].map(S::clone);
    let jumps = problem.family.jump(&parameters).is_some_and(|jump| (jump.parts()[0] - t).abs() < beside);
    if jumps { [time.shift(-beside), time.shift(beside)] } else { [time.clone(), time.clone()] }
}

/// Whether all that was seen is right; `rows` are the problems of the samples.
pub fn judge<X>(rows: &[Problem<SampleOf<X>>], seen: &[Seen<X>], meter: &Meter) -> TestCaseResult
where
    X: Coordinates<2, Time: Packed>,
{
    let conditions: Vec<f64> = rows.iter().map(condition).collect();
    for Seen { what, time, state, own } in seen {
        let found = state.split().map(|c| c.unpack());
        for (row, (time, problem)) in time.unpack().iter().zip(rows).enumerate() {
            let t = time.parts()[0];
            let exact = sides(problem, time).map(|time| problem.at(&time).map(|c| c.parts()));
            for i in 0..2 {
                for (part, found) in found[i][row].parts().iter().enumerate() {
                    // a path without a way knows its velocity, and no second derivative
                    if !own && part.count_ones() > 1 && meter.is_still(row) {
                        continue;
                    }
                    let allowed = conditions[row] * meter.allowed(row, t, *own, part.count_ones());
                    let right = exact.each_ref().map(|exact| exact[i][part]);
                    let error = right.map(|right| (found - right).abs()).into_iter().fold(f64::INFINITY, f64::min);
                    prop_assert!(
                        error <= allowed && found.is_finite(),
                        "{what}, row {row}, time {time:?}, coordinate {i}, part {part}: {found} instead of {right:?}, off by {error:e} of {allowed:e}"
                    );
                }
            }
        }
    }
    Ok(())
}
