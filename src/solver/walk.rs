//! Time intervals in equal steps, cut at stops.

use super::segments::Segments;
use crate::{Mask, Number, flow::between};

/// The interval from `s` to `t` in equal steps, each cut at the stops within it.
pub(crate) struct Walk<N: Number> {
    ends: [N; 2],
    /// The length of a whole step.
    step: N,
    count: u32,
    /// The number of the current step.
    number: u32,
    time: N,
    segments: Segments<N>,
}

/// A step of a [`Walk`], or a part of one.
pub(crate) struct Stride<N> {
    pub start: N,
    pub end: N,
    pub length: N,
    /// The share of the whole interval: shares add up to 1, even on an interval of length 0.
    #[cfg_attr(not(feature = "train"), allow(dead_code, reason = "what is learned needs averages"))]
    pub share: N,
    /// The times on its side of the stops, see [`Within`](super::segments::Within).
    pub window: Option<[N; 2]>,
    pub is_last: bool,
}

impl<N: Number> Walk<N> {
    /// With `count` steps; times have the shape of `s`.
    pub fn new(stops: Vec<N>, s: &N, t: &N, count: u32) -> Self {
        let stops = stops.into_iter().map(|stop| stop.in_form_of(s)).collect();
        Self {
            ends: [s.clone(), t.clone()],
            step: (t.clone() - s).scale(1.0 / f64::from(count)),
            count,
            number: 1,
            time: s.clone(),
            segments: Segments::new(stops, s, t),
        }
    }

    /// The window of times in which the interval begins.
    pub fn window(&self) -> &Option<[N; 2]> {
        &self.segments.window
    }
}

impl<N: Number> Iterator for Walk<N> {
    type Item = Stride<N>;

    fn next(&mut self) -> Option<Stride<N>> {
        if self.number > self.count {
            return None;
        }
        let [s, t] = &self.ends;
        let (whole, is_end) = (1.0 / f64::from(self.count), self.number == self.count);
        let start = self.time.clone();
        let mut end = if is_end { t.clone() } else { between(s, t, f64::from(self.number) / f64::from(self.count)) };
        let (mut length, mut share, mut is_cut) = (self.step.clone(), start.constant(whole), false);
        if !self.segments.is_empty() {
            self.segments.look_ahead(&start, &end);
            is_cut = self.segments.on_the_way(&end).any();
            if !is_end {
                self.segments.meet();
            }
            end = self.segments.goal.clone();
            length = end.clone() - &start;
            let way = t.clone() - s;
            let moves = s.less(t).or(&t.less(s));
            let still = start.constant(if is_cut { 0.0 } else { whole });
            // on an interval of length 0, avoids a division by 0
            let way = N::select(&moves, &way, &way.constant(1.0));
            share = N::select(&moves, &(length.clone() / way), &still);
        }
        self.time = end.clone();
        self.number += u32::from(!is_cut);
        let window = self.segments.window.clone();
        Some(Stride { start, end, length, share, window, is_last: is_end && !is_cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dual, Lanes, Value};

    #[test]
    fn steps_are_cut_at_stops_and_shares_add_up() {
        for [s, t] in [[0.0, 1.0], [1.0, 0.0]] {
            let walk = Walk::new(vec![0.3, 0.5, 0.3, 7.0, 0.0, 1.0], &s, &t, 4);
            let strides: Vec<_> = walk.collect();
            let mut ends = vec![0.0, 0.25, 0.3, 0.5, 0.75, 1.0];
            if t < s {
                ends.reverse();
            }
            let found: Vec<f64> = strides.iter().map(|stride| stride.start).chain([t]).collect();
            assert_eq!(found, ends);
            let shares: f64 = strides.iter().map(|stride| stride.share).sum();
            assert!((shares - 1.0).abs() < 1e-15 && strides.iter().filter(|stride| stride.is_last).count() == 1);
            for stride in strides {
                assert!((stride.start + stride.length - stride.end).abs() < 1e-15);
                let [earliest, latest] = stride.window.unwrap();
                let [low, high] = [stride.start.min(stride.end), stride.start.max(stride.end)];
                assert!(earliest < low + 1e-15 && latest > high - 1e-15 && earliest < latest);
            }
        }
    }

    #[test]
    fn each_lane_is_cut_at_its_own_stops_and_one_may_stand_still() {
        let [s, t, stop] = [[0.0, 0.0, 2.0], [1.0, -1.0, 2.0], [0.4, -0.1, 5.0]].map(Lanes::from);
        let strides: Vec<_> = Walk::new(vec![stop], &s, &t, 2).collect();
        assert_eq!(strides.len(), 3);
        let sum = strides.iter().map(|stride| stride.share).reduce(|a, b| a + b).unwrap();
        assert!(sum.values().iter().all(|share| (share - 1.0).abs() < 1e-15), "{sum:?}");
    }

    #[test]
    fn a_moving_stop_moves_the_ends_of_its_steps() {
        let [s, t, stop] = [Dual::constant(0.0), Dual::constant(1.0), Dual::new(0.5, 3.0)];
        let strides: Vec<_> = Walk::new(vec![stop], &s, &t, 2).collect();
        assert_eq!(strides.len(), 2);
        assert_eq!((strides[0].length.tangent(), strides[1].length.tangent()), (&3.0, &-3.0));
        assert!((strides[0].share.tangent() + strides[1].share.tangent()).abs() < 1e-15);
    }
}
