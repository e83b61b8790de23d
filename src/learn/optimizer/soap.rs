//! SOAP.

use super::{Adam, Optimizer, Parameter, Step, check_decays, matrix_shape};
use crate::{Error, Real, Result, Tensor, Transpose};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// SOAP: Adam in the eigenbasis of the gradients' covariances, for matrices; Adam for the rest.
///
/// For a gradient `G` of a matrix, `L` and `R` are moving averages of `G Gᵀ` and `Gᵀ G`, and `Q_L`, `Q_R` their eigenvectors,
/// brought up to date every few steps by one power iteration. Adam's second moment is that of `Q_Lᵀ G Q_R`, and its step is
/// rotated back. The first step only begins the averages. Eigenvectors are computed on the host.
///
/// Source: N. Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam, arXiv 2409.11321, algorithm 3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Soap {
    /// The decays of the mean gradient, and of the mean square and the covariances, in `[0, 1)`: 0.95 and 0.95.
    pub betas: [f64; 2],
    /// The number added to the root of the mean square, positive: 1e-8.
    pub epsilon: f64,
    /// The steps from one update of the eigenvectors to the next, 1 or more: 10.
    pub refresh: u64,
    /// Sides longer than this are not rotated: 1024.
    pub longest_side: usize,
}

impl Default for Soap {
    fn default() -> Self {
        Self { betas: [0.95, 0.95], epsilon: 1e-8, refresh: 10, longest_side: 1024 }
    }
}

impl Soap {
    fn adam(&self) -> Adam {
        Adam { betas: self.betas, epsilon: self.epsilon, rectified: false }
    }

    pub(super) fn checked(&self) -> Result<()> {
        check_decays("betas of SOAP", &self.betas)?;
        if self.refresh == 0 {
            return Err(Error::invalid("refresh of SOAP", "0 steps; give at least 1, such as 10"));
        }
        self.adam().checked()
    }

    /// Which sides of the matrix are rotated.
    fn rotated(&self, shape: &[usize]) -> Option<[bool; 2]> {
        matrix_shape(shape).map(|sides| sides.map(|side| side <= self.longest_side))
    }
}

/// The names of the covariance and of the eigenvectors of each side.
const NAMES: [[&str; 2]; 2] = [["left", "left-basis"], ["right", "right-basis"]];

impl<T: Tensor<Primal = T>> Optimizer<T> for Soap {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn begin(&self, name: &str, value: &T) -> Vec<(&'static str, T)> {
        let mut state = self.adam().begin(name, value);
        let Some(rotated) = self.rotated(value.shape()) else { return state };
        let sides = matrix_shape(value.shape()).expect("a matrix");
        for ((names, side), _) in NAMES.into_iter().zip(sides).zip(rotated).filter(|(_, rotated)| *rotated) {
            let unit: Vec<f64> = DMatrix::<f64>::identity(side, side).as_slice().to_vec();
            let unit = T::from_doubles_on(&value.device(), &unit, &[side, side]);
            state.extend([(names[0], unit.constant(0.0)), (names[1], unit)]);
        }
        state
    }
    fn update(&self, Parameter { name, value, gradient, state }: Parameter<'_, T>, step: &Step) {
        let Some(rotated) = self.rotated(value.shape()) else {
            return self.adam().update(Parameter { name, value, gradient, state }, step);
        };
        step.decay(value);
        let (yes, no) = (Transpose::Yes, Transpose::No);
        let (shape, sides) = (value.shape().to_vec(), matrix_shape(value.shape()).expect("a matrix"));
        let (moments, rest) = state.split_at_mut(2);
        // each rotated side has its covariance and its basis
        let (left, right) = rest.split_at_mut(if rotated[0] { 2 } else { 0 });
        let g = gradient.scale(step.gradient_scale).reshape(&sides);
        let keep = 1.0 - self.betas[1];
        for (side, first) in [(&mut *left, true), (&mut *right, false)] {
            let [covariance, _] = side else { continue };
            let square = if first { T::matmul(&g, no, &g, yes, None) } else { T::matmul(&g, yes, &g, no, None) };
            *covariance = covariance.clone().lerp(&square, keep);
        }
        if step.number == 0 {
            [left, right].into_iter().for_each(|side| refresh(side, eigenvectors));
            return;
        }
        let turn = |x: T, back: bool| {
            let x = match &*left {
                [_, basis] => T::matmul(basis, if back { no } else { yes }, &x, no, None),
                _ => x,
            };
            match &*right {
                [_, basis] => T::matmul(&x, no, basis, if back { yes } else { no }, None),
                _ => x,
            }
        };
        let scalars = self.adam().scalars(&Step { number: step.number - 1, ..*step });
        let [first, second] = moments else { unreachable!("SOAP begins with two moments") };
        *first = first.clone().lerp(&g.reshape(&shape), 1.0 - self.betas[0]);
        let turned = turn(g, false).reshape(&shape);
        *second = second.clone().lerp(&(turned.clone() * &turned), keep);
        let mean = turn(first.reshape(&sides), false).reshape(&shape).scale(scalars.first_correction);
        let correction = scalars.second_correction.expect("Adam that is not rectified has a denominator");
        let direction = mean / second.scale(correction).sqrt().shift(self.epsilon);
        let direction = turn(direction.reshape(&sides), true).reshape(&shape);
        *value = direction.scale_onto(-step.rate, value.clone());
        if step.number.is_multiple_of(self.refresh) {
            [left, right].into_iter().for_each(|side| refresh(side, power_iteration));
        }
    }
    fn check(&self) -> Result<()> {
        self.checked()
    }
}

/// Brings the basis of a side up to date with its covariance.
fn refresh<T: Tensor<Primal = T>>(side: &mut [T], basis_of: fn(&DMatrix<f64>, &DMatrix<f64>) -> DMatrix<f64>) {
    let [covariance, basis] = side else { return };
    let n = basis.shape()[0];
    let [c, q] = [&*covariance, &*basis].map(|x| DMatrix::from_row_slice(n, n, &x.values()));
    let fresh = basis_of(&c, &q);
    // row by row, hence transposed
    let values: Vec<T::Real> = fresh.transpose().iter().map(|&x| T::Real::from_f64(x)).collect();
    *basis = T::from_slice_on(&basis.device(), &values, &[n, n]);
}

fn eigenvectors(covariance: &DMatrix<f64>, _: &DMatrix<f64>) -> DMatrix<f64> {
    covariance.clone().symmetric_eigen().eigenvectors
}

fn power_iteration(covariance: &DMatrix<f64>, basis: &DMatrix<f64>) -> DMatrix<f64> {
    // the signs of columns may change: the second moment is of squares, and the first is kept as it came
    (covariance * basis).qr().q()
}
