//! Moving averages of the parameters.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much each step's parameters count in a moving average of them.
///
/// Neither kind holds any of the initial parameters: after the first step the average is that step's parameters.
///
/// ```
/// use flowmap::learn::Average;
/// assert_eq!(Average::from(0.999), Average::Exponential { decay: 0.999 });
/// assert_eq!(Average::Exponential { decay: 0.5 }.weight(1), 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
#[non_exhaustive]
pub enum Average {
    /// Step `k` counts `decay^(n-k)`, divided by the sum: an exponential average without the bias of its start.
    Exponential {
        /// The decay, in `[0, 1)`.
        decay: f64,
    },
    /// Step `k` counts `k^γ`, so that the average spans a fixed share of the training: its standard deviation is `width` times
    /// the steps taken. Two of different widths can be [combined](super::post_hoc) into any other afterwards.
    ///
    /// Source: T. Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models, arXiv 2312.02696, section 3.
    Power {
        /// The width `σ`, in `(0, 0.28]`: 0.05 and 0.1 are usual.
        width: f64,
    },
}

/// `0.999`, or `{ power = 0.05 }`: how averages are stored.
#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "a decay such as 0.999, or { power = 0.05 }")]
enum Stored {
    Decay(f64),
    Width { power: f64 },
}

impl From<Stored> for Average {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Decay(decay) => Self::Exponential { decay },
            Stored::Width { power } => Self::Power { width: power },
        }
    }
}

impl From<Average> for Stored {
    fn from(average: Average) -> Self {
        match average {
            Average::Exponential { decay } => Self::Decay(decay),
            Average::Power { width } => Self::Width { power: width },
        }
    }
}

impl From<f64> for Average {
    /// The exponential average of this decay.
    fn from(decay: f64) -> Self {
        Self::Exponential { decay }
    }
}

impl Average {
    /// The weight of the parameters of step `n`, counted from 1, in `average ← average + weight (parameters - average)`. At 0 it
    /// is that at 1.
    #[must_use]
    pub fn weight(&self, n: u64) -> f64 {
        let n = n.max(1) as f64;
        match *self {
            // (1-d) / (1-d^n)
            Self::Exponential { decay } => (1.0 - decay) / -(n * decay.ln()).exp_m1(),
            // n^γ / Σ k^γ, as an integral: 1 - (1 - 1/n)^(γ+1)
            Self::Power { width } => -((exponent(width) + 1.0) * (-1.0 / n).ln_1p()).exp_m1(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match *self {
            Self::Exponential { decay } if !(0.0..1.0).contains(&decay) => {
                Err(Error::invalid("decay of an average", format!("{decay} is not in [0, 1)")))
            }
            Self::Power { width } if !(width > 0.0 && width <= 0.28) => {
                Err(Error::invalid("width of an average", format!("{width} is not in (0, 0.28]")))
            }
            _ => Ok(()),
        }
    }
}

/// The `γ` of a width: `σ² = (γ + 1) / ((γ + 2)² (γ + 3))`.
pub(super) fn exponent(width: f64) -> f64 {
    let of = |g: f64| (g + 1.0) / ((g + 2.0).powi(2) * (g + 3.0)) - width * width;
    // it falls with γ from 1/12 at γ = 0
    let (mut low, mut high) = (0.0, 2.0 / width);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if of(middle) > 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// `0.999`, or `power-0.05`: the names of averages in checkpoints.
impl fmt::Display for Average {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exponential { decay } => f.pad(&decay.to_string()),
            Self::Power { width } => f.pad(&format!("power-{width}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The averages of the numbers 1, 2, … are those of the weights in the documentation.
    #[test]
    fn averages_have_their_weights() {
        for (average, counts) in [
            (Average::from(0.9), &(|k: f64, n: f64| 0.9_f64.powf(n - k)) as &dyn Fn(f64, f64) -> f64),
            (Average::from(0.0), &|k, n| if k == n { 1.0 } else { 0.0 }),
            (Average::Power { width: 0.1 }, &|k, _| k.powf(exponent(0.1))),
        ] {
            let mut found = 99.0;
            for n in 1..=400_u64 {
                found += average.weight(n) * (n as f64 - found);
                let all = 1..=n;
                let (sum, weights) = all.fold((0.0, 0.0), |(sum, weights), k| {
                    let w = counts(k as f64, n as f64);
                    (sum + w * k as f64, weights + w)
                });
                // the power's sum is taken as an integral
                let bound = if matches!(average, Average::Power { .. }) { 1.0 } else { 1e-9 };
                assert!((found - sum / weights).abs() < bound, "{average} after {n}: {found}, not {}", sum / weights);
            }
        }
    }

    #[test]
    fn the_width_is_that_of_the_weights() {
        for width in [0.02, 0.05, 0.1, 0.25] {
            let g = exponent(width);
            // moments of k^γ on [0, 1]
            let (mean, square) = ((g + 1.0) / (g + 2.0), (g + 1.0) / (g + 3.0));
            assert!(((square - mean * mean).sqrt() - width).abs() < 1e-12, "{width}: {g}");
        }
        assert!((exponent(0.05) - 16.97).abs() < 0.01 && (exponent(0.1) - 6.94).abs() < 0.01, "those of the source");
    }
}
