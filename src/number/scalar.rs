//! Single numbers, on which a program may branch.

use super::{Dual, Number, Real};

/// One number and no batch of them: a float, or a [`Dual`] of a scalar, to any depth.
///
/// What depends on comparisons of values, such as the search for [events](crate::solver::Event), is done by
/// [`primal`](Self::primal) values; what has been found gets its tangents afterwards.
///
/// ```
/// use flowmap::{Dual, Scalar};
/// let x = Dual::new(Dual::new(2.0, 1.0), Dual::constant(3.0));
/// assert_eq!(x.primal(), 2.0);
/// assert_eq!(x.nudged(1.0).slope(), 4.0);
/// ```
pub trait Scalar: Number<Mask = bool> {
    /// How many tangents are nested.
    const DEPTH: u32;
    /// How many floats make the number: twice as many with each tangent.
    const FLOATS: usize = 1 << Self::DEPTH;

    /// The value, without tangents.
    fn primal(&self) -> f64;
    /// The same value, its outermost tangent larger by so much; a float as it is.
    #[must_use]
    fn nudged(&self, by: f64) -> Self;
    /// The value of the outermost tangent; 0 of a float.
    fn slope(&self) -> f64;
    /// The same value with tangents that are NaN: those of what has no derivative. A float as it is.
    #[must_use]
    fn without_derivative(&self) -> Self;
    /// Writes the number as [`FLOATS`](Self::FLOATS) floats, value first: for libraries that know `f64` alone.
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
    /// The number that these floats make.
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
                let [float] = floats else { panic!("one float, not {}", floats.len()) };
                *float = self.into_f64();
            }
            #[inline(always)]
            fn read(floats: &[f64]) -> Self {
                let &[float] = floats else { panic!("one float, not {}", floats.len()) };
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
