//! Deformation by a flow map: stretching, rotation and volume change in the neighbourhood of a point.

use super::{determinant::sign_and_log_det, jacobian};
use crate::{
    Error, Real, Result,
    flow::FlowMap,
    number::{Dual, Matrix, Row, matrix},
    state::DynCoordinates,
};
use nalgebra::{DMatrix, SVD};

/// The Jacobian `J = ∇X_{s,t}(x)` of a flow map at a point, and the quantities derived from it. To first order, the map takes
/// the ball of radius `ε` around `x` to an ellipsoid with half axes `ε σ_i` and `|det J|` times the ball's volume.
///
/// ```
/// use flowmap::{analysis::deformation, exact::Affine};
/// let shear = Affine::new([[0.0, 2.0], [0.0, 0.0]], [0.0; 2])?;
/// let sheared = deformation(&shear, &0.0, &3.0, &[0.0, 0.0])?;
/// assert_eq!(sheared.jacobian(), &[[1.0, 6.0], [0.0, 1.0]]);
/// assert_eq!(sheared.log_det(), 0.0); // areas stay
/// assert!((sheared.ftle()? - (2.0 * 3.0 / 2.0_f64).asinh() / 3.0).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: C. Truesdell, W. Noll, The Non-Linear Field Theories of Mechanics, sections 21-23; S. C. Shadden, F. Lekien,
/// J. E. Marsden, Definition and properties of Lagrangian coherent structures from finite-time Lyapunov exponents, Physica D
/// 212, 2005, for the exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deformation<M> {
    jacobian: M,
    duration: f64,
}

/// A principal stretch: the direction `from` is mapped to `factor` times the direction `to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch<V> {
    /// The singular value `σ ≥ 0` of the Jacobian.
    pub factor: f64,
    /// The unit vector at the start, an eigenvector of `JᵀJ`; determined up to its sign where `σ` is simple.
    pub from: V,
    /// The unit vector at the end, an eigenvector of `JJᵀ`.
    pub to: V,
}

impl<M: Row<Item: Row<Item = f64>>> Deformation<M> {
    /// The deformation of a flow over this `duration`, negative backward in time, whose Jacobian is already known: from a
    /// variational equation, or as a product of Jacobians over parts of the trajectory.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite and the matrix is square.
    pub fn new(jacobian: M, duration: f64) -> Result<Self> {
        let rows = jacobian.items();
        if rows.is_empty() {
            return Err(Error::invalid("Jacobian", "it has no rows; give a matrix with at least one row"));
        }
        if let Some(row) = rows.iter().find(|row| row.items().len() != rows.len()) {
            let reason =
                format!("a row has {} entries, but the matrix has {} rows; give a square matrix", row.items().len(), rows.len());
            return Err(Error::invalid("Jacobian", reason));
        }
        if let Some(bad) = entries(&jacobian).chain([&duration]).find(|entry| !entry.is_finite()) {
            return Err(Error::invalid("Jacobian and duration", format!("{bad} is not finite")));
        }
        Ok(Self { jacobian, duration })
    }

    /// `J`, row by row.
    pub fn jacobian(&self) -> &M {
        &self.jacobian
    }

    /// `det J`, the factor by which the flow changes volumes.
    pub fn determinant(&self) -> f64 {
        self.matrix().lu().determinant()
    }

    /// `ln |det J|`, even where the determinant overflows or underflows; `-∞` for a singular Jacobian.
    ///
    /// By Liouville's formula it is the integral of `div b` along the trajectory; a density there is divided by `|det J|`.
    pub fn log_det(&self) -> f64 {
        let rows = self.jacobian.items().iter().map(|row| row.items().to_vec());
        sign_and_log_det(rows.collect::<Vec<_>>()).1
    }

    /// The right Cauchy-Green tensor `JᵀJ`, row by row: `v · JᵀJ v` is the squared length of a short vector `v` after the flow.
    pub fn cauchy_green(&self) -> Matrix<M, f64> {
        let rows = self.jacobian.items();
        matrix(&self.jacobian, |a, b| rows.iter().map(|row| row.items()[a] * row.items()[b]).sum())
    }

    /// The principal stretches, the largest first: the singular value decomposition `J = Σ_i σ_i to_i from_iᵀ`.
    pub fn stretches(&self) -> M::Of<Stretch<M::Of<f64>>> {
        let SVD { u, v_t, singular_values } = self.matrix().svd(true, true);
        let (u, v_t) = (u.expect("asked for"), v_t.expect("asked for"));
        self.jacobian.build(|k| Stretch {
            factor: singular_values[k],
            from: self.jacobian.build(|i| v_t[(k, i)]),
            to: self.jacobian.build(|i| u[(i, k)]),
        })
    }

    /// The finite-time Lyapunov exponent `ln σ_max / |t - s|`: the largest mean rate at which neighbouring trajectories
    /// separate.
    ///
    /// It uses the singular values of `J`, not the eigenvalues of `JᵀJ`, which lose half of the digits of the smaller
    /// stretches; `-∞` where `J` is zero.
    ///
    /// # Errors
    /// [`Error::Invalid`] where `t = s`.
    pub fn ftle(&self) -> Result<f64> {
        if self.duration == 0.0 {
            return Err(Error::invalid("times", "the end time equals the start time; give two different times"));
        }
        Ok(self.matrix().singular_values()[0].ln() / self.duration.abs())
    }

    /// A matrix of dynamic size: for static ones of two or three rows, nalgebra takes a short cut through `JᵀJ`.
    fn matrix(&self) -> DMatrix<f64> {
        let rows = self.jacobian.items();
        DMatrix::from_fn(rows.len(), rows.len(), |i, j| rows[i].items()[j])
    }
}

/// Returns the [`Deformation`] of the neighbourhood of `x` by `map` from time `s` to time `t`; see there for an example.
///
/// # Errors
/// The error of `map` where it is not defined, such as [`Error::BlowUp`]; [`Error::NotFinite`] where a time, the start or a
/// derivative is not finite.
pub fn deformation<X, M>(map: &M, s: &X::Time, t: &X::Time, x: &X) -> Result<Deformation<Matrix<X::Row, f64>>>
where
    X: DynCoordinates<Time: Real>,
    M: FlowMap<Dual<X>> + ?Sized,
{
    let found = jacobian(map, s, t, x);
    let jacobian = matrix(&x.coordinates(), |i, j| found.items()[i].items()[j].into_f64());
    let (from, to) = (s.into_f64(), t.into_f64());
    // a linear map may have finite derivatives at a start that is not finite
    if entries(&jacobian).chain([&from, &to]).chain(&x.values()).all(|entry| entry.is_finite()) {
        return Ok(Deformation { jacobian, duration: to - from });
    }
    map.try_flow(&Dual::constant(*s), &Dual::constant(*t), &Dual::constant(x.clone()))?;
    Err(Error::NotFinite { what: "the flow map's Jacobian", from, to })
}

/// All entries of a matrix.
fn entries<M: Row<Item: Row<Item = f64>>>(matrix: &M) -> impl Iterator<Item = &f64> {
    matrix.items().iter().flat_map(Row::items)
}

/// The [finite-time Lyapunov exponent](Deformation::ftle) of a flow map at a point.
///
/// ```
/// use flowmap::{analysis::ftle, exact::Rotation};
/// let turn = Rotation::new(1.0)?;
/// assert!(ftle(&turn, &0.0, &5.0, &[1.0, 0.0])?.abs() < 1e-15); // neighbours stay neighbours
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// The errors of [`deformation`] and [`Deformation::ftle`].
pub fn ftle<X, M>(map: &M, s: &X::Time, t: &X::Time, x: &X) -> Result<f64>
where
    X: DynCoordinates<Time: Real>,
    M: FlowMap<Dual<X>> + ?Sized,
{
    deformation(map, s, t, x)?.ftle()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FiniteDifferences,
        exact::{Affine, Blowup, CouplingFlow, Gaussian, Rotation},
        flow_map,
        interpolant::Linear,
        rhs_jacobian,
    };

    const ORIGIN: [f64; 2] = [0.0; 2];

    fn linear(matrix: [[f64; 2]; 2]) -> Affine<2> {
        Affine::new(matrix, ORIGIN).unwrap()
    }

    #[test]
    fn exponents_in_closed_form() {
        for lambda in [0.3, -1.7] {
            for (s, t) in [(0.0, 2.0), (1.0, -3.0)] {
                let rate: f64 = ftle(&linear([[lambda, 0.0], [0.0, -lambda]]), &s, &t, &ORIGIN).unwrap();
                assert!((rate - lambda.abs()).abs() < 1e-14, "saddle {lambda}: {rate}");
                let tau: f64 = t - s;
                let rate: f64 = ftle(&linear([[0.0, lambda], [0.0, 0.0]]), &s, &t, &ORIGIN).unwrap();
                let expected = (lambda.abs() * tau.abs() / 2.0).asinh() / tau.abs();
                assert!((rate - expected).abs() < 1e-14, "shear {lambda}: {rate} and {expected}");
                let rate: f64 = ftle(&Rotation::new(lambda).unwrap(), &s, &t, &[1.0, 2.0]).unwrap();
                assert!(rate.abs() < 1e-15, "rotation: {rate}");
            }
        }
    }

    #[test]
    fn nearly_singular_jacobians_keep_their_digits() {
        // stretches e^18 and e^-18: JᵀJ has the condition number 4e31 and no digit of the smaller one
        let saddle = linear([[0.6, 0.8], [0.8, -0.6]]);
        let stretched = deformation(&saddle, &0.0, &18.0, &ORIGIN).unwrap();
        assert!((stretched.ftle().unwrap() - 1.0).abs() < 1e-14);
        let contraction = deformation(&linear([[-300.0, 0.0], [0.0, -400.0]]), &0.0, &1.0, &ORIGIN).unwrap();
        assert!((contraction.ftle().unwrap() + 300.0).abs() < 1e-12, "squares would be zero: {:?}", contraction.ftle());
        assert!((contraction.log_det() + 700.0).abs() < 1e-12);
        let collapse = Deformation::new([[1.0, 2.0], [2.0, 4.0]], 1.0).unwrap();
        assert_eq!((collapse.determinant(), collapse.log_det()), (0.0, f64::NEG_INFINITY));
        assert!((collapse.ftle().unwrap() - 5.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn volumes_follow_the_divergence() {
        // ln det = Σ_i ½ ln(g_i(t)/g_i(s)), g_i = α² + β² κ_i, and the integral of div b along the trajectory
        let kappa = [4.0, 0.25];
        let (start, end) = ([[1.0, 0.0], [0.0, 1.0]], [[kappa[0], 0.0], [0.0, kappa[1]]]);
        let model = Gaussian::new(Linear, [[0.0, 1.0], [3.0, -1.0]], [start, end]).unwrap();
        let (s, t, x) = (0.2, 0.9, [0.5, -0.5]);
        let g = |t: f64| kappa.map(|kappa| (1.0 - t).powi(2) + t * t * kappa);
        let closed: f64 = g(t).iter().zip(g(s)).map(|(to, from)| 0.5 * (to / from).ln()).sum();
        let found = deformation(&model, &s, &t, &x).unwrap();
        assert!((found.log_det() - closed).abs() < 1e-14 && (found.determinant() - closed.exp()).abs() < 1e-14);
        let back = deformation(&model, &t, &s, &x).unwrap();
        assert!((back.log_det() + closed).abs() < 1e-14);

        let flow = CouplingFlow::<2>::random(3, 31).unwrap();
        let divergence = |r: f64| {
            let at: [f64; 2] = flow.flow(&s, &r, &x);
            let gradient = rhs_jacobian(&flow, &r, &at);
            gradient[0][0] + gradient[1][1]
        };
        // Simpson's rule
        let n = 200;
        let node = |k: usize| divergence(s + (t - s) * k as f64 / n as f64);
        let weight = |k: usize| if k == 0 || k == n { 1.0 } else { f64::from(2 + 2 * (k % 2) as u8) };
        let integral = (t - s) / (3 * n) as f64 * (0..=n).map(|k| weight(k) * node(k)).sum::<f64>();
        let found = deformation(&flow, &s, &t, &x).unwrap().log_det();
        assert!((found - integral).abs() < 1e-10 && integral.abs() > 1e-2, "{found} and {integral}");
    }

    #[test]
    fn stretches_take_the_matrix_apart() {
        let flow = CouplingFlow::<3>::random(4, 8).unwrap();
        let deformation = super::deformation(&flow, &-0.5, &1.0, &[0.3, -0.2, 0.8]).unwrap();
        let stretches = deformation.stretches();
        assert!(stretches.is_sorted_by(|a, b| a.factor >= b.factor));
        for i in 0..3 {
            for j in 0..3 {
                let sum: f64 = stretches.iter().map(|stretch| stretch.factor * stretch.to[i] * stretch.from[j]).sum();
                assert!((sum - deformation.jacobian()[i][j]).abs() < 1e-14);
                let square: f64 =
                    stretches.iter().map(|stretch| stretch.factor.powi(2) * stretch.from[i] * stretch.from[j]).sum();
                assert!((square - deformation.cauchy_green()[i][j]).abs() < 1e-13);
            }
        }
        let logarithms: f64 = stretches.iter().map(|stretch| stretch.factor.ln()).sum();
        assert!((logarithms - deformation.log_det()).abs() < 1e-14);
        assert!((stretches[0].factor.ln() / 1.5 - deformation.ftle().unwrap()).abs() < 1e-15);
    }

    #[test]
    fn every_kind_of_point_and_map() {
        let flow = CouplingFlow::<2>::random(3, 4).unwrap();
        let expected = ftle(&flow, &0.0, &1.0, &[0.3, 0.4]).unwrap();
        let vector = nalgebra::DVector::from_vec(vec![0.3, 0.4]);
        assert_eq!(super::deformation(&flow, &0.0, &1.0, &vector).and_then(|d| d.ftle()).unwrap(), expected);
        let single = ftle(&flow, &0.0_f32, &1.0, &[0.3, 0.4]).unwrap();
        assert!((single - expected).abs() < 1e-5 && single != expected);
        let plain = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, x: &[f64; 2]| flow.flow(s, t, x)));
        assert!((ftle(&plain, &0.0, &1.0, &[0.3, 0.4]).unwrap() - expected).abs() < 1e-9);
        let boxed: Box<dyn FlowMap<Dual<[f64; 2]>>> = Box::new(flow);
        assert_eq!(ftle(boxed.as_ref(), &0.0, &1.0, &[0.3, 0.4]).unwrap(), expected);
    }

    #[test]
    fn errors_say_why() {
        let error = deformation(&Blowup, &0.0, &2.0, &[1.0]).unwrap_err();
        assert!(matches!(error, Error::BlowUp { time, .. } if time == 1.0), "{error}");
        let turn = Rotation::new(1.0).unwrap();
        for (s, t, x) in [(f64::NAN, 1.0, ORIGIN), (0.0, f64::INFINITY, ORIGIN), (0.0, 1.0, [f64::NAN, 0.0])] {
            assert!(matches!(ftle(&turn, &s, &t, &x), Err(Error::NotFinite { .. })));
        }
        assert!(matches!(ftle(&turn, &1.0, &1.0, &ORIGIN), Err(Error::Invalid { what: "times", .. })));
        assert_eq!(deformation(&turn, &1.0, &1.0, &ORIGIN).unwrap().jacobian(), &[[1.0, 0.0], [0.0, 1.0]]);
        assert!(Deformation::new([[f64::NAN]], 1.0).is_err() && Deformation::new([[1.0]], f64::INFINITY).is_err());
        assert!(Deformation::new(vec![vec![1.0, 0.0], vec![0.0]], 1.0).is_err());
        assert!(Deformation::new(Vec::<Vec<f64>>::new(), 1.0).is_err());
        // the square root of 0 has a value and no derivative
        let root = flow_map(|_: &Dual<f64>, _: &Dual<f64>, x: &Dual<[f64; 1]>| {
            use crate::{Coordinates, Number};
            Dual::join([x.split()[0].sqrt()])
        });
        let error = super::deformation(&root, &0.0, &1.0, &[0.0]).unwrap_err();
        assert!(error.to_string().contains("Jacobian"), "{error}");
    }
}
