//! Weights of samples within a batch.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How samples are weighted within a batch, besides the weight that a network learns. Any closure is one.
///
/// ```
/// use flowmap::learn::{Weighed, Weighting};
/// let early = |sample: &Weighed| 1.0 - sample.s; // early starts count more
/// assert_eq!(early.weight(&Weighed { square: 2.0, dimension: 2, s: 0.25, t: 1.0, log_loss: 0.0 }), 0.75);
/// ```
pub trait Weighting: Send + Sync {
    /// The weight of the squared residual of a sample; no gradient flows through it.
    fn weight(&self, sample: &Weighed) -> f64;

    /// Whether all weights are 1: then squares need not be copied to the host.
    fn equal(&self) -> bool {
        false
    }

    /// Whether its numbers are in their ranges; called when a trainer is made.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl<F: Fn(&Weighed) -> f64 + Send + Sync> Weighting for F {
    fn weight(&self, sample: &Weighed) -> f64 {
        self(sample)
    }
}

/// A sample to be weighed by a [`Weighting`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighed {
    /// The squared residual `|r|²`.
    pub square: f64,
    /// The number of coordinates of the residual.
    pub dimension: usize,
    /// The time at which the sample starts.
    pub s: f64,
    /// The time at which it ends; `s` on the diagonal.
    pub t: f64,
    /// The logarithm `w` of the squared residual that is expected, by which the loss is `e^-w |r|² + w`: that of the
    /// [settings](super::Settings::weight), and what the network adds to it if it learns one.
    pub log_loss: f64,
}

/// The weightings of this library, for [`Settings`](super::Settings).
///
/// ```
/// use flowmap::learn::{SampleWeights, Weighed, Weighting};
/// let sample = Weighed { square: 1.5, dimension: 1, s: 0.0, t: 1.0, log_loss: 0.0 };
/// assert_eq!(SampleWeights::Adaptive { power: 1.0, offset: 0.5 }.weight(&sample), 0.5);
/// assert_eq!(SampleWeights::Equal.weight(&sample), 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SampleWeights {
    /// All equally.
    #[default]
    Equal,
    /// `1 / (|r|² + c)^p`. Source: arXiv 2505.13447, section 4.3.
    Adaptive {
        /// `p`; 1 in the source.
        power: f64,
        /// `c`; 1e-3 in the source.
        offset: f64,
    },
    /// `1 / (e^-w |r|² + c d)` for `d` coordinates, which makes the gradient that of the Cauchy loss `log(e^-w |r|²/d + c) + w`.
    /// Source: arXiv 2510.24474.
    Cauchy {
        /// `c`; 1e-2 in the source.
        offset: f64,
    },
}

impl Weighting for SampleWeights {
    fn weight(&self, sample: &Weighed) -> f64 {
        match *self {
            Self::Equal => 1.0,
            Self::Adaptive { power, offset } => (sample.square + offset).powf(-power),
            Self::Cauchy { offset } => 1.0 / ((-sample.log_loss).exp() * sample.square + offset * sample.dimension as f64),
        }
    }
    fn equal(&self) -> bool {
        *self == Self::Equal
    }
    fn check(&self) -> Result<()> {
        match *self {
            // beyond these bounds a weight can overflow f32
            Self::Adaptive { power, offset } if !((0.0..=2.0).contains(&power) && (1e-6..=1e6).contains(&offset)) => {
                let reason =
                    format!("a power of {power} and an offset of {offset}; powers are in [0, 2], offsets in [1e-6, 1e6]");
                Err(Error::invalid("weighting", reason))
            }
            Self::Cauchy { offset } if !(1e-6..=1e6).contains(&offset) => {
                Err(Error::invalid("weighting", format!("an offset of {offset}; offsets are in [1e-6, 1e6]")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_overflow_are_refused() {
        for (power, offset) in [(f64::NAN, 1.0), (-1.0, 1.0), (1.0, 0.0), (3.0, 1.0)] {
            assert!(SampleWeights::Adaptive { power, offset }.check().is_err());
        }
        assert!([0.0, f64::NAN, 1e7].into_iter().all(|offset| SampleWeights::Cauchy { offset }.check().is_err()));
    }

    /// The gradients of `log(e^-w |r|²/d + c) + w` by `r` and `w`, by finite differences.
    #[test]
    fn the_cauchy_weight_gives_the_gradient_of_the_cauchy_loss() {
        let (c, d, r, w) = (0.01, 3.0, 0.7, 0.4);
        let loss = |r: f64, w: f64| ((-w).exp() * r * r / d + c).ln() + w;
        let sample = Weighed { square: r * r, dimension: 3, s: 0.0, t: 1.0, log_loss: w };
        let weight = SampleWeights::Cauchy { offset: c }.weight(&sample);
        let h = 1e-6;
        let by_r = (loss(r + h, w) - loss(r - h, w)) / (2.0 * h);
        let by_w = (loss(r, w + h) - loss(r, w - h)) / (2.0 * h);
        assert!((weight * (-w).exp() * 2.0 * r - by_r).abs() < 1e-8, "{by_r}");
        assert!((1.0 - weight * (-w).exp() * r * r - by_w).abs() < 1e-8, "{by_w}");
    }
}
