//! Velocities with jumps, kinks and pulses, where nobody names them; pulses with the span cut by hand.

use crate::runs::{Found, MANY, METHODS, ode, pulse, solved, solved_in_single, within};
use flowmap::{
    FlowMap, Num, Number, Ode,
    exact::Affine,
    solver::{Save, Solver, Status},
};

/// `y' = 1` from one time to another, else 0.
#[derive(Clone, Copy)]
struct Pulse([f64; 2]);

impl Ode<1> for Pulse {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, _: &[Num<N>; 1]) -> [Num<N>; 1] {
        [pulse(t, self.0)]
    }
}

/// `y' = 1` on `[1, 2)`, to 16, to 17 and elsewhere; SciML/ODE.jl#139.
#[test]
fn the_end_of_the_span_does_not_change_what_a_pulse_adds() {
    for end in [16.0, 17.0, 2.5, 3.0, 5.0, 33.0, 100.0] {
        for found in solved(within(1e-6, 1e-9), Pulse([1.0, 2.0]), [0.0, end], [0.0]) {
            found.ends_at([1.0], [MANY * 1e-6, 0.0]);
        }
        // a tolerance, and a rounding error
        for found in solved_in_single(within(1e-6, 1e-9), Pulse([1.0, 2.0]), [0.0, end], [0.0]) {
            found.ends_at([1.0], [MANY * (1e-6 + f64::from(f32::EPSILON)), 0.0]);
        }
    }
}

/// A step at `t = 0` where the span begins, and where it begins before; a part of patrick-kidger/diffrax#720.
#[test]
fn a_step_of_the_input_is_seen_at_the_start_and_inside() {
    for start in [0.0, -1.0] {
        for found in solved(within(1e-6, 1e-9), Pulse([0.0, 10.0]), [start, 1.0], [0.0]) {
            found.ends_at([1.0], [MANY * 1e-6, 0.0]);
        }
        for found in solved_in_single(within(1e-5, 1e-6), Pulse([0.0, 10.0]), [start, 1.0], [0.0]) {
            found.ends_at([1.0], [MANY * 1e-5, 0.0]);
        }
    }
}

/// `x' = -x + push` between the cuts, each piece from where the exact solution is.
fn cut_at_jumps(rate: f64, pieces: &[(f64, [f64; 2])], start: f64, end: f64) {
    let mut x = start;
    for &(push, [from, to]) in pieces {
        let piece = Affine::new([[rate]], [push]).unwrap();
        let next: f64 = piece.flow(&from, &to, &[x])[0];
        for found in solved(within(1e-8, 1e-8), piece, [from, to], [x]) {
            found.ends_at([next], [MANY * 1e-8, 0.0]);
        }
        x = next;
    }
    assert!((x / end - 1.0).abs() < 1e-12, "{x} for {end}");
}

/// `x' = -x + 20` on `(1, 1.05)`, else `x' = -x`, and with half the push for twice as long, cut at the jumps;
/// chebfun/chebfun#1512, qutip/qutip#1265.
#[test]
fn a_pulse_is_right_where_the_span_is_cut_at_its_ends() {
    for (push, off, end) in [(20.0, 1.05, 0.512_566_928_897_798_4), (10.0, 1.1, 0.522_237_468_928_180_59)] {
        cut_at_jumps(-1.0, &[(0.0, [0.0, 1.0]), (push, [1.0, off]), (0.0, [off, 2.0])], 1.0, end);
    }
}

/// `x' = 10000` on `(20, 20.1)`, else 0, cut at the jumps; llnl/sundials#881.
#[test]
fn a_pulse_between_two_times_is_right_where_the_span_is_cut_there() {
    cut_at_jumps(0.0, &[(0.0, [0.0, 20.0]), (1e4, [20.0, 20.1]), (0.0, [20.1, 30.0])], 0.0, 1000.0);
}

/// Between two numbers.
fn clamped<N: Number>(x: Num<N>) -> Num<N> {
    x.max(0.0).min(1.0)
}

/// The distance of 1000 points from 0 to 10.
const STEP: f64 = 10.0 / 999.0;

ode!(Ramps, 2, |t, [_, v]| {
    // 3 until the 200th point, 0 until the 800th, -3 after; NaN where there are no data
    let off = clamped((200.0 * STEP - t) / STEP);
    let on = clamped((t - 799.0 * STEP) / STEP);
    let outside = t.lt(0.0) | t.gt(10.0);
    [v.clone(), outside.select(f64::NAN, 3.0 * (off - on))]
});

/// The same with jumps in place of the ramps, which it names.
#[derive(Clone, Copy)]
struct Jumps;

impl Ode<2> for Jumps {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [_, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [v.clone(), 3.0 * (pulse(t, [-1.0, 2.0]) - pulse(t, [8.0, 20.0]))]
    }
    fn stops<N: Number>(&self, s: &Num<N>, _t: &Num<N>) -> Vec<Num<N>> {
        [2.0, 8.0].map(|time| s.constant(time)).to_vec()
    }
}

/// `x'' = u(t)`, `u` linear between the points of a table and NaN outside of it; Stack Overflow, "A possible bug in odeint <->
/// interp1d interplay?".
#[test]
fn forcing_by_a_table_is_not_asked_for_outside_of_it() {
    for found in solved(within(1e-8, 1e-8), Ramps, [0.0, 10.0], [0.0; 2]) {
        found.ends_at([47.945_893_841_789_738, 0.0], [MANY * 1e-8, 10.0 * MANY * 1e-8]);
    }
    for found in solved(within(1e-8, 1e-8), Ramps, [0.0, 200.0 * STEP], [0.0; 2]) {
        found.ends_at([6.011_967_923_879_836, 5.990_990_990_990_991], [MANY * 1e-8, 0.0]);
    }
    for found in solved(within(1e-8, 1e-8), Jumps, [0.0, 10.0], [0.0; 2]) {
        found.ends_at([48.0, 0.0], [MANY * 1e-8, 10.0 * MANY * 1e-8]);
    }
}

/// It names its kinks: steps that are about as long as a period may see nothing of it.
#[derive(Clone, Copy)]
struct Triangle;

impl Ode<1> for Triangle {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [_]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let share = t - 0.25 - (t - 0.25).floor();
        [4.0 * (0.5 - share).abs() - 1.0]
    }
    fn stops<N: Number>(&self, s: &Num<N>, _t: &Num<N>) -> Vec<Num<N>> {
        (-28..28).map(|k| s.constant(0.25 + 0.5 * f64::from(k))).collect()
    }
}

/// A triangle wave as velocity, `x' = 4|½ - ((t - ¼) mod 1)| - 1`, from 10; SciML/OrdinaryDiffEq.jl#2132.
#[test]
fn kinks_of_the_velocity_cost_no_accuracy() {
    let expected =
        [(0.5, 10.25), (6.0, 10.0), (std::f64::consts::TAU, 10.155_982_777_954_379), (5.75, 10.125), (0.125, 10.031_25)];
    for (end, value) in expected {
        // two kinks a unit, each of which may cost ten times the tolerance
        let many = MANY + 20.0 * end;
        for found in solved(within(1e-6, 1e-9), Triangle, [0.0, end], [10.0]) {
            found.ends_at([value], [many * 1e-6, 0.0]);
        }
        for found in solved(|method| within(1e-6, 1e-9)(method).step_limits(0.0, 0.25).unwrap(), Triangle, [0.0, end], [10.0]) {
            found.ends_at([value], [many * 1e-6, 0.0]);
        }
        for found in solved_in_single(within(1e-5, 1e-6), Triangle, [0.0, end], [10.0]) {
            found.ends_at([value], [many * 1e-5, 0.0]);
        }
        #[cfg(feature = "diffsol")]
        for (name, solver) in crate::runs::implicit(1e-6, 1e-9) {
            let path = solver.solve(&Triangle.field(), &0.0, &end, &[10.0], &flowmap::solver::Save::End).unwrap();
            assert_eq!(path.status(), Status::Finished, "{name}");
            crate::runs::close(name, path.end(), &[value], [MANY * 1e-6, 0.0]);
        }
    }
}

ode!(Slides, 1, |_t, [x]| [x.gt(0.5).select(-1.0, 1.0)]);

ode!(Meet, 2, |_t, [x, y]| [x.gt(y).select(-2.0, 2.0), y.gt(x).select(-3.0, 1.5)]);

/// A value to the tolerance, or a stop that is honest: the trajectory slides along a jump, and that is not stiff.
fn slides<const D: usize>(found: &Found<D>, from: f64, end: [f64; D]) {
    match found.status {
        Status::Finished => crate::runs::close(&found.by, &found.state, &end, [MANY * 1e-6, 0.0]),
        status => {
            let named = format!("{status:?}");
            assert!(["TooManySteps", "Chattering"].contains(&&*named), "{found:?}");
            assert!(!status.to_string().contains("stiff"), "{}: {status}", found.by);
            assert!((from - 1e-5..=1.0).contains(&found.time), "{found:?}");
        }
    }
}

/// `x' = -1` where `x > 0.5`, else 1: it slides along 0.5; OpenModelica/OpenModelica#9711.
#[test]
fn sliding_along_a_jump_is_followed_or_the_solve_says_so() {
    for found in solved(within(1e-6, 1e-9), Slides, [0.0, 1.0], [0.0]) {
        slides(&found, 0.5, [0.5]);
    }
}

/// `x' = -2` where `x > y`, else 2, and `y' = -3` where `y > x`, else 1.5: they meet at 1/7 and slide together;
/// OpenModelica/OpenModelica#12190.
#[test]
fn two_that_meet_and_slide_together_are_followed_or_the_solve_says_so() {
    for found in solved(within(1e-6, 1e-9), Meet, [0.0, 1.0], [1.5, 1.0]) {
        slides(&found, 1.0 / 7.0, [31.0 / 34.0; 2]);
    }
}

/// The same by implicit methods: what stops may not blame stiffness.
#[cfg(feature = "diffsol")]
#[test]
fn implicit_methods_slide_or_say_so() {
    for (name, solver) in crate::runs::implicit(1e-6, 1e-9) {
        let path =
            solver.clone().max_steps(100_000).solve(&Slides.field(), &0.0, &1.0, &[0.0], &flowmap::solver::Save::End).unwrap();
        match path.status() {
            Status::Finished => crate::runs::close(name, path.end(), &[0.5], [MANY * 1e-6, 0.0]),
            status => assert!(!status.to_string().contains("stiff"), "{name}: {status}"),
        }
    }
}

/// A sibling of OpenModelica/OpenModelica#9711: what slides says so, and what swings smoothly never does.
#[test]
fn chattering_is_named_where_it_is_and_nowhere_else() {
    ode!(Pendulum, 2, |_t, [angle, speed]| [speed.clone(), -angle.sin()]);
    ode!(Duffing, 2, |t, [x, v]| [v.clone(), x - x.powi(3) - 0.3 * v + 0.5 * (1.2 * t).cos()]);
    for method in METHODS {
        for (tolerance, most) in
            [1e-3, 1e-6, 1e-9].into_iter().flat_map(|tolerance| (20..100).step_by(7).map(move |most| (tolerance, most)))
        {
            let solver = within(tolerance, tolerance)(method).max_steps(most);
            let pendulum = solver.solve(&Pendulum.field(), &0.0, &1e6, &[0.0, 2.5], &Save::End).unwrap();
            let duffing = solver.solve(&Duffing.field(), &0.0, &1e6, &[0.5, 0.0], &Save::End).unwrap();
            for path in [pendulum, duffing] {
                assert_eq!(path.status(), Status::TooManySteps, "{} at {tolerance}, {most}", method.name);
            }
        }
        let solver = within(1e-6, 1e-6)(method).max_steps(1000);
        let path = solver.solve(&Slides.field(), &0.0, &1.0, &[0.0], &Save::End).unwrap();
        assert_eq!(path.status(), Status::Chattering, "{}", method.name);
    }
}

/// A sibling of SciML/ODE.jl#139: a jump between steps that may not be shorter is no excuse for an error.
#[test]
fn a_shortest_step_is_no_licence_to_leap_over_a_jump() {
    ode!(Step, 1, |t, [_x]| [pulse(t, [1.0, 9.0])]);
    for method in METHODS {
        for shortest in [1e-9, 1e-3, 0.03, 0.1, 0.3] {
            let solver = within(1e-6, 1e-9)(method).step_limits(shortest, 0.5).unwrap();
            let path = solver.solve(&Step.field(), &0.0, &2.0, &[0.0], &Save::End).unwrap();
            let right = (path.end()[0] - 1.0).abs() < MANY * 1e-6;
            assert!(right || path.status() == Status::StepTooSmall, "{} with {shortest}: {path:?}", method.name);
        }
    }
}

ode!(Square, 1, |t, [_x]| [(t - t.floor()).lt(0.5).select(1.0, -1.0)]);
ode!(Unnamed, 1, |t, [_x]| [4.0 * (0.5 - (t - 0.25 - (t - 0.25).floor())).abs() - 1.0]);

/// A square and a triangle wave that name no times; siblings of SciML/OrdinaryDiffEq.jl#2132. Where a wave is straight, the error
/// estimate vanishes and steps grow; none goes over a whole pulse, which adds a half or a quarter.
#[test]
fn no_pulse_of_a_wave_is_lost_though_no_time_is_named() {
    for end in [0.5, 6.0, std::f64::consts::TAU, 20.3, 47.9] {
        let (share, turn) = (end - f64::floor(end), |u: f64| u.min(1.0 - u));
        let triangle = if turn(share) < 0.25 { 2.0 * turn(share).powi(2) } else { 0.25 - 2.0 * (share - 0.5).powi(2) };
        for (relative, absolute) in [(1e-6, 1e-9), (1e-8, 1e-11)] {
            for found in solved(within(relative, absolute), Square, [0.0, end], [10.0]) {
                found.ends_at([10.0 + turn(share)], [0.0, 0.05]);
            }
            for found in solved(within(relative, absolute), Unnamed, [0.0, end], [10.0]) {
                found.ends_at([10.0 + triangle], [0.0, 0.025]);
            }
        }
    }
}
