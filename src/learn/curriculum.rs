//! Times that grow during training.

use super::Coverage;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A curriculum of growing times: `t - s` is multiplied by a factor that grows from `first` to 1 over `steps` training steps.
/// Short maps are learned before the long ones that are made of them. While it grows, dyadic times and grids leave their places.
///
/// ```
/// use flowmap::learn::Curriculum;
/// let curriculum = Curriculum { first: 0.1, steps: 100 };
/// assert_eq!([0, 50, 100, 1000].map(|k| curriculum.factor(k)), [0.1, 0.55, 1.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curriculum {
    /// The factor at step 0, in `[0, 1]`.
    pub first: f64,
    /// The steps until it is 1.
    pub steps: u64,
}

impl Curriculum {
    /// The factor at step `k`.
    pub fn factor(&self, k: u64) -> f64 {
        if k >= self.steps { 1.0 } else { self.first + (1.0 - self.first) * (k as f64 / self.steps as f64) }
    }

    /// The times `s` and `t` at step `k`, with their distance multiplied by the factor: `t` moves, or `s` where all maps end at
    /// the end of the span.
    pub(super) fn shortened(&self, k: u64, [s, t]: [f64; 2], coverage: Coverage) -> [f64; 2] {
        let factor = self.factor(k);
        match coverage {
            _ if factor == 1.0 => [s, t],
            Coverage::ToEnd => [t - factor * (t - s), t],
            _ => [s, s + factor * (t - s)],
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.first) {
            return Ok(());
        }
        Err(Error::invalid("curriculum of times", format!("the first factor {} is not in [0, 1]", self.first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shortened() {
        assert!(
            Curriculum { first: 1.1, steps: 1 }.check().is_err() && Curriculum { first: f64::NAN, steps: 1 }.check().is_err()
        );
        let half = Curriculum { first: 0.5, steps: 100 };
        assert_eq!(half.shortened(0, [0.2, 1.0], Coverage::All), [0.2, 0.2 + 0.5 * 0.8]);
        assert_eq!(half.shortened(0, [0.2, 1.0], Coverage::ToEnd), [1.0 - 0.5 * 0.8, 1.0]);
        assert_eq!(half.shortened(100, [0.2, 1.0], Coverage::All), [0.2, 1.0]);
    }
}
