//! The kernel distance: the maximum mean discrepancy of a cubic kernel.

use nalgebra::DMatrix;

use super::{
    common_dimension, each, finite,
    of_matrices::{self, choose, gather},
};
use crate::{Error, Result, data::Points, random::stream};

/// The random subsets that a [`kid`] averages over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Subsets {
    /// At least 2.
    pub count: usize,
    /// At least 2, and at most the rows of the smaller set.
    pub size: usize,
}

/// 100 subsets of 1000 rows.
impl Default for Subsets {
    fn default() -> Self {
        Self { count: 100, size: 1000 }
    }
}

/// The result of [`kid`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Kid {
    /// The mean over subsets; if both sets are draws of one distribution, below 0 about as often as above.
    pub mean: f64,
    /// The standard deviation over subsets, divided by the root of their number: the uncertainty of `mean` for these two sets.
    /// Subsets share rows, so for new draws of the sets it is too small, once all rows have been used.
    pub standard_error: f64,
    /// The subsets that were drawn.
    pub subsets: Subsets,
}

/// The kernel distance (KID) between `a` and `b`, shapes `[n, d]` and `[m, d]`: the mean of the unbiased estimate [`mmd`] over
/// random subsets.
///
/// Being unbiased, it has the mean 0 for perfect samples, and sets of different sizes may be compared. Subset `k` is a function
/// of `seed` and `k` alone. Time grows as `count · size² d`: measured on one core, 11 s for the default subsets at `d = 784`.
/// With the features `ensemble` or `ndarray` subsets are shared among the threads of the current rayon pool; the result does not
/// depend on their number.
///
/// ```
/// use flowmap::{data::Points, metric::{Subsets, kid}};
/// let digits = Points::from_csv_with_labels("examples/data/digits.csv")?.0;
/// let images = Points::new(digits.as_slice().iter().map(|grey| grey / 16.0).collect(), 64)?;
/// let negatives = Points::new(images.as_slice().iter().map(|grey| 1.0 - grey).collect(), 64)?;
/// let kid = kid(&images, &negatives, Subsets { count: 10, size: 100 }, 1)?;
/// assert!(kid.mean > 10.0 * kid.standard_error, "{kid:?}");
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if the dimensions differ; [`Error::Invalid`] if there are fewer than 2 subsets, they have fewer than 2 rows
/// or more than a set has, or the kernel overflows.
///
/// Reference: arXiv 1801.01401, section 4.
pub fn kid(a: &Points, b: &Points, subsets: Subsets, seed: u64) -> Result<Kid> {
    let d = common_dimension(a, b)?;
    let Subsets { count, size } = subsets;
    let most = a.len().min(b.len());
    if count < 2 {
        return Err(Error::invalid("subsets", format!("{count} have no standard error; give at least 2")));
    }
    if !(2..=most).contains(&size) {
        return Err(Error::invalid(
            "size of subsets",
            format!("{size} is not between 2 and {most}, the rows of the smaller set"),
        ));
    }
    let values = each(count, |k| {
        let mut rng = stream(seed, k as u64);
        let [a, b] = [a, b].map(|points| gather(points, &choose(&mut rng, points.len(), size)));
        unbiased(&a, &b, d)
    });
    let mean = finite("kernel distance", values.iter().sum::<f64>() / count as f64)?;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count - 1) as f64;
    let standard_error = finite("kernel distance", variance)?.sqrt() / (count as f64).sqrt();
    Ok(Kid { mean, standard_error, subsets })
}

/// The unbiased estimate of the squared maximum mean discrepancy with the kernel `k(x, y) = (x·y/d + 1)³`, from all rows of `a`
/// and `b`, shapes `[n, d]` and `[m, d]`:
/// `Σ_{i≠j} k(a_i, a_j) / (n(n-1)) + Σ_{i≠j} k(b_i, b_j) / (m(m-1)) - 2 Σ_{ij} k(a_i, b_j) / (nm)`.
///
/// It is 0 in the mean if the distributions agree in their moments of up to third order, and may then be negative. It has the
/// mean of [`kid`], and less noise. Time grows as `(n + m)² d`: measured on one core, 9 s for 10,000 rows each at `d = 784`.
///
/// ```
/// use flowmap::{data::Points, metric::mmd};
/// let [a, b] = [[1.0, -1.0], [2.0, 0.0]].map(|rows| Points::new(rows.to_vec(), 1));
/// // (1·(-1) + 1)³ + (2·0 + 1)³ - 2 (3³ + 1 + (-1)³ + 1) / 4
/// assert_eq!(mmd(&a?, &b?)?, -13.0);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if the dimensions differ; [`Error::Invalid`] if a set has fewer than 2 rows or the kernel overflows.
///
/// References: A. Gretton et al., A kernel two-sample test, J. Mach. Learn. Res. 13, 2012, lemma 6; the kernel is that of arXiv
/// 1801.01401.
pub fn mmd(a: &Points, b: &Points) -> Result<f64> {
    let d = common_dimension(a, b)?;
    let fewest = a.len().min(b.len());
    if fewest < 2 {
        return Err(Error::invalid("rows", format!("{fewest} make no pair; give at least 2 of each set")));
    }
    finite("kernel distance", unbiased(a.as_slice(), b.as_slice(), d))
}

fn unbiased(a: &[f64], b: &[f64], d: usize) -> f64 {
    let (n, m) = ((a.len() / d) as f64, (b.len() / d) as f64);
    kernel_sum(a, a, d, true) / (n * (n - 1.0)) + kernel_sum(b, b, d, true) / (m * (m - 1.0))
        - 2.0 * kernel_sum(a, b, d, false) / (n * m)
}

/// The sum of the kernel over all pairs; within one set, over those of different rows.
fn kernel_sum(a: &[f64], b: &[f64], d: usize, within: bool) -> f64 {
    const TILE: usize = 512;
    let kernel = |product: f64| {
        let linear = product / d as f64 + 1.0;
        linear * linear * linear
    };
    let tiles = |x: &[f64]| x.len().div_ceil(TILE * d);
    let pairs: Vec<_> = (0..tiles(a)).flat_map(|i| (if within { i } else { 0 }..tiles(b)).map(move |j| (i, j))).collect();
    let sums = each(pairs.len(), |pair| {
        let (i, j) = pairs[pair];
        let tile = |x: &'_ [f64], i: usize| (i * TILE * d)..((i + 1) * TILE * d).min(x.len());
        let (a, b) = (of_matrices::rows(&a[tile(a, i)], d), of_matrices::columns(&b[tile(b, j)], d));
        let mut products = DMatrix::zeros(a.nrows(), b.ncols());
        products.gemm(1.0, &a, &b, 0.0);
        // column by column, so that large sums are of few numbers
        let all: f64 = products.column_iter().map(|column| column.iter().map(|x| kernel(*x)).sum::<f64>()).sum();
        match within {
            true if i == j => all - products.diagonal().iter().map(|x| kernel(*x)).sum::<f64>(),
            // the tile on the other side of the diagonal is this one, transposed
            true => 2.0 * all,
            false => all,
        }
    });
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::testing::{lattice, map, near, normal, reversed, rotated};

    const FEW: Subsets = Subsets { count: 20, size: 50 };

    /// numpy 2.4.6: `K = (X @ Y.T / d + 1)**3`, sums without the diagonals. 600 and 700 rows make more than one tile.
    #[test]
    fn agrees_with_numpy() {
        let between = |n, m, d| mmd(&lattice(n, d, 0), &map(&lattice(m, d, 5), |x| x.iter().map(|x| x * x).collect())).unwrap();
        near(between(7, 5, 3), -0.057_147_423_829_689_625, 1e-14);
        near(between(600, 700, 2), 0.174_653_105_229_780_17, 1e-13);
        near(between(50, 40, 20), 0.160_559_216_000_681_46, 1e-13);
    }

    /// On the line `(xy + 1)³` compares moments: `Σ_k (3 choose k) (E X^k - E Y^k)²`.
    #[test]
    fn normal_distributions_in_closed_form() {
        let shift = 0.7_f64;
        let exact = 3.0 * shift.powi(2) + 3.0 * shift.powi(4) + (shift.powi(3) + 3.0 * shift).powi(2);
        let (mean, error) = over_seeds(|seed| mmd(&normal(200, 1, shift, seed), &normal(300, 1, 0.0, seed + 1000)).unwrap());
        assert!((mean - exact).abs() < 4.0 * error && error < 0.1 * exact, "{mean} ± {error}, not {exact}");
    }

    #[test]
    fn equal_distributions_are_at_distance_0_in_the_mean() {
        let (mean, error) = over_seeds(|seed| mmd(&normal(40, 3, 0.5, seed), &normal(60, 3, 0.5, seed + 1000)).unwrap());
        assert!(mean.abs() < 3.5 * error, "{mean} ± {error}");
        let sets = |seed| (normal(100, 3, 0.5, seed), normal(150, 3, 0.5, seed + 1000));
        let (mean, error) = over_seeds(|seed| kid(&sets(seed).0, &sets(seed).1, FEW, seed).unwrap().mean);
        assert!(mean.abs() < 3.5 * error, "{mean} ± {error}");
    }

    /// Mean over 100 seeds, and its standard error.
    fn over_seeds(f: impl Fn(u64) -> f64) -> (f64, f64) {
        let values: Vec<_> = (0..100).map(f).collect();
        let mean = values.iter().sum::<f64>() / 100.0;
        (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 99.0 / 100.0).sqrt())
    }

    #[test]
    fn subsets_have_the_mean_of_the_whole() {
        let (a, b) = (normal(200, 4, 0.0, 1), normal(150, 4, 0.4, 2));
        let kid = kid(&a, &b, Subsets { count: 2000, size: 20 }, 1).unwrap();
        let whole = mmd(&a, &b).unwrap();
        assert!((kid.mean - whole).abs() < 4.0 * kid.standard_error, "{kid:?}, {whole}");
        // subsets of all rows are the whole, in another order
        let all = super::kid(&a, &a, Subsets { count: 2, size: 200 }, 1).unwrap();
        near(all.mean, mmd(&a, &a).unwrap(), 1e-12);
        assert!(all.standard_error < 1e-12);
    }

    #[test]
    fn rotations_and_order_do_not_matter() {
        for seed in 0..10 {
            let d = 1 + seed as usize;
            let (a, b) = (normal(30, d, 0.2, seed), normal(40, d, 0.0, seed + 100));
            let distance = mmd(&a, &b).unwrap();
            near(mmd(&b, &a).unwrap(), distance, 1e-12);
            near(mmd(&rotated(&a, seed), &rotated(&b, seed)).unwrap(), distance, 1e-11);
            near(mmd(&reversed(&a), &b).unwrap(), distance, 1e-12);
        }
    }

    #[test]
    fn a_seed_gives_one_result_on_any_number_of_threads() {
        let (a, b) = (normal(700, 6, 0.0, 1), normal(600, 6, 0.1, 2));
        let run = || (kid(&a, &b, FEW, 1).unwrap(), mmd(&a, &b).unwrap());
        let one = crate::metric::testing::on_threads(1, run);
        assert_eq!(crate::metric::testing::on_threads(3, run), one);
        assert_ne!(kid(&a, &b, FEW, 2).unwrap(), one.0);
        let again: Kid = serde_json::from_str(&serde_json::to_string(&one.0).unwrap()).unwrap();
        assert_eq!(again, one.0);
    }

    #[test]
    fn bad_arguments() {
        let (a, b) = (normal(5, 2, 0.0, 1), normal(4, 2, 0.0, 2));
        for (count, size) in [(1, 2), (0, 2), (2, 1), (2, 5)] {
            assert!(kid(&a, &b, Subsets { count, size }, 1).is_err(), "{count} {size}");
        }
        assert!(kid(&a, &b, Subsets { count: 2, size: 4 }, 1).is_ok());
        assert!(mmd(&a, &normal(5, 3, 0.0, 1)).is_err());
        assert!(mmd(&a, &normal(1, 2, 0.0, 1)).is_err());
        assert!(mmd(&a, &map(&b, |x| x.iter().map(|x| x * 1e150).collect())).is_err());
        // constant features
        let constant = map(&a, |_| vec![2.0, 2.0]);
        assert_eq!(mmd(&constant, &constant).unwrap(), 0.0);
    }
}
