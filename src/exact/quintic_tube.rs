//! Repulsion from a moving point, by the fifth power.

use super::{ExactFlow, alive, exact_flow, setting::finite};
use crate::{Error, Num, Number, Ode, Result};

/// Repulsion from a point that moves uniformly along `a t + c`, weak near it and strong far from it: a tube around a straight
/// line in which solutions stay for a long time.
///
/// With `z = x - a s - c`:
///
/// - velocity: `b_t(x) = a + (x - a t - c)^5`
/// - flow: `a t + c + z (1 - 4 z⁴ (t - s))^(-1/4)`
/// - Jacobian: `(1 - 4 z⁴ (t - s))^(-5/4)`
/// - domain: `4 z⁴ (t - s) < 1`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time `s + 1 / (4 z⁴)`
///
/// ```
/// use flowmap::{FlowMap, exact::QuinticTube};
/// let tube = QuinticTube::new(0.2, 3.0)?;
/// assert!((tube.flow(&1.0, &8.0, &[3.2])[0] - 4.6_f64).abs() < 1e-14); // the middle of the tube
/// assert!(tube.try_flow(&0.0, &0.3, &[4.0]).is_err()); // gone at 1/4
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: the tests of torchdiffeq (R. T. Q. Chen, <https://github.com/rtqichen/torchdiffeq>), where `a = 0.2` and `c = 3`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuinticTube {
    slope: f64,
    offset: f64,
}

impl QuinticTube {
    /// With repulsion from the line `a t + c`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite.
    pub fn new(slope: f64, offset: f64) -> Result<Self> {
        finite("line", &[slope, offset])?;
        Ok(Self { slope, offset })
    }

    /// `a t + c`.
    fn middle<N: Number>(&self, t: &Num<N>) -> Num<N> {
        self.slope * t + self.offset
    }

    /// `z`, and `1 - 4 z⁴ (t - s)` as long as it is positive.
    fn parts<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &Num<N>) -> (Num<N>, Num<N>) {
        let distance = x - self.middle(s);
        let left = alive(1.0 - 4.0 * distance.powi(4) * (t - s));
        (distance, left)
    }
}

impl Ode<1> for QuinticTube {
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.slope + (x - self.middle(t)).powi(5)]
    }
}

impl ExactFlow<1> for QuinticTube {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let (distance, left) = self.parts(s, t, x);
        [self.middle(t) + distance * left.powf(-0.25)]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        [[self.parts(s, t, x).1.powf(-1.25)]]
    }

    fn domain(&self, s: f64, t: f64, [x]: &[f64; 1]) -> Result<()> {
        let (distance, left) = self.parts(&Num(s), &Num(t), &Num(*x));
        if left.0 > 0.0 { Ok(()) } else { Err(Error::BlowUp { from: s, to: t, time: s + 1.0 / (4.0 * distance.0.powi(4)) }) }
    }
}

exact_flow!(QuinticTube, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn known_point_and_blow_up() {
        let tube = QuinticTube::new(1.0, 0.0).unwrap();
        // 1 - 4 (15/64) = 1/16, whose fourth root is 1/2
        assert!((tube.flow(&2.0, &(2.0 + 15.0 / 64.0), &[1.0_f64])[0] - (2.0 + 15.0 / 64.0 - 2.0)).abs() < 1e-14);
        match tube.try_flow(&2.0, &3.0, &[1.0]) {
            Err(Error::BlowUp { time, .. }) => assert_eq!(time, 2.25),
            other => panic!("{other:?}"),
        }
        assert!(tube.flow(&2.0, &3.0, &[1.0_f64])[0].is_nan());
        assert!(tube.try_flow(&2.0, &-50.0, &[1.0]).is_ok(), "backward it comes closer");
    }

    #[test]
    fn infinite_settings_are_refused() {
        assert!(QuinticTube::new(f64::NAN, 0.0).is_err() && QuinticTube::new(0.0, f64::INFINITY).is_err());
    }
}
