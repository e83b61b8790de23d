//! Arithmetic shared by floats, dual numbers and whole tensors.

mod dual;
mod lanes;
mod num;
mod real;
mod row;
mod scalar;
mod tolerance;

pub use dual::Dual;
pub(crate) use dual::sum;
pub use lanes::{LaneMask, Lanes};
pub use num::{Condition, Num, Operand};
pub(crate) use num::{unwrapped, wrapped};
pub use real::Real;
pub(crate) use row::matrix;
pub use row::{Matrix, Row};
pub use scalar::Scalar;
pub use tolerance::{Norm, Tolerance};

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number or a state: plain values, to which derivative information may be attached.
pub trait Value: Clone + 'static {
    /// The same value as a constant: tangents ([`Dual`]) and gradients (`Var`) are cut off.
    ///
    /// This is the `stop_gradient` of the machine-learning literature.
    #[must_use]
    fn frozen(&self) -> Self;
    /// The plain values as `f64`, sample by sample, coordinate by coordinate. For reports and messages.
    fn values(&self) -> Vec<f64>;
}

/// The truth values of an elementwise comparison.
pub trait Mask: Clone {
    /// Elementwise conjunction.
    #[must_use]
    fn and(&self, other: &Self) -> Self;
    /// Elementwise negation.
    #[must_use]
    fn not(&self) -> Self;
    /// Elementwise disjunction.
    #[must_use]
    fn or(&self, other: &Self) -> Self {
        self.not().and(&other.not()).not()
    }
    /// Whether any element is true.
    fn any(&self) -> bool;
}

impl Mask for bool {
    #[inline(always)]
    fn and(&self, other: &Self) -> Self {
        *self && *other
    }
    #[inline(always)]
    fn or(&self, other: &Self) -> Self {
        *self || *other
    }
    #[inline(always)]
    fn not(&self) -> Self {
        !*self
    }
    #[inline(always)]
    fn any(&self) -> bool {
        *self
    }
}

/// Elementwise arithmetic: `f32`, `f64`, [`Dual`] numbers, whole tensors.
///
/// Code written once over `N: Number` runs on all of them. Constants are given as `f64` and rounded to [`Number::Real`].
///
/// Write formulas over [`Num<N>`](Num), whose operators take numbers, references to them and `f64` on both sides; a trait
/// cannot promise operators on references to its implementors, but a newtype can. The operators of `N` itself take the
/// right-hand side by value or by reference; clone the left one where you need it again (free for floats, a reference count for
/// tensors).
///
/// ```
/// use flowmap::{Dual, Num, Number};
/// fn logistic<N: Number>(x: &N) -> N {
///     let x = Num(x.clone());
///     (1.0 / (1.0 + (-x).exp())).0
/// }
/// assert_eq!(logistic(&0.0), 0.5);
/// assert_eq!(logistic(&Dual::new(0.0, 1.0)).tangent(), &0.25); // its derivative
/// ```
pub trait Number:
    Value
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + for<'a> Add<&'a Self, Output = Self>
    + for<'a> Sub<&'a Self, Output = Self>
    + for<'a> Mul<&'a Self, Output = Self>
    + for<'a> Div<&'a Self, Output = Self>
{
    /// The floating-point type underneath: `f32` or `f64`.
    type Real: Real;
    /// The result of a comparison.
    type Mask: Mask;

    /// `c` in the form of `self` (same shape, same device, no derivative).
    #[must_use]
    fn constant(&self, c: f64) -> Self;
    /// The same values in the shape of `other`: expands a scalar tensor to a larger one. Other numbers stay unchanged.
    #[must_use]
    fn in_form_of(self, _other: &Self) -> Self {
        self
    }
    /// `c x`.
    #[must_use]
    fn scale(&self, c: f64) -> Self;
    /// `x + c`.
    #[must_use]
    fn shift(&self, c: f64) -> Self;
    /// `c x + onto`: as one operation, with one rounding, where that is fast.
    #[must_use]
    #[inline(always)]
    fn scale_onto(&self, c: f64, onto: Self) -> Self {
        onto + self.scale(c)
    }
    /// `1 / x`.
    #[must_use]
    fn recip(&self) -> Self {
        self.constant(1.0) / self
    }
    /// `x^n`.
    #[must_use]
    fn powi(&self, n: i32) -> Self;
    /// `e^x`.
    #[must_use]
    fn exp(&self) -> Self;
    /// `e^x - 1`, accurate near 0.
    #[must_use]
    fn exp_m1(&self) -> Self;
    /// The natural logarithm.
    #[must_use]
    fn ln(&self) -> Self;
    /// The square root.
    #[must_use]
    fn sqrt(&self) -> Self;
    /// The sine.
    #[must_use]
    fn sin(&self) -> Self;
    /// The cosine.
    #[must_use]
    fn cos(&self) -> Self;
    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(&self) -> Self;
    /// The absolute value; its derivative at 0 is taken as 0.
    #[must_use]
    fn abs(&self) -> Self;
    /// The inverse tangent, in `(-π/2, π/2)`.
    #[must_use]
    fn atan(&self) -> Self;
    /// The error function `2/√π ∫_0^x e^(-z²) dz`.
    #[must_use]
    fn erf(&self) -> Self;
    /// The largest integer that is not above `x`; its derivative is taken as 0.
    #[must_use]
    fn floor(&self) -> Self;

    /// `x^c` for a positive number.
    #[must_use]
    fn powf(&self, c: f64) -> Self {
        self.ln().scale(c).exp()
    }
    /// `x^c` for a positive number.
    #[must_use]
    fn pow(&self, c: &Self) -> Self {
        (self.ln() * c).exp()
    }
    /// `ln(1 + x)`, accurate near 0.
    #[must_use]
    fn ln_1p(&self) -> Self {
        // corrects the logarithm by the rounding error of 1 + x, which is known
        let sum = self.shift(1.0);
        let lost = self.clone() - sum.shift(-1.0);
        sum.ln() + lost / sum
    }
    /// The hyperbolic sine, accurate near 0.
    #[must_use]
    fn sinh(&self) -> Self {
        // for |x|, since for a negative number 1 + grown would cancel
        let grown = self.abs().exp_m1();
        let size = (grown.clone() + grown.clone() / grown.shift(1.0)).scale(0.5);
        Self::select(&self.less(&self.constant(0.0)), &-size.clone(), &size)
    }
    /// The hyperbolic cosine.
    #[must_use]
    fn cosh(&self) -> Self {
        let grown = self.exp();
        (grown.recip() + grown).scale(0.5)
    }
    /// The tangent.
    #[must_use]
    fn tan(&self) -> Self {
        self.sin() / self.cos()
    }
    /// The angle of the point `(x, self)`, in `(-π, π]`; NaN at the origin.
    #[must_use]
    fn atan2(&self, x: &Self) -> Self {
        let zero = x.constant(0.0);
        let radius = (self.clone() * self + x.clone() * x).sqrt();
        // half the angle, by the quotient whose denominator does not cancel
        let right = (self.clone() / (radius.clone() + x)).atan();
        let left = ((radius - x) / self.clone()).atan();
        let half = Self::select(&x.less(&zero), &left, &right);
        // on the negative axis both vanish
        let turn = x.constant(std::f64::consts::PI);
        let behind = x.less(&zero).and(&self.less(&zero).not()).and(&zero.less(self).not());
        Self::select(&behind, &turn, &half.scale(2.0))
    }

    /// The mask of `self < other`; derivatives are ignored.
    fn less(&self, other: &Self) -> Self::Mask;
    /// `a` where the mask is true, `b` elsewhere; a NaN in the branch that is not chosen does not spread.
    #[must_use]
    fn select(mask: &Self::Mask, a: &Self, b: &Self) -> Self;

    /// The size of the `error` of a step between two points of such numbers, in units of what `tolerance` allows:
    /// [`State::error_norm`](crate::State::error_norm) for points. For [duals](Dual), the largest size of values and tangents.
    #[inline(always)]
    fn error_norm<R: Row<Item = Self>>(error: &R, from: &R, to: &R, tolerance: &Tolerance) -> Self {
        tolerance.norm(error.items(), from.items(), to.items())
    }

    /// The larger of the two.
    #[must_use]
    #[inline(always)]
    fn max(&self, other: &Self) -> Self {
        Self::select(&self.less(other), other, self)
    }
    /// The smaller of the two.
    #[must_use]
    #[inline(always)]
    fn min(&self, other: &Self) -> Self {
        Self::select(&self.less(other), self, other)
    }
}

/// The larger of two sizes; NaN if one of them is NaN.
#[inline(always)]
pub(crate) fn larger<N: Number>(a: &N, b: &N) -> N {
    // comparisons must not drop NaN: it stays in `a`, and is added from `b`
    N::select(&b.less(a), a, &(b.clone() + a.scale(0.0)))
}

/// Where a number is finite.
#[inline(always)]
pub(crate) fn is_finite<N: Number>(x: &N) -> N::Mask {
    // NaN is not less than anything
    (x.clone() - x).less(&x.constant(1.0))
}
