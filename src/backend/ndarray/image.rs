//! Images in `ndarray` arrays.

use super::{Element, NdTensor, convolution, convolution::Gather, resolution};
use crate::{
    ImageTensor, Tensor, Window,
    tensor::image::{Taps, shapes},
};

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

    fn downsample(&self, factor: usize) -> Self {
        let shape = shapes::downsample(self.shape(), factor);
        Self::with(resolution::downsample(self.slice_of(), shape, factor), &shape)
    }
    fn upsample(&self, factor: usize) -> Self {
        let shape = shapes::upsample(self.shape(), factor);
        Self::with(resolution::upsample(self.slice_of(), shape, factor), &shape)
    }
}
