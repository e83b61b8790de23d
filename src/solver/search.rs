//! Search for the sign changes of a function on an interval, refined until it can be trusted.

/// A function of the share of a step, with the resolution of shares.
pub(super) struct Search<'a> {
    pub function: &'a dyn Fn(f64) -> f64,
    pub resolution: f64,
}

/// A share, with the value and slope of the function there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub share: f64,
    pub value: f64,
    pub slope: f64,
    /// The width of the difference used for the slope.
    pub blur: f64,
}

/// The error that the cubic may have at a probe, relative to the function's size.
const MISS: f64 = 0.01;

/// Shares at which the cubic is compared with the function, first the one where the interval would be cut: none is a simple
/// fraction, at which a wave might complete whole periods.
const PROBES: [f64; 3] = [0.421_356_237, 0.136_787_219, 0.788_675_135];

impl Search<'_> {
    fn value(&self, share: f64) -> f64 {
        (self.function)(share)
    }

    /// The node at a share, with the slope by differences within the step, narrow compared to its `interval`.
    pub fn node(&self, share: f64, value: f64, interval: f64) -> Node {
        // both exact for cubics
        let at = |k: f64, h: f64| self.value(share + k * h);
        let central = |h: f64| (8.0 * (at(1.0, h) - at(-1.0, h)) - (at(2.0, h) - at(-2.0, h))) / (12.0 * h);
        let onward = |h: f64| (18.0 * at(1.0, h) - 11.0 * value - 9.0 * at(2.0, h) + 2.0 * at(3.0, h)) / (6.0 * h);
        let slope = |h: f64| {
            if share < 2.0 * h {
                onward(h)
            } else if share > 1.0 - 2.0 * h {
                onward(-h)
            } else {
                central(h)
            }
        };
        let least = self.least();
        // closer differences close to where the function is no longer defined
        let blurs = std::iter::successors(Some((0.02 * interval).max(least)), |h| Some(0.1 * h)).take_while(|h| *h >= least);
        let found = blurs.map(|h| (slope(h), h)).find(|(slope, _)| slope.is_finite());
        let (slope, blur) = found.unwrap_or((0.0, least));
        Node { share, value, slope, blur }
    }

    /// The narrowest difference that gives a slope.
    fn least(&self) -> f64 {
        8.0 * self.resolution
    }

    /// A node for an interval of this width.
    fn sharpened(&self, node: Node, interval: f64) -> Node {
        let sharp = node.blur <= (0.1 * interval).max(self.least());
        if sharp { node } else { self.node(node.share, node.value, interval) }
    }

    /// The values after `a`, in order up to `b`, such that the function has at most one zero between neighbours, as far as a
    /// cubic can tell that is fitted to values and slopes and predicts the function in between. `None` if it needs more
    /// intervals than `budget`.
    pub fn values(&self, a: Node, b: Node, budget: &mut u64) -> Option<Vec<(f64, f64)>> {
        let mut found = Vec::new();
        let mut waiting = vec![(a, b)];
        let mut noise = None;
        while let Some((a, b)) = waiting.pop() {
            *budget = budget.checked_sub(1)?;
            let width = b.share - a.share;
            let [a, b] = [a, b].map(|node| self.sharpened(node, width));
            let cubic = Cubic::through(a, b);
            let probes = PROBES.map(|p| (a.share + p * width, self.value(a.share + p * width)));
            let values = [a.value, b.value].into_iter().chain(probes.map(|probe| probe.1));
            let unseen = values.clone().filter(|v| v.is_nan()).count();
            let size = values.fold(0.0, |size: f64, v| size.max(v.abs()));
            let misses = probes.iter().zip(PROBES).map(|((_, value), p)| (value - cubic.at(p)).abs());
            // NaN stays: it is not predicted
            let miss = misses.fold(0.0, |miss: f64, next| if next > miss || next.is_nan() { next } else { miss });
            // slopes have noise, too
            let uncertain = |noise: f64| noise * (1.0 + width / a.blur.min(b.blur));
            let foretold = miss <= MISS * size || (unseen == 0 && miss <= uncertain(*noise.get_or_insert_with(|| self.noise())));
            let trusted = unseen == 5 || (unseen == 0 && foretold);
            if trusted {
                let turn = if unseen == 0 { cubic.turn_near_zero(4.0 * miss + self.resolution * size) } else { None };
                match turn {
                    // it may cross zero there, and return
                    Some(p) if width > 64.0 * self.resolution && size > 4.0 * *noise.get_or_insert_with(|| self.noise()) => {
                        let share = a.share + p * width;
                        let middle = self.node(share, self.value(share), width);
                        waiting.extend([(middle, b), (a, middle)]);
                    }
                    _ => found.push((b.share, b.value)),
                }
            } else if width <= 16.0 * self.resolution {
                let [middle, early, late] = probes;
                found.extend([early, middle, late, (b.share, b.value)]);
            } else {
                let (share, value) = probes.into_iter().find(|probe| !probe.1.is_nan()).unwrap_or(probes[0]);
                let middle = self.node(share, value, width);
                waiting.extend([(middle, b), (a, middle)]);
            }
        }
        Some(found)
    }

    /// The size of rounding errors: the deviations of values from a parabola through others at almost the same shares.
    fn noise(&self) -> f64 {
        let (least, most) = (16.0 * self.resolution, self.resolution.powf(0.75));
        let bends = (0..64).map(|k| {
            let share = (f64::from(k) * PROBES[0]).fract();
            let h = least * (most / least).powf(f64::from(k) / 63.0);
            let at = |k: f64| self.value(share + k * h);
            ((at(0.0) - at(3.0)) - 3.0 * (at(1.0) - at(2.0))).abs()
        });
        // pure rounding errors give about four times their size in such a difference
        0.25 * bends.fold(0.0, f64::max)
    }
}

/// The cubic `c₀ + c₁ p + c₂ p² + c₃ p³` on `0 ≤ p ≤ 1`.
struct Cubic([f64; 4]);

impl Cubic {
    fn through(a: Node, b: Node) -> Self {
        let width = b.share - a.share;
        let (rise, [from, to]) = (b.value - a.value, [a.slope, b.slope].map(|slope| slope * width));
        Self([a.value, from, 3.0 * rise - 2.0 * from - to, from + to - 2.0 * rise])
    }

    fn at(&self, p: f64) -> f64 {
        let [c0, c1, c2, c3] = self.0;
        c0 + p * (c1 + p * (c2 + p * c3))
    }

    /// The point where it turns between its ends, closer to zero than `near`, or with zeros on both sides of the turn.
    fn turn_near_zero(&self, near: f64) -> Option<f64> {
        let [_, c1, c2, c3] = self.0;
        // c₁ + 2 c₂ p + 3 c₃ p² = 0, by the formula that does not cancel
        let sum = -(c2 + (c2 * c2 - 3.0 * c1 * c3).sqrt().copysign(c2));
        let mut turns: Vec<f64> = [sum / (3.0 * c3), c1 / sum].into_iter().filter(|p| (1e-6..=1.0 - 1e-6).contains(p)).collect();
        turns.sort_by(f64::total_cmp);
        let sides: Vec<bool> = [0.0].iter().chain(&turns).chain(&[1.0]).map(|p| self.at(*p) < 0.0).collect();
        let zeros = sides.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let crossed = zeros > usize::from(sides.first() != sides.last());
        turns.into_iter().find(|p| crossed || self.at(*p).abs() <= near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in single precision: shares and values are rounded.
    fn single(function: impl Fn(f64) -> f64) -> (usize, u64) {
        counted(|p| f64::from(function(f64::from(p as f32)) as f32), f64::from(f32::EPSILON))
    }

    fn crossings(function: impl Fn(f64) -> f64) -> (usize, u64) {
        counted(function, f64::EPSILON)
    }

    /// The number of sign changes between neighbouring values, and the number of intervals used.
    fn counted(function: impl Fn(f64) -> f64, resolution: f64) -> (usize, u64) {
        let search = Search { function: &function, resolution };
        let [a, b] = [0.0, 1.0].map(|share| search.node(share, function(share), 1.0));
        let mut budget = 1_000_000;
        let values = search.values(a, b, &mut budget).expect("an end");
        assert!(values.is_sorted_by(|a, b| a.0 <= b.0) && values.last().unwrap().0 == 1.0);
        let signs: Vec<bool> = [a.value].into_iter().chain(values.iter().map(|v| v.1)).map(|v| v < 0.0).collect();
        (signs.windows(2).filter(|pair| pair[0] != pair[1]).count(), 1_000_000 - budget)
    }

    #[test]
    fn calm_functions_take_one_interval() {
        assert_eq!(crossings(|p| 1.0 + p), (0, 1));
        assert_eq!(crossings(|p| p - 0.3), (1, 1));
        assert_eq!(crossings(|p| (p - 0.3) * (p + 1.0) * (p - 2.0)), (1, 1));
        assert_eq!(crossings(|p| (0.8 * p).cos() - 0.9), (1, 1));
        assert_eq!(crossings(|_| 0.0), (0, 1));
        assert_eq!(crossings(|_| f64::NAN), (0, 1));
    }

    #[test]
    fn waves_are_counted_whatever_their_number_of_periods() {
        for periods in (1..60).map(|k| 0.5 * f64::from(k)).chain([16.8, 100.0, 1000.0, 3.7, 5000.25]) {
            // from shortly after a zero, so that whole periods end on the same side of it
            let (found, intervals) = crossings(|p| (std::f64::consts::TAU * (periods * p + 0.01)).sin());
            assert_eq!(found, (2.0 * periods + 0.02).floor() as usize, "{periods} periods, {intervals} intervals");
            assert!(intervals < 40 + 40 * periods as u64, "{periods} periods: {intervals} intervals");
        }
    }

    #[test]
    fn waves_are_counted_in_single_precision() {
        for periods in (1..30).map(|k| 2.5 * f64::from(k)).chain([16.8, 100.0, 157.3, 300.0, 512.0, 777.7, 1000.0, 2000.25]) {
            let (found, intervals) = single(|p| (std::f64::consts::TAU * (periods * p + 0.01)).sin());
            assert_eq!(found, (2.0 * periods + 0.02).floor() as usize, "{periods} periods, {intervals} intervals");
            assert!(intervals < 40 + 40 * periods as u64, "{periods} periods: {intervals} intervals");
        }
    }

    #[test]
    fn two_zeros_close_to_each_other_are_seen() {
        for gap in [0.1, 1e-2, 1e-3, 1e-5, 1e-7] {
            for at in [0.2, 0.5, 0.85] {
                assert_eq!(crossings(|p| (p - at) * (p - at) - gap * gap).0, 2, "{gap} around {at}");
                assert_eq!(crossings(|p| ((p - at) * (p - at) - gap * gap) * (2.0 * p).exp()).0, 2, "{gap} around {at}");
            }
        }
    }

    #[test]
    fn jumps_poles_and_noise_come_to_an_end() {
        assert_eq!(crossings(|p| if p < 0.123 { -1.0 } else { 2.0 }).0, 1);
        let (saw, _) = crossings(|p| (16.8 * p + 0.5).fract() - 0.5);
        assert_eq!(saw, 33, "of zeros and jumps");
        assert_eq!(crossings(|p| 1.0 / (p - 0.4)).0, 1);
        assert_eq!(crossings(|p| (p - 0.7).sqrt()).0, 0);
        // zero, and rounding errors
        let (_, intervals) = crossings(|p: f64| p.sin().powi(2) + p.cos().powi(2) - 1.0);
        assert!(intervals < 10, "{intervals}");
        let (_, intervals) = crossings(|p: f64| (1e3 + p) * (1e3 + p) - 1e6 - 2e3 * p - p * p);
        assert!(intervals < 100, "{intervals}");
    }

    #[test]
    fn a_budget_ends_a_search_without_end() {
        let wild = |p: f64| (1e9 * p).sin();
        let search = Search { function: &wild, resolution: f64::EPSILON };
        let [a, b] = [0.0, 1.0].map(|share| search.node(share, wild(share), 1.0));
        assert!(search.values(a, b, &mut 1000).is_none());
    }
}
