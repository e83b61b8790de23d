//! Stop times: those of a solver, and those that a field names itself; derivatives of events.

use crate::runs::{Found, MANY, METHODS, Mirrored, path, pulse, solved, solved_in_single, within};
use flowmap::{
    Dual, FlowMap, Num, Number, Ode, ParametricOde,
    exact::Affine,
    solver::{Adaptive, DOPRI5, Ensemble, Event, Save, Solver, Start, Status, Tableau},
};

/// `x' = rate x + push` between each pair of times, else `x' = rate x`; it does not say when.
#[derive(Clone, Copy)]
struct Pulses<const K: usize> {
    rate: f64,
    push: f64,
    on: [[f64; 2]; K],
}

impl<const K: usize> Ode<1> for Pulses<K> {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let mut rate = self.rate * x;
        for on in self.on {
            rate += self.push * pulse(t, on);
        }
        [rate]
    }
}

impl<const K: usize> Pulses<K> {
    /// All times at which it jumps.
    fn jumps(&self) -> Vec<f64> {
        self.on.concat()
    }

    /// Where it is at a time after all pulses, in closed form.
    fn exact(&self, x: f64, [s, t]: [f64; 2]) -> f64 {
        let share = |[from, to]: [f64; 2]| {
            let [from, to] = [from, to].map(|time| time.clamp(s, t));
            if self.rate == 0.0 { to - from } else { ((self.rate * (t - from)).exp() - (self.rate * (t - to)).exp()) / self.rate }
        };
        x * (self.rate * (t - s)).exp() + self.push * self.on.into_iter().map(share).sum::<f64>()
    }
}

/// An ODE that says when it jumps.
#[derive(Clone, Copy)]
struct Named<const K: usize>(Pulses<K>);

impl<const K: usize> Ode<1> for Named<K> {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; 1]) -> [Num<N>; 1] {
        self.0.rhs(t, x)
    }

    fn stops<N: Number>(&self, s: &Num<N>, _t: &Num<N>) -> Vec<Num<N>> {
        self.0.jumps().into_iter().map(|time| s.constant(time)).collect()
    }
}

/// The solvers with these stop times, and with their mirror images: every solve needs one of both.
fn stopping(tolerance: f64, times: &[f64]) -> impl Fn(Tableau) -> Adaptive {
    let both: Vec<f64> = times.iter().flat_map(|time| [*time, -time]).collect();
    move |method| within(tolerance, tolerance)(method).stops(both.iter().copied()).unwrap()
}

/// By the solver's stops, on floats of both kinds, and by those that the ODE names.
fn is_seen<const K: usize>(pulses: Pulses<K>, span: [f64; 2], x: f64) {
    let end = pulses.exact(x, span);
    for found in solved(stopping(1e-8, &pulses.jumps()), pulses, span, [x]) {
        found.ends_at([end], [MANY * 1e-8; 2]);
    }
    // where single precision can tell the times apart
    if pulses.on.iter().all(|[from, to]| to - from > 1e-4 * to.abs()) {
        for found in solved_in_single(stopping(1e-5, &pulses.jumps()), pulses, span, [x]) {
            found.ends_at([end], [MANY * 1e-5; 2]);
        }
    }
    for method in METHODS {
        let solver = within(1e-8, 1e-8)(method);
        let alone = path(&solver, Named(pulses), span, [x], &Save::End);
        let start = Start { from: span[0], to: span[1], state: [x], parameters: [] };
        let together = Ensemble::new(solver.clone()).solve(&Named(pulses), &[start])[0];
        let mapped = solver.of(Named(pulses).field()).flow(&span[0], &span[1], &[x]);
        assert_eq!((alone.status(), together.status), (Status::Finished, Status::Finished));
        for found in [alone.end()[0], together.state[0], mapped[0]] {
            crate::runs::close(method.name, &[found], &[end], [MANY * 1e-8; 2]);
        }
    }
}

/// `x' = -x + 20` on `(1, 1.05)` and `x' = -x + 10` on `(1, 1.1)`; chebfun/chebfun#1512, qutip/qutip#1265.
#[test]
fn a_short_pulse_between_stops_is_seen() {
    for (push, off, expected) in [(20.0, 1.05, 0.512_566_928_897_798_4), (10.0, 1.1, 0.522_237_468_928_180_59)] {
        let pulses = Pulses { rate: -1.0, push, on: [[1.0, off]] };
        assert!((pulses.exact(1.0, [0.0, 2.0]) - expected).abs() < 1e-14);
        is_seen(pulses, [0.0, 2.0], 1.0);
    }
    // where it ends
    for found in solved(stopping(1e-8, &[1.0, 1.05]), Pulses { rate: -1.0, push: 20.0, on: [[1.0, 1.05]] }, [0.0, 1.05], [1.0]) {
        found.ends_at([1.325_349_259_096_875_2], [MANY * 1e-8, 0.0]);
    }
}

/// `x' = 10000` on `(20, 20.1)`, with events at both times; llnl/sundials#881.
#[test]
fn a_pulse_between_two_event_times_adds_what_it_should() {
    let pulses = Pulses { rate: 0.0, push: 1e4, on: [[20.0, 20.1]] };
    is_seen(pulses, [0.0, 30.0], 0.0);
    for found in solved(stopping(1e-6, &[20.0, 20.1]), pulses, [0.0, 30.0], [0.0]) {
        found.ends_at([1000.0], [1e-12, 0.0]);
    }
    for method in METHODS {
        let at = |time: f64| Event::new(move |t: &f64, _: &[f64; 1]| t - time);
        let solver = stopping(1e-6, &[20.0, 20.1])(method);
        let path = solver.solve_until(&pulses.field(), &0.0, &30.0, &[0.0], &Save::End, &[at(20.0), at(20.1)]).unwrap();
        let times: Vec<f64> = path.crossings().iter().map(|crossing| crossing.time).collect();
        assert_eq!(times, [20.0, 20.1], "{}", method.name);
        assert!((path.end()[0] - 1000.0).abs() < 1e-9);
    }
}

/// Siblings of llnl/sundials#881 and chebfun/chebfun#1512: several pulses, short ones, ones that begin at the start, end at the
/// end, follow each other, or reach beyond the span.
#[test]
fn pulses_of_many_kinds_are_seen() {
    for rate in [0.0, -1.0, 0.1] {
        is_seen(Pulses { rate, push: 1e4, on: [[3.0, 3.1], [7.0, 7.001], [20.0, 20.1]] }, [0.0, 30.0], 0.0);
        is_seen(Pulses { rate, push: 1e6, on: [[12.0, 12.000_001]] }, [0.0, 30.0], 1.0);
        is_seen(Pulses { rate, push: 5.0, on: [[0.0, 0.01]] }, [0.0, 3.0], 1.0);
        is_seen(Pulses { rate, push: 5.0, on: [[2.99, 3.0]] }, [0.0, 3.0], 1.0);
        is_seen(Pulses { rate, push: 5.0, on: [[1.0, 1.5], [1.5, 2.0]] }, [0.0, 3.0], 1.0);
        is_seen(Pulses { rate, push: 5.0, on: [[-1.0, 0.5], [2.5, 9.0]] }, [0.0, 3.0], 1.0);
    }
}

/// `y' = 1` on `[1, 2)`; SciML/ODE.jl#139.
#[test]
fn with_stops_the_end_of_the_span_does_not_matter_to_the_last_digits() {
    for end in [16.0, 17.0, 1e3, 1e6] {
        for found in solved(stopping(1e-6, &[1.0, 2.0]), Pulses { rate: 0.0, push: 1.0, on: [[1.0, 2.0]] }, [0.0, end], [0.0]) {
            found.ends_at([1.0], [1e-13, 0.0]);
        }
    }
}

/// Stop times in any order, twice, outside of the span and at its ends change nothing; NaN is refused.
#[test]
fn stop_times_may_be_given_as_they_come() {
    let pulses = Pulses { rate: -1.0, push: 20.0, on: [[1.0, 1.05]] };
    let messy = [1.05, 1.0, 1.0, -7.0, 1e300, 0.0, 2.0, 0.5, f64::INFINITY];
    for found in solved(stopping(1e-8, &messy), pulses, [0.0, 2.0], [1.0]) {
        found.ends_at([0.512_566_928_897_798_4], [MANY * 1e-8, 0.0]);
    }
    assert!(within(1e-6, 1e-9)(DOPRI5).stops([1.0, f64::NAN]).is_err());
}

/// Steps end exactly at the stops, and nothing is taken for jumps that are not there.
#[test]
fn steps_end_at_stops() {
    let decay = Affine::new([[-1.0]], [0.0]).unwrap();
    let stops = [0.1, 0.3, 1.0 / 3.0, 2.5];
    for method in METHODS {
        for sign in [1.0, -1.0] {
            let solver = stopping(1e-8, &stops)(method);
            let path = path(&solver, Mirrored(decay, sign), [0.0, sign * 3.0], [1.0], &Save::Steps);
            for stop in stops {
                assert!(path.times().contains(&(sign * stop)), "{}: {stop}", method.name);
            }
            crate::runs::close(method.name, path.end(), &[(-3.0_f64).exp()], [MANY * 1e-8, 0.0]);
        }
    }
}

/// `x' = -x + dose` during an hour after a time that is a parameter.
#[derive(Clone, Copy)]
struct Dosed;

impl ParametricOde<1, 2> for Dosed {
    #[inline(always)]
    fn rhs_with<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1], [dose, when]: &[Num<N>; 2]) -> [Num<N>; 1] {
        [(t.lt(when) | !t.lt(when + 0.01)).select(0.0, dose) - x]
    }

    fn stops_with<N: Number>(&self, _s: &Num<N>, _t: &Num<N>, [_, when]: &[Num<N>; 2]) -> Vec<Num<N>> {
        vec![when.clone(), when + 0.01]
    }
}

/// A sibling of qutip/qutip#1265: every trajectory of an ensemble has jumps of its own.
#[test]
fn trajectories_have_stops_of_their_own() {
    let starts: Vec<_> = (0..50)
        .map(|k| Start { from: 0.0, to: 20.0, state: [1.0], parameters: [1000.0 + f64::from(k), 0.37 * f64::from(k)] })
        .collect();
    for method in METHODS {
        let solver = within(1e-8, 1e-8)(method);
        for (start, end) in starts.iter().zip(Ensemble::new(solver.clone()).solve(&Dosed, &starts)) {
            let [dose, when] = start.parameters;
            let expected = (-20.0_f64).exp() + dose * ((when + 0.01 - 20.0).exp() - (when - 20.0).exp());
            let alone = solver.solve(&Dosed.with(start.parameters), &0.0, &20.0, &[1.0], &Save::End).unwrap();
            assert_eq!((end.status, alone.status()), (Status::Finished, Status::Finished));
            crate::runs::close(method.name, &[end.state[0], alone.end()[0]], &[expected; 2], [MANY * 1e-8, MANY * 1e-8]);
        }
    }
}

/// The next of these times after the start are where it jumps: what a field names may depend on where a solve begins.
#[derive(Clone, Copy)]
struct Ahead;

impl ParametricOde<1, 0> for Ahead {
    fn rhs_with<N: Number>(&self, t: &Num<N>, [_]: &[Num<N>; 1], []: &[Num<N>; 0]) -> [Num<N>; 1] {
        [(t - t.floor()).lt(0.5).select(1.0, 1e3)]
    }
    fn stops_with<N: Number>(&self, s: &Num<N>, _t: &Num<N>, []: &[Num<N>; 0]) -> Vec<Num<N>> {
        (0..8).map(|k| s.floor() + 0.5 * f64::from(k)).collect()
    }
}

/// A sibling of qutip/qutip#1265: a trajectory's stops are those it would have alone, whichever begin and end beside it.
#[test]
fn trajectories_beside_others_are_those_alone_with_stops_too() {
    let start = |k: u32| {
        let from = 0.07 * f64::from(k % 13);
        Start { from, to: from + [2.0, 1.0, 3.1][k as usize % 3], state: [0.0], parameters: [] }
    };
    let starts: Vec<_> = (0..100).map(start).collect();
    for method in METHODS {
        let ensemble = Ensemble::new(within(1e-6, 1e-9)(method));
        for (start, end) in starts.iter().zip(ensemble.solve(&Ahead, &starts)) {
            let alone = ensemble.solve(&Ahead, std::slice::from_ref(start))[0];
            assert_eq!((end.state, end.accepted, end.rejected), (alone.state, alone.accepted, alone.rejected), "{start:?}");
            let at = |t: f64| t.floor() * 500.5 + (t - t.floor()).min(0.5) + 1e3 * (t - t.floor() - 0.5).max(0.0);
            crate::runs::close(method.name, &end.state, &[at(start.to) - at(start.from)], [MANY * 1e-6; 2]);
        }
    }
}

/// A sibling of chebfun/chebfun#1512: what a pulse leaves has derivatives by its strength and by its time.
#[test]
fn the_time_of_a_pulse_has_its_derivative() {
    let (dose, when) = (20.0, 1.0);
    let expected = dose * ((when + 0.01_f64 - 2.0).exp() - (when - 2.0_f64).exp());
    for method in METHODS {
        for (moving, slope) in [([1.0, 0.0], expected / dose), ([0.0, 1.0], expected)] {
            let parameters = [Dual::new(dose, moving[0]), Dual::new(when, moving[1])];
            let map = within(1e-9, 1e-9)(method).of(Dosed.with(parameters));
            let end = map.flow(&Dual::constant(0.0), &Dual::constant(2.0), &Dual::constant([0.0]));
            crate::runs::close(method.name, &[end.value()[0], end.tangent()[0]], &[expected, slope], [MANY * 1e-9, 0.0]);
        }
    }
}

/// A field behind a reference keeps its stops, and so does one on duals.
#[test]
fn stops_are_honoured_on_duals_and_behind_references() {
    let pulses = Pulses { rate: -1.0, push: 20.0, on: [[1.0, 1.05]] };
    let named = Named(pulses);
    let field: &dyn flowmap::VelocityField<[f64; 1]> = &(&named).field();
    for method in METHODS {
        let solver = within(1e-8, 1e-8)(method);
        let map = solver.clone().of(field);
        crate::runs::close(method.name, &map.flow(&0.0, &2.0, &[1.0]), &[0.512_566_928_897_798_4], [MANY * 1e-8, 0.0]);
        let map = solver.of((&named).field());
        let end = map.flow(&Dual::constant(0.0), &Dual::constant(2.0), &Dual::new([1.0], [1.0]));
        let found = [end.value()[0], end.tangent()[0]];
        crate::runs::close(method.name, &found, &[0.512_566_928_897_798_4, (-2.0_f64).exp()], [MANY * 1e-8, 0.0]);
    }
}

/// Sliding along a jump is not stiff, with stops or without; OpenModelica/OpenModelica#9711.
#[test]
fn stops_elsewhere_do_not_hide_sliding() {
    crate::runs::ode!(Slides, 1, |_t, [x]| [x.gt(0.5).select(-1.0, 1.0)]);
    for Found { by, status, state, .. } in solved(stopping(1e-6, &[0.25, 0.75]), Slides, [0.0, 1.0], [0.0]) {
        let honest = matches!(status, Status::TooManySteps | Status::Chattering) && !status.to_string().contains("stiff");
        assert!(honest || (state[0] - 0.5).abs() < MANY * 1e-6, "{by}: {status:?}");
    }
}

/// Free fall from `h`, `t = √(2h/g)`, and the derivatives of time and speed of the impact by `h` and by `g`; a sibling of
/// SciML/DiffEqBase.jl#671.
#[test]
fn the_time_of_an_event_has_its_derivative() {
    /// `h'' = -g`.
    struct Fall;
    impl ParametricOde<2, 1> for Fall {
        fn rhs_with<N: Number>(&self, _t: &Num<N>, [_, speed]: &[Num<N>; 2], [g]: &[Num<N>; 1]) -> [Num<N>; 2] {
            [speed.clone(), -g]
        }
    }
    let (height, g) = (50.0_f64, 9.8_f64);
    let time = (2.0 * height / g).sqrt();
    let [zero, end] = [0.0, 5.0].map(Dual::constant);
    for method in METHODS {
        let solver = within(1e-8, 1e-8)(method);
        let ground = || [Event::new(|_: &Dual<f64>, x: &Dual<[f64; 2]>| flowmap::Coordinates::split(x)[0].clone()).terminal()];
        for (start, gravity, rate, speed) in [
            (Dual::new([height, 0.0], [1.0, 0.0]), Dual::constant(g), 0.5 * time / height, -0.5 * (2.0 * g / height).sqrt()),
            (Dual::constant([height, 0.0]), Dual::new(g, 1.0), -0.5 * time / g, -0.5 * (2.0 * height / g).sqrt()),
        ] {
            let path = solver.solve_until(&Fall.with([gravity]), &zero, &end, &start, &Save::End, &ground()).unwrap();
            assert_eq!(path.status(), Status::Event(0));
            let found = [*path.end_time().value(), *path.end_time().tangent(), path.end().tangent()[0], path.end().tangent()[1]];
            crate::runs::close(method.name, &found, &[time, rate, 0.0, speed], [1e-10, 1e-9]);
        }
    }
}

/// So many attempts are those of the whole solve, whatever its number of segments.
#[cfg(feature = "diffsol")]
#[test]
fn implicit_methods_count_their_attempts_over_all_segments() {
    let on = std::array::from_fn::<_, 10, _>(|k| [k as f64, k as f64 + 0.5]);
    let pulses = Named(Pulses { rate: -1.0, push: 1.0, on });
    for (name, solver) in crate::runs::implicit(1e-6, 1e-9) {
        let whole = solver.clone().solve(&pulses.field(), &0.0, &10.0, &[1.0], &Save::End).unwrap();
        let taken = whole.statistics().accepted + whole.statistics().rejected;
        assert_eq!(whole.status(), Status::Finished, "{name}");
        let cut = solver.max_steps(taken as u32 / 2).solve(&pulses.field(), &0.0, &10.0, &[1.0], &Save::End).unwrap();
        assert_eq!(cut.status(), Status::TooManySteps, "{name}");
        assert!(cut.statistics().accepted + cut.statistics().rejected <= taken / 2 + 1, "{name}");
    }
}
