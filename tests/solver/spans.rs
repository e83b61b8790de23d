//! Spans without length, tiny ones, infinite ones, and there and back.

use crate::fields::{ADAPTIVE, DRIVEN, adaptive};
use flowmap::{
    Error, FlowMap, State, VelocityField, field,
    solver::{Adaptive, DOP853, DOPRI5, FixedSteps, METHODS, RK4, Save, Solver, Status, TSIT5},
};

const START: [f64; 2] = [1.0, 0.5];

#[test]
fn there_and_back_is_where_it_began() {
    for (method, tolerance) in [(DOPRI5, 1e-9), (TSIT5, 1e-9), (DOP853, 1e-12)] {
        let map = adaptive(method, tolerance).of(DRIVEN);
        for (s, t) in [(0.0, 10.0), (4.0, -3.0)] {
            let back: [f64; 2] = map.flow(&t, &s, &map.flow(&s, &t, &START));
            let error = back.minus(&START).norm();
            assert!(error < 300.0 * tolerance, "{}: {error:e}", method.name);
        }
    }
}

/// `x(-t)` solves the ODE with the reversed field: every operation is the same but for signs.
#[test]
fn backward_is_forward_in_reversed_time_to_the_last_bit() {
    let reversed = field(|t: &f64, x: &[f64; 2]| DRIVEN.velocity(&-t, x).negated());
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-6);
        let save = Save::At(vec![0.0, -1.3, -2.9, -4.0]);
        let backward = solver.solve(&DRIVEN, &0.0, &-4.0, &START, &save).unwrap();
        let forward = solver.solve(&reversed, &0.0, &4.0, &START, &Save::At(vec![0.0, 1.3, 2.9, 4.0])).unwrap();
        assert_eq!(backward.states(), forward.states(), "{}", method.name);
        assert_eq!(backward.statistics(), forward.statistics());
    }
}

#[test]
fn a_span_without_length_leaves_the_state_as_it_is() {
    for time in [0.0, 1e3, -5.0] {
        for save in [Save::End, Save::Steps, Save::Dense, Save::At(vec![time, time])] {
            let adaptive = adaptive(DOPRI5, 1e-6).solve(&DRIVEN, &time, &time, &START, &save).unwrap();
            let fixed = FixedSteps::new(RK4, 5).unwrap().solve(&DRIVEN, &time, &time, &START, &save).unwrap();
            for path in [adaptive, fixed] {
                assert_eq!((path.status(), path.end(), path.end_time()), (Status::Finished, &START, &time));
                assert_eq!(path.at(&time), START);
                assert!(path.states().iter().all(|x| *x == START));
                if let Save::At(times) = &save {
                    assert_eq!(path.times(), times);
                }
            }
        }
    }
}

#[test]
fn tiny_spans_move_the_state_by_span_times_rate() {
    let spans =
        [(0.0, 1e-300), (0.0, -1e-300), (0.0, 5e-324), (1e3, 1e3_f64.next_up()), (1e3, 1e3_f64.next_down()), (0.0, 1e-20)];
    for (s, t) in spans {
        let move_by = |path: flowmap::solver::Solution<[f64; 2]>, name: &str| {
            assert_eq!((path.status(), path.end_time()), (Status::Finished, &t), "{name} from {s} to {t}");
            let expected = START.plus(&DRIVEN.velocity(&s, &START).scaled(&(t - s)));
            assert!(path.end().minus(&expected).norm() <= 2.0 * f64::EPSILON, "{name} from {s} to {t}: {:?}", path.end());
        };
        for method in ADAPTIVE {
            move_by(adaptive(method, 1e-9).solve(&DRIVEN, &s, &t, &START, &Save::Dense).unwrap(), method.name);
        }
        for method in METHODS {
            move_by(FixedSteps::new(method, 1).unwrap().solve(&DRIVEN, &s, &t, &START, &Save::Dense).unwrap(), method.name);
        }
    }
}

/// Far from time 0 the clock is coarse: a step is at least a few of its ticks.
#[test]
fn spans_of_a_few_ticks_of_the_clock_are_solved() {
    for ticks in 1..40 {
        let (s, t) = (1e3, (0..ticks).fold(1e3_f64, |t, _| t.next_up()));
        for method in ADAPTIVE {
            let path = adaptive(method, 1e-9).solve(&DRIVEN, &s, &t, &START, &Save::End).unwrap();
            assert_eq!((path.status(), path.end_time()), (Status::Finished, &t), "{}: {ticks} ticks", method.name);
        }
    }
}

#[test]
fn spans_to_infinity_or_nan_say_so() {
    for (s, t) in [(0.0, f64::INFINITY), (0.0, f64::NEG_INFINITY), (0.0, f64::NAN), (f64::NAN, 0.0), (f64::INFINITY, 0.0)] {
        for save in [Save::End, Save::Steps, Save::Dense] {
            let path = adaptive(DOPRI5, 1e-6).solve(&DRIVEN, &s, &t, &START, &save).unwrap();
            assert_eq!(path.status(), Status::NotFinite, "from {s} to {t}");
            let path = FixedSteps::new(RK4, 5).unwrap().solve(&DRIVEN, &s, &t, &START, &save).unwrap();
            assert_eq!(path.status(), Status::NotFinite, "fixed, from {s} to {t}");
        }
        let map = adaptive(DOPRI5, 1e-6).of(DRIVEN);
        assert!(map.flow(&s, &t, &START)[0].is_nan());
        assert!(matches!(map.try_flow(&s, &t, &START), Err(Error::Stopped { status: Status::NotFinite, .. })));
        let map = FixedSteps::new(RK4, 5).unwrap().of(DRIVEN);
        assert!(map.try_flow(&s, &t, &START).is_err() && !map.flow(&s, &t, &START)[0].is_finite());
    }
}

/// Relative errors alone, and a coordinate that starts at 0, far from time 0.
#[test]
fn an_absolute_tolerance_of_zero_works_beside_a_coordinate_that_starts_at_zero() {
    let tolerance = flowmap::Tolerance::new(1e-6, 0.0).unwrap();
    let turn = flowmap::exact::Rotation::new(1.0).unwrap();
    for s in [0.0, 1.0, 1e3] {
        let path = Adaptive::new(DOPRI5)
            .unwrap()
            .tolerance(tolerance.clone())
            .solve(&turn, &s, &(s + 1.0), &[1.0, 0.0], &Save::End)
            .unwrap();
        assert_eq!(path.status(), Status::Finished, "from {s}");
        assert!((path.end()[1] - 1.0_f64.sin()).abs() < 1e-5);
    }
    let path = Adaptive::new(DOPRI5).unwrap().tolerance(tolerance).solve(&turn, &1.0_f32, &2.0, &[1.0, 0.0], &Save::End).unwrap();
    assert_eq!(path.status(), Status::Finished, "in f32");
}
