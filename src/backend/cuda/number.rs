//! Elementwise arithmetic, and masks.

use super::CudaTensor;
use super::launch::Operand;
use super::library::Kernel;
use crate::{Mask, Number, Real, Tensor, Value, tensor::common};
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

/// Truth values, one for each element.
#[derive(Clone, Debug)]
pub struct CudaMask(
    /// 1 for true, 0 for false.
    CudaTensor,
);

impl Mask for CudaMask {
    fn and(&self, other: &Self) -> Self {
        Self(self.0.clone().combine(&other.0, "and", Kernel::Mul, 0.0))
    }
    fn not(&self) -> Self {
        Self(self.0.map(Kernel::Complement, 0.0))
    }
    fn any(&self) -> bool {
        self.0.sum(0..self.0.shape.len()).to_vec()[0] > 0.0
    }
}

impl CudaTensor {
    /// A function with a constant.
    fn map(&self, kernel: Kernel, c: f64) -> Self {
        let [y] = self.fresh(kernel, &[], None, &[c]);
        y
    }

    /// A function of two, one of which may be a scalar, with a constant.
    #[track_caller]
    pub(super) fn combine(mut self, other: &Self, what: &str, kernel: Kernel, c: f64) -> Self {
        let shape = common::joint(what, &self.shape, &other.shape);
        let (engine, n) = (self.device.engine(), common::size(shape));
        if self.shape == shape
            && let Some(data) = Arc::get_mut(&mut self.data)
        {
            engine.elementwise(kernel, n, &mut [data], &[Operand::Result, other.operand()], None, &[c]);
            return self;
        }
        let mut data = engine.room(n);
        engine.elementwise(kernel, n, &mut [&mut data], &[self.operand(), other.operand()], None, &[c]);
        Self::with(&self.device, data, shape)
    }
}

impl Value for CudaTensor {
    fn frozen(&self) -> Self {
        self.clone()
    }
    fn values(&self) -> Vec<f64> {
        self.to_vec().into_iter().map(Real::into_f64).collect()
    }
}

impl Neg for CudaTensor {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(Kernel::Neg, 0.0)
    }
}

macro_rules! operator {
    ($($op:ident $method:ident),*) => {$(
        impl $op<&Self> for CudaTensor {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: &Self) -> Self {
                self.combine(other, stringify!($method), Kernel::$op, 0.0)
            }
        }
        impl $op for CudaTensor {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                $op::$method(self, &other)
            }
        }
    )*};
}
operator!(Add add, Sub sub, Mul mul, Div div);

macro_rules! functions {
    ($($method:ident $kernel:ident),* $(,)?) => {$(
        fn $method(&self) -> Self {
            self.map(Kernel::$kernel, 0.0)
        }
    )*};
}

impl Number for CudaTensor {
    type Real = f32;
    type Mask = CudaMask;

    functions! {
        recip Recip, exp Exp, exp_m1 ExpM1, ln Ln, ln_1p Ln1p, sqrt Sqrt, sin Sin, cos Cos, tan Tan, sinh Sinh, cosh Cosh, tanh Tanh,
        abs Abs, atan Atan, erf Erf, floor Floor,
    }

    fn constant(&self, c: f64) -> Self {
        self.constant_like(c)
    }
    fn in_form_of(self, other: &Self) -> Self {
        common::joint("in_form_of", &self.shape, &other.shape);
        if self.shape == other.shape || !self.shape.is_empty() { self } else { self.expand(0, &other.shape) }
    }
    fn scale(&self, c: f64) -> Self {
        self.map(Kernel::Scale, c)
    }
    fn shift(&self, c: f64) -> Self {
        self.map(Kernel::Shift, c)
    }
    fn scale_onto(&self, c: f64, onto: Self) -> Self {
        onto.combine(self, "scale_onto", Kernel::ScaleOnto, c)
    }
    fn powi(&self, n: i32) -> Self {
        let [y] = self.fresh(Kernel::Powi, &[], Some(n.cast_unsigned()), &[]);
        y
    }
    fn powf(&self, c: f64) -> Self {
        self.map(Kernel::Powf, c)
    }
    fn atan2(&self, x: &Self) -> Self {
        self.clone().combine(x, "atan2", Kernel::Atan2, 0.0)
    }
    fn less(&self, other: &Self) -> CudaMask {
        CudaMask(self.clone().combine(other, "less", Kernel::Less, 0.0))
    }
    fn select(mask: &CudaMask, a: &Self, b: &Self) -> Self {
        let shape = common::chosen(&mask.0.shape, &a.shape, &b.shape);
        let (engine, n) = (a.device.engine(), common::size(shape));
        let mut data = engine.room(n);
        let operands = [mask.0.operand(), a.operand(), b.operand()];
        engine.elementwise(Kernel::Choose, n, &mut [&mut data], &operands, None, &[]);
        Self::with(&a.device, data, shape)
    }
}
