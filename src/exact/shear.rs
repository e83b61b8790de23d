//! A shear without rounding errors.

use super::{ExactFlow, exact_flow};
use crate::{Num, Number, Ode};

/// Shear in three dimensions: each coordinate moves with the next one as its velocity, the last one is constant. Position,
/// speed and acceleration of a body under a constant force.
///
/// - velocity: `b(x, y, z) = (y, z, 0)`
/// - flow: `(x + y τ + z τ²/2, y + z τ, z)` with `τ = t - s`: exact, bit by bit, on dyadic numbers of moderate length, as is
///   every Runge-Kutta method of order 2 or more
/// - Jacobian: `[[1, τ, τ²/2], [0, 1, τ], [0, 0, 1]]`, of determinant 1
/// - domain: all of space, all times
///
/// ```
/// use flowmap::{FlowMap, exact::Shear};
/// assert_eq!(Shear.flow(&0.0, &0.75, &[1.0, 2.0, -4.0]), [1.375, -1.0, -4.0]);
/// ```
///
/// Reference: V. I. Arnold, Ordinary Differential Equations, chapter 3, for nilpotent systems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shear;

impl Ode<3> for Shear {
    fn rhs<N: Number>(&self, _t: &Num<N>, [_, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [y.clone(), z.clone(), z.constant(0.0)]
    }
}

impl ExactFlow<3> for Shear {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        let tau = t - s;
        [x + (y + 0.5 * z * &tau) * &tau, y + z * &tau, z.clone()]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; 3]) -> [[Num<N>; 3]; 3] {
        let tau = t - s;
        let c = |c: f64| tau.constant(c);
        [[c(1.0), tau.clone(), 0.5 * &tau * &tau], [c(0.0), c(1.0), tau.clone()], [c(0.0), c(0.0), c(1.0)]]
    }
}

exact_flow!(Shear, 3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, FlowMap, verify};

    #[test]
    fn dyadic_cases_hold_bit_by_bit() {
        let dyadic = |k: i32| f64::from(k % 33 - 16) / 8.0;
        let case =
            |k: i32| Case { s: dyadic(7 * k), t: dyadic(11 * k + 3), x: [dyadic(5 * k), dyadic(13 * k), dyadic(17 * k + 1)] };
        for k in 0..1000 {
            let Case { s, t, x } = case(k);
            let (u, way) = (dyadic(19 * k + 5), |s: f64, t: f64, x: [f64; 3]| Shear.flow(&s, &t, &x));
            assert_eq!(way(u, t, way(s, u, x)), way(s, t, x), "the semigroup");
            assert_eq!(way(t, s, way(s, t, x)), x, "there and back");
        }
        // the report's intermediate times are not dyadic
        let report = verify(&Shear, &Shear, (0..1000).map(case));
        assert!(report.holds(1e-14), "{report}");
    }
}
