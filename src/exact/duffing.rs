//! The Duffing oscillator.

use super::{
    ExactFlow, exact_flow,
    setting::{finite, positive},
    special::elliptic::Jacobi,
};
use crate::{Num, Number, Ode, Result};

/// The free, undamped Duffing oscillator: a hardening spring, or, for `α < 0`, two wells.
///
/// Let `E = v²/2 + α x²/2 + β x⁴/4` and `Ω² = √(α² + 4β E)`. A solution that crosses `x = 0` is `A cn(Ω t)` with the parameter
/// `m = (Ω² - α) / 2Ω²`; one in a well has `m > 1`, and is `A dn(λ t)` with `λ² = (Ω² - α) / 2` and the parameter `1/m`. Let
/// `λ = Ω` for the first, `sn`, `cn`, `dn` be of `λ (t - s)`, and `c = cn`, `d = dn`, swapped in a well.
///
/// - velocity: `b(x, v) = (v, -(α + β x²) x)`
/// - flow: `x → (x c + (v/λ) sn d) / D` with `D = 1 - (Ω² - α - β x²) sn² / 2λ²`, by the addition theorem, and `v` to its time
///   derivative
/// - Jacobian: symplectic, with determinant 1; computed by forward mode, NaN at the bottom of a well
/// - domain: all of the plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::Duffing};
/// let wells = Duffing::new(-1.0, 1.0)?;
/// // on the separatrix √2 sech t
/// let [x, _] = wells.flow(&0.0, &1.0, &[2.0_f64.sqrt(), 0.0]);
/// assert!((x - 2.0_f64.sqrt() / 1.0_f64.cosh()).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: D. F. Lawden, Elliptic Functions and Applications, section 5.5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duffing {
    linear: f64,
    cubic: f64,
}

impl Duffing {
    /// With the linear stiffness `α`, of either sign, and the cubic stiffness `β`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless both are finite and `β` is positive.
    pub fn new(linear: f64, cubic: f64) -> Result<Self> {
        finite("linear stiffness", &[linear])?;
        positive("cubic stiffness", cubic)?;
        Ok(Self { linear, cubic })
    }
}

impl Ode<2> for Duffing {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [v.clone(), -(self.linear + self.cubic * (x * x)) * x]
    }
}

impl ExactFlow<2> for Duffing {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let (alpha, beta) = (self.linear, self.cubic);
        let spring = beta * (x * x);
        // 4 β E
        let energy = 2.0 * beta * (v * v) + &spring * (&spring + 2.0 * alpha);
        // Ω²; rounding may make the square negative at the bottom of a well
        let square = (&energy + alpha * alpha).max(0.0).sqrt();
        // Ω² - α and Ω² + α, whose product is 4 β E, which gives the one that would cancel
        let (minus, plus) = if alpha < 0.0 {
            let minus = &square - alpha;
            let plus = energy / &minus;
            (minus, plus)
        } else {
            let plus = &square + alpha;
            // at rest at 0 without a linear force
            let safe = plus.gt(0.0).select(&plus, 1.0);
            (energy / safe, plus)
        };
        let well = plus.lt(0.0);
        let double = 2.0 * square;
        let (twice, part) = (well.select(&minus, &double), well.select(&double, &minus));
        // at rest there is no frequency
        let moves = twice.gt(0.0);
        let twice = moves.select(twice, 1.0);
        let lambda = (&twice / 2.0).sqrt();
        let (m, complement) = (part / &twice, plus.abs() / &twice);
        let phase = moves.select(&lambda * (t - s), 0.0);
        let Jacobi { sn, cn, dn, .. } = Jacobi::new(&phase, &m, &complement);
        let (c, d) = (well.select(&dn, &cn), well.select(&cn, &dn));
        // c' = -λ m_c sn d, d' = -λ m_d sn c, sn' = λ c d
        let (m_c, m_d) = (well.select(&m, 1.0), well.select(1.0, &m));
        let share = (minus - &spring) / &twice;
        // D = 1 - share sn², as a sum of positive terms
        let rest = (well.select(0.0, plus) + spring) / twice;
        let scale = moves.select(rest + &share * &cn * &cn, 1.0);
        let end = (x * &c + v / &lambda * &sn * &d) / &scale;
        let slowed = &c * (&d * &d - m_d * &sn * &sn) * v;
        let pulled = (2.0 * share * &end * c - m_c * x) * lambda * sn * d;
        [end, (slowed + pulled) / scale]
    }
}

exact_flow!(Duffing, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::{
            special::elliptic::Jacobi,
            testing::{close, symplectic},
        },
    };

    #[test]
    fn released_from_rest_it_is_an_elliptic_cosine() {
        // α = 1, β = 2, A = 1.5: Ω² = 1 + 2 · 2.25
        let (square, amplitude) = (5.5_f64, 1.5);
        let m = 2.25 / square;
        for t in [-4.0, 0.3, 11.0] {
            let Jacobi { sn: Num(sn), cn: Num(cn), dn: Num(dn), .. } =
                Jacobi::new(&Num(square.sqrt() * t), &Num(m), &Num(1.0 - m));
            let end = Duffing::new(1.0, 2.0).unwrap().flow(&0.0, &t, &[amplitude, 0.0]);
            close(&end, &[amplitude * cn, -amplitude * square.sqrt() * sn * dn], 1e-13);
        }
    }

    #[test]
    fn energy_and_area_stay_in_wells_and_over_them() {
        let energy = |[x, v]: [f64; 2]| 0.5 * v * v - 0.75 * x * x + 0.5 * x.powi(4);
        let wells = Duffing::new(-1.5, 2.0).unwrap();
        for start in [[0.9, 0.1], [-0.5, 0.2], [0.3, 0.0], [1.5, -1.0], [0.0, 1.0], [1e-4, 0.0], [0.0, 0.0]] {
            for t in [-6.0, 0.7, 6.0] {
                let end = wells.flow(&0.0, &t, &start);
                assert!((energy(end) - energy(start)).abs() < 1e-13, "{start:?} to {end:?}");
                symplectic(&wells.jacobian(&0.0, &t, &start), 1e-8);
            }
        }
    }

    #[test]
    fn rests_and_small_oscillations() {
        let bottom = [0.75_f64.sqrt(), 0.0];
        close(&Duffing::new(-1.5, 2.0).unwrap().flow(&0.0, &3.0, &bottom), &bottom, 1e-15);
        close(&Duffing::new(0.0, 1.0).unwrap().flow(&0.0, &3.0, &[0.0, 0.0]), &[0.0, 0.0], 0.0);
        close(
            &Duffing::new(4.0, 1.0).unwrap().flow(&0.0, &0.7, &[1e-9, 0.0]),
            &[1e-9 * 1.4_f64.cos(), -2e-9 * 1.4_f64.sin()],
            1e-23,
        );
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(Duffing::new(f64::NAN, 1.0).is_err());
        for cubic in [0.0, -1.0, f64::INFINITY] {
            assert!(Duffing::new(1.0, cubic).is_err());
        }
    }
}
