//! n-dimensional arrays: the operations that networks need beyond arithmetic.

mod activation;
mod broadcast;
#[cfg_attr(not(any(feature = "cuda", feature = "ndarray", feature = "dfdx")), allow(dead_code, reason = "backends use it"))]
pub(crate) mod common;
mod dual;
pub(crate) mod image;
mod normalization;
mod permutation;
mod product;
pub(crate) mod softmax;
mod tape;
mod var;

pub use activation::Activation;
pub(crate) use common::state_of_tensor;
pub use image::{ImageTensor, Window};
pub use normalization::Normalization;
pub use tape::{Gradients, Tape};
pub use var::Var;

use crate::{Number, Real, State};
use std::ops::Range;

/// An n-dimensional array of floats: a [`Number`] elementwise, a [`State`] whose first axis counts samples.
///
/// Backends implement the forward kernels below. Derivatives come from two decorators over any backend: [`Dual`](crate::Dual)
/// (forward mode) and [`Var`] (reverse mode); `Dual<Var<T>>` is reverse over forward.
///
/// Elementwise operators take equal shapes, or a scalar (shape `[]`) on either side. As a [`State`], the time of a tensor of
/// shape `[batch, …]` has shape `[batch]`, or `[]` for one time for all.
///
/// # Panics
/// Operations on shapes that do not fit panic with both shapes in the message.
///
/// ```
/// use flowmap::{Tensor, backend::ndarray::NdTensor};
/// let x = NdTensor::<f32>::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
/// assert_eq!(x.sum(0..1).to_vec(), [5.0, 7.0, 9.0]);
/// assert_eq!(x.slice(1, 1..2).shape(), [2, 1]);
/// ```
pub trait Tensor: Number + State<Time = Self> {
    /// The type of parameters: this tensor without tangent.
    type Primal: Tensor<Real = Self::Real, Primal = Self::Primal, Device = Self::Device>;
    /// Where tensors are stored; `()` if there is only one place.
    type Device: Clone + 'static;

    /// A tensor with these values, row by row, on this device.
    ///
    /// # Panics
    /// If the number of values is not the product of the shape.
    fn from_slice_on(device: &Self::Device, values: &[Self::Real], shape: &[usize]) -> Self;
    /// A tensor with these values, row by row, where there is no choice of devices, or on the one that is the default.
    ///
    /// # Panics
    /// If the number of values is not the product of the shape.
    fn from_slice(values: &[Self::Real], shape: &[usize]) -> Self
    where
        Self::Device: Default,
    {
        Self::from_slice_on(&Self::Device::default(), values, shape)
    }
    /// As [`from_slice`](Self::from_slice), from numbers in double precision, which are rounded.
    ///
    /// # Panics
    /// As [`from_slice`](Self::from_slice).
    fn from_doubles(values: &[f64], shape: &[usize]) -> Self
    where
        Self::Device: Default,
    {
        Self::from_doubles_on(&Self::Device::default(), values, shape)
    }
    /// As [`from_slice_on`](Self::from_slice_on), from numbers in double precision, which are rounded.
    ///
    /// # Panics
    /// As [`from_slice_on`](Self::from_slice_on).
    fn from_doubles_on(device: &Self::Device, values: &[f64], shape: &[usize]) -> Self {
        let values: Vec<_> = values.iter().map(|&x| Self::Real::from_f64(x)).collect();
        Self::from_slice_on(device, &values, shape)
    }
    /// A parameter as a constant of this kind.
    fn from_primal(primal: &Self::Primal) -> Self;
    /// The values, row by row, copied to the host.
    fn to_vec(&self) -> Vec<Self::Real>;
    /// The length of every axis.
    fn shape(&self) -> &[usize];
    /// Where the tensor is stored.
    fn device(&self) -> Self::Device;

    /// The same values in another shape of the same size.
    #[must_use]
    fn reshape(&self, shape: &[usize]) -> Self;
    /// The part of `axis` that lies in `range`.
    #[must_use]
    fn slice(&self, axis: usize, range: Range<usize>) -> Self;
    /// Tensors joined along `axis`; all other axes must agree.
    #[must_use]
    fn concat(parts: &[Self], axis: usize) -> Self;
    /// The sum over a range of axes, which disappear.
    #[must_use]
    fn sum(&self, axes: Range<usize>) -> Self;
    /// New axes of the given `sizes` before axis `at`, along which the values repeat: the adjoint of [`sum`](Tensor::sum).
    #[must_use]
    fn expand(&self, at: usize, sizes: &[usize]) -> Self;
    /// The axes of a range rotated to the left by `by` places, with the values moved along, as [`slice::rotate_left`] does with
    /// elements: the smallest step of [`permute`](Tensor::permute). Rotating back is the adjoint.
    ///
    /// ```
    /// use flowmap::{Tensor, backend::ndarray::NdTensor};
    /// let x = NdTensor::<f32>::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.rotate_axes(0..2, 1).to_vec(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]); // the transpose
    /// ```
    #[must_use]
    fn rotate_axes(&self, axes: Range<usize>, by: usize) -> Self;
    /// The matrix product of two matrices, each as it is or transposed, added to `onto` if that is given.
    #[must_use]
    fn matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose, onto: Option<Self>) -> Self;
    /// `x W + b` on the last axis: `[…, in]` with a weight `[in, out]` and a bias `[out]` to `[…, out]`.
    #[must_use]
    fn linear(&self, weight: &Self::Primal, bias: Option<&Self::Primal>) -> Self;

    // Compositions.

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of the tensor.
    ///
    /// ```
    /// use flowmap::{Tensor, backend::ndarray::NdTensor};
    /// let x = NdTensor::<f32>::from_slice(&[0.0; 24], &[2, 3, 4]);
    /// assert_eq!(x.permute(&[2, 0, 1]).shape(), [4, 2, 3]);
    /// ```
    ///
    /// # Panics
    /// If `axes` does not hold each axis once.
    #[must_use]
    fn permute(&self, axes: &[usize]) -> Self {
        permutation::permute(self, axes)
    }
    /// The values repeated to fill `shape`, with the last axes aligned as in NumPy: along axes of length 1, and along new axes
    /// in front. The adjoint sums.
    ///
    /// ```
    /// use flowmap::{Tensor, backend::ndarray::NdTensor};
    /// let column = NdTensor::<f32>::from_slice(&[1.0, 2.0], &[2, 1]);
    /// assert_eq!(column.broadcast(&[2, 3]).to_vec(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis that is longer than 1 has another length in `shape`.
    #[must_use]
    fn broadcast(&self, shape: &[usize]) -> Self {
        broadcast::broadcast(self, shape)
    }

    // Fused kernels. Each has a composed default, against which an override is tested.

    /// The products of the matrices of two batches, `[batch, m, k]` and `[batch, k, n]`, each as it is or transposed.
    ///
    /// ```
    /// use flowmap::{Tensor, Transpose, backend::ndarray::NdTensor};
    /// let x = NdTensor::<f32>::from_slice(&[1.0, 2.0, 3.0, 4.0], &[2, 1, 2]); // two rows
    /// assert_eq!(NdTensor::batch_matmul(&x, Transpose::No, &x, Transpose::Yes).to_vec(), [5.0, 25.0]);
    /// ```
    #[must_use]
    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        product::batch_matmul(a, a_transpose, b, b_transpose)
    }
    /// The largest value along the last axis, which disappears; NaN if there is one.
    ///
    /// # Panics
    /// If there is nothing along the last axis, or no axis.
    #[must_use]
    fn row_maximum(&self) -> Self {
        softmax::row_maximum(self)
    }
    /// `e^{x_i} / Σ_j e^{x_j}` along the last axis, whatever the size of `x`.
    ///
    /// ```
    /// use flowmap::{Tensor, backend::ndarray::NdTensor};
    /// let x = NdTensor::<f64>::from_slice(&[1e5, 1e5, -1e5], &[1, 3]);
    /// assert_eq!(x.softmax().to_vec(), [0.5, 0.5, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is nothing along the last axis, or no axis.
    #[must_use]
    fn softmax(&self) -> Self {
        softmax::value(self)
    }
    /// Groups of values normalized to mean 0 and square 1, or to square 1 alone, see [`Normalization`].
    ///
    /// # Panics
    /// If the last axis cannot be divided into the groups, or there is no axis.
    #[must_use]
    fn normalize(&self, how: Normalization) -> Self {
        how.value(self)
    }
    /// `J(x) d`, the derivative of [`normalize`](Tensor::normalize); `J` is symmetric, so this is its pullback, too.
    #[must_use]
    fn normalize_tangent(&self, d: &Self, how: Normalization) -> Self {
        common::check_equal("normalize_tangent", self.shape(), d.shape());
        how.tangent(self, d)
    }
    /// The gradient of `aᵀ J(x) b` with respect to `x`: the pullback of [`normalize_tangent`](Tensor::normalize_tangent).
    #[must_use]
    fn normalize_curvature(&self, a: &Self, b: &Self, how: Normalization) -> Self {
        common::check_equal("normalize_curvature", self.shape(), a.shape());
        common::check_equal("normalize_curvature", self.shape(), b.shape());
        how.curvature(self, a, b)
    }

    /// `f(x)`.
    #[must_use]
    fn activate(&self, f: Activation) -> Self {
        f.value(self)
    }
    /// `f(x)` and `f'(x) dx`.
    fn activate_with_tangent(&self, dx: &Self, f: Activation) -> (Self, Self) {
        (f.value(self), f.slope(self) * dx)
    }
    /// `f'(x) cotangent`: the pullback of [`activate`](Tensor::activate).
    #[must_use]
    fn activate_pullback(&self, cotangent: &Self, f: Activation) -> Self {
        f.slope(self) * cotangent
    }
    /// The pullback of [`activate_with_tangent`](Tensor::activate_with_tangent): cotangents `(y, dy)` of value and tangent go
    /// to `(f'(x) y + f''(x) dx dy, f'(x) dy)`.
    fn activate_with_tangent_pullback(&self, dx: &Self, y: &Self, dy: &Self, f: Activation) -> (Self, Self) {
        let (slope, curvature) = (f.slope(self), f.curvature(self));
        (slope.clone() * y + curvature * dx * dy, slope * dy)
    }
    /// `self + weight (other - self)`: an exponential moving average's step.
    #[must_use]
    fn lerp(self, other: &Self, weight: f64) -> Self {
        let step = (other.clone() - &self).scale(weight);
        self + step
    }
    /// One step of [`Adam`](AdamStep): updates `self` and the two `moments` from a gradient.
    fn adam(&mut self, moments: &mut [Self; 2], gradient: &Self, step: AdamStep) {
        common::check_adam(self, moments, gradient);
        let [first, second] = moments;
        let g = gradient.scale(step.gradient_scale);
        *first = first.clone().lerp(&g, 1.0 - step.betas[0]);
        *second = second.clone().lerp(&(g.clone() * &g), 1.0 - step.betas[1]);
        let direction = first.scale(step.first_correction);
        let change = match step.second_correction {
            None => direction,
            Some(c) => direction / (second.scale(c).sqrt().shift(step.epsilon)),
        };
        *self = self.clone() - change.scale(step.rate);
    }
}

/// Whether a matrix enters a product as it is or transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transpose {
    /// As it is.
    No,
    /// Transposed.
    Yes,
}

/// The scalars of one step of Adam or RAdam, see [`Tensor::adam`].
///
/// `m ← β₁ m + (1-β₁) g`, `v ← β₂ v + (1-β₂) g²`, then
/// `x ← x - rate · c₁ m / (√(c₂ v) + ε)`, or without the denominator where there is no `c₂`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The learning rate, with every rectification.
    pub rate: f64,
    /// The decay of the two moments.
    pub betas: [f64; 2],
    /// The number added to the root of the second moment.
    pub epsilon: f64,
    /// `c₁`: the bias correction of the first moment.
    pub first_correction: f64,
    /// `c₂`: the bias correction of the second moment; `None` takes a step without it.
    pub second_correction: Option<f64>,
    /// The factor of the gradient, for gradient clipping.
    pub gradient_scale: f64,
}
