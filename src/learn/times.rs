//! Distributions of training times.

use crate::{Error, Result};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, StandardNormal};
use serde::{Deserialize, Serialize};

/// The distribution of the two times of a sample off the diagonal, and of the one time on it.
///
/// ```
/// use flowmap::{learn::Times, rand::{Rng, RngExt}};
/// /// More short intervals than long ones.
/// struct Short;
/// impl Times for Short {
///     fn pair(&self, [start, end]: [f64; 2], rng: &mut dyn Rng) -> [f64; 2] {
///         let s = self.single([start, end], rng);
///         [s, s + (end - s) * rng.random::<f64>().powi(2)]
///     }
///     fn single(&self, [start, end]: [f64; 2], rng: &mut dyn Rng) -> f64 {
///         start + (end - start) * rng.random::<f64>()
///     }
/// }
/// ```
pub trait Times: Send + Sync {
    /// Draws the times `s` and `t` of a sample off the diagonal, in a span of times.
    fn pair(&self, span: [f64; 2], rng: &mut dyn Rng) -> [f64; 2];

    /// Draws the time of a sample on the diagonal.
    fn single(&self, span: [f64; 2], rng: &mut dyn Rng) -> f64;

    /// The longest time from `s` to `t`.
    fn longest(&self, [start, end]: [f64; 2]) -> f64 {
        end - start
    }

    /// Which pairs can be drawn, so that objectives that need others are rejected.
    fn coverage(&self) -> Coverage {
        Coverage::All
    }

    /// Whether its numbers are in their ranges; called when a trainer is made.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Which pairs of times a distribution of [`Times`] covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// With a pair `s`, `t` also those that differ little from it, and those between them; if all start at one time, this is so
    /// for networks of `t - s` alone.
    All,
    /// Those that end at the end of the span: no derivative by the end time.
    ToEnd,
    /// Single pairs, each with its halves: no time derivatives.
    Halves,
    /// Single pairs without those between them.
    Grid,
}

/// The distributions of times of this library, for [`Settings`](super::Settings), in a span `[a, b]`.
///
/// ```
/// use flowmap::{learn::{TimePairs, Times}, random::stream};
/// let [s, t] = TimePairs::Dyadic { levels: 3 }.pair([0.0, 1.0], &mut stream(1, 0));
/// assert!([1.0, 0.5, 0.25].contains(&(t - s)) && (s / (t - s)).fract() == 0.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TimePairs {
    /// Uniform on the triangle `a ≤ s ≤ t ≤ b`.
    #[default]
    Uniform,
    /// Uniform on the part of that triangle with `t - s ≤ longest (b - a)`: short maps from any time, to be composed.
    Within {
        /// The longest time, as a share of the span, in `(0, 1]`.
        longest: f64,
    },
    /// Uniform on the square: maps in both directions of time.
    BothWays,
    /// `s = a`, and `t` uniform: sufficient for an autonomous ODE, whose network takes `t - s` alone. With a network of both
    /// times, semigroups need maps from later times, too.
    FromStart,
    /// `t = b`, and `s` uniform: maps to the end time only, as in consistency models.
    ToEnd,
    /// Both `a + (b - a) / (1 + e^-z)` with `z` normal: more samples in the middle. Source: P. Esser et al., arXiv 2403.03206.
    LogitNormal {
        /// The mean of `z`.
        mean: f64,
        /// Its standard deviation.
        deviation: f64,
    },
    /// As [`LogitNormal`](Self::LogitNormal), with a mean for each of the two times, which are then sorted; on the diagonal either
    /// mean. Source: arXiv 2510.24474, with -0.2 and 0.2.
    LogitNormals {
        /// The means.
        means: [f64; 2],
        /// The standard deviation of both.
        deviation: f64,
    },
    /// The length of time first: `t - s` is `(b - a) / (1 + e^-z)`, then the time that is left, `b - t`, is `(b - a) / (1 + e^-z')`
    /// under the condition `a ≤ s`, with `z` and `z'` normal. On the diagonal `b - t` has its law without the condition. Source:
    /// arXiv 2511.19797, with -0.8 and -0.4.
    ByLength {
        /// The mean of `z`.
        length: f64,
        /// The mean of `z'`.
        left: f64,
        /// The standard deviation of both.
        deviation: f64,
    },
    /// `t - s` is `(b - a) / 2^k` with `k` uniform below `levels`, and `s` a multiple of it: the grids of shortcut models.
    Dyadic {
        /// The number of lengths, from 1 to 31.
        levels: u32,
    },
    /// The steps of one uniform grid: `t - s` is `(b - a) / steps`, and `s` a multiple of it. A round of progressive
    /// distillation.
    Grid {
        /// The number of steps, from 1 to 2³¹.
        steps: u32,
    },
}

impl Times for TimePairs {
    /// # Panics
    /// If there are no dyadic lengths, or 32 or more, or a grid has no steps; see [`check`](Times::check).
    fn pair(&self, span: [f64; 2], rng: &mut dyn Rng) -> [f64; 2] {
        let [start, end] = span;
        match *self {
            Self::Uniform | Self::LogitNormal { .. } => {
                let (a, b) = (self.single(span, rng), self.single(span, rng));
                [a.min(b), a.max(b)]
            }
            Self::Within { longest } => {
                // the length d has a density proportional to 1 - d, up to the longest
                let share = rng.random::<f64>() * longest * (2.0 - longest);
                let length = share / (1.0 + (1.0 - share).sqrt()); // 1 - √(1 - share), without cancellation
                let first = (1.0 - length) * rng.random::<f64>();
                [first, first + length].map(|place| (start + (end - start) * place).min(end))
            }
            Self::LogitNormals { means, deviation } => {
                let [a, b] = means.map(|mean| start + (end - start) * sigmoid(mean + deviation * normal(rng)));
                [a.min(b), a.max(b)]
            }
            Self::ByLength { length, left, deviation } => {
                let z = length + deviation * normal(rng);
                // 1 - σ(z) = σ(-z) is what is left at most
                let left = left + deviation * normal_below((-z - left) / deviation, rng);
                let [length, left] = [z, left].map(|z| (end - start) * sigmoid(z));
                let t = (end - left).max(start);
                [(t - length).max(start), t]
            }
            Self::BothWays => [self.single(span, rng), self.single(span, rng)],
            Self::FromStart => [start, self.single(span, rng)],
            Self::ToEnd => [self.single(span, rng), end],
            Self::Dyadic { levels } => {
                let steps = 1 << rng.random_range(0..levels);
                step_of(steps, span, rng)
            }
            Self::Grid { steps } => step_of(steps, span, rng),
        }
    }

    fn single(&self, [start, end]: [f64; 2], rng: &mut dyn Rng) -> f64 {
        let place = match *self {
            Self::LogitNormal { mean, deviation } => sigmoid(mean + deviation * normal(rng)),
            Self::LogitNormals { means: [a, b], deviation } => {
                let mean = if rng.random() { a } else { b };
                sigmoid(mean + deviation * normal(rng))
            }
            Self::ByLength { left, deviation, .. } => sigmoid(-left - deviation * normal(rng)),
            _ => rng.random::<f64>(),
        };
        start + (end - start) * place
    }

    fn longest(&self, [start, end]: [f64; 2]) -> f64 {
        match *self {
            Self::Grid { steps } => (end - start) / f64::from(steps),
            Self::Within { longest } => longest * (end - start),
            _ => end - start,
        }
    }

    fn coverage(&self) -> Coverage {
        match self {
            Self::ToEnd => Coverage::ToEnd,
            Self::Dyadic { .. } => Coverage::Halves,
            Self::Grid { .. } => Coverage::Grid,
            _ => Coverage::All,
        }
    }

    fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("distribution of times", reason));
        let normal = match *self {
            Self::LogitNormal { mean, deviation } => Some(([mean; 2], deviation)),
            Self::LogitNormals { means, deviation } => Some((means, deviation)),
            Self::ByLength { length, left, deviation } => Some(([length, left], deviation)),
            _ => None,
        };
        // beyond these bounds all times are the same
        if let Some((means, deviation)) = normal
            && !(means.iter().all(|mean| (-20.0..=20.0).contains(mean)) && (1e-3..=20.0).contains(&deviation))
        {
            let reason = format!("means of {means:?} and a deviation of {deviation}; means are in [-20, 20]");
            return invalid(format!("{reason}, deviations in [0.001, 20]"));
        }
        match *self {
            Self::Within { longest } if !(longest > 0.0 && longest <= 1.0) => {
                invalid(format!("times up to {longest} of the span; give a share above 0, and at most 1"))
            }
            Self::Dyadic { levels } if !(1..=31).contains(&levels) => invalid(format!("{levels} lengths; give 1 to 31")),
            Self::Grid { steps } if !(1..=MOST).contains(&steps) => invalid(format!("a grid of {steps} steps; give 1 to {MOST}")),
            _ => Ok(()),
        }
    }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn normal(rng: &mut dyn Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// A standard normal number under the condition that it is at most `bound`.
///
/// Source: C. P. Robert, Simulation of truncated normal variables, Statistics and Computing 5 (1995).
fn normal_below(bound: f64, rng: &mut dyn Rng) -> f64 {
    if bound > -1.0 {
        loop {
            let z = normal(rng);
            if z <= bound {
                return z;
            }
        }
    }
    // the tail: exponential, with the rate of the highest acceptance
    let rate = 0.5 * (-bound + (bound * bound + 4.0).sqrt());
    loop {
        let beyond: f64 = Exp1.sample(rng);
        let x = -bound + beyond / rate;
        if rng.random::<f64>() <= (-0.5 * (x - rate).powi(2)).exp() {
            return -x;
        }
    }
}

/// The most steps of a grid.
const MOST: u32 = 1 << 31;

/// Both ends of one of `steps` equal steps.
fn step_of(steps: u32, [start, end]: [f64; 2], rng: &mut dyn Rng) -> [f64; 2] {
    let place = |k: u32| start + (end - start) * (f64::from(k) / f64::from(steps));
    let first = rng.random_range(0..steps);
    [place(first), place(first + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    const ALL: [TimePairs; 11] = [
        TimePairs::Uniform,
        TimePairs::Within { longest: 0.3 },
        TimePairs::Within { longest: 1.0 },
        TimePairs::BothWays,
        TimePairs::FromStart,
        TimePairs::ToEnd,
        TimePairs::LogitNormal { mean: -0.4, deviation: 1.0 },
        TimePairs::LogitNormals { means: [-0.2, 0.2], deviation: 1.0 },
        TimePairs::ByLength { length: -0.8, left: -0.4, deviation: 1.0 },
        TimePairs::Dyadic { levels: 5 },
        TimePairs::Grid { steps: 3 },
    ];

    #[test]
    fn times_lie_in_the_span() {
        let mut rng = stream(1, 0);
        for times in ALL {
            let mut backwards = 0;
            for _ in 0..1000 {
                let [s, t] = times.pair([-1.0, 3.0], &mut rng);
                let single = times.single([-1.0, 3.0], &mut rng);
                assert!((t - s).abs() <= times.longest([-1.0, 3.0]) + 1e-14);
                assert!([s, t, single].iter().all(|t| (-1.0..=3.0).contains(t)), "{times:?}: {s} {t} {single}");
                backwards += u32::from(t < s);
            }
            assert_eq!(backwards > 0, times == TimePairs::BothWays, "{times:?}");
        }
    }

    #[test]
    fn lengths_have_their_distribution() {
        let mean = |times: TimePairs| {
            let mut rng = stream(2, 0);
            (0..20_000).map(|_| times.pair([0.0, 1.0], &mut rng)).map(|[s, t]| t - s).sum::<f64>() / 20_000.0
        };
        let close = |times, expected: f64| assert!((mean(times) - expected).abs() < 0.01, "{times:?}: {}", mean(times));
        close(TimePairs::Uniform, 1.0 / 3.0);
        close(TimePairs::Within { longest: 1.0 }, 1.0 / 3.0);
        close(TimePairs::Within { longest: 0.25 }, 0.119); // (L²/2 - L³/3) / (L - L²/2)
        close(TimePairs::BothWays, 0.0);
        close(TimePairs::FromStart, 0.5);
        close(TimePairs::ToEnd, 0.5);
        close(TimePairs::Dyadic { levels: 3 }, (1.0 + 0.5 + 0.25) / 3.0);
        close(TimePairs::Grid { steps: 5 }, 0.2);
    }

    #[test]
    fn short_ways_begin_at_any_time() {
        let (mut rng, times) = (stream(3, 0), TimePairs::Within { longest: 0.25 });
        let mut starts = [0_u32; 4];
        for _ in 0..20_000 {
            let [s, t] = times.pair([0.0, 4.0], &mut rng);
            assert!(s <= t && t - s <= 1.0 + 1e-15);
            starts[s as usize] += 1;
        }
        // of the area L - L²/2 = 7/32 each of three quarters has 2/32, the last 1/32
        for (count, share) in starts.iter().zip([2.0, 2.0, 2.0, 1.0]) {
            assert!((f64::from(*count) / 20_000.0 - share / 7.0).abs() < 0.015, "{starts:?}");
        }
    }

    /// By Simpson's rule against the density.
    #[test]
    fn truncated_normal_numbers_have_their_mean() {
        for bound in [-6.0, -2.0, -1.0, 0.0, 1.5] {
            let mut rng = stream(4, 0);
            let draws: Vec<f64> = (0..40_000).map(|_| normal_below(bound, &mut rng)).collect();
            assert!(draws.iter().all(|&z| z <= bound));
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            // E z = -φ(b) / Φ(b)
            let density = |z: f64| (-0.5 * z * z).exp();
            let (from, pieces) = (bound - 8.0, 2000);
            let h = (bound - from) / f64::from(pieces);
            let weight = |k: i32| {
                if k == 0 || k == pieces {
                    1.0
                } else if k % 2 == 1 {
                    4.0
                } else {
                    2.0
                }
            };
            let integral = (0..=pieces).map(|k| weight(k) * density(from + f64::from(k) * h)).sum::<f64>() * h / 3.0;
            let exact = -density(bound) / integral;
            assert!((mean - exact).abs() < 0.02, "below {bound}: {mean} against {exact}");
        }
    }

    #[test]
    fn two_logit_normals_have_their_medians() {
        let (mut rng, times) = (stream(5, 0), TimePairs::LogitNormals { means: [-1.0, 1.0], deviation: 0.5 });
        let pairs = (0..20_000).map(|_| times.pair([0.0, 1.0], &mut rng).map(|t| (t / (1.0 - t)).ln()));
        let (early, late): (Vec<f64>, Vec<f64>) = pairs.map(|[s, t]| (s, t)).unzip();
        let [early, late] = [early, late].map(|z| z.iter().sum::<f64>() / z.len() as f64);
        // sorting moves each mean by E max(0, a - b) = 0.0005
        assert!((early + 1.0).abs() < 0.02 && (late - 1.0).abs() < 0.02, "{early} {late}");
        let by_length = TimePairs::ByLength { length: -0.8, left: -0.4, deviation: 1.0 };
        let lengths = (0..20_000).map(|_| by_length.pair([0.0, 1.0], &mut rng)).map(|[s, t]| t - s);
        let mean = lengths.map(|length| (length / (1.0 - length)).ln()).sum::<f64>() / 20_000.0;
        assert!((mean + 0.8).abs() < 0.03, "{mean}");
    }

    #[test]
    fn distributions_that_cannot_be_are_refused() {
        assert!(ALL.iter().all(|times| times.check().is_ok()));
        assert!(TimePairs::Dyadic { levels: 0 }.check().is_err() && TimePairs::Dyadic { levels: 32 }.check().is_err());
        assert!([0, u32::MAX].into_iter().all(|steps| TimePairs::Grid { steps }.check().is_err()));
        for longest in [0.0, -0.5, 1.1, f64::NAN] {
            assert!(TimePairs::Within { longest }.check().is_err());
        }
        for (mean, deviation) in [(f64::NAN, 1.0), (0.0, 0.0), (0.0, f64::INFINITY)] {
            assert!(TimePairs::LogitNormal { mean, deviation }.check().is_err());
            assert!(TimePairs::LogitNormals { means: [0.0, mean], deviation }.check().is_err());
            assert!(TimePairs::ByLength { length: 0.0, left: mean, deviation }.check().is_err());
        }
    }
}
