//! Distributions of random vectors, for noise and data.
//!
//! A [`Distribution`] gives one draw at a time, in `f64`, from any generator. No generator state is kept:
//! [`stream`](crate::random::stream) makes the generator of step `k` from `(seed, k)` alone, so a run that is resumed at step `k`
//! draws the same as an uninterrupted one.

mod along_trajectories;
mod checkerboard;
mod constants;
mod normal;
mod sum;
mod uniform;

pub use along_trajectories::AlongTrajectories;
pub use checkerboard::Checkerboard;
pub use constants::Constants;
pub use normal::Normal;
pub use sum::Sum;
pub use uniform::Uniform;

use crate::Layout;
use std::sync::Arc;

use rand::Rng;

/// The distribution of a random vector of fixed dimension.
///
/// ```
/// use flowmap::{distribution::{Distribution, Normal}, random::stream};
/// let noise = Normal::standard(3)?;
/// let mut x = [0.0; 3];
/// noise.draw(&mut stream(1, 0), &mut x);
/// assert!(x.iter().all(|x| x.is_finite()));
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Distribution: Send + Sync {
    /// What the coordinates are; if all move along a flow, `d.into()` says so. Those at rest have velocity 0: see [`Constants`].
    fn layout(&self) -> Layout;

    /// The number `d` of coordinates.
    fn dimension(&self) -> usize {
        self.layout().dimension()
    }

    /// Identifies this distribution, for example by a checksum of its data; a checkpoint of another one is rejected.
    fn fingerprint(&self) -> String {
        String::new()
    }

    /// The distribution of the moving coordinates, if it is normal whatever the others are;
    /// [renoising](crate::sample::Renoising) needs it.
    fn normal(&self) -> Option<&Normal> {
        None
    }

    /// One draw into `x`, of length `d`.
    ///
    /// # Panics
    /// If `x` has another length than [`dimension`](Distribution::dimension).
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]);

    /// Independent draws, one for each row of `rows` (shape `[n, d]`, row by row).
    ///
    /// Row `i` depends on the generator and on the rows before it, never on the number of rows after it.
    ///
    /// ```
    /// use flowmap::{distribution::{Checkerboard, Distribution}, random::stream};
    /// let (mut few, mut many) = ([0.0; 4], [0.0; 20]);
    /// Checkerboard.draw_rows(&mut stream(7, 0), &mut few);
    /// Checkerboard.draw_rows(&mut stream(7, 0), &mut many);
    /// assert_eq!(few, many[..4]);
    /// ```
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`dimension`](Distribution::dimension).
    fn draw_rows(&self, rng: &mut dyn Rng, rows: &mut [f64]) {
        let dimension = self.dimension();
        assert!(rows.len().is_multiple_of(dimension), "{} numbers are not rows of {dimension}", rows.len());
        for x in rows.chunks_exact_mut(dimension) {
            self.draw(rng, x);
        }
    }
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<L: Distribution + ?Sized> Distribution for $pointer {
            fn layout(&self) -> Layout {
                (**self).layout()
            }
            fn fingerprint(&self) -> String {
                (**self).fingerprint()
            }
            fn normal(&self) -> Option<&Normal> {
                (**self).normal()
            }
            fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
                (**self).draw(rng, x);
            }
        }
    )+};
}
forward!(&L, Box<L>, Arc<L>);

pub(crate) fn check_length(x: &[f64], dimension: usize) {
    assert_eq!(x.len(), dimension, "a draw of dimension {dimension} needs a slice of that length");
}

/// Tools for the tests of distributions.
#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::random::stream;

    /// `n` draws.
    pub fn draws(distribution: &dyn Distribution, n: usize) -> Vec<f64> {
        let mut rows = vec![0.0; n * distribution.dimension()];
        distribution.draw_rows(&mut stream(3, 0), &mut rows);
        rows
    }

    /// The Kolmogorov-Smirnov distance between the sample and a distribution function, times √n; above 1.95 for one sample in
    /// a thousand.
    pub fn kolmogorov_smirnov(mut sample: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
        sample.sort_by(f64::total_cmp);
        let n = sample.len() as f64;
        let gap = sample.iter().enumerate().map(|(i, &x)| (cdf(x) - i as f64 / n).max((i + 1) as f64 / n - cdf(x)));
        gap.fold(0.0, f64::max) * n.sqrt()
    }

    #[test]
    fn pointers_draw_what_they_point_to() {
        let distribution: Arc<dyn Distribution> = Arc::new(Checkerboard);
        assert_eq!(draws(&Checkerboard, 3), draws(&distribution, 3));
        assert_eq!(draws(&Checkerboard, 3), draws(&Box::new(Checkerboard), 3));
    }
}
