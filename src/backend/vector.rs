//! Vectors of run-time length as states: one point each.

use crate::{Real, tensor::common::check_equal};

/// `f` of both vectors' coordinates, one by one.
#[track_caller]
pub(super) fn zipped<F: Real>(what: &str, a: &[F], b: &[F], f: impl Fn(F, F) -> F) -> Vec<F> {
    check_equal(what, &[a.len()], &[b.len()]);
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

/// The vector as `D` numbers.
#[track_caller]
pub(super) fn split<F: Real, const D: usize>(x: &[F]) -> [F; D] {
    let found = x.len();
    x.try_into().unwrap_or_else(|_| panic!("a state of {D} coordinates has shape [{D}], not [{found}]"))
}

/// `x + by Σ_j weights_j rates_j`, in one new vector.
#[track_caller]
pub(super) fn advanced<F: Real, X: AsRef<[F]>>(x: &[F], by: F, weights: &[f64], rates: &[X]) -> Vec<F> {
    let terms: Vec<(F, &[F])> = weights
        .iter()
        .zip(rates)
        .filter(|(weight, _)| **weight != 0.0)
        .map(|(&weight, rate)| (F::from_f64(weight), rate.as_ref()))
        .inspect(|(_, rate)| check_equal("advanced", &[x.len()], &[rate.len()]))
        .collect();
    let Some(((first, rate), rest)) = terms.split_first() else { return x.to_vec() };
    let sum = |i: usize| rest.iter().fold(rate[i] * *first, |sum, (weight, rate)| sum + rate[i] * *weight);
    x.iter().enumerate().map(|(i, &x)| x + by * sum(i)).collect()
}

/// `Value`, `State` and `Coordinates` of a vector with `from_vec` and, by the second argument, a view of its coordinates.
macro_rules! state_of_vector {
    ([$($generics:tt)*] $vector:ty, $coordinates:path) => {
        impl<$($generics)*> crate::Value for $vector {
            fn frozen(&self) -> Self {
                self.clone()
            }
            fn values(&self) -> Vec<f64> {
                self.iter().map(|x| x.into_f64()).collect()
            }
        }
        impl<$($generics)*> crate::State for $vector {
            type Time = F;

            fn plus(&self, other: &Self) -> Self {
                let vector = crate::backend::vector::zipped("plus", &$coordinates(self), &$coordinates(other), |a, b| a + b);
                Self::from_vec(vector)
            }
            fn minus(&self, other: &Self) -> Self {
                let vector = crate::backend::vector::zipped("minus", &$coordinates(self), &$coordinates(other), |a, b| a - b);
                Self::from_vec(vector)
            }
            fn negated(&self) -> Self {
                Self::from_vec(self.iter().map(|&x| -x).collect())
            }
            fn scaled(&self, by: &F) -> Self {
                Self::from_vec(self.iter().map(|&x| x * *by).collect())
            }
            fn dot(&self, other: &Self) -> F {
                let products = crate::backend::vector::zipped("dot", &$coordinates(self), &$coordinates(other), |a, b| a * b);
                products.into_iter().reduce(|sum, product| sum + product).unwrap_or_else(F::zero)
            }
            fn dimension(&self) -> usize {
                self.len()
            }
            fn choose(mask: &bool, a: &Self, b: &Self) -> Self {
                crate::tensor::common::check_equal("choose", &[a.len()], &[b.len()]);
                if *mask { a.clone() } else { b.clone() }
            }
            fn error_norm(&self, from: &Self, to: &Self, tolerance: &crate::Tolerance) -> F {
                for other in [from, to] {
                    crate::tensor::common::check_equal("error_norm", &[self.len()], &[other.len()]);
                }
                tolerance.norm(&$coordinates(self), &$coordinates(from), &$coordinates(to))
            }
            fn advanced(&self, by: &F, weights: &[f64], rates: &[Self]) -> Self {
                let rates: Vec<_> = rates.iter().map($coordinates).collect();
                Self::from_vec(crate::backend::vector::advanced(&$coordinates(self), *by, weights, &rates))
            }
        }
        impl<$($generics)*> crate::DynCoordinates for $vector {
            type Row = Vec<F>;
            fn coordinates(&self) -> Vec<F> {
                $coordinates(self).to_vec()
            }
            fn with_coordinates(&self, coordinates: Vec<F>) -> Self {
                crate::tensor::common::check_equal("with_coordinates", &[self.len()], &[coordinates.len()]);
                Self::from_vec(coordinates)
            }
        }
        impl<$($generics)*, const D: usize> crate::Coordinates<D> for $vector {
            fn split(&self) -> [F; D] {
                crate::backend::vector::split(&$coordinates(self))
            }
            fn join(coordinates: [F; D]) -> Self {
                Self::from_vec(coordinates.into())
            }
        }
    };
}
pub(super) use state_of_vector;
