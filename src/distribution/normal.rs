//! The normal distribution.

use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::{Distribution, check_length};
use crate::random::checksum;
use crate::{Error, Layout, Number, Result};

/// The normal distribution `N(m, L Lᵀ)`: draws `m + L z` with independent standard normal `z`.
///
/// - `m`: shape `[d]`
/// - `L`: the number `σ` (times the unit matrix), or a lower triangular factor of the covariance, shape `[d, d]`
///
/// ```
/// use flowmap::{distribution::{Distribution, Normal}, random::stream};
/// let distribution = Normal::with_factor(vec![1.0, 2.0], &[2.0, 0.0, 1.0, 0.5])?; // covariance [[4, 2], [2, 1.25]]
/// let mut x = [0.0; 2];
/// distribution.draw(&mut stream(1, 0), &mut x);
/// assert_eq!(distribution.dimension(), 2);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    mean: Vec<f64>,
    factor: Factor,
}

#[derive(Clone, Debug, PartialEq)]
enum Factor {
    Scale(f64),
    /// The rows of the lower triangle, one after another: 1, 2, …, d numbers.
    Lower(Vec<f64>),
}

impl Normal {
    /// `N(0, I)` in `dimension` coordinates.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `dimension` is 0, or larger than 2^28: one draw would then take 2 GiB.
    pub fn standard(dimension: usize) -> Result<Self> {
        const LARGEST: usize = 1 << 28;
        if dimension > LARGEST {
            return Err(Error::invalid("mean", format!("{dimension} coordinates are more than {LARGEST}")));
        }
        Self::new(vec![0.0; dimension], 1.0)
    }

    /// `N(mean, std² I)`.
    ///
    /// ```
    /// use flowmap::distribution::{Checkerboard, Normal};
    /// let noise = Normal::new(vec![0.0; 2], Checkerboard::STD)?; // as wide as the data
    /// assert!(Normal::new(vec![0.0; 2], -1.0).is_err());
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if `mean` is empty or not finite, or `std` is negative or not finite, or draws could overflow.
    pub fn new(mean: Vec<f64>, std: f64) -> Result<Self> {
        check_mean(&mean)?;
        if !(std.is_finite() && std >= 0.0) {
            return Err(Error::invalid("standard deviation", format!("{std} is not a finite number of at least 0")));
        }
        mean.iter().try_for_each(|m| check_range(m.abs(), std))?;
        Ok(Self { mean, factor: Factor::Scale(std) })
    }

    /// `N(mean, L Lᵀ)` from the lower triangular `L`, shape `[d, d]`, row by row; numbers above the diagonal must be 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `mean` is empty, a number is not finite, draws could overflow, or `L` is not lower triangular;
    /// [`Error::Shape`] if `L` does not have `d` rows of `d` numbers.
    pub fn with_factor(mean: Vec<f64>, factor: &[f64]) -> Result<Self> {
        check_mean(&mean)?;
        let d = mean.len();
        if Some(factor.len()) != d.checked_mul(d) {
            let found = vec![factor.len()];
            return Err(Error::Shape { what: "factor of the covariance".into(), expected: vec![d, d], found });
        }
        let mut lower = Vec::with_capacity(d * (d + 1) / 2);
        for (i, row) in factor.chunks_exact(d).enumerate() {
            for (j, &x) in row.iter().enumerate() {
                let place = || format!("row {i}, column {j} is {x}");
                if !x.is_finite() {
                    return Err(Error::invalid("factor of the covariance", format!("{}; give finite numbers", place())));
                }
                if j <= i {
                    lower.push(x);
                } else if x != 0.0 {
                    let reason = format!("{}; give a lower triangular factor, such as that of Cholesky", place());
                    return Err(Error::invalid("factor of the covariance", reason));
                }
            }
            check_range(mean[i].abs(), row.iter().map(|x| x.abs()).sum())?;
        }
        Ok(Self { mean, factor: Factor::Lower(lower) })
    }

    /// `ln ρ(x)`, the logarithm of the density at the coordinates of a point or a batch; NaN if there is no density, because `L`
    /// is singular.
    ///
    /// # Panics
    /// If `x` does not have as many coordinates as the distribution.
    pub(crate) fn ln_density<N: Number>(&self, x: &[N]) -> N {
        let d = self.mean.len();
        assert!(x.len() == d, "a distribution of {d} coordinates cannot take a state of {}", x.len());
        // z = L⁻¹ (x - m), from the first coordinate on
        let (mut z, mut log_volume) = (Vec::<N>::with_capacity(d), 0.0);
        for (i, (x, m)) in x.iter().zip(&self.mean).enumerate() {
            let distance = x.shift(-m);
            let (rest, pivot) = match &self.factor {
                Factor::Scale(std) => (distance, *std),
                Factor::Lower(lower) => {
                    let row = &lower[i * (i + 1) / 2..][..=i];
                    (z.iter().zip(row).fold(distance, |rest, (z, l)| z.scale_onto(-l, rest)), row[i])
                }
            };
            z.push(rest.scale(1.0 / pivot));
            log_volume += pivot.abs().ln();
        }
        let squares = z.into_iter().map(|z| z.clone() * z).reduce(|sum, square| sum + square);
        let squares = squares.expect("a distribution has a coordinate");
        // if a pivot is 0, this is ∞ - ∞
        let nowhere = if log_volume == f64::NEG_INFINITY { f64::NAN } else { 0.0 };
        squares.scale(-0.5).shift(-log_volume - 0.5 * d as f64 * std::f64::consts::TAU.ln() + nowhere)
    }

    /// The mean `m`.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }
}

fn check_mean(mean: &[f64]) -> Result<()> {
    if mean.is_empty() {
        return Err(Error::invalid("mean", "it has no coordinates; give at least one"));
    }
    match mean.iter().position(|m| !m.is_finite()) {
        Some(i) => Err(Error::invalid("mean", format!("coordinate {i} is {}; give finite numbers", mean[i]))),
        None => Ok(()),
    }
}

/// Checks that no draw overflows, with more standard deviations than ever occur.
fn check_range(mean: f64, deviations: f64) -> Result<()> {
    if (mean + 64.0 * deviations).is_finite() {
        return Ok(());
    }
    let reason = format!("{deviations} about a mean of {mean} can overflow; give smaller numbers");
    Err(Error::invalid("standard deviation", reason))
}

impl Distribution for Normal {
    fn layout(&self) -> Layout {
        self.mean.len().into()
    }

    fn fingerprint(&self) -> String {
        let factor = match &self.factor {
            Factor::Scale(std) => std.to_string(),
            Factor::Lower(lower) => format!("factor {:08x}", checksum(lower)),
        };
        format!("normal {} mean {:08x} {factor}", self.mean.len(), checksum(&self.mean))
    }

    fn normal(&self) -> Option<&Normal> {
        Some(self)
    }

    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        check_length(x, self.mean.len());
        for x in x.iter_mut() {
            *x = StandardNormal.sample(rng);
        }
        match &self.factor {
            Factor::Scale(std) => {
                for (x, m) in x.iter_mut().zip(&self.mean) {
                    *x = m + std * *x;
                }
            }
            Factor::Lower(lower) => {
                // from the last row up, since row i needs the z of rows before it
                let mut end = lower.len();
                for i in (0..x.len()).rev() {
                    let row = &lower[end - (i + 1)..end];
                    x[i] = self.mean[i] + row.iter().zip(&x[..=i]).map(|(l, z)| l * z).sum::<f64>();
                    end -= i + 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{draws, kolmogorov_smirnov},
        *,
    };

    /// The normal distribution function, to 7.5e-8 (Abramowitz and Stegun 26.2.17).
    fn cdf(x: f64) -> f64 {
        let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
        let poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        let tail = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * poly;
        if x > 0.0 { 1.0 - tail } else { tail }
    }

    #[test]
    fn value_stability() {
        let expected = [0.43875618940787536, -1.128421964413239, -0.4192663050728368, -0.52634202174159];
        assert_eq!(draws(&Normal::standard(2).unwrap(), 2), expected);
    }

    #[test]
    fn marginals() {
        let rows = draws(&Normal::new(vec![1.0, -2.0], 3.0).unwrap(), 50_000);
        for (axis, mean) in [1.0, -2.0].into_iter().enumerate() {
            let sample = rows.iter().skip(axis).step_by(2).copied().collect();
            assert!(kolmogorov_smirnov(sample, |x| cdf((x - mean) / 3.0)) < 1.95);
        }
    }

    #[test]
    fn covariance_of_a_factor() {
        let distribution = Normal::with_factor(vec![1.0, 2.0, 3.0], &[2.0, 0.0, 0.0, 1.0, 0.5, 0.0, -1.0, 3.0, 1.0]).unwrap();
        let n = 200_000;
        let rows = draws(&distribution, n);
        let expected = [[4.0, 2.0, -2.0], [2.0, 1.25, 0.5], [-2.0, 0.5, 11.0]];
        for i in 0..3 {
            for j in 0..3 {
                let sum: f64 = rows
                    .as_chunks::<3>()
                    .0
                    .iter()
                    .map(|x| (x[i] - distribution.mean()[i]) * (x[j] - distribution.mean()[j]))
                    .sum();
                assert!((sum / n as f64 - expected[i][j]).abs() < 0.1, "({i}, {j}): {}", sum / n as f64);
            }
        }
    }

    #[test]
    fn the_density_is_that_of_the_covariance() {
        let distribution = Normal::with_factor(vec![1.0, 2.0], &[2.0, 0.0, 1.0, -0.5]).unwrap();
        // [[4, 2], [2, 1.25]], whose inverse is [[1.25, -2], [-2, 4]]
        let (a, b) = (0.7, -1.1);
        let square = 1.25 * a * a - 4.0 * a * b + 4.0 * b * b;
        let expected = -0.5 * square - std::f64::consts::TAU.ln();
        assert!((distribution.ln_density(&[1.0 + a, 2.0 + b]) - expected).abs() < 1e-14);
        let round = Normal::new(vec![1.0, 2.0], 3.0).unwrap();
        let expected = -0.5 * (a * a + b * b) / 9.0 - (9.0 * std::f64::consts::TAU).ln();
        assert!((round.ln_density(&[1.0 + a, 2.0 + b]) - expected).abs() < 1e-14);
        assert!(Normal::new(vec![0.0], 0.0).unwrap().ln_density(&[1.0_f64]).is_nan());
        assert!(Normal::with_factor(vec![0.0; 2], &[1.0, 0.0, 1.0, 0.0]).unwrap().ln_density(&[1.0_f64, 0.0]).is_nan());
    }

    #[test]
    fn a_scaled_unit_factor_is_a_standard_deviation() {
        let distribution = Normal::with_factor(vec![1.0, 2.0], &[3.0, 0.0, 0.0, 3.0]).unwrap();
        assert_eq!(draws(&distribution, 5), draws(&Normal::new(vec![1.0, 2.0], 3.0).unwrap(), 5));
    }

    #[test]
    fn bad_arguments() {
        assert!(Normal::standard(0).is_err());
        assert!(Normal::new(vec![f64::NAN], 1.0).unwrap_err().to_string().contains("coordinate 0"));
        assert!(Normal::new(vec![0.0], f64::INFINITY).is_err());
        assert!(matches!(Normal::with_factor(vec![0.0; 2], &[1.0; 3]), Err(Error::Shape { .. })));
        let upper = Normal::with_factor(vec![0.0; 2], &[1.0, 2.0, 0.0, 1.0]).unwrap_err();
        assert!(upper.to_string().contains("row 0, column 1 is 2"), "{upper}");
    }
}
