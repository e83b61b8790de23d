//! Forward mode on tensors: value and tangent through every operation.

use super::{Activation, Normalization, Tensor, Transpose, softmax};
use crate::Dual;
use std::ops::Range;

impl<T: Tensor> Tensor for Dual<T> {
    type Primal = T::Primal;
    type Device = T::Device;

    fn from_slice_on(device: &T::Device, values: &[T::Real], shape: &[usize]) -> Self {
        Self::constant(T::from_slice_on(device, values, shape))
    }
    fn from_primal(primal: &T::Primal) -> Self {
        Self::constant(T::from_primal(primal))
    }
    fn to_vec(&self) -> Vec<T::Real> {
        self.value().to_vec()
    }
    fn shape(&self) -> &[usize] {
        self.value().shape()
    }
    fn device(&self) -> T::Device {
        self.value().device()
    }

    fn reshape(&self, shape: &[usize]) -> Self {
        self.map_linear(|x| x.reshape(shape))
    }
    fn slice(&self, axis: usize, range: Range<usize>) -> Self {
        self.map_linear(|x| x.slice(axis, range.clone()))
    }
    fn concat(parts: &[Self], axis: usize) -> Self {
        let values: Vec<T> = parts.iter().map(|p| p.value().clone()).collect();
        let tangent = parts.iter().any(|p| p.moving().is_some()).then(|| {
            let tangents: Vec<T> = parts.iter().map(|p| p.moving().cloned().unwrap_or_else(|| p.value().constant(0.0))).collect();
            T::concat(&tangents, axis)
        });
        Self::from_parts(T::concat(&values, axis), tangent)
    }
    fn sum(&self, axes: Range<usize>) -> Self {
        self.map_linear(|x| x.sum(axes.clone()))
    }
    fn expand(&self, at: usize, sizes: &[usize]) -> Self {
        self.map_linear(|x| x.expand(at, sizes))
    }
    fn rotate_axes(&self, axes: Range<usize>, by: usize) -> Self {
        self.map_linear(|x| x.rotate_axes(axes.clone(), by))
    }
    fn matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose, onto: Option<Self>) -> Self {
        let (onto, onto_tangent) = onto.map_or((None, None), |o| {
            let (value, tangent) = o.into_parts();
            (Some(value), tangent)
        });
        let left = a.moving().map(|da| (da, b.value()));
        let right = b.moving().map(|db| (a.value(), db));
        let tangent = [left, right]
            .into_iter()
            .flatten()
            .fold(onto_tangent, |sum, (a, b)| Some(T::matmul(a, a_transpose, b, b_transpose, sum)));
        Self::from_parts(T::matmul(a.value(), a_transpose, b.value(), b_transpose, onto), tangent)
    }
    fn linear(&self, weight: &T::Primal, bias: Option<&T::Primal>) -> Self {
        Self::from_parts(self.value().linear(weight, bias), self.moving().map(|d| d.linear(weight, None)))
    }
    fn batch_matmul(a: &Self, a_transpose: Transpose, b: &Self, b_transpose: Transpose) -> Self {
        bilinear(a, b, |a, b| T::batch_matmul(a, a_transpose, b, b_transpose))
    }
    fn softmax(&self) -> Self {
        let y = self.value().softmax();
        let tangent = self.moving().map(|d| softmax::tangent(&y, d));
        Self::from_parts(y, tangent)
    }
    fn normalize(&self, how: Normalization) -> Self {
        let tangent = self.moving().map(|d| self.value().normalize_tangent(d, how));
        Self::from_parts(self.value().normalize(how), tangent)
    }
    fn activate(&self, f: Activation) -> Self {
        match self.moving() {
            None => Self::constant(self.value().activate(f)),
            Some(dx) => {
                let (value, tangent) = self.value().activate_with_tangent(dx, f);
                Self::new(value, tangent)
            }
        }
    }
}

/// A function that is linear in each of two arguments.
pub(super) fn bilinear<T: Tensor>(a: &Dual<T>, b: &Dual<T>, f: impl Fn(&T, &T) -> T) -> Dual<T> {
    let left = a.moving().map(|da| f(da, b.value()));
    let right = b.moving().map(|db| f(a.value(), db));
    let tangent = match (left, right) {
        (Some(left), Some(right)) => Some(left + right),
        (left, right) => left.or(right),
    };
    Dual::from_parts(f(a.value(), b.value()), tangent)
}
