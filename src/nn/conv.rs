//! The convolutional layer.

use super::{INITIALIZATION, Linear, Param, module};
use crate::{Error, ImageTensor, Result, Tensor, Window, random::stream};
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
    /// A layer of `size x size` taps and this many channels in and out, with LeCun's initialization: kernels from a normal
    /// distribution of variance `1 / (size² in)`, cut off at two standard deviations and rescaled to that variance; bias zero.
    ///
    /// ```
    /// use flowmap::{Cpu, Tensor, nn::Conv};
    /// let layer: Conv<Cpu> = Conv::new(3, [1, 4], 1)?;
    /// let images = Cpu::from_slice(&[0.5; 2 * 8 * 8], &[2, 8, 8, 1]);
    /// assert_eq!(layer.apply(&images).shape(), [2, 8, 8, 4]);
    /// assert!(Conv::<Cpu>::new(2, [1, 4], 1).is_err());
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if `size` is even: the kernel would have no pixel in its middle.
    pub fn new(size: usize, channels: [usize; 2], seed: u64) -> Result<Self>
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), size, channels, seed)
    }

    /// The same on this device.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_on(device: &P::Device, size: usize, channels: [usize; 2], seed: u64) -> Result<Self> {
        if size.is_multiple_of(2) {
            let reason = format!("a kernel of {size} x {size} taps has no middle; take an odd size");
            return Err(Error::invalid("convolution", reason));
        }
        Ok(Self::drawn(size, channels, device, &mut stream(seed, INITIALIZATION)))
    }

    /// The same with a generator.
    pub(crate) fn drawn(size: usize, [inputs, outputs]: [usize; 2], device: &P::Device, rng: &mut dyn Rng) -> Self {
        let Linear::<P> { weight, bias } = Linear::drawn(size * size * inputs, outputs, device, rng);
        Self { kernel: Param(weight.reshape(&[size, size, inputs, outputs])), bias }
    }

    /// With the kernel times `gain`: 0 for the last layer of a branch, which then begins as nothing.
    #[must_use]
    pub fn with_gain(self, gain: f64) -> Self {
        Self { kernel: Param(self.kernel.scale(gain)), ..self }
    }
}

impl<P: Tensor> Conv<P> {
    /// The convolution of images of shape `[batch, height, width, in]`.
    pub fn apply<T: ImageTensor<Primal = P>>(&self, x: &T) -> T {
        x.conv2d(&self.kernel, Some(&self.bias), Window::same(self.kernel.shape()[0]))
    }
}
