//! Stepping by hand.

use crate::fields::{ADAPTIVE, DRIVEN, adaptive};
use flowmap::{
    FlowMap, State,
    exact::{Blowup, Rotation},
    field,
    solver::{DOPRI5, Save, Solver, Status},
};

const START: [f64; 2] = [1.0, 0.5];

#[test]
fn steps_by_hand_are_those_of_a_solve() {
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-5);
        let path = solver.solve(&DRIVEN, &0.0, &6.0, &START, &Save::Steps).unwrap();
        let mut stepper = solver.start(DRIVEN, &0.0, &6.0, &START);
        let mut times = vec![*stepper.time()];
        while stepper.step() {
            times.push(*stepper.time());
        }
        assert_eq!((path.times(), path.end()), (&times[..], stepper.state()), "{}", method.name);
        assert_eq!(stepper.statuses(), [Status::Finished]);
        assert!(!stepper.step() && !stepper.step(), "it is over");
    }
}

#[test]
fn under_way_is_not_finished() {
    let mut stepper = adaptive(DOPRI5, 1e-9).start(DRIVEN, &0.0, &6.0, &START);
    assert!(stepper.step());
    assert_eq!(stepper.statuses(), [Status::TooManySteps]);
    assert!(*stepper.time() > 0.0 && *stepper.time() < 6.0 && *stepper.target() == 6.0 && *stepper.next_step() > 0.0);
}

#[test]
fn a_stepper_shows_where_it_is() {
    let mut stepper = adaptive(DOPRI5, 1e-3).start(DRIVEN, &0.0, &6.0, &START);
    let shown = format!("{stepper:?}");
    assert!(shown.starts_with("Stepper { time: 0.0, target: 6.0, state: [1.0, 0.5], next_step: "), "{shown}");
    assert!(shown.contains("ends: [None], statistics: Statistics { evaluations: 2, accepted: 0"), "{shown}");
    while stepper.step() {}
    let shown = format!("{stepper:?}");
    assert!(shown.starts_with("Stepper { time: 6.0, ") && shown.contains("ends: [Some(Finished)]"), "{shown}");
}

#[test]
fn pieces_join_and_may_be_asked_for_twice() {
    for method in ADAPTIVE {
        let mut stepper = adaptive(method, 1e-6).start(DRIVEN, &0.0, &6.0, &START);
        let plain = adaptive(method, 1e-6).solve(&DRIVEN, &0.0, &6.0, &START, &Save::End).unwrap();
        let mut before = START;
        while stepper.step() {
            let (one, two) = (stepper.piece(), stepper.piece());
            let middle = 0.5 * (one.start() + one.end());
            assert_eq!(one.at(&middle), two.at(&middle));
            assert_eq!((one.at(one.start()), &one.at(one.end())), (before, one.to()));
            before = *one.to();
        }
        assert_eq!(stepper.state(), plain.end(), "looking does not change the steps");
    }
}

/// Beyond its ends a piece is the same polynomial: on a solution that is one, the solution.
#[test]
fn a_piece_continues_beyond_both_ends() {
    let cubic = field(|t: &f64, _: &[f64; 1]| [3.0 * t * t]);
    let mut stepper = adaptive(DOPRI5, 1e-3).start(&cubic, &0.0, &1.0, &[0.0]);
    assert!(stepper.step());
    let piece = stepper.piece();
    for time in [-0.5, -1e-3, piece.end() * 1.001, 1.5] {
        let found = piece.at(&time)[0];
        assert!((found - time.powi(3)).abs() < 1e-9 * (1.0 + (time / piece.end()).powi(3).abs()), "{found} at {time}");
    }
}

#[test]
fn a_jump_changes_the_state_and_nothing_else() {
    let turn = Rotation::new(1.0).unwrap();
    let solver = adaptive(DOPRI5, 1e-10);
    let mut stepper = solver.start(turn, &0.0, &4.0, &[1.0, 0.0]);
    while *stepper.time() < 1.0 && stepper.step() {}
    let time = *stepper.time();
    stepper.jump_to([0.0, 2.0]);
    assert_eq!((stepper.time(), stepper.state()), (&time, &[0.0, 2.0]));
    while stepper.step() {}
    let expected: [f64; 2] = turn.flow(&time, &4.0, &[0.0, 2.0]);
    assert!(stepper.state().minus(&expected).norm() < 1e-8 && stepper.statuses() == [Status::Finished]);
}

#[test]
fn a_jump_before_the_first_step_and_one_into_nan() {
    let solver = adaptive(DOPRI5, 1e-9);
    let mut stepper = solver.start(DRIVEN, &0.0, &4.0, &[3.0, 3.0]);
    stepper.jump_to(START);
    while stepper.step() {}
    let expected: [f64; 2] = solver.of(DRIVEN).flow(&0.0, &4.0, &START);
    assert!(stepper.state().minus(&expected).norm() < 1e-7);
    let mut stepper = adaptive(DOPRI5, 1e-9).start(DRIVEN, &0.0, &4.0, &START);
    stepper.step();
    stepper.jump_to([f64::NAN, 0.0]);
    assert!(!stepper.step());
    assert_eq!(stepper.statuses(), [Status::NotFinite]);
}

#[test]
#[should_panic(expected = "the last attempt was no step")]
fn a_piece_after_a_jump_does_not_exist() {
    let mut stepper = adaptive(DOPRI5, 1e-9).start(DRIVEN, &0.0, &4.0, &START);
    stepper.step();
    stepper.jump_to(START);
    stepper.piece();
}

#[test]
fn an_end_can_be_moved_forward_and_back() {
    let turn = Rotation::new(1.0).unwrap();
    let mut stepper = adaptive(DOPRI5, 1e-10).start(turn, &0.0, &1.0, &[1.0, 0.0]);
    while stepper.step() {}
    for target in [3.0_f64, -2.0, -2.0, 0.5] {
        stepper.extend_to(&target);
        while stepper.step() {}
        assert_eq!((stepper.time(), stepper.statuses()), (&target, vec![Status::Finished]));
        let error = stepper.state().minus(&[target.cos(), target.sin()]).norm();
        assert!(error < 1e-7, "at {target}: {error:e}");
    }
}

#[test]
fn a_target_can_be_changed_on_the_way() {
    let turn = Rotation::new(1.0).unwrap();
    let mut stepper = adaptive(DOPRI5, 1e-10).start(turn, &0.0, &10.0, &[1.0, 0.0]);
    while *stepper.time() < 1.0 && stepper.step() {}
    stepper.extend_to(&-1.0);
    while stepper.step() {}
    assert!(stepper.time() == &-1.0 && (stepper.state()[0] - 1.0_f64.cos()).abs() < 1e-8);
}

#[test]
fn a_solve_that_stopped_can_go_on_from_another_state() {
    let mut stepper = adaptive(DOPRI5, 1e-6).start(Blowup, &0.0, &3.0, &[1.0_f64]);
    while stepper.step() {}
    assert_eq!(stepper.statuses(), [Status::StepTooSmall]);
    let time = *stepper.time();
    stepper.jump_to([-1.0]);
    stepper.extend_to(&3.0);
    while stepper.step() {}
    assert_eq!((stepper.statuses(), stepper.time()), (vec![Status::Finished], &3.0));
    assert!((stepper.state()[0] + 1.0 / (1.0 + (3.0 - time))).abs() < 1e-4);
}

#[test]
#[should_panic(expected = "the last attempt was no step")]
fn a_solve_that_gave_up_has_no_last_piece() {
    let mut stepper = adaptive(flowmap::solver::DOP853, 1e-6).start(&flowmap::exact::Blowup, &0.0, &2.0, &[1.0_f64]);
    while stepper.step() {}
    let _ = stepper.piece();
}
