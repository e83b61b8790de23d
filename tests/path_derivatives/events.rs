//! Where a solution meets a surface: times and states have the derivatives of the implicit function, first and second, or none.

use crate::{
    numbers::Sample,
    solvers::{Choice, Steps, controlled},
};
use flowmap::{
    Dual, Num, Number, ParametricOde, Tolerance, field,
    solver::{Adaptive, Crossing, DOPRI5, Event, Save, Solver, Status},
};
use proptest::{array::uniform4, prelude::*, test_runner::TestCaseResult};

/// `z' = i ω z`.
struct Turn;

impl ParametricOde<2, 1> for Turn {
    fn rhs_with<N: Number>(&self, _t: &Num<N>, [x, y]: &[Num<N>; 2], [speed]: &[Num<N>; 1]) -> [Num<N>; 2] {
        [-speed * y, speed * x]
    }
}

type Twice = Dual<Dual<f64>>;

/// How deep a meeting must be to be one, in units of the tolerance.
const FLAT: f64 = 100.0;

/// The start, the speed, and the line `x = c` that is met, as a share of the radius.
#[derive(Clone, Debug)]
struct Meeting {
    x: [Twice; 2],
    speed: Twice,
    line: Twice,
}

impl Meeting {
    fn radius(&self) -> Twice {
        (self.x[0].powi(2) + self.x[1].powi(2)).sqrt()
    }
    /// The angle at which it is met, above the axis.
    fn angle(&self) -> Twice {
        let height = (self.radius().powi(2) - self.line.powi(2)).sqrt();
        height.atan2(&self.line)
    }
    /// The time of the meeting near `time`, in closed form.
    fn time(&self, time: f64) -> Twice {
        let start = self.x[1].atan2(&self.x[0]);
        let turns = |angle: Twice| {
            let first = (angle - &start) / &self.speed;
            let turn = self.speed.recip().scale(std::f64::consts::TAU);
            let k = ((time - first.parts()[0]) / turn.parts()[0]).round();
            first + turn.scale(k)
        };
        let [up, down] = [turns(self.angle()), turns(-self.angle())];
        if (up.parts()[0] - time).abs() < (down.parts()[0] - time).abs() { up } else { down }
    }
    /// The state then.
    fn state(&self, time: &Twice) -> [Twice; 2] {
        let angle = self.speed.clone() * time + self.x[1].atan2(&self.x[0]);
        [angle.cos(), angle.sin()].map(|c| c * &self.radius())
    }
}

/// With three tangents for each input.
fn number(value: f64, [a, b, c]: [f64; 3]) -> Twice {
    Sample::from_parts(&[value, a, b, c])
}

fn meetings_are_right(choice: Choice, meeting: &Meeting, end: f64) -> TestCaseResult {
    let Steps::Adaptive(tolerance) = choice.steps else { unreachable!("{choice:?}") };
    let solver = choice.adaptive(tolerance);
    let line = meeting.line.clone();
    let event = move || {
        let line = line.clone();
        Event::new(move |_: &Twice, x: &[Twice; 2]| x[0].clone() - &line)
    };
    let solve = |event| {
        let [s, t] = [0.0, end].map(Sample::still);
        solver.solve_until(&Turn.with([meeting.speed.clone()]), &s, &t, &meeting.x, &Save::End, &[event]).unwrap()
    };
    // how flat a meeting is: both derivatives divide by the slope, the second three times
    let flat = (1.0 - (meeting.line.parts()[0] / meeting.radius().parts()[0]).powi(2)).sqrt();
    // a derivative by the speed grows with time, and times are angles by the speed
    let spread = (1.0 + end.abs()) * (1.0 + meeting.speed.parts()[0].abs().recip());
    let right = |Crossing { time, state, .. }: &Crossing<[Twice; 2]>| -> TestCaseResult {
        let exact = meeting.time(time.parts()[0]);
        let exact = [exact.clone()].into_iter().chain(meeting.state(&exact));
        for (found, exact) in [time.clone()].into_iter().chain(state.clone()).zip(exact) {
            for (part, (found, right)) in found.parts().iter().zip(exact.parts()).enumerate() {
                let allowed = 1e3 * tolerance * spread.powi([0, 1, 1, 2][part]) / flat.powi([1, 3, 3, 5][part]);
                // a meeting so flat that nothing is known of it says so
                let unknown = part > 0 && found.is_nan() && flat * flat < FLAT * tolerance;
                prop_assert!(
                    unknown || (found - right).abs() <= allowed,
                    "{part}: {found}, not {right}; allowed {allowed:e}, {flat:e}"
                );
            }
        }
        Ok(())
    };
    let passing = solve(event());
    let period = std::f64::consts::TAU / meeting.speed.parts()[0].abs();
    // two that are closer together than the solution is exact may be none
    let least = if flat * flat < FLAT * tolerance { 0 } else { 2 * (end.abs() / period) as usize };
    prop_assert!(passing.crossings().len() >= least, "{} crossings", passing.crossings().len());
    passing.crossings().iter().try_for_each(right)?;
    let ended = solve(event().terminal());
    if let Some(first) = passing.crossings().first() {
        prop_assert_eq!(ended.status(), Status::Event(0));
        let [found, right] = [ended.end_time(), &first.time].map(Sample::parts);
        prop_assert_eq!(&found[..1], &right[..1]);
        prop_assert!(found.iter().zip(&right).all(|(a, b)| a.to_bits() == b.to_bits() || a == b), "{found:?}, {right:?}");
    }
    Ok(())
}

fn meetings() -> impl Strategy<Value = Meeting> {
    let tangents = || proptest::array::uniform3(-1.0..1.0);
    let share = prop_oneof![3 => -0.95..0.95, 1 => (2.0..15.0).prop_map(|digits: f64| 1.0 - 10_f64.powf(-digits))];
    (uniform4(tangents()), 0.5..2.0, 0.0..std::f64::consts::TAU, 0.5..2.0, any::<bool>(), share).prop_map(
        |([a, b, c, d], radius, angle, speed, turns_back, share): (_, f64, f64, f64, _, _)| Meeting {
            x: [number(radius * angle.cos(), a), number(radius * angle.sin(), b)],
            speed: number(if turns_back { -speed } else { speed }, c),
            line: number(radius * share, d),
        },
    )
}

proptest! {
    #![proptest_config(crate::config(20))]
    #[test]
    fn crossings(choice in controlled(), meeting in meetings(), end in prop_oneof![1.0..8.0, -8.0..-1.0]) {
        meetings_are_right(choice, &meeting, end)?;
    }
}

/// `x' = -x` from 1 and from beside it, down to a level.
fn decays_to(level: f64, tolerance: f64, longest: f64, seed: f64) -> Dual<f64> {
    let decay = field(|_: &Dual<f64>, [x]: &[Dual<f64>; 1]| [-x.clone()]);
    let solver = Adaptive::new(DOPRI5).unwrap().tolerance(Tolerance::new(tolerance, 1e-3 * tolerance * level).unwrap());
    let below = Event::new(move |_: &Dual<f64>, [x]: &[Dual<f64>; 1]| x.shift(-level)).terminal();
    let start = [Dual::new(1.0, seed)];
    let solver = solver.step_limits(0.0, longest).unwrap();
    let path = solver.solve_until(&decay, &Sample::still(0.0), &Sample::still(99.0), &start, &Save::End, &[below]).unwrap();
    assert_eq!(path.status(), Status::Event(0));
    path.end_time().clone()
}

#[test]
fn a_clear_crossing_has_its_derivative_wherever_in_a_step_it_is_and_however_large_tangents_are() {
    for tolerance in [1e-3, 1e-6, 1e-9] {
        for (level, longest) in [(0.5, 1e-3), (0.5, 1e-2), (0.37, 0.1), (0.2, 10.0), (1e-3, 10.0), (1e-9, 10.0)] {
            for nudge in 0..20 {
                let time = decays_to(level * (1.0 + 0.001 * f64::from(nudge)), tolerance, longest, 1.0);
                assert!((time.tangent() - 1.0).abs() < 100.0 * tolerance, "{level}, {longest}, {tolerance}: {time:?}");
            }
        }
    }
    for seed in [1e-30, 1e-10, 1.0, 1e10, 1e15, 1e20] {
        let time = decays_to(0.5, 1e-9, 10.0, seed);
        assert!((time.tangent() / seed - 1.0).abs() < 1e-7, "{seed:e}: {time:?}");
    }
}

#[test]
fn a_grazing_crossing_has_no_derivative_of_any_order() {
    // x = (t - 1)³
    let cubic = field(|t: &Twice, _: &[Twice; 1]| [t.shift(-1.0).powi(2).scale(3.0)]);
    let zero = Event::new(|_: &Twice, [x]: &[Twice; 1]| x.clone()).terminal();
    let start = [number(-1.0, [1.0, 0.5, 0.25])];
    let solver = Adaptive::new(DOPRI5).unwrap();
    let path = solver.solve_until(&cubic, &Sample::still(0.0), &Sample::still(3.0), &start, &Save::End, &[zero]).unwrap();
    let [_, tangents @ ..] = &path.end_time().parts()[..] else { unreachable!() };
    assert!(tangents.iter().all(|tangent| tangent.is_nan()), "{tangents:?}");
}

#[test]
fn an_event_that_changes_too_often_is_named() {
    let runs = field(|_: &f64, _: &[f64; 1]| [1.0]);
    let fast = || Event::new(|_: &f64, [x]: &[f64; 1]| (1e6 * x).sin());
    let calm = || Event::new(|_: &f64, [x]: &[f64; 1]| x - 2.0);
    let solver = Adaptive::new(DOPRI5).unwrap().max_steps(100);
    let path = solver.solve_until(&runs, &0.0, &1.0, &[0.0], &Save::End, &[calm(), fast()]).unwrap();
    assert_eq!(path.status(), Status::EventTooFast(1));
}

#[test]
fn an_outer_tangent_of_0_may_have_large_tangents() {
    let decay = field(|_: &Twice, [x]: &[Twice; 1]| [-x.clone()]);
    for size in [1e-30, 1.0, 1e17, 1e30] {
        let start = [number(1.0, [1.0, 0.0, size])];
        let path =
            Adaptive::new(DOPRI5).unwrap().solve(&decay, &Sample::still(0.0), &Sample::still(1.0), &start, &Save::End).unwrap();
        assert_eq!(path.status(), Status::Finished, "{size:e}");
        let both = path.end()[0].parts()[3] / size;
        assert!((both - (-1.0_f64).exp()).abs() < 1e-4, "{size:e}: {both}");
    }
}
