//! Elementwise arithmetic.

use super::{DfdxMask, DfdxTensor, Element};
use crate::{Mask, Number, Real, Tensor, Value, tensor::common};
use ::dfdx::tensor_ops::{ChooseFrom, Device, lt};
use std::{
    marker::PhantomData,
    ops::{Add, Div, Mul, Neg, Sub},
};

impl<E: Element, D: Device<E>> Value for DfdxTensor<E, D> {
    fn frozen(&self) -> Self {
        self.clone()
    }
    fn values(&self) -> Vec<f64> {
        self.to_vec().into_iter().map(Real::into_f64).collect()
    }
}

impl<E: Element, D: Device<E>> Neg for DfdxTensor<E, D> {
    type Output = Self;
    fn neg(self) -> Self {
        self.apply(|x| x.negate())
    }
}

macro_rules! operator {
    ($($op:ident $method:ident $symbol:tt),*) => {$(
        impl<E: Element, D: Device<E>> $op<&Self> for DfdxTensor<E, D> {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: &Self) -> Self {
                self.combine(other, stringify!($method), |a, b| a $symbol b)
            }
        }
        impl<E: Element, D: Device<E>> $op for DfdxTensor<E, D> {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                $op::$method(self, &other)
            }
        }
    )*};
}
operator!(Add add +, Sub sub -, Mul mul *, Div div /);

impl<E: Element, D: Device<E>> DfdxTensor<E, D> {
    /// A function that dfdx has no kernel for: to the host and back.
    fn on_the_host(&self, f: impl Fn(E) -> E) -> Self {
        let values: Vec<E> = self.to_vec().into_iter().map(f).collect();
        Self::from_slice_on(&self.device(), &values, &self.shape)
    }
}

impl<E: Element, D: Device<E>> Number for DfdxTensor<E, D> {
    type Real = E;
    type Mask = DfdxMask<E, D>;

    fn constant(&self, c: f64) -> Self {
        let zeros = Self::zeros(self.data.device(), &self.shape);
        // filled on the device: dfdx has a kernel for zeros alone, all else it would copy there from the host
        if c == 0.0 { zeros } else { zeros.apply(|x| x + <E as Real>::from_f64(c)) }
    }
    fn in_form_of(self, other: &Self) -> Self {
        common::joint("in_form_of", &self.shape, &other.shape);
        if self.shape == other.shape || !self.shape.is_empty() { self } else { self.expand(0, &other.shape) }
    }
    fn scale(&self, c: f64) -> Self {
        self.clone().apply(|x| x * <E as Real>::from_f64(c))
    }
    fn shift(&self, c: f64) -> Self {
        self.clone().apply(|x| x + <E as Real>::from_f64(c))
    }
    fn recip(&self) -> Self {
        self.clone().apply(|x| x.recip())
    }
    fn powi(&self, n: i32) -> Self {
        self.clone().apply(|x| x.powi(n))
    }
    fn exp(&self) -> Self {
        self.clone().apply(|x| x.exp())
    }
    fn exp_m1(&self) -> Self {
        // dfdx has none; (eˣ + 1) tanh(x/2) is the same function, without cancellation
        self.clone().apply(|x| (x.clone() * <E as Real>::from_f64(0.5)).tanh() * (x.exp() + E::ONE))
    }
    fn ln(&self) -> Self {
        self.clone().apply(|x| x.ln())
    }
    fn sqrt(&self) -> Self {
        self.clone().apply(|x| x.sqrt())
    }
    fn sin(&self) -> Self {
        self.clone().apply(|x| x.sin())
    }
    fn cos(&self) -> Self {
        self.clone().apply(|x| x.cos())
    }
    fn tanh(&self) -> Self {
        self.clone().apply(|x| x.tanh())
    }
    fn abs(&self) -> Self {
        self.clone().apply(|x| x.abs())
    }
    fn atan(&self) -> Self {
        self.on_the_host(|x| Number::atan(&x))
    }
    fn erf(&self) -> Self {
        self.on_the_host(|x| Number::erf(&x))
    }
    fn floor(&self) -> Self {
        self.on_the_host(|x| Number::floor(&x))
    }
    fn less(&self, other: &Self) -> DfdxMask<E, D> {
        let shape = common::joint("less", &self.shape, &other.shape).to_vec();
        let (a, b) = (self.clone().stretched(&shape), other.clone().stretched(&shape));
        DfdxMask { data: lt(&a, &b), shape, float: PhantomData }
    }
    fn select(mask: &DfdxMask<E, D>, a: &Self, b: &Self) -> Self {
        let shape = common::chosen(&mask.shape, &a.shape, &b.shape).to_vec();
        if mask.shape != shape {
            // one truth for all: through the host, since dfdx cannot repeat a single boolean
            let chosen = if mask.any() { a } else { b };
            return if chosen.shape == shape { chosen.clone() } else { chosen.expand(0, &shape) };
        }
        let [x, y] = [a, b].map(|t| t.clone().stretched(&shape));
        Self { data: mask.data.clone().choose(x, y), shape }
    }
}
