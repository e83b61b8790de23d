//! Relaxation to a given curve.

use super::{ExactFlow, exact_flow, setting::finite};
use crate::{Num, Number, Ode, Result};

/// The Prothero-Robinson equation: solutions relax to the curve `g(t) = a cos(ω t)` at rate `-λ`, however slow the curve. It is
/// stiff for `λ ≪ 0`, and tests the order reduction of implicit methods.
///
/// - velocity: `b_t(x) = λ (x - g(t)) + g'(t)`
/// - flow: `g(t) + e^(λ (t - s)) (x - g(s))`
/// - Jacobian: `e^(λ (t - s))`
/// - domain: the whole line, all times
///
/// ```
/// use flowmap::{FlowMap, exact::ProtheroRobinson};
/// let stiff = ProtheroRobinson::new(-1e6, 1.0, 1.0)?;
/// assert_eq!(stiff.flow(&0.0, &0.5, &[3.0]), [0.5_f64.cos()]);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: A. Prothero, A. Robinson, On the stability and accuracy of one-step methods for solving stiff systems of ordinary
/// differential equations, Math. Comp. 28, 1974.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProtheroRobinson {
    rate: f64,
    amplitude: f64,
    frequency: f64,
}

impl ProtheroRobinson {
    /// With the rate `λ` of deviations from the curve, and the curve's amplitude `a` and angular frequency `ω`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless all are finite.
    pub fn new(rate: f64, amplitude: f64, frequency: f64) -> Result<Self> {
        finite("rate", &[rate])?;
        finite("curve", &[amplitude, frequency])?;
        Ok(Self { rate, amplitude, frequency })
    }

    /// The curve `g(t)`, itself a solution.
    ///
    /// ```
    /// use flowmap::{FlowMap, exact::ProtheroRobinson};
    /// let flow = ProtheroRobinson::new(-2.0, 1.5, 3.0)?;
    /// assert_eq!(flow.flow(&0.1, &0.9, &[flow.curve(&0.1)]), [flow.curve(&0.9)]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn curve<N: Number>(&self, t: &N) -> N {
        self.g(&Num::from(t)).0
    }

    /// `g(t)`.
    fn g<N: Number>(&self, t: &Num<N>) -> Num<N> {
        self.amplitude * (self.frequency * t).cos()
    }

    /// `g'(t)`.
    fn slope<N: Number>(&self, t: &Num<N>) -> Num<N> {
        -self.amplitude * self.frequency * (self.frequency * t).sin()
    }

    /// `e^(λ (t - s))`.
    fn decay<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Num<N> {
        (self.rate * (t - s)).exp()
    }
}

impl Ode<1> for ProtheroRobinson {
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.rate * (x - self.g(t)) + self.slope(t)]
    }
}

impl ExactFlow<1> for ProtheroRobinson {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.g(t) + self.decay(s, t) * (x - self.g(s))]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        [[self.decay(s, t)]]
    }
}

exact_flow!(ProtheroRobinson, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn deviations_decay_and_grow_backward() {
        let flow = ProtheroRobinson::new(-2.0, 1.0, std::f64::consts::PI).unwrap();
        assert!((flow.flow(&0.0, &1.0, &[4.0_f64])[0] - (3.0 * (-2.0_f64).exp() - 1.0)).abs() < 1e-15);
        assert!((flow.flow(&1.0, &0.0, &[0.0_f64])[0] - (2.0_f64.exp() + 1.0)).abs() < 1e-14);
    }

    #[test]
    fn infinite_settings_are_refused() {
        for k in 0..3 {
            let [rate, amplitude, frequency] = std::array::from_fn(|i| if i == k { f64::NAN } else { 1.0 });
            assert!(ProtheroRobinson::new(rate, amplitude, frequency).is_err());
        }
    }
}
