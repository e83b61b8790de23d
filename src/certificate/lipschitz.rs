//! One-sided Lipschitz constants: how fast neighbouring solutions can separate.

#[cfg(feature = "nalgebra")]
use crate::{Dual, DynCoordinates, Row, VelocityField, field::slope, state::matrix_of};
use crate::{State, Value};

/// The one-sided Lipschitz constant `L(r)` of `b_r`: the smallest number, of either sign, with
/// `(x - y) · (b_r(x) - b_r(y)) ≤ L(r) |x - y|²`.
///
/// The distance of two solutions grows by at most the factor `exp ∫ L`. For a differentiable field it is the largest eigenvalue
/// of the symmetric part of `∇b_r`, over all states ([`logarithmic_norm`]). Backward in time, the field is `-b`.
///
/// [`LipschitzBound`] is a known constant, for which the user vouches: it makes bounds certificates. [`LipschitzEstimate`] is
/// the largest value at the samples: it may be larger elsewhere.
///
/// Reference: E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, section I.10.
pub trait OneSidedLipschitz<X: State, B: ?Sized> {
    /// Whether the constant is known for all states, or estimated at some.
    const STANDING: BoundKind;

    /// `L` at time `r` for the field `sign · field`, with `sign` 1 or -1; an estimate uses the states `x`.
    fn rate(&self, field: &B, sign: f64, r: &X::Time, x: &X) -> f64;
}

/// What kind of Lipschitz constant a bound rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BoundKind {
    /// A known constant, or none: the bound holds, at the confidence of the report.
    Certificate,
    /// An estimated constant: the bound may not hold.
    Estimate,
}

impl std::fmt::Display for BoundKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Certificate => "certificate",
            Self::Estimate => "estimate",
        })
    }
}

/// A known one-sided Lipschitz constant, as a function of time.
///
/// It must hold on the segments between the flow map's points and the exact ones, in the direction of time in which the map is
/// used.
///
/// ```
/// use flowmap::certificate::LipschitzBound;
/// let decay = LipschitzBound::constant(-1.0); // b = -x
/// let swing = LipschitzBound::at(|r: f64| r.cos()); // b = x cos r
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LipschitzBound<F>(F);

impl LipschitzBound<fn(f64) -> f64> {
    /// The same constant at all times.
    pub fn constant(l: f64) -> LipschitzBound<impl Fn(f64) -> f64> {
        LipschitzBound(move |_| l)
    }
}

impl<F: Fn(f64) -> f64> LipschitzBound<F> {
    /// The constant `L(r)` at time `r`.
    pub fn at(l: F) -> Self {
        Self(l)
    }
}

impl<X: State, B: ?Sized, F: Fn(f64) -> f64> OneSidedLipschitz<X, B> for LipschitzBound<F> {
    const STANDING: BoundKind = BoundKind::Certificate;

    fn rate(&self, _field: &B, _sign: f64, r: &X::Time, _x: &X) -> f64 {
        r.values().first().map_or(f64::NAN, |&r| (self.0)(r))
    }
}

/// The largest eigenvalue of the symmetric part of `∇b_r` at the samples, by forward mode: an estimate from below.
///
/// It costs one tangent per coordinate, and one symmetric eigenvalue problem per sample and node.
#[cfg(feature = "nalgebra")]
#[derive(Clone, Copy, Debug, Default)]
pub struct LipschitzEstimate;

#[cfg(feature = "nalgebra")]
impl<X: DynCoordinates, B: VelocityField<Dual<X>> + ?Sized> OneSidedLipschitz<X, B> for LipschitzEstimate {
    const STANDING: BoundKind = BoundKind::Estimate;

    fn rate(&self, field: &B, sign: f64, r: &X::Time, x: &X) -> f64 {
        let rows = matrix_of(x, |v| slope(field, r, x, v));
        let entries: Vec<Vec<Vec<f64>>> =
            rows.items().iter().map(|row| row.items().iter().map(Value::values).collect()).collect();
        let samples = entries.iter().flatten().map(Vec::len).max().unwrap_or(0);
        // an entry that all samples share holds for each
        let shared = |entry: &Vec<f64>, k: usize| entry.get(k.min(entry.len().max(1) - 1)).copied().unwrap_or(f64::NAN);
        let jacobian = |k: usize| -> Vec<Vec<f64>> {
            entries.iter().map(|row| row.iter().map(|entry| sign * shared(entry, k)).collect()).collect()
        };
        let at = |k: usize| logarithmic_norm(&jacobian(k));
        // comparisons must not drop NaN
        (0..samples).map(at).fold(f64::NEG_INFINITY, |most, l| if l.is_nan() || l > most { l } else { most })
    }
}

/// The logarithmic norm `λ_max((A + Aᵀ)/2)` of a matrix, row by row, for the Euclidean norm; NaN where an entry is not finite.
///
/// `|exp(tA)| ≤ exp(t λ)` for `t ≥ 0`. For a Jacobian that is the same at all states, it is the one-sided Lipschitz constant.
///
/// ```
/// use flowmap::{certificate::logarithmic_norm, exact::Rotation, rhs_jacobian};
/// let turn = Rotation::new(2.0)?;
/// assert!(logarithmic_norm(&rhs_jacobian(&turn, &0.0, &[0.0; 2])).abs() < 1e-15); // nothing parts
/// assert!((logarithmic_norm(&[[0.0, 1.0], [0.0, 0.0]]) - 0.5).abs() < 1e-15); // a shear
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: G. Dahlquist, Stability and error bounds in the numerical integration of ordinary differential equations, 1959.
#[cfg(feature = "nalgebra")]
pub fn logarithmic_norm<M: Row<Item: Row<Item = f64>>>(matrix: &M) -> f64 {
    let d = matrix.items().len();
    let entry = |i: usize, j: usize| matrix.items()[i].items()[j];
    let symmetric = nalgebra::DMatrix::from_fn(d, d, |i, j| 0.5 * entry(i, j) + 0.5 * entry(j, i));
    // nalgebra's eigenvalue iteration would not end on NaN
    if d == 0 || symmetric.iter().any(|entry| !entry.is_finite()) {
        return f64::NAN;
    }
    symmetric.symmetric_eigenvalues().max()
}

#[cfg(all(test, feature = "nalgebra"))]
mod tests {
    use super::*;
    use crate::{exact::Affine, field};

    #[test]
    fn linear_fields_have_the_norm_of_their_matrix_in_both_directions() {
        let matrix = [[0.3, 2.0, 0.0], [-1.0, -0.7, 0.4], [0.2, 0.0, 0.1]];
        let linear = Affine::new(matrix, [1.0, 2.0, 3.0]).unwrap();
        let x = [0.5, -1.0, 4.0];
        let found = LipschitzEstimate.rate(&linear, 1.0, &0.0, &x);
        assert!((found - logarithmic_norm(&matrix)).abs() < 1e-14);
        let back = LipschitzEstimate.rate(&linear, -1.0, &0.0, &x);
        assert!((back - logarithmic_norm(&matrix.map(|row| row.map(|a| -a)))).abs() < 1e-14);
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        assert!(logarithmic_norm(&[[0.0, f64::NAN], [0.0, 1.0]]).is_nan());
        assert!(logarithmic_norm::<[[f64; 0]; 0]>(&[]).is_nan());
        let hole = field(|_: &Dual<f64>, x: &Dual<[f64; 1]>| Dual::new(*x.value(), [f64::NAN]));
        assert!(LipschitzEstimate.rate(&hole, 1.0, &0.0, &[1.0]).is_nan());
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn of_a_batch_the_largest() {
        use crate::backend::ndarray::NdTensor;
        let cubic = field(|_: &Dual<NdTensor<f64>>, x: &Dual<NdTensor<f64>>| crate::Number::powi(x, 3));
        let x = NdTensor::new(vec![1.0, -2.0, 0.5], &[3, 1]).unwrap();
        let r = NdTensor::new(vec![0.0; 3], &[3]).unwrap();
        assert!((LipschitzEstimate.rate(&cubic, 1.0, &r, &x) - 12.0).abs() < 1e-14);
        assert!((LipschitzEstimate.rate(&cubic, -1.0, &r, &x) + 0.75).abs() < 1e-14);
    }
}
