//! Tensor operations for image networks: convolutions, changes of resolution, channels.

mod dual;
#[cfg_attr(not(any(feature = "ndarray", feature = "dfdx")), allow(dead_code, reason = "backends use it"))]
pub(crate) mod shapes;
mod var;
mod window;

#[cfg_attr(not(any(feature = "ndarray", feature = "dfdx")), allow(unused_imports, reason = "backends use it"))]
pub(crate) use window::Taps;
pub use window::Window;

use super::Tensor;

/// Tensors of images: shape `[batch, height, width, channels]`, channels last.
///
/// Everything here is linear in the image, and has both derivatives through [`Dual`](crate::Dual) and [`Var`](crate::Var).
///
/// # Panics
/// Operations on shapes that do not fit panic with both shapes in the message.
///
/// ```
/// use flowmap::{ImageTensor, Tensor, Window, backend::ndarray::NdTensor};
/// let image = NdTensor::<f32>::from_slice(&[1.0, 2.0, 3.0, 4.0], &[1, 2, 2, 1]);
/// // the sum over a window of 3 x 3 pixels, beside which there are zeros
/// let kernel = NdTensor::from_slice(&[1.0; 9], &[3, 3, 1, 1]);
/// assert_eq!(image.conv2d(&kernel, None, Window::same(3)).to_vec(), [10.0; 4]);
/// assert_eq!(image.downsample(2).to_vec(), [2.5]);
/// assert_eq!(image.upsample(2).shape(), [1, 4, 4, 1]);
/// ```
pub trait ImageTensor: Tensor {
    /// The convolution with a kernel of shape `[height, width, in, out]`, plus a bias of shape `[out]`:
    /// `y_{ijo} = b_o + Σ_{a,b,c} x_{σi+a-π, σj+b-π, c} w_{abco}`, see [`Window`] for stride `σ` and padding `π`. The kernel is
    /// not flipped.
    #[must_use]
    fn conv2d(&self, kernel: &Self::Primal, bias: Option<&Self::Primal>, window: Window) -> Self;

    /// The adjoint of [`conv2d`](Self::conv2d) with respect to the image, also called transposed convolution: from
    /// `[batch, …, out]` back to an image of height and width `size`, `[batch, size, in]`.
    #[must_use]
    fn conv2d_adjoint(&self, kernel: &Self::Primal, window: Window, size: [usize; 2]) -> Self;

    /// The adjoint of [`conv2d`](Self::conv2d) with respect to a kernel of height and width `size`, for the image `self` and a
    /// cotangent `y` of the output: `[size, in, out]`.
    #[must_use]
    fn conv2d_kernel(&self, y: &Self, window: Window, size: [usize; 2]) -> Self;

    // Kernels with composed defaults, against which an override is tested.

    /// The mean over squares of `factor x factor` pixels: images that many times smaller.
    #[must_use]
    fn downsample(&self, factor: usize) -> Self {
        let [n, h, w, c] = shapes::downsample(self.shape(), factor);
        let rows = self.reshape(&[n * h, factor, w, factor, c]).sum(1..2);
        rows.reshape(&[n * h * w, factor, c]).sum(1..2).scale(1.0 / (factor * factor) as f64).reshape(&[n, h, w, c])
    }

    /// Each pixel repeated as a square of `factor x factor`.
    #[must_use]
    fn upsample(&self, factor: usize) -> Self {
        let [n, height, width, c] = shapes::upsample(self.shape(), factor);
        let (rows, columns) = (n * height / factor, width / factor);
        self.reshape(&[rows, columns, c]).expand(2, &[factor]).expand(1, &[factor]).reshape(&[n, height, width, c])
    }

    /// One number added to each channel of each image: `x_{nijc} + b_{nc}` for `b` of shape `[batch, channels]`.
    #[must_use]
    fn add_to_channels(&self, b: &Self) -> Self {
        let [_, h, w, _] = shapes::channels("add_to_channels", self.shape(), b.shape());
        self.clone() + b.expand(1, &[h, w])
    }

    /// One factor for each channel of each image: `x_{nijc} b_{nc}` for `b` of shape `[batch, channels]`.
    #[must_use]
    fn scale_channels(&self, b: &Self) -> Self {
        let [_, h, w, _] = shapes::channels("scale_channels", self.shape(), b.shape());
        self.clone() * b.expand(1, &[h, w])
    }
}
