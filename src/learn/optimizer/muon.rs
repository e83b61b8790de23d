//! Muon.

use super::{Adam, Optimizer, Parameter, Step, check_decays, is_within, matrix_shape};
use crate::{Error, Result, Tensor, Transpose};
use serde::{Deserialize, Serialize};

/// Muon: momentum with all singular values made nearly equal, for matrices; Adam for the rest.
///
/// `m ← β m + g`, and `x ← x - rate √max(1, out/in) N(g + β m)`, where `N` takes a matrix `U Σ Vᵀ` to about `U Vᵀ` by
/// Newton-Schulz steps `X ← a X + (b A + c A²) X`, `A = X Xᵀ`. A kernel of a convolution is a matrix with its fan-in as one side.
/// Vectors, and matrices with a short side, such as first and last layers on points, take Adam with
/// [a rate of their own](Self::adam_rate).
///
/// The rate is ten times that of Adam or more; the example `checkerboard` takes 3e-2. The products cost `30 n³` operations for a
/// layer of `n` by `n` and a step, whatever the batch.
///
/// Source: K. Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024), kellerjordan.github.io/posts/muon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Muon {
    /// The decay `β` of the momentum, in `[0, 1)`: 0.95.
    pub momentum: f64,
    /// The number of Newton-Schulz steps, from 1 to 20: 5.
    pub iterations: u32,
    /// Matrices with a side of this size or less take Adam: 16.
    pub short_side: usize,
    /// Parameters with one of these in their names, such as `output` or `layers.0`, take Adam, too: none.
    pub except: Vec<String>,
    /// Adam for the rest; its betas are 0.9 and 0.99.
    pub adam: Adam,
    /// The learning rate of Adam as a share of that of Muon: 0.1.
    pub adam_rate: f64,
}

impl Default for Muon {
    fn default() -> Self {
        let adam = Adam { betas: [0.9, 0.99], ..Adam::default() };
        Self { momentum: 0.95, iterations: 5, short_side: 16, except: Vec::new(), adam, adam_rate: 0.1 }
    }
}

impl Muon {
    pub(super) fn checked(&self) -> Result<()> {
        check_decays("momentum of Muon", &[self.momentum])?;
        if !(1..=20).contains(&self.iterations) {
            return Err(Error::invalid("iterations of Muon", format!("{}; give 1 to 20, such as 5", self.iterations)));
        }
        if !(self.adam_rate > 0.0 && self.adam_rate <= 1e3) {
            return Err(Error::invalid("Adam's rate beside Muon", format!("{} is not in (0, 1000]", self.adam_rate)));
        }
        self.adam.checked()
    }

    /// The sides of the matrix, if this parameter takes Muon.
    fn sides(&self, name: &str, shape: &[usize]) -> Option<[usize; 2]> {
        let sides = matrix_shape(shape).filter(|sides| sides.iter().all(|&side| side > self.short_side));
        sides.filter(|_| !self.except.iter().any(|part| is_within(name, part)))
    }
}

impl<T: Tensor<Primal = T>> Optimizer<T> for Muon {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn begin(&self, name: &str, value: &T) -> Vec<(&'static str, T)> {
        match self.sides(name, value.shape()) {
            None => self.adam.begin(name, value),
            Some(_) => vec![("momentum", value.constant(0.0))],
        }
    }
    fn update(&self, parameter: Parameter<'_, T>, step: &Step) {
        let Some([inputs, outputs]) = self.sides(parameter.name, parameter.value.shape()) else {
            return self.adam.update(parameter, &Step { rate: step.rate * self.adam_rate, ..*step });
        };
        let Parameter { value, gradient, state: momentum, .. } = parameter;
        step.decay(value);
        let g = gradient.scale(step.gradient_scale);
        momentum[0] = momentum[0].scale_onto(self.momentum, g.clone());
        let ahead = momentum[0].scale_onto(self.momentum, g);
        let direction = orthogonalized(&ahead.reshape(&[inputs, outputs]), self.iterations).reshape(value.shape());
        let stretch = (outputs as f64 / inputs as f64).max(1.0).sqrt();
        *value = direction.scale_onto(-step.rate * stretch, value.clone());
    }
    fn check(&self) -> Result<()> {
        self.checked()
    }
}

/// A matrix with the same singular vectors, and singular values from 0.7 to 1.2, except those that were tiny.
fn orthogonalized<T: Tensor<Primal = T>>(matrix: &T, iterations: u32) -> T {
    // a quintic that is steep at 0, and keeps values between about 0.7 and 1.2 there
    const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
    let [a, b, c] = COEFFICIENTS;
    let (yes, no) = (Transpose::Yes, Transpose::No);
    let wide = matrix.shape()[0] <= matrix.shape()[1];
    let length = (matrix.clone() * matrix).sum(0..2).sqrt().shift(1e-12);
    (0..iterations).fold(matrix.clone() / length, |x, _| {
        // the smaller of the two products of x with itself
        let square = if wide { T::matmul(&x, no, &x, yes, None) } else { T::matmul(&x, yes, &x, no, None) };
        let polynomial = T::matmul(&square.scale(c), no, &square, no, Some(square.scale(b)));
        let [left, right] = if wide { [&polynomial, &x] } else { [&x, &polynomial] };
        T::matmul(left, no, right, no, Some(x.scale(a)))
    })
}
