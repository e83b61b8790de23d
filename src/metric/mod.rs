//! Distances between samples and their target distribution.
//!
//! | target known by | distance |
//! |---|---|
//! | its density, on the plane | [`checkerboard_kl`] |
//! | samples, as rows of features | [`frechet`] between the fitted Gaussians; [`kid`] and [`mmd`] by a kernel; [`sliced_wasserstein`] by projections |
//!
//! Images are compared by [`Features`]: [`RawFeatures`] takes the pixels themselves, a [`Classifier`](crate::learn::Classifier)
//! its inner layer. None of these numbers is 0 for perfect samples, and most depend on the number of samples: [`compare`] gives
//! each next to the same number for real data.
//!
//! Rows are [`Points`]: all finite. Numbers of a tensor become points by `Points::new(tensor.values(), d)`.

#[cfg(feature = "nalgebra")]
mod comparison;
mod features;
#[cfg(feature = "nalgebra")]
mod frechet;
#[cfg(feature = "nalgebra")]
mod kid;
mod kl;
#[cfg(feature = "nalgebra")]
mod moments;
mod wasserstein;

#[cfg(feature = "nalgebra")]
pub use comparison::{Comparison, Protocol, WithFloor, compare};
pub use features::{Features, RawFeatures};
#[cfg(feature = "nalgebra")]
pub use frechet::frechet;
#[cfg(feature = "nalgebra")]
pub use kid::{Kid, Subsets, kid, mmd};
pub use kl::{Kl, checkerboard_kl};
#[cfg(feature = "nalgebra")]
pub use moments::Moments;
pub use wasserstein::{Wasserstein, sliced_wasserstein, wasserstein_1d};

use crate::{Error, Result, data::Points};

/// `a · b`, in an order of summation that vectorizes.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for k in 0..LANES {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// The common dimension of two sets.
fn common_dimension(a: &Points, b: &Points) -> Result<usize> {
    let (expected, found) = (a.dimension(), b.dimension());
    if expected != found {
        return Err(Error::Shape { what: "rows of the second set".into(), expected: vec![expected], found: vec![found] });
    }
    Ok(expected)
}

/// `x`, unless huge samples made it overflow.
fn finite(what: &'static str, x: f64) -> Result<f64> {
    if x.is_finite() { Ok(x) } else { Err(Error::invalid(what, "it overflows; scale the features down")) }
}

/// `f(0), …, f(n - 1)`, in this order whatever the number of threads.
fn each<T: Send>(n: usize, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    #[cfg(any(feature = "ensemble", feature = "ndarray"))]
    {
        use rayon::prelude::*;
        (0..n).into_par_iter().map(f).collect()
    }
    #[cfg(not(any(feature = "ensemble", feature = "ndarray")))]
    (0..n).map(f).collect()
}

/// Helpers on nalgebra's matrices.
#[cfg(feature = "nalgebra")]
mod of_matrices {
    use nalgebra::{DMatrix, DMatrixView};
    use rand::{Rng, RngExt};

    use crate::data::Points;

    /// Rows of `d` numbers as the columns of a matrix, shape `[d, n]`.
    pub fn columns(rows: &[f64], d: usize) -> DMatrixView<'_, f64> {
        DMatrixView::from_slice(rows, d, rows.len() / d)
    }

    /// A copy of rows of `d` numbers as the rows of a matrix, shape `[n, d]`.
    pub fn rows(rows: &[f64], d: usize) -> DMatrix<f64> {
        DMatrix::from_row_slice(rows.len() / d, d, rows)
    }

    /// `count` of the numbers `0, …, n - 1`, at most `n`, without repetition, in random order.
    pub fn choose(rng: &mut dyn Rng, n: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<_> = (0..n).collect();
        for k in 0..count.min(n) {
            all.swap(k, rng.random_range(k..n));
        }
        all.truncate(count);
        all
    }

    /// These rows, one after another.
    pub fn gather(points: &Points, which: &[usize]) -> Vec<f64> {
        which.iter().flat_map(|&i| points.row(i)).copied().collect()
    }
}

/// Sets for the tests of distances.
#[cfg(test)]
mod testing {
    use crate::{
        data::Points,
        distribution::{Distribution, Normal},
        random::stream,
    };

    /// Numbers of `[0, 1)` that numpy gets too: `frac(0.7548776662466927 ((i + 1)(j + 1)(j + 2) + s))`.
    pub fn lattice(n: usize, d: usize, s: usize) -> Points {
        let number = |k: usize| {
            let (i, j) = (k / d, k % d);
            (0.754_877_666_246_692_7 * ((i + 1) * (j + 1) * (j + 2) + s) as f64) % 1.0
        };
        Points::new((0..n * d).map(number).collect(), d).unwrap()
    }

    /// Draws of `N(shift, I)`, the same shift in every coordinate.
    pub fn normal(n: usize, d: usize, shift: f64, seed: u64) -> Points {
        let mut rows = vec![0.0; n * d];
        Normal::new(vec![shift; d], 1.0).unwrap().draw_rows(&mut stream(seed, 0), &mut rows);
        Points::new(rows, d).unwrap()
    }

    /// `f` of every row.
    pub fn map(points: &Points, f: impl Fn(&[f64]) -> Vec<f64>) -> Points {
        Points::new(points.iter().flat_map(f).collect(), points.dimension()).unwrap()
    }

    /// The rows in reverse.
    pub fn reversed(points: &Points) -> Points {
        Points::new(points.iter().rev().flatten().copied().collect(), points.dimension()).unwrap()
    }

    /// Every row, turned by a reflection in a random hyperplane and then in another: a rotation.
    pub fn rotated(points: &Points, seed: u64) -> Points {
        let mirrors = normal(2, points.dimension(), 0.0, seed);
        let reflect = |x: &[f64], m: &[f64]| {
            let by = 2.0 * super::dot(x, m) / super::dot(m, m);
            x.iter().zip(m).map(|(x, m)| x - by * m).collect::<Vec<_>>()
        };
        map(points, |x| reflect(&reflect(x, mirrors.row(0)), mirrors.row(1)))
    }

    /// `f` in a pool of `threads` threads.
    pub fn on_threads<T: Send>(threads: usize, f: impl Fn() -> T + Sync + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
    }

    /// Panics unless they agree to `tolerance`, relative to the larger and to 1.
    #[track_caller]
    pub fn near(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0), "{a} and {b}");
    }
}
