//! Standardization: shift and scale of each coordinate.

use serde::{Deserialize, Serialize};

use super::Points;
use crate::{Error, Result};

/// An affine map of each coordinate: `z_j = (x_j - m_j) / s_j`, and back `x_j = m_j + s_j z_j`.
///
/// Networks learn best from coordinates of mean 0 and standard deviation 1; [`invert`](Standardization::invert) takes samples
/// back. It can be stored with the model (serde), and is checked when read.
///
/// ```
/// use flowmap::data::{Points, Standardization};
/// let points = Points::new(vec![1.0, 7.0, 3.0, 7.0], 2)?;
/// let scale = Standardization::fit(&points);
/// let z = scale.standardized(points.clone());
/// assert_eq!(z.as_slice(), [-1.0, 0.0, 1.0, 0.0]); // a constant column is only shifted
/// let mut x = z.as_slice().to_vec();
/// scale.invert(&mut x);
/// assert_eq!(x, points.as_slice());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Standardization {
    mean: Vec<f64>,
    std: Vec<f64>,
}

/// As read from a file, before the checks.
#[derive(Deserialize)]
struct Unchecked {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl TryFrom<Unchecked> for Standardization {
    type Error = Error;
    fn try_from(Unchecked { mean, std }: Unchecked) -> Result<Self> {
        Self::new(mean, std)
    }
}

impl Standardization {
    /// With shift `mean` and scale `std`, both of shape `[d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the two have different lengths; [`Error::Invalid`] if they are empty, a number is not finite, or a
    /// scale is not positive.
    pub fn new(mean: Vec<f64>, std: Vec<f64>) -> Result<Self> {
        if mean.len() != std.len() {
            let (expected, found) = (vec![mean.len()], vec![std.len()]);
            return Err(Error::Shape { what: "scale of a standardization".into(), expected, found });
        }
        if mean.is_empty() {
            return Err(Error::invalid("standardization", "it has no coordinates; give at least one"));
        }
        let usable = |(m, s): (&f64, &f64)| m.is_finite() && s.is_normal() && *s > 0.0;
        if let Some(i) = mean.iter().zip(&std).position(|pair| !usable(pair)) {
            let reason =
                format!("coordinate {i} has shift {} and scale {}; give finite numbers, the scale above 0", mean[i], std[i]);
            return Err(Error::invalid("standardization", reason));
        }
        Ok(Self { mean, std })
    }

    /// Mean and standard deviation (the root of the mean square deviation) of each column; the scale of a constant column is 1.
    #[must_use]
    pub fn fit(points: &Points) -> Self {
        let (n, d) = (points.len() as f64, points.dimension());
        // divide before adding, so that huge numbers do not overflow the sum
        let mut mean = vec![0.0; d];
        for row in points {
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / n);
        }
        let mut size = vec![0.0_f64; d];
        for row in points {
            size.iter_mut().zip(row).zip(&mean).for_each(|((s, x), m)| *s = s.max((x - m).abs()));
        }
        let mut std = vec![0.0; d];
        for row in points {
            for (((v, x), m), s) in std.iter_mut().zip(row).zip(&mean).zip(&size) {
                let deviation = if *s > 0.0 { (x - m) / s } else { 0.0 };
                *v += deviation * deviation / n;
            }
        }
        for ((v, m), s) in std.iter_mut().zip(&mean).zip(&size) {
            *v = v.sqrt() * s;
            // in a constant column, this is the rounding error of the mean
            let constant = *v <= 1e-12 * m.abs() || !v.is_normal();
            if constant {
                *v = 1.0;
            }
        }
        Self { mean, std }
    }

    /// Maps the interval `from` to the interval `to` in every one of `dimension` coordinates.
    ///
    /// ```
    /// use flowmap::data::Standardization;
    /// let pixels = Standardization::interval(64, [0.0, 16.0], [-1.0, 1.0])?;
    /// let mut image = [4.0; 64];
    /// pixels.apply(&mut image);
    /// assert_eq!(image[0], -0.5);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if `dimension` is 0, an end is not finite, or an interval does not increase.
    pub fn interval(dimension: usize, from: [f64; 2], to: [f64; 2]) -> Result<Self> {
        for [low, high] in [from, to] {
            if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) {
                let reason = format!("[{low}, {high}] does not increase; give its lower end first");
                return Err(Error::invalid("interval of a standardization", reason));
            }
        }
        let std = (from[1] - from[0]) / (to[1] - to[0]);
        let mean = from[0] - to[0] * std;
        Self::new(vec![mean; dimension], vec![std; dimension])
    }

    /// The number of coordinates.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// The shift of each coordinate.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The scale of each coordinate.
    #[must_use]
    pub fn std(&self) -> &[f64] {
        &self.std
    }

    /// `z = (x - m) / s`, in place, for each row of `rows` (shape `[n, d]`, row by row).
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`dimension`](Standardization::dimension).
    pub fn apply(&self, rows: &mut [f64]) {
        self.each(rows, |x, m, s| (x - m) / s);
    }

    /// `x = m + s z`, in place, for each row of `rows` (shape `[n, d]`, row by row).
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`dimension`](Standardization::dimension).
    pub fn invert(&self, rows: &mut [f64]) {
        self.each(rows, |z, m, s| m + s * z);
    }

    /// The points, standardized.
    ///
    /// # Panics
    /// If their dimension differs.
    #[must_use]
    pub fn standardized(&self, mut points: Points) -> Points {
        assert_eq!(points.dimension(), self.dimension(), "dimension of the points and of the standardization");
        self.apply(points.as_mut_slice());
        points
    }

    fn each(&self, rows: &mut [f64], map: impl Fn(f64, f64, f64) -> f64) {
        let d = self.dimension();
        assert!(rows.len().is_multiple_of(d), "{} numbers are not rows of {d}", rows.len());
        for row in rows.chunks_exact_mut(d) {
            for ((x, m), s) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = map(*x, *m, *s);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::{Normal, tests::draws};

    #[test]
    fn fitted_columns_have_mean_0_and_std_1() {
        let distribution = Normal::with_factor(vec![5.0, -1e6], &[2.0, 0.0, 10.0, 1e-3]).unwrap();
        let points = Points::new(draws(&distribution, 1000), 2).unwrap();
        let again = Standardization::fit(&Standardization::fit(&points).standardized(points));
        for (m, s) in again.mean().iter().zip(again.std()) {
            assert!(m.abs() < 1e-9 && (s - 1.0).abs() < 1e-9, "{m} {s}");
        }
    }

    #[test]
    fn constant_and_extreme_columns() {
        let points = Points::new([0.1, 1e300, 1e-300, 0.1, -1e300, 3e-300].repeat(3), 3).unwrap();
        let fit = Standardization::fit(&points);
        assert_eq!(fit.std()[0], 1.0);
        assert!((fit.std()[1] / 1e300 - 1.0).abs() < 1e-12);
        assert!((fit.std()[2] / 1e-300 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn json_keeps_every_bit_and_is_checked() {
        let points = Points::new(draws(&Normal::standard(3).unwrap(), 7), 3).unwrap();
        let fit = Standardization::fit(&points);
        let text = serde_json::to_string(&fit).unwrap();
        assert_eq!(serde_json::from_str::<Standardization>(&text).unwrap(), fit);
        let error = serde_json::from_str::<Standardization>(r#"{"mean":[1.0],"std":[0.0]}"#).unwrap_err().to_string();
        assert!(error.contains("coordinate 0 has shift 1 and scale 0"), "{error}");
        assert!(serde_json::from_str::<Standardization>(r#"{"mean":[1.0],"std":[]}"#).is_err());
    }

    #[test]
    fn bad_intervals() {
        assert!(Standardization::interval(0, [0.0, 1.0], [0.0, 1.0]).is_err());
        assert!(Standardization::interval(1, [1.0, 1.0], [0.0, 1.0]).is_err());
        assert!(Standardization::interval(1, [0.0, f64::INFINITY], [0.0, 1.0]).is_err());
        assert!(Standardization::interval(1, [0.0, f64::NAN], [0.0, 1.0]).is_err());
    }
}
