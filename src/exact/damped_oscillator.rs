//! The damped harmonic oscillator.

use super::{
    ExactFlow, exact_flow,
    setting::not_negative,
    special::integrals::{Growth, swing},
};
use crate::{Num, Number, Ode, Result};

/// The damped harmonic oscillator `x'' + 2γ x' + ω₀² x = 0`, as a system for position `x` and velocity `v`.
///
/// One formula holds below, at and above critical damping `γ = ω₀`. With `τ = t - s` and `ω² = ω₀² - γ²`, which may be negative,
/// let `C = cos ω τ` and `S = sin(ω τ) / ω`, that is `cosh` and `sinh` above critical damping, `1` and `τ` at it.
///
/// - velocity: `b(x, v) = (v, -ω₀² x - 2γ v)`
/// - flow: `e^(-γ τ) [[C + γ S, S], [-ω₀² S, C - γ S]]` applied to `(x, v)`
/// - Jacobian: the same matrix, with determinant `e^(-2γ τ)`
/// - domain: the whole plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::DampedOscillator};
/// // critical damping: released at 1, at rest
/// let end = DampedOscillator::new(2.0, 2.0)?.flow(&0.0, &0.5, &[1.0_f64, 0.0]);
/// assert!((end[0] - 2.0 * (-1.0_f64).exp()).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: L. D. Landau, E. M. Lifshitz, Mechanics, section 25.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DampedOscillator {
    damping: f64,
    frequency: f64,
}

impl DampedOscillator {
    /// With the damping rate `γ` and the undamped angular frequency `ω₀`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless both are finite and not negative.
    pub fn new(damping: f64, frequency: f64) -> Result<Self> {
        not_negative("damping", damping)?;
        not_negative("frequency", frequency)?;
        Ok(Self { damping, frequency })
    }

    /// `e^(-γ τ) C` and `e^(-γ τ) S`.
    fn oscillation<N: Number>(&self, duration: &Num<N>) -> [Num<N>; 2] {
        // as a product of sum and difference: near critical damping the difference of squares would cancel
        let square = (self.frequency - self.damping) * (self.frequency + self.damping);
        if square > 0.0 {
            let (omega, decay) = (square.sqrt(), (-self.damping * duration).exp());
            return [&decay * (omega * duration).cos(), decay * swing(omega, duration)];
        }
        // e^(-(γ ∓ κ) τ): the slow one as a factor, since e^(κ τ) alone may overflow; its rate is ω₀² over the fast rate, since
        // the difference γ - κ would cancel
        let kappa = (-square).sqrt();
        let fast = self.damping + kappa;
        let slow = if fast > 0.0 { self.frequency * (self.frequency / fast) } else { 0.0 };
        let decay = (-slow * duration).exp();
        let gap = Growth::new(-2.0 * kappa, duration);
        let sum = gap.sum / gap.start;
        [&decay * (1.0 - kappa * &sum), decay * sum]
    }

    fn matrix<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> [[Num<N>; 2]; 2] {
        let [cosine, sine] = self.oscillation(&(t - s));
        let damped = self.damping * &sine;
        [[&cosine + &damped, sine.clone()], [-self.frequency.powi(2) * sine, cosine - damped]]
    }
}

impl Ode<2> for DampedOscillator {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [v.clone(), -self.frequency.powi(2) * x - 2.0 * self.damping * v]
    }
}

impl ExactFlow<2> for DampedOscillator {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        self.matrix(s, t).map(|[a, b]| a * x + b * v)
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; 2]) -> [[Num<N>; 2]; 2] {
        self.matrix(s, t)
    }
}

exact_flow!(DampedOscillator, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dual, FlowMap, exact::expm};

    const REGIMES: [[f64; 2]; 9] = [
        [0.0, 2.0],
        [0.3, 1.7],
        [1.0, 1.0 + 1e-9],
        [1.0, 1.0],
        [1.0, 1.0 - 1e-9],
        [2.5, 0.5],
        [3.0, 1e-6],
        [1.5, 0.0],
        [0.0, 0.0],
    ];

    #[test]
    fn every_regime_is_the_exponential_of_the_matrix() {
        for [gamma, omega] in REGIMES {
            let oscillator = DampedOscillator::new(gamma, omega).unwrap();
            for tau in [-1.2, 0.0, 0.4, 3.0] {
                let expected = expm(&[[0.0, tau], [-omega * omega * tau, -2.0 * gamma * tau]]);
                let found = oscillator.jacobian(&1.0, &(1.0 + tau), &[0.0; 2]);
                for (a, b) in found.as_flattened().iter().zip(expected.as_flattened()) {
                    assert!((a - b).abs() < 1e-13 * (1.0 + b.abs()), "{gamma} {omega} {tau}: {found:?}, {expected:?}");
                }
            }
        }
    }

    #[test]
    fn two_time_derivatives_in_every_regime() {
        for [gamma, omega] in REGIMES {
            let oscillator = DampedOscillator::new(gamma, omega).unwrap();
            let t = Num(Dual::new(Dual::new(0.0, 1.0), Dual::constant(1.0)));
            let still = |value: f64| Num(Dual::constant(Dual::constant(value)));
            let [Num(x), _] = oscillator.solution(&still(0.0), &t, &[still(0.7), still(-1.3)]);
            let acceleration = -omega * omega * 0.7 + 2.0 * gamma * 1.3;
            assert_eq!(*x.value().tangent(), -1.3, "{gamma} {omega}");
            assert!((x.tangent().tangent() - acceleration).abs() < 1e-14, "{gamma} {omega}: {x:?}");
        }
    }

    #[test]
    fn strong_damping_neither_overflows_nor_loses_the_slow_rate() {
        // the slow rate is ω₀²/2γ to 1e-12, and so is the height that is left
        let end = DampedOscillator::new(1e6, 1.0).unwrap().flow(&0.0, &2e6, &[1.0_f64, 0.0]);
        assert!((end[0] - (-1.0_f64).exp()).abs() < 1e-11, "{end:?}");
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(DampedOscillator::new(bad, 1.0).is_err() && DampedOscillator::new(1.0, bad).is_err());
        }
    }
}
