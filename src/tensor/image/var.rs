//! Reverse mode on images.

use super::{ImageTensor, Window, shapes};
use crate::{Tensor, Var};

impl<T: ImageTensor<Primal = T>> ImageTensor for Var<T> {
    fn conv2d(&self, kernel: &Self, bias: Option<&Self>, window: Window) -> Self {
        let value = self.value().conv2d(kernel.value(), bias.map(Self::value), window);
        let Some(tape) = Self::tape([self, kernel].into_iter().chain(bias)) else { return Self::constant(value) };
        let (x, w) = (self.value().clone(), kernel.value().clone());
        let (x_id, w_id, b_id, out) = (self.id(), kernel.id(), bias.and_then(Self::id), tape.node());
        let id = out.id;
        tape.push(move |g| {
            let Some(cotangent) = g.take_at(id) else { return };
            if let Some(w_id) = w_id {
                g.add(w_id, x.conv2d_kernel(&cotangent, window, shapes::kernel_size(w.shape())));
            }
            if let Some(b_id) = b_id {
                g.add(b_id, cotangent.sum(0..3));
            }
            if let Some(x_id) = x_id {
                let [_, height, width, _] = shapes::image("conv2d", x.shape());
                g.add(x_id, cotangent.conv2d_adjoint(&w, window, [height, width]));
            }
        });
        Self { value, node: Some(out) }
    }
    fn conv2d_adjoint(&self, kernel: &Self, window: Window, size: [usize; 2]) -> Self {
        let value = self.value().conv2d_adjoint(kernel.value(), window, size);
        let (y, w) = (self.value().clone(), kernel.value().clone());
        let kernel_size = shapes::kernel_size(w.shape());
        let to_y = move |g: &T| g.conv2d(&w, None, window);
        Self::binary(self, kernel, value, to_y, move |g| g.conv2d_kernel(&y, window, kernel_size))
    }
    fn conv2d_kernel(&self, y: &Self, window: Window, size: [usize; 2]) -> Self {
        let value = self.value().conv2d_kernel(y.value(), window, size);
        let (x, dy) = (self.value().clone(), y.value().clone());
        let [_, height, width, _] = shapes::image("conv2d_kernel", x.shape());
        let to_x = move |g: &T| dy.conv2d_adjoint(g, window, [height, width]);
        Self::binary(self, y, value, to_x, move |g| x.conv2d(&g, None, window))
    }
    fn downsample(&self, factor: usize) -> Self {
        let share = 1.0 / (factor * factor) as f64;
        self.unary(self.value().downsample(factor), move |g| g.upsample(factor).scale(share))
    }
    fn upsample(&self, factor: usize) -> Self {
        let count = (factor * factor) as f64;
        self.unary(self.value().upsample(factor), move |g| g.downsample(factor).scale(count))
    }
    fn add_to_channels(&self, b: &Self) -> Self {
        let value = self.value().add_to_channels(b.value());
        Self::binary(self, b, value, T::clone, |g| channel_sums(&g))
    }
    fn scale_channels(&self, b: &Self) -> Self {
        let (x, by) = (self.value().clone(), b.value().clone());
        let value = x.scale_channels(&by);
        Self::binary(self, b, value, move |g| g.scale_channels(&by), move |g| channel_sums(&(g * &x)))
    }
}

/// The sum over pixels: `[batch, channels]`.
fn channel_sums<T: Tensor>(x: &T) -> T {
    x.sum(1..3)
}
