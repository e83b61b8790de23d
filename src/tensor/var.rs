//! Reverse mode: variables over any backend's tensors.

use super::{
    Activation, Order, Tensor, common, state_of_tensor,
    tape::{Node, Tape},
};
use crate::{Number, Value};
use std::ops::{Add, Div, Mul, Neg, Range, Sub};

/// A tensor whose history is recorded: reverse-mode differentiation over any backend.
///
/// A `Var` without a tape ([`Var::constant`]) is data: computing with it records nothing. `Dual<Var<T>>` has tangents whose
/// gradients are recorded too: reverse over forward, which is what losses with time derivatives need.
///
/// Not `Send`: it shares its tape by reference counting.
pub struct Var<T> {
    pub(super) value: T,
    pub(super) node: Option<Node<T>>,
}

impl<T: Clone> Clone for Var<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), node: self.node.clone() }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Var<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = self.node.as_ref().map(|n| n.id);
        f.debug_struct("Var").field("value", &self.value).field("id", &id).finish()
    }
}

impl<T: Tensor<Primal = T>> Var<T> {
    /// A value that no gradient flows to.
    pub fn constant(value: T) -> Self {
        Self { value, node: None }
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    pub(super) fn id(&self) -> Option<usize> {
        self.node.as_ref().map(|n| n.id)
    }

    /// The tape that any of these lie on.
    #[track_caller]
    pub(super) fn tape<'a>(inputs: impl IntoIterator<Item = &'a Self>) -> Option<&'a Tape<T>> {
        let mut tapes = inputs.into_iter().filter_map(|v| v.node.as_ref()).inspect(|n| n.check_current()).map(|n| &n.tape);
        let first = tapes.next()?;
        assert!(tapes.all(|t| t.is(first)), "variables of two tapes meet in one operation");
        Some(first)
    }

    /// The result of an operation on one variable, with the pullback of its cotangent.
    pub(super) fn unary(&self, value: T, pullback: impl FnOnce(T) -> T + 'static) -> Self {
        let Some(node) = &self.node else { return Self::constant(value) };
        node.check_current();
        let (input, out) = (node.id, node.tape.node());
        let id = out.id;
        node.tape.push(move |g| {
            if let Some(cotangent) = g.take_at(id) {
                g.add(input, pullback(cotangent));
            }
        });
        Self { value, node: Some(out) }
    }

    /// The same for two; a pullback is run only where a gradient is wanted.
    #[track_caller]
    pub(super) fn binary(
        a: &Self,
        b: &Self,
        value: T,
        to_a: impl FnOnce(&T) -> T + 'static,
        to_b: impl FnOnce(T) -> T + 'static,
    ) -> Self {
        let Some(tape) = Self::tape([a, b]) else { return Self::constant(value) };
        let (a, b, out) = (a.id(), b.id(), tape.node());
        let id = out.id;
        tape.push(move |g| {
            let Some(cotangent) = g.take_at(id) else { return };
            if let Some(a) = a {
                g.add(a, to_a(&cotangent));
            }
            if let Some(b) = b {
                g.add(b, to_b(cotangent));
            }
        });
        Self { value, node: Some(out) }
    }
}

/// A cotangent in the form of the operand it belongs to: summed up where a scalar had been spread.
fn fit<T: Tensor>(cotangent: T, shape: &[usize]) -> T {
    if cotangent.shape() == shape { cotangent } else { cotangent.sum(0..cotangent.shape().len()) }
}

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

state_of_tensor!([T: Tensor<Primal = T>] Var<T>);

impl<T: Tensor<Primal = T>> Tensor for Var<T> {
    type Primal = Self;
    type Device = T::Device;

    fn from_slice(device: &T::Device, values: &[T::Real], shape: &[usize]) -> Self {
        Self::constant(T::from_slice(device, values, shape))
    }
    fn lift(primal: &Self) -> Self {
        primal.clone()
    }
    fn to_vec(&self) -> Vec<T::Real> {
        self.value.to_vec()
    }
    fn shape(&self) -> &[usize] {
        self.value.shape()
    }
    fn device(&self) -> T::Device {
        self.value.device()
    }

    fn reshape(&self, shape: &[usize]) -> Self {
        let before = self.value.shape().to_vec();
        self.unary(self.value.reshape(shape), move |g| g.reshape(&before))
    }
    fn slice(&self, axis: usize, range: Range<usize>) -> Self {
        let value = self.value.slice(axis, range.clone());
        let shape = self.value.shape().to_vec();
        self.unary(value, move |g| {
            let zeros = |length| {
                let mut part = shape.clone();
                part[axis] = length;
                T::from_slice(&g.device(), &vec![T::Real::default(); common::size(&part)], &part)
            };
            let (before, after) = (zeros(range.start), zeros(shape[axis] - range.end));
            T::concat(&[before, g, after], axis)
        })
    }
    fn concat(parts: &[Self], axis: usize) -> Self {
        let values: Vec<T> = parts.iter().map(|p| p.value.clone()).collect();
        let value = T::concat(&values, axis);
        let Some(tape) = Self::tape(parts) else { return Self::constant(value) };
        let inputs: Vec<_> = parts.iter().map(|p| (p.id(), p.shape()[axis])).collect();
        let out = tape.node();
        let id = out.id;
        tape.push(move |g| {
            let Some(cotangent) = g.take_at(id) else { return };
            let mut start = 0;
            for (input, length) in inputs {
                if let Some(input) = input {
                    g.add(input, cotangent.slice(axis, start..start + length));
                }
                start += length;
            }
        });
        Self { value, node: Some(out) }
    }
    fn sum(&self, axes: Range<usize>) -> Self {
        let value = self.value.sum(axes.clone());
        let sizes = self.value.shape()[axes.clone()].to_vec();
        self.unary(value, move |g| g.spread(axes.start, &sizes))
    }
    fn spread(&self, at: usize, sizes: &[usize]) -> Self {
        let axes = at..at + sizes.len();
        self.unary(self.value.spread(at, sizes), move |g| g.sum(axes))
    }
    fn product(a: &Self, a_order: Order, b: &Self, b_order: Order, onto: Option<Self>) -> Self {
        let product = matrix_products(a, a_order, b, b_order, |a, a_order, b, b_order| T::product(a, a_order, b, b_order, None));
        match onto {
            None => product,
            Some(onto) => onto + product,
        }
    }
    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Self {
        let value = self.value.linear(&weight.value, bias.map(|b| &b.value));
        let Some(tape) = Self::tape([self, weight].into_iter().chain(bias)) else { return Self::constant(value) };
        let (x, w) = (self.value.clone(), weight.value.clone());
        let (x_id, w_id, b_id, out) = (self.id(), weight.id(), bias.and_then(Self::id), tape.node());
        let id = out.id;
        tape.push(move |g| {
            let Some(cotangent) = g.take_at(id) else { return };
            let (rows, inputs, outputs) = common::check_linear(x.shape(), w.shape(), None);
            let flat = cotangent.reshape(&[rows, outputs]);
            if let Some(w_id) = w_id {
                // added up inside the matrix product, not after it
                let sum = g.take_at(w_id);
                let x = x.reshape(&[rows, inputs]);
                g.set(w_id, T::product(&x, Order::Transposed, &flat, Order::Plain, sum));
            }
            if let Some(b_id) = b_id {
                g.add(b_id, flat.sum(0..1));
            }
            if let Some(x_id) = x_id {
                g.add(x_id, T::product(&flat, Order::Plain, &w, Order::Transposed, None).reshape(x.shape()));
            }
        });
        Self { value, node: Some(out) }
    }
    fn activate(&self, f: Activation) -> Self {
        let x = self.value.clone();
        self.unary(x.activate(f), move |g| x.activate_pullback(&g, f))
    }
    fn activate_with_tangent(&self, dx: &Self, f: Activation) -> (Self, Self) {
        let (y, dy) = self.value.activate_with_tangent(&dx.value, f);
        let Some(tape) = Self::tape([self, dx]) else { return (Self::constant(y), Self::constant(dy)) };
        let (x, d) = (self.value.clone(), dx.value.clone());
        let (x_id, d_id, y_node, dy_node) = (self.id(), dx.id(), tape.node(), tape.node());
        let (y_id, dy_id) = (y_node.id, dy_node.id);
        tape.push(move |g| {
            let (to_x, to_d) = match (g.take_at(y_id), g.take_at(dy_id)) {
                (None, None) => return,
                (Some(y), None) => (x.activate_pullback(&y, f), None),
                (y, Some(dy)) => {
                    let y = y.unwrap_or_else(|| dy.constant(0.0));
                    let (to_x, to_d) = x.activate_with_tangent_pullback(&d, &y, &dy, f);
                    (to_x, Some(to_d))
                }
            };
            if let Some(x_id) = x_id {
                g.add(x_id, to_x);
            }
            if let (Some(d_id), Some(to_d)) = (d_id, to_d) {
                g.add(d_id, to_d);
            }
        });
        (Self { value: y, node: Some(y_node) }, Self { value: dy, node: Some(dy_node) })
    }
}

/// `a b` by `product`, each as it is or transposed.
pub(super) fn matrix_products<T: Tensor<Primal = T>>(
    a: &Var<T>,
    a_order: Order,
    b: &Var<T>,
    b_order: Order,
    product: fn(&T, Order, &T, Order) -> T,
) -> Var<T> {
    use Order::{Plain, Transposed};
    let value = product(&a.value, a_order, &b.value, b_order);
    let (x, y) = (a.value.clone(), b.value.clone());
    // for C = A B: dA = dC B', dB = A' dC; of a transposed operand, the transpose of that
    let to_a = move |g: &T| match (a_order, b_order) {
        (Plain, Plain) => product(g, Plain, &y, Transposed),
        (Plain, Transposed) => product(g, Plain, &y, Plain),
        (Transposed, Plain) => product(&y, Plain, g, Transposed),
        (Transposed, Transposed) => product(&y, Transposed, g, Transposed),
    };
    let to_b = move |g: T| match (b_order, a_order) {
        (Plain, Plain) => product(&x, Transposed, &g, Plain),
        (Plain, Transposed) => product(&x, Plain, &g, Plain),
        (Transposed, Plain) => product(&g, Transposed, &x, Plain),
        (Transposed, Transposed) => product(&g, Transposed, &x, Transposed),
    };
    Var::binary(a, b, value, to_a, to_b)
}
