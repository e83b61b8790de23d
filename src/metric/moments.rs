//! Mean and covariance of a set of rows.

use nalgebra::DMatrix;

use super::of_matrices;
use crate::{Error, Result, data::Points};

/// Mean and unbiased covariance of `n ≥ 2` rows of `d` numbers: `m = Σ x_i / n`, `S = Σ (x_i - m)(x_i - m)ᵀ / (n - 1)`.
///
/// They are computed in blocks of rows, each about its own mean and all from the first row, so that large means cost no digits.
/// Store them (`serde`) to compute them once per data set; process large sets piece by piece and [merge](Moments::merge) the
/// moments.
///
/// ```
/// use flowmap::{data::Points, metric::Moments};
/// let moments = Moments::of(&Points::new(vec![0.0, 1.0, 2.0, 1.0, 4.0, 4.0], 2)?)?;
/// assert_eq!(moments.mean(), [2.0, 2.0]);
/// assert_eq!(moments.covariance(), [4.0, 3.0, 3.0, 3.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: T. F. Chan, G. H. Golub and R. J. LeVeque, Algorithms for computing the sample variance, Am. Stat. 37, 1983.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Stored")]
pub struct Moments {
    count: usize,
    mean: Vec<f64>,
    /// The rows of the lower triangle, one after another: 1, 2, …, d numbers.
    covariance: Vec<f64>,
}

impl Moments {
    /// The moments of these rows. Time grows as `n d²`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are fewer than 2 rows or a covariance overflows.
    pub fn of(rows: &Points) -> Result<Self> {
        const BLOCK: usize = 256;
        let d = rows.dimension();
        let mut sums = Sums { count: 0, origin: rows.row(0), mean: vec![0.0; d], scatter: DMatrix::zeros(d, d) };
        rows.as_slice().chunks(BLOCK * d).for_each(|block| sums.add(block));
        let scale = 1.0 / (sums.count - 1).max(1) as f64;
        let mean = sums.origin.iter().zip(&sums.mean).map(|(origin, mean)| origin + mean).collect();
        Self::checked(sums.count, mean, lower(d, |i, j| sums.scatter[(i, j)] * scale))
    }

    /// The moments of `count` rows, computed elsewhere. `covariance` has the shape `[d, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not fit; [`Error::Invalid`] if there are fewer than 2 rows or no coordinates, a number
    /// is not finite, the covariance is not symmetric (to `1e-6` of its largest entry), or a variance is negative.
    pub fn new(count: usize, mean: Vec<f64>, covariance: &[f64]) -> Result<Self> {
        let d = mean.len();
        if d.checked_mul(d) != Some(covariance.len()) {
            let what = "covariance".into();
            return Err(Error::Shape { what, expected: vec![d, d], found: vec![covariance.len()] });
        }
        let moments = Self::checked(count, mean, lower(d, |i, j| covariance[i * d + j]))?;
        let largest = covariance.iter().fold(0.0, |max: f64, c| max.max(c.abs()));
        for (i, j) in (0..d).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let (below, above) = (covariance[i * d + j], covariance[j * d + i]);
            if !above.is_finite() || (below - above).abs() > 1e-6 * largest {
                let reason =
                    format!("row {i}, column {j} is {below}, but row {j}, column {i} is {above}; give a symmetric matrix");
                return Err(Error::invalid("covariance", reason));
            }
        }
        Ok(moments)
    }

    fn checked(count: usize, mean: Vec<f64>, covariance: Vec<f64>) -> Result<Self> {
        if count < 2 {
            return Err(Error::invalid("rows", format!("{count} have no covariance; give at least 2")));
        }
        if mean.is_empty() {
            return Err(Error::invalid("mean", "it has no coordinates; give at least one"));
        }
        let entries = mean.len() * (mean.len() + 1) / 2;
        if covariance.len() != entries {
            let what = "lower triangle of the covariance".into();
            return Err(Error::Shape { what, expected: vec![entries], found: vec![covariance.len()] });
        }
        if mean.iter().chain(&covariance).any(|x| !x.is_finite()) {
            return Err(Error::invalid(
                "mean and covariance",
                "a number is not finite; check the rows, and scale huge ones down",
            ));
        }
        if let Some(i) = (0..mean.len()).find(|&i| covariance[place(i, i)] < 0.0) {
            let reason = format!("the variance of coordinate {i} is {}; it cannot be negative", covariance[place(i, i)]);
            return Err(Error::invalid("covariance", reason));
        }
        Ok(Self { count, mean, covariance })
    }

    /// The moments of both sets together, up to rounding; they must not share rows.
    ///
    /// ```
    /// use flowmap::{data::Points, metric::Moments};
    /// let of = |x: &[f64]| Moments::of(&Points::new(x.to_vec(), 1)?);
    /// let merged = of(&[1.0, 2.0])?.merge(&of(&[3.0, 4.0, 5.0])?)?;
    /// assert_eq!((merged.count(), merged.mean()), (5, &[3.0][..]));
    /// assert!((merged.covariance()[0] - 2.5).abs() < 1e-15);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the dimensions differ; [`Error::Invalid`] if a covariance overflows.
    pub fn merge(&self, other: &Self) -> Result<Self> {
        self.check_dimension(other)?;
        let count = self.count + other.count;
        let share = other.count as f64 / count as f64;
        let shift: Vec<_> = other.mean.iter().zip(&self.mean).map(|(b, a)| b - a).collect();
        let mean = self.mean.iter().zip(&shift).map(|(a, shift)| a + share * shift).collect();
        let free = (count - 1) as f64;
        let [a, b] = [self.count, other.count].map(|n| (n - 1) as f64 / free);
        let between = self.count as f64 * share / free;
        let covariance = lower(shift.len(), |i, j| {
            let at = place(i, j);
            a * self.covariance[at] + b * other.covariance[at] + between * shift[i] * shift[j]
        });
        Self::checked(count, mean, covariance)
    }

    /// The number `n` of rows, at least 2.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mean, shape `[d]`.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance, row by row: shape `[d, d]`.
    #[must_use]
    pub fn covariance(&self) -> Vec<f64> {
        let d = self.mean.len();
        (0..d * d).map(|k| self.entry(k / d, k % d)).collect()
    }

    pub(super) fn entry(&self, i: usize, j: usize) -> f64 {
        self.covariance[place(i.max(j), i.min(j))]
    }

    pub(super) fn check_dimension(&self, other: &Self) -> Result<()> {
        let (expected, found) = (vec![self.mean.len()], vec![other.mean.len()]);
        if expected != found {
            return Err(Error::Shape { what: "mean of the second set".into(), expected, found });
        }
        Ok(())
    }
}

/// The index of row `i`, column `j ≤ i` in the lower triangle.
fn place(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

fn lower(d: usize, entry: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..d).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).collect()
}

/// Moments as read from a file, before the checks.
#[derive(serde::Deserialize)]
struct Stored {
    count: usize,
    mean: Vec<f64>,
    covariance: Vec<f64>,
}

impl TryFrom<Stored> for Moments {
    type Error = Error;
    fn try_from(stored: Stored) -> Result<Self> {
        Self::checked(stored.count, stored.mean, stored.covariance)
    }
}

/// Mean and sum of `(x - m)(x - m)ᵀ` of the rows so far.
struct Sums<'a> {
    count: usize,
    /// The first row, subtracted from all: a common offset costs no digits, and constant coordinates have variance 0 exactly.
    origin: &'a [f64],
    /// Relative to the origin.
    mean: Vec<f64>,
    scatter: DMatrix<f64>,
}

impl Sums<'_> {
    fn add(&mut self, block: &[f64]) {
        let d = self.mean.len();
        let n = block.len() / d;
        let mut mean = vec![0.0; d];
        for row in block.chunks_exact(d) {
            mean.iter_mut().zip(row.iter().zip(self.origin)).for_each(|(sum, (x, o))| *sum += x - o);
        }
        mean.iter_mut().for_each(|sum| *sum /= n as f64);
        let about = |row: &[f64]| row.iter().zip(self.origin).zip(&mean).map(|((x, o), m)| x - o - m).collect::<Vec<_>>();
        let mut centred: Vec<_> = block.chunks_exact(d).flat_map(about).collect();
        if self.count == 0 {
            self.mean = mean;
        } else {
            // the scatter of two sets is that of each about its own mean, plus that of one weighted row
            let total = (self.count + n) as f64;
            let weight = (self.count as f64 / total * n as f64).sqrt();
            centred.extend(mean.iter().zip(&self.mean).map(|(b, a)| weight * (b - a)));
            let share = n as f64 / total;
            self.mean.iter_mut().zip(&mean).for_each(|(a, b)| *a += share * (b - *a));
        }
        self.count += n;
        self.scatter.gemm(1.0, &of_matrices::columns(&centred, d), &of_matrices::rows(&centred, d), 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::testing::{lattice, map, near, normal, reversed};

    fn close(a: &Moments, b: &Moments, tolerance: f64) {
        assert_eq!(a.count(), b.count());
        a.mean().iter().zip(b.mean()).for_each(|(a, b)| near(*a, *b, tolerance));
        a.covariance().iter().zip(b.covariance()).for_each(|(a, b)| near(*a, b, tolerance));
    }

    /// By the definition, in two passes over all rows.
    fn plain(points: &Points) -> Moments {
        let (n, d) = (points.len(), points.dimension());
        let mean: Vec<f64> = (0..d).map(|j| points.iter().map(|x| x[j]).sum::<f64>() / n as f64).collect();
        let entry = |i: usize, j: usize| points.iter().map(|x| (x[i] - mean[i]) * (x[j] - mean[j])).sum::<f64>() / (n - 1) as f64;
        let covariance: Vec<_> = (0..d * d).map(|k| entry(k / d, k % d)).collect();
        Moments::new(n, mean.clone(), &covariance).unwrap()
    }

    #[test]
    fn blocks_agree_with_the_definition() {
        for (n, d) in [(2, 1), (2, 7), (255, 3), (256, 3), (257, 3), (1000, 7), (600, 40)] {
            let points = lattice(n, d, 3);
            close(&Moments::of(&points).unwrap(), &plain(&points), 1e-13);
            close(&Moments::of(&reversed(&points)).unwrap(), &plain(&points), 1e-13);
        }
    }

    #[test]
    fn large_means_cost_no_digits() {
        // multiples of 2^-10 far from 0: every row is exact
        let points = map(&lattice(1000, 3, 0), |x| x.iter().map(|x| (x * 1024.0).floor() / 1024.0).collect());
        let far = map(&points, |x| x.iter().map(|x| x + 2.0_f64.powi(30)).collect());
        let (near_0, far) = (Moments::of(&points).unwrap(), Moments::of(&far).unwrap());
        near_0.covariance().iter().zip(far.covariance()).for_each(|(a, b)| near(*a, b, 1e-12));
    }

    #[test]
    fn constant_coordinates_have_no_variance() {
        let points = map(&lattice(1000, 2, 0), |x| vec![0.1, x[1]]);
        let moments = Moments::of(&points).unwrap();
        assert_eq!((moments.mean()[0], &moments.covariance()[..2]), (0.1, &[0.0, 0.0][..]));
    }

    #[test]
    fn pieces_merge_to_the_whole() {
        let points = normal(900, 5, 2.0, 1);
        let whole = Moments::of(&points).unwrap();
        for split in [2, 300, 897] {
            let piece = |rows: &[f64]| Moments::of(&Points::new(rows.to_vec(), 5).unwrap()).unwrap();
            let (a, b) = points.as_slice().split_at(5 * split);
            close(&piece(a).merge(&piece(b)).unwrap(), &whole, 1e-13);
            close(&piece(b).merge(&piece(a)).unwrap(), &whole, 1e-13);
        }
    }

    #[test]
    fn stored_moments_come_back_and_are_checked() {
        let moments = Moments::of(&lattice(20, 3, 0)).unwrap();
        let json = serde_json::to_string(&moments).unwrap();
        assert_eq!(serde_json::from_str::<Moments>(&json).unwrap(), moments);
        for bad in [
            r#"{"count":1,"mean":[0.0],"covariance":[1.0]}"#,
            r#"{"count":2,"mean":[],"covariance":[]}"#,
            r#"{"count":2,"mean":[0.0],"covariance":[-1.0]}"#,
            r#"{"count":2,"mean":[0.0],"covariance":[1.0,2.0]}"#,
            r#"{"count":2,"mean":[0.0],"covariance":[null]}"#,
        ] {
            assert!(serde_json::from_str::<Moments>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_arguments() {
        let points = |rows: &[f64]| Points::new(rows.to_vec(), 1).unwrap();
        let error = Moments::of(&points(&[1.0])).unwrap_err().to_string();
        assert!(error.contains("give at least 2"), "{error}");
        assert!(Moments::of(&points(&[1e200, -1e200])).is_err());
        assert!(Moments::new(5, vec![0.0; 2], &[1.0; 3]).is_err());
        assert!(Moments::new(5, vec![0.0; 2], &[1.0, 0.5, 0.4, 1.0]).is_err());
        assert!(Moments::new(5, vec![0.0; 2], &[1.0, f64::NAN, 0.4, 1.0]).is_err());
        assert!(Moments::new(5, vec![0.0; 2], &[1.0, 0.4, f64::NAN, 1.0]).is_err());
        let one = Moments::of(&lattice(5, 1, 0)).unwrap();
        assert!(one.merge(&Moments::of(&lattice(5, 2, 0)).unwrap()).is_err());
    }
}
