//! Logarithmic growth.

use super::{ExactFlow, exact_flow, setting::finite};
use crate::{Error, Num, Number, Ode, Result};

/// Growth at a rate that decays exponentially with the size reached, as of oxide layers: unbounded, but logarithmic.
///
/// - velocity: `b(x) = r e^-x`
/// - flow: `ln(e^x + r (t - s))`, computed as `x + ln(1 + r (t - s) e^-x)`
/// - Jacobian: `1 / (1 + r (t - s) e^-x)`
/// - domain: `r (t - s) > -e^x`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the time `s - e^x / r` of the blow-up to `-∞`
///
/// ```
/// use flowmap::{FlowMap, exact::LogarithmicGrowth};
/// let growth = LogarithmicGrowth::new(1.0)?;
/// assert_eq!(growth.flow(&0.0, &9.0, &[0.0]), [10.0_f64.ln()]);
/// assert!(growth.try_flow(&0.0, &-1.0, &[0.0]).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: E. L. Ince, Ordinary Differential Equations, section 2.11.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogarithmicGrowth {
    rate: f64,
}

impl LogarithmicGrowth {
    /// With the rate `r` at `x = 0`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is finite.
    pub fn new(rate: f64) -> Result<Self> {
        finite("rate", &[rate])?;
        Ok(Self { rate })
    }

    /// `r (t - s) e^-x`, NaN after the blow-up.
    fn gain<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &Num<N>) -> Num<N> {
        let gain = self.rate * (t - s) * (-x).exp();
        gain.gt(-1.0).select(&gain, f64::NAN)
    }
}

impl Ode<1> for LogarithmicGrowth {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.rate * (-x).exp()]
    }
}

impl ExactFlow<1> for LogarithmicGrowth {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [x + self.gain(s, t, x).ln_1p()]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        [[1.0 / (1.0 + self.gain(s, t, x))]]
    }

    fn domain(&self, s: f64, t: f64, [x]: &[f64; 1]) -> Result<()> {
        let gain = self.gain(&Num(s), &Num(t), &Num(*x)).0;
        if gain > -1.0 { Ok(()) } else { Err(Error::BlowUp { from: s, to: t, time: s - x.exp() / self.rate }) }
    }
}

exact_flow!(LogarithmicGrowth, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn where_little_grows_the_digits_stay() {
        let end = LogarithmicGrowth::new(1.0).unwrap().flow(&0.0, &1e-20, &[1e-30_f64]);
        assert!((end[0] / 1e-20 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn blow_up_times() {
        for (rate, t, x) in [(2.0, -9.0, 1.0_f64), (-0.5, 9.0, 0.0)] {
            let growth = LogarithmicGrowth::new(rate).unwrap();
            match growth.try_flow(&1.0, &t, &[x]) {
                Err(Error::BlowUp { time, .. }) => assert!((time - (1.0 - x.exp() / rate)).abs() < 1e-15),
                other => panic!("{other:?}"),
            }
            assert!(growth.flow(&1.0, &t, &[x])[0].is_nan());
        }
        assert!(LogarithmicGrowth::new(1.0).unwrap().flow(&0.0, &-1.0, &[0.0_f64])[0].is_nan(), "at the very time");
    }

    #[test]
    fn infinite_rate_is_refused() {
        assert!(LogarithmicGrowth::new(f64::NAN).is_err());
    }
}
