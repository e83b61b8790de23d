//! Checks of the shapes of images.

use crate::{
    Mask, Tensor, Transpose, Window,
    tensor::common::{check_equal, size},
};

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

/// `(batch, rows, inner, columns)` of the products of two batches of matrices.
#[track_caller]
pub fn products(a: &[usize], a_transpose: Transpose, b: &[usize], b_transpose: Transpose) -> (usize, usize, usize, usize) {
    let sides = |shape: &[usize], order| match (shape, order) {
        (&[n, r, c], Transpose::No) | (&[n, c, r], Transpose::Yes) => Some((n, r, c)),
        _ => None,
    };
    match (sides(a, a_transpose), sides(b, b_transpose)) {
        (Some((n, m, k)), Some((n_b, l, p))) if n == n_b && k == l => (n, m, k, p),
        _ => panic!("products: matrices of shapes {a:?} ({a_transpose:?}) and {b:?} ({b_transpose:?}) do not fit"),
    }
}

/// The last axis, which must not be empty.
#[track_caller]
pub fn last_axis(what: &str, shape: &[usize]) -> usize {
    assert!(shape.last().is_some_and(|&length| length > 0), "{what}: shape {shape:?} has nothing along its last axis");
    shape.len() - 1
}

/// The largest value along the last axis, which disappears; NaN if there is one.
pub fn largest<T: Tensor>(x: &T) -> T {
    let axis = last_axis("largest", x.shape());
    let rest = x.shape()[..axis].to_vec();
    let mut largest = x.reshape(&[size(&rest), x.shape()[axis]]);
    while largest.shape()[1] > 1 {
        let (width, half) = (largest.shape()[1], largest.shape()[1].div_ceil(2));
        let (a, b) = (largest.slice(1, 0..half), largest.slice(1, width - half..width));
        // a NaN of `a` wins, since no number is larger; one of `b` is seen by not being a number
        let number = b.less(&b.constant(1.0)).or(&b.constant(0.0).less(&b));
        largest = T::select(&number, &T::select(&a.less(&b), &b, &a), &b);
    }
    largest.reshape(&rest)
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::largest;
    use crate::{Tensor, backend::ndarray::NdTensor};

    #[test]
    fn the_largest_of_numbers_infinities_and_nan() {
        let of = |row: &[f64]| largest(&NdTensor::from_slice(row, &[1, row.len()])).to_vec()[0];
        let low = f64::NEG_INFINITY;
        for row in [[1.0, 3.0, 2.0], [low, 1.0, 3.0], [3.0, low, low], [3.0, 3.0, low], [-1.0, 3.0, 2.5]] {
            assert_eq!(of(&row), 3.0, "{row:?}");
        }
        assert_eq!([of(&[low, low]), of(&[2.0, f64::INFINITY, low]), of(&[f64::MAX, f64::MAX])], [low, f64::INFINITY, f64::MAX]);
        for k in 0..5 {
            let row = [0, 1, 2, 3, 4].map(|i| if i == k { f64::NAN } else { [1.0, low, f64::INFINITY, 0.0, -2.0][i] });
            assert!(of(&row).is_nan(), "{row:?}");
        }
    }
}
