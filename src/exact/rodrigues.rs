//! Rotation of space.

use super::{ExactFlow, exact_flow, matrix_of, setting::finite};
use crate::{Num, Number, Ode, Result};
use std::array::from_fn;

/// Rotation of space about an axis through the origin, by Rodrigues' formula.
///
/// With the angular velocity `w`, the axis `n = w / |w|` and the angle `θ = |w| (t - s)`:
///
/// - velocity: `b(x) = w × x`
/// - flow: `x + sin(θ) n × x + (1 - cos θ) n × (n × x)`
/// - Jacobian: the same rotation; volume and norm are preserved
/// - domain: all of space, all times
///
/// ```
/// use flowmap::{FlowMap, exact::Rodrigues};
/// // a third of a turn about the diagonal exchanges the axes
/// let speed = 2.0 * std::f64::consts::PI / 3.0 / 3.0_f64.sqrt();
/// let end = Rodrigues::new([speed; 3])?.flow(&0.0, &1.0, &[1.0_f64, 2.0, 3.0]);
/// for (found, expected) in end.iter().zip([3.0, 1.0, 2.0]) {
///     assert!((found - expected).abs() < 1e-14);
/// }
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: R. M. Murray, Z. Li, S. S. Sastry, A Mathematical Introduction to Robotic Manipulation, section 2.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rodrigues {
    angular_velocity: [f64; 3],
}

/// `a × x`.
pub(super) fn cross<N: Number>(&[a, b, c]: &[f64; 3], [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

/// `|a|`.
pub(super) fn length([a, b, c]: &[f64; 3]) -> f64 {
    a.hypot(*b).hypot(*c)
}

/// `a / |a|`, or 0 if `a` is 0.
pub(super) fn direction(a: &[f64; 3]) -> [f64; 3] {
    let length = length(a);
    if length == 0.0 { *a } else { a.map(|a| a / length) }
}

/// `sin θ` and `1 - cos θ`, the latter without cancellation as twice the squared sine of half the angle.
pub(super) fn sine_and_versine<N: Number>(angle: &Num<N>) -> [Num<N>; 2] {
    [angle.sin(), 2.0 * (angle / 2.0).sin().powi(2)]
}

impl Rodrigues {
    /// With the angular velocity `w`: the axis times radians per unit of time, by the right-hand rule.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless every entry is finite.
    pub fn new(angular_velocity: [f64; 3]) -> Result<Self> {
        finite("angular velocity", &angular_velocity)?;
        Ok(Self { angular_velocity })
    }
}

impl Ode<3> for Rodrigues {
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; 3]) -> [Num<N>; 3] {
        cross(&self.angular_velocity, x)
    }
}

impl ExactFlow<3> for Rodrigues {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 3]) -> [Num<N>; 3] {
        let axis = direction(&self.angular_velocity);
        let [sine, versine] = sine_and_versine(&(length(&self.angular_velocity) * (t - s)));
        let along = cross(&axis, x);
        let inward = cross(&axis, &along);
        from_fn(|i| &x[i] + (&sine * &along[i] + &versine * &inward[i]))
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; 3]) -> [[Num<N>; 3]; 3] {
        matrix_of(s, |axis| self.solution(s, t, axis))
    }
}

exact_flow!(Rodrigues, 3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::Rotation};

    #[test]
    fn about_the_third_axis_it_rotates_the_plane() {
        let [x, y, z] = Rodrigues::new([0.0, 0.0, 0.7]).unwrap().flow(&0.3, &-2.0, &[1.0, -2.0, 5.0]);
        let plane = Rotation::new(0.7).unwrap().flow(&0.3, &-2.0, &[1.0, -2.0]);
        assert!((x - plane[0]).abs() < 1e-15 && (y - plane[1]).abs() < 1e-15 && z == 5.0);
    }

    #[test]
    fn slow_rotations_and_none() {
        assert_eq!(Rodrigues::new([0.0; 3]).unwrap().flow(&0.0, &9.0, &[1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
        let end = Rodrigues::new([0.0, 0.0, 1e-200]).unwrap().flow(&0.0, &1e200, &[1.0, 0.0, 0.0]);
        assert!((end[0] - 1.0_f64.cos()).abs() < 1e-15 && (end[1] - 1.0_f64.sin()).abs() < 1e-15, "{end:?}");
    }

    #[test]
    fn infinite_speed_is_refused() {
        assert!(Rodrigues::new([0.0, f64::NAN, 0.0]).is_err());
    }
}
