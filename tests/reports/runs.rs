//! A problem by every method, in both directions of time, and what came of it.

#[cfg(feature = "diffsol")]
use flowmap::solver::Stiff;
use flowmap::{
    Num, Number, Ode, Real, Tolerance, VelocityField,
    solver::{
        Adaptive, BOGACKI_SHAMPINE, DOP853, DOPRI5, Ensemble, Event, Save, Solution, Solver, Start, Status, TSIT5, Tableau,
    },
};

pub const METHODS: [Tableau; 4] = [DOPRI5, TSIT5, DOP853, BOGACKI_SHAMPINE];

/// What an error at the end may be in units of the tolerance, which is that of one step: the errors of some dozens of steps add
/// up.
pub const MANY: f64 = 100.0;

/// An ODE in one line: its name, its dimension, and its velocity.
macro_rules! ode {
    ($name:ident, $dimension:literal, |$t:ident, $x:pat_param| $velocity:expr) => {
        #[derive(Clone, Copy)]
        struct $name;
        impl flowmap::Ode<$dimension> for $name {
            #[inline(always)]
            fn rhs<N: flowmap::Number>(
                &self,
                $t: &flowmap::Num<N>,
                $x: &[flowmap::Num<N>; $dimension],
            ) -> [flowmap::Num<N>; $dimension] {
                $velocity
            }
        }
    };
}
pub(crate) use ode;

/// `x' = σ b(σ t, x)`: for `σ = -1` its solutions are those of `x' = b(t, x)`, mirrored in time.
#[derive(Clone, Copy)]
pub struct Mirrored<O>(pub O, pub f64);

impl<O: Ode<D>, const D: usize> Ode<D> for Mirrored<O> {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let mut rate = self.0.rhs(&(self.1 * t), x);
        scale(&mut rate, self.1);
        rate
    }
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        let mut stops = self.0.stops(&(self.1 * s), &(self.1 * t));
        scale(&mut stops, self.1);
        stops
    }
}

fn scale<N: Number>(numbers: &mut [Num<N>], factor: f64) {
    for number in numbers {
        *number = factor * &*number;
    }
}

/// `1` from time `from` on until `to`, else `0`.
pub fn pulse<N: Number>(t: &Num<N>, [from, to]: [f64; 2]) -> Num<N> {
    (t.lt(from) | !t.lt(to)).select(0.0, 1.0)
}

/// Every method with these tolerances, relative and absolute.
pub fn within(relative: f64, absolute: f64) -> impl Fn(Tableau) -> Adaptive {
    move |method| Adaptive::new(method).unwrap().tolerance(Tolerance::new(relative, absolute).unwrap())
}

/// The end of a solve: times are those of the problem, whichever way it was solved.
#[derive(Debug)]
pub struct Found<const D: usize> {
    pub by: String,
    pub status: Status,
    pub time: f64,
    pub state: [f64; D],
    pub crossings: Vec<Crossed<D>>,
}

/// An event.
#[derive(Debug)]
pub struct Crossed<const D: usize> {
    pub event: usize,
    pub time: f64,
    pub state: [f64; D],
}

impl<const D: usize> Found<D> {
    fn new<F: Real>(by: String, sign: f64, path: &Solution<[F; D]>) -> Self {
        let crossed = |event: usize, time: &F, state: &[F; D]| Crossed {
            event,
            time: sign * time.into_f64(),
            state: state.map(Real::into_f64),
        };
        let crossings = path.crossings().iter().map(|c| crossed(c.event, &c.time, &c.state)).collect();
        let end = crossed(0, path.end_time(), path.end());
        Self { by, status: path.status(), time: end.time, state: end.state, crossings }
    }

    /// It got to its end, and every coordinate is `end`, but for an error of `relative` of its size and `absolute`.
    pub fn ends_at(&self, end: [f64; D], [relative, absolute]: [f64; 2]) {
        assert_eq!(self.status, Status::Finished, "{self:?}");
        close(&self.by, &self.state, &end, [relative, absolute]);
    }

    /// The times of the crossings of one event.
    pub fn times(&self, event: usize) -> Vec<f64> {
        self.crossings.iter().filter(|c| c.event == event).map(|c| c.time).collect()
    }

    /// One event happened at these times.
    pub fn happens_at(&self, event: usize, expected: &[f64], error: f64) {
        let times = self.times(event);
        assert_eq!(times.len(), expected.len(), "{}, event {event}: {times:?} for {expected:?}", self.by);
        close(&format!("{}, event {event}", self.by), &times, expected, [0.0, error]);
    }
}

/// Numbers agree but for an error of `relative` of their size and `absolute`.
pub fn close(what: &str, found: &[f64], expected: &[f64], [relative, absolute]: [f64; 2]) {
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= relative * b.abs() + absolute, "{what}: {found:?} for {expected:?}, off by {:e}", a - b);
    }
}

/// The end of a path by every method, forward, backward, and as an ensemble both ways.
pub fn solved<const D: usize>(
    solver: impl Fn(Tableau) -> Adaptive,
    ode: impl Ode<D> + Copy + Sync,
    span: [f64; 2],
    x: [f64; D],
) -> Vec<Found<D>> {
    let mut found = watched(&solver, ode, span, x, |_: f64| vec![]);
    found.extend(together(solver, ode, span, x));
    found
}

/// In single precision, forward and backward.
pub fn solved_in_single<const D: usize>(
    solver: impl Fn(Tableau) -> Adaptive,
    ode: impl Ode<D> + Copy,
    span: [f64; 2],
    x: [f64; D],
) -> Vec<Found<D>> {
    watched(solver, ode, span, x, |_: f32| vec![])
}

/// By every method, forward and backward. `events` are made for a sign `s`, with which they take times: `s t`.
pub fn watched<'a, F: Real, const D: usize>(
    solver: impl Fn(Tableau) -> Adaptive,
    ode: impl Ode<D> + Copy,
    span: [f64; 2],
    x: [f64; D],
    events: impl Fn(F) -> Vec<Event<'a, [F; D]>>,
) -> Vec<Found<D>> {
    let both = |method| {
        let solver = solver(method);
        [1.0, -1.0].map(|sign| alone(&solver, &Mirrored(ode, sign).field(), span, x, sign, &events(F::from_f64(sign))))
    };
    METHODS.into_iter().flat_map(both).collect()
}

fn name<F: Real>(solver: &Adaptive, sign: f64, how: &str) -> String {
    format!("{} {} on {}{how}", solver.method().name, if sign > 0.0 { "forward" } else { "backward" }, F::NAME)
}

/// A path by one solver. The field's type is not known here, or there were one such function for each.
fn alone<F: Real, const D: usize>(
    solver: &Adaptive,
    field: &dyn VelocityField<[F; D]>,
    span: [f64; 2],
    x: [f64; D],
    sign: f64,
    events: &[Event<[F; D]>],
) -> Found<D> {
    let [s, t] = span.map(|time| F::from_f64(sign * time));
    let path = solver.solve_until(field, &s, &t, &x.map(F::from_f64), &Save::End, events).unwrap();
    assert!(path.status() != Status::Finished || path.end_time() == &t, "the end is the end");
    Found::new(name::<F>(solver, sign, ""), sign, &path)
}

/// As an ensemble, forward and backward.
fn together<const D: usize>(
    solver: impl Fn(Tableau) -> Adaptive,
    ode: impl Ode<D> + Copy + Sync,
    span: [f64; 2],
    x: [f64; D],
) -> Vec<Found<D>> {
    let both = |method| {
        let solver = solver(method);
        [1.0, -1.0].map(|sign| {
            let [from, to] = span.map(|time| sign * time);
            let start = Start { from, to, state: x, parameters: [] };
            let [end] = Ensemble::new(solver.clone()).solve(&Mirrored(ode, sign), &[start]).try_into().unwrap();
            let (by, time) = (name::<f64>(&solver, sign, ", ensemble"), sign * end.time);
            Found { by, status: end.status, time, state: end.state, crossings: vec![] }
        })
    };
    METHODS.into_iter().flat_map(both).collect()
}

/// A path by one solver, with what is asked for kept.
pub fn path<const D: usize>(
    solver: &Adaptive,
    ode: impl Ode<D>,
    [s, t]: [f64; 2],
    x: [f64; D],
    save: &Save,
) -> Solution<[f64; D]> {
    let field: &dyn VelocityField<[f64; D]> = &ode.field();
    solver.solve(field, &s, &t, &x, save).unwrap()
}

/// The implicit methods.
#[cfg(feature = "diffsol")]
pub fn implicit(relative: f64, absolute: f64) -> [(&'static str, Stiff); 3] {
    let tolerance = Tolerance::new(relative, absolute).unwrap();
    [("BDF", Stiff::bdf()), ("ESDIRK34", Stiff::esdirk34()), ("TR-BDF2", Stiff::tr_bdf2())]
        .map(|(name, solver)| (name, solver.tolerance(tolerance.clone()).max_steps(1_000_000)))
}
