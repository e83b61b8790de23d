//! Segments of a time span, cut at stops: on each, the velocity is smooth.

use crate::{Mask, Number, Real, State, VelocityField};
use num_traits::Float;

/// The current segment, sample by sample: between one stop and the next.
#[derive(Clone)]
pub(super) struct Segments<N: Number> {
    stops: Vec<N>,
    /// The end of the segment: the next stop or the end of the span.
    pub goal: N,
    /// The earliest and latest time within the segment, strictly between its stops; none without stops.
    pub window: Option<[N; 2]>,
}

impl<N: Number> Segments<N> {
    /// The first segment from `time` to `target`; stops outside are ignored.
    #[inline(always)]
    pub fn new(stops: Vec<N>, time: &N, target: &N) -> Self {
        let mut segments = Self { stops, goal: target.clone(), window: None };
        if !segments.is_empty() {
            segments.look_ahead(time, target);
        }
        segments
    }

    /// Whether there is no stop.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.stops.is_empty()
    }

    /// Where the goal is a stop before `target`.
    pub fn on_the_way(&self, target: &N) -> N::Mask {
        self.goal.less(target).or(&target.less(&self.goal))
    }

    /// Replaces the goal by a stop of the same value, whose tangent is the one that moves the jump.
    pub fn meet(&mut self) {
        for stop in &self.stops {
            let apart = stop.less(&self.goal).or(&self.goal.less(stop));
            self.goal = N::select(&apart, &self.goal, stop);
        }
    }

    /// Sets the segment that begins, or continues, at `time`.
    #[cold]
    #[inline(never)]
    pub fn look_ahead(&mut self, time: &N, target: &N) {
        let backward = target.less(time);
        let forward = backward.not();
        let [mut earliest, mut latest] = [f64::NEG_INFINITY, f64::INFINITY].map(|t| time.constant(t));
        self.goal = target.clone();
        for stop in &self.stops {
            let (after, before) = (time.less(stop), stop.less(time));
            let ahead = forward.and(&after).or(&backward.and(&before));
            let nearer = forward.and(&stop.less(&self.goal)).or(&backward.and(&self.goal.less(stop)));
            self.goal = N::select(&ahead.and(&nearer), stop, &self.goal);
            // a stop at the time itself is behind
            let later = after.or(&backward.and(&before.not()));
            let (nudge, stop) = (tick(stop), stop.frozen());
            let (left, right) = (stop.clone() - &nudge, stop + &nudge);
            latest = N::select(&later.and(&left.less(&latest)), &left, &latest);
            earliest = N::select(&later.not().and(&earliest.less(&right)), &right, &earliest);
        }
        self.window = Some([earliest, latest]);
    }
}

/// The change of a time to the next float: three quarters of the distance from 1 to its neighbour, relative, which rounds to a
/// whole step.
fn tick<N: Number>(t: &N) -> N {
    let [epsilon, least] = [N::Real::epsilon(), N::Real::min_positive_value()].map(Real::into_f64);
    t.abs().scale(0.75 * epsilon).shift(least).frozen()
}

/// A field restricted to its side of the stops: at a stop, it returns its limit from within the segment.
pub(crate) struct Within<'a, B: ?Sized, N> {
    pub field: &'a B,
    pub window: &'a Option<[N; 2]>,
}

impl<X: State, B: VelocityField<X> + ?Sized> VelocityField<X> for Within<'_, B, X::Time> {
    #[inline(always)]
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        match self.window {
            None => self.field.velocity(t, x),
            // a copy: without a window, an autonomous field need not be given one
            Some(window) => self.field.velocity(&pulled(t.clone(), window), x),
        }
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        match self.window {
            None => self.field.jvp(t, x, v),
            Some(window) => self.field.jvp(&pulled(t.clone(), window), x, v),
        }
    }
}

/// The time in the window closest to `t`, with the tangent of `t`.
#[cold]
#[inline(never)]
pub(super) fn pulled<N: Number>(t: N, [earliest, latest]: &[N; 2]) -> N {
    let moved = |t: &N, to: &N| t.clone() + (to.clone() - t).frozen();
    let t = N::select(&t.less(earliest), &moved(&t, earliest), &t);
    N::select(&latest.less(&t), &moved(&t, latest), &t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_lie_between_stops_in_both_directions() {
        let stops = vec![2.0, 1.0, 1.0, -3.0, 7.0, f64::NAN, f64::INFINITY];
        let mut segments = Segments::new(stops, &0.0, &5.0);
        assert_eq!((segments.goal, segments.on_the_way(&5.0)), (1.0, true));
        let [earliest, latest] = segments.window.unwrap();
        assert!((-3.0..-2.99).contains(&earliest) && earliest > -3.0 && latest < 1.0 && latest > 0.99);
        segments.look_ahead(&1.0, &5.0);
        assert_eq!(segments.goal, 2.0);
        assert!(segments.window.unwrap()[0] > 1.0);
        segments.look_ahead(&2.0, &5.0);
        assert_eq!((segments.goal, segments.on_the_way(&5.0)), (5.0, false));
        segments.look_ahead(&2.0, &-1.0);
        assert_eq!(segments.goal, 1.0);
        assert!(segments.window.unwrap()[1] < 2.0);
    }

    #[test]
    fn a_time_is_pulled_to_its_side_of_a_stop_and_keeps_its_tangent() {
        use crate::Dual;
        let stop = Dual::new(1.0, 2.0);
        let segments = Segments::new(vec![stop.clone()], &Dual::constant(0.0), &Dual::constant(2.0));
        let left = pulled(stop, &segments.window.unwrap());
        assert!(*left.value() < 1.0 && *left.value() > 1.0 - 1e-15 && left.tangent() == &2.0);
    }
}
