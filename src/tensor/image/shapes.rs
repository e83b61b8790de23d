//! Checks of the shapes of images.

use crate::{Window, tensor::common::check_equal};

/// `[batch, height, width, channels]`.
#[track_caller]
pub fn image(what: &str, shape: &[usize]) -> [usize; 4] {
    let Ok(image) = shape.try_into() else {
        panic!("{what}: shape {shape:?} is not that of images, [batch, height, width, channels]")
    };
    image
}

/// `[height, width, in, out]`.
#[track_caller]
pub fn kernel(what: &str, shape: &[usize]) -> [usize; 4] {
    let Ok(kernel) = shape.try_into() else {
        panic!("{what}: shape {shape:?} is not that of a kernel, [height, width, in, out]")
    };
    kernel
}

/// The height and width of a kernel.
#[track_caller]
pub fn kernel_size(shape: &[usize]) -> [usize; 2] {
    let [height, width, ..] = kernel("conv2d", shape);
    [height, width]
}

/// The shape of a convolution's output.
#[track_caller]
pub fn conv2d(x: &[usize], w: &[usize], bias: Option<&[usize]>, window: Window) -> [usize; 4] {
    let ([n, height, width, channels], [a, b, inputs, outputs]) = (image("conv2d", x), kernel("conv2d", w));
    assert!(channels == inputs, "conv2d: images of shape {x:?} and a kernel of shape {w:?} do not fit");
    if let Some(bias) = bias {
        assert!(bias == [outputs], "conv2d: a kernel of shape {w:?} and a bias of shape {bias:?} do not fit");
    }
    let [height, width] = window.output([height, width], [a, b]);
    [n, height, width, outputs]
}

/// The output shape of the adjoint of a convolution.
#[track_caller]
pub fn conv2d_adjoint(y: &[usize], w: &[usize], window: Window, [height, width]: [usize; 2]) -> [usize; 4] {
    let ([n, ..], [_, _, inputs, _]) = (image("conv2d_adjoint", y), kernel("conv2d_adjoint", w));
    let shape = [n, height, width, inputs];
    check_equal("conv2d_adjoint", &conv2d(&shape, w, None, window), y);
    shape
}

/// The kernel shape of a convolution from `x` to `y`.
#[track_caller]
pub fn conv2d_kernel(x: &[usize], y: &[usize], window: Window, [height, width]: [usize; 2]) -> [usize; 4] {
    let ([.., inputs], [.., outputs]) = (image("conv2d_kernel", x), image("conv2d_kernel", y));
    let shape = [height, width, inputs, outputs];
    check_equal("conv2d_kernel", &conv2d(x, &shape, None, window), y);
    shape
}

/// `[batch, height, width, channels]` after a reduction of the resolution.
#[track_caller]
pub fn downsample(shape: &[usize], factor: usize) -> [usize; 4] {
    let [n, height, width, channels] = image("downsample", shape);
    let fits = factor > 0 && height.is_multiple_of(factor) && width.is_multiple_of(factor);
    assert!(fits, "downsample: images of shape {shape:?} cannot be divided into squares of {factor} x {factor} pixels");
    [n, height / factor, width / factor, channels]
}

/// `[batch, height, width, channels]` after an increase of the resolution.
#[track_caller]
pub fn upsample(shape: &[usize], factor: usize) -> [usize; 4] {
    let [n, height, width, channels] = image("upsample", shape);
    assert!(factor > 0, "upsample: the factor is 0");
    [n, height * factor, width * factor, channels]
}

/// `[batch, height, width, channels]` of images for which there is one number for each channel of each image.
#[track_caller]
pub fn channels(what: &str, x: &[usize], b: &[usize]) -> [usize; 4] {
    let [n, height, width, channels] = image(what, x);
    check_equal(what, &[n, channels], b);
    [n, height, width, channels]
}
