//! Coordinates scaled to size 1.

use super::Diffeomorphism;
use crate::{Error, Num, Number, Result};

/// The change of units `Φ(x) = (x - c) / w`, coordinate by coordinate: networks work best on inputs of size 1.
///
/// ```
/// use flowmap::{Conjugation, FlowMap, Scaling, VelocityField, exact::Rotation};
/// let units = Scaling::of_box([[-2.0, 2.0], [0.0, 8.0]])?;
/// // the field where the box is [-1, 1]², and a flow map there brought back
/// let field = Conjugation { of: Rotation::new(1.0)?, by: units.reversed() };
/// let map = Conjugation { of: &field, by: units };
/// assert_eq!(field.velocity(&0.0, &[0.0, 0.0]), [-2.0, 0.0]); // that of (0, 4), (-4, 0), over (2, 4)
/// let x = [1.0_f64, 2.0];
/// let (a, b) = (map.flow(&0.0, &1.0, &x), Rotation::new(1.0)?.flow(&0.0, &1.0, &x));
/// assert!((a[0] - b[0]).abs() < 1e-15 && (a[1] - b[1]).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling<const D: usize> {
    centre: [f64; D],
    size: [f64; D],
}

impl<const D: usize> Scaling<D> {
    /// With the centre `c` and the sizes `w`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a number is not finite, or a size not positive.
    pub fn new(centre: [f64; D], size: [f64; D]) -> Result<Self> {
        for (k, (c, w)) in centre.iter().zip(&size).enumerate() {
            if !(c.is_finite() && *w > 0.0 && w.is_finite()) {
                let reason =
                    format!("coordinate {k} has the centre {c} and the size {w}; give finite numbers, and sizes above 0");
                return Err(Error::invalid("scaling", reason));
            }
        }
        Ok(Self { centre, size })
    }

    /// Maps a box to `[-1, 1]^D`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a side is not finite, or has length 0.
    pub fn of_box(sides: [[f64; 2]; D]) -> Result<Self> {
        Self::new(sides.map(|[low, high]| (low + high) / 2.0), sides.map(|[low, high]| (high - low) / 2.0))
    }

    /// `Φ⁻¹`.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut reversed = *self;
        for (c, w) in reversed.centre.iter_mut().zip(&mut reversed.size) {
            (*c, *w) = (-*c / *w, 1.0 / *w);
        }
        reversed
    }
}

impl<const D: usize> Diffeomorphism<D> for Scaling<D> {
    fn forward<N: Number>(&self, x: &[Num<N>; D]) -> [Num<N>; D] {
        std::array::from_fn(|k| (&x[k] - self.centre[k]) / self.size[k])
    }
    fn inverse<N: Number>(&self, y: &[Num<N>; D]) -> [Num<N>; D] {
        std::array::from_fn(|k| self.centre[k] + self.size[k] * &y[k])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_scaling_is_refused() {
        for (centre, size) in [([f64::NAN], [1.0]), ([0.0], [0.0]), ([0.0], [f64::INFINITY]), ([0.0], [-1.0])] {
            assert!(Scaling::new(centre, size).is_err());
        }
        assert!(Scaling::of_box([[1.0, 1.0]]).is_err());
    }

    #[test]
    fn the_reverse_is_the_inverse() {
        let units = Scaling::new([3.0, -1.0], [2.0, 0.25]).unwrap();
        let x = [0.7, 4.0].map(Num);
        let (a, b) = (units.inverse(&x), units.reversed().forward(&x));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).0.abs() < 1e-14));
    }
}
