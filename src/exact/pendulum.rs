//! The mathematical pendulum.

use super::{
    ExactFlow, exact_flow,
    setting::positive,
    special::elliptic::{Jacobi, alternating},
};
use crate::{Num, Number, Ode, Result};
use std::f64::consts::PI;

/// The pendulum, swinging or turning over.
///
/// The state is the angle `θ`, on the line, not on the circle, and the angular velocity `v`. Let `a = sin(θ/2)`,
/// `d = cos(θ/2)`, `b = v / 2ω`, `m = a² + b²`, and `sn`, `cn`, `dn` Jacobi's elliptic functions of `ω (t - s)` with the
/// parameter `m`: below 1 the pendulum swings, above 1 it turns over.
///
/// - velocity: `b(θ, v) = (v, -ω² sin θ)`
/// - flow: `θ` is twice the angle of the point `(d dn - a b sn cn, a cn dn + b d sn)`, followed continuously, and
///   `v = 2ω (b cn - a d sn dn) / (d² + a² cn²)`, by the addition theorem
/// - Jacobian: symplectic, with determinant 1; computed by forward mode
/// - domain: all of the plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::Pendulum};
/// let pendulum = Pendulum::new(1.0)?;
/// // on the separatrix θ = 4 arctan tanh(t/2), v = 2 sech t
/// let [angle, speed] = pendulum.flow(&0.0, &1.0, &[0.0, 2.0]);
/// assert!((angle - 4.0 * 0.5_f64.tanh().atan()).abs() < 1e-14 && (speed - 2.0 / 1.0_f64.cosh()).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: D. F. Lawden, Elliptic Functions and Applications, section 5.1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pendulum {
    frequency: f64,
}

impl Pendulum {
    /// With the angular frequency `ω` of small swings, `√(g/l)`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is positive and finite.
    pub fn new(frequency: f64) -> Result<Self> {
        positive("frequency", frequency)?;
        Ok(Self { frequency })
    }
}

impl Ode<2> for Pendulum {
    fn rhs<N: Number>(&self, _t: &Num<N>, [angle, speed]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [speed.clone(), -self.frequency.powi(2) * angle.sin()]
    }
}

impl ExactFlow<2> for Pendulum {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [angle, speed]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let half = angle / 2.0;
        let (a, d, b) = (half.sin(), half.cos(), speed / (2.0 * self.frequency));
        let m = &a * &a + &b * &b;
        let complement = (&d - &b) * (&d + &b);
        let phase = (self.frequency * (t - s)).in_form_of(angle);
        let Jacobi { sn, cn, dn, half_periods } = Jacobi::new(&phase, &m, &complement);
        // in each half period, a pendulum that turns over makes a full turn, half an angle of π
        let turns = complement.lt(0.0).select(half_periods, 0.0);
        let sign = alternating(&turns);
        let turns = b.lt(0.0).select(-&turns, &turns);
        let across = (&d * &dn - &a * &b * &sn * &cn) * &sign;
        let up = (&a * &cn * &dn + &b * &d * &sn) * sign;
        // from the half angle at the start, so that the angle does not jump
        let turned = (&up * &d - &across * &a).atan2(across * &d + up * &a);
        let scale = &d * &d + (&a * &cn).powi(2);
        let end = (b * cn - a * d * sn * dn) / scale;
        [angle + 2.0 * (turned + PI * turns), 2.0 * self.frequency * end]
    }
}

exact_flow!(Pendulum, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::{
            special::elliptic::quarter_period,
            testing::{close, symplectic},
        },
    };

    const PERIOD: f64 = 7.416_298_709_205_487; // 4 K(1/2): released at a right angle

    #[test]
    fn the_period_of_a_swing() {
        let pendulum = Pendulum::new(2.0).unwrap();
        let released = [std::f64::consts::FRAC_PI_2, 0.0];
        for (share, expected) in [(1.0, 1.0), (0.5, -1.0), (-3.0, 1.0), (20.5, -1.0)] {
            close(&pendulum.flow(&0.0, &(share * PERIOD / 2.0), &released), &released.map(|x| expected * x), 1e-12);
        }
        let lowest = pendulum.flow(&0.0, &(PERIOD / 8.0), &released);
        close(&lowest, &[0.0, -2.0 * 2.0_f64.sqrt()], 1e-14);
    }

    #[test]
    fn turns_are_counted() {
        let pendulum = Pendulum::new(1.0).unwrap();
        // a turn takes 2 K(1/m) / √m
        let m = 1.7_f64;
        let turn = 2.0 * quarter_period(&Num(1.0 - 1.0 / m)).0 / m.sqrt();
        let full = 2.0 * std::f64::consts::PI;
        for turns in [1.0, -1.0, 2.0, 7.0, -30.0] {
            for speed in [2.0 * m.sqrt(), -2.0 * m.sqrt()] {
                let end = pendulum.flow(&0.0, &(turns * turn), &[0.0, speed]);
                close(&end, &[speed.signum() * turns * full, speed], 1e-12);
            }
        }
        let shifted = pendulum.flow(&0.0, &5.0, &[10.0 * full + 0.3, 1.0]);
        let [angle, speed] = pendulum.flow(&0.0, &5.0, &[0.3, 1.0]);
        close(&shifted, &[angle + 10.0 * full, speed], 1e-13);
    }

    #[test]
    fn energy_stays_and_area_too() {
        let energy = |[angle, speed]: [f64; 2]| 0.5 * speed * speed - 2.25 * angle.cos();
        let pendulum = Pendulum::new(1.5).unwrap();
        for start in [[0.1, 0.0], [2.0, 1.0], [3.0, 0.5], [-1.0, 4.0], [1.0, -2.7]] {
            for t in [-8.0, 0.4, 8.0] {
                let end = pendulum.flow(&0.0, &t, &start);
                assert!((energy(end) - energy(start)).abs() < 1e-13, "{start:?} at {t}");
                symplectic(&pendulum.jacobian(&0.0, &t, &start), 1e-10);
            }
        }
    }

    #[test]
    fn rests_are_at_rest() {
        let pendulum = Pendulum::new(1.0).unwrap();
        let pi = std::f64::consts::PI;
        assert_eq!(pendulum.flow(&0.0, &3.0, &[0.0, 0.0]), [0.0, 0.0]);
        // above, the rounding of π is a displacement that grows
        close(&pendulum.flow(&0.0, &3.0, &[pi, 0.0]), &[pi, 0.0], 1e-14);
        // small swings about the equilibrium oscillate with frequency ω
        let [row, _] = pendulum.jacobian(&0.0, &0.8, &[0.0_f64, 0.0]);
        close(&row, &[0.8_f64.cos(), 0.8_f64.sin()], 1e-15);
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        for frequency in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            assert!(Pendulum::new(frequency).is_err());
        }
    }
}
