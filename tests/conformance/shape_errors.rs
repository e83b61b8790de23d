//! Shapes that do not fit panic, and the message names both.

use crate::backend::{Backend, ImageBackend, random};
use flowmap::{Activation, AdamStep, Coordinates, ImageTensor, Mask, Normalization, Number, State, Tensor, Transpose, Window};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[track_caller]
pub fn panics<R>(what: &str, shapes: &[&[usize]], f: impl FnOnce() -> R) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(f()))) else { panic!("{what}: shapes {shapes:?} were accepted") };
    let message = payload.downcast_ref::<String>().cloned().or(payload.downcast_ref::<&str>().map(ToString::to_string));
    let message = message.expect("panics carry text");
    for shape in shapes {
        assert!(message.contains(&format!("{shape:?}")), "{what}: '{message}' does not name {shape:?}");
    }
}

pub fn zeros<B: Backend>(shape: &[usize]) -> B::T {
    random::<B>(0, shape, 0.0..1.0).tensor::<B>()
}

/// Pairs of shapes that no elementwise operation takes, though NumPy would take some.
const PAIRS: [[&[usize]; 2]; 5] = [[&[2, 3], &[3, 2]], [&[3], &[1]], [&[2, 3], &[3]], [&[6], &[2, 3]], [&[0], &[2]]];

pub fn elementwise_shapes<B: Backend>() {
    for [a, b] in PAIRS {
        let (x, y) = (zeros::<B>(a), zeros::<B>(b));
        panics("add", &[a, b], || x.clone() + &y);
        panics("sub", &[a, b], || x.clone() - &y);
        panics("mul", &[a, b], || x.clone() * y.clone());
        panics("div", &[a, b], || x.clone() / &y);
        panics("less", &[a, b], || x.less(&y));
        panics("lerp", &[a, b], || x.clone().lerp(&y, 0.5));
        let (mask, other) = (x.less(&x), y.less(&y));
        panics("and", &[a, b], || mask.and(&other));
        panics("select: mask and first", &[a, b], || B::T::select(&mask, &y, &x));
        panics("select: mask and second", &[a, b], || B::T::select(&mask, &x, &y));
        let scalar = zeros::<B>(&[]);
        panics("select: scalar mask", &[a, b], || B::T::select(&scalar.less(&scalar), &x, &y));
        panics("in_form_of", &[a, b], || x.clone().in_form_of(&y));
    }
}

pub fn structural_shapes<B: Backend>() {
    let x = zeros::<B>(&[2, 3]);
    panics("from_slice", &[&[5], &[2, 3]], || B::T::from_slice_on(&B::device(), &zeros::<B>(&[5]).to_vec(), &[2, 3]));
    panics("reshape", &[&[2, 3], &[7]], || x.reshape(&[7]));
    panics("slice: axis", &[&[2, 3]], || x.slice(2, 0..1));
    panics("slice: end", &[&[2, 3]], || x.slice(1, 0..4));
    #[allow(clippy::reversed_empty_ranges)]
    {
        panics("slice: backwards", &[&[2, 3]], || x.slice(1, 2..1));
        panics("sum: backwards", &[&[2, 3]], || x.sum(2..1));
    }
    panics("sum", &[&[2, 3]], || x.sum(0..3));
    panics("rotate_axes: axes", &[&[2, 3]], || x.rotate_axes(1..3, 1));
    panics("rotate_axes: places", &[&[2, 3]], || x.rotate_axes(0..2, 3));
    for axes in [&[0][..], &[0, 2], &[1, 1], &[0, 1, 2]] {
        panics("permute", &[&[2, 3], axes], || x.permute(axes));
    }
    for shape in [&[3][..], &[3, 2], &[2, 3, 1], &[1, 3], &[]] {
        panics("broadcast", &[&[2, 3], shape], || x.broadcast(shape));
    }
    panics("expand", &[&[2, 3]], || x.expand(3, &[2]));
    panics("concat", &[&[2, 3], &[3, 2]], || B::T::concat(&[x.clone(), zeros::<B>(&[3, 2])], 1));
    panics("concat: rank", &[&[2, 3], &[2]], || B::T::concat(&[x.clone(), zeros::<B>(&[2])], 1));
    panics("concat: axis", &[&[2, 3]], || B::T::concat(std::slice::from_ref(&x), 2));
    panics("concat: nothing", &[], || B::T::concat(&[], 0));
}

pub fn product_shapes<B: Backend>() {
    use Transpose::{No, Yes};
    let (a, b) = (zeros::<B>(&[2, 3]), zeros::<B>(&[2, 4]));
    panics("product", &[&[2, 3], &[2, 4]], || B::T::matmul(&a, No, &b, No, None));
    panics("product, transposed", &[&[2, 3], &[2, 4]], || B::T::matmul(&a, No, &b, Yes, None));
    panics("product of a vector", &[&[2, 3], &[3]], || B::T::matmul(&a, No, &zeros::<B>(&[3]), No, None));
    let onto = Some(zeros::<B>(&[4, 3]));
    panics("onto", &[&[3, 4], &[4, 3]], || B::T::matmul(&a, Yes, &b, No, onto));
    panics("onto a scalar", &[&[3, 4], &[]], || B::T::matmul(&a, Yes, &b, No, Some(zeros::<B>(&[]))));
    let w = zeros::<B>(&[3, 4]);
    panics("linear", &[&[2, 4], &[3, 4]], || b.linear(&w, None));
    panics("linear: bias", &[&[3, 4], &[3]], || a.linear(&w, Some(&zeros::<B>(&[3]))));
    panics("linear: scalar bias", &[&[3, 4], &[]], || a.linear(&w, Some(&zeros::<B>(&[]))));
    panics("linear of a scalar", &[&[], &[3, 4]], || zeros::<B>(&[]).linear(&w, None));
    panics("linear: weight", &[&[2, 3], &[3]], || a.linear(&zeros::<B>(&[3]), None));
}

pub fn kernel_shapes<B: Backend>() {
    let f = Activation::Gelu;
    let step = AdamStep {
        rate: 1.0,
        betas: [0.5, 0.5],
        epsilon: 1.0,
        first_correction: 1.0,
        second_correction: None,
        gradient_scale: 1.0,
    };
    for [a, b] in PAIRS {
        let (x, y) = (zeros::<B>(a), zeros::<B>(b));
        panics("activate_with_tangent", &[a, b], || x.activate_with_tangent(&y, f));
        panics("activate_pullback", &[a, b], || x.activate_pullback(&y, f));
        for [p, q, r] in [[&y, &x, &x], [&x, &y, &x], [&x, &x, &y]] {
            panics("activate_with_tangent_pullback", &[a, b], || x.activate_with_tangent_pullback(p, q, r, f));
            panics("adam", &[a, b], || x.clone().adam(&mut [p.clone(), q.clone()], r, step));
        }
    }
}

pub fn state_shapes<B: Backend>() {
    let x = zeros::<B>(&[2, 3]);
    panics("scaled", &[&[2, 3], &[3]], || x.scaled(&zeros::<B>(&[3])));
    panics("scaled: rank", &[&[2, 3], &[2, 3]], || x.scaled(&x));
    panics("scaled: a scalar by many", &[&[], &[3]], || zeros::<B>(&[]).scaled(&zeros::<B>(&[3])));
    panics("plus", &[&[2, 3], &[3, 2]], || x.plus(&zeros::<B>(&[3, 2])));
    panics("minus", &[&[2, 3], &[3, 2]], || x.minus(&zeros::<B>(&[3, 2])));
    panics("split", &[&[2, 3]], || -> [B::T; 2] { x.split() });
    panics("join", &[&[2, 1], &[3, 1]], || B::T::join([zeros::<B>(&[2]), zeros::<B>(&[3])]));
}

pub fn image_shapes<B: ImageBackend>() {
    let (same, x) = (Window::same(3), zeros::<B>(&[2, 4, 4, 3]));
    let kernel = zeros::<B>(&[3, 3, 3, 2]);
    panics("conv2d: rank", &[&[4, 4, 3]], || zeros::<B>(&[4, 4, 3]).conv2d(&kernel, None, same));
    panics("conv2d: kernel's rank", &[&[3, 3, 2]], || x.conv2d(&zeros::<B>(&[3, 3, 2]), None, same));
    panics("conv2d: channels", &[&[2, 4, 4, 3], &[3, 3, 2, 2]], || x.conv2d(&zeros::<B>(&[3, 3, 2, 2]), None, same));
    panics("conv2d: bias", &[&[3, 3, 3, 2], &[3]], || x.conv2d(&kernel, Some(&zeros::<B>(&[3])), same));
    panics("conv2d: kernel too large", &[&[7, 7], &[4, 4]], || x.conv2d(&zeros::<B>(&[7, 7, 3, 2]), None, same));
    panics("conv2d: no stride", &[], || x.conv2d(&kernel, None, Window { stride: 0, padding: 1 }));
    panics("conv2d_adjoint", &[&[2, 5, 5, 2], &[2, 4, 4, 2]], || zeros::<B>(&[2, 4, 4, 2]).conv2d_adjoint(&kernel, same, [5, 5]));
    panics("conv2d_kernel", &[&[2, 4, 4, 2], &[2, 3, 4, 2]], || x.conv2d_kernel(&zeros::<B>(&[2, 3, 4, 2]), same, [3, 3]));
    panics("downsample", &[&[2, 4, 4, 3]], || x.downsample(3));
    panics("downsample: nothing", &[&[2, 4, 4, 3]], || x.downsample(0));
    panics("upsample: rank", &[&[2, 3]], || zeros::<B>(&[2, 3]).upsample(2));
    panics("add_to_channels", &[&[2, 3], &[2, 4]], || x.add_to_channels(&zeros::<B>(&[2, 4])));
    panics("scale_channels", &[&[2, 3], &[3]], || x.scale_channels(&zeros::<B>(&[3])));
}

pub fn row_shapes<B: Backend>() {
    let x = zeros::<B>(&[2, 4, 4, 3]);
    panics("normalize: groups", &[&[2, 4, 4, 3]], || x.normalize(Normalization::groups(2)));
    panics("normalize: no groups", &[&[2, 4, 4, 3]], || x.normalize(Normalization::groups(0)));
    let other = zeros::<B>(&[2, 4, 4, 6]);
    panics("normalize_tangent", &[&[2, 4, 4, 3], &[2, 4, 4, 6]], || x.normalize_tangent(&other, Normalization::groups(3)));
    panics("normalize_curvature", &[&[2, 4, 4, 3], &[2, 4, 4, 6]], || {
        x.normalize_curvature(&x, &other, Normalization::groups(3))
    });
    panics("normalize of a scalar", &[], || zeros::<B>(&[]).normalize(Normalization::layer()));
    panics("row_maximum: nothing", &[&[2, 0]], || zeros::<B>(&[2, 0]).row_maximum());
    panics("row_maximum: scalar", &[&[]], || zeros::<B>(&[]).row_maximum());
    panics("softmax: nothing", &[&[2, 0]], || zeros::<B>(&[2, 0]).softmax());
    panics("softmax: scalar", &[&[]], || zeros::<B>(&[]).softmax());
    let product = |a: &[usize], b: &[usize]| {
        panics("products", &[a, b], || B::T::batch_matmul(&zeros::<B>(a), Transpose::No, &zeros::<B>(b), Transpose::No));
    };
    product(&[2, 3, 4], &[2, 3, 4]);
    product(&[2, 3, 4], &[3, 4, 5]);
    product(&[3, 4], &[4, 5]);
}
