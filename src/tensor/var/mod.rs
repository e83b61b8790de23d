//! Reverse mode: variables over any backend's tensors.

mod number;

use super::{
    Activation, Normalization, Tensor, Transpose, common, softmax, state_of_tensor,
    tape::{Node, Tape},
};
use std::ops::Range;

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

    /// The common tape of these, if any.
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

    /// As [`unary`](Self::unary) on two variables; a pullback is run only where a gradient is wanted.
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

state_of_tensor!([T: Tensor<Primal = T>] Var<T>);

impl<T: Tensor<Primal = T>> Tensor for Var<T> {
    type Primal = Self;
    type Device = T::Device;

    fn from_slice_on(device: &T::Device, values: &[T::Real], shape: &[usize]) -> Self {
        Self::constant(T::from_slice_on(device, values, shape))
    }
    fn from_primal(primal: &Self) -> Self {
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
                T::from_slice_on(&g.device(), &vec![T::Real::default(); common::size(&part)], &part)
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
        self.unary(value, move |g| g.expand(axes.start, &sizes))
    }
    fn expand(&self, at: usize, sizes: &[usize]) -> Self {
        let axes = at..at + sizes.len();
        self.unary(self.value.expand(at, sizes), move |g| g.sum(axes))
    }
    fn rotate_axes(&self, axes: Range<usize>, by: usize) -> Self {
        let value = self.value.rotate_axes(axes.clone(), by);
        self.unary(value, move |g| g.rotate_axes(axes.clone(), axes.len() - by))
    }
    fn matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose, onto: Option<Self>) -> Self {
        let product = matrix_products(a, a_transpose, b, b_transpose, |a, a_transpose, b, b_transpose| {
            T::matmul(a, a_transpose, b, b_transpose, None)
        });
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
                g.set(w_id, T::matmul(&x, Transpose::Yes, &flat, Transpose::No, sum));
            }
            if let Some(b_id) = b_id {
                g.add(b_id, flat.sum(0..1));
            }
            if let Some(x_id) = x_id {
                g.add(x_id, T::matmul(&flat, Transpose::No, &w, Transpose::Yes, None).reshape(x.shape()));
            }
        });
        Self { value, node: Some(out) }
    }
    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        matrix_products(a, a_transpose, b, b_transpose, T::batch_matmul)
    }
    fn softmax(&self) -> Self {
        let y = self.value.softmax();
        self.unary(y.clone(), move |g| softmax::tangent(&y, &g))
    }
    fn normalize(&self, how: Normalization) -> Self {
        let x = self.value.clone();
        self.unary(x.normalize(how), move |g| x.normalize_tangent(&g, how))
    }
    fn normalize_tangent(&self, d: &Self, how: Normalization) -> Self {
        let value = self.value.normalize_tangent(&d.value, how);
        let (x, direction) = (self.value.clone(), d.value.clone());
        let same = x.clone();
        let to_x = move |g: &T| x.normalize_curvature(g, &direction, how);
        Self::binary(self, d, value, to_x, move |g| same.normalize_tangent(&g, how))
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
fn matrix_products<T: Tensor<Primal = T>>(
    a: &Var<T>,
    a_transpose: Transpose,
    b: &Var<T>,
    b_transpose: Transpose,
    product: fn(&T, Transpose, &T, Transpose) -> T,
) -> Var<T> {
    use Transpose::{No, Yes};
    let value = product(&a.value, a_transpose, &b.value, b_transpose);
    let (x, y) = (a.value.clone(), b.value.clone());
    // for C = A B: dA = dC B', dB = A' dC; of a transposed operand, the transpose of that
    let to_a = move |g: &T| match (a_transpose, b_transpose) {
        (No, No) => product(g, No, &y, Yes),
        (No, Yes) => product(g, No, &y, No),
        (Yes, No) => product(&y, No, g, Yes),
        (Yes, Yes) => product(&y, Yes, g, Yes),
    };
    let to_b = move |g: T| match (b_transpose, a_transpose) {
        (No, No) => product(&x, Yes, &g, No),
        (No, Yes) => product(&x, No, &g, No),
        (Yes, No) => product(&g, Yes, &x, No),
        (Yes, Yes) => product(&g, Yes, &x, Yes),
    };
    Var::binary(a, b, value, to_a, to_b)
}
