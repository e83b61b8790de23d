//! Optimizers and learning-rate schedules: pure functions of the step number.

use crate::{AdamStep, Error, Result};
use serde::{Deserialize, Serialize};

/// A first-order optimizer with two moments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Optimizer {
    /// Adam (Kingma and Ba, arXiv 1412.6980).
    Adam,
    /// Rectified Adam (Liu et al., arXiv 1908.03265): the adaptive denominator enters once its variance is known.
    RAdam,
}

const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

impl Optimizer {
    /// The scalars of step `k`, counted from 0, with `β = (0.9, 0.999)` and `ε = 1e-8`.
    ///
    /// ```
    /// use flowmap::learn::Optimizer;
    /// assert!(Optimizer::RAdam.step(0, 1e-3, 1.0).second_correction.is_none()); // not yet adaptive
    /// assert!(Optimizer::RAdam.step(9, 1e-3, 1.0).second_correction.is_some());
    /// ```
    pub fn step(self, k: u64, rate: f64, gradient_scale: f64) -> AdamStep {
        let n = (k + 1) as f64;
        let [b1, b2] = BETAS.map(|b| b.powf(n));
        let adaptive = Some(1.0 / (1.0 - b2));
        let (rate, second_correction) = match self {
            Self::Adam => (rate, adaptive),
            Self::RAdam => {
                let longest = 2.0 / (1.0 - BETAS[1]) - 1.0;
                let length = longest - 2.0 * n * b2 / (1.0 - b2);
                let shape = |r: f64| (r - 4.0) * (r - 2.0) / r;
                if length >= 5.0 { (rate * (shape(length) / shape(longest)).sqrt(), adaptive) } else { (rate, None) }
            }
        };
        AdamStep { rate, betas: BETAS, epsilon: EPSILON, first_correction: 1.0 / (1.0 - b1), second_correction, gradient_scale }
    }
}

/// How the learning rate falls with the step number `k`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// `1 / √max(k / start, 1)`, the paper's; it starts to fall at step `start`.
    SquareRoot {
        /// The step after which the rate falls.
        start: u64,
    },
    /// `(1 + cos(π k / steps)) / 2`, from 1 to 0 over `steps`, 0 after that.
    Cosine {
        /// The length of the training.
        steps: u64,
    },
}

impl Schedule {
    /// The factor of the learning rate at step `k`.
    ///
    /// ```
    /// use flowmap::learn::Schedule;
    /// let paper = Schedule::SquareRoot { start: 35_000 };
    /// assert_eq!([paper.factor(100), paper.factor(140_000)], [1.0, 0.5]);
    /// ```
    pub fn factor(self, k: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::SquareRoot { start } => 1.0 / (k as f64 / start as f64).max(1.0).sqrt(),
            Self::Cosine { steps } => 0.5 * (1.0 + (std::f64::consts::PI * (k as f64 / steps as f64).min(1.0)).cos()),
        }
    }

    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::SquareRoot { start: 0 } | Self::Cosine { steps: 0 } => {
                Err(Error::invalid("learning-rate schedule", "its length is 0 steps; it must be at least 1"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The denominator enters at the sixth step, with a small rate; in the limit RAdam is Adam.
    #[test]
    fn rectification() {
        let factor = |k| Optimizer::RAdam.step(k, 1.0, 1.0).rate;
        assert!(Optimizer::RAdam.step(4, 1.0, 1.0).second_correction.is_none());
        assert!(Optimizer::RAdam.step(5, 1.0, 1.0).second_correction.is_some());
        assert!(factor(5) < 0.05, "the first adaptive step is small: {}", factor(5));
        assert!((factor(1_000_000) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn cosine_ends_at_zero() {
        let cosine = Schedule::Cosine { steps: 100 };
        assert_eq!(cosine.factor(0), 1.0);
        assert!((cosine.factor(50) - 0.5).abs() < 1e-15);
        assert_eq!([cosine.factor(100), cosine.factor(1000)], [0.0, 0.0]);
    }
}
