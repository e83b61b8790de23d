use super::*;
use crate::{
    Autonomous, FiniteDifferences, Restriction, Tolerance,
    analysis::Hyperplane,
    exact::{Blowup, Hopf, Rotation},
    flow_map,
    solver::{Adaptive, DOP853},
};
use std::f64::consts::{PI, TAU};

fn axis() -> Hyperplane<2> {
    Hyperplane::new([0.0, 1.0], 0.0).unwrap()
}

fn start(point: [f64; 2]) -> Passage<[f64; 2]> {
    Passage { time: 0.0, point }
}

/// The times of the first crossings.
fn times<X: State<Time = f64>>(section: &impl ReturnMap<Passage<X>>, start: Passage<X>) -> [f64; 3] {
    let found: Vec<f64> = section.orbit(start).take(3).map(|passage| passage.unwrap().time).collect();
    found.try_into().unwrap()
}

fn close<const D: usize>(a: [f64; D], b: [f64; D], tolerance: f64) {
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance), "{a:?} and {b:?}");
}

#[test]
fn a_rotation_returns_after_a_turn_or_half_of_one() {
    let turn = Rotation::new(1.0).unwrap();
    for step in [0.1, 1.0, 2.9] {
        let section = Section::new(turn, axis(), step).unwrap();
        close(times(&section, start([1.0, 0.0])), [PI, TAU, 3.0 * PI], 1e-14);
        close(times(&section.crossing(Direction::Rising), start([1.0, 0.0])), [TAU, 2.0 * TAU, 3.0 * TAU], 3e-14);
        close(times(&section.crossing(Direction::Falling), start([1.0, 0.0])), [PI, 3.0 * PI, 5.0 * PI], 3e-14);
        // a start next to the surface
        close(times(&section, start([0.0, 1.0])), [0.5 * PI, 1.5 * PI, 2.5 * PI], 1e-14);
    }
    let back = Section::new(turn, axis(), -0.7).unwrap();
    close(times(&back.crossing(Direction::Rising), start([0.0, 1.0])), [-1.5 * PI, -3.5 * PI, -5.5 * PI], 3e-14);
}

#[test]
fn passages_lie_at_or_beyond_the_surface() {
    let section = Section::new(Rotation::new(1.0).unwrap(), axis(), 0.37).unwrap().crossing(Direction::Rising);
    let orbit: Vec<_> = section.orbit(start([0.8, -0.6])).take(50).collect::<Result<_>>().unwrap();
    assert!(orbit.iter().all(|passage| (0.0..1e-13).contains(&passage.point[1])));
    assert!(orbit.windows(2).all(|pair| (pair[1].time - pair[0].time - TAU).abs() < 1e-12), "none is met twice");
}

#[test]
fn a_closure_is_a_surface_and_single_precision_has_its_own_resolution() {
    let turn = Rotation::new(1.0).unwrap();
    let unit = Section::new(turn, |x: &[f64; 2]| x[0] * x[1], 0.1).unwrap();
    close(times(&unit, start([1.0, 1.0])), [0.25 * PI, 0.75 * PI, 1.25 * PI], 1e-14);
    let single = Section::new(turn, axis(), 0.1).unwrap();
    let next = single.image(&Passage { time: 0.0_f32, point: [0.0, 1.0] }).unwrap().unwrap();
    assert!((next.time - 0.5 * std::f32::consts::PI).abs() < 1e-6 && (next.point[0] + 1.0).abs() < 1e-6);
}

#[test]
fn a_touch_is_no_crossing() {
    // y = 1 - cos t, of which a step ends at the touch only where it meets it exactly
    let wave = flow_map(|s: &f64, t: &f64, x: &[f64; 1]| [x[0] + s.cos() - t.cos()]);
    let section = Section::new(&wave, |x: &[f64; 1]| x[0], 0.1).unwrap().limit(200);
    assert_eq!(section.image(&Passage { time: 1.0, point: [1.0 - 1.0_f64.cos()] }).unwrap(), None);
    // a start on the surface that returns to it and ends there
    assert_eq!(section.image(&Passage { time: 0.0, point: [0.0] }).unwrap(), None);
    // with a deeper surface, both crossings exist
    let [down, up, _] = times(&section, Passage { time: 1.0, point: [0.9 - 1.0_f64.cos()] });
    close([down, up], [TAU - 0.9_f64.acos(), TAU + 0.9_f64.acos()], 1e-13);
}

/// `x' = 3 (t - 1)²`.
struct Cubic;

impl<X: Coordinates<1>> FlowMap<X> for Cubic {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let [x] = x.split();
        X::join([x + t.shift(-1.0).powi(3) - s.shift(-1.0).powi(3)])
    }
}

#[test]
fn where_it_crosses_without_speed_there_is_no_derivative() {
    let section = Section::new(Cubic, Hyperplane::new([1.0], 0.0).unwrap(), 0.25).unwrap();
    let start = Passage { time: 0.0, point: [-1.0] };
    assert_eq!(section.image(&start).unwrap(), Some(Passage { time: 1.0, point: [0.0] }));
    let error = section.carried(&start, &[1.0]).unwrap_err();
    assert!(error.to_string().contains("derivative of the section's map"), "{error}");
}

#[test]
fn a_map_that_is_known_on_a_window_is_not_asked_beyond_it() {
    let map = Autonomous { map: Restriction::new(Hopf::new(1.0, 3.0, 0.0).unwrap(), [0.0, 0.5 + 1e-9]).unwrap(), start: 0.0 };
    let section = Section::new(map, axis(), 0.5).unwrap();
    for height in [-0.02, -0.2, -1e-9, 0.02, 0.4] {
        let start = start([1.0, height]);
        assert!(section.carried(&start, &[1.0, 0.0]).unwrap().is_some(), "{height}");
    }
}

#[test]
fn the_multiplier_of_a_limit_cycle() {
    // radius ½; sheared isochrons
    let field = Hopf::new(0.25, 2.0, 0.7).unwrap();
    let solver = Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-13, 1e-13).unwrap());
    let windowed = Autonomous { map: Restriction::new(field, [-0.3, 0.3]).unwrap(), start: 0.0 };
    let plain = FiniteDifferences::new(flow_map(move |s: &f64, t: &f64, x: &[f64; 2]| field.flow(s, t, x)));
    limit_cycle(field, 1e-13);
    limit_cycle(windowed, 1e-12);
    limit_cycle(solver.of(field), 1e-10);
    limit_cycle(plain, 1e-8);
}

fn limit_cycle(map: impl FlowMap<[f64; 2]> + FlowMap<Dual<[f64; 2]>>, tolerance: f64) {
    let section = Section::new(map, axis(), 0.2).unwrap().crossing(Direction::Rising);
    let cycle = start([0.5, 0.0]);
    let period = TAU / (2.0 + 0.7 * 0.25);
    let next = section.image(&cycle).unwrap().unwrap();
    close([next.time, next.point[0]], [period, 0.5], tolerance);
    // the multipliers: e^(-2μT), and 0 along the orbit
    let [[a, b], [c, d]] = section.jacobian(&cycle).unwrap().unwrap();
    close([a + d, a * d - b * c, c, d], [(-0.5 * period).exp(), 0.0, 0.0, 0.0], tolerance);
}

#[test]
fn the_derivative_is_that_of_the_map_itself() {
    let field = Hopf::new(0.4, 2.0, -0.5).unwrap();
    let line = Hyperplane::new([0.3, 1.0], 0.2).unwrap();
    let section = Section::new(field, line, 0.3).unwrap().crossing(Direction::Rising);
    let (x, direction) = ([0.6, -0.4], [0.8, 0.5]);
    let next = section.carried(&start(x), &direction).unwrap().unwrap();
    let h = 1e-6;
    let [ahead, behind] =
        [h, -h].map(|h| section.image(&start(std::array::from_fn(|i| x[i] + h * direction[i]))).unwrap().unwrap());
    let slope = |ahead: f64, behind: f64| (ahead - behind) / (2.0 * h);
    close([slope(ahead.time, behind.time)], [*next.time.tangent()], 1e-8);
    close([0, 1].map(|i| slope(ahead.point[i], behind.point[i])), *next.point.tangent(), 1e-8);
    // it stays on the line
    assert!((0.3 * next.point.tangent()[0] + next.point.tangent()[1]).abs() < 1e-14);
}

#[test]
fn no_return_is_no_image_and_no_error() {
    // the axis y = 2 is out of reach
    let section = Section::new(Rotation::new(1.0).unwrap(), Hyperplane::new([0.0, 1.0], 2.0).unwrap(), 0.1).unwrap();
    assert_eq!(section.image(&start([1.0, 0.0])).unwrap(), None);
    assert!(section.carried(&start([1.0, 0.0]), &[1.0, 0.0]).unwrap().is_none());
    assert!(section.jacobian(&start([1.0, 0.0])).unwrap().is_none());
    assert_eq!(section.orbit(start([1.0, 0.0])).count(), 0);
    let hasty = Section::new(Rotation::new(1.0).unwrap(), axis(), 0.1).unwrap();
    assert_eq!(hasty.limit(31).image(&start([1.0, 0.0])).unwrap(), None);
    assert!(hasty.limit(32).image(&start([1.0, 0.0])).unwrap().is_some());
}

#[test]
fn errors_say_why() {
    for step in [0.0, f64::NAN, f64::INFINITY] {
        assert!(Section::new((), (), step).is_err());
    }
    let turn = Rotation::new(1.0).unwrap();
    let section = Section::new(turn, axis(), 0.1).unwrap();
    for bad in [start([f64::NAN, 0.0]), start([1.0, f64::INFINITY]), Passage { time: f64::NAN, point: [1.0, 0.0] }] {
        assert!(matches!(section.image(&bad), Err(Error::NotFinite { .. })), "{bad:?}");
    }
    let error = section.image(&Passage { time: 1e17, point: [1.0, 0.5] }).unwrap_err();
    assert!(error.to_string().contains("lost in the rounding of the time"), "{error}");
    let hole = Section::new(turn, |x: &[f64; 2]| x[0].sqrt(), 0.1).unwrap();
    let error = hole.image(&start([1.0, 0.5])).unwrap_err();
    assert!(error.to_string().contains("surface"), "{error}");
    let blowup = Section::new(Blowup, |x: &[f64; 1]| x[0] + 1.0, 0.3).unwrap();
    assert!(matches!(blowup.image(&Passage { time: 0.0, point: [1.0] }), Err(Error::BlowUp { .. })));
}
