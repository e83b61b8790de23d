//! Images in `ndarray` arrays.

use super::{Element, NdTensor, convolution, convolution::Gather, normalization, product, product::Matrix, resolution};
use crate::{
    ImageTensor, Normalization, Tensor, Transpose, Window,
    tensor::{
        common::check_equal,
        image::{Taps, shapes},
    },
};
use rayon::prelude::*;

impl<F: Element> ImageTensor for NdTensor<F> {
    fn conv2d(&self, kernel: &Self, bias: Option<&Self>, window: Window) -> Self {
        let shape = shapes::conv2d(self.shape(), kernel.shape(), bias.map(Tensor::shape), window);
        let [_, height, width, channels] = shapes::image("conv2d", self.shape());
        let taps = Taps::new(window, [height, width], shapes::kernel_size(kernel.shape()));
        let bias = bias.map(Self::slice_of);
        let values = Gather::new(&taps, channels).product(shape[0], self.slice_of(), kernel.slice_of(), shape[3], bias);
        Self::with(values, &shape)
    }
    fn conv2d_adjoint(&self, kernel: &Self, window: Window, size: [usize; 2]) -> Self {
        let shape = shapes::conv2d_adjoint(self.shape(), kernel.shape(), window, size);
        let [.., inputs, outputs] = shapes::kernel("conv2d_adjoint", kernel.shape());
        let taps = Taps::adjoint(window, size, shapes::kernel_size(kernel.shape()));
        let kernel = convolution::reversed(kernel.slice_of(), inputs, outputs);
        Self::with(Gather::new(&taps, outputs).product(shape[0], self.slice_of(), &kernel, inputs, None), &shape)
    }
    fn conv2d_kernel(&self, y: &Self, window: Window, size: [usize; 2]) -> Self {
        let shape = shapes::conv2d_kernel(self.shape(), y.shape(), window, size);
        let [count, height, width, channels] = shapes::image("conv2d_kernel", self.shape());
        let gather = Gather::new(&Taps::new(window, [height, width], size), channels);
        Self::with(gather.transposed_product(count, self.slice_of(), y.slice_of(), shape[3]), &shape)
    }
    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        let (count, m, k, n) = shapes::products(a.shape(), a_transpose, b.shape(), b_transpose);
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

    fn downsample(&self, factor: usize) -> Self {
        let shape = shapes::downsample(self.shape(), factor);
        Self::with(resolution::downsample(self.slice_of(), shape, factor), &shape)
    }
    fn upsample(&self, factor: usize) -> Self {
        let shape = shapes::upsample(self.shape(), factor);
        Self::with(resolution::upsample(self.slice_of(), shape, factor), &shape)
    }
    fn normalize(&self, how: Normalization) -> Self {
        Self::with(normalization::value(how, self.shape(), self.slice_of()), self.shape())
    }
    fn normalize_tangent(&self, d: &Self, how: Normalization) -> Self {
        check_equal("normalize_tangent", self.shape(), d.shape());
        Self::with(normalization::tangent(how, self.shape(), self.slice_of(), d.slice_of()), self.shape())
    }
    fn normalize_curvature(&self, a: &Self, b: &Self, how: Normalization) -> Self {
        check_equal("normalize_curvature", self.shape(), a.shape());
        check_equal("normalize_curvature", self.shape(), b.shape());
        Self::with(normalization::curvature(how, self.shape(), self.slice_of(), [a.slice_of(), b.slice_of()]), self.shape())
    }
}
