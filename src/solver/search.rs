//! Where a function changes its sign on an interval: looked for until that can be trusted.

/// A function on the shares of a step, and how finely shares can be told apart.
pub(super) struct Search<'a> {
    pub function: &'a dyn Fn(f64) -> f64,
    pub resolution: f64,
}

/// A share, and value and slope of the function there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub share: f64,
    pub value: f64,
    pub slope: f64,
}

/// By how much the cubic may miss the function at a probe, as a share of the function's size.
const MISS: f64 = 0.01;

/// Where the cubic is held against the function: no fractions at which the periods of a wave could all be whole.
const PROBES: [f64; 2] = [0.314_159_265, 0.639_871_341];

impl Search<'_> {
    fn value(&self, share: f64) -> f64 {
        (self.function)(share)
    }

    /// The width of differences that make slopes.
    fn difference(&self) -> f64 {
        self.resolution.cbrt().max(1e-5)
    }

    /// The function near a share, by differences within the step.
    pub fn node(&self, share: f64, value: f64) -> Node {
        let widest = self.difference();
        let slope = |h: f64| {
            let at = |k: f64| self.value(share + k * h);
            if share < h {
                (4.0 * at(1.0) - 3.0 * value - at(2.0)) / (2.0 * h)
            } else if share > 1.0 - h {
                (3.0 * value + at(-2.0) - 4.0 * at(-1.0)) / (2.0 * h)
            } else {
                (at(1.0) - at(-1.0)) / (2.0 * h)
            }
        };
        // closer to where the function ends, closer differences
        let widths = std::iter::successors(Some(widest), |h| Some(0.1 * h)).take_while(|h| *h > 8.0 * self.resolution);
        let slope = widths.map(slope).find(|slope| slope.is_finite()).unwrap_or(0.0);
        Node { share, value, slope }
    }

    /// Values after `a`, in their order up to `b`, between neighbours of which the function has at most one zero, as far as a cubic
    /// through values and slopes can tell that foretells the function between. `None` if that took more intervals than `budget`.
    pub fn values(&self, a: Node, b: Node, budget: &mut u64) -> Option<Vec<(f64, f64)>> {
        let mut found = Vec::new();
        let mut waiting = vec![(a, b)];
        let mut noise = None;
        while let Some((a, b)) = waiting.pop() {
            *budget = budget.checked_sub(1)?;
            let width = b.share - a.share;
            let cubic = Cubic::through(a, b);
            let probes = PROBES.map(|p| (a.share + p * width, self.value(a.share + p * width)));
            let values = [a.value, probes[0].1, probes[1].1, b.value];
            let unseen = values.iter().filter(|v| v.is_nan()).count();
            let size = values.iter().fold(0.0, |size: f64, v| size.max(v.abs()));
            let misses = probes.iter().zip(PROBES).map(|((_, value), p)| (value - cubic.at(p)).abs());
            // NaN stays: what is no number is not foretold
            let miss = misses.fold(0.0, |miss: f64, next| if next > miss || next.is_nan() { next } else { miss });
            // slopes are noisy, too
            let uncertain = |noise: f64| noise * (1.0 + width / self.difference());
            let foretold = miss <= MISS * size || (unseen == 0 && miss <= uncertain(*noise.get_or_insert_with(|| self.noise())));
            let trusted = unseen == 4 || (unseen == 0 && foretold);
            if trusted {
                let turn = if unseen == 0 { cubic.turn_near_zero(4.0 * miss + self.resolution * size) } else { None };
                match turn {
                    // it may cross zero there, and come back
                    Some(p) if width > 64.0 * self.resolution && size > 4.0 * *noise.get_or_insert_with(|| self.noise()) => {
                        let share = a.share + p * width;
                        let middle = self.node(share, self.value(share));
                        waiting.extend([(middle, b), (a, middle)]);
                    }
                    _ => found.push((b.share, b.value)),
                }
            } else if width <= 16.0 * self.resolution {
                found.extend(probes.into_iter().chain([(b.share, b.value)]));
            } else {
                let (share, value) = probes[usize::from(probes[0].1.is_nan())];
                let middle = self.node(share, value);
                waiting.extend([(middle, b), (a, middle)]);
            }
        }
        Some(found)
    }

    /// How large rounding errors are: by how much values differ at shares that are hardly others.
    fn noise(&self) -> f64 {
        let (least, most) = (16.0 * self.resolution, self.resolution.powf(0.7));
        let differences = (0..64).map(|k| {
            let share = (f64::from(k) * PROBES[0]).fract();
            let beside = share + least * (most / least).powf(f64::from(k) / 63.0);
            (self.value(beside) - self.value(share)).abs()
        });
        2.0 * differences.fold(0.0, f64::max)
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

    /// Where it turns between its ends, nearer to zero than `near`; or where zeros lie on both sides of the turn.
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

    /// How many times neighbouring values differ in sign, and how many intervals that took.
    fn crossings(function: impl Fn(f64) -> f64) -> (usize, u64) {
        let search = Search { function: &function, resolution: f64::EPSILON };
        let [a, b] = [0.0, 1.0].map(|share| search.node(share, function(share)));
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
            // from a little after a zero, so that whole periods end on the same side of it
            let (found, intervals) = crossings(|p| (std::f64::consts::TAU * (periods * p + 0.01)).sin());
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
        let [a, b] = [0.0, 1.0].map(|share| search.node(share, wild(share)));
        assert!(search.values(a, b, &mut 1000).is_none());
    }
}
