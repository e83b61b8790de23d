//! Sampling: a flow map applied along a grid of times.
//!
//! For an exact flow map any grid gives the same end, by the semigroup property. For a learned one, more steps cost more and are
//! usually more accurate, down to the error of its diagonal.

use crate::{Error, FlowMap, Number, Result, State};

/// A grid of times `t_0, t_1, …, t_N` along which a flow map is applied `N` times.
///
/// ```
/// use flowmap::{exact::Rotation, sample::Grid};
/// let grid = Grid::uniform([0.0, 1.0], 4)?;
/// assert_eq!(grid.times(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// let turn = Rotation::new(1.0)?;
/// let [x, y] = grid.follow(&turn, &[1.0_f64, 0.0]);
/// assert!((x - 1.0_f64.cos()).abs() < 1e-15 && (y - 1.0_f64.sin()).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    times: Vec<f64>,
}

impl Grid {
    /// `steps` equal steps over `span`: 1 step is the one-step sampler `X_{0,1}`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are 0 steps or the span is not finite.
    pub fn uniform([start, end]: [f64; 2], steps: usize) -> Result<Self> {
        if steps == 0 {
            return Err(Error::invalid("grid", "0 steps lead nowhere; give at least 1"));
        }
        let share = |k: usize| k as f64 / steps as f64;
        Self::new((0..=steps).map(|k| start * (1.0 - share(k)) + end * share(k)).collect())
    }

    /// Any times, in either direction.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are at least two times, all finite and strictly increasing or strictly decreasing.
    pub fn new(times: Vec<f64>) -> Result<Self> {
        let monotone = times.is_sorted_by(|a, b| a < b) || times.is_sorted_by(|a, b| a > b);
        if times.len() < 2 || !monotone || times.iter().any(|t| !t.is_finite()) {
            return Err(Error::invalid("grid", format!("{times:?} is not two or more finite times in strict order")));
        }
        Ok(Self { times })
    }

    /// The times.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The number of applications of the map.
    pub fn steps(&self) -> usize {
        self.times.len() - 1
    }

    /// `X_{t_{N-1},t_N} ∘ … ∘ X_{t_0,t_1}(x)`.
    pub fn follow<X: State>(&self, map: &(impl FlowMap<X> + ?Sized), x: &X) -> X {
        let form = x.norm();
        self.times.windows(2).fold(x.clone(), |x, t| map.flow(&form.constant(t[0]), &form.constant(t[1]), &x))
    }
}

#[cfg(feature = "train")]
pub use of_law::draw;

#[cfg(feature = "train")]
mod of_law {
    use super::Grid;
    use crate::{FlowMap, Real, Tensor, law::Law, law::stream};

    /// Draws `count` samples: noise from `noise` (a function of `seed` alone), carried along the grid. Row by row in `f64`.
    ///
    /// Samples are computed some thousands at a time, or hundreds of images, so only the result grows with `count`.
    ///
    /// ```
    /// use flowmap::{backend::ndarray::NdTensor, law::Normal, nn::{Mlp, MlpShape}, sample::{self, Grid}, Learned};
    /// let mlp: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 16, 2), 1, &())?;
    /// let grid = Grid::uniform([0.0, 1.0], 4)?;
    /// let samples = sample::draw::<NdTensor<f32>>(&Learned(&mlp), &grid, &Normal::standard(2)?, 100, 7, &());
    /// assert_eq!(samples.len(), 200);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn draw<T: Tensor>(
        map: &(impl FlowMap<T> + ?Sized),
        grid: &Grid,
        noise: &dyn Law,
        count: usize,
        seed: u64,
        device: &T::Device,
    ) -> Vec<f64> {
        // enough rows to keep threads busy, few enough that what a network makes of them fits into memory
        const ROWS: usize = 4096;
        const VALUES: usize = 1 << 18;
        let d = noise.dimension();
        let rows_at_once = (VALUES / d).clamp(1, ROWS);
        let mut rng = stream(seed, 0);
        let mut samples = Vec::with_capacity(count * d);
        for first in (0..count).step_by(rows_at_once) {
            let rows = rows_at_once.min(count - first);
            let mut start = vec![0.0; rows * d];
            noise.draw_rows(&mut rng, &mut start);
            let start: Vec<_> = start.into_iter().map(T::Real::from_f64).collect();
            samples.extend(grid.follow(map, &T::from_slice(device, &start, &[rows, d])).values());
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_that_lead_nowhere_are_refused() {
        assert!(Grid::uniform([0.0, 1.0], 0).is_err());
        assert!(Grid::uniform([1.0, 1.0], 2).is_err());
        for bad in [vec![], vec![0.0], vec![0.0, 0.0], vec![0.0, 1.0, 0.5], vec![0.0, f64::NAN], vec![0.0, f64::INFINITY]] {
            assert!(Grid::new(bad.clone()).is_err(), "{bad:?}");
        }
        assert!(Grid::new(vec![1.0, 0.5, 0.0]).is_ok());
    }

    #[test]
    fn the_ends_of_a_uniform_grid_are_exact() {
        let grid = Grid::uniform([0.1, 0.7], 7).unwrap();
        assert_eq!([grid.times()[0], grid.times()[7]], [0.1, 0.7]);
    }
}
