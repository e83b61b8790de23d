//! The normal form of the Hopf bifurcation.

use super::{ExactFlow, alive, exact_flow, setting::finite, special::integrals::Growth};
use crate::{Error, Num, Number, Ode, Result};
use std::array::from_fn;

/// The normal form of the Hopf bifurcation, the Stuart-Landau oscillator.
///
/// Let `r² = x² + y²`, `τ = t - s`, `q = (e^(2μ τ) - 1) / μ`, which is `2τ` for `μ = 0`, `D = 1 + r² q`, and `R(φ)` the rotation
/// by `φ = ω τ + (β/2) ln D`.
///
/// - velocity: `b(x, y) = ((μ - r²) x - (ω + β r²) y, (μ - r²) y + (ω + β r²) x)`
/// - flow: `e^(μ τ) D^(-1/2) R(φ) (x, y)`
/// - Jacobian: `e^(μ τ) D^(-1/2) R(φ) (1 + (q/D) (β J - 1) z zᵀ)` with `z = (x, y)` and the quarter turn `J`
/// - domain: `D > 0`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time `s + ln(1 - μ/r²) / 2μ`, which lies before `s`
///
/// For `μ > 0` the circle `r² = μ` is a limit cycle with period `T = 2π / |ω + β μ|`, Floquet multiplier `e^(-2μ T)`, and
/// isochrons that `β` shears.
///
/// ```
/// use flowmap::{FlowMap, exact::Hopf};
/// let oscillator = Hopf::new(4.0, 1.0, 0.5)?;
/// let [x, y] = oscillator.flow(&0.0, &20.0, &[0.1_f64, 0.0]);
/// assert!((x.hypot(y) - 2.0).abs() < 1e-14); // on the limit cycle
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: Y. A. Kuznetsov, Elements of Applied Bifurcation Theory, section 3.4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hopf {
    growth: f64,
    frequency: f64,
    shear: f64,
}

/// Terms shared by the flow and its Jacobian.
struct Parts<N> {
    /// `e^(μ τ) D^(-1/2) R(φ)`, by its first column.
    turn: [Num<N>; 2],
    /// `q / D`.
    pull: Num<N>,
}

impl Hopf {
    /// With the growth rate `μ` and the angular frequency `ω` of small oscillations, and the shear `β`: the frequency grows by
    /// `β r²`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite.
    pub fn new(growth: f64, frequency: f64, shear: f64) -> Result<Self> {
        finite("growth rate", &[growth])?;
        finite("frequency", &[frequency])?;
        finite("shear", &[shear])?;
        Ok(Self { growth, frequency, shear })
    }

    /// The growth of `r²`, and `D`, scaled in the same way.
    fn square<N: Number>(&self, duration: &Num<N>, [x, y]: &[Num<N>; 2]) -> (Growth<N>, Num<N>) {
        let growth = Growth::new(2.0 * self.growth, duration);
        let square = x * x + y * y;
        let denominator = alive(&growth.start + 2.0 * square * &growth.sum);
        (growth, denominator)
    }

    fn parts<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 2]) -> Parts<N> {
        let duration = (t - s).in_form_of(&x[0]);
        let (growth, denominator) = self.square(&duration, x);
        // D is this denominator times e^(2μ τ) where that is above 1
        let logarithm = denominator.ln() + (2.0 * self.growth * &duration).max(0.0);
        let angle = self.frequency * duration + self.shear / 2.0 * logarithm;
        let radius = (growth.end / &denominator).sqrt();
        Parts { turn: [&radius * angle.cos(), radius * angle.sin()], pull: 2.0 * growth.sum / denominator }
    }
}

/// Applies the rotation and stretching with first column `turn` to a vector.
fn turned<N: Number>([cos, sin]: &[Num<N>; 2], [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
    [cos * x - sin * y, sin * x + cos * y]
}

impl Ode<2> for Hopf {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let square = x * x + y * y;
        let (growth, turn) = (self.growth - &square, self.frequency + self.shear * square);
        [&growth * x - &turn * y, growth * y + turn * x]
    }
}

impl ExactFlow<2> for Hopf {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 2]) -> [Num<N>; 2] {
        turned(&self.parts(s, t, x).turn, x)
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 2]) -> [[Num<N>; 2]; 2] {
        let Parts { turn, pull } = self.parts(s, t, x);
        // (q/D) (β J - 1) z
        let bend = turned(&[-&pull, self.shear * pull], x);
        // 1 + (q/D) (β J - 1) z zᵀ
        let column = |j: usize| from_fn(|i| f64::from(u8::from(i == j)) + &bend[i] * &x[j]);
        let [[a, c], [b, d]] = [turned(&turn, &column(0)), turned(&turn, &column(1))];
        [[a, b], [c, d]]
    }

    fn domain(&self, s: f64, t: f64, x: &[f64; 2]) -> Result<()> {
        if self.square(&Num(t - s), &x.map(Num)).1.0 > 0.0 {
            return Ok(());
        }
        let pull = -1.0 / (2.0 * (x[0] * x[0] + x[1] * x[1]));
        let lifetime = if self.growth == 0.0 { pull } else { (2.0 * self.growth * pull).ln_1p() / (2.0 * self.growth) };
        Err(Error::BlowUp { from: s, to: t, time: s + lifetime })
    }
}

exact_flow!(Hopf, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::testing::close};

    #[test]
    fn floquet_multipliers_of_the_limit_cycle() {
        let (mu, omega, beta) = (0.3_f64, 2.0, -1.5);
        let oscillator = Hopf::new(mu, omega, beta).unwrap();
        let period = 2.0 * std::f64::consts::PI / (omega + beta * mu);
        let start = [0.6 * mu.sqrt(), 0.8 * mu.sqrt()];
        close(&oscillator.flow(&1.0, &(1.0 + period), &start), &start, 1e-14);
        let jacobian = oscillator.jacobian(&0.0, &period, &start);
        let multiplier = (-2.0 * mu * period).exp();
        // 1 along the cycle, less across it: the trace and the determinant of the monodromy matrix
        let [[a, b], [c, d]] = jacobian;
        assert!((a + d - 1.0 - multiplier).abs() < 1e-14 && (a * d - b * c - multiplier).abs() < 1e-14);
        let along = oscillator.rhs(&Num(0.0), &start.map(Num)).map(|v| v.0);
        close(&[a * along[0] + b * along[1], c * along[0] + d * along[1]], &along, 1e-14);
    }

    #[test]
    fn at_the_bifurcation_the_radius_decays_as_a_root() {
        let [x, y] = Hopf::new(0.0, 1.0, 0.0).unwrap().flow(&0.0, &4.0, &[1.0_f64, 0.0]);
        close(&[x, y], &[4.0_f64.cos() / 3.0, 4.0_f64.sin() / 3.0], 1e-15);
    }

    #[test]
    fn long_times_do_not_overflow() {
        let [x, y] = Hopf::new(2.0, 0.0, 0.0).unwrap().flow(&0.0, &5000.0, &[0.3, 0.4]);
        close(&[x, y], &[0.6 * 2.0_f64.sqrt(), 0.8 * 2.0_f64.sqrt()], 1e-15);
        let [x, y] = Hopf::new(-2.0, 1.0, 3.0).unwrap().flow(&0.0, &5000.0, &[0.3, 0.4]);
        assert_eq!([x, y].map(f64::abs), [0.0, 0.0]);
    }

    #[test]
    fn blow_up_times() {
        for (mu, expected) in [(0.0, -0.5), (0.5, -(2.0_f64.ln())), (-1.0, -0.5 * 2.0_f64.ln())] {
            match Hopf::new(mu, 1.0, 1.0).unwrap().try_flow(&0.0, &-2.0, &[0.6, 0.8]) {
                Err(Error::BlowUp { time, .. }) => assert!((time - expected).abs() < 1e-15, "{time} for {expected}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        let bad = f64::NAN;
        assert!(Hopf::new(bad, 1.0, 1.0).is_err() && Hopf::new(1.0, bad, 1.0).is_err() && Hopf::new(1.0, 1.0, bad).is_err());
    }
}
