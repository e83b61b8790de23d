//! Images in arrays of dfdx.
//!
//! A convolution gathers the pixels that each output reads into a row, for all images at once, and multiplies the rows with the
//! kernel: dfdx has no other on stable Rust. That takes as many times the memory of an image as the kernel has taps.

use super::{Batch, DfdxTensor, Element, Matrix, common, layout};
use crate::{
    ImageTensor, Tensor, Transpose, Window,
    tensor::image::{Taps, shapes},
};
use ::dfdx::{
    shapes::Axes3,
    tensor::Tensor as Array,
    tensor_ops::{Device, GatherTo, PermuteTo, ReshapeTo},
};

impl<E: Element, D: Device<E>> DfdxTensor<E, D> {
    /// The pixels that each pixel reads: a row of `taps * channels` for each pixel that is written, of all images.
    fn gathered(&self, taps: &Taps) -> Self {
        let [images, .., channels] = shapes::image("conv2d", &self.shape);
        let rows = images * taps.written;
        let shape = [rows, taps.count * channels];
        if common::size(&shape) == 0 {
            return Self::zeros(self.data.device(), &shape);
        }
        let in_image = |i: usize| taps.pixels.iter().map(move |&p| i * taps.read + if p == Taps::NONE { 0 } else { p as usize });
        let index: Vec<usize> = (0..images).flat_map(in_image).collect();
        let count = index.len();
        let index: Array<(usize,), usize, D> = self.data.device().tensor_from_vec(index, (count,));
        let pixels: Matrix<E, D> = self.data.clone().reshape_like(&(images * taps.read, channels));
        let found = Self::with(pixels.gather::<(usize, usize), (usize,)>(index), vec![count, channels]);
        if !taps.pixels.contains(&Taps::NONE) {
            return found.reshape(&shape);
        }
        // taps outside the image read its first pixel, so they are multiplied by 0
        let counts: Vec<E> = taps.pixels.iter().map(|&p| if p == Taps::NONE { E::default() } else { E::ONE }).collect();
        let counts =
            Self::from_slice_on(self.data.device(), &counts, &[taps.pixels.len()]).expand(0, &[images]).expand(2, &[channels]);
        (found.reshape(&shape) * counts.reshape(&shape)).reshape(&shape)
    }

    /// A kernel `[height, width, in, out]` as a matrix `[taps * out, in]` with its taps in reversed order.
    fn reversed(&self) -> Self {
        let [height, width, inputs, outputs] = shapes::kernel("conv2d_adjoint", &self.shape);
        let taps = height * width;
        let shape = [taps * outputs, inputs];
        if common::size(&shape) == 0 {
            return Self::zeros(self.data.device(), &shape);
        }
        let index: Vec<usize> = (0..taps).rev().collect();
        let index: Array<(usize,), usize, D> = self.data.device().tensor_from_vec(index, (taps,));
        let kernel: Matrix<E, D> = self.data.clone().reshape_like(&(taps, inputs * outputs));
        let turned = kernel.gather::<(usize, usize), (usize,)>(index).reshape_like(&(taps, inputs, outputs));
        let turned: Batch<E, D> = turned.permute::<_, Axes3<0, 2, 1>>();
        Self::with(layout::copied(turned), shape.to_vec())
    }
}

impl<E: Element, D: Device<E>> ImageTensor for DfdxTensor<E, D> {
    fn conv2d(&self, kernel: &Self, bias: Option<&Self>, window: Window) -> Self {
        let shape = shapes::conv2d(&self.shape, &kernel.shape, bias.map(Tensor::shape), window);
        let [_, height, width, _] = shapes::image("conv2d", &self.shape);
        let [a, b, inputs, outputs] = shapes::kernel("conv2d", &kernel.shape);
        let rows = self.gathered(&Taps::new(window, [height, width], [a, b]));
        rows.linear(&kernel.reshape(&[a * b * inputs, outputs]), bias).reshape(&shape)
    }
    fn conv2d_adjoint(&self, kernel: &Self, window: Window, size: [usize; 2]) -> Self {
        let shape = shapes::conv2d_adjoint(&self.shape, &kernel.shape, window, size);
        let taps = Taps::adjoint(window, size, shapes::kernel_size(&kernel.shape));
        self.gathered(&taps).linear(&kernel.reversed(), None).reshape(&shape)
    }
    fn conv2d_kernel(&self, y: &Self, window: Window, size: [usize; 2]) -> Self {
        let shape = shapes::conv2d_kernel(&self.shape, &y.shape, window, size);
        let [_, height, width, _] = shapes::image("conv2d_kernel", &self.shape);
        let rows = self.gathered(&Taps::new(window, [height, width], size));
        let y = y.reshape(&[rows.shape[0], shape[3]]);
        Self::matmul(&rows, Transpose::Yes, &y, Transpose::No, None).reshape(&shape)
    }
}
