//! What is kept of a solve does not change it, and save times may come in any order.

use crate::fields::{ADAPTIVE, DRIVEN, DrivenField, adaptive};
use flowmap::{
    Error, Real,
    solver::{DOPRI5, FixedSteps, METHODS, RK4, Save, Solution, Solver},
};

const START: [f64; 2] = [1.0, 0.5];

fn solve<R: Real>(solver: &impl Solver<[R; 2], DrivenField>, [s, t]: [f64; 2], save: &Save) -> Solution<[R; 2]> {
    solver.solve(&DRIVEN, &R::from_f64(s), &R::from_f64(t), &START.map(R::from_f64), save).unwrap()
}

fn the_end_is_the_same_however_it_is_saved<R: Real>(solver: &impl Solver<[R; 2], DrivenField>) {
    for span in [[0.0, 7.0], [3.0, -4.0]] {
        let plain = solve::<R>(solver, span, &Save::End);
        for save in [Save::Steps, Save::Dense, Save::At(vec![span[0], 0.5, 1.5, span[1]])] {
            let other = solve::<R>(solver, span, &save);
            assert_eq!(plain.end(), other.end());
            assert_eq!(plain.end_time(), other.end_time());
            let [a, b] = [&plain, &other].map(Solution::statistics);
            assert_eq!([a.accepted, a.rejected], [b.accepted, b.rejected], "{save:?}");
        }
    }
}

#[test]
fn ends_and_steps_are_the_same_to_the_last_bit_whatever_is_saved() {
    for method in ADAPTIVE {
        the_end_is_the_same_however_it_is_saved::<f64>(&adaptive(method, 1e-5));
        the_end_is_the_same_however_it_is_saved::<f32>(&adaptive(method, 1e-4));
    }
    for method in METHODS {
        the_end_is_the_same_however_it_is_saved::<f64>(&FixedSteps::new(method, 37).unwrap());
        the_end_is_the_same_however_it_is_saved::<f32>(&FixedSteps::new(method, 37).unwrap());
    }
}

#[test]
fn the_ends_of_pieces_are_the_steps() {
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-5);
        let (steps, dense) = (solve::<f64>(&solver, [0.0, 7.0], &Save::Steps), solve::<f64>(&solver, [0.0, 7.0], &Save::Dense));
        assert_eq!(steps.times().len(), dense.pieces().len() + 1);
        for (i, piece) in dense.pieces().iter().enumerate() {
            assert_eq!([piece.start(), piece.end()], [&steps.times()[i], &steps.times()[i + 1]]);
            assert_eq!(piece.to(), &steps.states()[i + 1]);
        }
    }
}

/// Times in any order, twice, at both ends and at the ends of steps; every one gets the state that dense output has there.
fn save_times_are_served_in_their_order<R: Real>(solver: &impl Solver<[R; 2], DrivenField>, span: [f64; 2]) {
    let dense = solve::<R>(solver, span, &Save::Dense);
    let [low, high] = if span[0] < span[1] { span } else { [span[1], span[0]] };
    let mut times: Vec<f64> = (0..40).map(|i| low + (high - low) * f64::from(i * 17 % 40) / 39.0).collect();
    times.extend([high, low, high, low, 0.5 * (low + high), 0.5 * (low + high)]);
    times.extend(dense.pieces().iter().rev().map(|piece| piece.end().into_f64()));
    times.iter_mut().for_each(|time| *time = R::from_f64(*time).into_f64().clamp(low, high));
    let saved = solve::<R>(solver, span, &Save::At(times.clone()));
    assert_eq!(saved.times().iter().map(|t| t.into_f64()).collect::<Vec<_>>(), times);
    assert_eq!(saved.states().len(), times.len());
    for (time, state) in saved.times().iter().zip(saved.states()) {
        assert!(state.iter().all(|x| x.is_finite()), "{time}: {state:?}");
        assert_eq!(state, &dense.at(time), "at {time}");
    }
    assert_eq!(saved.states()[times.iter().position(|t| *t == span[1]).unwrap()], *saved.end());
    assert_eq!(saved.states()[times.iter().position(|t| *t == span[0]).unwrap()], START.map(R::from_f64));
}

#[test]
fn save_times_may_be_unsorted_doubled_and_at_the_ends() {
    for span in [[0.0, 7.0], [3.0, -4.0]] {
        for method in ADAPTIVE {
            save_times_are_served_in_their_order::<f64>(&adaptive(method, 1e-5), span);
            save_times_are_served_in_their_order::<f32>(&adaptive(method, 1e-4), span);
        }
        for method in METHODS {
            save_times_are_served_in_their_order::<f64>(&FixedSteps::new(method, 10).unwrap(), span);
            save_times_are_served_in_their_order::<f32>(&FixedSteps::new(method, 10).unwrap(), span);
        }
    }
}

/// `i (t - s)/n` is not always the float at which step `i` ends: no time may fall between two steps.
#[test]
fn every_time_beside_the_end_of_a_step_has_a_state() {
    for (s, t) in [(0.0, 1.0), (0.1, 0.9), (1000.0, 1001.7), (-0.3, 5.0), (1.0, 0.3), (1e6, 1e6 + 1.0)] {
        for n in 1..60 {
            let solver = FixedSteps::new(RK4, n).unwrap();
            let dense = solve::<f64>(&solver, [s, t], &Save::Dense);
            let ends = dense.pieces().iter().map(|piece| *piece.end());
            let times: Vec<f64> =
                ends.flat_map(|e| [e.next_down(), e, e.next_up()]).filter(|e| (s.min(t)..=s.max(t)).contains(e)).collect();
            for time in &times {
                assert!(dense.at(time)[0].is_finite(), "{n} steps from {s} to {t}: nothing at {time}");
            }
            let saved = solve::<f64>(&solver, [s, t], &Save::At(times.clone()));
            assert_eq!(saved.times(), times, "{n} steps from {s} to {t}");
        }
    }
}

#[test]
fn save_times_outside_of_the_span_are_refused() {
    let solvers = (adaptive(DOPRI5, 1e-6), FixedSteps::new(RK4, 3).unwrap());
    for bad in [-1e-9, 1.0 + 1e-12, f64::NAN, f64::INFINITY] {
        for span in [[0.0, 1.0], [1.0, 0.0]] {
            let save = Save::At(vec![0.5, bad]);
            let results = [
                solvers.0.solve(&DRIVEN, &span[0], &span[1], &START, &save),
                solvers.1.solve(&DRIVEN, &span[0], &span[1], &START, &save),
            ];
            for result in results {
                assert!(matches!(result, Err(Error::Invalid { what: "save time", .. })), "{bad} in {span:?}");
            }
        }
    }
}

#[test]
fn no_save_times_are_no_states() {
    let path = solve::<f64>(&adaptive(DOPRI5, 1e-6), [0.0, 1.0], &Save::At(vec![]));
    assert!(path.times().is_empty() && path.states().is_empty() && path.status().is_success());
}
