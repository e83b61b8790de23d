//! Rotation of the plane.

use super::{ExactFlow, exact_flow};
use crate::{Error, Num, Number, Ode, Result};

/// Rotation of the plane with constant angular velocity `ω`.
///
/// - velocity: `b(x, y) = (-ω y, ω x)`
/// - flow: the rotation by the angle `ω (t - s)`
/// - Jacobian: the same rotation; volume and norm are preserved
/// - domain: all of the plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::Rotation};
/// let quarter = Rotation::new(std::f64::consts::FRAC_PI_2)?.flow(&0.0, &1.0, &[1.0_f64, 0.0]);
/// assert!(quarter[0].abs() < 1e-15 && (quarter[1] - 1.0).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: V. I. Arnold, Ordinary Differential Equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation {
    angular_velocity: f64,
}

impl Rotation {
    /// With angular velocity `ω`, radians per unit of time, counter-clockwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `ω` is finite.
    pub fn new(angular_velocity: f64) -> Result<Self> {
        if !angular_velocity.is_finite() {
            return Err(Error::invalid("angular velocity", format!("{angular_velocity} is not finite")));
        }
        Ok(Self { angular_velocity })
    }
}

impl Ode<2> for Rotation {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let omega = self.angular_velocity;
        [-omega * y, omega * x]
    }
}

impl ExactFlow<2> for Rotation {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let angle = self.angular_velocity * (t - s);
        let (sin, cos) = (angle.sin(), angle.cos());
        [&cos * x - &sin * y, sin * x + cos * y]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; 2]) -> [[Num<N>; 2]; 2] {
        let angle = self.angular_velocity * (t - s);
        let (sin, cos) = (angle.sin(), angle.cos());
        [[cos.clone(), -&sin], [sin, cos]]
    }
}

exact_flow!(Rotation, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn known_point() {
        // (3, 4) by the angle whose cosine is 3/5 and sine 4/5
        let end = Rotation::new(0.8_f64.asin()).unwrap().flow(&1.0, &2.0, &[3.0, 4.0]);
        assert!((end[0] - -1.4).abs() < 1e-14 && (end[1] - 4.8).abs() < 1e-14);
    }

    #[test]
    fn infinite_speed_is_refused() {
        assert!(Rotation::new(f64::INFINITY).is_err());
    }
}
