//! Hardware floats: `f32` and `f64`.

use super::{Number, Value};
use num_traits::{Float, FloatConst};

/// A hardware float: `f32` or `f64`.
///
/// ```
/// use flowmap::Real;
/// fn third<R: Real>() -> R { R::from_f64(1.0 / 3.0) }
/// assert_eq!(third::<f32>(), 1.0_f32 / 3.0);
/// ```
pub trait Real:
    sealed::Sealed
    + Number<Real = Self, Mask = bool>
    + super::Scalar
    + Float
    + FloatConst
    + Copy
    + Send
    + Sync
    + Default
    + std::fmt::Debug
    + std::fmt::Display
    + std::fmt::LowerExp
    + std::iter::Sum
    + std::ops::AddAssign
    + std::ops::SubAssign
    + std::ops::MulAssign
{
    /// `"f32"` or `"f64"`, the name in files.
    const NAME: &'static str;
    /// Rounds to this type.
    fn from_f64(x: f64) -> Self;
    /// Widens to `f64`, exactly.
    fn into_f64(self) -> f64;
}

/// Sealed: kernels and file formats know only `f32` and `f64`.
mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! real {
    ($float:ident, $erf:ident) => {
        impl Real for $float {
            const NAME: &'static str = stringify!($float);
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $float
            }
            #[inline(always)]
            fn into_f64(self) -> f64 {
                self.into()
            }
        }

        impl Value for $float {
            #[inline(always)]
            fn frozen(&self) -> Self {
                *self
            }
            fn values(&self) -> Vec<f64> {
                vec![f64::from(*self)]
            }
        }

        impl Number for $float {
            type Real = $float;
            type Mask = bool;
            #[inline(always)]
            fn constant(&self, c: f64) -> Self {
                c as $float
            }
            #[inline(always)]
            fn scale(&self, c: f64) -> Self {
                self * c as $float
            }
            #[inline(always)]
            fn shift(&self, c: f64) -> Self {
                self + c as $float
            }
            #[inline(always)]
            fn recip(&self) -> Self {
                $float::recip(*self)
            }
            #[inline(always)]
            fn powi(&self, n: i32) -> Self {
                $float::powi(*self, n)
            }
            #[inline(always)]
            fn exp(&self) -> Self {
                $float::exp(*self)
            }
            #[inline(always)]
            fn exp_m1(&self) -> Self {
                $float::exp_m1(*self)
            }
            #[inline(always)]
            fn ln(&self) -> Self {
                $float::ln(*self)
            }
            #[inline(always)]
            fn sqrt(&self) -> Self {
                $float::sqrt(*self)
            }
            #[inline(always)]
            fn sin(&self) -> Self {
                $float::sin(*self)
            }
            #[inline(always)]
            fn cos(&self) -> Self {
                $float::cos(*self)
            }
            #[inline(always)]
            fn tanh(&self) -> Self {
                $float::tanh(*self)
            }
            #[inline(always)]
            fn abs(&self) -> Self {
                $float::abs(*self)
            }
            #[inline(always)]
            fn atan(&self) -> Self {
                $float::atan(*self)
            }
            #[inline(always)]
            fn floor(&self) -> Self {
                $float::floor(*self)
            }
            #[inline(always)]
            fn ln_1p(&self) -> Self {
                $float::ln_1p(*self)
            }
            #[inline(always)]
            fn sinh(&self) -> Self {
                $float::sinh(*self)
            }
            #[inline(always)]
            fn cosh(&self) -> Self {
                $float::cosh(*self)
            }
            #[inline(always)]
            fn tan(&self) -> Self {
                $float::tan(*self)
            }
            #[inline(always)]
            fn erf(&self) -> Self {
                libm::$erf(*self)
            }
            #[inline(always)]
            fn powf(&self, c: f64) -> Self {
                $float::powf(*self, c as $float)
            }
            #[inline(always)]
            fn pow(&self, c: &Self) -> Self {
                $float::powf(*self, *c)
            }
            #[inline(always)]
            fn atan2(&self, x: &Self) -> Self {
                $float::atan2(*self, *x)
            }
            #[inline(always)]
            fn less(&self, other: &Self) -> bool {
                self < other
            }
            #[inline(always)]
            fn select(mask: &bool, a: &Self, b: &Self) -> Self {
                if *mask { *a } else { *b }
            }
        }
    };
}

real!(f32, erff);
real!(f64, erf);
