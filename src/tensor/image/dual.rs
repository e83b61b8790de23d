//! Forward mode on images.

use super::{ImageTensor, Window};
use crate::{Dual, tensor::dual::bilinear};

impl<T: ImageTensor> ImageTensor for Dual<T> {
    fn conv2d(&self, kernel: &T::Primal, bias: Option<&T::Primal>, window: Window) -> Self {
        let tangent = self.moving().map(|d| d.conv2d(kernel, None, window));
        Self::from_parts(self.value().conv2d(kernel, bias, window), tangent)
    }
    fn conv2d_adjoint(&self, kernel: &T::Primal, window: Window, size: [usize; 2]) -> Self {
        self.map_linear(|x| x.conv2d_adjoint(kernel, window, size))
    }
    fn conv2d_kernel(&self, y: &Self, window: Window, size: [usize; 2]) -> Self {
        bilinear(self, y, |x, y| x.conv2d_kernel(y, window, size))
    }
    fn downsample(&self, factor: usize) -> Self {
        self.map_linear(|x| x.downsample(factor))
    }
    fn upsample(&self, factor: usize) -> Self {
        self.map_linear(|x| x.upsample(factor))
    }
    fn add_to_channels(&self, b: &Self) -> Self {
        let value = self.value().add_to_channels(b.value());
        let tangent = match (self.moving(), b.moving()) {
            (None, None) => None,
            (dx, None) => dx.cloned(),
            (dx, Some(db)) => Some(dx.unwrap_or(&value.constant(0.0)).add_to_channels(db)),
        };
        Self::from_parts(value, tangent)
    }
    fn scale_channels(&self, b: &Self) -> Self {
        bilinear(self, b, T::scale_channels)
    }
}
