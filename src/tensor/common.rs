//! Shape checks and the [`State`](crate::State) operations that all tensors share.

use super::{Tensor, Transpose};
use crate::{Norm, Real, Tolerance};
use std::ops::Range;

/// The size of a tensor of this shape.
pub fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// The shape of an elementwise operation's result.
#[track_caller]
pub fn joint<'a>(what: &str, a: &'a [usize], b: &'a [usize]) -> &'a [usize] {
    match (a, b) {
        _ if a == b => a,
        (a, []) => a,
        ([], b) => b,
        _ => panic!("{what}: shapes {a:?} and {b:?} differ, and neither is a scalar"),
    }
}

/// The shape of a selection between two by a mask; any of the three may be a scalar.
#[track_caller]
pub fn chosen<'a>(mask: &'a [usize], a: &'a [usize], b: &'a [usize]) -> &'a [usize] {
    joint("select", joint("select", mask, a), joint("select", mask, b))
}

/// For operations that take equal shapes only.
#[track_caller]
pub fn check_equal(what: &str, a: &[usize], b: &[usize]) {
    assert!(a == b, "{what}: shapes {a:?} and {b:?} differ");
}

/// Checks that the parameter, its moments and its gradient have one shape.
#[track_caller]
pub fn check_adam<T: Tensor>(x: &T, moments: &[T; 2], gradient: &T) {
    for other in [&moments[0], &moments[1], gradient] {
        check_equal("adam", x.shape(), other.shape());
    }
}

/// `(outer, middle, inner)` sizes around a range of axes.
#[track_caller]
pub fn around(what: &str, shape: &[usize], axes: &Range<usize>) -> (usize, usize, usize) {
    assert!(axes.start <= axes.end && axes.end <= shape.len(), "{what}: shape {shape:?} has no axes {axes:?}");
    (size(&shape[..axes.start]), size(&shape[axes.clone()]), size(&shape[axes.end..]))
}

#[track_caller]
pub fn check_reshape(from: &[usize], to: &[usize]) {
    assert!(size(from) == size(to), "reshape: shape {from:?} holds {} values, {to:?} holds {}", size(from), size(to));
}

/// `[outer, first, second, inner]` sizes around the two groups of axes that change places, and the shape that comes of it.
#[track_caller]
pub fn rotated(shape: &[usize], axes: &Range<usize>, by: usize) -> ([usize; 4], Vec<usize>) {
    let (outer, _, inner) = around("rotate_axes", shape, axes);
    assert!(by <= axes.len(), "rotate_axes: the axes {axes:?} of shape {shape:?} cannot be rotated by {by} places");
    let (first, second) = shape[axes.clone()].split_at(by);
    let sizes = [outer, size(first), size(second), inner];
    let mut rotated = shape.to_vec();
    rotated[axes.clone()].rotate_left(by);
    (sizes, rotated)
}

#[track_caller]
pub fn check_slice(shape: &[usize], axis: usize, range: &Range<usize>) {
    let fits = axis < shape.len() && range.start <= range.end && range.end <= shape[axis];
    assert!(fits, "slice: shape {shape:?} has no part {range:?} of axis {axis}");
}

/// The shape of a concatenation.
#[track_caller]
pub fn concat_shape<'a>(mut shapes: impl Iterator<Item = &'a [usize]>, axis: usize) -> Vec<usize> {
    let first = shapes.next().expect("concat: nothing to join");
    assert!(axis < first.len(), "concat: shape {first:?} has no axis {axis}");
    shapes.fold(first.to_vec(), |mut all, next| {
        let fits = all.len() == next.len() && (0..all.len()).all(|i| i == axis || all[i] == next[i]);
        assert!(fits, "concat: shapes {all:?} and {next:?} differ outside axis {axis}");
        all[axis] += next[axis];
        all
    })
}

/// `(rows, inner, columns)` of a matrix product.
#[track_caller]
pub fn check_product(a: &[usize], a_transpose: Transpose, b: &[usize], b_transpose: Transpose) -> (usize, usize, usize) {
    let sides = |shape: &[usize], order| match (shape, order) {
        (&[r, c], Transpose::No) | (&[c, r], Transpose::Yes) => Some((r, c)),
        _ => None,
    };
    match (sides(a, a_transpose), sides(b, b_transpose)) {
        (Some((m, k)), Some((l, n))) if k == l => (m, k, n),
        _ => panic!("product: matrices of shapes {a:?} ({a_transpose:?}) and {b:?} ({b_transpose:?}) do not fit"),
    }
}

/// `(batch, rows, inner, columns)` of the products of two batches of matrices.
#[track_caller]
pub fn check_products(a: &[usize], a_transpose: Transpose, b: &[usize], b_transpose: Transpose) -> (usize, usize, usize, usize) {
    let sides = |shape: &[usize], order| match (shape, order) {
        (&[n, r, c], Transpose::No) | (&[n, c, r], Transpose::Yes) => Some((n, r, c)),
        _ => None,
    };
    match (sides(a, a_transpose), sides(b, b_transpose)) {
        (Some((n, m, k)), Some((n_b, l, p))) if n == n_b && k == l => (n, m, k, p),
        _ => panic!("products: matrices of shapes {a:?} ({a_transpose:?}) and {b:?} ({b_transpose:?}) do not fit"),
    }
}

/// `(rows, in, out)` of a linear layer.
#[track_caller]
pub fn check_linear(x: &[usize], weight: &[usize], bias: Option<&[usize]>) -> (usize, usize, usize) {
    match (x, weight) {
        ([rows @ .., k], &[i, o]) if *k == i => {
            if let Some(bias) = bias {
                assert!(bias == [o], "linear: weight of shape {weight:?} and bias of shape {bias:?} do not fit");
            }
            (size(rows), i, o)
        }
        _ => panic!("linear: input of shape {x:?} and weight of shape {weight:?} do not fit"),
    }
}

/// Checks that the factor is a scalar or one value per row.
#[track_caller]
pub fn check_scaled(shape: &[usize], by: &[usize]) {
    let fits = by.is_empty() || (by.len() == 1 && shape.first() == by.first());
    assert!(fits, "scaled: a state of shape {shape:?} takes times of shape [] or [batch], not {by:?}");
}

pub fn scaled<T: Tensor>(x: &T, by: &T) -> T {
    check_scaled(x.shape(), by.shape());
    if by.shape().is_empty() || x.shape().len() == 1 {
        return x.clone() * by;
    }
    x.clone() * by.expand(1, &x.shape()[1..])
}

pub fn dot<T: Tensor>(x: &T, y: &T) -> T {
    let product = x.clone() * y;
    match x.shape().len() {
        0 | 1 => product,
        rank => product.sum(1..rank),
    }
}

pub fn advanced<T: Tensor>(x: &T, by: &T, weights: &[f64], rates: &[T]) -> T {
    let weighted = weights.iter().zip(rates).filter(|(w, _)| **w != 0.0).map(|(w, rate)| rate.scale(*w));
    match weighted.reduce(|sum, next| sum + next) {
        None => x.clone(),
        Some(sum) => scaled(&sum, by) + x,
    }
}

/// A constant tensor of one value for each sample.
fn per_sample<T: Tensor>(x: &T, value: f64) -> T {
    let shape = &x.shape()[..x.shape().len().min(1)];
    T::from_slice_on(&x.device(), &vec![T::Real::from_f64(value); size(shape)], shape)
}

pub fn choose<T: Tensor>(mask: &T::Mask, a: &T, b: &T) -> T {
    if a.shape().len() <= 1 {
        return T::select(mask, a, b);
    }
    // masks cannot be expanded, so expand numbers and compare
    let chosen = T::select(mask, &per_sample(a, 1.0), &per_sample(a, 0.0)).expand(1, &a.shape()[1..]);
    T::select(&chosen.constant(0.5).less(&chosen), a, b)
}

#[track_caller]
pub fn error_norm<T: Tensor>(error: &T, from: &T, to: &T, tolerance: &Tolerance) -> T {
    let [error, from, to] = [error, from, to].map(T::frozen);
    let shape = error.shape().to_vec();
    let (rows, inner) = (shape.first().map_or(1, |&rows| rows), size(shape.get(1..).unwrap_or(&[])));
    let allowed: Vec<T::Real> = (0..inner).map(|i| T::Real::from_f64(tolerance.floor::<T::Real>(i, inner))).collect();
    let allowed = T::from_slice_on(&error.device(), &allowed, &[inner]).expand(0, &[rows]).reshape(&shape);
    // an infinite state has no finite error: infinity less itself is NaN
    let quotient = (error + (to.clone() - &to)) / (from.abs().max(&to.abs()).scale(tolerance.relative()) + allowed);
    match tolerance.norm_kind() {
        Norm::RootMeanSquare => dot(&quotient, &quotient).scale(1.0 / inner.max(1) as f64).sqrt(),
        Norm::Maximum => quotient.abs().reshape(&[rows, inner]).row_maximum().reshape(&shape[..shape.len().min(1)]),
    }
}

#[track_caller]
pub fn split<T: Tensor, const D: usize>(x: &T) -> [T; D] {
    let shape = x.shape();
    assert!(shape.len() == 2 && shape[1] == D, "a state of {D} coordinates has shape [batch, {D}], not {shape:?}");
    std::array::from_fn(|i| x.slice(1, i..i + 1).reshape(&shape[..1]))
}

pub fn join<T: Tensor>(coordinates: &[T]) -> T {
    let batch = coordinates.iter().find_map(|c| c.shape().first().copied()).unwrap_or(1);
    let column = |c: &T| if c.shape().is_empty() { c.expand(0, &[batch, 1]) } else { c.expand(1, &[1]) };
    let columns: Vec<T> = coordinates.iter().map(column).collect();
    T::concat(&columns, 1)
}

#[track_caller]
pub fn columns<T: Tensor>(x: &T) -> Vec<T> {
    let shape = x.shape();
    assert!(shape.len() == 2, "a state with coordinates has shape [batch, dimension], not {shape:?}");
    (0..shape[1]).map(|i| x.slice(1, i..i + 1).reshape(&shape[..1])).collect()
}

/// A tensor is a state: its samples lie along the first axis.
macro_rules! state_of_tensor {
    ([$($generics:tt)*] $tensor:ty) => {
        impl<$($generics)*> crate::State for $tensor {
            type Time = Self;
            fn plus(&self, other: &Self) -> Self {
                self.clone() + other
            }
            fn minus(&self, other: &Self) -> Self {
                self.clone() - other
            }
            fn negated(&self) -> Self {
                -self.clone()
            }
            fn scaled(&self, by: &Self) -> Self {
                crate::tensor::common::scaled(self, by)
            }
            fn dot(&self, other: &Self) -> Self {
                crate::tensor::common::dot(self, other)
            }
            fn dimension(&self) -> usize {
                crate::tensor::common::size(crate::Tensor::shape(self).get(1..).unwrap_or(&[]))
            }
            fn advanced(&self, by: &Self, weights: &[f64], rates: &[Self]) -> Self {
                crate::tensor::common::advanced(self, by, weights, rates)
            }
            fn choose(mask: &<Self as crate::Number>::Mask, a: &Self, b: &Self) -> Self {
                crate::tensor::common::choose(mask, a, b)
            }
            fn error_norm(&self, from: &Self, to: &Self, tolerance: &crate::Tolerance) -> Self {
                crate::tensor::common::error_norm(self, from, to, tolerance)
            }
        }
        impl<const DIMENSION: usize, $($generics)*> crate::Coordinates<DIMENSION> for $tensor {
            fn split(&self) -> [Self; DIMENSION] {
                crate::tensor::common::split(self)
            }
            fn join(coordinates: [Self; DIMENSION]) -> Self {
                crate::tensor::common::join(&coordinates)
            }
        }
        impl<$($generics)*> crate::DynCoordinates for $tensor {
            type Row = Vec<Self>;
            fn coordinates(&self) -> Vec<Self> {
                crate::tensor::common::columns(self)
            }
            fn with_coordinates(&self, coordinates: Vec<Self>) -> Self {
                crate::tensor::common::check_equal("with_coordinates", &crate::Tensor::shape(self)[1..], &[coordinates.len()]);
                crate::tensor::common::join(&coordinates)
            }
        }
    };
}
pub(crate) use state_of_tensor;
