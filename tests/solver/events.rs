//! Events against closed forms.

use crate::fields::{ADAPTIVE, DRIVEN, adaptive};
use flowmap::{
    Ode,
    exact::Rotation,
    field,
    solver::{DOP853, DOPRI5, Event, Save, Solution, Status},
};
use std::f64::consts::PI;

type Plane = [f64; 2];

/// On `(cos t, sin t)`.
fn turn(end: f64, save: &Save, events: &[Event<Plane>]) -> Solution<Plane> {
    let turn = Rotation::new(1.0).unwrap();
    adaptive(DOPRI5, 1e-9).solve_until(&turn, &0.0, &end, &[1.0, 0.0], save, events).unwrap()
}

fn times(path: &Solution<Plane>, event: usize) -> Vec<f64> {
    path.crossings().iter().filter(|c| c.event == event).map(|c| c.time).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?} against {expected:?}");
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{found:?} against {expected:?}");
}

#[test]
fn directions_choose_among_crossings() {
    let ordinate = || Event::new(|_: &f64, x: &Plane| x[1]);
    let path = turn(10.0, &Save::End, &[ordinate(), ordinate().rising(), ordinate().falling()]);
    // the zero at the start does not count
    close(&times(&path, 0), &[PI, 2.0 * PI, 3.0 * PI]);
    close(&times(&path, 1), &[2.0 * PI]);
    close(&times(&path, 2), &[PI, 3.0 * PI]);
    // backward, what falls in time rises on the way
    let path = turn(-10.0, &Save::End, &[ordinate(), ordinate().rising(), ordinate().falling()]);
    close(&times(&path, 0), &[-PI, -2.0 * PI, -3.0 * PI]);
    close(&times(&path, 1), &[-PI, -3.0 * PI]);
    close(&times(&path, 2), &[-2.0 * PI]);
}

#[test]
fn several_events_in_one_step_come_in_their_order() {
    let line = field(|_: &f64, _: &[f64; 1]| [1.0]);
    let level = |c: f64| Event::new(move |_: &f64, [x]: &[f64; 1]| x - c);
    for (end, expected) in [(1.0, [2, 1, 0]), (-1.0, [0, 1, 2])] {
        let levels = if end > 0.0 { [0.7, 0.45, 0.2] } else { [-0.2, -0.45, -0.7] };
        let solver = adaptive(DOPRI5, 1e-6).first_step(1.0).unwrap();
        let path = solver.solve_until(&line, &0.0, &end, &[0.0], &Save::Steps, &levels.map(level)).unwrap();
        assert_eq!(path.statistics().accepted, 1, "all in one step");
        assert_eq!(path.crossings().iter().map(|c| c.event).collect::<Vec<_>>(), expected);
        for crossing in path.crossings() {
            assert!((crossing.time - levels[crossing.event]).abs() < 1e-15 && (crossing.state[0] - crossing.time).abs() < 1e-15);
        }
    }
}

#[test]
fn the_first_terminal_event_ends_the_solve_and_later_ones_do_not_happen() {
    let line = field(|_: &f64, _: &[f64; 1]| [1.0]);
    let level = |c: f64| Event::new(move |_: &f64, [x]: &[f64; 1]| x - c);
    let events = [level(0.9), level(0.6).terminal(), level(0.3), level(0.7).terminal()];
    let solver = adaptive(DOPRI5, 1e-6).first_step(1.0).unwrap();
    let path = solver.solve_until(&line, &0.0, &1.0, &[0.0], &Save::End, &events).unwrap();
    assert_eq!(path.status(), Status::Event(1));
    assert_eq!(path.crossings().iter().map(|c| c.event).collect::<Vec<_>>(), [2, 1]);
    assert!((path.end_time() - 0.6).abs() < 1e-15);
}

#[test]
fn a_path_ends_at_a_terminal_event_however_it_is_saved() {
    let half = || [Event::new(|_: &f64, x: &Plane| x[0]).terminal()];
    let quarter = 0.5 * PI;
    for save in [Save::End, Save::Steps, Save::Dense, Save::At(vec![0.0, 1.0, 1.5, 1.6, 3.0])] {
        let path = turn(3.0, &save, &half());
        assert_eq!(path.status(), Status::Event(0));
        assert!((path.end_time() - quarter).abs() < 1e-7 && path.end()[0].abs() < 1e-15, "{save:?}");
        assert_eq!((&path.crossings()[0].time, &path.crossings()[0].state), (path.end_time(), path.end()));
        let end = *path.end_time();
        match save {
            Save::Dense => {
                assert_eq!(&path.at(&end), path.end());
                assert!((path.at(&1.5)[0] - 1.5_f64.cos()).abs() < 1e-7);
                for beyond in [end.next_up(), end + 1e-9, 1.6, 3.0] {
                    assert!(path.at(&beyond)[0].is_nan(), "there is nothing at {beyond}");
                }
            }
            Save::Steps => assert_eq!((path.times().last(), path.states().last()), (Some(path.end_time()), Some(path.end()))),
            Save::At(_) => assert_eq!(path.times(), [0.0, 1.0, 1.5]),
            _ => assert!(path.times().is_empty()),
        }
        assert!(path.success().is_ok());
    }
}

#[test]
fn an_event_at_the_end_of_a_step_happens_once() {
    let line = field(|_: &f64, _: &[f64; 1]| [1.0]);
    let solver = adaptive(DOPRI5, 1e-6).first_step(0.25).unwrap().step_limits(0.0, 0.25).unwrap();
    for target in [0.25, 0.5, 0.75, 0.0625] {
        let event = || Event::new(move |_: &f64, [x]: &[f64; 1]| x - target);
        let path = solver.solve_until(&line, &0.0, &1.0, &[0.0], &Save::End, &[event(), event().rising(), event().falling()]);
        let path = path.unwrap();
        let found: Vec<usize> = path.crossings().iter().map(|c| c.event).collect();
        assert_eq!(found, [0, 1], "at {target}");
        assert!(path.crossings().iter().all(|c| (c.time - target).abs() < 1e-15), "at {target}");
        let path = solver.solve_until(&line, &0.0, &1.0, &[0.0], &Save::Dense, &[event().terminal()]).unwrap();
        assert!(path.status() == Status::Event(0) && (path.end_time() - target).abs() < 1e-15);
    }
}

/// A function that touches zero without crossing it makes no event, except where rounding carries it across: then it makes two,
/// or none if they lie within a quarter of a step.
#[test]
fn a_touch_is_no_crossing() {
    let above = Event::new(|_: &f64, x: &Plane| 1.0 + 1e-6 - x[1]);
    let below = Event::new(|_: &f64, x: &Plane| 1.0 - 1e-2 - x[1]);
    let fine = adaptive(DOPRI5, 1e-9).step_limits(0.0, 0.05).unwrap();
    let path = fine.solve_until(&Rotation::new(1.0).unwrap(), &0.0, &3.0, &[1.0, 0.0], &Save::End, &[above, below]).unwrap();
    assert!(times(&path, 0).is_empty());
    let angle = 0.99_f64.asin();
    close(&times(&path, 1), &[angle, PI - angle]);
}

/// Height and time of a ball dropped from 1, which keeps the share `e` of its speed: closed form.
#[test]
fn a_ball_bounces_as_in_the_closed_form() {
    let (g, e) = (9.81, 0.8_f64);
    let fall = field(move |_: &f64, [_, speed]: &Plane| [*speed, -g]);
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-9);
        let (mut time, mut state) = (0.0, [1.0, 0.0]);
        let first = (2.0 / g).sqrt();
        for bounce in 0..15 {
            let ground = Event::new(|_: &f64, x: &Plane| x[0]).falling().terminal();
            let path = solver.solve_until(&fall, &time, &20.0, &state, &Save::End, &[ground]).unwrap();
            assert_eq!(path.status(), Status::Event(0), "{}, bounce {bounce}", method.name);
            time = *path.end_time();
            // the first fall, and a rise and a fall for each bounce before
            let expected = first * (1.0 + 2.0 * (1..=bounce).map(|k| e.powi(k)).sum::<f64>());
            assert!((time - expected).abs() < 1e-9, "{}, bounce {bounce}: {time} against {expected}", method.name);
            assert!((path.end()[1] + (2.0 * g).sqrt() * e.powi(bounce)).abs() < 1e-8 && path.end()[0].abs() < 1e-13);
            state = [path.end()[0], -e * path.end()[1]];
        }
    }
}

/// Where a solve stopped at an event, the value is zero up to rounding. Going on from there must not stop at the same event.
#[test]
fn a_solve_goes_on_from_an_event_in_either_direction_of_crossing() {
    let solver = adaptive(DOPRI5, 1e-9);
    let (mut time, mut state) = (0.0, [1.0, 0.4]);
    let mut stops = Vec::new();
    for _ in 0..8 {
        let event = Event::new(|_: &f64, x: &Plane| x[0]).terminal();
        let path = solver.solve_until(&DRIVEN, &time, &100.0, &state, &Save::End, &[event]).unwrap();
        assert_eq!(path.status(), Status::Event(0));
        (time, state) = (*path.end_time(), *path.end());
        stops.push(time);
    }
    let event = Event::new(|_: &f64, x: &Plane| x[0]);
    let path = solver.solve_until(&DRIVEN, &0.0, &(time + 0.01), &[1.0, 0.4], &Save::End, &[event]).unwrap();
    close(&stops, &times(&path, 0));
}

#[test]
fn events_in_single_precision() {
    let fall = field(|_: &f32, [_, speed]: &[f32; 2]| [*speed, -9.81]);
    let ground = Event::new(|_: &f32, [height, _]: &[f32; 2]| *height).terminal();
    let path = adaptive(DOP853, 1e-5).solve_until(&fall, &0.0, &10.0, &[1.0, 0.0], &Save::Dense, &[ground]).unwrap();
    assert_eq!(path.status(), Status::Event(0));
    assert!((path.end_time() - (2.0_f32 / 9.81).sqrt()).abs() < 1e-6 && path.end()[0].abs() < 1e-6);
}

#[test]
fn watching_does_not_change_the_steps() {
    let event = || [Event::new(|_: &f64, x: &Plane| x[0])];
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-5);
        let watched = solver.solve_until(&DRIVEN, &0.0, &9.0, &[1.0, 0.4], &Save::Steps, &event()).unwrap();
        let plain = solver.solve_until(&crate::fields::Driven.field(), &0.0, &9.0, &[1.0, 0.4], &Save::Steps, &[]).unwrap();
        assert!(!watched.crossings().is_empty());
        assert_eq!((watched.times(), watched.states()), (plain.times(), plain.states()));
    }
}

/// A zero exactly where the search looks is met once, whatever the method; so is one that lasts.
#[test]
fn zeros_on_the_marks_are_met_once() {
    let clock = field(|_: &f64, _: &[f64; 1]| [1.0]);
    for method in [flowmap::solver::BOGACKI_SHAMPINE, DOPRI5, DOP853] {
        let solver = adaptive(method, 1e-6).first_step(0.25).unwrap().step_limits(0.0, 0.25).unwrap();
        let by_time: Vec<_> = (1..9).map(|k| Event::new(move |t: &f64, _: &[f64; 1]| t - 0.25 * f64::from(k))).collect();
        let path = solver.solve_until(&clock, &0.0, &3.0, &[0.0], &Save::End, &by_time).unwrap();
        let found: Vec<usize> = path.crossings().iter().map(|c| c.event).collect();
        assert_eq!(found, (0..8).collect::<Vec<_>>(), "{}", method.name);
        let plateau = [Event::new(|t: &f64, _: &[f64; 1]| (t - 0.5).min(0.0) + (t - 1.5).max(0.0))];
        let path = solver.solve_until(&clock, &0.0, &3.0, &[0.0], &Save::End, &plateau).unwrap();
        assert_eq!(
            path.crossings().len(),
            1,
            "{}: {:?}",
            method.name,
            path.crossings().iter().map(|c| c.time).collect::<Vec<_>>()
        );
    }
}
