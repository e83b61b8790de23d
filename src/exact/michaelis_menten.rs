//! Michaelis-Menten kinetics.

use super::{ExactFlow, alive, exact_flow, setting::positive, special::lambert::wright_omega};
use crate::{Error, Num, Number, Ode, Result};

/// Michaelis-Menten kinetics: an enzyme consumes its substrate at a rate that saturates at `V`.
///
/// With the Lambert function `W`, defined by `W(y) e^W(y) = y`:
///
/// - velocity: `b(x) = -V x / (K + x)`
/// - flow: `K W((x/K) e^((x - V (t - s))/K))`, computed without the exponential, which may overflow
/// - Jacobian: `b(X) / b(x)`
/// - domain: `x > 0`, all times
///
/// ```
/// use flowmap::{FlowMap, exact::MichaelisMenten};
/// let kinetics = MichaelisMenten::new(2.0, 0.5)?;
/// // from 1 to 1/2 the time is (1 - 1/2 + K ln 2) / V
/// let time = (0.5 + 0.5 * 2.0_f64.ln()) / 2.0;
/// assert!((kinetics.flow(&0.0, &time, &[1.0])[0] - 0.5).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: S. Schnell, C. Mendoza, Closed form solution for time-dependent enzyme kinetics, J. Theor. Biol. 187(2), 1997.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MichaelisMenten {
    limit: f64,
    half: f64,
}

impl MichaelisMenten {
    /// With the limiting rate `V` and the concentration `K` at which the rate is `V/2`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are positive and finite.
    pub fn new(limiting_rate: f64, half_saturation: f64) -> Result<Self> {
        positive("limiting rate", limiting_rate)?;
        positive("half saturation", half_saturation)?;
        Ok(Self { limit: limiting_rate, half: half_saturation })
    }
}

impl Ode<1> for MichaelisMenten {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [-self.limit * x / (self.half + x)]
    }
}

impl ExactFlow<1> for MichaelisMenten {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let relative = alive(x / self.half);
        let elapsed = self.limit / self.half * (t - s);
        [self.half * wright_omega(&(relative.ln() + &relative - elapsed))]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let [end] = self.rhs(t, &self.solution(s, t, x));
        let [start] = self.rhs(s, x);
        [[end / start]]
    }

    fn domain(&self, _s: f64, _t: f64, [x]: &[f64; 1]) -> Result<()> {
        if *x > 0.0 { Ok(()) } else { Err(Error::invalid("state", format!("{x} is not positive; give x > 0"))) }
    }
}

exact_flow!(MichaelisMenten, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn both_limits() {
        let kinetics = MichaelisMenten::new(1.0, 1e-3).unwrap();
        // far above saturation the decay is linear in time, where e^(x/K) overflows
        assert!((kinetics.flow(&0.0, &4.0, &[10.0_f64])[0] - (6.0 + 1e-3 * (10.0_f64 / 6.0).ln())).abs() < 1e-6);
        // far below it, the decay is exponential
        let few = MichaelisMenten::new(1.0, 1.0).unwrap().flow(&0.0, &2.0, &[1e-12_f64])[0];
        assert!((few / (1e-12 * (-2.0_f64).exp()) - 1.0).abs() < 1e-11);
    }

    #[test]
    fn the_time_from_one_concentration_to_another() {
        let (limit, half) = (0.7, 1.3);
        let kinetics = MichaelisMenten::new(limit, half).unwrap();
        for (x, y) in [(5.0_f64, 0.01), (0.2, 0.1), (1.0, 4.0), (30.0, 1e-20)] {
            let time = (x - y + half * (x / y).ln()) / limit;
            let found = kinetics.flow(&0.0, &time, &[x])[0];
            assert!((found / y - 1.0).abs() < 1e-13, "{x} to {y}: {found}");
        }
    }

    #[test]
    fn what_is_no_concentration_is_refused() {
        let kinetics = MichaelisMenten::new(1.0, 1.0).unwrap();
        for x in [0.0, -0.5_f64] {
            assert!(kinetics.flow(&0.0, &1.0, &[x])[0].is_nan());
            assert!(kinetics.try_flow(&0.0, &1.0, &[x]).unwrap_err().to_string().contains("positive"));
        }
        assert!(MichaelisMenten::new(0.0, 1.0).is_err() && MichaelisMenten::new(1.0, f64::NAN).is_err());
    }
}
