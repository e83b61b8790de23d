//! Fast relaxation to a slow manifold.

use super::{ExactFlow, exact_flow, setting::finite, special::integrals::Growth};
use crate::{Num, Number, Ode, Result};

/// A system that relaxes to a parabola, with stiffness set by `λ`: nonlinear, yet linear in `(x, y, x²)`.
///
/// Let `τ = t - s` and `q = (e^(2μ τ) - e^(λ τ)) / (2μ - λ)`, which is `τ e^(λ τ)` for `λ = 2μ`.
///
/// - velocity: `b(x, y) = (μ x, λ (y - x²))`
/// - flow: `(x e^(μ τ), y e^(λ τ) - λ q x²)`; for `λ ≠ 2μ` the parabola `y = λ/(λ - 2μ) x²` is invariant, and for
///   `λ < min(0, 2μ)` attracting
/// - Jacobian: `[[e^(μ τ), 0], [-2λ q x, e^(λ τ)]]`
/// - domain: all of the plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::SlowManifold};
/// let stiff = SlowManifold::new(-0.05, -1000.0)?;
/// let [x, y] = stiff.flow(&0.0, &1.0, &[1.0, 7.0]);
/// assert!((x - (-0.05_f64).exp()).abs() < 1e-15);
/// assert!((y - 1000.0 / 999.9 * x * x).abs() < 1e-15); // drawn to the manifold
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: S. L. Brunton, B. W. Brunton, J. L. Proctor, J. N. Kutz, Koopman invariant subspaces and finite linear
/// representations of nonlinear dynamical systems for control, PLoS ONE 11(2), 2016.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowManifold {
    slow: f64,
    fast: f64,
}

impl SlowManifold {
    /// With the rate `μ` along the manifold and the rate `λ` towards it.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless both are finite.
    pub fn new(slow: f64, fast: f64) -> Result<Self> {
        finite("slow rate", &[slow])?;
        finite("fast rate", &[fast])?;
        Ok(Self { slow, fast })
    }

    /// `[e^(μ τ), e^(λ τ), λ q]`.
    fn coefficients<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> [Num<N>; 3] {
        let duration = t - s;
        let [slow, fast, square] = [self.slow, self.fast, 2.0 * self.slow].map(|rate| (rate * &duration).exp());
        // the larger of the two exponentials is factored out
        let sum = Growth::new(2.0 * self.slow - self.fast, &duration).sum;
        let bend = self.fast * (sum * square.max(&fast));
        [slow, fast, bend]
    }
}

impl Ode<2> for SlowManifold {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [self.slow * x, self.fast * (y - x * x)]
    }
}

impl ExactFlow<2> for SlowManifold {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let [slow, fast, bend] = self.coefficients(s, t);
        [slow * x, fast * y - bend * (x * x)]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, _]: &[Num<N>; 2]) -> [[Num<N>; 2]; 2] {
        let [slow, fast, bend] = self.coefficients(s, t);
        let zero = slow.constant(0.0);
        [[slow, zero], [-2.0 * bend * x, fast]]
    }
}

exact_flow!(SlowManifold, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::testing::close};

    #[test]
    fn the_manifold_is_invariant() {
        let (mu, lambda) = (0.4_f64, -3.0);
        let on = |x: f64| [x, lambda / (lambda - 2.0 * mu) * x * x];
        for t in [-1.0, 0.5, 2.0] {
            close(&SlowManifold::new(mu, lambda).unwrap().flow(&0.0, &t, &on(0.7)), &on(0.7 * (mu * t).exp()), 1e-14);
        }
    }

    #[test]
    fn resonance_is_no_exception() {
        // λ = 2μ = -1: y = (y₀ + x₀² τ) e^-τ
        let expected = [1.5 * (-1.0_f64).exp(), (2.0 + 2.25 * 2.0) * (-2.0_f64).exp()];
        close(&SlowManifold::new(-0.5, -1.0).unwrap().flow(&1.0, &3.0, &[1.5, 2.0]), &expected, 1e-15);
        close(&SlowManifold::new(-0.5, -1.0 + 1e-12).unwrap().flow(&1.0, &3.0, &[1.5, 2.0]), &expected, 1e-11);
    }

    #[test]
    fn stiffness_does_not_overflow() {
        let [x, y] = SlowManifold::new(1.0, -1e6).unwrap().flow(&0.0, &1.0, &[1.0, 5.0]);
        close(&[x, y], &[1.0_f64.exp(), 2.0_f64.exp() / (1.0 + 2e-6)], 1e-14);
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(SlowManifold::new(f64::NAN, 1.0).is_err() && SlowManifold::new(1.0, f64::INFINITY).is_err());
    }
}
