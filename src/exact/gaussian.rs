//! The probability flow between two Gaussians.

use super::{ExactFlow, exact_flow, special::normal::ln_density, sum};
use crate::{Error, Num, Number, Ode, Result, interpolant::Interpolant};
use nalgebra::{Cholesky, DMatrix, SymmetricEigen};
use std::array::from_fn;

/// The probability flow of an [interpolant](crate::interpolant) `α_t x0 + β_t x1` between independent Gaussians
/// `x0 ~ N(m0, C0)` and `x1 ~ N(m1, C1)`, in any dimension, whether or not the covariances commute: a generative model with a
/// flow map in closed form.
///
/// Let `C0 = L Lᵀ` (Cholesky), `L⁻¹ C1 L⁻ᵀ = U diag(κ) Uᵀ` and `P = L U`, so that `C0 = P Pᵀ` and `C1 = P diag(κ) Pᵀ`. Then the
/// distribution at time `t` is `N(m_t, P diag(g(t)) Pᵀ)` with `m_t = α_t m0 + β_t m1` and `g_i(t) = α_t² + β_t² κ_i`.
///
/// - velocity: `b_t(x) = m'_t + P diag(g'/(2g)) P⁻¹ (x - m_t)`
/// - flow: `m_t + P diag((g(t)/g(s))^(1/2)) P⁻¹ (x - m_s)`
/// - Jacobian: `P diag((g(t)/g(s))^(1/2)) P⁻¹`, the same everywhere
/// - domain: the whole space; all times where the interpolant is defined, which may be more than its
///   [span](Interpolant::span)
///
/// ```
/// use flowmap::{FlowMap, exact::Gaussian, interpolant::Linear};
/// let data = [[2.0, 0.5], [0.5, 1.0]];
/// let model = Gaussian::new(Linear, [[0.0, 0.0], [3.0, -1.0]], [[[1.0, 0.0], [0.0, 1.0]], data])?;
/// // the mean of the noise goes to the mean of the data
/// let end = model.flow(&0.0, &1.0, &[0.0_f64, 0.0]);
/// assert!((end[0] - 3.0).abs() < 1e-15 && (end[1] + 1.0).abs() < 1e-15);
/// assert!((model.covariance(&1.0)[0][1] - 0.5_f64).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, Stochastic interpolants, arXiv 2303.08797, for the velocity.
/// The flow follows because the velocity is linear and diagonal in the columns of `P` at every time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian<const D: usize, I> {
    interpolant: I,
    means: [[f64; D]; 2],
    /// The columns of `P`, in which the covariance is diagonal at every time.
    axes: [[f64; D]; D],
    /// `P⁻¹`.
    inverse: [[f64; D]; D],
    /// `κ`: the variances along the axes at the end; at the start they are 1.
    variances: [f64; D],
    /// `ln |det P|`.
    log_volume: f64,
}

impl<const D: usize, I: Interpolant> Gaussian<D, I> {
    /// From `N(means[0], covariances[0])` to `N(means[1], covariances[1])`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless every number is finite, and both covariances are symmetric (to `1e-12` of the largest entry)
    /// and positive definite.
    pub fn new(interpolant: I, means: [[f64; D]; 2], covariances: [[[f64; D]; D]; 2]) -> Result<Self> {
        if means.as_flattened().iter().any(|m| !m.is_finite()) {
            return Err(Error::invalid("mean", format!("{means:?} has an entry that is not finite")));
        }
        let [start, end] = covariances;
        let lower = factor("covariance at the start", &start)?;
        factor("covariance at the end", &end)?;
        let unsolvable = || Error::invalid("covariances", "they are too ill-conditioned for double precision; drop a dimension");
        let lower_inverse = lower.solve_lower_triangular(&DMatrix::identity(D, D)).ok_or_else(unsolvable)?;
        let relative = &lower_inverse * matrix(&end) * lower_inverse.transpose();
        let SymmetricEigen { eigenvectors, eigenvalues } = symmetric_part(&relative).symmetric_eigen();
        if eigenvalues.iter().any(|&variance| !(variance > 0.0 && variance.is_finite())) {
            return Err(unsolvable());
        }
        Ok(Self {
            interpolant,
            means,
            log_volume: lower.diagonal().iter().map(|pivot| pivot.ln()).sum(),
            axes: entries(&(lower * &eigenvectors)),
            inverse: entries(&(eigenvectors.transpose() * lower_inverse)),
            variances: from_fn(|i| eigenvalues[i]),
        })
    }

    /// The interpolant.
    pub fn interpolant(&self) -> &I {
        &self.interpolant
    }

    /// `m_t`, the mean of the distribution at time `t`.
    ///
    /// ```
    /// use flowmap::{exact::Gaussian, interpolant::Linear};
    /// let model = Gaussian::new(Linear, [[0.0], [4.0]], [[[1.0]], [[9.0]]])?;
    /// assert_eq!(model.mean(&0.25), [1.0]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn mean<N: Number>(&self, t: &N) -> [N; D] {
        self.mix(&self.interpolant.shares(&Num::from(t))).map(|m| m.0)
    }

    /// `C_t`, the covariance of the distribution at time `t`, row by row.
    ///
    /// ```
    /// use flowmap::{exact::Gaussian, interpolant::Linear};
    /// let model = Gaussian::new(Linear, [[0.0], [4.0]], [[[1.0]], [[9.0]]])?;
    /// assert_eq!(model.covariance(&0.5), [[0.25 + 0.25 * 9.0]]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn covariance<N: Number>(&self, t: &N) -> [[N; D]; D] {
        let spread = self.spread(&Num::from(t));
        self.between(&spread, |k, j| self.axes[j][k]).map(|row| row.map(|c| c.0))
    }

    /// `ln ρ_t(x)`, the logarithm of the density of the distribution at time `t`.
    ///
    /// ```
    /// use flowmap::{exact::Gaussian, interpolant::Linear};
    /// let model = Gaussian::new(Linear, [[0.0], [4.0]], [[[1.0]], [[9.0]]])?;
    /// let at_the_mean: f64 = model.log_density(&1.0, &[4.0]);
    /// assert!((at_the_mean + (3.0 * std::f64::consts::TAU.sqrt()).ln()).abs() < 1e-15);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn log_density<N: Number>(&self, t: &N, x: &[N; D]) -> N {
        let (t, x) = (Num::from(t), x.each_ref().map(Num::from));
        let (mean, spread) = (self.mix(&self.interpolant.shares(&t)), self.spread(&t));
        let place = times(&self.inverse, &from_fn(|i| &x[i] - &mean[i]));
        let terms = (0..D).map(|k| ln_density(&(&place[k] / spread[k].sqrt())) - 0.5 * spread[k].ln());
        (sum(terms) - self.log_volume).0
    }

    /// `α m0 + β m1`.
    fn mix<N: Number>(&self, [alpha, beta]: &[Num<N>; 2]) -> [Num<N>; D] {
        from_fn(|i| alpha * self.means[0][i] + beta * self.means[1][i])
    }

    /// `α α̃ + β β̃ κ`, of which `g` is the square and `g'/2` the product with the rates.
    fn form<N: Number>(&self, [a, b]: &[Num<N>; 2], [p, q]: &[Num<N>; 2]) -> [Num<N>; D] {
        let (first, last) = (a * p, b * q);
        self.variances.map(|variance| &first + &last * variance)
    }

    /// `g(t)`, the variances along the axes.
    fn spread<N: Number>(&self, t: &Num<N>) -> [Num<N>; D] {
        let shares = self.interpolant.shares(t);
        self.form(&shares, &shares)
    }

    /// `(g(t)/g(s))^(1/2)`, the stretch along each axis.
    fn stretch<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> [Num<N>; D] {
        let (from, to) = (self.spread(s), self.spread(t));
        from_fn(|i| (&to[i] / &from[i]).sqrt())
    }

    /// `P diag(along) P⁻¹ (x - origin)`.
    fn stretched<N: Number>(&self, along: &[Num<N>; D], x: &[Num<N>; D], origin: &[Num<N>; D]) -> [Num<N>; D] {
        let place = times(&self.inverse, &from_fn(|i| &x[i] - &origin[i]));
        times(&self.axes, &from_fn(|k| &along[k] * &place[k]))
    }

    /// `P diag(along) M`, row by row.
    fn between<N: Number>(&self, along: &[Num<N>; D], matrix: impl Fn(usize, usize) -> f64) -> [[Num<N>; D]; D] {
        from_fn(|i| from_fn(|j| sum((0..D).map(|k| self.axes[i][k] * matrix(k, j) * &along[k]))))
    }
}

/// The product of a matrix and a vector.
fn times<const D: usize, N: Number>(matrix: &[[f64; D]; D], x: &[Num<N>; D]) -> [Num<N>; D] {
    from_fn(|i| sum((0..D).map(|j| matrix[i][j] * &x[j])))
}

/// The Cholesky factor of a covariance, or the error that it has none.
fn factor<const D: usize>(what: &'static str, covariance: &[[f64; D]; D]) -> Result<DMatrix<f64>> {
    if D == 0 {
        return Err(Error::invalid(what, "it has no entries; take one dimension or more"));
    }
    let largest = covariance.as_flattened().iter().fold(0.0, |largest: f64, c| largest.max(c.abs()));
    for (i, row) in covariance.iter().enumerate() {
        for (j, &entry) in row.iter().enumerate() {
            if !entry.is_finite() {
                return Err(Error::invalid(what, format!("the entry {entry} in row {i}, column {j} is not finite")));
            }
            let mirrored = covariance[j][i];
            if (entry - mirrored).abs() > 1e-12 * largest {
                let reason = format!("not symmetric: {entry} in row {i}, column {j}, but {mirrored} in row {j}, column {i}");
                return Err(Error::invalid(what, reason));
            }
        }
    }
    let cholesky = Cholesky::new(symmetric_part(&matrix(covariance)));
    let positive = || Error::invalid(what, "not positive definite; add a small multiple of the identity, or drop a dimension");
    Ok(cholesky.ok_or_else(positive)?.unpack())
}

fn matrix<const D: usize>(rows: &[[f64; D]; D]) -> DMatrix<f64> {
    DMatrix::from_row_slice(D, D, rows.as_flattened())
}

fn entries<const D: usize>(matrix: &DMatrix<f64>) -> [[f64; D]; D] {
    from_fn(|i| from_fn(|j| matrix[(i, j)]))
}

fn symmetric_part(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    (matrix + matrix.transpose()) * 0.5
}

impl<const D: usize, I: Interpolant> Ode<D> for Gaussian<D, I> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let (shares, rates) = (self.interpolant.shares(t), self.interpolant.rates(t));
        let (mean, spread) = (self.mix(&shares), self.form(&shares, &shares));
        let (mean_rate, half_rate) = (self.mix(&rates), self.form(&shares, &rates));
        let pull = self.stretched(&from_fn(|k| &half_rate[k] / &spread[k]), x, &mean);
        from_fn(|i| &mean_rate[i] + &pull[i])
    }
}

impl<const D: usize, I: Interpolant> ExactFlow<D> for Gaussian<D, I> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let [from, to] = [s, t].map(|time| self.mix(&self.interpolant.shares(time)));
        let stretched = self.stretched(&self.stretch(s, t), x, &from);
        from_fn(|i| &to[i] + &stretched[i])
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        self.between(&self.stretch(s, t), |k, j| self.inverse[k][j])
    }

    fn domain(&self, s: f64, t: f64, _x: &[f64; D]) -> Result<()> {
        for time in [s, t] {
            if self.spread(&Num(time)).iter().any(|variance| !(variance.0 > 0.0 && variance.0.is_finite())) {
                let [start, end] = self.interpolant.span();
                let reason = format!("the interpolant has no distribution at {time}; take times in [{start}, {end}]");
                return Err(Error::invalid("time", reason));
            }
        }
        Ok(())
    }
}

exact_flow!(Gaussian<D, I>, D, [const D: usize, I: Interpolant]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap, VelocityField,
        interpolant::{Linear, Path, VariancePreserving},
    };

    const NOISE: [[f64; 2]; 2] = [[1.0, 0.3], [0.3, 0.5]];
    const DATA: [[f64; 2]; 2] = [[0.7, -0.4], [-0.4, 2.0]];

    fn model<I: Interpolant>(interpolant: I) -> Gaussian<2, I> {
        Gaussian::new(interpolant, [[0.0, 1.0], [3.0, -1.0]], [NOISE, DATA]).unwrap()
    }

    #[test]
    fn the_distribution_at_time_t_is_the_mixture_of_both_ends() {
        for path in [Path::Linear, Path::Trigonometric, Path::VariancePreserving(VariancePreserving::default())] {
            let model = model(path);
            let t = 0.3 * path.span()[1];
            let (alpha, beta) = (path.alpha(&Num(t)).0, path.beta(&Num(t)).0);
            let found = model.covariance(&t);
            for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let expected = alpha * alpha * NOISE[i][j] + beta * beta * DATA[i][j];
                assert!((found[i][j] - expected).abs() < 1e-15, "{path}");
            }
        }
    }

    #[test]
    fn the_velocity_is_the_regression_on_the_state() {
        // m' + (α α' C0 + β β' C1) C_t⁻¹ (x - m), from nalgebra's inverse: no common axes involved
        let (t, x) = (0.4, [0.3, -2.0]);
        let model = model(Linear);
        let covariance = matrix(&model.covariance(&t)).try_inverse().unwrap();
        let change = matrix(&NOISE) * (t - 1.0) + matrix(&DATA) * t;
        let mean = model.mean(&t);
        let distance = nalgebra::DVector::from_fn(2, |i, _| x[i] - mean[i]);
        let regression = change * covariance * distance;
        let velocity = model.velocity(&t, &x);
        assert!((velocity[0] - (3.0 + regression[0])).abs() < 1e-14);
        assert!((velocity[1] - (-2.0 + regression[1])).abs() < 1e-14);
    }

    #[test]
    fn the_density_is_that_of_mean_and_covariance() {
        let model = model(Linear);
        for (t, x) in [(0.0, [0.3, -2.0]), (0.4, [1.0, 0.0]), (1.0, [-3.0, 2.0])] {
            let (covariance, mean) = (matrix(&model.covariance(&t)), model.mean(&t));
            let distance = nalgebra::DVector::from_fn(2, |i, _| x[i] - mean[i]);
            let square = distance.dot(&(covariance.clone().try_inverse().unwrap() * &distance));
            let expected = -0.5 * (square + (covariance * std::f64::consts::TAU).determinant().ln());
            assert!((model.log_density(&t, &x) - expected).abs() < 1e-14 * expected.abs());
        }
    }

    #[test]
    fn times_beyond_the_horizon_have_no_distribution() {
        let model = model(VariancePreserving::new(2.0).unwrap());
        assert!(model.flow(&0.0, &2.1, &[0.0_f64, 0.0])[0].is_nan());
        assert!(model.try_flow(&0.0, &2.1, &[0.0, 0.0]).unwrap_err().to_string().contains("2.1"));
        assert!(model.try_flow(&0.0, &2.0, &[0.0, 0.0]).is_ok(), "the distribution at the horizon itself is the data's");
    }

    #[test]
    fn what_is_no_covariance_is_refused() {
        let message = |covariances| Gaussian::new(Linear, [[0.0; 2]; 2], covariances).unwrap_err().to_string();
        assert!(message([NOISE, [[1.0, 0.2], [0.1, 1.0]]]).contains("at the end: not symmetric"));
        assert!(message([[[1.0, 2.0], [2.0, 1.0]], DATA]).contains("at the start: not positive definite"));
        assert!(message([NOISE, [[1.0, 1.0], [1.0, 1.0]]]).contains("not positive definite"));
        assert!(message([[[f64::NAN, 0.0], [0.0, 1.0]], DATA]).contains("not finite"));
        assert!(Gaussian::new(Linear, [[0.0, f64::INFINITY], [0.0; 2]], [NOISE, DATA]).is_err());
    }
}
