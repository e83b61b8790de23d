//! The overdamped pendulum.

use super::{ExactFlow, exact_flow, setting::finite};
use crate::{Num, Number, Ode, Result};

/// The overdamped pendulum, with negligible inertia: its angle leaves the top for the bottom.
///
/// With `h = tanh(r (t - s) / 2)`:
///
/// - velocity: `b(x) = r sin x`
/// - flow: `x + 2 arctan(h sin x / (1 - h cos x))`, which is `2 arctan(e^(r (t - s)) tan(x/2))` continued to all angles
/// - Jacobian: `(1 - h²) / (1 + h² - 2 h cos x)`
/// - domain: the whole line, all times
///
/// ```
/// use flowmap::{FlowMap, exact::OverdampedPendulum};
/// use std::f64::consts::PI;
/// let fall = OverdampedPendulum::new(1.0)?;
/// assert!((fall.flow(&0.0, &50.0, &[0.1])[0] - PI).abs() < 1e-14); // from the top, 0, to the bottom
/// assert!((fall.flow(&0.0, &50.0, &[6.2])[0] - PI).abs() < 1e-14); // the other way round
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: S. H. Strogatz, Nonlinear Dynamics and Chaos, sections 2.1 and 4.4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverdampedPendulum {
    rate: f64,
}

impl OverdampedPendulum {
    /// With the growth rate `r` of small angles.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is finite.
    pub fn new(rate: f64) -> Result<Self> {
        finite("rate", &[rate])?;
        Ok(Self { rate })
    }

    /// `r (t - s) / 2`.
    fn half<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Num<N> {
        self.rate * (t - s) / 2.0
    }
}

impl Ode<1> for OverdampedPendulum {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.rate * x.sin()]
    }
}

impl ExactFlow<1> for OverdampedPendulum {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let h = self.half(s, t).tanh();
        [x + 2.0 * (&h * x.sin() / (1.0 - &h * x.cos())).atan()]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        // both divided by 1 - h²
        let half = self.half(s, t);
        let (cosh, sinh) = (half.cosh(), half.sinh());
        let rest = &cosh * &cosh + &sinh * &sinh - 2.0 * x.cos() * &cosh * &sinh;
        [[1.0 / rest]]
    }
}

exact_flow!(OverdampedPendulum, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;
    use std::f64::consts::PI;

    #[test]
    fn known_angles_and_whole_turns() {
        let fall = OverdampedPendulum::new(2.0).unwrap();
        let end = 2.0 * (1.0_f64.exp() * 0.4_f64.tan()).atan();
        for turns in [-2.0, 0.0, 1.0] {
            let x = 0.8 + 2.0 * PI * turns;
            assert!((fall.flow(&0.5, &1.0, &[x])[0] - (end + 2.0 * PI * turns)).abs() < 1e-14, "{turns}");
        }
        assert_eq!(fall.flow(&0.0, &3.0, &[0.0]), [0.0], "at the top it rests");
    }

    #[test]
    fn infinite_rate_is_refused() {
        assert!(OverdampedPendulum::new(f64::INFINITY).is_err());
    }
}
