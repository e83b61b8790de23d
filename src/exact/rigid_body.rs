//! The torque-free rigid body.

use super::{
    ExactFlow, exact_flow,
    setting::{finite, positive},
    special::elliptic::Jacobi,
};
use crate::{Error, Num, Number, Ode, Result};

/// Euler's equations of a free rigid body, for the angular velocity in the body's own frame.
///
/// With the principal moments of inertia `I` the coefficients are `p = ((I₂ - I₃)/I₁, (I₃ - I₁)/I₂, (I₁ - I₂)/I₃)`. One of
/// them has another sign than the two others: let it be `p_a`, of the intermediate axis, and
/// `B = |p_a p_b| x_c² + |p_b p_c| x_a²`, `C = |p_a p_c| x_b² + |p_b p_c| x_a²`. Let `λ²` be the larger of `B` and `C`, `m` the
/// smaller one divided by it, and `sn`, `cn`, `dn` Jacobi's elliptic functions of `λ (t - s)`; for `B < C` swap `cn` and `dn`.
///
/// - velocity: `b(x) = (p₁ x₂ x₃, p₂ x₃ x₁, p₃ x₁ x₂)`
/// - flow: `x_a → (x_a cn dn + (p_a x_b x_c / λ) sn) / D`, `x_b → (x_b cn + (p_b x_c x_a / λ) sn dn) / D`,
///   `x_c → (x_c dn + (p_c x_a x_b / λ) sn cn) / D` with `D = 1 - |p_b p_c| x_a² sn² / λ²`, by the addition theorem: one formula
///   for both sides of the separatrix
/// - Jacobian: of determinant 1; computed by forward mode
/// - domain: the whole space, all times
///
/// ```
/// use flowmap::{FlowMap, exact::RigidBody};
/// let body = RigidBody::new([1.0, 2.0, 3.0])?;
/// let end = body.flow(&0.0, &5.0, &[0.1, 1.0, 0.0]); // about the intermediate axis, which is unstable
/// let energy = |[x, y, z]: [f64; 3]| x * x + 2.0 * y * y + 3.0 * z * z;
/// assert!((energy(end) - energy([0.1, 1.0, 0.0])).abs() < 1e-13);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: L. D. Landau, E. M. Lifshitz, Mechanics, section 37.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RigidBody {
    coefficients: [f64; 3],
}

impl RigidBody {
    /// With the principal moments of inertia.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are positive and finite, and not all equal: then nothing changes.
    pub fn new(moments: [f64; 3]) -> Result<Self> {
        for moment in moments {
            positive("moment of inertia", moment)?;
        }
        let next = |i: usize| moments[i % 3];
        Self::from_coefficients(std::array::from_fn(|i| (next(i + 1) - next(i + 2)) / moments[i]))
    }

    /// With the coefficients `p` of `(p₁ x₂ x₃, p₂ x₃ x₁, p₃ x₁ x₂)`: those of a rigid body, or of one with different units on
    /// each axis.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite, one is positive and one negative.
    pub fn from_coefficients(coefficients: [f64; 3]) -> Result<Self> {
        finite("coefficients", &coefficients)?;
        let some = |sign: f64| coefficients.iter().any(|p| p * sign > 0.0);
        if !(some(1.0) && some(-1.0)) {
            let reason = format!("{coefficients:?} must include both signs; moments of inertia must not all be equal");
            return Err(Error::invalid("coefficients", reason));
        }
        Ok(Self { coefficients })
    }

    /// The coefficients `p`.
    pub fn coefficients(&self) -> &[f64; 3] {
        &self.coefficients
    }

    /// The index `a` of the intermediate axis: neither of the two other coefficients has the sign of `p_a`.
    fn intermediate(&self) -> usize {
        let p = &self.coefficients;
        let apart = |i: usize| p[i] != 0.0 && p[i] * p[(i + 1) % 3] <= 0.0 && p[i] * p[(i + 2) % 3] <= 0.0;
        (0..3).find(|&i| apart(i)).expect("there are both signs")
    }
}

impl Ode<3> for RigidBody {
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; 3]) -> [Num<N>; 3] {
        std::array::from_fn(|i| self.coefficients[i] * &x[(i + 1) % 3] * &x[(i + 2) % 3])
    }
}

impl ExactFlow<3> for RigidBody {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 3]) -> [Num<N>; 3] {
        let axes: [usize; 3] = std::array::from_fn(|i| (self.intermediate() + i) % 3);
        let [a, b, c] = axes.map(|i| &x[i]);
        let [p_a, p_b, p_c] = axes.map(|i| self.coefficients[i].abs());
        let rates = self.rhs(t, x);
        let [rate_a, rate_b, rate_c] = axes.map(|i| &rates[i]);
        let (of_a, of_b, of_c) = (p_b * p_c * (a * a), p_a * p_c * (b * b), p_a * p_b * (c * c));
        // B and C
        let (with_c, with_b) = (&of_a + &of_c, &of_a + &of_b);
        let swapped = with_c.lt(&with_b);
        let square = with_b.max(&with_c);
        // at rest there is no frequency
        let moves = square.gt(0.0);
        let square = moves.select(square, 1.0);
        let lambda = square.sqrt();
        let phase = moves.select(&lambda * (t - s), 0.0);
        // m and 1 - m, the latter from the parts, without cancellation where one of them is small
        let m = with_b.min(&with_c) / &square;
        let complement = (&of_b - &of_c).abs() / &square;
        let Jacobi { sn, cn, dn, .. } = Jacobi::new(&phase, &m, &complement);
        let (cn_b, dn_c) = (swapped.select(&dn, &cn), swapped.select(&cn, &dn));
        // D = 1 - n sn² with n = of_a / λ², as a sum of positive terms
        let rest = swapped.select(of_b, of_c);
        let scale = moves.select((rest + of_a * (&cn * &cn)) / square, 1.0);
        let wave = sn / lambda;
        let end_a = (a * &cn_b * &dn_c + rate_a * &wave) / &scale;
        let end_b = (b * &cn_b + rate_b * &wave * &dn_c) / &scale;
        let end_c = (c * &dn_c + rate_c * &wave * &cn_b) / scale;
        let mut ends = [end_a, end_b, end_c];
        ends.rotate_right(axes[0]);
        ends
    }
}

exact_flow!(RigidBody, 3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::testing::close};

    #[test]
    fn end_of_detest_problem_b5() {
        let body = RigidBody::from_coefficients([1.0, -1.0, -0.51]).unwrap();
        let end = [
            (1.0, [0.802_200_753_056_360_8, 0.597_054_396_010_788_6, 0.819_635_111_141_452_9]),
            (20.0, [-0.939_657_079_872_920_4, -0.342_117_775_400_074_9, 0.741_412_659_619_995_3]),
        ];
        for (t, expected) in end {
            close(&body.flow(&0.0, &t, &[0.0, 1.0, 1.0]), &expected, 1e-14);
        }
    }

    #[test]
    fn energy_and_angular_momentum_stay_on_both_sides() {
        let moments = [1.0, 2.0, 3.0];
        let sum = |x: [f64; 3], power: i32| (0..3).map(|i| moments[i].powi(power) * x[i] * x[i]).sum::<f64>();
        for order in [[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2]] {
            let body = RigidBody::new(order.map(|i| moments[i])).unwrap();
            for start in [[1.0, 0.2, 0.1], [0.1, 0.2, 1.0], [0.1, -1.0, -0.1], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]] {
                let end = body.flow(&0.0, &7.0, &order.map(|i| start[i]));
                let mut sorted = [0.0; 3];
                order.iter().zip(end).for_each(|(&i, x)| sorted[i] = x);
                for power in [1, 2] {
                    assert!((sum(sorted, power) - sum(start, power)).abs() < 1e-13, "{start:?} to {sorted:?}");
                }
            }
        }
    }

    #[test]
    fn a_symmetric_body_precesses() {
        // about its axis x₃ with (I₃ - I₁) / I₁ x₃
        let body = RigidBody::new([2.0, 2.0, 3.0]).unwrap();
        let end = body.flow(&0.0, &1.5, &[1.0, 0.0, 0.8]);
        close(&end, &[0.6_f64.cos(), 0.6_f64.sin(), 0.8], 1e-15);
        close(&body.flow(&0.0, &1.5, &[1.0, 0.5, 0.0]), &[1.0, 0.5, 0.0], 1e-15);
    }

    #[test]
    fn volume_is_preserved() {
        let body = RigidBody::new([1.0, 2.0, 3.0]).unwrap();
        for start in [[1.0, 0.2, 0.1], [0.1, 0.2, 1.0], [0.1, -1.0, -0.1]] {
            let [u, v, w] = body.jacobian(&0.0, &4.0, &start);
            let cross = [v[1] * w[2] - v[2] * w[1], v[2] * w[0] - v[0] * w[2], v[0] * w[1] - v[1] * w[0]];
            let determinant: f64 = u.iter().zip(cross).map(|(a, b)| a * b).sum();
            assert!((determinant - 1.0).abs() < 1e-11, "{determinant}");
        }
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(RigidBody::new([1.0, 0.0, 2.0]).is_err());
        assert!(RigidBody::new([1.5; 3]).is_err());
        assert!(RigidBody::from_coefficients([1.0, 2.0, 0.0]).is_err());
        assert!(RigidBody::from_coefficients([1.0, f64::NAN, -1.0]).is_err());
    }
}
