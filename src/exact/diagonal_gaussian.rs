//! Probability flows between Gaussians with independent coordinates.

use super::{
    ExactFlow, exact_flow,
    setting::{finite, not_negative},
    special::normal::ln_density,
    sum,
};
use crate::{Error, Num, Number, Ode, Result, interpolant::Interpolant};
use std::array::from_fn;

/// The probability flow of an [interpolant](crate::interpolant) `α_t x0 + β_t x1` between Gaussians with independent
/// coordinates. Each coordinate may be correlated between the two ends, and have latent noise in between.
///
/// For each coordinate, from `N(m0, σ0²)` to `N(m1, σ1²)` with the covariance `c` between the ends, the distribution at time
/// `t` is `N(m_t, g(t))` with `m_t = α m0 + β m1` and `g = α² σ0² + β² σ1² + 2αβ c`. Latent noise `γ_t z` with a standard
/// normal `z` and `γ² = 2αβ ν`, which is `2t(1-t) ν` on the straight line, adds `ν` to `c`.
///
/// - velocity: `b_t(x) = m'_t + (g'/2g) (x - m_t)`
/// - flow: `m_t + (g(t)/g(s))^(1/2) (x - m_s)`
/// - Jacobian: `diag((g(t)/g(s))^(1/2))`
/// - domain: the whole space; times where every variance `g` is positive
///
/// ```
/// use flowmap::{FlowMap, exact::DiagonalGaussian, interpolant::Linear};
/// let model = DiagonalGaussian::new(Linear, [[0.0], [0.0]], [[1.0], [1.0]])?;
/// // independent ends pass through a waist, ends that are the same do not, nor do those with latent noise
/// assert_eq!(model.variance(&0.5), [0.5]);
/// assert_eq!(model.correlated([1.0])?.variance(&0.5), [1.0]);
/// assert_eq!(model.with_latent_noise(1.0)?.variance(&0.5), [1.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, Stochastic interpolants, arXiv 2303.08797, section 2 for latent
/// noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiagonalGaussian<const D: usize, I> {
    interpolant: I,
    means: [[f64; D]; 2],
    deviations: [[f64; D]; 2],
    /// `c`.
    cross: [f64; D],
}

impl<const D: usize, I: Interpolant> DiagonalGaussian<D, I> {
    /// Between independent ends with these means `[m0, m1]` and standard deviations `[σ0, σ1]`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite and the deviations not negative.
    pub fn new(interpolant: I, means: [[f64; D]; 2], deviations: [[f64; D]; 2]) -> Result<Self> {
        finite("mean", means.as_flattened())?;
        for &deviation in deviations.as_flattened() {
            not_negative("deviation", deviation)?;
        }
        Ok(Self { interpolant, means, deviations, cross: [0.0; D] })
    }

    /// With these correlations between the two ends, coordinate by coordinate.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless they are between -1 and 1.
    pub fn correlated(mut self, correlation: [f64; D]) -> Result<Self> {
        if let Some(bad) = correlation.iter().find(|rho| !(-1.0..=1.0).contains(*rho)) {
            return Err(Error::invalid("correlation", format!("{bad} is not between -1 and 1")));
        }
        self.cross = from_fn(|i| self.cross[i] + correlation[i] * self.deviations[0][i] * self.deviations[1][i]);
        Ok(self)
    }

    /// With latent noise of variance `2αβ ν`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `ν` is finite and not negative.
    pub fn with_latent_noise(mut self, strength: f64) -> Result<Self> {
        not_negative("latent noise", strength)?;
        self.cross = self.cross.map(|c| c + strength);
        Ok(self)
    }

    /// The interpolant.
    pub fn interpolant(&self) -> &I {
        &self.interpolant
    }

    /// `α m0 + β m1`.
    fn mix<N: Number>(&self, [alpha, beta]: &[Num<N>; 2]) -> [Num<N>; D] {
        from_fn(|i| alpha * self.means[0][i] + beta * self.means[1][i])
    }

    /// `m_t`.
    fn mean<N: Number>(&self, t: &Num<N>) -> [Num<N>; D] {
        self.mix(&self.interpolant.shares(t))
    }

    /// `g(t)`, the variances of the distribution at time `t`.
    pub fn variance<N: Number>(&self, t: &N) -> [N; D] {
        self.spread(&Num::from(t)).map(|variance| variance.0)
    }

    /// `ln ρ_t(x)`, the logarithm of the density at time `t`; NaN where the distribution has none.
    ///
    /// ```
    /// use flowmap::{exact::DiagonalGaussian, interpolant::Linear};
    /// let model = DiagonalGaussian::new(Linear, [[0.0; 2], [1.0, -1.0]], [[1.0; 2], [2.0, 0.5]])?;
    /// let at_the_mean: f64 = model.log_density(&1.0, &[1.0, -1.0]);
    /// assert!((at_the_mean + std::f64::consts::TAU.ln()).abs() < 1e-15); // the deviations multiply to 1
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn log_density<N: Number>(&self, t: &N, x: &[N; D]) -> N {
        let (t, x) = (Num::from(t), x.each_ref().map(Num::from));
        let (mean, spread) = (self.mean(&t), self.spread(&t));
        let terms = (0..D).map(|i| ln_density(&((&x[i] - &mean[i]) / spread[i].sqrt())) - 0.5 * spread[i].ln());
        sum(terms).0
    }

    /// `g(t)`.
    fn spread<N: Number>(&self, t: &Num<N>) -> [Num<N>; D] {
        let shares = self.interpolant.shares(t);
        self.form(&shares, &shares)
    }

    /// `α α̃ σ0² + β β̃ σ1² + (α β̃ + α̃ β) c`, of which `g` is the square and `g'/2` the product with the rates.
    fn form<N: Number>(&self, [a, b]: &[Num<N>; 2], [p, q]: &[Num<N>; 2]) -> [Num<N>; D] {
        let (first, last, mixed) = (a * p, b * q, a * q + p * b);
        let variance = |end: usize, i: usize| self.deviations[end][i] * self.deviations[end][i];
        from_fn(|i| &first * variance(0, i) + &last * variance(1, i) + &mixed * self.cross[i])
    }

    /// `(g(t)/g(s))^(1/2)`.
    fn stretch<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> [Num<N>; D] {
        let (from, to) = (self.spread(s), self.spread(t));
        from_fn(|i| (&to[i] / &from[i]).sqrt())
    }
}

impl<const D: usize, I: Interpolant> Ode<D> for DiagonalGaussian<D, I> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let (shares, rates) = (self.interpolant.shares(t), self.interpolant.rates(t));
        let (mean, spread) = (self.mix(&shares), self.form(&shares, &shares));
        let (mean_rate, half_rate) = (self.mix(&rates), self.form(&shares, &rates));
        from_fn(|i| &mean_rate[i] + &half_rate[i] / &spread[i] * (&x[i] - &mean[i]))
    }
}

impl<const D: usize, I: Interpolant> ExactFlow<D> for DiagonalGaussian<D, I> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let (from, to, stretch) = (self.mean(s), self.mean(t), self.stretch(s, t));
        from_fn(|i| &to[i] + &stretch[i] * (&x[i] - &from[i]))
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let stretch = self.stretch(s, t);
        from_fn(|i| from_fn(|j| if i == j { stretch[i].clone() } else { stretch[i].constant(0.0) }))
    }

    fn domain(&self, s: f64, t: f64, _x: &[f64; D]) -> Result<()> {
        for time in [s, t] {
            if self.variance(&time).into_iter().any(|variance| !(variance > 0.0 && variance.is_finite())) {
                return Err(Error::invalid(
                    "time",
                    format!("the distribution at {time} has no density: a variance is zero or not finite; take another time"),
                ));
            }
        }
        Ok(())
    }
}

exact_flow!(DiagonalGaussian<D, I>, D, [const D: usize, I: Interpolant]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, VelocityField, interpolant::Linear};

    fn model() -> DiagonalGaussian<1, Linear> {
        DiagonalGaussian::new(Linear, [[1.0], [-2.0]], [[1.0], [0.5]]).unwrap()
    }

    #[test]
    fn the_velocity_is_the_regression_of_the_path_on_its_point() {
        // Cov(I', I) / Var(I), with I = (1-t) x0 + t x1 + γ z and I' = x1 - x0 + γ' z
        let (t, x, rho, noise) = (0.3_f64, 0.7, -0.9, 0.4);
        let model = model().correlated([rho]).unwrap().with_latent_noise(noise).unwrap();
        let c = rho * 0.5;
        let variance = (1.0 - t).powi(2) + 0.25 * t * t + 2.0 * t * (1.0 - t) * (c + noise);
        let covariance = -(1.0 - t) + 0.25 * t + (1.0 - 2.0 * t) * (c + noise);
        let expected = -3.0 + covariance / variance * (x - (1.0 - 3.0 * t));
        assert!((model.velocity(&t, &[x])[0] - expected).abs() < 1e-14);
        assert!((model.variance(&t)[0] - variance).abs() < 1e-15);
    }

    #[test]
    fn whatever_the_way_it_ends_at_the_same_distribution() {
        for model in [model(), model().correlated([0.6]).unwrap(), model().with_latent_noise(2.0).unwrap()] {
            assert!((model.flow(&0.0, &1.0, &[2.0_f64])[0] - -1.5).abs() < 1e-15);
        }
    }

    #[test]
    fn the_density_is_that_of_mean_and_variance() {
        let model = model().correlated([0.6]).unwrap();
        let (t, x) = (0.3_f64, 0.8);
        let (mean, [variance]) = (1.0 - 3.0 * t, model.variance(&t));
        let expected = -0.5 * ((x - mean).powi(2) / variance + (std::f64::consts::TAU * variance).ln());
        assert!((model.log_density(&t, &[x]) - expected).abs() < 1e-14);
    }

    #[test]
    fn opposite_ends_meet_in_a_point() {
        let opposite = model().correlated([-1.0]).unwrap();
        assert!(opposite.variance(&(2.0 / 3.0))[0].abs() < 1e-16);
        let ends = DiagonalGaussian::new(Linear, [[0.0]; 2], [[1.0]; 2]).unwrap().correlated([-1.0]).unwrap();
        assert!(ends.try_flow(&0.5, &1.0, &[0.0]).unwrap_err().to_string().contains("the distribution at 0.5 has no density"));
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(DiagonalGaussian::new(Linear, [[f64::NAN], [0.0]], [[1.0]; 2]).is_err());
        assert!(DiagonalGaussian::new(Linear, [[0.0]; 2], [[1.0], [-1.0]]).is_err());
        assert!(model().correlated([1.1]).is_err() && model().correlated([f64::NAN]).is_err());
        assert!(model().with_latent_noise(-0.1).is_err());
    }
}
