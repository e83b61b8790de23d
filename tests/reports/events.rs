//! Events: how many there are, when, and in which direction; and sections.

use crate::runs::{Found, MANY, METHODS, ode, watched, within};
use flowmap::{
    Ode,
    analysis::{Hyperplane, Passage, ReturnMap, Section},
    exact::Affine,
    solver::{Adaptive, DOP853, DOPRI5, Direction, Event, Save, Status},
};
use std::f64::consts::PI;

ode!(Clock, 1, |t, [_]| [t.constant(1.0)]);
ode!(Cubic, 1, |t, [_]| [3.0 * t * t + 12.0 * t - 4.0]);
ode!(NearRoots, 1, |t, [_]| [(3.0 * t - 1.2) * t + 0.11]);

type Line = [f64; 1];

/// The three ways to watch the first coordinate.
fn height<const D: usize>(level: f64) -> Vec<Event<'static, [f64; D]>> {
    let event = move || Event::new(move |_: &f64, x: &[f64; D]| x[0] - level);
    vec![event(), event().rising(), event().falling()]
}

/// `y = t³ + 6t² - 4t - 24`, `y' = 3t² + 12t - 4` from -8 to 4, and back; scipy/scipy#9228.
#[test]
fn three_roots_of_a_cubic_are_found_two_of_them_in_one_step() {
    for found in watched(within(1e-3, 1e-6), Cubic, [-8.0, 4.0], [-120.0], |_| height(0.0)) {
        found.ends_at([120.0], [1e-13, 0.0]);
        for (event, expected) in [&[-6.0, -2.0, 2.0][..], &[-6.0, 2.0], &[-2.0]].into_iter().enumerate() {
            found.happens_at(event, expected, 1e-12);
        }
    }
    for found in watched(within(1e-3, 1e-6), Cubic, [4.0, -8.0], [120.0], |_| height(0.0)) {
        for (event, expected) in [&[2.0, -2.0, -6.0][..], &[-2.0], &[2.0, -6.0]].into_iter().enumerate() {
            found.happens_at(event, expected, 1e-12);
        }
    }
}

/// `y = (t - 0.1)(t - 0.2)(t - 0.3)` from -10 to 10: three roots close to each other in a long step; a sibling of
/// scipy/scipy#9228.
#[test]
fn three_roots_close_to_each_other_are_found() {
    for found in watched(within(1e-3, 1e-6), NearRoots, [-10.0, 10.0], [-1061.106], |_| height(0.0)) {
        // y is a sum of numbers of size 1000, and y' is 0.01 there
        found.happens_at(0, &[0.1, 0.2, 0.3], 1e-9);
        found.happens_at(1, &[0.1, 0.3], 1e-9);
        found.happens_at(2, &[0.2], 1e-9);
    }
}

/// `y' = 1` with terminal events at these times in any order, though one step goes over all; patrick-kidger/diffrax#639.
#[test]
fn of_terminal_events_in_one_step_the_first_in_time_stops() {
    for times in [&[1.0, 0.5][..], &[0.5, 1.0], &[0.3, 0.300_01, 7.0], &[7.0, 0.300_01, 0.3], &[0.300_01, 0.3, 9.9]] {
        let events = |_| times.iter().map(|&at| Event::new(move |_: &f64, [y]: &Line| y - at).terminal()).collect();
        let first = times.iter().copied().fold(f64::INFINITY, f64::min);
        let number = times.iter().position(|&at| at == first).unwrap();
        for solver in [within(1e-6, 1e-9), within(1e-3, 1e-6)] {
            let long = |method| solver(method).first_step(10.0).unwrap();
            let found = watched(&solver, Clock, [0.0, 10.0], [0.0], events).into_iter();
            for found in found.chain(watched(long, Clock, [0.0, 10.0], [0.0], events)) {
                assert_eq!(found.status, Status::Event(number), "{found:?}");
                assert!((found.time - first).abs() < 1e-15 && (found.state[0] - first).abs() < 1e-15, "{found:?}");
            }
        }
    }
}

/// `y' = 1` to 0.05 in steps of a millionth, watched at 0.001 and 0.002; SciML/DifferentialEquations.jl#258.
#[test]
fn events_at_the_ends_of_steps_happen_once() {
    let levels = |terminal: bool| {
        move |_: f64| -> Vec<_> {
            let level = |at: f64| Event::new(move |_: &f64, [y]: &Line| y - at);
            [0.001, 0.002].map(level).into_iter().map(|event| if terminal { event.terminal() } else { event }).collect()
        }
    };
    for longest in [1e-6, (2.0_f64).powi(-20), 1e-5, 1e-3] {
        let solver = |method| within(1e-6, 1e-9)(method).first_step(longest).unwrap().step_limits(0.0, longest).unwrap();
        // y is a sum of rounded steps
        for found in watched(solver, Clock, [0.0, 0.05], [0.0], levels(false)) {
            found.happens_at(0, &[0.001], 1e-15);
            found.happens_at(1, &[0.002], 1e-15);
        }
        for method in METHODS {
            let stop = |from: f64, y: f64| {
                solver(method).solve_until(&Clock.field(), &from, &0.05, &[y], &Save::End, &levels(true)(1.0)).unwrap()
            };
            let first = stop(0.0, 0.0);
            let second = stop(*first.end_time(), first.end()[0]);
            assert_eq!((first.status(), second.status()), (Status::Event(0), Status::Event(1)), "{}", method.name);
            assert!((first.end_time() - 0.001).abs() < 1e-15 && (second.end_time() - 0.002).abs() < 1e-15);
        }
    }
}

/// Free fall from 50, `u'' = -9.8`, watched for `u³`, a root of order three; SciML/DiffEqBase.jl#671.
#[test]
fn a_triple_root_is_found_where_the_simple_one_is() {
    let fall = Affine::new([[0.0, 1.0], [0.0, 0.0]], [0.0, -9.8]).unwrap();
    let ground = |_| {
        let power = |n: i32| Event::new(move |_: &f64, u: &[f64; 2]| u[0].powi(n));
        vec![power(1), power(3), power(5)]
    };
    let fine = |method| within(1e-4, 1e-4)(method).step_limits(0.0, 0.01).unwrap();
    let found = watched(within(1e-4, 1e-4), fall, [0.0, 5.0], [50.0, 0.0], ground).into_iter();
    for found in found.chain(watched(fine, fall, [0.0, 5.0], [50.0, 0.0], ground)) {
        found.ends_at([-72.5, -49.0], [1e-13, 0.0]);
        for event in 0..3 {
            found.happens_at(event, &[3.194_382_824_999_699_7], 1e-12);
        }
    }
}

/// An electron between two plates, `x'' = eE/m`, meets the second after 1e-13 s; scipy/scipy#15262,
/// Ryan-D-Gast/differential-equations#5.
#[test]
fn a_span_of_a_tenth_of_a_picosecond_is_as_good_as_any() {
    const PUSH: f64 = 1.758_820_010_772_163_4e20;
    const END: f64 = 1.610_205_278_785_298_4e-13;
    let electron = Affine::new([[0.0, 1.0], [0.0, 0.0]], [0.0, PUSH]).unwrap();
    let (time, speed) = (1.066_361_111_778_343_3e-13, 18_755_372.621_050_02);
    for absolute in [1e-9, 1e-20] {
        let plate = |_| vec![Event::new(|_: &f64, x: &[f64; 2]| x[0] - 1e-6).terminal()];
        for found in watched(within(1e-6, absolute), electron, [0.0, END], [0.0; 2], plate) {
            assert_eq!(found.status, Status::Event(0), "{found:?}");
            assert!((found.time / time - 1.0).abs() < 1e-12 && (found.state[1] / speed - 1.0).abs() < 1e-12, "{found:?}");
        }
        let plate = |_| vec![Event::new(|_: &f32, x: &[f32; 2]| x[0] - 1e-6).terminal()];
        for found in watched(within(1e-5, absolute), electron, [0.0, END], [0.0; 2], plate) {
            assert!(found.status == Status::Event(0) && (found.time / time - 1.0).abs() < 1e-6, "{found:?}");
        }
        for found in crate::runs::solved(within(1e-6, absolute), electron, [0.0, END], [0.0; 2]) {
            found.ends_at([2.2801e-6, PUSH * END], [1e-12, 0.0]);
        }
        for (method, save) in METHODS.into_iter().flat_map(|method| [(method, Save::Dense), (method, Save::Steps)]) {
            let path = crate::runs::path(&within(1e-6, absolute)(method), electron, [0.0, END], [0.0; 2], &save);
            let times = path.times().iter().chain(path.pieces().iter().map(|piece| piece.end()));
            assert!(times.clone().count() > 0 && times.is_sorted_by(|a, b| a < b), "{}: {path:?}", method.name);
        }
    }
}

/// Going on from an event at 0.98, in the other direction of crossing; patrick-kidger/diffrax#713, #720.
#[test]
fn a_start_on_an_event_is_no_crossing() {
    for method in METHODS {
        let solver = within(1e-6, 1e-9)(method);
        let falling = [Event::new(|t: &f64, _: &Line| 0.98 - t).falling().terminal()];
        let first = solver.solve_until(&Clock.field(), &0.0, &1.0, &[0.0], &Save::End, &falling).unwrap();
        assert!(first.status() == Status::Event(0) && *first.end_time() >= 0.98, "{first:?}");
        let rising = [Event::new(|t: &f64, _: &Line| t - 0.98).rising().terminal()];
        let second = solver.solve_until(&Clock.field(), first.end_time(), &2.0, first.end(), &Save::End, &rising).unwrap();
        assert_eq!((second.status(), second.end_time()), (Status::Finished, &2.0), "{}", method.name);
        assert!(second.crossings().is_empty() && (second.end()[0] - 2.0).abs() < 1e-14);
    }
}

/// `y' = 0` with an event that is zero all the way, and `y' = -y` with one that is zero at the start; AMICI-dev/AMICI#55,
/// sys-bio/tellurium#339, SciML/DiffEqBase.jl#266.
#[test]
fn a_zero_that_lasts_or_is_left_is_no_crossing() {
    let still = Affine::new([[0.0]], [0.0]).unwrap();
    let at = |level: f64| move |_: f64| height::<1>(level).into_iter().map(Event::terminal).collect();
    for found in watched(within(1e-6, 1e-9), still, [0.0, 1.2], [10.0], at(10.0)) {
        found.ends_at([10.0], [0.0; 2]);
        assert!(found.crossings.is_empty(), "{found:?}");
    }
    let decay = Affine::new([[-1.0]], [0.0]).unwrap();
    for found in watched(within(1e-9, 1e-9), decay, [0.0, 1.0], [1.0], at(1.0)) {
        found.ends_at([0.367_879_441_171_442_33], [MANY * 1e-9, 0.0]);
        assert!(found.crossings.is_empty(), "{found:?}");
    }
}

ode!(Peaks, 1, |t, [y]| [0.9 * y * y * t.cos()]);

/// `y' = 0.9 y² cos t`, so that `y = 1/(1 - 0.9 sin t)`, watched for `y = 5`, for `(y - 5)²` and for the maxima and minima;
/// public course page "How to do ODE events".
#[test]
fn crossings_are_found_and_touches_make_no_lonely_ones() {
    let events = |sign: f64| {
        let touch = Event::new(|_: &f64, [y]: &Line| (y - 5.0).powi(2));
        let slope = move || Event::new(move |t: &f64, [y]: &Line| 0.9 * y * y * (sign * t).cos());
        vec![height(5.0).remove(1), height(5.0).remove(2), touch, slope().falling(), slope().rising()]
    };
    let ups = [1.094_914_077_134_480_1, 7.378_099_384_314_066_6];
    let downs = [2.046_678_576_455_313_2, 8.329_863_883_634_9];
    for found in watched(within(1e-9, 1e-9), Peaks, [0.0, 10.0], [1.0], events) {
        found.ends_at([0.671_312_597_472_220_72], [MANY * 1e-9; 2]);
        found.happens_at(0, &ups, MANY * 1e-9);
        found.happens_at(1, &downs, MANY * 1e-9);
        found.happens_at(3, &[0.5 * PI, 2.5 * PI], MANY * 1e-9);
        found.happens_at(4, &[1.5 * PI], MANY * 1e-9);
        for time in found.times(2) {
            assert!(ups.iter().chain(&downs).any(|at| (time - at).abs() < 1e-4), "{}: {time}", found.by);
        }
        assert_eq!(found.times(2).len() % 2, 0, "{}", found.by);
    }
}

/// `max(0, t - 20)` is zero for a while and leaves it; `-max(0, 20 - t)` becomes zero and stays; llnl/sundials#881.
#[test]
fn a_plateau_that_is_reached_is_one_event_and_one_that_is_left_is_none() {
    let events = |sign: f64| {
        let leaves = Event::new(move |t: &f64, _: &Line| (sign * t - 20.0).max(0.0));
        let reaches = Event::new(move |t: &f64, _: &Line| -(20.0 - sign * t).max(0.0));
        vec![leaves, reaches]
    };
    for found in watched(within(1e-6, 1e-9), Clock, [0.0, 30.0], [0.0], events) {
        found.happens_at(0, &[], 0.0);
        found.happens_at(1, &[20.0], 1e-13);
    }
}

ode!(HenonHeiles, 4, |_t, [q1, q2, p1, p2]| [p1.clone(), p2.clone(), -(q1 + 2.0 * q1 * q2), -(q2 + q1 * q1 - q2 * q2)]);

/// Hénon-Heiles from `q = (0, 0.5)`, `p = (0, 0.1)` stays below `q2 = 0.52001068376983146`;
/// mathematica.stackexchange.com/questions/204648.
#[test]
fn a_section_that_is_never_reached_has_no_passage() {
    let start = Passage { time: 0.0, point: [0.0, 0.5, 0.0, 0.1] };
    let most = 0.520_010_683_769_831_46;
    for method in METHODS {
        let map = within(1e-9, 1e-9)(method).of(HenonHeiles.field());
        for (step, falling) in [(0.1, Direction::Falling), (-0.1, Direction::Rising)] {
            for level in [0.6, 0.5202] {
                let never = Section::new(&map, Hyperplane::new([0.0, 1.0, 0.0, 0.0], level).unwrap(), step).unwrap();
                assert!(never.limit(1000).image(&start).unwrap().is_none(), "{}", method.name);
            }
            let top = Section::new(&map, Hyperplane::new([0.0, 0.0, 0.0, 1.0], 0.0).unwrap(), step).unwrap().crossing(falling);
            for passage in top.orbit(start.clone()).take(5) {
                let [q1, q2, p1, p2]: [f64; 4] = passage.unwrap().point;
                assert!(q1 == 0.0 && p1 == 0.0 && (q2 - most).abs() < MANY * 1e-9 && p2.abs() < 1e-12, "{q2} {p2}");
            }
        }
    }
}

ode!(Lorenz, 3, |_t, [x, y, z]| [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]);

/// Lorenz' system from (0, 10, 0) through the planes `x = 5` and `y = 0`; JuliaDynamics/DynamicalSystemsBase.jl#175,
/// SciML/SimpleDiffEq.jl#18.
#[test]
fn a_crossing_has_the_direction_of_the_solve() {
    const X: f64 = 1e-10;
    let up = (0.058_593_684_189_978_293, [5.0, 13.444_461_523_011_283, 1.670_641_800_431_993_3]);
    let down = (0.329_732_203_305_089_4, [5.0, -10.023_459_872_831_374, 37.200_293_446_516_03]);
    let level = (0.265_740_335_296_178_1, [15.819_869_524_794_53, 0.0, 48.270_318_119_258_815]);
    let is = |found: &Found<3>, event: usize, expected: &[(f64, [f64; 3])]| {
        found.happens_at(event, &expected.iter().map(|(time, _)| *time).collect::<Vec<_>>(), MANY * X);
        for (crossed, (_, state)) in found.crossings.iter().filter(|c| c.event == event).zip(expected) {
            crate::runs::close(&found.by, &crossed.state, state, [MANY * X, 10.0 * MANY * X]);
        }
    };
    let events = |_| {
        let mut events: Vec<Event<[f64; 3]>> = height(5.0);
        events.push(Event::new(|_, [_, y, _]: &[f64; 3]| *y).falling());
        events
    };
    for found in watched(within(X, X), Lorenz, [0.0, 2.0], [0.0, 10.0, 0.0], events) {
        is(&found, 0, &[up, down]);
        is(&found, 1, &[up]);
        is(&found, 2, &[down]);
        assert!((found.times(3)[0] - level.0).abs() < MANY * X);
        crate::runs::close(&found.by, &found.crossings.iter().find(|c| c.event == 3).unwrap().state, &level.1, [MANY * X, 1e-7]);
    }
    for found in watched(within(1e-9, 1e-9), Lorenz, [0.0, 6.0], [0.0, 10.0, 0.0], |_| height(5.0)) {
        assert_eq!(found.times(0).len(), 2, "{:?}", found.times(0));
    }
}

/// The same through a section, forward and from beyond the plane back.
#[test]
fn a_section_of_lorenz_system_is_met_in_the_direction_asked_for() {
    let map = within(1e-11, 1e-11)(DOP853).of(Lorenz.field());
    let plane = Hyperplane::new([1.0, 0.0, 0.0], 5.0).unwrap();
    let meet = |direction: Direction, step: f64, start: Passage<[f64; 3]>| {
        Section::new(&map, plane, step).unwrap().crossing(direction).image(&start).unwrap().unwrap()
    };
    let start = Passage { time: 0.0, point: [0.0, 10.0, 0.0] };
    let (up, down) = (meet(Direction::Rising, 0.02, start.clone()), meet(Direction::Falling, 0.02, start));
    assert!((up.time - 0.058_593_684_189_978_293).abs() < 1e-9 && (down.time - 0.329_732_203_305_089_4).abs() < 1e-9);
    // back from the second, the first is met as the trajectory falls
    let back = meet(Direction::Falling, -0.02, Passage { time: down.time, point: down.point });
    assert!((back.time - up.time).abs() < 1e-7, "{back:?}");
}

/// `solve_until` of a solver that is not told to be careful, on a function that crosses within its first step.
#[test]
fn a_first_step_over_an_event_sees_it() {
    let solver: Adaptive = within(1e-6, 1e-9)(DOPRI5).first_step(1.0).unwrap();
    let event = [Event::new(|t: &f64, _: &Line| t - 1e-12)];
    let path = solver.solve_until(&Clock.field(), &0.0, &1.0, &[0.0], &Save::End, &event).unwrap();
    assert!(path.crossings().len() == 1 && (path.crossings()[0].time - 1e-12).abs() < 1e-20, "{:?}", path.crossings());
}
