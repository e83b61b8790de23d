//! Dual numbers: forward-mode differentiation.

use super::{Number, Row, Tolerance, Value, larger};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value with its tangent, unless it is constant: forward-mode differentiation.
///
/// `Dual` is a functor. A `Dual<f64>` is a [`Number`]; the dual of a state is a [`State`](crate::State) whose time is
/// the dual of its time; the dual of a tensor is a tensor. An absent tangent means zero and costs nothing.
///
/// Evaluating a flow map on duals gives its directional derivative, exactly:
///
/// ```
/// use flowmap::{Dual, FlowMap, exact::Rotation};
/// let turn = Rotation::new(1.0)?;
/// // d/dt of X_{0,t}(1, 0) = (cos t, sin t) at t = 0
/// let end = turn.flow(&Dual::constant(0.0), &Dual::new(0.0, 1.0), &Dual::constant([1.0, 0.0]));
/// assert_eq!(end.tangent(), &[0.0, 1.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dual<X> {
    value: X,
    tangent: Option<X>,
}

impl<X> Dual<X> {
    /// A value with this `tangent`.
    #[inline(always)]
    pub fn new(value: X, tangent: X) -> Self {
        Self { value, tangent: Some(tangent) }
    }

    /// A constant: a value without a tangent.
    #[inline(always)]
    pub fn constant(value: X) -> Self {
        Self { value, tangent: None }
    }

    /// A dual with an optional tangent; `None` means zero.
    #[inline(always)]
    pub fn from_parts(value: X, tangent: Option<X>) -> Self {
        Self { value, tangent }
    }

    /// The value and the tangent, if there is one.
    #[inline(always)]
    pub fn into_parts(self) -> (X, Option<X>) {
        (self.value, self.tangent)
    }

    /// The value.
    #[inline(always)]
    pub fn value(&self) -> &X {
        &self.value
    }

    /// The tangent, if there is one; `None` means zero.
    #[inline(always)]
    pub fn moving(&self) -> Option<&X> {
        self.tangent.as_ref()
    }

    /// The tangent.
    ///
    /// # Panics
    /// If the dual is constant; use [`moving`](Self::moving) where it may be.
    #[inline(always)]
    pub fn tangent(&self) -> &X {
        self.tangent.as_ref().expect("the dual is constant: it has no tangent")
    }

    /// Applies a linear `f` to value and tangent.
    #[inline(always)]
    pub fn map_linear<Y>(&self, f: impl Fn(&X) -> Y) -> Dual<Y> {
        Dual { value: f(&self.value), tangent: self.tangent.as_ref().map(f) }
    }
}

/// The sum of two optional tangents.
#[inline(always)]
pub(crate) fn sum<X>(a: Option<X>, b: Option<X>, add: impl FnOnce(X, X) -> X) -> Option<X> {
    match (a, b) {
        (Some(a), Some(b)) => Some(add(a, b)),
        (a, None) => a,
        (None, b) => b,
    }
}

impl<N: Number> Dual<N> {
    /// The chain rule for a function with this `value` and the derivative `df`, evaluated only where there is a tangent.
    #[inline(always)]
    fn chain(&self, value: N, df: impl FnOnce(&N, &N) -> N) -> Self {
        let tangent = self.tangent.as_ref().map(|d| df(&self.value, &value) * d);
        Self { value, tangent }
    }
}

impl<X: Value> Value for Dual<X> {
    #[inline(always)]
    fn frozen(&self) -> Self {
        Self::constant(self.value.frozen())
    }
    fn values(&self) -> Vec<f64> {
        self.value.values()
    }
}

impl<N: Number> Neg for Dual<N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { value: -self.value, tangent: self.tangent.map(|d| -d) }
    }
}

impl<N: Number> Add<&Self> for Dual<N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: &Self) -> Self {
        let value = self.value + &other.value;
        let tangent = match (self.tangent, &other.tangent) {
            (Some(a), Some(b)) => Some(a + b),
            (None, None) => None,
            (Some(a), None) => Some(a.in_form_of(&value)),
            (None, Some(b)) => Some(b.clone().in_form_of(&value)),
        };
        Self { value, tangent }
    }
}

impl<N: Number> Sub<&Self> for Dual<N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: &Self) -> Self {
        let value = self.value - &other.value;
        let tangent = match (self.tangent, &other.tangent) {
            (Some(a), Some(b)) => Some(a - b),
            (None, None) => None,
            (Some(a), None) => Some(a.in_form_of(&value)),
            (None, Some(b)) => Some((-b.clone()).in_form_of(&value)),
        };
        Self { value, tangent }
    }
}

impl<N: Number> Mul<&Self> for Dual<N> {
    type Output = Self;
    #[inline(always)]
    #[allow(clippy::suspicious_arithmetic_impl, reason = "the product rule adds")]
    fn mul(self, other: &Self) -> Self {
        let left = self.tangent.map(|d| d * &other.value);
        let right = other.tangent.as_ref().map(|d| self.value.clone() * d);
        Self { value: self.value * &other.value, tangent: sum(left, right, |a, b| a + b) }
    }
}

impl<N: Number> Div<&Self> for Dual<N> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: &Self) -> Self {
        let value = self.value / &other.value;
        let tangent = match (self.tangent, &other.tangent) {
            (None, None) => None,
            (Some(a), None) => Some(a / &other.value),
            (None, Some(b)) => Some(-(value.clone() * b) / &other.value),
            (Some(a), Some(b)) => Some((a - value.clone() * b) / &other.value),
        };
        Self { value, tangent }
    }
}

macro_rules! by_value {
    ($($op:ident $method:ident),*) => {$(
        impl<N: Number> $op for Dual<N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                $op::$method(self, &other)
            }
        }
    )*};
}
by_value!(Add add, Sub sub, Mul mul, Div div);

impl<N: Number> Number for Dual<N> {
    type Real = N::Real;
    type Mask = N::Mask;

    #[inline(always)]
    fn constant(&self, c: f64) -> Self {
        Self::constant(self.value.constant(c))
    }
    #[inline(always)]
    fn in_form_of(self, other: &Self) -> Self {
        Self { value: self.value.in_form_of(&other.value), tangent: self.tangent.map(|d| d.in_form_of(&other.value)) }
    }
    #[inline(always)]
    fn scale(&self, c: f64) -> Self {
        self.map_linear(|x| x.scale(c))
    }
    #[inline(always)]
    fn shift(&self, c: f64) -> Self {
        Self { value: self.value.shift(c), tangent: self.tangent.clone() }
    }
    #[inline(always)]
    fn recip(&self) -> Self {
        self.chain(self.value.recip(), |_, y| -(y.clone() * y))
    }
    #[inline(always)]
    fn powi(&self, n: i32) -> Self {
        if n == 0 {
            return Number::constant(self, 1.0);
        }
        self.chain(self.value.powi(n), |x, _| x.powi(n - 1).scale(n.into()))
    }
    #[inline(always)]
    fn exp(&self) -> Self {
        self.chain(self.value.exp(), |_, y| y.clone())
    }
    #[inline(always)]
    fn exp_m1(&self) -> Self {
        self.chain(self.value.exp_m1(), |x, _| x.exp())
    }
    #[inline(always)]
    fn ln(&self) -> Self {
        self.chain(self.value.ln(), |x, _| x.recip())
    }
    #[inline(always)]
    fn sqrt(&self) -> Self {
        self.chain(self.value.sqrt(), |_, y| y.recip().scale(0.5))
    }
    #[inline(always)]
    fn sin(&self) -> Self {
        self.chain(self.value.sin(), |x, _| x.cos())
    }
    #[inline(always)]
    fn cos(&self) -> Self {
        self.chain(self.value.cos(), |x, _| -x.sin())
    }
    #[inline(always)]
    fn tanh(&self) -> Self {
        self.chain(self.value.tanh(), |_, y| (-(y.clone() * y)).shift(1.0))
    }
    #[inline(always)]
    fn abs(&self) -> Self {
        self.chain(self.value.abs(), |x, _| {
            let zero = x.constant(0.0);
            let negative_or_zero = N::select(&x.less(&zero), &x.constant(-1.0), &zero);
            N::select(&zero.less(x), &x.constant(1.0), &negative_or_zero)
        })
    }
    #[inline(always)]
    fn atan(&self) -> Self {
        self.chain(self.value.atan(), |x, _| (x.clone() * x).shift(1.0).recip())
    }
    #[inline(always)]
    fn erf(&self) -> Self {
        self.chain(self.value.erf(), |x, _| (-(x.clone() * x)).exp().scale(std::f64::consts::FRAC_2_SQRT_PI))
    }
    #[inline(always)]
    fn floor(&self) -> Self {
        Self::constant(self.value.floor())
    }
    #[inline(always)]
    fn powf(&self, c: f64) -> Self {
        self.chain(self.value.powf(c), |x, _| x.powf(c - 1.0).scale(c))
    }
    #[inline(always)]
    fn pow(&self, c: &Self) -> Self {
        let value = self.value.pow(&c.value);
        let base = self.tangent.as_ref().map(|d| self.value.pow(&c.value.shift(-1.0)) * &c.value * d);
        // for a constant exponent the logarithm is not needed; it does not exist at 0
        let exponent = c.tangent.as_ref().map(|d| self.value.ln() * &value * d);
        Self { tangent: sum(base, exponent, |a, b| a + b), value }
    }
    #[inline(always)]
    fn ln_1p(&self) -> Self {
        self.chain(self.value.ln_1p(), |x, _| x.shift(1.0).recip())
    }
    #[inline(always)]
    fn sinh(&self) -> Self {
        self.chain(self.value.sinh(), |x, _| x.cosh())
    }
    #[inline(always)]
    fn cosh(&self) -> Self {
        self.chain(self.value.cosh(), |x, _| x.sinh())
    }
    #[inline(always)]
    fn tan(&self) -> Self {
        self.chain(self.value.tan(), |_, y| (y.clone() * y).shift(1.0))
    }
    #[inline(always)]
    fn atan2(&self, x: &Self) -> Self {
        let value = self.value.atan2(&x.value);
        let square = || self.value.clone() * &self.value + x.value.clone() * &x.value;
        let up = self.tangent.as_ref().map(|dy| dy.clone() * &x.value / square());
        let right = x.tangent.as_ref().map(|dx| -(dx.clone() * &self.value) / square());
        Self { value, tangent: sum(up, right, |a, b| a + b) }
    }
    #[inline(always)]
    fn error_norm<R: Row<Item = Self>>(error: &R, from: &R, to: &R, tolerance: &Tolerance) -> Self {
        let values = |x: &R| x.build(|i| x.items()[i].value.clone());
        let [e, x, y] = [error, from, to].map(values);
        let of_values = N::error_norm(&e, &x, &y, tolerance);
        let at_rest = [error, from, to].into_iter().flat_map(Row::items).all(|x| x.tangent.is_none());
        if at_rest || !tolerance.counts_tangents() {
            return Self::constant(of_values);
        }
        let tangent = |x: &Self| x.tangent.clone().unwrap_or_else(|| x.value.constant(0.0));
        let tangents = |x: &R| x.build(|i| tangent(&x.items()[i]));
        let grain = tolerance.grain(&N::error_norm(&x, &x, &x, &Tolerance::UNIT));
        let [de, dx, dy] = [error, from, to].map(tangents);
        let [start, end] = [&dx, &dy].map(|x| N::error_norm(x, x, x, &Tolerance::UNIT));
        let of_tangents = tolerance.of_tangents(&start, &end, |units, tolerance| {
            let de = error.build(|i| de.items()[i].clone() * units);
            let onto = |d: &R::Of<N>, x: &R::Of<N>| error.build(|i| d.items()[i].clone() * units + x.items()[i].clone() * &grain);
            N::error_norm(&de, &onto(&dx, &x), &onto(&dy, &y), tolerance)
        });
        Self::constant(larger(&of_values, &of_tangents))
    }
    #[inline(always)]
    fn less(&self, other: &Self) -> Self::Mask {
        self.value.less(&other.value)
    }
    #[inline(always)]
    fn select(mask: &Self::Mask, a: &Self, b: &Self) -> Self {
        let value = N::select(mask, &a.value, &b.value);
        let tangent = match (&a.tangent, &b.tangent) {
            (None, None) => None,
            (da, db) => {
                let zero = value.constant(0.0);
                Some(N::select(mask, da.as_ref().unwrap_or(&zero), db.as_ref().unwrap_or(&zero)))
            }
        };
        Self { value, tangent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests every elementary function against a central difference.
    #[test]
    fn derivatives_match_central_differences() {
        type Pair = (&'static str, fn(&f64) -> f64, fn(&Dual<f64>) -> Dual<f64>);
        macro_rules! pairs { ($($name:ident)*) => { [$((stringify!($name), Number::$name as fn(&f64) -> f64, Number::$name as fn(&Dual<f64>) -> Dual<f64>)),*] } }
        let pairs: [Pair; 16] = pairs!(recip exp exp_m1 ln sqrt sin cos tanh abs atan erf floor ln_1p sinh cosh tan);
        for (name, f, df) in pairs {
            for x in [0.3, 0.9, 2.7] {
                let h = 1e-6;
                let expected = (f(&(x + h)) - f(&(x - h))) / (2.0 * h);
                let found = df(&Dual::new(x, 1.0)).moving().copied().unwrap_or(0.0);
                assert!((found - expected).abs() < 1e-8 * (1.0 + expected.abs()), "{name}({x}): {found} against {expected}");
            }
        }
    }

    #[test]
    fn quotient_rule_with_absent_tangents() {
        let (x, y) = (1.5, -0.7);
        let both = Dual::new(x, 2.0) / Dual::new(y, 3.0);
        let first = Dual::new(x, 2.0) / Dual::constant(y);
        let second = Dual::constant(x) / Dual::new(y, 3.0);
        assert!((both.tangent() - (first.tangent() + second.tangent())).abs() < 1e-14);
        assert!((both.tangent() - (2.0 * y - x * 3.0) / (y * y)).abs() < 1e-14);
        assert_eq!((Dual::constant(x) / Dual::constant(y)).moving(), None);
    }

    #[test]
    fn powers() {
        let x = Dual::new(-1.3_f64, 1.0);
        assert_eq!(*x.powi(0).value(), 1.0);
        assert!((x.powi(3).tangent() - 3.0 * 1.69).abs() < 1e-14);
        assert!((x.powi(-2).tangent() - -2.0 * (-1.3_f64).powi(-3)).abs() < 1e-14);
    }

    #[test]
    fn real_powers_and_angles() {
        let x = Dual::new(1.7_f64, 2.0);
        assert!((x.powf(2.5).tangent() - 2.0 * 2.5 * 1.7_f64.powf(1.5)).abs() < 1e-14);
        assert_eq!(x.pow(&Dual::constant(2.5)), x.powf(2.5));
        let both = x.pow(&Dual::new(2.5, 0.3));
        assert!((both.tangent() - x.powf(2.5).tangent() - 0.3 * 1.7_f64.ln() * 1.7_f64.powf(2.5)).abs() < 1e-14);
        // at 0, and below it for integer exponents
        assert_eq!(Dual::new(0.0_f64, 3.0).pow(&Dual::constant(1.0)).tangent(), &3.0);
        assert_eq!(Dual::new(-2.0_f64, 1.0).pow(&Dual::constant(2.0)), Dual::new(4.0, -4.0));
        for angle in [-3.0, -2.0, -1.0, -0.1, 0.1, 1.0, 2.0, 3.0_f64] {
            let turning = Dual::new(angle, 1.0);
            let (y, x) = (Number::sin(&turning).scale(3.0), Number::cos(&turning).scale(3.0));
            let found = Number::atan2(&y, &x);
            assert!((found.value() - angle).abs() < 1e-15 && (found.tangent() - 1.0).abs() < 1e-15, "{found:?}");
        }
    }

    #[test]
    fn the_side_not_chosen_leaves_no_trace() {
        let bad = Dual::new(f64::NAN, f64::NAN);
        let good = Dual::new(1.0, 2.0);
        assert_eq!(Dual::select(&false, &bad, &good), good);
    }

    #[test]
    fn second_derivatives_by_nesting() {
        let x = Dual::new(Dual::new(0.4_f64, 1.0), Dual::constant(1.0));
        let y = Number::sin(&x);
        assert!((y.tangent().tangent() + 0.4_f64.sin()).abs() < 1e-15);
    }
}
