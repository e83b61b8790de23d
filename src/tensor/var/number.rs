//! Variables as numbers: arithmetic and elementary functions with their pullbacks.

use super::Var;
use crate::{Number, Tensor, Value};
use std::ops::{Add, Div, Mul, Neg, Sub};

impl<T: Tensor<Primal = T>> Value for Var<T> {
    fn frozen(&self) -> Self {
        Self::constant(self.value.clone())
    }
    fn values(&self) -> Vec<f64> {
        self.value.values()
    }
}

impl<T: Tensor<Primal = T>> Neg for Var<T> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(-self.value.clone(), |g| -g)
    }
}

impl<T: Tensor<Primal = T>> Add<&Self> for Var<T> {
    type Output = Self;
    fn add(self, other: &Self) -> Self {
        let (a, b) = (self.value.shape().to_vec(), other.value.shape().to_vec());
        let value = self.value.clone() + &other.value;
        Self::binary(&self, other, value, move |g| fit(g.clone(), &a), move |g| fit(g, &b))
    }
}

impl<T: Tensor<Primal = T>> Sub<&Self> for Var<T> {
    type Output = Self;
    fn sub(self, other: &Self) -> Self {
        let (a, b) = (self.value.shape().to_vec(), other.value.shape().to_vec());
        let value = self.value.clone() - &other.value;
        Self::binary(&self, other, value, move |g| fit(g.clone(), &a), move |g| -fit(g, &b))
    }
}

impl<T: Tensor<Primal = T>> Mul<&Self> for Var<T> {
    type Output = Self;
    fn mul(self, other: &Self) -> Self {
        let (a, b) = (self.value.clone(), other.value.clone());
        let (a_shape, b_shape) = (a.shape().to_vec(), b.shape().to_vec());
        let value = a.clone() * &b;
        Self::binary(&self, other, value, move |g| fit(g.clone() * &b, &a_shape), move |g| fit(g * &a, &b_shape))
    }
}

impl<T: Tensor<Primal = T>> Div<&Self> for Var<T> {
    type Output = Self;
    #[allow(clippy::suspicious_arithmetic_impl, reason = "the quotient rule multiplies")]
    fn div(self, other: &Self) -> Self {
        let b = other.value.clone();
        let (a_shape, b_shape) = (self.value.shape().to_vec(), b.shape().to_vec());
        let value = self.value.clone() / &b;
        let (quotient, divisor) = (value.clone(), b.clone());
        Self::binary(
            &self,
            other,
            value,
            move |g| fit(g.clone() / &b, &a_shape),
            move |g| fit(-(g * &quotient) / &divisor, &b_shape),
        )
    }
}

macro_rules! by_value {
    ($($op:ident $method:ident),*) => {$(
        impl<T: Tensor<Primal = T>> $op for Var<T> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                $op::$method(self, &other)
            }
        }
    )*};
}
by_value!(Add add, Sub sub, Mul mul, Div div);

impl<T: Tensor<Primal = T>> Number for Var<T> {
    type Real = T::Real;
    type Mask = T::Mask;

    fn constant(&self, c: f64) -> Self {
        Self::constant(self.value.constant(c))
    }
    fn in_form_of(self, other: &Self) -> Self {
        let rank = other.value.shape().len();
        let spreads = self.value.shape() != other.value.shape();
        let value = self.value.clone().in_form_of(&other.value);
        self.unary(value, move |g| if spreads { g.sum(0..rank) } else { g })
    }
    fn scale(&self, c: f64) -> Self {
        self.unary(self.value.scale(c), move |g| g.scale(c))
    }
    fn shift(&self, c: f64) -> Self {
        self.unary(self.value.shift(c), |g| g)
    }
    fn recip(&self) -> Self {
        let y = self.value.recip();
        self.unary(y.clone(), move |g| -(g * &y * &y))
    }
    fn powi(&self, n: i32) -> Self {
        let x = self.value.clone();
        self.unary(x.powi(n), move |g| if n == 0 { g.scale(0.0) } else { g * x.powi(n - 1).scale(n.into()) })
    }
    fn exp(&self) -> Self {
        let y = self.value.exp();
        self.unary(y.clone(), move |g| g * &y)
    }
    fn exp_m1(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.exp_m1(), move |g| g * x.exp())
    }
    fn ln(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.ln(), move |g| g / &x)
    }
    fn sqrt(&self) -> Self {
        let y = self.value.sqrt();
        self.unary(y.clone(), move |g| (g / &y).scale(0.5))
    }
    fn sin(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.sin(), move |g| g * x.cos())
    }
    fn cos(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.cos(), move |g| -(g * x.sin()))
    }
    fn tanh(&self) -> Self {
        let y = self.value.tanh();
        self.unary(y.clone(), move |g| g * (-(y.clone() * &y)).shift(1.0))
    }
    fn abs(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.abs(), move |g| {
            let zero = x.constant(0.0);
            let negative = T::select(&x.less(&zero), &-g.clone(), &zero);
            T::select(&zero.less(&x), &g, &negative)
        })
    }
    fn atan(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.atan(), move |g| g / (x.clone() * &x).shift(1.0))
    }
    fn erf(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.erf(), move |g| g * (-(x.clone() * &x)).exp().scale(std::f64::consts::FRAC_2_SQRT_PI))
    }
    fn floor(&self) -> Self {
        Self::constant(self.value.floor())
    }
    fn powf(&self, c: f64) -> Self {
        let x = self.value.clone();
        self.unary(x.powf(c), move |g| g * x.powf(c - 1.0).scale(c))
    }
    fn ln_1p(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.ln_1p(), move |g| g / x.shift(1.0))
    }
    fn sinh(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.sinh(), move |g| g * x.cosh())
    }
    fn cosh(&self) -> Self {
        let x = self.value.clone();
        self.unary(x.cosh(), move |g| g * x.sinh())
    }
    fn tan(&self) -> Self {
        let y = self.value.tan();
        self.unary(y.clone(), move |g| g * (y.clone() * &y).shift(1.0))
    }
    fn atan2(&self, x: &Self) -> Self {
        let (a, b) = (self.value.clone(), x.value.clone());
        let (a_shape, b_shape) = (a.shape().to_vec(), b.shape().to_vec());
        let square = a.clone() * &a + b.clone() * &b;
        let (up, right) = (b.clone() / &square, -(a.clone() / square));
        Self::binary(self, x, a.atan2(&b), move |g| fit(g.clone() * &up, &a_shape), move |g| fit(g * &right, &b_shape))
    }
    fn less(&self, other: &Self) -> Self::Mask {
        self.value.less(&other.value)
    }
    fn select(mask: &Self::Mask, a: &Self, b: &Self) -> Self {
        let (for_a, for_b) = (mask.clone(), mask.clone());
        let (a_shape, b_shape) = (a.value.shape().to_vec(), b.value.shape().to_vec());
        let value = T::select(mask, &a.value, &b.value);
        let to_a = move |g: &T| fit(T::select(&for_a, g, &g.constant(0.0)), &a_shape);
        Self::binary(a, b, value, to_a, move |g| fit(T::select(&for_b, &g.constant(0.0), &g), &b_shape))
    }
}

/// A cotangent in the shape of its operand: summed up if a scalar was expanded.
fn fit<T: Tensor>(cotangent: T, shape: &[usize]) -> T {
    if cotangent.shape() == shape { cotangent } else { cotangent.sum(0..cotangent.shape().len()) }
}
