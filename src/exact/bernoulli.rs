//! The Bernoulli equation.

use super::{ExactFlow, alive, exact_flow, setting::finite, special::integrals::Growth};
use crate::{Error, Num, Number, Ode, Result};

/// The Bernoulli equation with constant coefficients and a real exponent `n ≠ 1`, on the positive half line.
///
/// Let `τ = t - s`. The power `x^(1-n)` obeys a linear equation:
///
/// - velocity: `b(x) = p x + q x^n`
/// - flow: `(x^(1-n) e^((1-n) p τ) + q (e^((1-n) p τ) - 1) / p)^(1/(1-n))`
/// - Jacobian: `e^((1-n) p τ) (X/x)^n`
/// - domain: `x > 0`, and the base of the power positive. Where it is not, the solution has blown up if `n > 1`. If `n < 1` it
///   has reached 0, where solutions are not unique: `√x` has the two solutions `0` and `t²/4` there, and no flow
///
/// ```
/// use flowmap::{FlowMap, exact::Bernoulli};
/// // growth of an organism by its surface, less by its volume: von Bertalanffy
/// let growth = Bernoulli::new(-3.0, 3.0, 2.0 / 3.0)?;
/// let end = growth.flow(&0.0, &1.0, &[1.0_f64 / 8.0])[0];
/// assert!((end - (1.0 - 0.5 * (-1.0_f64).exp()).powi(3)).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: E. L. Ince, Ordinary Differential Equations, section 2.14.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bernoulli {
    linear: f64,
    power: f64,
    exponent: f64,
}

impl Bernoulli {
    /// With the coefficients `p` and `q`, and the exponent `n`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite and `n ≠ 1`.
    pub fn new(linear: f64, power: f64, exponent: f64) -> Result<Self> {
        finite("coefficients", &[linear, power])?;
        finite("exponent", &[exponent])?;
        if exponent == 1.0 {
            return Err(Error::invalid("exponent", "1 makes the equation linear: take exact::Affine"));
        }
        Ok(Self { linear, power, exponent })
    }

    /// `m = n - 1`, with which the power `u = x^m` obeys `u' = m (p u + q u²)`.
    fn degree(&self) -> f64 {
        self.exponent - 1.0
    }

    /// The growth of `u`, and its denominator.
    fn parts<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &Num<N>) -> (Growth<N>, Num<N>) {
        let growth = Growth::new(self.degree() * self.linear, &(t - s));
        let u = x.gt(0.0).select(x, f64::NAN).powf(self.degree());
        let denominator = alive(&growth.start - self.degree() * self.power * u * &growth.sum);
        (growth, denominator)
    }
}

impl Ode<1> for Bernoulli {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.linear * x + self.power * x.powf(self.exponent)]
    }
}

impl ExactFlow<1> for Bernoulli {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let (growth, denominator) = self.parts(s, t, x);
        [x * (growth.end / denominator).powf(1.0 / self.degree())]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let (growth, denominator) = self.parts(s, t, x);
        [[(growth.end / &denominator).powf(1.0 / self.degree()) * growth.start / denominator]]
    }

    fn domain(&self, s: f64, t: f64, [x]: &[f64; 1]) -> Result<()> {
        if *x <= 0.0 {
            return Err(Error::invalid("state", format!("{x} is not positive; start at x > 0")));
        }
        if self.parts(&Num(s), &Num(t), &Num(*x)).1.0 > 0.0 {
            return Ok(());
        }
        let (rate, pull) = (self.degree() * self.linear, x.powf(-self.degree()) / (self.degree() * self.power));
        let lifetime = if rate == 0.0 { pull } else { (rate * pull).ln_1p() / rate };
        let time = s + lifetime;
        if self.exponent > 1.0 {
            return Err(Error::BlowUp { from: s, to: t, time });
        }
        let reason = format!("the solution from {x} at time {s} reaches 0 at time {time}, where it is not unique");
        Err(Error::invalid("time", format!("{reason}; {t} lies beyond, choose a time closer to {s}")))
    }
}

exact_flow!(Bernoulli, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::{Logistic, Pitchfork},
    };

    #[test]
    fn its_special_cases_are_known_flows() {
        let (s, t, x) = (0.3, 1.1, 0.7_f64);
        let end = |p, q, n| Bernoulli::new(p, q, n).unwrap().flow(&s, &t, &[x])[0];
        assert!((end(1.5, -0.5, 2.0) - Logistic::new(1.5, 3.0).unwrap().flow(&s, &t, &[x])[0]).abs() < 1e-15);
        assert!((end(-0.4, -2.0, 3.0) - Pitchfork::new(-0.4, 2.0).unwrap().flow(&s, &t, &[x])[0]).abs() < 1e-15);
        assert!((end(0.0, 1.0, 0.5) - (0.7_f64.sqrt() + 0.4).powi(2)).abs() < 1e-15, "the root's own flow");
    }

    #[test]
    fn blows_up_or_reaches_zero() {
        let cube = Bernoulli::new(0.0, 0.5, 3.0).unwrap();
        assert!(matches!(cube.try_flow(&1.0, &2.0, &[2.0]), Err(Error::BlowUp { time, .. }) if time == 1.25));
        // backward from 1, the solution t²/4 of x' = √x reaches 0 two units of time earlier
        let root = Bernoulli::new(0.0, 1.0, 0.5).unwrap();
        assert!(root.try_flow(&2.0, &0.01, &[1.0]).is_ok());
        let message = root.try_flow(&2.0, &-0.5, &[1.0]).unwrap_err().to_string();
        assert!(message.contains("reaches 0 at time 0, where it is not unique"), "{message}");
        assert!(root.flow(&2.0, &-0.5, &[1.0_f64])[0].is_nan());
        for x in [0.0_f64, -1.0] {
            assert!(root.try_flow(&0.0, &1.0, &[x]).unwrap_err().to_string().contains("not positive"));
            assert!(root.flow(&0.0, &1.0, &[x])[0].is_nan(), "no flow starts where solutions are not unique");
        }
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(Bernoulli::new(1.0, 1.0, 1.0).unwrap_err().to_string().contains("Affine"));
        assert!(Bernoulli::new(f64::NAN, 1.0, 2.0).is_err() && Bernoulli::new(1.0, 1.0, f64::INFINITY).is_err());
    }
}
