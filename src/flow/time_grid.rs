//! Grids of times.

use super::FlowMap;
use crate::{Error, Result, state::State};

/// A grid of times `t_0, t_1, …, t_N` along which a flow map is applied `N` times.
///
/// ```
/// use flowmap::{TimeGrid, exact::Rotation};
/// let grid = TimeGrid::uniform([0.0, 1.0], 4)?;
/// assert_eq!(grid.times(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// let turn = Rotation::new(1.0)?;
/// let [x, y] = grid.follow(&turn, &[1.0_f64, 0.0]);
/// assert!((x - 1.0_f64.cos()).abs() < 1e-15 && (y - 1.0_f64.sin()).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TimeGrid {
    times: Vec<f64>,
}

impl TimeGrid {
    /// `steps` equal steps over `span`: 1 step is the one-step sampler `X_{0,1}`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are 0 steps, or more than ten million, or the span is not finite, or too short for that many
    /// floats.
    pub fn uniform([start, end]: [f64; 2], steps: usize) -> Result<Self> {
        // more are probably a mistake, and would exhaust memory
        const MOST: usize = 10_000_000;
        if steps == 0 {
            return Err(Error::invalid("grid", "0 steps are too few; give at least 1"));
        }
        if steps > MOST {
            return Err(Error::invalid("grid", format!("{steps} steps are more than {MOST}; give fewer")));
        }
        let share = |k: usize| k as f64 / steps as f64;
        Self::new((0..=steps).map(|k| start * (1.0 - share(k)) + end * share(k)).collect())
    }

    /// A grid of these times, in either direction.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are at least two times, all finite and strictly increasing or strictly decreasing.
    pub fn new(times: Vec<f64>) -> Result<Self> {
        let monotone = times.is_sorted_by(|a, b| a < b) || times.is_sorted_by(|a, b| a > b);
        if times.len() < 2 || !monotone || times.iter().any(|t| !t.is_finite()) {
            // the first few suffice for a message
            let shown = &times[..times.len().min(8)];
            let reason =
                format!("{} times, beginning with {shown:?}; give two or more finite times in strict order", times.len());
            return Err(Error::invalid("grid", reason));
        }
        Ok(Self { times })
    }

    /// The times.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The number of times that the map is applied.
    pub fn steps(&self) -> usize {
        self.times.len() - 1
    }

    /// Applies the map along the grid: `X_{t_{N-1},t_N} ∘ … ∘ X_{t_0,t_1}(x)`.
    pub fn follow<X: State>(&self, map: &(impl FlowMap<X> + ?Sized), x: &X) -> X {
        pairs(&self.times).fold(x.clone(), |x, times| map.carry(times, &x))
    }
}

/// The start and end time of each step.
pub(crate) fn pairs(times: &[f64]) -> impl Iterator<Item = [f64; 2]> {
    times.windows(2).map(|t| [t[0], t[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_that_lead_nowhere_are_refused() {
        assert!(TimeGrid::uniform([0.0, 1.0], 0).is_err());
        assert!(TimeGrid::uniform([1.0, 1.0], 2).is_err());
        assert!(TimeGrid::uniform([0.0, 1.0], usize::MAX).is_err());
        assert!(TimeGrid::uniform([0.0, 1e-323], 1000).is_err(), "there are not so many numbers");
        for bad in [vec![], vec![0.0], vec![0.0, 0.0], vec![0.0, 1.0, 0.5], vec![0.0, f64::NAN], vec![0.0, f64::INFINITY]] {
            assert!(TimeGrid::new(bad.clone()).is_err(), "{bad:?}");
        }
        assert!(TimeGrid::new(vec![1.0, 0.5, 0.0]).is_ok());
    }

    #[test]
    fn the_ends_of_a_uniform_grid_are_exact() {
        let grid = TimeGrid::uniform([0.1, 0.7], 7).unwrap();
        assert_eq!([grid.times()[0], grid.times()[7]], [0.1, 0.7]);
    }
}
