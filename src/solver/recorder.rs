//! Recorders: build solutions from steps.

use super::{
    Crossing, Piece, Save, Solution, Statistics, Status, Stepper,
    solution::{differ, from_start, nowhere},
    stepper::epsilon,
};
use crate::{Error, Mask, Number, Result, State, Value, VelocityField};

/// Collects the output that a solve is asked to [`Save`], and builds a [`Solution`] from the steps of a
/// [`Solver`](super::Solver).
///
/// With it, your own solver can do the same as those of this crate. This one is semi-implicit Euler for a mass on a spring:
///
/// ```
/// use flowmap::{FlowMap, Result, VelocityField, field};
/// use flowmap::solver::{Numerical, Piece, Recorder, Save, Solution, Solver, Statistics, Status};
/// /// So many steps, the speed first.
/// struct Kick(u32);
/// impl<B: VelocityField<[f64; 2]>> Solver<[f64; 2], B> for Kick {
///     fn solve(&self, field: &B, s: &f64, t: &f64, x: &[f64; 2], save: &Save) -> Result<Solution<[f64; 2]>> {
///         let mut path = Recorder::new(save, s, t, x, Some(&field.velocity(s, x)))?;
///         let (h, mut time, mut state) = ((t - s) / f64::from(self.0), *s, *x);
///         for k in 1..=self.0 {
///             let [q, p] = state;
///             let p = p + h * field.velocity(&time, &state)[1];
///             let next = [q + h * field.velocity(&time, &[q, p])[0], p];
///             let end = s + h * f64::from(k);
///             path.record(&end, &next, || Piece::cubic(field, [&time, &end], [&state, &next]));
///             (time, state) = (end, next);
///         }
///         let mut statistics = Statistics::default();
///         (statistics.accepted, statistics.evaluations) = (self.0.into(), 2 * u64::from(self.0));
///         Ok(path.finish(*t, state, vec![Status::Finished], statistics))
///     }
/// }
/// let spring = field(|_: &f64, [q, p]: &[f64; 2]| [*p, -q]);
/// let path = Kick(1000).solve(&spring, &0.0, &2.0, &[1.0, 0.0], &Save::At(vec![1.0, 2.0]))?;
/// assert!((path.states()[0][0] - 1.0_f64.cos()).abs() < 1e-3);
/// let map = Numerical::new(Kick(1000), spring);
/// assert_eq!(map.flow(&0.0, &2.0, &[1.0, 0.0]), path.states()[1]);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub struct Recorder<'a, X: State> {
    save: &'a Save,
    start: X::Time,
    start_state: X,
    start_rate: Option<X>,
    target: X::Time,
    times: Vec<X::Time>,
    states: Vec<X>,
    pieces: Vec<Piece<X>>,
    crossings: Vec<Crossing<X>>,
    /// One for each time at which a state is requested.
    slots: Vec<Slot<X>>,
    /// The slots in the order in which they are reached; for a batch, any order works.
    order: Vec<usize>,
    /// How many of them, in this order, have their state.
    filled: usize,
    samples: usize,
}

/// A time at which a state is requested.
struct Slot<X: State> {
    time: X::Time,
    state: Option<X>,
}

impl<X: State> std::fmt::Debug for Recorder<'_, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("save", self.save).finish_non_exhaustive()
    }
}

/// The positions of `times` in the order of the times.
fn order(times: &[f64], backward: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|&a, &b| if backward { times[b].total_cmp(&times[a]) } else { times[a].total_cmp(&times[b]) });
    order
}

impl<'a, X: State> Recorder<'a, X> {
    /// A recorder for a solve from `x` at time `start` to time `target`. `rate` is the velocity at the start, if known: it
    /// gives [`Solution::at`] the start its time derivative.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a state is requested at a time outside the span, by more than one rounding.
    pub fn new(save: &'a Save, start: &X::Time, target: &X::Time, x: &X, rate: Option<&X>) -> Result<Self> {
        let form = x.dot(x).frozen();
        let (start, target) = (start.clone().in_form_of(&form), target.clone().in_form_of(&form));
        let (start, target) = (&start, target);
        let (from, to) = (start.values(), target.values());
        let mut recorder = Self {
            save,
            start: start.clone(),
            start_state: x.clone(),
            start_rate: rate.cloned(),
            target,
            times: Vec::new(),
            states: Vec::new(),
            pieces: Vec::new(),
            crossings: Vec::new(),
            slots: Vec::new(),
            order: Vec::new(),
            filled: 0,
            samples: from.len(),
        };
        match save {
            Save::Steps => {
                recorder.times.push(start.clone());
                recorder.states.push(x.clone());
            }
            Save::At(times) => {
                // as rounded to the type of time
                let times: Vec<f64> = times.iter().map(|&time| start.constant(time).values()[0]).collect();
                for &time in &times {
                    let outside = |(a, b): (&f64, &f64)| {
                        let rounding = epsilon::<X>() * f64::max(a.abs(), b.abs());
                        !(time >= f64::min(*a, *b) - rounding && time <= f64::max(*a, *b) + rounding)
                    };
                    if let Some((a, b)) = from.iter().zip(&to).find(|&pair| outside(pair)) {
                        let reason = format!("{time} is not between the start {a} and the end {b} of the solve");
                        return Err(Error::invalid("save time", reason));
                    }
                }
                let slot = |&time: &f64| {
                    let (s, t) = (start.frozen(), recorder.target.frozen());
                    let time = start.constant(time).max(&s.min(&t)).min(&s.max(&t));
                    let elsewhere = differ(&time, start);
                    // a sample whose span has length 0 keeps its start
                    let known = from.len() > 1 || !elsewhere.any();
                    let at_start = || from_start(x, rate, &(time.clone() - start));
                    let state = known.then(|| X::choose(&elsewhere, &nowhere(x, &time), &at_start()));
                    Slot { time, state }
                };
                recorder.slots = times.iter().map(slot).collect();
                recorder.order = order(&times, to.first() < from.first());
            }
            Save::End | Save::Dense => {}
        }
        Ok(recorder)
    }

    /// Records a step that ended in `state`; call it in the order of the steps. `piece` is only called if states between its
    /// ends matter.
    pub fn record(&mut self, end: &X::Time, state: &X, piece: impl FnOnce() -> Piece<X>) {
        match self.save {
            Save::Steps => {
                self.times.push(end.clone());
                self.states.push(state.clone());
            }
            Save::Dense => self.pieces.push(piece()),
            Save::At(_) if self.wants_piece() => self.fill(&piece()),
            Save::End | Save::At(_) => {}
        }
    }

    /// Whether states between the ends of a step matter.
    fn wants_piece(&self) -> bool {
        match self.save {
            Save::Dense => true,
            Save::At(_) => self.filled < self.slots.len(),
            Save::End | Save::Steps => false,
        }
    }

    /// Records the last step of `stepper`.
    pub(super) fn record_step<B: VelocityField<X>>(&mut self, stepper: &mut Stepper<X, B>) {
        // first, because the stepper cannot make it while its state is borrowed
        let piece = self.wants_piece().then(|| stepper.piece());
        self.record(stepper.time(), stepper.state(), || piece.expect("it was wanted"));
    }

    fn fill(&mut self, piece: &Piece<X>) {
        for &place in &self.order[self.filled..] {
            let slot = &mut self.slots[place];
            let share = piece.share(&slot.time);
            let here = piece.holds(&share);
            if here.any() {
                let state = piece.at_own(&share);
                let before = slot.state.take().unwrap_or_else(|| nowhere(&state, &share));
                slot.state = Some(X::choose(&here, &state, &before));
            } else if self.samples == 1 && share.constant(1.0).less(&share).any() {
                // each sample of a batch reaches the times in its own order
                break;
            }
        }
        if self.samples == 1 {
            let is_filled = |place: &&usize| self.slots[**place].state.is_some();
            self.filled += self.order[self.filled..].iter().take_while(is_filled).count();
        }
    }

    /// Records an [event](super::Event).
    pub fn cross(&mut self, event: usize, time: X::Time, state: X) {
        self.crossings.push(Crossing { event, time, state });
    }

    /// Returns the solution, which reached `end` at `end_time`. There is one status for each sample of a batch, or one for all.
    /// A sample whose end is not finite does not count as finished, whatever its status says.
    ///
    /// # Panics
    /// If there is no status.
    pub fn finish(self, end_time: X::Time, end: X, statuses: Vec<Status>, statistics: Statistics) -> Solution<X> {
        let sizes = end.minus(&end).dot(&end.minus(&end)).values();
        assert!(!statuses.is_empty(), "a path ends in a status: give one for each sample, or one for all");
        let status = |(k, size): (usize, f64)| match statuses[k.min(statuses.len() - 1)] {
            Status::Finished if size != 0.0 => Status::NotFinite,
            status => status,
        };
        let statuses = sizes.into_iter().enumerate().map(status).collect();
        self.finish_as(end_time, end, statuses, statistics)
    }

    /// The solution, with statuses for each sample that are known to be right.
    pub(super) fn finish_as(mut self, end_time: X::Time, end: X, statuses: Vec<Status>, statistics: Statistics) -> Solution<X> {
        for slot in self.slots {
            let state = match (slot.state, self.samples) {
                (None, 1) => continue,
                (state, _) => state.unwrap_or_else(|| nowhere(&end, &slot.time)),
            };
            self.times.push(slot.time);
            self.states.push(state);
        }
        let Self { start, start_state, start_rate, target, times, states, pieces, crossings, .. } = self;
        Solution { start, start_state, start_rate, target, end_time, end, times, states, pieces, statuses, statistics, crossings }
    }

    pub(super) fn finish_stepper<B: VelocityField<X>>(self, stepper: &Stepper<X, B>) -> Solution<X> {
        self.finish_as(stepper.time().clone(), stepper.state().clone(), stepper.statuses(), stepper.statistics())
    }
}
