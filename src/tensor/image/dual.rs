//! Forward mode on images.

use super::{ImageTensor, Normalization, Transpose, Window, softmax_tangent};
use crate::Dual;

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
    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        bilinear(a, b, |a, b| T::batch_matmul(a, a_transpose, b, b_transpose))
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
    fn normalize(&self, how: Normalization) -> Self {
        let tangent = self.moving().map(|d| self.value().normalize_tangent(d, how));
        Self::from_parts(self.value().normalize(how), tangent)
    }
    fn softmax(&self) -> Self {
        let y = self.value().softmax();
        let tangent = self.moving().map(|d| softmax_tangent(&y, d));
        Self::from_parts(y, tangent)
    }
}

/// A function that is linear in each of two arguments.
fn bilinear<T: ImageTensor>(a: &Dual<T>, b: &Dual<T>, f: impl Fn(&T, &T) -> T) -> Dual<T> {
    let left = a.moving().map(|da| f(da, b.value()));
    let right = b.moving().map(|db| f(a.value(), db));
    let tangent = match (left, right) {
        (Some(left), Some(right)) => Some(left + right),
        (left, right) => left.or(right),
    };
    Dual::from_parts(f(a.value(), b.value()), tangent)
}
