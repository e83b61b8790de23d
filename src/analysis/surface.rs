//! Surfaces of Poincaré sections.

use crate::{
    Error, Result,
    state::{Coordinates, State},
};

/// A surface `g(x) = 0`, given by its function `g`, continuous near it: a [`Hyperplane`], or a closure.
///
/// A closure `|x: &[f64; D]| …` accepts one type of state. For the [derivative](super::Section::carried) of a section's map,
/// `g` must be differentiable and also run on duals, as a type of your own does:
///
/// ```
/// use flowmap::{Coordinates, Number, analysis::Surface};
/// struct Sphere;
/// impl<X: Coordinates<3>> Surface<X> for Sphere {
///     fn value(&self, x: &X) -> X::Time { x.dot(x).shift(-1.0) }
/// }
/// assert_eq!(Sphere.value(&[2.0, 0.0, 0.0]), 3.0);
/// ```
pub trait Surface<X: State> {
    /// `g(x)`.
    fn value(&self, x: &X) -> X::Time;
}

impl<X: State, F: Fn(&X) -> X::Time> Surface<X> for F {
    fn value(&self, x: &X) -> X::Time {
        self(x)
    }
}

/// The plane `n · x = c` in any number of dimensions, for states of any kind.
///
/// ```
/// use flowmap::analysis::{Hyperplane, Surface};
/// let height = Hyperplane::new([0.0, 0.0, 1.0], 27.0)?; // z = 27
/// assert_eq!(height.value(&[5.0, 5.0, 30.0]), 3.0);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyperplane<const D: usize> {
    normal: [f64; D],
    offset: f64,
}

impl<const D: usize> Hyperplane<D> {
    /// The plane with the normal `n`, of any length, and the offset `c`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite and `n` is not zero.
    pub fn new(normal: [f64; D], offset: f64) -> Result<Self> {
        if normal.iter().chain([&offset]).all(|c| c.is_finite()) && normal.iter().any(|c| *c != 0.0) {
            return Ok(Self { normal, offset });
        }
        Err(Error::invalid(
            "plane",
            format!("{normal:?} · x = {offset} is not a plane; give finite numbers, and a normal that is not 0"),
        ))
    }
}

impl<X: Coordinates<D>, const D: usize> Surface<X> for Hyperplane<D> {
    fn value(&self, x: &X) -> X::Time {
        use crate::Number;
        let coordinates = x.split();
        let start = coordinates[0].constant(-self.offset);
        coordinates.iter().zip(self.normal).fold(start, |sum, (c, n)| sum + c.scale(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_planes_are_refused() {
        assert!(Hyperplane::new([0.0, 0.0], 1.0).is_err() && Hyperplane::new([], 1.0).is_err());
        assert!(Hyperplane::new([f64::NAN, 1.0], 1.0).is_err() && Hyperplane::new([1.0], f64::INFINITY).is_err());
    }
}
