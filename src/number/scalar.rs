//! Scalars: single numbers, on which a program may branch.

use super::{Dual, Number, Real};

/// A single number, not a batch: a float, or a [`Dual`] of a scalar, to any depth.
///
/// Code that depends on comparisons, such as the search for [events](crate::solver::Event), uses the [`primal`](Self::primal)
/// values, and adds tangents to its result afterwards.
///
/// ```
/// use flowmap::{Dual, Scalar};
/// let x = Dual::new(Dual::new(2.0, 1.0), Dual::constant(3.0));
/// assert_eq!(x.primal(), 2.0);
/// assert_eq!(x.nudged(1.0).slope(), 4.0);
/// ```
pub trait Scalar: Number<Mask = bool> {
    /// The number of nested tangents.
    const DEPTH: u32;
    /// The number of floats in the number: doubled by each tangent.
    const FLOATS: usize = 1 << Self::DEPTH;

    /// The value, without tangents.
    fn primal(&self) -> f64;
    /// The same value with `by` added to its outermost tangent; a float stays unchanged.
    #[must_use]
    fn nudged(&self, by: f64) -> Self;
    /// The value of the outermost tangent; 0 for a float.
    fn slope(&self) -> f64;
    /// The same value with NaN tangents, for a result without a derivative; a float stays unchanged.
    #[must_use]
    fn without_derivative(&self) -> Self;
    /// Writes the number as [`FLOATS`](Self::FLOATS) floats, value first, for libraries that only know `f64`.
    ///
    /// ```
    /// use flowmap::{Dual, Scalar};
    /// let mut floats = [0.0; 2];
    /// Dual::new(1.5, -2.0).write(&mut floats);
    /// assert_eq!(floats, [1.5, -2.0]);
    /// assert_eq!(Dual::<f64>::read(&floats), Dual::new(1.5, -2.0));
    /// ```
    ///
    /// # Panics
    /// If the slice has another length.
    fn write(&self, floats: &mut [f64]);
    /// Reads the number from these floats.
    ///
    /// # Panics
    /// If the slice has another length.
    #[must_use]
    fn read(floats: &[f64]) -> Self;
}

macro_rules! scalar {
    ($($float:ident)*) => {$(
        impl Scalar for $float {
            const DEPTH: u32 = 0;
            #[inline(always)]
            fn primal(&self) -> f64 {
                self.into_f64()
            }
            #[inline(always)]
            fn nudged(&self, _by: f64) -> Self {
                *self
            }
            #[inline(always)]
            fn slope(&self) -> f64 {
                0.0
            }
            #[inline(always)]
            fn without_derivative(&self) -> Self {
                *self
            }
            #[inline(always)]
            fn write(&self, floats: &mut [f64]) {
                let [float] = floats else { panic!("expected one float, found {}", floats.len()) };
                *float = self.into_f64();
            }
            #[inline(always)]
            fn read(floats: &[f64]) -> Self {
                let &[float] = floats else { panic!("expected one float, found {}", floats.len()) };
                Self::from_f64(float)
            }
        }
    )*};
}
scalar!(f32 f64);

impl<N: Scalar> Scalar for Dual<N> {
    const DEPTH: u32 = N::DEPTH + 1;

    fn primal(&self) -> f64 {
        self.value().primal()
    }
    fn nudged(&self, by: f64) -> Self {
        let tangent = self.moving().map_or_else(|| self.value().constant(by), |slope| slope.shift(by));
        Self::new(self.value().clone(), tangent)
    }
    fn slope(&self) -> f64 {
        self.moving().map_or(0.0, Scalar::primal)
    }
    fn without_derivative(&self) -> Self {
        Self::new(self.value().without_derivative(), self.value().constant(f64::NAN).without_derivative())
    }
    fn write(&self, floats: &mut [f64]) {
        let (value, tangent) = floats.split_at_mut(N::FLOATS);
        self.value().write(value);
        match self.moving() {
            Some(moving) => moving.write(tangent),
            None => tangent.fill(0.0),
        }
    }
    fn read(floats: &[f64]) -> Self {
        let (value, tangent) = floats.split_at(N::FLOATS);
        Self::new(N::read(value), N::read(tangent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nudge_is_seen_by_its_slope_at_every_depth() {
        let square = |x: Dual<Dual<f64>>| x.clone() * x;
        let x = Dual::new(Dual::new(3.0, 1.0), Dual::new(0.5, 0.25));
        assert_eq!((x.primal(), 3.0_f32.primal(), Dual::<Dual<f64>>::DEPTH), (3.0, 3.0, 2));
        assert_eq!(square(x.nudged(2.0)).slope() - square(x.clone()).slope(), 12.0);
        assert_eq!(3.0_f64.nudged(1.0), 3.0);
        let mut floats = [0.0; 4];
        x.write(&mut floats);
        assert_eq!((floats, Dual::<Dual<f64>>::read(&floats)), ([3.0, 1.0, 0.5, 0.25], x.clone()));
        let lost = x.without_derivative();
        let parts = [lost.value().tangent(), lost.tangent().value(), lost.tangent().tangent()];
        assert!(lost.primal() == 3.0 && parts.iter().all(|part| part.is_nan()), "{lost:?}");
    }
}
