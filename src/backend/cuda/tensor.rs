//! Tensors in the memory of a GPU: structure, products, fused kernels.

use super::Device;
use super::engine::Buffer;
use super::launch::{Matrix, Operand};
use super::library::Kernel;
use crate::tensor::{AdamStep, common, softmax::last_axis, state_of_tensor};
use crate::{Activation, Tensor, Transpose};
use std::{fmt, ops::Range, sync::Arc};

/// A tensor of `f32` in the memory of an NVIDIA GPU.
///
/// Always in row-major layout. Cloning is a reference count, and so is changing the shape; operators reuse the memory of a
/// left-hand side that is not shared. At most 2³¹ - 1 values.
///
/// Work is only queued: a function returns before the GPU has done it, and [`to_vec`](Tensor::to_vec), [`Value`](crate::Value)'s
/// `values` and [`Mask::any`](crate::Mask::any) wait for what they copy.
///
/// # Panics
/// Besides shapes that do not fit: if tensors of different GPUs meet, if a tensor would be larger than that, and if the GPU
/// fails, for example when its memory is full. Messages name the remedy, such as a smaller batch.
///
/// ```
/// use flowmap::{Error, Tensor, backend::cuda::{CudaTensor, Device}};
/// match Device::new(0) {
///     Ok(gpu) => {
///         let x = CudaTensor::from_slice_on(&gpu, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
///         assert_eq!(x.sum(0..1).to_vec(), [5.0, 7.0, 9.0]);
///     }
///     Err(Error::Unavailable { reason, .. }) => println!("on the CPU then: {reason}"),
///     Err(error) => return Err(error),
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct CudaTensor {
    pub(super) data: Arc<Buffer>,
    pub(super) shape: Vec<usize>,
    pub(super) device: Device,
}

/// The most elements of one thread in a sum or a maximum.
const ADDENDS: usize = 64;

impl CudaTensor {
    pub(super) fn with(device: &Device, data: Buffer, shape: &[usize]) -> Self {
        Self { data: Arc::new(data), shape: shape.to_vec(), device: device.clone() }
    }

    pub(super) fn size(&self) -> usize {
        common::size(&self.shape)
    }

    /// The values in memory that is not shared.
    fn own(&mut self) -> &mut Buffer {
        if Arc::get_mut(&mut self.data).is_none() {
            self.data = Arc::new(self.device.engine().duplicate(&self.data));
        }
        Arc::get_mut(&mut self.data).expect("just made")
    }

    pub(super) fn operand(&self) -> Operand<'_> {
        if self.shape.is_empty() { Operand::One(&self.data) } else { Operand::Each(&self.data) }
    }

    /// An elementwise kernel on tensors of one shape, with `R` results of that shape.
    #[track_caller]
    pub(super) fn fresh<const R: usize>(
        &self,
        kernel: Kernel,
        others: &[&Self],
        extra: Option<u32>,
        scalars: &[f64],
    ) -> [Self; R] {
        let (engine, n) = (self.device.engine(), self.size());
        let mut results: [Buffer; R] = std::array::from_fn(|_| engine.room(n));
        let operands: Vec<Operand> = [self].into_iter().chain(others.iter().copied()).map(|x| Operand::Each(&x.data)).collect();
        engine.elementwise(kernel, n, &mut results.each_mut(), &operands, extra, scalars);
        results.map(|data| Self::with(&self.device, data, &self.shape))
    }

    fn activation<const R: usize>(&self, kernel: Kernel, others: &[&Self], f: Activation) -> [Self; R] {
        let (a, b) = f.inner();
        self.fresh(kernel, others, None, &[a, b])
    }

    fn filled(device: &Device, value: f64, shape: &[usize]) -> Self {
        let (engine, n) = (device.engine(), common::size(shape));
        let mut data = engine.room(n);
        engine.elementwise(Kernel::Fill, n, &mut [&mut data], &[], None, &[value]);
        Self::with(device, data, shape)
    }

    pub(super) fn constant_like(&self, value: f64) -> Self {
        Self::filled(&self.device, value, &self.shape)
    }

    /// The sums, or the largest, over the middle axis of `(outer, middle, inner)`, in passes of at most 64 elements for each thread.
    fn in_passes(&self, kernel: Kernel, (outer, mut middle, inner): (usize, usize, usize), shape: &[usize]) -> Self {
        if middle == 1 {
            return self.reshape(shape);
        }
        let mut found = None;
        while found.is_none() || middle > 1 {
            let parts = middle.div_ceil(ADDENDS).max(1);
            let before: &Buffer = found.as_ref().unwrap_or(&self.data);
            found = Some(self.device.engine().partial(kernel, before, [outer, middle, parts, inner]));
            middle = parts;
        }
        Self::with(&self.device, found.expect("one pass or more"), shape)
    }

    /// `rows x columns` as a factor of a product.
    fn matrix(&self, rows: usize, columns: usize, transpose: Transpose) -> Matrix<'_> {
        Matrix { values: &self.data, rows, columns, transpose }
    }

    /// `a b` for each of `count` matrices, added to `start` if that is given.
    fn multiplied(device: &Device, count: usize, a: Matrix, b: Matrix, start: Option<Self>, shape: &[usize]) -> Self {
        if count * a.rows * a.columns * b.columns == 0 {
            return start.unwrap_or_else(|| Self::filled(device, 0.0, shape));
        }
        let engine = device.engine();
        match start {
            Some(mut start) => {
                engine.products(count, a, b, start.own(), true, device.tf32());
                Self { shape: shape.to_vec(), ..start }
            }
            None => {
                let mut data = engine.room(count * a.rows * b.columns);
                engine.products(count, a, b, &mut data, false, device.tf32());
                Self::with(device, data, shape)
            }
        }
    }
}

/// Shows device and shape; the values are on the GPU.
impl fmt::Debug for CudaTensor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "CudaTensor {:?} on CUDA device {}", self.shape, self.device.ordinal())
    }
}

state_of_tensor!([] CudaTensor);

impl Tensor for CudaTensor {
    type Primal = Self;
    type Device = Device;

    fn from_slice_on(device: &Device, values: &[f32], shape: &[usize]) -> Self {
        let found = [values.len()];
        assert!(found[0] == common::size(shape), "from_slice: {found:?} values do not fill the shape {shape:?}");
        Self::with(device, device.engine().upload(values), shape)
    }
    fn from_primal(primal: &Self) -> Self {
        primal.clone()
    }
    fn to_vec(&self) -> Vec<f32> {
        self.device.engine().download(&self.data, self.size())
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn device(&self) -> Device {
        self.device.clone()
    }

    fn reshape(&self, shape: &[usize]) -> Self {
        common::check_reshape(&self.shape, shape);
        Self { data: self.data.clone(), shape: shape.to_vec(), device: self.device.clone() }
    }
    fn slice(&self, axis: usize, range: Range<usize>) -> Self {
        common::check_slice(&self.shape, axis, &range);
        let (outer, length, inner) = common::around("slice", &self.shape, &(axis..axis + 1));
        if range.len() == length {
            return self.clone();
        }
        let mut shape = self.shape.clone();
        shape[axis] = range.len();
        let (engine, width) = (self.device.engine(), range.len() * inner);
        let mut part = engine.room(outer * width);
        engine.copy([outer, width], &self.data, [length * inner, range.start * inner], &mut part, [width, 0]);
        Self::with(&self.device, part, &shape)
    }
    fn concat(parts: &[Self], axis: usize) -> Self {
        let shape = common::concat_shape(parts.iter().map(Tensor::shape), axis);
        if let [one] = parts {
            return one.clone();
        }
        let (outer, length, inner) = common::around("concat", &shape, &(axis..axis + 1));
        let device = &parts[0].device;
        let mut whole = device.engine().room(common::size(&shape));
        let mut first = 0;
        for part in parts {
            let width = part.shape[axis] * inner;
            device.engine().copy([outer, width], &part.data, [width, 0], &mut whole, [length * inner, first]);
            first += width;
        }
        Self::with(device, whole, &shape)
    }
    /// In passes of at most 64 addends for each thread. An element's addends and their order depend on the length of the axes
    /// that disappear, and on nothing else.
    fn sum(&self, axes: Range<usize>) -> Self {
        let sizes = common::around("sum", &self.shape, &axes);
        let mut shape = self.shape.clone();
        shape.drain(axes);
        self.in_passes(Kernel::PartialSums, sizes, &shape)
    }
    fn row_maximum(&self) -> Self {
        let axis = last_axis("row_maximum", &self.shape);
        let (outer, middle, _) = common::around("row_maximum", &self.shape, &(axis..axis + 1));
        self.in_passes(Kernel::PartialMaxima, (outer, middle, 1), &self.shape[..axis])
    }
    fn expand(&self, at: usize, sizes: &[usize]) -> Self {
        let (outer, _, inner) = common::around("expand", &self.shape, &(at..at));
        let mut shape = self.shape.clone();
        shape.splice(at..at, sizes.iter().copied());
        let middle = common::size(sizes);
        if middle == 1 {
            return self.reshape(&shape);
        }
        Self::with(&self.device, self.device.engine().expand(&self.data, [outer, middle, inner]), &shape)
    }
    fn rotate_axes(&self, axes: Range<usize>, by: usize) -> Self {
        let (sizes, shape) = common::rotated(&self.shape, &axes, by);
        if sizes[1] == 1 || sizes[2] == 1 {
            return self.reshape(&shape);
        }
        Self::with(&self.device, self.device.engine().exchange(&self.data, sizes), &shape)
    }
    fn matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose, onto: Option<Self>) -> Self {
        let (m, k, n) = common::check_product(&a.shape, a_transpose, &b.shape, b_transpose);
        if let Some(onto) = &onto {
            assert!(onto.shape == [m, n], "product: a result of shape {:?} is added to shape {:?}", [m, n], onto.shape);
        }
        Self::multiplied(&a.device, 1, a.matrix(m, k, a_transpose), b.matrix(k, n, b_transpose), onto, &[m, n])
    }
    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        let (count, m, k, n) = common::check_products(&a.shape, a_transpose, &b.shape, b_transpose);
        let (left, right) = (a.matrix(m, k, a_transpose), b.matrix(k, n, b_transpose));
        Self::multiplied(&a.device, count, left, right, None, &[count, m, n])
    }
    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Self {
        let (rows, inputs, outputs) = common::check_linear(&self.shape, &weight.shape, bias.map(Tensor::shape));
        let mut shape = self.shape.clone();
        *shape.last_mut().expect("checked: rank 1 or more") = outputs;
        let start = bias.map(|b| b.expand(0, &[rows]).reshape(&shape));
        let (x, w) = (self.matrix(rows, inputs, Transpose::No), weight.matrix(inputs, outputs, Transpose::No));
        Self::multiplied(&self.device, 1, x, w, start, &shape)
    }

    fn activate(&self, f: Activation) -> Self {
        let [y] = self.activation(Kernel::Activate, &[], f);
        y
    }
    fn activate_with_tangent(&self, dx: &Self, f: Activation) -> (Self, Self) {
        common::check_equal("activate_with_tangent", &self.shape, &dx.shape);
        let [y, dy] = self.activation(Kernel::ActivateWithTangent, &[dx], f);
        (y, dy)
    }
    fn activate_pullback(&self, cotangent: &Self, f: Activation) -> Self {
        common::check_equal("activate_pullback", &self.shape, &cotangent.shape);
        let [to_x] = self.activation(Kernel::ActivatePullback, &[cotangent], f);
        to_x
    }
    fn activate_with_tangent_pullback(&self, dx: &Self, y: &Self, dy: &Self, f: Activation) -> (Self, Self) {
        for other in [dx, y, dy] {
            common::check_equal("activate_with_tangent_pullback", &self.shape, &other.shape);
        }
        let [to_x, to_dx] = self.activation(Kernel::ActivateWithTangentPullback, &[dx, y, dy], f);
        (to_x, to_dx)
    }
    fn lerp(self, other: &Self, weight: f64) -> Self {
        self.combine(other, "lerp", Kernel::Lerp, weight)
    }
    fn adam(&mut self, moments: &mut [Self; 2], gradient: &Self, step: AdamStep) {
        common::check_adam(self, moments, gradient);
        let [beta1, beta2] = step.betas;
        let root = step.second_correction.map_or(-1.0, f64::sqrt);
        let rate = step.rate * step.first_correction;
        let scalars = [beta1, 1.0 - beta1, beta2, 1.0 - beta2, step.gradient_scale, rate, root, step.epsilon];
        let (engine, n) = (self.device.clone(), self.size());
        let [first, second] = moments;
        let results = &mut [self.own(), first.own(), second.own()];
        engine.engine().elementwise(Kernel::Adam, n, results, &[Operand::Each(&gradient.data)], None, &scalars);
    }
}

const _: () = {
    const fn is_send_sync<T: Send + Sync + 'static>() {}
    is_send_sync::<CudaTensor>();
};
