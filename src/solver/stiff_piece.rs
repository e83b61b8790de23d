//! Dense output for steps of diffsol's methods.

use super::{
    Piece, Tableau,
    stiff_march::{Step, read},
    tableau::Dense,
};
use crate::{DynCoordinates, Number, Scalar, field, flow::between};

/// Its rates are those at both ends, and two that weight the terms beyond the cubic.
const QUINTIC: Tableau = Tableau {
    name: "quintic",
    order: 5,
    c: &[0.0],
    a: &[&[]],
    b: &[1.0],
    estimate: None,
    dense: Dense { order: 5, c: &[], a: &[], beyond_cubic: &[&[0.0, 0.0, 1.0], &[0.0, 0.0, 0.0, 1.0]] },
};

/// The quintic through both ends of a step and four states between them.
///
/// diffsol's interpolations have degree 5 at most, so it is the same polynomial, except where BDF's misses the start of the
/// step.
pub(super) fn bent<X: DynCoordinates<Time: Scalar>>(like: &X, step: &Step, [s, t]: [&X::Time; 2]) -> Piece<X> {
    let point = |floats: &[f64]| read(like, floats);
    let times = |x: &X, factor: f64| x.scaled(&s.constant(factor));
    let at = |theta: f64| point(&(step.between)(between(&step.shares[0], &step.shares[1], theta)));
    let sum =
        |weights: [f64; 4], parts: &[X; 4]| times(&parts[0], weights[0]).advanced(&s.constant(1.0), &weights[1..], &parts[1..]);
    let [from, to] = step.ends.map(point);
    let way = to.minus(&from);
    // x = from + θ way + θ (1-θ) q, q = p₁ + θ p₂ + θ (1-θ) (p₃ + θ p₄)
    let q: [X; 4] = std::array::from_fn(|i| {
        let theta = (i + 1) as f64 / 5.0;
        times(&at(theta).minus(&from).minus(&times(&way, theta)), (theta * (1.0 - theta)).recip())
    });
    let at_start = sum([4.0, -6.0, 4.0, -1.0], &q);
    let at_end = sum([-1.0, 4.0, -6.0, 4.0], &q);
    let bend = |i: usize, theta: f64| {
        let line = times(&at_start, 1.0 - theta).plus(&times(&at_end, theta));
        times(&q[i].minus(&line), (theta * (1.0 - theta)).recip())
    };
    let fourth = times(&bend(2, 0.6).minus(&bend(1, 0.4)), 5.0);
    let third = bend(1, 0.4).minus(&times(&fourth, 0.4));

    let [start, end] = step.shares.map(|share| between(s, t, share));
    // not 0 where rounding makes the end times equal
    let length = (t.clone() - s).scale(step.shares[1] - step.shares[0]);
    let per_time = if length.primal() == 0.0 { s.constant(0.0) } else { length.recip() };
    let weighed = [way.plus(&at_start), way.minus(&at_end), third, fourth];
    let mut rates = weighed.iter().map(|part| part.scaled(&per_time)).collect();
    Piece::new(&QUINTIC, &field(|_: &X::Time, x: &X| x.clone()), [&start, &length, &end], [&from, &to], &mut rates)
}
