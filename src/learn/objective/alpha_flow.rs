//! α-Flow: a short step along the velocity of the sample, and the rest by the network.

use super::{Context, MeanFlow, Needs, Objective, Term};
use crate::{Error, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

/// α-Flow: the first share `α` of the way goes along the velocity of the sample, the rest is the network's own.
///
/// ```text
/// r = v_{s,t}(I_s) - sg[α I'_s + (1-α) v_{u,t}(I_s + (u-s) I'_s)],   u = s + α (t-s)
/// ```
///
/// No derivative is taken. With `α = 1` this is flow matching at all pairs of times; the gradient of `|r|² / α` tends to that of
/// [`MeanFlow`] as `α → 0`, and at `α = 0` it is MeanFlow. For `0 < α < 1` the minimum is not the flow map: it is off by the error
/// of Euler's method over `α (t-s)`, and by about `α² (t-s)² tr(∇²v_{u,t} Cov I'_s) / 2`. Let `α` fall during training.
///
/// Source: α-Flow, arXiv 2510.20771; the same residual with other schedules is SoFlow, arXiv 2512.15657, and with times
/// [to the end](crate::learn::TimePairs::ToEnd) easy consistency tuning, arXiv 2406.14548.
///
/// ```
/// use flowmap::learn::{Alpha, AlphaFlow};
/// let objective = AlphaFlow { alpha: Alpha::Sigmoid { start: 400, end: 650 }, ..AlphaFlow::default() };
/// assert_eq!([0, 525, 1000].map(|step| objective.alpha.at(step)), [1.0, 0.5, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlphaFlow {
    /// The share of the way that goes along the velocity of the sample.
    pub alpha: Alpha,
    /// The loss counts by `α^-power`. The gradient of `|r|²` falls like `α`, which a power of 1 makes up for; an
    /// [adaptive](crate::learn::SampleWeights::Adaptive) weight does so by itself, and goes with 0.
    pub power: f64,
}

impl Default for AlphaFlow {
    /// A tenth of the way, and a power of 1.
    fn default() -> Self {
        Self { alpha: Alpha::Constant(0.1), power: 1.0 }
    }
}

/// The share `α` as a function of the training step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Alpha {
    /// The same at all steps, in `[0, 1]`.
    Constant(f64),
    /// `1 / (1 + e^z)`, `z = 25 (k - (start + end)/2) / (end - start)`: from 1 to 0, and exactly 1 or 0 where it is within 0.005
    /// of that. Source: arXiv 2510.20771.
    Sigmoid {
        /// The step at which it is about to fall.
        start: u64,
        /// The step at which it has fallen.
        end: u64,
    },
    /// `first (last / first)^(k / steps)`, and `last` from `steps` on. Source: arXiv 2512.15657, with 0.1 and 0.002.
    Exponential {
        /// The share at step 0, in `(0, 1]`.
        first: f64,
        /// The share at the end, in `(0, first]`.
        last: f64,
        /// The steps until then.
        steps: u64,
    },
}

impl Alpha {
    /// The share at step `k`, counted from 0.
    pub fn at(&self, k: u64) -> f64 {
        match *self {
            Self::Constant(alpha) => alpha,
            Self::Sigmoid { start, end } => {
                const NEAR: f64 = 5e-3;
                let (start, end) = (start as f64, end as f64);
                let z = 25.0 * (k as f64 - 0.5 * (start + end)) / (end - start);
                match 1.0 / (1.0 + z.exp()) {
                    alpha if alpha < NEAR => 0.0,
                    alpha if alpha > 1.0 - NEAR => 1.0,
                    alpha => alpha,
                }
            }
            Self::Exponential { first, last, steps } => first * (last / first).powf((k as f64 / steps as f64).min(1.0)),
        }
    }

    /// Whether it becomes 0.
    fn vanishes(&self) -> bool {
        matches!(*self, Self::Sigmoid { .. } | Self::Constant(0.0))
    }

    /// The same over `factor` times the steps.
    pub(super) fn stretched(self, factor: f64) -> Self {
        let times = |steps: u64| (steps as f64 * factor).round() as u64;
        match self {
            Self::Constant(_) => self,
            // at least one step long
            Self::Sigmoid { start, end } => Self::Sigmoid { start: times(start), end: times(end).max(times(start) + 1) },
            Self::Exponential { first, last, steps } => Self::Exponential { first, last, steps: times(steps).max(1) },
        }
    }

    fn check(&self) -> Result<()> {
        let allowed = match *self {
            Self::Constant(alpha) => (0.0..=1.0).contains(&alpha),
            Self::Sigmoid { start, end } => start < end,
            // a share below 1e-6 is lost in f32, and divides 0 by 0
            Self::Exponential { first, last, steps } => {
                steps > 0 && (1e-6..=1.0).contains(&last) && (last..=1.0).contains(&first)
            }
        };
        let remedy = "shares are in [0, 1], those that fall exponentially in [1e-6, 1], and they fall over at least one step";
        if allowed { Ok(()) } else { Err(Error::invalid("share of alpha-flow", format!("{self:?}; {remedy}"))) }
    }
}

impl AlphaFlow {
    /// Its name with its numbers.
    pub(super) fn described(&self) -> String {
        format!("alpha-flow {:?} power {:?}", self.alpha, self.power)
    }

    /// What it needs besides the network.
    #[must_use]
    pub fn needs(&self) -> Needs {
        Needs { velocity: true, later_starts: true, start_derivative: self.alpha.vanishes(), ..Needs::default() }
    }

    /// The residual `r`, at the share of the context's step.
    ///
    /// # Panics
    /// If the context lacks the velocity of the sample.
    pub fn residual<X: Tensor>(&self, context: &Context<'_, X>) -> X {
        let Context { s, t, x, .. } = *context;
        let alpha = self.alpha.at(context.step);
        if alpha == 0.0 {
            return MeanFlow::default().residual(context);
        }
        let velocity = context.velocity.as_ref().expect("the velocity of a sample, from which this objective learns");
        let first = (t.clone() - s).scale(alpha);
        let u = s.clone() + &first;
        let target = if alpha == 1.0 {
            velocity.clone()
        } else {
            let later = context.fixed.average_velocity(&u, t, &x.plus(&velocity.scaled(&first)));
            velocity.scale(alpha) + later.scale(1.0 - alpha)
        };
        context.live.average_velocity(s, t, x).minus(&target.frozen())
    }

    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a share is not in `[0, 1]`, or the power not in `[0, 2]`.
    pub fn check(&self) -> Result<()> {
        self.alpha.check()?;
        if (0.0..=2.0).contains(&self.power) {
            return Ok(());
        }
        Err(Error::invalid("power of alpha-flow", format!("{}; powers are in [0, 2]", self.power)))
    }
}

impl<T: Tensor<Primal = T>> Objective<T> for AlphaFlow {
    fn name(&self) -> String {
        self.described()
    }
    fn needs(&self) -> Needs {
        self.needs()
    }
    fn check(&self) -> Result<()> {
        self.check()
    }
    fn terms(&self, context: &Context<'_, Var<T>>) -> Vec<Term<Var<T>>> {
        let weight = match self.alpha.at(context.step) {
            0.0 => 1.0,
            alpha => alpha.powf(-self.power),
        };
        vec![Term { weight, residual: self.residual(context) }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fall_as_published() {
        let sigmoid = Alpha::Sigmoid { start: 100, end: 200 };
        assert_eq!([0, 100, 150, 200, u64::MAX].map(|k| sigmoid.at(k)), [1.0, 1.0, 0.5, 0.0, 0.0]);
        assert!((sigmoid.at(160) - 1.0 / (1.0 + f64::exp(2.5))).abs() < 1e-15);
        let exponential = Alpha::Exponential { first: 0.1, last: 0.002, steps: 1000 };
        for (k, expected) in [(0, 0.1), (500, f64::sqrt(0.1 * 0.002)), (1000, 0.002), (u64::MAX, 0.002)] {
            assert!((exponential.at(k) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn shares_that_cannot_be_are_refused() {
        let exponential = |first, last, steps| Alpha::Exponential { first, last, steps };
        let refused = [
            Alpha::Constant(-0.1),
            Alpha::Constant(1.1),
            Alpha::Constant(f64::NAN),
            Alpha::Sigmoid { start: 5, end: 5 },
            exponential(0.1, 0.2, 10),
            exponential(0.1, 0.0, 10),
            exponential(2.0, 0.1, 10),
            exponential(0.1, 0.01, 0),
            exponential(f64::NAN, 0.01, 5),
        ];
        for alpha in refused {
            assert!(AlphaFlow { alpha, power: 1.0 }.check().is_err(), "{alpha:?}");
        }
        for power in [-1.0, 3.0, f64::NAN] {
            assert!(AlphaFlow { power, ..AlphaFlow::default() }.check().is_err());
        }
        for alpha in [Alpha::Constant(0.0), Alpha::Constant(1.0), exponential(0.1, 0.1, 1), Alpha::Sigmoid { start: 0, end: 1 }] {
            assert!(AlphaFlow { alpha, power: 0.0 }.check().is_ok());
        }
    }
}
