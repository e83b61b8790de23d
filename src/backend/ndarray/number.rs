//! Tensors as numbers: arithmetic and elementary functions, element by element.

use super::{Element, NdMask, NdTensor};
use crate::{Number, Tensor, Value, tensor::common};
use ndarray::{ArcArray, IxDyn};
use std::ops::{Add, Div, Mul, Neg, Sub};

impl<F: Element> Value for NdTensor<F> {
    fn frozen(&self) -> Self {
        self.clone()
    }
    fn values(&self) -> Vec<f64> {
        self.slice_of().iter().map(|x| x.into_f64()).collect()
    }
}

impl<F: Element> Neg for NdTensor<F> {
    type Output = Self;
    fn neg(self) -> Self {
        self.apply(|x| -x)
    }
}

macro_rules! operator {
    ($($op:ident $method:ident $symbol:tt),*) => {$(
        impl<F: Element> $op<&Self> for NdTensor<F> {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: &Self) -> Self {
                self.combine(other, stringify!($method), |a, b| a $symbol b)
            }
        }
        impl<F: Element> $op for NdTensor<F> {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                $op::$method(self, &other)
            }
        }
    )*};
}
operator!(Add add +, Sub sub -, Mul mul *, Div div /);

impl<F: Element> Number for NdTensor<F> {
    type Real = F;
    type Mask = NdMask;

    fn constant(&self, c: f64) -> Self {
        Self(ArcArray::from_elem(self.0.raw_dim(), F::from_f64(c)))
    }
    fn in_form_of(self, other: &Self) -> Self {
        common::joint("in_form_of", self.shape(), other.shape());
        if self.shape() == other.shape() || !self.shape().is_empty() { self } else { self.expand(0, other.shape()) }
    }
    fn scale(&self, c: f64) -> Self {
        let c = F::from_f64(c);
        self.map(move |x| x * c)
    }
    fn shift(&self, c: f64) -> Self {
        let c = F::from_f64(c);
        self.map(move |x| x + c)
    }
    fn recip(&self) -> Self {
        self.map(|x| F::one() / x)
    }
    fn powi(&self, n: i32) -> Self {
        self.map(move |x| num_traits::Float::powi(x, n))
    }
    fn exp(&self) -> Self {
        self.map(num_traits::Float::exp)
    }
    fn exp_m1(&self) -> Self {
        self.map(num_traits::Float::exp_m1)
    }
    fn ln(&self) -> Self {
        self.map(num_traits::Float::ln)
    }
    fn sqrt(&self) -> Self {
        self.map(num_traits::Float::sqrt)
    }
    fn sin(&self) -> Self {
        self.map(num_traits::Float::sin)
    }
    fn cos(&self) -> Self {
        self.map(num_traits::Float::cos)
    }
    fn tanh(&self) -> Self {
        self.map(num_traits::Float::tanh)
    }
    fn abs(&self) -> Self {
        self.map(num_traits::Float::abs)
    }
    fn atan(&self) -> Self {
        self.map(num_traits::Float::atan)
    }
    fn floor(&self) -> Self {
        self.map(num_traits::Float::floor)
    }
    fn ln_1p(&self) -> Self {
        self.map(num_traits::Float::ln_1p)
    }
    fn sinh(&self) -> Self {
        self.map(num_traits::Float::sinh)
    }
    fn cosh(&self) -> Self {
        self.map(num_traits::Float::cosh)
    }
    fn tan(&self) -> Self {
        self.map(num_traits::Float::tan)
    }
    fn erf(&self) -> Self {
        self.map(|x| Number::erf(&x))
    }
    fn powf(&self, c: f64) -> Self {
        self.map(move |x| num_traits::Float::powf(x, F::from_f64(c)))
    }
    fn atan2(&self, x: &Self) -> Self {
        self.clone().combine(x, "atan2", |y, x| num_traits::Float::atan2(y, x))
    }
    fn less(&self, other: &Self) -> NdMask {
        let shape = IxDyn(common::joint("less", self.shape(), other.shape()));
        let (a, b) = (self.clone().in_form_of(other), other.clone().in_form_of(self));
        let truths = a.slice_of().iter().zip(b.slice_of()).map(|(a, b)| a < b).collect();
        NdMask(ArcArray::from_shape_vec(shape, truths).expect("one truth for each element"))
    }
    fn select(mask: &NdMask, a: &Self, b: &Self) -> Self {
        let shape = common::chosen(mask.0.shape(), a.shape(), b.shape());
        // steps of 0 repeat a scalar
        let step = |shape: &[usize]| usize::from(!shape.is_empty());
        let (m, x, y) = (mask.0.as_slice().expect("masks are in standard layout"), a.slice_of(), b.slice_of());
        let (m_step, x_step, y_step) = (step(mask.0.shape()), step(a.shape()), step(b.shape()));
        let chosen = (0..common::size(shape)).map(|i| if m[i * m_step] { x[i * x_step] } else { y[i * y_step] });
        Self::with(chosen.collect(), shape)
    }
}
