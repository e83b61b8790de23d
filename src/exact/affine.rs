//! Affine systems with constant coefficients.

use super::{
    ExactFlow, exact_flow,
    expm::{exponential, matrix_exponential},
    sum,
};
use crate::{Error, Num, Number, Ode, Result};

/// The affine system `x' = A x + c` with constant coefficients, in any dimension.
///
/// - velocity: `b(x) = A x + c`
/// - flow: `e^(A τ) x + (∫₀^τ e^(A σ) dσ) c` with `τ = t - s`, from the exponential of the augmented matrix
///   `τ [[A, c], [0, 0]]`, so that `A` may be singular
/// - Jacobian: `e^(A τ)`, with determinant `e^(τ trace A)`
/// - domain: the whole space, all times; cost grows with `log |A τ|`, and for a matrix far from normal the error with that of
///   its [exponential](super::expm())
///
/// ```
/// use flowmap::{FlowMap, exact::Affine};
/// // free fall: height and speed under gravity
/// let fall = Affine::new([[0.0, 1.0], [0.0, 0.0]], [0.0, -9.81])?;
/// let end = fall.flow(&0.0, &2.0, &[100.0_f64, 0.0]);
/// assert!((end[0] - (100.0 - 9.81 * 2.0)).abs() < 1e-12 && (end[1] + 9.81 * 2.0).abs() < 1e-12);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: V. I. Arnold, Ordinary Differential Equations, chapter 3; C. Van Loan, Computing integrals involving the matrix
/// exponential, IEEE Trans. Automatic Control 23(3), 1978, for the augmented matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine<const D: usize> {
    matrix: [[f64; D]; D],
    offset: [f64; D],
}

impl<const D: usize> Affine<D> {
    /// With the matrix `A`, row by row, and the offset `c`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless every entry is finite.
    pub fn new(matrix: [[f64; D]; D], offset: [f64; D]) -> Result<Self> {
        for (i, row) in matrix.iter().enumerate() {
            if let Some(j) = row.iter().position(|a| !a.is_finite()) {
                return Err(Error::invalid("matrix", format!("the entry {} in row {i}, column {j} is not finite", row[j])));
            }
        }
        if let Some(i) = offset.iter().position(|c| !c.is_finite()) {
            return Err(Error::invalid("offset", format!("the entry {} at {i} is not finite", offset[i])));
        }
        Ok(Self { matrix, offset })
    }

    /// The matrix `A`, row by row.
    pub fn matrix(&self) -> &[[f64; D]; D] {
        &self.matrix
    }

    /// The offset `c`.
    pub fn offset(&self) -> &[f64; D] {
        &self.offset
    }
}

/// `row · x + constant`.
fn affine<N: Number, const D: usize>(row: &[f64; D], x: &[Num<N>; D], constant: f64) -> Num<N> {
    sum(row.iter().zip(x).map(|(&a, x)| a * x)) + constant
}

impl<const D: usize> Ode<D> for Affine<D> {
    /// # Panics
    /// If `D` is 0.
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        std::array::from_fn(|i| affine(&self.matrix[i], x, self.offset[i]))
    }
}

impl<const D: usize> ExactFlow<D> for Affine<D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let tau = t - s;
        let row = |i: usize| self.matrix[i].iter().chain([&self.offset[i]]).map(|&a| a * &tau).collect();
        let rest = vec![tau.constant(0.0); D + 1];
        let exponential = exponential((0..D).map(row).chain([rest]).collect());
        std::array::from_fn(|i| {
            let (linear, shift) = exponential[i].split_at(D);
            linear.iter().zip(x).fold(shift[0].clone(), |sum, (e, x)| sum + e * x)
        })
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let tau = t - s;
        matrix_exponential(self.matrix.map(|row| row.map(|a| a * &tau)))
    }
}

exact_flow!(Affine<D>, D, [const D: usize]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn damped_oscillator() {
        // x'' + 2γ x' + ω₀² x = 0 below critical damping, from x = 1 at rest
        let (gamma, omega0) = (0.3_f64, 1.7_f64);
        let omega = (omega0 * omega0 - gamma * gamma).sqrt();
        let oscillator = Affine::new([[0.0, 1.0], [-omega0 * omega0, -2.0 * gamma]], [0.0; 2]).unwrap();
        for t in [-1.0_f64, 0.2, 4.0] {
            let expected = (-gamma * t).exp() * ((omega * t).cos() + gamma / omega * (omega * t).sin());
            assert!((oscillator.flow(&0.0, &t, &[1.0, 0.0])[0] - expected).abs() < 1e-14, "t = {t}");
        }
    }

    #[test]
    fn the_volume_grows_with_the_trace() {
        let flow = Affine::new([[0.3, 2.0], [-1.0, 0.5]], [1.0, -1.0]).unwrap();
        let [[a, b], [c, d]] = flow.jacobian(&1.0_f64, &-0.5, &[0.0; 2]);
        assert!((a * d - b * c - (-1.5 * 0.8_f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn entries_that_are_not_finite_are_named() {
        let error = Affine::new([[0.0, f64::NAN], [0.0, 0.0]], [0.0; 2]).unwrap_err();
        assert!(error.to_string().contains("row 0, column 1"));
        assert!(Affine::new([[0.0]], [f64::INFINITY]).is_err());
    }
}
