//! Solutions: the trajectory that a solve returns.

use super::{Piece, Statistics, Status};
use crate::{Dual, Error, FlowMap, Mask, Number, Result, State, Value, number::is_finite, state::Together};

/// The part of its trajectory that a solve keeps.
///
/// The steps do not depend on it: states at given times come from the polynomials between the ends of steps.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Save {
    /// Only the end.
    #[default]
    End,
    /// The start and the end of every step.
    Steps,
    /// Every step with dense output: [`Solution::at`] any time.
    Dense,
    /// The states at these times, in this order. A time is a constant: the state there does not move with the end of the solve.
    /// A time that is a rounding error beyond the end, as `3.0 * 0.1` is beyond `0.3`, counts as the end.
    At(Vec<f64>),
}

/// The solution of an ODE: its trajectory as far as the solve reached, and the reason why it ended.
///
/// With [`Save::Dense`] it is a [`FlowMap`] on its interval, by translation along the trajectory, `X_{s,t}(x) = x + x_t - x_s`,
/// which carries `x_s` to `x_t`; on duals it gives the time derivative. Its Lagrangian residual at `x_s` is the defect
/// `ẋ_t - b_t(x_t)` of the trajectory.
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
    /// The velocity at the start, where it is finite.
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

/// A crossing of an [event](super::Event).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Crossing<X: State> {
    /// The index of the event in the list.
    pub event: usize,
    /// The time.
    pub time: X::Time,
    /// The state at that time.
    pub state: X,
}

impl<X: State> Solution<X> {
    /// How the solve ended; for a batch, the first failure if there is one.
    pub fn status(&self) -> Status {
        self.statuses.iter().copied().find(|s| !s.is_success()).or(self.statuses.first().copied()).unwrap_or(Status::Finished)
    }

    /// How each sample ended.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// The solution, if every sample reached its end.
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

    /// The time that it reached.
    pub fn end_time(&self) -> &X::Time {
        &self.end_time
    }

    /// The state at the end.
    pub fn end(&self) -> &X {
        &self.end
    }

    /// The state at the end, without a copy.
    pub fn into_end(self) -> X {
        self.end
    }

    /// The times of [`states`](Self::states).
    pub fn times(&self) -> &[X::Time] {
        &self.times
    }

    /// The states requested by [`Save::Steps`] and [`Save::At`], as far as the solve reached: for one point, later states are
    /// missing; for a batch, samples that did not reach a time are NaN.
    pub fn states(&self) -> &[X] {
        &self.states
    }

    /// The steps, with [`Save::Dense`].
    pub fn pieces(&self) -> &[Piece<X>] {
        &self.pieces
    }

    /// The crossings of events, in order.
    pub fn crossings(&self) -> &[Crossing<X>] {
        &self.crossings
    }

    /// The cost of the solve.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The state at time `t`; NaN at times that the solve did not reach, or without [`Save::Dense`].
    pub fn at(&self, t: &X::Time) -> X {
        let t = t.clone().in_form_of(&self.start);
        let at_start = from_start(&self.start_state, self.start_rate.as_ref(), &(t.clone() - &self.start));
        let nothing = X::choose(&differ(&t, &self.start), &nowhere(&self.end, &t), &at_start);
        look_up(&self.pieces, &t, nothing)
    }

    /// The end, or NaN for samples that did not reach theirs.
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

impl<X: State> Solution<Together<X>> {
    /// The solutions of all states that moved together.
    pub(super) fn apart(self) -> Vec<Solution<X>> {
        let Self { start, start_state, target, end_time, end, statuses, statistics, .. } = self;
        let path = |(start_state, end)| Solution {
            start: start.clone(),
            start_state,
            start_rate: None,
            target: target.clone(),
            end_time: end_time.clone(),
            end,
            times: Vec::new(),
            states: Vec::new(),
            pieces: Vec::new(),
            statuses: statuses.clone(),
            statistics,
            crossings: Vec::new(),
        };
        start_state.0.into_iter().zip(end.0).map(path).collect()
    }
}

/// NaN, in the form of `x`: a constant, or gradients would be NaN where it is not chosen.
pub(super) fn nowhere<X: State>(x: &X, t: &X::Time) -> X {
    x.frozen().scaled(&t.constant(f64::NAN))
}

/// The state at the start, where the duration is 0 but may have a derivative.
pub(super) fn from_start<X: State>(start: &X, rate: Option<&X>, way: &X::Time) -> X {
    let Some(rate) = rate else { return start.clone() };
    let moved = rate.scaled(way);
    X::choose(&is_finite(&moved.dot(&moved)), &start.plus(&moved), start)
}

/// Where two times differ, or are not finite.
pub(super) fn differ<N: Number>(a: &N, b: &N) -> N::Mask {
    a.less(b).or(&b.less(a)).or(&is_finite(&(a.clone() - b)).not())
}

/// The piece of a single solution that contains time `t`.
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
