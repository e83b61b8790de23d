//! Schedules of the learning rate: functions of the step number.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The factor of the learning rate as a function of the step number. Any closure is one.
///
/// ```
/// use flowmap::learn::Schedule;
/// let sawtooth = |k: u64| 1.0 - (k % 100) as f64 / 100.0;
/// assert_eq!(sawtooth.factor(250), 0.5);
/// ```
pub trait Schedule: Send + Sync {
    /// The factor of the learning rate at step `k`, counted from 0; finite, and not negative.
    fn factor(&self, k: u64) -> f64;

    /// Whether its numbers are in their ranges; called when a trainer is made.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl<F: Fn(u64) -> f64 + Send + Sync> Schedule for F {
    fn factor(&self, k: u64) -> f64 {
        self(k)
    }
}

/// The schedules of this library, for [`Settings`](super::Settings).
///
/// ```
/// use flowmap::learn::{Annealing, Schedule};
/// let rate = Annealing::Cosine { steps: 1000 }.warmed_up(10); // rises over 10 steps, and falls to 0
/// assert_eq!([rate.factor(0), rate.factor(1000)], [0.1, 0.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Annealing {
    /// 1.
    Constant,
    /// From `1 / steps` to 1 over `steps`: a warm-up.
    WarmUp {
        /// The length of the warm-up.
        steps: u64,
    },
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
    /// 1 up to step `start`, then linearly to 0 at step `steps`: after a warm-up the schedule "warm-up, stable, decay".
    StableDecay {
        /// The step after which the rate falls.
        start: u64,
        /// The length of the training.
        steps: u64,
    },
    /// The product of some of these, at most 16.
    Product(Vec<Self>),
    /// Some of these one after another, each with its number of steps, at most 16; the last one goes on. Each counts from 0.
    Sequence(Vec<(u64, Self)>),
}

impl Annealing {
    /// The step at which the learning rate has fallen to its end, if it has one.
    ///
    /// ```
    /// use flowmap::learn::Annealing;
    /// assert_eq!(Annealing::Cosine { steps: 500 }.warmed_up(10).end(), Some(500));
    /// assert_eq!(Annealing::Constant.end(), None);
    /// ```
    pub fn end(&self) -> Option<u64> {
        match self {
            Self::Cosine { steps } | Self::StableDecay { steps, .. } => Some(*steps),
            Self::Product(parts) => parts.iter().filter_map(Self::end).min(),
            _ => None,
        }
    }

    /// Times a warm-up over `steps`; 0 leaves it as it is.
    #[must_use]
    pub fn warmed_up(self, steps: u64) -> Self {
        if steps == 0 { self } else { Self::Product(vec![Self::WarmUp { steps }, self]) }
    }
}

impl Schedule for Annealing {
    fn factor(&self, k: u64) -> f64 {
        let share = |k: u64, steps: u64| (k as f64 / steps as f64).min(1.0);
        match self {
            Self::Constant => 1.0,
            Self::WarmUp { steps } => share(k.saturating_add(1), *steps),
            Self::SquareRoot { start } => 1.0 / (k as f64 / *start as f64).max(1.0).sqrt(),
            Self::Cosine { steps } => 0.5 * (1.0 + (PI * share(k, *steps)).cos()),
            Self::StableDecay { start, steps } => {
                if k <= *start {
                    1.0
                } else {
                    1.0 - share(k - start, steps.saturating_sub(*start))
                }
            }
            Self::Product(parts) => parts.iter().map(|part| part.factor(k)).product(),
            Self::Sequence(parts) => {
                let mut k = k;
                for (i, (steps, part)) in parts.iter().enumerate() {
                    if k < *steps || i + 1 == parts.len() {
                        return part.factor(k);
                    }
                    k -= steps;
                }
                1.0
            }
        }
    }

    fn check(&self) -> Result<()> {
        const MOST: usize = 16;
        let invalid = |reason: &str| Err(Error::invalid("learning-rate schedule", reason));
        match self {
            Self::WarmUp { steps: 0 } | Self::SquareRoot { start: 0 } | Self::Cosine { steps: 0 } => {
                invalid("its length is 0 steps; it must be at least 1")
            }
            Self::StableDecay { start, steps } if start >= steps => {
                invalid(&format!("it falls from step {start} to step {steps}; the second must be larger"))
            }
            Self::Product(parts) if !(1..=MOST).contains(&parts.len()) => {
                invalid(&format!("a product of {}; give 1 to {MOST}", parts.len()))
            }
            Self::Sequence(parts) if !(1..=MOST).contains(&parts.len()) => {
                invalid(&format!("a sequence of {}; give 1 to {MOST}", parts.len()))
            }
            Self::Product(parts) => parts.iter().try_for_each(Schedule::check),
            Self::Sequence(parts) => parts.iter().try_for_each(|(_, part)| part.check()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_their_values() {
        let at = |schedule: &Annealing, steps: &[u64]| steps.iter().map(|&k| schedule.factor(k)).collect::<Vec<_>>();
        assert_eq!(at(&Annealing::Constant, &[0, u64::MAX]), [1.0, 1.0]);
        assert_eq!(at(&Annealing::WarmUp { steps: 4 }, &[0, 1, 3, 4, u64::MAX]), [0.25, 0.5, 1.0, 1.0, 1.0]);
        assert_eq!(at(&Annealing::SquareRoot { start: 35_000 }, &[100, 140_000]), [1.0, 0.5]);
        let cosine = Annealing::Cosine { steps: 100 };
        assert_eq!(at(&cosine, &[0, 100, 1000]), [1.0, 0.0, 0.0]);
        assert!((cosine.factor(50) - 0.5).abs() < 1e-15);
        let stable = Annealing::StableDecay { start: 80, steps: 100 };
        assert_eq!(at(&stable, &[0, 80, 90, 100, 1000]), [1.0, 1.0, 0.5, 0.0, 0.0]);
        assert_eq!(at(&stable.clone().warmed_up(2), &[0, 1, 90]), [0.5, 1.0, 0.5]);
        assert_eq!(stable.clone().warmed_up(0), stable);
        let two =
            Annealing::Sequence(vec![(10, Annealing::WarmUp { steps: 10 }), (5, Annealing::StableDecay { start: 0, steps: 10 })]);
        assert_eq!(at(&two, &[0, 9, 10, 15, 99]), [0.1, 1.0, 1.0, 0.5, 0.0]);
    }

    #[test]
    fn schedules_that_cannot_be_are_refused() {
        let refused = [
            Annealing::WarmUp { steps: 0 },
            Annealing::SquareRoot { start: 0 },
            Annealing::Cosine { steps: 0 },
            Annealing::StableDecay { start: 5, steps: 5 },
            Annealing::Product(vec![]),
            Annealing::Product(vec![Annealing::Cosine { steps: 0 }]),
            Annealing::Sequence(vec![]),
            Annealing::Sequence(vec![(1, Annealing::Constant); 17]),
        ];
        for schedule in refused {
            assert!(schedule.check().is_err(), "{schedule:?}");
        }
        assert!(Annealing::Cosine { steps: 1 }.warmed_up(5).check().is_ok());
    }
}
