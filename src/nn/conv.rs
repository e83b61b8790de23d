//! The convolutional layer.

use super::{Linear, Param, module};
use crate::{ImageTensor, Tensor, Window};
use rand::Rng;

module! {
    /// A convolution that keeps the size of an image: a kernel of shape `[size, size, in, out]` with odd `size`, a bias of shape
    /// `[out]`.
    ///
    /// ```
    /// use flowmap::{Tensor, backend::ndarray::NdTensor, nn::{Conv, Param}};
    /// let tensor = |values: &[f64], shape: &[usize]| NdTensor::from_slice(values, shape);
    /// let mean = Conv { kernel: Param(tensor(&[1.0 / 9.0; 9], &[3, 3, 1, 1])), bias: Param(tensor(&[0.5], &[1])) };
    /// let image = tensor(&[9.0; 9], &[1, 3, 3, 1]);
    /// assert!((mean.apply(&image).to_vec()[4] - 9.5).abs() < 1e-14);
    /// ```
    #[derive(Clone, Debug)]
    pub struct Conv<P> {
        /// The kernel, of shape `[size, size, in, out]`.
        pub kernel: Param<P>,
        /// The bias, of shape `[out]`.
        pub bias: Param<P>,
    }
}

impl<P: Tensor<Primal = P>> Conv<P> {
    /// With LeCun's initialization: kernels from a normal distribution of variance `1 / (size² in)`, cut off at two standard
    /// deviations, and times `gain`; bias zero.
    pub(crate) fn new(size: usize, io: [usize; 2], gain: f64, device: &P::Device, rng: &mut dyn Rng) -> Self {
        let Linear::<P> { weight, bias } = Linear::drawn(size * size * io[0], io[1], device, rng);
        Self { kernel: Param(weight.reshape(&[size, size, io[0], io[1]]).scale(gain)), bias }
    }
}

impl<P: Tensor> Conv<P> {
    /// The convolution of images of shape `[batch, height, width, in]`.
    pub fn apply<T: ImageTensor<Primal = P>>(&self, x: &T) -> T {
        x.conv2d(&self.kernel, Some(&self.bias), Window::same(self.kernel.shape()[0]))
    }
}
