//! Steps of Runge-Kutta methods, with dense output.

use super::{EULER, tableau::Tableau};
use crate::{Dual, Mask, Number, State, Value, VelocityField};

/// Evaluates the rates of a step of length `h` after the first, which is given, and returns the end of the step.
#[inline(always)]
pub(crate) fn advance<X: State>(
    method: &Tableau,
    field: &impl VelocityField<X>,
    t: &X::Time,
    x: &X,
    h: &X::Time,
    rates: &mut Vec<X>,
) -> X {
    rates.truncate(1);
    for (c, a) in method.c.iter().zip(method.a).skip(1) {
        let stage = x.advanced(h, a, rates);
        rates.push(field.velocity(&(h.scale(*c) + t), &stage));
    }
    x.advanced(h, method.b, rates)
}

/// A step with dense output: a polynomial between its ends.
///
/// At the share `θ` of the step, the state is `x + θ (Δ + (1-θ) (p₁ + θ (p₂ + (1-θ) (p₃ + …))))`, with the difference `Δ` of
/// the ends: both ends are met.
#[derive(Clone, Debug)]
pub struct Piece<X: State> {
    pub(super) start: X::Time,
    /// The length; 0 for samples of a batch that did not move.
    pub(super) length: X::Time,
    pub(super) end: X::Time,
    pub(super) from: X,
    to: X,
    /// `p₁`, `p₂`, …
    bends: Vec<X>,
}

impl<X: State> Piece<X> {
    /// From the `rates` of a step, including the one at its end; those needed only for dense output are added.
    pub(super) fn new(
        method: &Tableau,
        field: &(impl VelocityField<X> + ?Sized),
        [start, length, end]: [&X::Time; 3],
        [from, to]: [&X; 2],
        rates: &mut Vec<X>,
    ) -> Self {
        for (c, a) in method.dense.c.iter().zip(method.dense.a) {
            let stage = from.advanced(length, a, rates);
            rates.push(field.velocity(&(length.scale(*c) + start), &stage));
        }
        let way = to.minus(from);
        let first = rates[0].scaled(length).minus(&way);
        let second = way.minus(&rates[method.stages()].scaled(length)).minus(&first);
        let nothing = from.minus(from);
        let beyond = method.dense.beyond_cubic.iter().map(|row| nothing.advanced(length, row, rates));
        let bends = [first, second].into_iter().chain(beyond).collect();
        Self { start: start.clone(), length: length.clone(), end: end.clone(), from: from.clone(), to: to.clone(), bends }
    }

    /// The cubic through both ends of a step, with the velocities of `field` there: dense output for any solver of your own.
    pub fn cubic(field: &(impl VelocityField<X> + ?Sized), [start, end]: [&X::Time; 2], [from, to]: [&X; 2]) -> Self {
        let length = end.clone() - start;
        let mut rates = vec![field.velocity(start, from), field.velocity(end, to)];
        Self::new(&EULER, field, [start, &length, end], [from, to], &mut rates)
    }

    /// The time at which the step begins.
    pub fn start(&self) -> &X::Time {
        &self.start
    }

    /// The time at which it ends.
    pub fn end(&self) -> &X::Time {
        &self.end
    }

    /// The state at the end.
    pub fn to(&self) -> &X {
        &self.to
    }

    /// The share of the step that is over at time `t`.
    pub(super) fn share(&self, t: &X::Time) -> X::Time {
        // relative to the difference of the end times, which is the length up to rounding: there is no gap between two steps
        let (offset, way) = (t.clone() - &self.start, (self.end.clone() - &self.start).frozen());
        // avoids a division by 0, which would leave NaN in gradients
        let never_zero = |x: &X::Time| X::Time::select(&self.moved(), x, &x.constant(1.0));
        let share = offset.frozen() / never_zero(&way);
        // with the derivative of offset / length: the ends may be rounded to a few digits of the length
        let moving = |x: &X::Time| x.clone() - x.frozen();
        let change = moving(&offset) - moving(&self.length) * &share;
        share + change / never_zero(&self.length)
    }

    /// Where the step has a nonzero length.
    fn moved(&self) -> <X::Time as Number>::Mask {
        self.start.less(&self.end).or(&self.end.less(&self.start))
    }

    /// Where a share belongs to this step.
    pub(super) fn holds(&self, share: &X::Time) -> <X::Time as Number>::Mask {
        let below = share.less(&share.constant(0.0));
        let above = share.constant(1.0).less(share);
        below.or(&above).not().and(&self.moved())
    }

    /// The state at time `t` of the step; beyond its ends, the polynomial extrapolates.
    pub fn at(&self, t: &X::Time) -> X {
        self.at_share(&self.share(t))
    }

    /// The state at a share of the step.
    pub(super) fn at_share(&self, share: &X::Time) -> X {
        let rest = (-share.clone()).shift(1.0);
        let mut sum = self.bends[self.bends.len() - 1].clone();
        for (i, bend) in self.bends.iter().enumerate().rev().skip(1) {
            sum = bend.plus(&sum.scaled(if i % 2 == 0 { share } else { &rest }));
        }
        let inner = self.from.plus(&self.to.minus(&self.from).plus(&sum.scaled(&rest)).scaled(share));
        // the end itself, to the last bit, with the derivative of the polynomial
        let end = inner.minus(&inner.frozen()).plus(&self.to.frozen());
        let one = share.constant(1.0);
        X::choose(&share.less(&one).or(&one.less(share)), &inner, &end)
    }

    /// The state where the share [belongs to this step](Self::holds), elsewhere the start, which is finite: the branch not
    /// chosen must not leave NaN in gradients.
    pub(super) fn at_own(&self, share: &X::Time) -> X {
        self.at_share(&X::Time::select(&self.holds(share), share, &share.constant(0.0)))
    }

    /// The same piece on duals, as a constant.
    pub(super) fn still(&self) -> Piece<Dual<X>> {
        let time = |t: &X::Time| Dual::constant(t.clone());
        let state = |x: &X| Dual::constant(x.clone());
        Piece {
            start: time(&self.start),
            length: time(&self.length),
            end: time(&self.end),
            from: state(&self.from),
            to: state(&self.to),
            bends: self.bends.iter().map(state).collect(),
        }
    }
}
