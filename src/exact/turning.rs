//! Linear systems in a rotating frame.

use super::{ExactFlow, exact_flow, expm::matrix_exponential, matrix_of, setting::finite, sum};
use crate::{Num, Number, Ode, Result};
use std::array::from_fn;

/// The linear system `x' = A(t) x` with `A(t) = e^(Ω t) B e^(-Ω t)`: the constant matrix `B` in a frame that rotates with `Ω`.
///
/// Unless `Ω` and `B` commute, neither do the `A(t)` at different times, and the flow is not `e^(∫A)`.
///
/// - velocity: `b_t(x) = e^(Ω t) B e^(-Ω t) x`
/// - flow: `e^(Ω t) e^((B - Ω) (t - s)) e^(-Ω s) x`
/// - Jacobian: `e^(Ω t) e^((B - Ω) (t - s)) e^(-Ω s)`
/// - domain: the whole space, all times
///
/// Every `A(t)` alone may have decaying solutions while those of the system grow:
///
/// ```
/// use flowmap::{FlowMap, exact::Turning};
/// // both eigenvalues of B are -1; those of B - Ω are -1 ± √2
/// let system = Turning::new([[0.0, 1.0], [-1.0, 0.0]], [[-1.0, 3.0], [0.0, -1.0]])?;
/// let end = system.flow(&0.0, &10.0, &[1.0_f64, 1.0]);
/// assert!(end[0].hypot(end[1]) > 50.0);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: L. Markus, H. Yamabe, Global stability criteria for differential systems, Osaka Math. J. 12, 1960, for systems that
/// grow although every `A(t)` decays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turning<const D: usize> {
    turn: [[f64; D]; D],
    matrix: [[f64; D]; D],
}

impl<const D: usize> Turning<D> {
    /// With the generator `Ω` of the rotation and the matrix `B`, both row by row. `Ω` need not be antisymmetric.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless every entry is finite.
    pub fn new(turn: [[f64; D]; D], matrix: [[f64; D]; D]) -> Result<Self> {
        finite("turn", turn.as_flattened())?;
        finite("matrix", matrix.as_flattened())?;
        Ok(Self { turn, matrix })
    }

    /// `e^(Ω t)`.
    fn frame<N: Number>(&self, t: &Num<N>) -> [[Num<N>; D]; D] {
        matrix_exponential(self.turn.map(|row| row.map(|entry| entry * t)))
    }

    /// `e^((B - Ω) τ)`.
    fn inside<N: Number>(&self, tau: &Num<N>) -> [[Num<N>; D]; D] {
        matrix_exponential(from_fn(|i| from_fn(|j| (self.matrix[i][j] - self.turn[i][j]) * tau)))
    }
}

fn apply<const D: usize, N: Number>(matrix: &[[Num<N>; D]; D], x: &[Num<N>; D]) -> [Num<N>; D] {
    from_fn(|i| sum((0..D).map(|j| &matrix[i][j] * &x[j])))
}

impl<const D: usize> Ode<D> for Turning<D> {
    /// # Panics
    /// If `D` is 0.
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let matrix = self.matrix.map(|row| row.map(|entry| t.constant(entry)));
        let seen = apply(&self.frame(&-t), x);
        apply(&self.frame(t), &apply(&matrix, &seen))
    }
}

impl<const D: usize> ExactFlow<D> for Turning<D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let seen = apply(&self.frame(&-s), x);
        apply(&self.frame(t), &apply(&self.inside(&(t - s)), &seen))
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        matrix_of(s, |axis| self.solution(s, t, axis))
    }
}

exact_flow!(Turning<D>, D, [const D: usize]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, VelocityField, exact::expm};

    const TURN: [[f64; 2]; 2] = [[0.0, -1.0], [1.0, 0.0]];
    const SHEAR: [[f64; 2]; 2] = [[0.0, 1.0], [0.0, 0.0]];

    #[test]
    fn the_exponential_of_the_integral_is_another_map() {
        let system = Turning::new(TURN, SHEAR).unwrap();
        // A(t) = [[-sin t cos t, cos² t], [-sin² t, sin t cos t]]
        let t = 1.5_f64;
        let (mixed, quarter) = (0.5 * t.sin().powi(2), 0.25 * (2.0 * t).sin());
        let wrong = expm(&[[-mixed, 0.5 * t + quarter], [-(0.5 * t - quarter), mixed]]);
        let right = system.jacobian(&0.0, &t, &[0.0; 2]);
        let gap = (0..4).map(|i| (right.as_flattened()[i] - wrong.as_flattened()[i]).abs()).fold(0.0, f64::max);
        assert!(gap > 0.1, "{right:?} {wrong:?}");
        // and the flow is right: many short steps along the chord of the velocity agree with it
        let mut x = [1.0, 0.5];
        let steps = 4096;
        let h = t / f64::from(steps);
        for k in 0..steps {
            let middle = h * (f64::from(k) + 0.5);
            let [u, v] = system.velocity(&(middle - 0.5 * h), &x);
            let [u, v] = system.velocity(&middle, &[x[0] + 0.5 * h * u, x[1] + 0.5 * h * v]);
            x = [x[0] + h * u, x[1] + h * v];
        }
        let end = system.flow(&0.0, &t, &[1.0, 0.5]);
        assert!((end[0] - x[0]).abs() < 1e-6 && (end[1] - x[1]).abs() < 1e-6, "{end:?} {x:?}");
    }

    #[test]
    fn in_the_same_plane_turns_add_nothing_to_turns() {
        let system = Turning::new(TURN, TURN.map(|row| row.map(|entry| 0.5 * entry))).unwrap();
        let end = system.flow(&1.0, &(1.0 + std::f64::consts::PI), &[1.0_f64, 0.0]);
        assert!(end[0].abs() < 1e-15 && (end[1] - 1.0).abs() < 1e-15, "they commute: half a turn of the half speed, {end:?}");
    }

    #[test]
    fn entries_that_are_not_finite_are_refused() {
        assert!(Turning::new([[f64::NAN]], [[0.0]]).is_err());
        assert!(Turning::new([[0.0]], [[f64::INFINITY]]).is_err());
    }
}
