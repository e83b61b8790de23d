//! Tensors of the library `dfdx`, on any of its devices.
//!
//! Only its arrays and forward kernels are used: derivatives come from [`Dual`](crate::Dual) and [`Var`](crate::Var), networks
//! and optimizers from this crate.
//!
//! Performance:
//! - Nothing is fused: each operation is a pass over memory, and on CUDA a kernel launch with an allocation. On the CPU only
//!   matrix products use several threads and SIMD instructions.
//! - Expanding, summing, slicing and joining walk the elements one index at a time on the CPU.
//! - `atan`, `erf` and `floor` are computed on the host.
//! - [`Mask::any`](crate::Mask::any) and [`to_vec`](crate::Tensor::to_vec) copy to the host and wait for the device.
//! - [`concat`](crate::Tensor::concat) along any axis but the first transposes every part on CUDA, and the whole back.
//! - Sums on CUDA are added in no fixed order, so their last bits may change from run to run.
//!
//! On CUDA only kernels compiled with the program are used. dfdx compiles others at first use, from files of the machine that
//! built the program (`concat_along`, `stack`, `to_dtype`, `reshape` and `contiguous` of views that are not row-major); these run
//! only if a program calls them itself, on an [`array`](DfdxTensor::array). dfdx panics if the GPU fails, for example when its
//! memory is full.

#[cfg(feature = "dfdx-cuda")]
mod cuda;
mod image;
mod layout;
mod mask;
mod number;

#[cfg(feature = "dfdx-cuda")]
pub use cuda::cuda;
pub use mask::DfdxMask;

use crate::tensor::{common, state_of_tensor};
use crate::{Activation, Real, Tensor, Transpose};
use ::dfdx::{
    dtypes::Dtype,
    shapes::{Axes2, Axes3, Axes4, Axis, HasShape, Shape},
    tensor::{Tensor as Array, TensorFromVec, ZerosTensor},
    tensor_ops::{BroadcastTo, Device, PermuteTo, ReshapeTo, SumTo, TryMatMul},
};
use std::ops::Range;

/// A float that this crate and dfdx both compute with: `f32`, `f64`.
pub trait Element: Real + Dtype {
    /// A bound whose exponential is still far from overflow.
    const EXP_MAX: f64;
}
impl Element for f32 {
    const EXP_MAX: f64 = 87.0;
}
impl Element for f64 {
    const EXP_MAX: f64 = 700.0;
}

/// A tensor in an array of dfdx on the device `D`, such as `dfdx::tensor::Cpu`.
///
/// Always contiguous; cloning is a reference count, and so is changing the shape.
///
/// ```
/// use flowmap::{Number, Tensor, backend::dfdx::DfdxTensor, dfdx::tensor::Cpu};
/// let device = Cpu::default();
/// let x = DfdxTensor::from_slice_on(&device, &[0.0_f32, 1.0, 2.0, 3.0], &[2, 2]);
/// assert_eq!(x.shift(1.0).sum(0..1).to_vec(), [4.0, 6.0]);
/// assert_eq!(DfdxTensor::from(x.array((4,))).reshape(&[2, 2]).to_vec(), x.to_vec());
/// ```
// In dfdx the shape of an array is part of its type, rank and all: so the array has one axis, and the shape is stored separately.
// An empty tensor holds one element that nobody reads: CUDA can neither allocate nor launch on nothing.
#[derive(Clone, Debug)]
pub struct DfdxTensor<E: Element, D: Device<E>> {
    data: Flat<E, D>,
    shape: Vec<usize>,
}

type Flat<E, D> = Array<(usize,), E, D>;
type Matrix<E, D> = Array<(usize, usize), E, D>;
type Batch<E, D> = Array<(usize, usize, usize), E, D>;

/// The number of elements stored for this shape.
fn stored(shape: &[usize]) -> usize {
    common::size(shape).max(1)
}

impl<S: Shape, E: Element, D: Device<E>> From<Array<S, E, D>> for DfdxTensor<E, D> {
    fn from(array: Array<S, E, D>) -> Self {
        let shape: Vec<usize> = array.shape().concrete().into_iter().collect();
        if common::size(&shape) == 0 {
            return Self::zeros(array.device(), &shape);
        }
        // dfdx does not tell which arrays are row-major already
        Self::with(layout::copied(array), shape)
    }
}

impl<E: Element, D: Device<E>> DfdxTensor<E, D> {
    /// The values as an array of dfdx with the shape `shape` of the same size.
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn array<S: Shape>(&self, shape: S) -> Array<S, E, D> {
        let to: Vec<usize> = shape.concrete().into_iter().collect();
        common::check_reshape(&self.shape, &to);
        if common::size(&to) == 0 {
            return ZerosTensor::<E>::zeros_like(self.data.device(), &shape);
        }
        self.data.clone().reshape_like(&shape)
    }

    /// From an array in row-major order.
    fn with<S: Shape>(data: Array<S, E, D>, shape: Vec<usize>) -> Self {
        Self { data: data.reshape_like(&(stored(&shape),)), shape }
    }

    fn zeros(device: &D, shape: &[usize]) -> Self {
        Self { data: ZerosTensor::<E>::zeros_like(device, &(stored(shape),)), shape: shape.to_vec() }
    }

    fn apply(self, f: impl FnOnce(Flat<E, D>) -> Flat<E, D>) -> Self {
        Self { data: f(self.data), shape: self.shape }
    }

    #[track_caller]
    fn combine(self, other: &Self, what: &str, f: impl FnOnce(Flat<E, D>, Flat<E, D>) -> Flat<E, D>) -> Self {
        let shape = common::joint(what, &self.shape, &other.shape).to_vec();
        Self { data: f(self.stretched(&shape), other.clone().stretched(&shape)), shape }
    }

    /// The array itself, or where a scalar meets others, a view that repeats its only element.
    fn stretched(self, to: &[usize]) -> Flat<E, D> {
        if self.shape == to {
            return self.data;
        }
        self.data.reshape_like(&()).broadcast_like::<(usize,), Axis<0>>(&(stored(to),))
    }

    /// As a matrix, transposed by exchanging its strides.
    fn matrix(&self, transpose: Transpose) -> Matrix<E, D> {
        let matrix = self.data.clone().reshape_like(&(self.shape[0], self.shape[1]));
        if transpose == Transpose::No { matrix } else { matrix.permute::<(usize, usize), Axes2<1, 0>>() }
    }

    /// As matrices, transposed by exchanging their strides.
    fn matrices(&self, transpose: Transpose) -> Batch<E, D> {
        let matrices = self.data.clone().reshape_like(&(self.shape[0], self.shape[1], self.shape[2]));
        if transpose == Transpose::No { matrices } else { matrices.permute::<_, Axes3<0, 2, 1>>() }
    }

    /// `σ(p(x))`, `1 - σ(p(x))` without cancellation, `p'(x)`.
    fn gate(&self, f: Activation) -> (Flat<E, D>, Flat<E, D>, Flat<E, D>) {
        let (a, b) = f.inner();
        let [a, b, b3] = [a, b, 3.0 * b].map(<E as Real>::from_f64);
        let x = || self.data.clone();
        let square = x().square();
        let p = (square.clone() * b + a) * x();
        let e = p.negate().clamp(-E::EXP_MAX, E::EXP_MAX).exp();
        let s = (e.clone() + E::ONE).recip();
        (s.clone(), e * s, square * b3 + a)
    }

    /// `f(x)` and `f'(x)`.
    fn value_and_slope(&self, f: Activation) -> (Flat<E, D>, Flat<E, D>) {
        let (s, rest, dp) = self.gate(f);
        let value = s.clone() * self.data.clone();
        (value.clone(), value * rest * dp + s)
    }

    fn like(&self, data: Flat<E, D>) -> Self {
        Self { data, shape: self.shape.clone() }
    }
}

state_of_tensor!([E: Element, D: Device<E>] DfdxTensor<E, D>);

impl<E: Element, D: Device<E>> Tensor for DfdxTensor<E, D> {
    type Primal = Self;
    type Device = D;

    fn from_slice_on(device: &D, values: &[E], shape: &[usize]) -> Self {
        let found = [values.len()];
        assert!(found[0] == common::size(shape), "from_slice: {found:?} values do not fill the shape {shape:?}");
        if values.is_empty() {
            return Self::zeros(device, shape);
        }
        Self { data: TensorFromVec::<E>::tensor_from_vec(device, values.to_vec(), (values.len(),)), shape: shape.to_vec() }
    }
    fn from_primal(primal: &Self) -> Self {
        primal.clone()
    }
    fn to_vec(&self) -> Vec<E> {
        let mut values = self.data.as_vec();
        values.truncate(common::size(&self.shape));
        values
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn device(&self) -> D {
        self.data.device().clone()
    }

    fn reshape(&self, shape: &[usize]) -> Self {
        common::check_reshape(&self.shape, shape);
        Self { data: self.data.clone(), shape: shape.to_vec() }
    }
    fn slice(&self, axis: usize, range: Range<usize>) -> Self {
        common::check_slice(&self.shape, axis, &range);
        let (outer, length, inner) = common::around("slice", &self.shape, &(axis..axis + 1));
        let mut shape = self.shape.clone();
        shape[axis] = range.len();
        if common::size(&shape) == 0 {
            return Self::zeros(self.data.device(), &shape);
        }
        if range.len() == length {
            return self.clone();
        }
        Self::with(self.data.clone().reshape_like(&(outer, length, inner)).slice((0..outer, range, 0..inner)), shape)
    }
    fn concat(parts: &[Self], axis: usize) -> Self {
        let shape = common::concat_shape(parts.iter().map(Tensor::shape), axis);
        let (outer, ..) = common::around("concat", &shape, &(axis..axis + 1));
        let full = parts.iter().filter(|p| common::size(&p.shape) > 0);
        match layout::joined(full.map(|p| p.data.clone()), outer) {
            Some(whole) => Self::with(whole, shape),
            None => Self::zeros(parts[0].data.device(), &shape),
        }
    }
    fn sum(&self, axes: Range<usize>) -> Self {
        let (outer, middle, inner) = common::around("sum", &self.shape, &axes);
        let mut shape = self.shape.clone();
        shape.drain(axes);
        if outer * middle * inner == 0 {
            return Self::zeros(self.data.device(), &shape);
        }
        if middle == 1 {
            return Self { data: self.data.clone(), shape };
        }
        let blocks = self.data.clone().reshape_like(&(outer, middle, inner));
        Self::with(blocks.sum::<(usize, usize), Axis<1>>(), shape)
    }
    fn expand(&self, at: usize, sizes: &[usize]) -> Self {
        let (outer, _, inner) = common::around("expand", &self.shape, &(at..at));
        let mut shape = self.shape.clone();
        shape.splice(at..at, sizes.iter().copied());
        let middle = common::size(sizes);
        if common::size(&shape) == 0 {
            return Self::zeros(self.data.device(), &shape);
        }
        if middle == 1 {
            return Self { data: self.data.clone(), shape };
        }
        let view = self.data.clone().reshape_like(&(outer, inner));
        Self::with(layout::copied(view.broadcast_like::<_, Axis<1>>(&(outer, middle, inner))), shape)
    }
    fn rotate_axes(&self, axes: Range<usize>, by: usize) -> Self {
        let ([outer, first, second, inner], shape) = common::rotated(&self.shape, &axes, by);
        if first == 1 || second == 1 || common::size(&shape) == 0 {
            return Self { data: self.data.clone(), shape };
        }
        let view = self.data.clone().reshape_like(&(outer, first, second, inner));
        Self::with(layout::copied(view.permute::<_, Axes4<0, 2, 1, 3>>()), shape)
    }
    fn matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose, onto: Option<Self>) -> Self {
        let (m, k, n) = common::check_product(&a.shape, a_transpose, &b.shape, b_transpose);
        if let Some(onto) = &onto {
            assert!(onto.shape == [m, n], "product: a result of shape {:?} is added to shape {:?}", [m, n], onto.shape);
        }
        let product = match m * k * n {
            0 => Self::zeros(a.data.device(), &[m, n]),
            _ => Self::with(a.matrix(a_transpose).matmul(b.matrix(b_transpose)), vec![m, n]),
        };
        match onto {
            Some(onto) => product + onto,
            None => product,
        }
    }
    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Self {
        let (rows, inputs, outputs) = common::check_linear(&self.shape, &weight.shape, bias.map(Tensor::shape));
        let mut shape = self.shape.clone();
        *shape.last_mut().expect("checked: rank 1 or more") = outputs;
        if rows * outputs == 0 {
            return Self::zeros(self.data.device(), &shape);
        }
        let product = match inputs {
            0 => Self::zeros(self.data.device(), &[rows, outputs]).matrix(Transpose::No),
            _ => self.data.clone().reshape_like(&(rows, inputs)).matmul(weight.matrix(Transpose::No)),
        };
        let sum = match bias {
            None => product,
            Some(bias) => product + bias.data.clone().broadcast_like::<(usize, usize), Axis<0>>(&(rows, outputs)),
        };
        Self::with(sum, shape)
    }
    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        let (count, m, k, n) = common::check_products(&a.shape, a_transpose, &b.shape, b_transpose);
        if count * m * k * n == 0 {
            return Self::zeros(a.data.device(), &[count, m, n]);
        }
        Self::with(a.matrices(a_transpose).matmul(b.matrices(b_transpose)), vec![count, m, n])
    }

    fn activate(&self, f: Activation) -> Self {
        let (a, b) = f.inner();
        let x = || self.data.clone();
        let p = (x().square() * <E as Real>::from_f64(b) + <E as Real>::from_f64(a)) * x();
        self.like(p.sigmoid() * x())
    }
    fn activate_with_tangent(&self, dx: &Self, f: Activation) -> (Self, Self) {
        common::check_equal("activate_with_tangent", &self.shape, &dx.shape);
        let (value, slope) = self.value_and_slope(f);
        (self.like(value), self.like(slope * dx.data.clone()))
    }
    fn activate_pullback(&self, cotangent: &Self, f: Activation) -> Self {
        common::check_equal("activate_pullback", &self.shape, &cotangent.shape);
        self.like(self.value_and_slope(f).1 * cotangent.data.clone())
    }
    fn activate_with_tangent_pullback(&self, dx: &Self, y: &Self, dy: &Self, f: Activation) -> (Self, Self) {
        for other in [dx, y, dy] {
            common::check_equal("activate_with_tangent_pullback", &self.shape, &other.shape);
        }
        let [x, dx, y, dy] = [self, dx, y, dy].map(|t| || t.data.clone());
        let (s, rest, dp) = self.gate(f);
        let q = s.clone() * rest;
        // f' = σ + q x p',  f'' = q (2 p' + x ((1-2σ) p'² + p''))
        let slope = q.clone() * x() * dp.clone() + s.clone();
        let [two, ddp] = [2.0, 6.0 * f.inner().1].map(<E as Real>::from_f64);
        let turn = (s * -two + E::ONE) * dp.clone().square() + x() * ddp;
        let curvature = q * (turn * x() + dp * two);
        (self.like(slope.clone() * y() + curvature * dx() * dy()), self.like(slope * dy()))
    }
}
