//! Numbers for writing formulas.

mod operators;

use super::{Mask, Number, Row, Tolerance, Value};
use std::ops::{BitAnd, BitOr, Not};

/// A [`Number`] for formulas: code over it reads like mathematics.
///
/// Operators take numbers, references to them and `f64`, on both sides. Functions are methods; no trait has to be imported.
/// [`lt`](Self::lt) and [`gt`](Self::gt) compare, and a [`Condition`] selects. Every formula that a user writes, such as the
/// right-hand side of an [`Ode`](crate::Ode), is over `Num<N>`, and runs on floats, [`Dual`](crate::Dual) numbers, SIMD lanes
/// and tensors. The compiler removes the wrapper.
///
/// ```
/// use flowmap::{Dual, Num, Number};
/// fn logistic<N: Number>(x: &Num<N>) -> Num<N> {
///     1.0 / (1.0 + (-x).exp())
/// }
/// assert_eq!(logistic(&Num(0.0)).0, 0.5);
/// assert_eq!(logistic(&Num(Dual::new(0.0, 1.0))).0.tangent(), &0.25); // its derivative
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(transparent)]
pub struct Num<N>(pub N);

/// The result of a comparison: one truth value, or one for each sample of a batch.
///
/// ```
/// use flowmap::{Num, Number};
/// /// 1 between 2 and 3, and 0 elsewhere.
/// fn pulse<N: Number>(t: &Num<N>) -> Num<N> {
///     (t.gt(2.0) & t.lt(3.0)).select(1.0, 0.0)
/// }
/// assert_eq!([1.0, 2.5, 4.0].map(|t| pulse(&Num(t)).0), [0.0, 1.0, 0.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Condition<N: Number> {
    holds: N::Mask,
    /// One of the compared numbers: constants take its shape.
    form: N,
}

/// An operand in a formula: a [`Num`], a reference to one, or `f64`.
pub trait Operand<N> {
    /// The number, in the shape of `like` if it is a constant.
    fn number(self, like: &N) -> N;
    /// `x^c` for a positive number `x`, with this number as `c`.
    fn power_of(self, x: &N) -> N;
}

impl<N: Number> Operand<N> for Num<N> {
    #[inline(always)]
    fn number(self, _like: &N) -> N {
        self.0
    }
    #[inline(always)]
    fn power_of(self, x: &N) -> N {
        x.pow(&self.0)
    }
}

impl<N: Number> Operand<N> for &Num<N> {
    #[inline(always)]
    fn number(self, _like: &N) -> N {
        self.0.clone()
    }
    #[inline(always)]
    fn power_of(self, x: &N) -> N {
        x.pow(&self.0)
    }
}

impl<N: Number> Operand<N> for f64 {
    #[inline(always)]
    fn number(self, like: &N) -> N {
        like.constant(self)
    }
    #[inline(always)]
    fn power_of(self, x: &N) -> N {
        x.powf(self)
    }
}

impl<N: Number> Operand<N> for &f64 {
    #[inline(always)]
    fn number(self, like: &N) -> N {
        like.constant(*self)
    }
    #[inline(always)]
    fn power_of(self, x: &N) -> N {
        x.powf(*self)
    }
}

impl<N: Number> Condition<N> {
    /// `a` where the condition holds, `b` elsewhere; a NaN in the branch that is not chosen does not spread.
    ///
    /// On batches all must have one shape: expand a time shared by all by [`in_form_of`](Number::in_form_of).
    #[must_use]
    #[inline(always)]
    pub fn select(&self, a: impl Operand<N>, b: impl Operand<N>) -> Num<N> {
        Num(N::select(&self.holds, &a.number(&self.form), &b.number(&self.form)))
    }

    /// The mask of where it holds.
    pub fn mask(&self) -> &N::Mask {
        &self.holds
    }
}

impl<N: Number> BitAnd for Condition<N> {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self { holds: self.holds.and(&other.holds), form: self.form }
    }
}

impl<N: Number> BitOr for Condition<N> {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self { holds: self.holds.or(&other.holds), form: self.form }
    }
}

impl<N: Number> Not for Condition<N> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self { holds: self.holds.not(), form: self.form }
    }
}

impl<N: Number> From<&N> for Num<N> {
    #[inline(always)]
    fn from(x: &N) -> Self {
        Self(x.clone())
    }
}

impl<N> Num<N> {
    /// The number inside.
    #[inline(always)]
    pub fn into_inner(self) -> N {
        self.0
    }
}

impl<N: Number> Num<N> {
    /// `c` in the form of this number: same shape, no derivative.
    #[must_use]
    #[inline(always)]
    pub fn constant(&self, c: f64) -> Self {
        Self(self.0.constant(c))
    }

    /// Where it is less than `other`; derivatives are ignored.
    #[inline(always)]
    pub fn lt(&self, other: impl Operand<N>) -> Condition<N> {
        Condition { holds: self.0.less(&other.number(&self.0)), form: self.0.clone() }
    }

    /// Where it is greater than `other`; derivatives are ignored.
    #[inline(always)]
    pub fn gt(&self, other: impl Operand<N>) -> Condition<N> {
        Condition { holds: other.number(&self.0).less(&self.0), form: self.0.clone() }
    }

    /// The larger of the two.
    #[must_use]
    #[inline(always)]
    pub fn max(&self, other: impl Operand<N>) -> Self {
        Self(self.0.max(&other.number(&self.0)))
    }

    /// The smaller of the two.
    #[must_use]
    #[inline(always)]
    pub fn min(&self, other: impl Operand<N>) -> Self {
        Self(self.0.min(&other.number(&self.0)))
    }

    /// The angle of the point `(x, self)`, in `(-π, π]`; NaN at the origin.
    #[must_use]
    #[inline(always)]
    pub fn atan2(&self, x: impl Operand<N>) -> Self {
        Self(self.0.atan2(&x.number(&self.0)))
    }

    /// `x^n`.
    #[must_use]
    #[inline(always)]
    pub fn powi(&self, n: i32) -> Self {
        Self(self.0.powi(n))
    }

    /// `x^c` for a positive number.
    #[must_use]
    #[inline(always)]
    pub fn powf(&self, c: impl Operand<N>) -> Self {
        Self(c.power_of(&self.0))
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident)*) => {
        impl<N: Number> Num<N> {
            $($(#[$doc])*
            #[must_use]
            #[inline(always)]
            pub fn $name(&self) -> Self {
                Self(self.0.$name())
            })*
        }
    };
}
functions! {
    /// `1 / x`.
    recip
    /// `e^x`.
    exp
    /// `e^x - 1`, accurate near 0.
    exp_m1
    /// The natural logarithm.
    ln
    /// `ln(1 + x)`, accurate near 0.
    ln_1p
    /// The square root.
    sqrt
    /// The sine.
    sin
    /// The cosine.
    cos
    /// The tangent.
    tan
    /// The inverse tangent, in `(-π/2, π/2)`.
    atan
    /// The hyperbolic sine, accurate near 0.
    sinh
    /// The hyperbolic cosine.
    cosh
    /// The hyperbolic tangent.
    tanh
    /// The absolute value; its derivative at 0 is taken as 0.
    abs
    /// The error function `2/√π ∫_0^x e^(-z²) dz`.
    erf
    /// The largest integer that is not above `x`; its derivative is taken as 0.
    floor
}

/// Wraps numbers for a formula. Without a closure, here and in the callers: a call that is not inlined is not vectorized.
#[inline(always)]
pub(crate) fn wrapped<N, const D: usize>(x: [N; D]) -> [Num<N>; D] {
    x.map(Num)
}

/// Unwraps the numbers of a formula.
#[inline(always)]
pub(crate) fn unwrapped<N, const D: usize>(x: [Num<N>; D]) -> [N; D] {
    x.map(Num::into_inner)
}

impl<N: Number> From<&Num<N>> for Num<N> {
    #[inline(always)]
    fn from(x: &Num<N>) -> Self {
        x.clone()
    }
}

impl<N: Number> Value for Num<N> {
    #[inline(always)]
    fn frozen(&self) -> Self {
        Self(self.0.frozen())
    }
    fn values(&self) -> Vec<f64> {
        self.0.values()
    }
}

/// Delegates each function of one number to the number inside.
macro_rules! delegated {
    ($($name:ident($($arg:ident: $Arg:ty),*))*) => {$(
        #[inline(always)]
        fn $name(&self, $($arg: $Arg),*) -> Self {
            Self(self.0.$name($($arg),*))
        }
    )*};
}

/// Code that is generic over [`Number`] accepts formulas, too.
impl<N: Number> Number for Num<N> {
    type Real = N::Real;
    type Mask = N::Mask;

    delegated! {
        constant(c: f64) scale(c: f64) shift(c: f64) recip() powi(n: i32) powf(c: f64) exp() exp_m1() ln() ln_1p() sqrt() sin() cos() tan()
        atan() sinh() cosh() tanh() abs() erf() floor()
    }
    #[inline(always)]
    fn in_form_of(self, other: &Self) -> Self {
        Self(self.0.in_form_of(&other.0))
    }
    #[inline(always)]
    fn scale_onto(&self, c: f64, onto: Self) -> Self {
        Self(self.0.scale_onto(c, onto.0))
    }
    #[inline(always)]
    fn atan2(&self, x: &Self) -> Self {
        Self(self.0.atan2(&x.0))
    }
    #[inline(always)]
    fn less(&self, other: &Self) -> N::Mask {
        self.0.less(&other.0)
    }
    #[inline(always)]
    fn select(mask: &N::Mask, a: &Self, b: &Self) -> Self {
        Self(N::select(mask, &a.0, &b.0))
    }
    #[inline(always)]
    fn max(&self, other: &Self) -> Self {
        Self(self.0.max(&other.0))
    }
    #[inline(always)]
    fn min(&self, other: &Self) -> Self {
        Self(self.0.min(&other.0))
    }
    #[inline(always)]
    fn error_norm<R: Row<Item = Self>>(error: &R, from: &R, to: &R, tolerance: &Tolerance) -> Self {
        let inner = |x: &R| x.build(|i| x.items()[i].0.clone());
        Self(N::error_norm(&inner(error), &inner(from), &inner(to), tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dual, Lanes};

    /// Tests every operator on every pair of kinds of operands, against floats.
    #[test]
    fn operators_take_numbers_references_and_constants_on_both_sides() {
        let (a, b) = (1.75_f64, -0.3);
        let (x, y) = (Num(a), Num(b));
        macro_rules! check {
            ($($op:tt)*) => {$(
                let expected = a $op b;
                let found = [x $op y, &x $op y, x $op &y, &x $op &y, x $op b, &x $op b, a $op y, a $op &y];
                assert!(found.iter().all(|z| z.0 == expected), "{} {found:?}", stringify!($op));
            )*};
        }
        check!(+ - * /);
        assert_eq!(((-x).0, (-&x).0), (-a, -a));
        let mut z = x;
        z += y;
        z *= 2.0;
        z -= &x;
        z /= x;
        assert_eq!(z.0, ((a + b) * 2.0 - a) / a);
    }

    #[test]
    fn constants_have_no_derivative_and_formulas_have_the_right_one() {
        let x = Num(Dual::new(0.7_f64, 1.0));
        let close = |found: Num<Dual<f64>>, value: f64, slope: f64| {
            assert!((found.0.value() - value).abs() < 1e-15 && (found.0.tangent() - slope).abs() < 1e-14, "{found:?}");
        };
        close(3.0 - x.clone() / 2.0, 2.65, -0.5);
        close(2.0 / &x, 2.0 / 0.7, -2.0 / 0.49);
        close(x.sin() * x.exp(), 0.7_f64.sin() * 0.7_f64.exp(), (0.7_f64.sin() + 0.7_f64.cos()) * 0.7_f64.exp());
        close(x.atan2(1.0), 0.7_f64.atan2(1.0), 1.0 / 1.49);
        close(x.max(0.9).min(&x), 0.7, 1.0);
    }

    #[test]
    fn conditions_choose_lane_by_lane_and_leave_no_nan() {
        let t = Num(Lanes::from([0.5, 2.5, -1.0, f64::NAN]));
        let inside = t.gt(0.0) & !t.gt(1.0) | t.lt(-0.5);
        assert_eq!(inside.select(t, t.ln() - 1e9).0.to_array()[0], 0.5);
        assert_eq!(inside.select(1.0, 0.0).0.to_array(), [1.0, 0.0, 1.0, 0.0]);
        let safe = Num(Dual::new(-1.0, 1.0));
        assert_eq!(safe.lt(0.0).select(&safe, safe.sqrt()).0, Dual::new(-1.0, 1.0));
    }

    #[test]
    fn it_is_a_number_like_the_one_inside() {
        fn recipe<N: Number>(x: &N) -> N {
            x.sinh().scale_onto(2.0, x.erf()) + x.floor().max(&x.tan())
        }
        assert_eq!(recipe(&Num(1.3)).0, recipe(&1.3));
        assert_eq!(recipe(&Num(Dual::new(1.3, 1.0))).0, recipe(&Dual::new(1.3, 1.0)));
    }
}
