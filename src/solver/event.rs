//! Events: zeros of functions of the solution.

use super::{
    Adaptive, Piece, Recorder, Save, Solution, Solver, Status, Stepper,
    erased::erased,
    search::{Node, Search},
    stepper::epsilon,
};
use crate::{
    Number, Result, Scalar, State, Value, VelocityField,
    root::{grazes, root},
};

/// An event: a zero crossing of a function of time and state.
///
/// # Which crossings are found
/// The function is followed along every step like a coordinate: a step is divided until, on each part, a cubic through values
/// and slopes at its ends predicts the values in between. So crossings are not stepped over where a solution is smooth and its
/// steps are long. They are located by steps of the method itself, as precisely as the solution is known. A value of zero at
/// the start is no crossing, so that a solve may continue from an event; a value that becomes zero is one, whatever it does
/// next. Where the value is NaN, no crossing is found.
///
/// No search finds a spike narrower than the distance between its evaluations. A function that touches zero without crossing,
/// such as `(y - 5)²`, has no crossing, or two by rounding: watch `y - 5`, or the slope whose change of sign marks the
/// extremum. A velocity that jumps, or a pulse, also needs [stops](Adaptive::stops): the search finds events of the solution,
/// not those that its steps missed.
///
/// # Derivatives
/// On duals, time and state of a crossing have tangents, by the implicit function theorem: `dt* = -dg / (dg/dt)`, with the
/// slope `dg/dt` along the flow; the end of a solve at a terminal event is such a crossing. Where it grazes zero, so flatly
/// that an error as large as the tolerance could move it far or remove it, there is no derivative: the tangents are NaN, while
/// time and state stay valid.
///
/// ```
/// use flowmap::{Dual, Num, Number, Ode, solver::{Adaptive, DOPRI5, Event, Save}};
/// struct Fall;
/// impl Ode<2> for Fall {
///     fn rhs<N: Number>(&self, _t: &Num<N>, [_, speed]: &[Num<N>; 2]) -> [Num<N>; 2] { [speed.clone(), speed.constant(-9.81)] }
/// }
/// // how much later does it land if it is dropped from higher? t = √(2 h / g)
/// let ground = Event::new(|_: &Dual<f64>, x: &[Dual<f64>; 2]| x[0].clone()).falling().terminal();
/// let start = [Dual::new(1.0, 1.0), Dual::constant(0.0)];
/// let [s, t] = [0.0, 10.0].map(Dual::constant);
/// let path = Adaptive::new(DOPRI5)?.solve_until(&Fall.field(), &s, &t, &start, &Save::End, &[ground])?;
/// assert!((path.end_time().tangent() - (0.5_f64 / 9.81).sqrt()).abs() < 1e-10);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// A ball that is dropped and bounces:
///
/// ```
/// use flowmap::{field, solver::{Adaptive, DOPRI5, Event, Save, Status}};
/// let fall = field(|_: &f64, [_, speed]: &[f64; 2]| [*speed, -9.81]);
/// let ground = Event::new(|_: &f64, [height, _]: &[f64; 2]| *height).falling().terminal();
/// let solver = Adaptive::new(DOPRI5)?;
///
/// let path = solver.solve_until(&fall, &0.0, &10.0, &[1.0, 0.0], &Save::End, &[ground])?;
/// assert_eq!(path.status(), Status::Event(0));
/// assert!((path.end_time() - (2.0_f64 / 9.81).sqrt()).abs() < 1e-12);
/// // it goes on with a new state
/// let [height, speed] = *path.end();
/// let path = solver.solve_until(&fall, path.end_time(), &10.0, &[height, -0.8 * speed], &Save::End, &[])?;
/// # Ok::<(), flowmap::Error>(())
/// ```
pub struct Event<'a, X: State> {
    value: Box<Watched<'a, X>>,
    direction: Direction,
    terminal: bool,
}

type Watched<'a, X> = dyn Fn(&<X as State>::Time, &X) -> <X as State>::Time + Send + Sync + 'a;

/// The direction of the crossings that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From negative to positive, in the direction of the solve.
    Rising,
    /// From positive to negative.
    Falling,
    /// Both directions.
    #[default]
    Either,
}

impl Direction {
    /// Whether a function with these values at the ends of an interval crosses 0 in it, in this direction.
    pub(crate) fn counts(self, before: f64, after: f64) -> bool {
        let (rises, falls) = (before < 0.0 && after >= 0.0, before > 0.0 && after <= 0.0);
        match self {
            Self::Rising => rises,
            Self::Falling => falls,
            Self::Either => rises || falls,
        }
    }
}

impl<X: State> std::fmt::Debug for Event<'_, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event").field("direction", &self.direction).field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl<'a, X: State> Event<'a, X> {
    /// Crossings of zero by `value`, in either direction; the solve continues.
    pub fn new(value: impl Fn(&X::Time, &X) -> X::Time + Send + Sync + 'a) -> Self {
        Self { value: Box::new(value), direction: Direction::Either, terminal: false }
    }

    /// Only crossings from negative to positive.
    #[must_use]
    pub fn rising(self) -> Self {
        Self { direction: Direction::Rising, ..self }
    }

    /// Only crossings from positive to negative.
    #[must_use]
    pub fn falling(self) -> Self {
        Self { direction: Direction::Falling, ..self }
    }

    /// Ends the solve at the first crossing.
    #[must_use]
    pub fn terminal(self) -> Self {
        Self { terminal: true, ..self }
    }
}

/// Number of intervals that a search may use in a solve, per allowed step: beyond it, an event function is too irregular.
const INTERVALS: u64 = 64;

/// A crossing within a step, at this share of it.
struct Found {
    event: usize,
    share: f64,
    rises: bool,
}

/// The state of an event at the end of the last step.
struct Seen {
    /// The last value that was not NaN.
    side: f64,
    value: f64,
    /// The time derivative, and the time difference used for it; none where the velocity may jump.
    slope: Option<[f64; 2]>,
}

impl Adaptive {
    /// Like [`solve`](super::Solver::solve), for one point, with detection of `events`. It ends at the first terminal one. On
    /// duals, crossings [have derivatives](Event#derivatives).
    ///
    /// # Errors
    /// As for [`solve`](super::Solver::solve).
    pub fn solve_until<X, B>(
        &self,
        field: &B,
        s: &X::Time,
        t: &X::Time,
        x: &X,
        save: &Save,
        events: &[Event<X>],
    ) -> Result<Solution<X>>
    where
        X: State<Time: Scalar>,
        B: VelocityField<X> + ?Sized,
    {
        if events.is_empty() {
            return self.solve(field, s, t, x, save);
        }
        self.watch(erased(&field), s, t, x, save, events)
    }

    fn watch<X, B>(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save, events: &[Event<X>]) -> Result<Solution<X>>
    where
        X: State<Time: Scalar>,
        B: VelocityField<X> + ?Sized,
    {
        let mut stepper = self.start(field, s, t, x);
        let mut recorder = Recorder::new(save, s, t, x, stepper.rates.first())?;
        let first = events.iter().map(|event| {
            let value = (event.value)(s, x).primal();
            Seen { side: value, value, slope: None }
        });
        let mut seen: Vec<Seen> = first.collect();
        let mut budget = INTERVALS * u64::from(self.max_steps);
        let mut at_stop = false;
        while stepper.step() {
            let piece = stepper.piece();
            let mut found = Vec::new();
            for (number, (event, seen)) in events.iter().zip(&mut seen).enumerate() {
                if at_stop {
                    seen.slope = None;
                }
                let Some(crossings) = event.look(&piece, seen, &mut budget) else {
                    // the step may contain undetected events: the solve ends before it
                    let status = vec![Status::EventTooFast(number)];
                    return Ok(recorder.finish_as(piece.start, piece.from, status, stepper.statistics()));
                };
                found.extend(crossings.into_iter().map(|(share, rises)| Found { event: number, share, rises }));
            }
            at_stop = stepper.is_at_stop();
            found.sort_by(|a, b| a.share.total_cmp(&b.share));
            for Found { event, share, rises } in found {
                let length = stepper.locate(&events[event], &piece, share, rises);
                if events[event].terminal {
                    stepper.shorten(length);
                    let (time, state) = (stepper.time().clone(), stepper.state().clone());
                    recorder.record_step(&mut stepper);
                    recorder.cross(event, time.clone(), state.clone());
                    return Ok(recorder.finish_as(time, state, vec![Status::Event(event)], stepper.statistics()));
                }
                let (time, state) = stepper.trial(&length);
                recorder.cross(event, time, state);
            }
            recorder.record(stepper.time(), stepper.state(), || piece);
        }
        Ok(recorder.finish_stepper(&stepper))
    }
}

impl<X: State<Time: Scalar>> Event<'_, X> {
    /// The event function at a share of `piece`.
    fn on(&self, piece: &Piece<X>, share: f64) -> f64 {
        let share = piece.start.constant(share);
        (self.value)(&(piece.length.clone() * &share + &piece.start), &piece.at_share(&share)).primal()
    }

    /// The crossings on a piece that count, in order: the share at which they occur, and whether the value rises. `None` if the
    /// budget of intervals is spent.
    fn look(&self, piece: &Piece<X>, seen: &mut Seen, budget: &mut u64) -> Option<Vec<(f64, bool)>> {
        let at = |share: f64| self.on(piece, share);
        let (length, clock) = (piece.length.primal(), piece.start.primal().abs().max(piece.end.primal().abs()));
        // the finest shares that the rounding of time allows
        let resolution = (epsilon::<X>() * (clock / length).abs().max(1.0)).min(0.01);
        let search = Search { function: &at, resolution };
        let start = match seen.slope {
            Some([slope, blur]) => Node { share: 0.0, value: seen.value, slope: slope * length, blur: (blur / length).abs() },
            None => search.node(0.0, seen.value, 1.0),
        };
        let end = search.node(1.0, at(1.0), 1.0);
        let rounding = 64.0 * resolution;
        let mut found = Vec::new();
        let mut low = 0.0;
        for (high, value) in search.values(start, end, budget)? {
            // rounding creates zeros next to a touch, and nonzero values next to a zero
            let touches = value == 0.0 && seen.side * at((high + rounding).min(1.0)) > 0.0;
            let lingers = seen.side == 0.0 && high - low <= rounding;
            if touches || lingers || value.is_nan() {
                continue;
            }
            if self.direction.counts(seen.side, value) {
                let rises = seen.side < 0.0;
                // the point where the value becomes zero, not one where it stays zero
                let beyond = |value: f64| if value == 0.0 { f64::MIN_POSITIVE.copysign(-seen.side) } else { value };
                let root = root(|share| Ok(beyond(at(share))), [low, high], [seen.side, beyond(value)], search.resolution);
                found.push((root.expect("values are no errors"), rises));
            }
            // a zero is on neither side: it is found once, and not again by the value that leaves it
            (seen.side, low) = (value, high);
        }
        seen.value = end.value;
        seen.slope = Some([end.slope / length, end.blur * length]);
        Some(found)
    }
}

impl<X: State<Time: Scalar>, B: VelocityField<X>> Stepper<X, B> {
    /// The length of the step that ends at the zero of an event, near the share of `piece` that its polynomial suggests. Within
    /// rounding, it is at or beyond the zero, so that a solve that continues from there does not find it again.
    fn locate(&mut self, event: &Event<X>, piece: &Piece<X>, share: f64, rises: bool) -> X::Time {
        let full = piece.length.frozen();
        let length = |share: f64| full.scale(share);
        // positive beyond the crossing
        let mut height = |length: X::Time| {
            let (time, state) = self.trial(&length);
            let value = (event.value)(&time, &state);
            if rises { value } else { -value }
        };
        // an interval around it, as wide as the error of the polynomial
        let h = 1e-4;
        let [before, after] = [(share - h).max(0.0), (share + h).min(1.0)];
        let slope = (event.on(piece, after) - event.on(piece, before)) / (after - before);
        let mut beyond = |share: f64| {
            let height = height(length(share)).primal();
            if height == 0.0 { f64::MIN_POSITIVE } else { height }
        };
        let resolution = epsilon::<X>() * share.max(epsilon::<X>());
        let miss = beyond(share);
        let mut reach = 4.0 * resolution + if slope == 0.0 { 0.0 } else { (2.0 * miss / slope).abs() };
        let mut best = share;
        while reach < 1.0 {
            let ends = [(share - reach).max(0.0), (share + reach).min(1.0)];
            let values = ends.map(&mut beyond);
            if values[0] < 0.0 && values[1] >= 0.0 {
                let found = root(|share| Ok(beyond(share)), ends, values, resolution);
                best = found.expect("values are no errors");
                break;
            }
            if values[0] >= 0.0 && values[1] >= 0.0 && ends[0] == 0.0 {
                break;
            }
            reach *= 8.0;
        }
        let mut located = length(best);
        if X::Time::DEPTH == 0 {
            return located;
        }
        // the implicit function theorem, for one order of nested tangents after another
        let middle = best.clamp(0.1, 0.9);
        let heights = [-0.1, 0.0, 0.1].map(|beside| event.on(piece, middle + beside));
        let error = self.exactness(piece) * heights[0].abs().max(heights[2].abs());
        for _ in 0..X::Time::DEPTH {
            let mut height = |length: X::Time| {
                let (time, state) = self.trial(&length);
                (event.value)(&time, &state)
            };
            let value = height(located.clone());
            // large tangents must not absorb the nudge
            let nudge = value.slope().abs().max(1.0);
            let slope = (height(located.nudged(nudge)).slope() - value.slope()) / nudge;
            if slope == 0.0 || grazes(slope * full.primal(), heights, 0.1, error) {
                return located.without_derivative();
            }
            located = located - (value.clone() - value.frozen()).scale(1.0 / slope);
        }
        located
    }

    /// The error of a step that the tolerance allows, relative to its largest coordinate.
    fn exactness(&self, piece: &Piece<X>) -> f64 {
        let tolerance = &self.solver.tolerance;
        let finest = tolerance.absolute().iter().copied().fold(f64::INFINITY, f64::min);
        tolerance.relative() + finest / piece.from.largest().primal().max(piece.to().largest().primal())
    }
}
