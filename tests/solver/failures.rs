//! Solves that cannot succeed, or hardly: they end, in bounded time, with a status that says why.

use crate::fields::{ADAPTIVE, DRIVEN, adaptive};
use flowmap::{
    Error, FlowMap, State, Tolerance,
    exact::{Blowup, Rotation},
    field,
    solver::{Adaptive, DOP853, DOPRI5, FixedSteps, METHODS, RK4, Save, Solver, Status},
};

#[test]
fn a_start_that_is_nan_is_not_finite() {
    for bad in [f64::NAN, f64::INFINITY] {
        for x in [[bad, 0.0], [0.0, bad], [bad, bad]] {
            for method in ADAPTIVE {
                let path = adaptive(method, 1e-6).solve(&DRIVEN, &0.0, &1.0, &x, &Save::Dense).unwrap();
                assert_eq!((path.status(), path.end_time()), (Status::NotFinite, &0.0), "{} from {x:?}", method.name);
                assert_eq!(path.statistics().accepted, 0);
            }
            let path = FixedSteps::new(RK4, 4).unwrap().solve(&DRIVEN, &0.0, &1.0, &x, &Save::End).unwrap();
            assert_eq!(path.status(), Status::NotFinite);
        }
    }
}

#[test]
fn a_velocity_that_becomes_nan_stops_the_solve_just_before() {
    let until_one = field(|t: &f64, [x]: &[f64; 1]| [if *t > 1.0 { f64::NAN } else { -x }]);
    // the midpoint rule evaluates no rate in the second half of a step: it ends up to that much later
    for (method, tolerance) in ADAPTIVE.into_iter().zip([1e-3, 1e-3, 1e-5, 1e-8, 1e-8, 1e-8]).skip(1) {
        let path = adaptive(method, tolerance).solve(&until_one, &0.0, &2.0, &[1.0], &Save::Dense).unwrap();
        assert_eq!(path.status(), Status::NotFinite, "{}", method.name);
        assert!((path.end_time() - 1.0).abs() < 1e-12, "{}: {}", method.name, path.end_time());
        assert!((path.end()[0] - (-1.0_f64).exp()).abs() < 100.0 * tolerance, "{}", method.name);
        assert!(path.at(&0.9)[0].is_finite() && path.at(&1.1)[0].is_nan());
    }
}

#[test]
fn a_velocity_that_jumps_is_followed_across_the_jump() {
    // the solution is |t - 1|
    let kink = field(|t: &f64, _: &[f64; 1]| [if *t < 1.0 { -1.0 } else { 1.0 }]);
    // the midpoint rule evaluates no rate in the second half of a step, and may miss the jump
    for method in ADAPTIVE.into_iter().skip(1) {
        let path = adaptive(method, 1e-8).solve(&kink, &0.0, &3.0, &[1.0], &Save::End).unwrap();
        assert_eq!(path.status(), Status::Finished, "{}", method.name);
        assert!((path.end()[0] - 2.0).abs() < 1e-5, "{}: {:?}", method.name, path.end());
        assert!(path.statistics().rejected < 300);
    }
}

/// `√|x|` is not Lipschitz at 0, where solutions are not unique: one that starts there may stay, and does.
#[test]
fn where_solutions_are_not_unique_one_of_them_is_found() {
    let root = field(|_: &f64, [x]: &[f64; 1]| [x.abs().sqrt()]);
    for method in ADAPTIVE {
        let path = adaptive(method, 1e-6).solve(&root, &0.0, &2.0, &[0.0], &Save::End).unwrap();
        assert_eq!((path.status(), path.end()), (Status::Finished, &[0.0]), "{}", method.name);
        // from above it is ((t + 2 √x)/2)²
        let path = adaptive(method, 1e-6).solve(&root, &0.0, &2.0, &[0.25], &Save::End).unwrap();
        assert!((path.end()[0] - 2.25).abs() < 1e-4, "{}: {:?}", method.name, path.end());
        // from below, backward to the left of the meeting with 0, it ends, wherever that is
        let path = adaptive(method, 1e-6).solve(&root, &0.0, &2.0, &[-0.25], &Save::End).unwrap();
        assert!((-1e-3..0.3).contains(&path.end()[0]), "{}: {:?}, {}", method.name, path.end(), path.status());
    }
}

#[test]
fn a_solution_that_blows_up_is_followed_almost_until_then() {
    for method in ADAPTIVE {
        for (x, time) in [(1.0_f64, 1.0_f64), (4.0, 0.25), (-2.0, -0.5)] {
            let path = adaptive(method, 1e-6).solve(&Blowup, &0.0, &(3.0 * time), &[x], &Save::End).unwrap();
            assert_eq!(path.status(), Status::StepTooSmall, "{} from {x}", method.name);
            let gap = (path.end_time() / time - 1.0).abs();
            assert!(gap < 1e-3, "{} from {x}: it stopped {gap:e} before", method.name);
        }
    }
    let map = adaptive(DOPRI5, 1e-9).of(Blowup);
    assert!(map.flow(&0.0, &2.0, &[1.0_f64])[0].is_nan());
    match map.try_flow(&0.0, &2.0, &[1.0]) {
        Err(Error::Stopped { from: 0.0, to: 2.0, time, status: Status::StepTooSmall }) => assert!((time - 1.0).abs() < 1e-6),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_number_of_attempts_is_limited() {
    for limit in [0, 1, 7, 50] {
        let path = adaptive(DOPRI5, 1e-9).max_steps(limit).solve(&DRIVEN, &0.0, &100.0, &[1.0, 0.0], &Save::Steps).unwrap();
        let taken = path.statistics();
        assert_eq!(path.status(), Status::TooManySteps);
        assert_eq!(taken.accepted + taken.rejected, u64::from(limit));
        assert_eq!(path.states().len() as u64, 1 + taken.accepted);
        assert_eq!(path.times().last(), Some(path.end_time()));
    }
}

#[test]
fn steps_are_no_longer_than_allowed() {
    let solver = adaptive(DOPRI5, 1e-2).step_limits(0.0, 0.125).unwrap();
    for t in [5.0_f64, -5.0, 5.001] {
        let path = solver.solve(&DRIVEN, &0.0, &t, &[1.0, 0.0], &Save::Steps).unwrap();
        let longest = path.times().windows(2).map(|t| (t[1] - t[0]).abs()).fold(0.0, f64::max);
        assert!(path.status().is_success() && longest <= 0.125 && longest > 0.12, "{longest}");
    }
}

#[test]
fn steps_are_no_shorter_than_allowed_but_for_the_last() {
    let solver = adaptive(DOPRI5, 1e-2).step_limits(0.01, 10.0).unwrap();
    let path = solver.solve(&DRIVEN, &0.0, &5.0, &[1.0, 0.0], &Save::Steps).unwrap();
    assert_eq!(path.status(), Status::Finished);
    let steps: Vec<f64> = path.times().windows(2).map(|t| t[1] - t[0]).collect();
    assert!(steps[..steps.len() - 1].iter().all(|h| *h >= 0.01), "{steps:?}");
    let path = solver.step_limits(0.1, 10.0).unwrap().tolerance(Tolerance::new(1e-12, 1e-12).unwrap()).solve(
        &DRIVEN,
        &0.0,
        &5.0,
        &[1.0, 0.0],
        &Save::End,
    );
    assert_eq!(path.unwrap().status(), Status::StepTooSmall, "it would need shorter ones");
}

/// A first step is a guess: where it is shorter than allowed, it is taken as long as allowed.
#[test]
fn a_shortest_step_does_not_stop_a_solve_that_needs_none_as_short() {
    let turn = Rotation::new(1.0).unwrap();
    for shortest in [1e-6, 1e-3, 0.02, 0.1] {
        let solver = adaptive(DOP853, 1e-6).step_limits(shortest, 1.0).unwrap();
        for x in [[1.0, 0.0], [1e-9, 0.0]] {
            let path = solver.solve(&turn, &0.0, &3.0, &x, &Save::End).unwrap();
            assert_eq!(path.status(), Status::Finished, "no shorter than {shortest}, from {x:?}");
        }
    }
}

#[test]
fn a_tolerance_below_rounding_ends_in_bounded_time() {
    for method in ADAPTIVE {
        let path = adaptive(method, 1e-12).solve(&DRIVEN, &0.0_f32, &10.0, &[1.0, 0.0], &Save::End).unwrap();
        let taken = path.statistics();
        assert!(taken.accepted + taken.rejected <= 100_000, "{}", method.name);
        // either it says that it could not, or what it found is as good as single precision allows
        let fine = adaptive(method, 1e-6).solve(&DRIVEN, &0.0, &10.0, &[1.0, 0.0], &Save::End).unwrap();
        let gap = path.end().iter().zip(fine.end()).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(path.status() != Status::Finished || gap < 1e-2, "{}: {gap}", method.name);
        let tight = Adaptive::new(method).unwrap().tolerance(Tolerance::new(1e-17, 0.0).unwrap()).max_steps(10_000);
        let path = tight.solve(&DRIVEN, &0.0, &10.0, &[1.0, 0.0], &Save::End).unwrap();
        let taken = path.statistics();
        assert!(path.status().is_success() || taken.accepted + taken.rejected >= 100, "{}: {}", method.name, path.status());
    }
}

#[test]
fn a_velocity_of_any_size_is_started_with() {
    for size in [1e-300, 1e-30, 1e-10, 1.0, 1e10, 1e30, 1e100] {
        let grow = field(move |_: &f64, [x]: &[f64; 1]| [size * x]);
        for method in ADAPTIVE {
            let path = adaptive(method, 1e-6).solve(&grow, &0.0, &(1.0 / size), &[1.0], &Save::End).unwrap();
            assert_eq!(path.status(), Status::Finished, "{}: rate {size:e}", method.name);
            assert!((path.end()[0] / 1.0_f64.exp() - 1.0).abs() < 1e-3, "{}: rate {size:e}", method.name);
        }
    }
}

#[test]
fn fixed_steps_into_an_overflow_are_not_finite() {
    for method in METHODS {
        let path = FixedSteps::new(method, 50).unwrap().solve(&Blowup, &0.0, &50.0, &[1.0], &Save::Dense).unwrap();
        assert_eq!(path.status(), Status::NotFinite, "{}", method.name);
        assert!(path.success().is_err());
    }
}

#[test]
fn settings_without_meaning_are_refused() {
    assert!(Adaptive::new(RK4).is_err() && FixedSteps::new(RK4, 0).is_err());
    let solver = Adaptive::new(DOPRI5).unwrap();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(solver.clone().first_step(bad).is_err());
        assert!(solver.clone().step_limits(0.0, bad).is_err() || bad == f64::INFINITY);
    }
    assert!(solver.clone().step_limits(2.0, 1.0).is_err() && solver.step_limits(f64::NAN, 1.0).is_err());
    assert!([1.0_f64].minus(&[1.0]).norm() == 0.0);
}
