//! The normal form of the pitchfork bifurcation.

use super::{ExactFlow, alive, exact_flow, setting::finite, special::integrals::Growth};
use crate::{Error, Num, Number, Ode, Result};

/// The normal form of the pitchfork bifurcation; with `μ = 0` cubic decay, problem A2 of the DETEST set (`k = 1/2`).
///
/// Let `τ = t - s` and `D = 1 + k x² (e^(2μ τ) - 1) / μ`, which is `1 + 2k x² τ` for `μ = 0`.
///
/// - velocity: `b(x) = μ x - k x³`
/// - flow: `x e^(μ τ) / D^(1/2)`
/// - Jacobian: `e^(μ τ) / D^(3/2)`
/// - domain: `D > 0`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time `s + ln(1 - μ / (k x²)) / 2μ`
///
/// ```
/// use flowmap::{FlowMap, exact::Pitchfork};
/// let fork = Pitchfork::new(4.0, 1.0)?;
/// for x in [0.1, 5.0] {
///     assert!((fork.flow(&0.0, &10.0, &[x])[0] - 2.0_f64).abs() < 1e-14); // √(μ/k)
/// }
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: S. H. Strogatz, Nonlinear Dynamics and Chaos, section 3.4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pitchfork {
    rate: f64,
    cubic: f64,
}

impl Pitchfork {
    /// With the growth rate `μ` at the origin and the cubic coefficient `k`: supercritical for `k > 0`, subcritical for `k < 0`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite.
    pub fn new(rate: f64, cubic: f64) -> Result<Self> {
        finite("rate", &[rate])?;
        finite("cubic coefficient", &[cubic])?;
        Ok(Self { rate, cubic })
    }

    /// The growth of `x²`, and `D`, scaled in the same way.
    fn square<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &Num<N>) -> (Growth<N>, Num<N>) {
        let growth = Growth::new(2.0 * self.rate, &(t - s));
        let denominator = alive(&growth.start + 2.0 * self.cubic * (x * x) * &growth.sum);
        (growth, denominator)
    }
}

impl Ode<1> for Pitchfork {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [(self.rate - self.cubic * (x * x)) * x]
    }
}

impl ExactFlow<1> for Pitchfork {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let (growth, denominator) = self.square(s, t, x);
        [x * (growth.end / denominator).sqrt()]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let (growth, denominator) = self.square(s, t, x);
        [[(growth.end / &denominator).sqrt() * growth.start / denominator]]
    }

    fn domain(&self, s: f64, t: f64, [x]: &[f64; 1]) -> Result<()> {
        if self.square(&Num(s), &Num(t), &Num(*x)).1.0 > 0.0 {
            return Ok(());
        }
        let pull = -1.0 / (2.0 * self.cubic * x * x);
        let lifetime = if self.rate == 0.0 { pull } else { (2.0 * self.rate * pull).ln_1p() / (2.0 * self.rate) };
        Err(Error::BlowUp { from: s, to: t, time: s + lifetime })
    }
}

exact_flow!(Pitchfork, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn end_of_detest_problem_a2() {
        let end = Pitchfork::new(0.0, 0.5).unwrap().flow(&0.0, &20.0, &[1.0_f64]);
        assert!((end[0] - 0.218_217_890_235_992_4).abs() < 1e-16, "{}", end[0]);
    }

    #[test]
    fn smooth_through_the_bifurcation() {
        let end = |rate| Pitchfork::new(rate, 1.0).unwrap().flow(&0.0, &2.0, &[1.5_f64])[0];
        assert!((end(1e-12) - end(0.0)).abs() < 1e-11 && (end(-1e-12) - end(0.0)).abs() < 1e-11);
    }

    #[test]
    fn far_ends_do_not_overflow() {
        let fork = Pitchfork::new(1.0, 1.0).unwrap();
        assert_eq!(fork.flow(&0.0, &5000.0, &[0.5_f64]), [1.0]);
        assert_eq!(fork.flow(&0.0, &-5000.0, &[0.5_f64]), [0.0]);
    }

    #[test]
    fn blow_up_times() {
        let time = |rate, cubic, t: f64, x: f64| match Pitchfork::new(rate, cubic).unwrap().try_flow(&1.0, &t, &[x]) {
            Err(Error::BlowUp { time, .. }) => time,
            other => panic!("{other:?}"),
        };
        assert_eq!(time(0.0, 0.5, -9.0, 2.0), 0.75);
        assert_eq!(time(0.0, -0.5, 9.0, -2.0), 1.25);
        let expected = 1.0 - 0.5 * (4.0_f64 / 3.0).ln();
        assert!((time(1.0, 1.0, -9.0, 2.0) - expected).abs() < 1e-15, "above the stable rest, backward");
    }

    #[test]
    fn infinite_settings_are_refused() {
        assert!(Pitchfork::new(f64::NAN, 1.0).is_err() && Pitchfork::new(1.0, f64::INFINITY).is_err());
    }
}
