//! Events: where a function of the solution crosses zero.

use super::{
    Adaptive, Save, Solution, Solver, Status, Stepper,
    piece::{Piece, advance},
    solution::{Crossing, Recorder},
    stepper::epsilon,
};
use crate::{Real, Result, State, VelocityField};

/// Something to watch for: a function of time and state that crosses zero.
///
/// Crossings are found between the ends of every step, in four parts of it, and located by steps of the method itself: as
/// precisely as the solution is known. A value of zero at the start is no crossing, so that a solve may go on from an event; one that
/// becomes zero is, whatever it does then. Where the value is NaN, nothing is seen.
/// Two crossings within a quarter of a step cancel: [`Adaptive::step_limits`] guards against that.
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

/// Which crossings count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From negative to positive, in the direction in which the solve goes.
    Rising,
    /// From positive to negative.
    Falling,
    /// Both.
    #[default]
    Either,
}

impl Direction {
    /// Whether a function with these values at the ends of an interval crosses 0 in it, and this way.
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
    /// Crossings of zero by `value`, in either direction; the solve goes on.
    pub fn new(value: impl Fn(&X::Time, &X) -> X::Time + Send + Sync + 'a) -> Self {
        Self { value: Box::new(value), direction: Direction::Either, terminal: false }
    }

    /// Only from negative to positive.
    #[must_use]
    pub fn rising(self) -> Self {
        Self { direction: Direction::Rising, ..self }
    }

    /// Only from positive to negative.
    #[must_use]
    pub fn falling(self) -> Self {
        Self { direction: Direction::Falling, ..self }
    }

    /// The solve ends there.
    #[must_use]
    pub fn terminal(self) -> Self {
        Self { terminal: true, ..self }
    }
}

/// Into how many parts a step is cut in the search for crossings.
const PARTS: u32 = 4;

/// A crossing within a step: where, when a share of it is over.
struct Found {
    event: usize,
    share: f64,
    rises: bool,
}

impl Adaptive {
    /// Like [`solve`](super::Solver::solve), for one point, with an eye on `events`. It ends at the first terminal one.
    ///
    /// # Errors
    /// As for [`solve`](super::Solver::solve).
    pub fn solve_until<X, B>(
        &self,
        field: B,
        s: &X::Time,
        t: &X::Time,
        x: &X,
        save: &Save,
        events: &[Event<X>],
    ) -> Result<Solution<X>>
    where
        X: State<Time: Real>,
        B: VelocityField<X>,
    {
        if events.is_empty() {
            return self.solve(field, s, t, x, save);
        }
        let mut stepper = self.start(field, s, t, x);
        let mut recorder = Recorder::new(save, s, t, x)?;
        let value = |event: &Event<X>, t: &X::Time, x: &X| (event.value)(t, x).into_f64();
        let mut before: Vec<f64> = events.iter().map(|event| value(event, s, x)).collect();
        while stepper.step() {
            let piece = stepper.piece();
            let mut found = Vec::new();
            for (number, event) in events.iter().enumerate() {
                let at = |share: f64| {
                    let share = X::Time::from_f64(share);
                    value(event, &(piece.start + piece.length * share), &piece.at_share(&share))
                };
                for part in 1..=PARTS {
                    let [low, high] = [part - 1, part].map(|p| f64::from(p) / f64::from(PARTS));
                    let after = at(high);
                    if event.direction.counts(before[number], after) {
                        let share = root(at, [low, high], [before[number], after]);
                        found.push(Found { event: number, share, rises: before[number] < 0.0 });
                    }
                    // a zero is on neither side: it is met once, and what leaves it does not meet it again
                    if !after.is_nan() {
                        before[number] = after;
                    }
                }
            }
            found.sort_by(|a, b| a.share.total_cmp(&b.share));
            for Found { event, share, rises } in found {
                // positive beyond the crossing
                let value = |t: &X::Time, x: &X| if rises { value(&events[event], t, x) } else { -value(&events[event], t, x) };
                let length = stepper.locate(&piece, share, value);
                if events[event].terminal {
                    stepper.shorten(length);
                    let (time, state) = (*stepper.time(), stepper.state().clone());
                    recorder.record_step(&mut stepper);
                    recorder.cross(Crossing { event, time, state: state.clone() });
                    return Ok(recorder.finish(time, state, vec![Status::Event(event)], stepper.statistics()));
                }
                let (time, state) = stepper.trial(length);
                recorder.cross(Crossing { event, time, state });
            }
            recorder.record(stepper.time(), stepper.state(), || piece);
        }
        Ok(recorder.finish_stepper(&stepper))
    }
}

impl<X: State<Time: Real>, B: VelocityField<X>> Stepper<X, B> {
    /// Where a step of another length, from the start of the last one, would have led.
    fn trial(&mut self, length: X::Time) -> (X::Time, X) {
        let (time, state) = self.last_start();
        let mut rates = vec![self.first_rate().clone()];
        let end = advance(&self.method().clone(), self.field(), &time, &state, &length, &mut rates);
        self.count(rates.len() as u64 - 1);
        (time + length, end)
    }

    /// The length of the step that ends at the zero of `value`, near the share of `piece` that its polynomial suggests; where
    /// rounding decides, at or beyond it: a solve that goes on from there does not meet it again.
    fn locate(&mut self, piece: &Piece<X>, share: f64, value: impl Fn(&X::Time, &X) -> f64) -> X::Time {
        let full = piece.length.into_f64();
        let on_the_piece = |share: f64| {
            value(&X::Time::from_f64(piece.start.into_f64() + full * share), &piece.at_share(&X::Time::from_f64(share)))
        };
        // the polynomial knows the slope well enough for a Newton iteration
        let h = 1e-4;
        let slope = (on_the_piece((share + h).min(1.0)) - on_the_piece((share - h).max(0.0)))
            / ((share + h).min(1.0) - (share - h).max(0.0));
        let mut best = share;
        let mut size = f64::INFINITY;
        for _ in 0..4 {
            let (time, state) = self.trial(X::Time::from_f64(full * best));
            let miss = value(&time, &state);
            let next = best - miss / slope;
            if miss == 0.0 || miss.abs() >= size || !(0.0..=1.0).contains(&next) {
                break;
            }
            (best, size) = (next, miss.abs());
        }
        let mut further = epsilon::<X>();
        while further < 1e-2 {
            let (time, state) = self.trial(X::Time::from_f64(full * best));
            if value(&time, &state) >= 0.0 || best + further > 1.0 {
                break;
            }
            best += further;
            further *= 2.0;
        }
        X::Time::from_f64(full * best)
    }
}

/// The zero of `f` between two ends with values of different signs: regula falsi (Illinois), which halves the interval where
/// it is slow.
fn root(f: impl Fn(f64) -> f64, [mut a, mut b]: [f64; 2], [mut fa, mut fb]: [f64; 2]) -> f64 {
    for i in 0..200 {
        if fb == 0.0 {
            return b;
        }
        if (b - a).abs() <= 2.0 * f64::EPSILON {
            break;
        }
        let secant = b - fb * (b - a) / (fb - fa);
        let middle = 0.5 * (a + b);
        let inside = secant > a.min(b) && secant < a.max(b);
        let c = if inside && i % 3 != 2 { secant } else { middle };
        if c == a || c == b {
            break;
        }
        let fc = f(c);
        if fc.signum() * fb.signum() < 0.0 {
            (a, fa) = (b, fb);
        } else {
            fa *= 0.5;
        }
        (b, fb) = (c, fc);
    }
    b
}
