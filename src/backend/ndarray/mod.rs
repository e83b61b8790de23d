//! The default backend, on the CPU: tensors in `ndarray` arrays. Plain arrays are states, too: an `Array1` is a point, an
//! `Array2` a batch with one point in each row.
//!
//! ```
//! use flowmap::{FlowMap, backend::ndarray::NdTensor, exact::Rotation, ndarray::{arr1, array}};
//! let turn = Rotation::new(std::f64::consts::PI)?;
//! let times = |t: [f64; 2]| NdTensor::from(arr1(&t));
//! // two points, the first for half a turn, the second for a whole one
//! let ends = turn.flow(&times([0.0, 0.0]), &times([1.0, 2.0]), &array![[1.0, 0.0], [1.0, 0.0]]);
//! assert!((ends - array![[-1.0, 0.0], [1.0, 0.0]]).iter().all(|error| error.abs() < 1e-15));
//! # Ok::<(), flowmap::Error>(())
//! ```
//!
//! Elementwise work and matrix products use every thread of the current rayon pool and the widest SIMD instructions that the
//! machine has, found at run time. Results do not depend on the number of threads.

mod batch;
mod convolution;
mod image;
mod kernel;
mod math;
mod normalization;
mod number;
mod point;
mod product;
mod resolution;

pub use math::Element;

use crate::tensor::{AdamStep, common, state_of_tensor};
use crate::{Activation, Error, Mask, Normalization, Result, Tensor, Transpose};
use kernel::Short;
use math::{Adam, Gate};
use ndarray::{ArcArray, ArrayBase, ArrayD, Data, Dimension, IxDyn};
use product::Matrix;
use rayon::prelude::*;
use std::ops::Range;

/// A tensor of `f32` or `f64` in a reference-counted `ndarray` array.
///
/// Always in standard (row-major) layout; arrays of any layout are copied on the way in. Cloning is a reference count; operators
/// reuse the memory of a left-hand side that is not shared.
///
/// ```
/// use flowmap::{Tensor, backend::ndarray::NdTensor, ndarray};
/// let a = ndarray::array![[1.0, 2.0], [3.0, 4.0]];
/// let x = NdTensor::from(a.t()); // copied: the transpose is not row-major
/// assert_eq!(x.to_vec(), [1.0, 3.0, 2.0, 4.0]);
/// assert_eq!(x.array(), a.t().into_dyn());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NdTensor<F>(ArcArray<F, IxDyn>);

impl<F: Element, S: Data<Elem = F>, D: Dimension> From<ArrayBase<S, D>> for NdTensor<F> {
    fn from(array: ArrayBase<S, D>) -> Self {
        // copy, so that the vector holds these elements only, even if `array` is a part of another
        Self::with(array.iter().copied().collect(), array.shape())
    }
}

impl<F: Element> NdTensor<F> {
    /// The tensor with these values, row by row.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of values is not the product of the shape.
    pub fn new(values: Vec<F>, shape: &[usize]) -> Result<Self> {
        let found = vec![values.len()];
        match ArcArray::from_shape_vec(IxDyn(shape), values) {
            Ok(array) => Ok(Self(array)),
            Err(_) => Err(Error::Shape { what: "a tensor's values".into(), expected: shape.to_vec(), found }),
        }
    }

    /// The values as an array.
    pub fn array(&self) -> ndarray::ArrayViewD<'_, F> {
        self.0.view()
    }

    /// The array itself; copied only where others share it.
    pub fn into_array(self) -> ArrayD<F> {
        self.0.into_owned()
    }

    /// `values` must have the size of `shape`: callers ensure this.
    fn with(values: Vec<F>, shape: &[usize]) -> Self {
        Self(ArcArray::from_shape_vec(IxDyn(shape), values).expect("a kernel fills its output"))
    }

    fn slice_of(&self) -> &[F] {
        self.0.as_slice().expect("tensors are in standard layout")
    }

    fn map(&self, f: impl Fn(F) -> F + Sync + Send + Copy) -> Self {
        let [values] = kernel::fresh([self.slice_of()], Short(move |[x]: [F; 1]| [f(x)]));
        Self::with(values, self.shape())
    }

    /// The array if it is not shared: its memory can be written to.
    fn alone(self) -> Result<ArrayD<F>, Self> {
        self.0.try_into_owned_nocopy().map_err(Self)
    }

    fn apply(self, f: impl Fn(F) -> F + Sync + Send + Copy) -> Self {
        match self.alone() {
            Ok(mut array) => {
                let x = array.as_slice_mut().expect("tensors are in standard layout");
                kernel::update([x], [], Short(move |[x]: [F; 1], []: [F; 0]| [f(x)]));
                Self(array.into_shared())
            }
            Err(shared) => shared.map(f),
        }
    }

    #[track_caller]
    fn combine(self, other: &Self, what: &str, f: impl Fn(F, F) -> F + Sync + Send + Copy) -> Self {
        let shape = common::joint(what, self.shape(), other.shape());
        if self.shape() != other.shape() {
            return match (self.shape(), other.shape()) {
                (_, []) => {
                    let c = other.slice_of()[0];
                    self.apply(move |x| f(x, c))
                }
                _ => {
                    let c = self.slice_of()[0];
                    other.map(move |x| f(c, x))
                }
            };
        }
        let shape = shape.to_vec();
        match self.alone() {
            Ok(mut array) => {
                let a = array.as_slice_mut().expect("tensors are in standard layout");
                kernel::update([a], [other.slice_of()], Short(move |[a]: [F; 1], [b]: [F; 1]| [f(a, b)]));
                Self(array.into_shared())
            }
            Err(shared) => {
                let inputs = [shared.slice_of(), other.slice_of()];
                let [values] = kernel::fresh(inputs, Short(move |[a, b]: [F; 2]| [f(a, b)]));
                Self::with(values, &shape)
            }
        }
    }

    /// The vector of values if it is not shared, a copy otherwise.
    fn into_values(self) -> Vec<F> {
        match self.alone() {
            Ok(array) => array.into_raw_vec_and_offset().0,
            Err(shared) => shared.slice_of().to_vec(),
        }
    }
}

/// Truth values, one for each element.
#[derive(Clone, Debug)]
pub struct NdMask(ArcArray<bool, IxDyn>);

impl Mask for NdMask {
    fn and(&self, other: &Self) -> Self {
        common::joint("and", self.0.shape(), other.0.shape());
        Self((&self.0 & &other.0).into_shared())
    }
    fn not(&self) -> Self {
        Self((!&self.0).into_shared())
    }
    fn any(&self) -> bool {
        self.0.iter().any(|&b| b)
    }
}

state_of_tensor!([F: Element] NdTensor<F>);

impl<F: Element> Tensor for NdTensor<F> {
    type Primal = Self;
    type Device = ();

    fn from_slice_on(_device: &(), values: &[F], shape: &[usize]) -> Self {
        Self::new(values.to_vec(), shape).unwrap_or_else(|e| panic!("{e}"))
    }
    fn from_primal(primal: &Self) -> Self {
        primal.clone()
    }
    fn to_vec(&self) -> Vec<F> {
        self.slice_of().to_vec()
    }
    fn shape(&self) -> &[usize] {
        self.0.shape()
    }
    fn device(&self) {}

    fn reshape(&self, shape: &[usize]) -> Self {
        common::check_reshape(self.shape(), shape);
        Self(self.0.clone().into_shape_with_order(IxDyn(shape)).expect("sizes were checked"))
    }
    fn slice(&self, axis: usize, range: Range<usize>) -> Self {
        common::check_slice(self.shape(), axis, &range);
        let (outer, length, inner) = common::around("slice", self.shape(), &(axis..axis + 1));
        let mut shape = self.shape().to_vec();
        shape[axis] = range.len();
        let mut values = Vec::with_capacity(common::size(&shape));
        for o in 0..outer {
            let start = (o * length + range.start) * inner;
            values.extend_from_slice(&self.slice_of()[start..start + range.len() * inner]);
        }
        Self::with(values, &shape)
    }
    fn concat(parts: &[Self], axis: usize) -> Self {
        let shape = common::concat_shape(parts.iter().map(Tensor::shape), axis);
        let (outer, _, inner) = common::around("concat", &shape, &(axis..axis + 1));
        let mut values = Vec::with_capacity(common::size(&shape));
        for o in 0..outer {
            for part in parts {
                let row = part.shape()[axis] * inner;
                values.extend_from_slice(&part.slice_of()[o * row..(o + 1) * row]);
            }
        }
        Self::with(values, &shape)
    }
    fn sum(&self, axes: Range<usize>) -> Self {
        let (outer, middle, inner) = common::around("sum", self.shape(), &axes);
        let mut shape = self.shape().to_vec();
        shape.drain(axes);
        Self::with(kernel::sum_middle(self.slice_of(), outer, middle, inner), &shape)
    }
    fn expand(&self, at: usize, sizes: &[usize]) -> Self {
        let (outer, _, inner) = common::around("expand", self.shape(), &(at..at));
        let mut shape = self.shape().to_vec();
        shape.splice(at..at, sizes.iter().copied());
        Self::with(kernel::expand_middle(self.slice_of(), outer, common::size(sizes), inner), &shape)
    }
    fn rotate_axes(&self, axes: Range<usize>, by: usize) -> Self {
        let ([_, first, second, inner], shape) = common::rotated(self.shape(), &axes, by);
        if first == 1 || second == 1 {
            return self.reshape(&shape);
        }
        Self::with(kernel::exchange_middle(self.slice_of(), first, second, inner), &shape)
    }
    fn matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose, onto: Option<Self>) -> Self {
        let (m, k, n) = common::check_product(a.shape(), a_transpose, b.shape(), b_transpose);
        let left = Matrix::new(a.slice_of(), m, k, a_transpose == Transpose::Yes);
        let right = Matrix::new(b.slice_of(), k, n, b_transpose == Transpose::Yes);
        if let Some(onto) = &onto {
            assert!(onto.shape() == [m, n], "product: a result of shape {:?} is added to shape {:?}", [m, n], onto.shape());
        }
        Self::with(product::product(left, right, onto.map(Self::into_values)), &[m, n])
    }
    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Self {
        let (rows, inputs, outputs) = common::check_linear(self.shape(), weight.shape(), bias.map(Tensor::shape));
        let mut shape = self.shape().to_vec();
        *shape.last_mut().expect("checked: rank 1 or more") = outputs;
        let x = Matrix::new(self.slice_of(), rows, inputs, false);
        let w = Matrix::new(weight.slice_of(), inputs, outputs, false);
        let start = bias.map(|b| kernel::expand_middle(b.slice_of(), 1, rows, outputs));
        Self::with(product::product(x, w, start), &shape)
    }

    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        let (count, m, k, n) = common::check_products(a.shape(), a_transpose, b.shape(), b_transpose);
        let mut out = vec![F::zero(); count * m * n];
        let [left, right] = [a, b].map(Self::slice_of);
        let each = out.par_chunks_mut((m * n).max(1)).enumerate().with_max_len(1);
        each.for_each(|(i, out)| {
            let a = Matrix::new(&left[i * m * k..(i + 1) * m * k], m, k, a_transpose == Transpose::Yes);
            let b = Matrix::new(&right[i * k * n..(i + 1) * k * n], k, n, b_transpose == Transpose::Yes);
            product::write(a, b, out, false);
        });
        Self::with(out, &[count, m, n])
    }
    fn normalize(&self, how: Normalization) -> Self {
        Self::with(normalization::value(how, self.shape(), self.slice_of()), self.shape())
    }
    fn normalize_tangent(&self, d: &Self, how: Normalization) -> Self {
        common::check_equal("normalize_tangent", self.shape(), d.shape());
        Self::with(normalization::tangent(how, self.shape(), self.slice_of(), d.slice_of()), self.shape())
    }
    fn normalize_curvature(&self, a: &Self, b: &Self, how: Normalization) -> Self {
        common::check_equal("normalize_curvature", self.shape(), a.shape());
        common::check_equal("normalize_curvature", self.shape(), b.shape());
        Self::with(normalization::curvature(how, self.shape(), self.slice_of(), [a.slice_of(), b.slice_of()]), self.shape())
    }

    fn activate(&self, f: Activation) -> Self {
        let [y] = kernel::fresh([self.slice_of()], Gate::new(f));
        Self::with(y, self.shape())
    }
    fn activate_with_tangent(&self, dx: &Self, f: Activation) -> (Self, Self) {
        common::check_equal("activate_with_tangent", self.shape(), dx.shape());
        let [y, dy] = kernel::fresh([self.slice_of(), dx.slice_of()], Gate::new(f));
        (Self::with(y, self.shape()), Self::with(dy, self.shape()))
    }
    fn activate_pullback(&self, cotangent: &Self, f: Activation) -> Self {
        common::check_equal("activate_pullback", self.shape(), cotangent.shape());
        let [to_x] = kernel::fresh([self.slice_of(), cotangent.slice_of()], Gate::new(f));
        Self::with(to_x, self.shape())
    }
    fn activate_with_tangent_pullback(&self, dx: &Self, y: &Self, dy: &Self, f: Activation) -> (Self, Self) {
        for other in [dx, y, dy] {
            common::check_equal("activate_with_tangent_pullback", self.shape(), other.shape());
        }
        let inputs = [self, dx, y, dy].map(Self::slice_of);
        let [to_x, to_dx] = kernel::fresh(inputs, Gate::new(f));
        (Self::with(to_x, self.shape()), Self::with(to_dx, self.shape()))
    }
    fn lerp(self, other: &Self, weight: f64) -> Self {
        let weight = F::from_f64(weight);
        self.combine(other, "lerp", move |a, b| weight.mul_add(b - a, a))
    }
    fn adam(&mut self, moments: &mut [Self; 2], gradient: &Self, step: AdamStep) {
        common::check_adam(self, moments, gradient);
        let [first, second] = moments;
        let slices = [self, first, second].map(|x| x.0.as_slice_mut().expect("tensors are in standard layout"));
        kernel::update(slices, [gradient.slice_of()], Adam::new(step));
    }
}

const _: () = {
    const fn is_send_sync<T: Send + Sync + 'static>() {}
    is_send_sync::<NdTensor<f32>>();
    is_send_sync::<NdTensor<f64>>();
};
