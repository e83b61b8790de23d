//! What a solve returns: a path.

use super::{Piece, Statistics, Status, Stepper, stepper::epsilon};
use crate::{Dual, Error, FlowMap, Mask, Number, Result, State, Value, VelocityField, number::is_finite};

/// What a solve keeps of its way.
///
/// The steps are the same whatever is kept: states at given times come from the polynomials between the ends of steps.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Save {
    /// The end.
    #[default]
    End,
    /// The start and the end of every step.
    Steps,
    /// Every step with the state between its ends: [`Solution::at`] any time.
    Dense,
    /// The states at these times, in this order. A time is a constant: the state there does not move with the end of the solve. One that
    /// is a rounding error beyond the end, as `3.0 * 0.1` is beyond `0.3`, is the end.
    At(Vec<f64>),
}

/// The path of a solve: as far as it came, and why no farther.
///
/// With [`Save::Dense`] it is a [`FlowMap`] on its interval, that of translation along the path,
/// `X_{s,t}(x) = x + x_t - x_s`, which carries `x_s` to `x_t`; on duals it gives the derivative in time. Its Lagrangian
/// residual at `x_s` is the defect `ẋ_t - b_t(x_t)` of the path.
///
/// ```
/// use flowmap::{exact::Rotation, solver::{Adaptive, DOPRI5, Save, Solver}};
/// let turn = Rotation::new(1.0)?;
/// let path = Adaptive::new(DOPRI5)?.solve(&turn, &0.0, &6.0, &[1.0_f64, 0.0], &Save::At(vec![0.0, 2.0, 4.0]))?;
/// assert!(path.status().is_success());
/// assert!((path.states()[1][0] - 2.0_f64.cos()).abs() < 1e-5);
/// assert_eq!(path.end_time(), &6.0);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Solution<X: State> {
    pub(super) start: X::Time,
    pub(super) start_state: X,
    /// The velocity there, where it is finite.
    pub(super) start_rate: Option<X>,
    pub(super) target: X::Time,
    pub(super) end_time: X::Time,
    pub(super) end: X,
    pub(super) times: Vec<X::Time>,
    pub(super) states: Vec<X>,
    pub(super) pieces: Vec<Piece<X>>,
    pub(super) statuses: Vec<Status>,
    pub(super) statistics: Statistics,
    pub(super) crossings: Vec<Crossing<X>>,
}

/// Where an [event](super::Event) happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Crossing<X: State> {
    /// The number of the event in the list.
    pub event: usize,
    /// When.
    pub time: X::Time,
    /// The state then.
    pub state: X,
}

impl<X: State> Solution<X> {
    /// How the solve ended; of a batch, the first failure if there is one.
    pub fn status(&self) -> Status {
        self.statuses.iter().copied().find(|s| !s.is_success()).or(self.statuses.first().copied()).unwrap_or(Status::Finished)
    }

    /// How every sample ended.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// The solution, if every sample got to where it should.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the time and the reason of the first sample that did not.
    pub fn success(self) -> Result<Self> {
        match self.statuses.iter().position(|status| !status.is_success()) {
            None => Ok(self),
            Some(row) => {
                let at = |t: &X::Time| {
                    let times = t.values();
                    times[row.min(times.len() - 1)]
                };
                let (from, to, time) = (at(&self.start), at(&self.target), at(&self.end_time));
                Err(Error::Stopped { from, to, time, status: self.statuses[row] })
            }
        }
    }

    /// How far it came.
    pub fn end_time(&self) -> &X::Time {
        &self.end_time
    }

    /// The state there.
    pub fn end(&self) -> &X {
        &self.end
    }

    /// The times of [`states`](Self::states).
    pub fn times(&self) -> &[X::Time] {
        &self.times
    }

    /// What was asked for by [`Save::Steps`] and [`Save::At`], as far as the solve came: of one point, states that it did not
    /// reach are not there; of a batch, samples that did not reach a time are NaN.
    pub fn states(&self) -> &[X] {
        &self.states
    }

    /// The steps, if [`Save::Dense`] was asked for.
    pub fn pieces(&self) -> &[Piece<X>] {
        &self.pieces
    }

    /// The events that happened, in their order.
    pub fn crossings(&self) -> &[Crossing<X>] {
        &self.crossings
    }

    /// What it took.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The state at time `t`; NaN at times that the solve did not reach, or if it was not asked for [`Save::Dense`].
    pub fn at(&self, t: &X::Time) -> X {
        let t = t.clone().in_form_of(&self.start);
        let at_start = from_start(&self.start_state, self.start_rate.as_ref(), &(t.clone() - &self.start));
        let nothing = X::choose(&differ(&t, &self.start), &nowhere(&self.end, &t), &at_start);
        look_up(&self.pieces, &t, nothing)
    }

    /// The end, or NaN for samples that did not get to where they should.
    pub(super) fn end_or_nan(self) -> X {
        let short = self.end_time.less(&self.target).or(&self.target.less(&self.end_time));
        let way = self.target.clone() - &self.start;
        let end = self.end.frozen();
        // 0, or NaN: the square of a large state may overflow, that of its difference from itself cannot
        let rest = end.minus(&end);
        let arrived = is_finite(&way).and(&short.not()).and(&is_finite(&rest.dot(&rest)));
        X::choose(&arrived, &self.end, &nowhere(&self.end, &self.end_time))
    }

    /// The state at time `t` and its derivative there.
    fn moving_at(&self, t: &Dual<X::Time>) -> Dual<X> {
        let t = t.clone().in_form_of(&Dual::constant(self.start.clone()));
        let elsewhere = differ(t.value(), &self.start);
        let state = Dual::constant(self.start_state.clone());
        let rate = self.start_rate.clone().map(Dual::constant);
        let at_start = from_start(&state, rate.as_ref(), &(t.clone() - &Dual::constant(self.start.clone())));
        let nothing = State::choose(&elsewhere, &Dual::constant(nowhere(&self.end, t.value())), &at_start);
        let values = t.value().values();
        match values[..] {
            [one] => match nearest(&self.pieces, one) {
                Some(i) => look_up(&[self.pieces[i].still()], &t, nothing),
                None => nothing,
            },
            _ => {
                let pieces: Vec<_> = self.pieces.iter().map(Piece::still).collect();
                look_up(&pieces, &t, nothing)
            }
        }
    }
}

/// NaN, in the form of `x`: a constant, or gradients would be NaN where it is not chosen.
fn nowhere<X: State>(x: &X, t: &X::Time) -> X {
    x.frozen().scaled(&t.constant(f64::NAN))
}

/// The state at the start, where the way has no length and may have a derivative.
fn from_start<X: State>(start: &X, rate: Option<&X>, way: &X::Time) -> X {
    let Some(rate) = rate else { return start.clone() };
    let moved = rate.scaled(way);
    X::choose(&is_finite(&moved.dot(&moved)), &start.plus(&moved), start)
}

/// Where two times are not the same, or not finite.
fn differ<N: Number>(a: &N, b: &N) -> N::Mask {
    a.less(b).or(&b.less(a)).or(&is_finite(&(a.clone() - b)).not())
}

/// The piece of a single path in which time `t` lies.
fn nearest<X: State>(pieces: &[Piece<X>], t: f64) -> Option<usize> {
    let time = |t: &X::Time| t.values()[0];
    let (first, last) = (pieces.first()?, pieces.last()?);
    let forward = time(&first.start) < time(&last.end);
    let after = |piece: &Piece<X>| if forward { time(&piece.end) < t } else { time(&piece.end) > t };
    Some(pieces.partition_point(after).min(pieces.len() - 1))
}

/// The state at time `t`, from the pieces that hold it, sample by sample.
fn look_up<X: State>(pieces: &[Piece<X>], t: &X::Time, nothing: X) -> X {
    let pieces = match t.values()[..] {
        [one] => nearest(pieces, one).map_or(pieces, |i| &pieces[i..=i]),
        _ => pieces,
    };
    pieces.iter().fold(nothing, |found, piece| {
        let share = piece.share(t);
        X::choose(&piece.holds(&share), &piece.at_own(&share), &found)
    })
}

impl<X: State> FlowMap<X> for Solution<X> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        x.plus(&self.at(t).minus(&self.at(s)))
    }
}

impl<X: State> FlowMap<Dual<X>> for Solution<X> {
    fn flow(&self, s: &Dual<X::Time>, t: &Dual<X::Time>, x: &Dual<X>) -> Dual<X> {
        x.plus(&self.moving_at(t).minus(&self.moving_at(s)))
    }
}

/// Collects what a solve keeps.
pub(super) struct Recorder<'a, X: State> {
    save: &'a Save,
    start: X::Time,
    start_state: X,
    start_rate: Option<X>,
    target: X::Time,
    times: Vec<X::Time>,
    states: Vec<X>,
    pieces: Vec<Piece<X>>,
    crossings: Vec<Crossing<X>>,
    slots: Vec<Slot<X>>,
    /// The first slot that may still get a state.
    pending: usize,
    samples: usize,
}

/// A time at which a state is wanted.
struct Slot<X: State> {
    /// Its place in the list of times.
    place: usize,
    time: X::Time,
    state: Option<X>,
}

impl<'a, X: State> Recorder<'a, X> {
    /// `rate` is the velocity at the start, where that is known.
    ///
    /// # Errors
    /// [`Error::Invalid`] for times outside the span, by more than one rounding.
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
            pending: 0,
            samples: from.len(),
        };
        match save {
            Save::Steps => {
                recorder.times.push(start.clone());
                recorder.states.push(x.clone());
            }
            Save::At(times) => {
                // as the clock tells them
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
                let slot = |(place, &time): (usize, &f64)| {
                    let (s, t) = (start.frozen(), recorder.target.frozen());
                    let time = start.constant(time).max(&s.min(&t)).min(&s.max(&t));
                    let elsewhere = differ(&time, start);
                    // samples that start at their end have it there
                    let known = from.len() > 1 || !elsewhere.any();
                    let at_start = || from_start(x, rate, &(time.clone() - start));
                    let state = known.then(|| X::choose(&elsewhere, &nowhere(x, &time), &at_start()));
                    Slot { place, time, state }
                };
                recorder.slots = times.iter().enumerate().map(slot).collect();
                // in the order in which they are reached; of a batch, any will do
                let backward = to.first() < from.first();
                recorder.slots.sort_by(|a, b| {
                    let order = times[a.place].total_cmp(&times[b.place]);
                    if backward { order.reverse() } else { order }
                });
            }
            Save::End | Save::Dense => {}
        }
        Ok(recorder)
    }

    /// A step that ended in `state`; its `piece` is asked for where the states between its ends matter.
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

    /// Whether the states between the ends of a step matter.
    fn wants_piece(&self) -> bool {
        match self.save {
            Save::Dense => true,
            Save::At(_) => self.pending < self.slots.len(),
            Save::End | Save::Steps => false,
        }
    }

    /// The last step of `stepper`.
    pub fn record_step<B: VelocityField<X>>(&mut self, stepper: &mut Stepper<X, B>) {
        // made first: the stepper cannot make it while it lends its state
        let piece = self.wants_piece().then(|| stepper.piece());
        self.record(stepper.time(), stepper.state(), || piece.expect("it was wanted"));
    }

    fn fill(&mut self, piece: &Piece<X>) {
        for slot in &mut self.slots[self.pending..] {
            let share = piece.share(&slot.time);
            let here = piece.holds(&share);
            if here.any() {
                let state = piece.at_own(&share);
                let before = slot.state.take().unwrap_or_else(|| nowhere(&state, &share));
                slot.state = Some(X::choose(&here, &state, &before));
            } else if self.samples == 1 && share.constant(1.0).less(&share).any() {
                // the samples of a batch reach times in orders of their own
                break;
            }
        }
        if self.samples == 1 {
            self.pending += self.slots[self.pending..].iter().take_while(|slot| slot.state.is_some()).count();
        }
    }

    pub fn cross(&mut self, crossing: Crossing<X>) {
        self.crossings.push(crossing);
    }

    pub fn finish(mut self, end_time: X::Time, end: X, statuses: Vec<Status>, statistics: Statistics) -> Solution<X> {
        self.slots.sort_by_key(|slot| slot.place);
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

    pub fn finish_stepper<B: VelocityField<X>>(self, stepper: &Stepper<X, B>) -> Solution<X> {
        self.finish(stepper.time().clone(), stepper.state().clone(), stepper.statuses(), stepper.statistics())
    }
}
