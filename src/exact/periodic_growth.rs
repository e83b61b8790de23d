//! Growth at a periodic rate.

use super::{ExactFlow, exact_flow};
use crate::{Error, Num, Number, Ode, Result};

/// The scalar linear ODE with growth rate `a cos t`: the simplest non-autonomous flow.
///
/// - velocity: `b_t(x) = a cos(t) x`
/// - flow: `x e^(a (sin t - sin s))`
/// - Jacobian: `e^(a (sin t - sin s))`
/// - domain: the whole line, all times
///
/// ```
/// use flowmap::{FlowMap, exact::PeriodicGrowth};
/// let half_pi = std::f64::consts::FRAC_PI_2;
/// let end = PeriodicGrowth::new(1.0)?.flow(&0.0, &half_pi, &[2.0]);
/// assert!((end[0] - 2.0 * 1.0_f64.exp()).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: T. E. Hull, W. H. Enright, B. M. Fellen, A. E. Sedgwick, Comparing numerical methods for ordinary differential
/// equations, SIAM J. Numer. Anal. 9(4), 1972, problem A3 (`a = 1`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodicGrowth {
    amplitude: f64,
}

impl PeriodicGrowth {
    /// With growth rate `a cos t`; `a` is per unit of time.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `a` is finite.
    pub fn new(amplitude: f64) -> Result<Self> {
        if !amplitude.is_finite() {
            return Err(Error::invalid("amplitude", format!("{amplitude} is not finite")));
        }
        Ok(Self { amplitude })
    }

    /// `e^(a (sin t - sin s))`.
    fn growth<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Num<N> {
        (self.amplitude * (t.sin() - s.sin())).exp()
    }
}

impl Ode<1> for PeriodicGrowth {
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.amplitude * t.cos() * x]
    }
}

impl ExactFlow<1> for PeriodicGrowth {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.growth(s, t) * x]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        [[self.growth(s, t)]]
    }
}

exact_flow!(PeriodicGrowth, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn end_of_detest_problem_a3() {
        // e^(sin 20), as in the reference values of the test set
        let end = PeriodicGrowth::new(1.0).unwrap().flow(&0.0, &20.0, &[1.0_f64]);
        assert!((end[0] - 2.491_650_271_850_414_5).abs() < 1e-13, "{}", end[0]);
    }

    #[test]
    fn infinite_rate_is_refused() {
        assert!(PeriodicGrowth::new(f64::NAN).is_err());
        assert!(PeriodicGrowth::new(f64::NEG_INFINITY).is_err());
    }
}
