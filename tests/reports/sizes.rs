//! States that are zero, tiny, infinite or no numbers.

use crate::runs::{MANY, METHODS, Mirrored, ode, solved, solved_in_single, within};
use flowmap::{
    Norm, Ode, Tolerance,
    exact::Affine,
    solver::{Adaptive, DOPRI5, Ensemble, Save, Solver, Start, Status, Tableau},
};

/// No absolute tolerance, in both norms.
fn relative_only(relative: f64) -> [impl Fn(Tableau) -> Adaptive; 2] {
    [Norm::RootMeanSquare, Norm::Maximum].map(|norm| {
        let tolerance = Tolerance::new(relative, 0.0).unwrap().in_norm(norm);
        move |method| Adaptive::new(method).unwrap().tolerance(tolerance.clone())
    })
}

/// From one state to the other and nowhere else, without an absolute tolerance, in both norms.
fn leads<const D: usize>(single: bool, relative: f64, rates: [f64; D], push: [f64; D], span: f64, x: [f64; D], end: [f64; D]) {
    let matrix = std::array::from_fn(|i| std::array::from_fn(|j| if i == j { rates[i] } else { 0.0 }));
    let ode = Affine::new(matrix, push).unwrap();
    for solver in relative_only(relative) {
        let found = if single { solved_in_single(&solver, ode, [0.0, span], x) } else { solved(&solver, ode, [0.0, span], x) };
        for found in found {
            found.ends_at(end, [MANY * relative, 0.0]);
        }
    }
}

/// `y' = 1` from 0, `(0, 1)' = (0, -y2)` and all zero, with absolute tolerance 0; quokka-astro/quokka#2065.
#[test]
fn what_is_zero_moves_or_stays_without_an_absolute_tolerance() {
    let e = 0.367_879_441_171_442_33;
    leads(false, 1e-6, [0.0], [1.0], 1.0, [0.0], [1.0]);
    leads(false, 1e-6, [0.0, -1.0], [0.0; 2], 1.0, [0.0, 1.0], [0.0, e]);
    leads(false, 1e-6, [-1.0, -1.0], [0.0; 2], 1.0, [0.0; 2], [0.0; 2]);
    leads(true, 1e-5, [0.0], [1.0], 1.0, [0.0], [1.0]);
    leads(true, 1e-5, [0.0, -1.0], [0.0; 2], 1.0, [0.0, 1.0], [0.0, e]);
    leads(true, 1e-5, [-1.0, -1.0], [0.0; 2], 1.0, [0.0; 2], [0.0; 2]);
}

/// `y' = -y` from coordinates of 1e-33, 0 and 1e-45; scipy/scipy#11239.
#[test]
fn coordinates_next_to_nothing_decay_as_others_do() {
    let start = [2.191_838_52e-33, 0.0, 1.401_298_46e-45, 0.0, 1.395_322_81e-34, 0.0];
    let end = start.map(|x: f64| x * 0.980_198_673_306_755_3);
    leads(false, 1e-6, [-1.0; 6], [0.0; 6], 0.02, start, end);
    let decay =
        Affine::<6>::new(std::array::from_fn(|i| std::array::from_fn(|j| if i == j { -1.0 } else { 0.0 })), [0.0; 6]).unwrap();
    for found in solved(within(1e-6, 1e-9), decay, [0.0, 0.02], start) {
        found.ends_at(end, [1e-9, 0.0]);
    }
    for absolute in [0.0, 1e-9] {
        for found in solved_in_single(within(1e-5, absolute), decay, [0.0, 0.02], start) {
            // the smallest number of single precision is half of all that there is
            found.ends_at(end, [MANY * 1e-5, 1.5e-45]);
        }
    }
}

/// A sibling of scipy/scipy#11239: sizes down to the smallest, relative to which errors are as everywhere.
#[test]
fn errors_are_relative_down_to_the_smallest_sizes() {
    for size in [1.0, 1e-30, 1e-36, 1e-50, 1e-100, 1e-200, 1e-300] {
        leads(false, 1e-6, [-1.0], [0.0], 5.0, [size], [size * (-5.0_f64).exp()]);
        leads(false, 1e-6, [-1.0, 3.0], [0.0; 2], 2.0, [size, size], [size * (-2.0_f64).exp(), size * 6.0_f64.exp()]);
    }
    for size in [1.0, 1e-20, 1e-30] {
        leads(true, 1e-5, [-1.0], [0.0], 5.0, [size], [size * (-5.0_f64).exp()]);
    }
    // one large and one tiny coordinate
    leads(false, 1e-6, [0.1, -1.0], [0.0; 2], 5.0, [1.0, 1e-250], [0.5_f64.exp(), 1e-250 * (-5.0_f64).exp()]);
}

ode!(Growth, 2, |_t, [x, y]| [1.01 * x, -y]);

/// `y' = 1.01 y` from infinity and NaN, and over spans that are not finite; scipy/scipy#17846, #11239,
/// SciML/OrdinaryDiffEq.jl#1939.
#[test]
fn input_that_is_not_finite_is_refused_at_the_start() {
    let good = ([0.0, 1.0], [1.0, 1.0]);
    let states = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(|bad| (good.0, [bad, 1.0]));
    let spans = [[0.0, f64::NAN], [f64::NAN, 1.0], [0.0, f64::INFINITY], [0.0, f64::NEG_INFINITY]].map(|span| (span, good.1));
    for (span, x) in states.into_iter().chain(spans) {
        for found in solved(within(1e-6, 1e-9), Growth, span, x) {
            assert_eq!(found.status, Status::NotFinite, "{found:?}");
        }
        for found in solved_in_single(within(1e-5, 1e-6), Growth, span, x) {
            assert_eq!(found.status, Status::NotFinite, "{found:?}");
        }
        for method in METHODS {
            for way in [1.0, -1.0] {
                let [s, t] = span.map(|time| way * time);
                let path = within(1e-6, 1e-9)(method).solve(&Mirrored(Growth, -1.0).field(), &s, &t, &x, &Save::End).unwrap();
                assert!(path.status() == Status::NotFinite && path.statistics().evaluations < 5, "{path:?}");
            }
        }
    }
}

/// A trajectory of an ensemble that is not finite leaves its neighbours as they are.
#[test]
fn neighbours_of_what_is_not_finite_go_on() {
    let start = |k: usize, state: [f64; 2]| Start { from: 0.0, to: 1.0 + 0.01 * k as f64, state, parameters: [] };
    let good: Vec<_> = (0..40).map(|k| start(k, [1.0 + 0.1 * k as f64, 2.0])).collect();
    let mut mixed = good.clone();
    mixed[3].state[0] = f64::NAN;
    mixed[17].to = f64::INFINITY;
    mixed[20].state[1] = f64::NEG_INFINITY;
    mixed[39].from = f64::NAN;
    let ensemble = Ensemble::new(within(1e-6, 1e-9)(DOPRI5));
    let (good, mixed) = (ensemble.solve(&Growth, &good), ensemble.solve(&Growth, &mixed));
    for (k, (good, mixed)) in good.iter().zip(&mixed).enumerate() {
        if [3, 17, 20, 39].contains(&k) {
            assert_eq!(mixed.status, Status::NotFinite);
        } else {
            assert_eq!(good, mixed);
        }
    }
}
