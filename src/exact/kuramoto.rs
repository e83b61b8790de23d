//! Two coupled Kuramoto oscillators.

use super::{ExactFlow, exact_flow, setting::finite};
use crate::{Num, Number, Ode, Result};

/// The Kuramoto model of two identical oscillators.
///
/// The angles are on the line, not on the circle. Let `τ = t - s` and `φ = θ₂ - θ₁`.
///
/// - velocity: `b(θ₁, θ₂) = (ω + k sin(θ₂ - θ₁), ω + k sin(θ₁ - θ₂))`
/// - flow: the mean angle moves by `ω τ`; `tan(φ/2)` is multiplied by `e^(-2k τ)`, so that `φ` moves by
///   `2 arctan(½ sin φ E / (1 + E sin²(φ/2)))` with `E = e^(-2k τ) - 1`
/// - Jacobian: `[[1 + g, 1 - g], [1 - g, 1 + g]] / 2` with `g = e^(-2k τ) / (cos²(φ/2) + e^(-4k τ) sin²(φ/2))`
/// - domain: all of the plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::KuramotoPair};
/// let [a, b] = KuramotoPair::new(3.0, 1.0)?.flow(&0.0, &20.0, &[0.0_f64, 2.0]);
/// assert!((a - b).abs() < 1e-13 && (a - 61.0).abs() < 1e-13); // in step, at the mean angle
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence, section 5.4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KuramotoPair {
    frequency: f64,
    coupling: f64,
}

/// Terms shared by the flow and its Jacobian, scaled so that they cannot overflow.
struct Parts<N> {
    /// The smaller of `e^(-2k τ)` and its inverse, minus 1.
    loss: Num<N>,
    /// 1, or -1 if it is the inverse.
    sign: Num<N>,
    /// `sin²(φ/2)`, or `cos²(φ/2)` if it is the inverse.
    far: Num<N>,
    phase: Num<N>,
}

impl KuramotoPair {
    /// With the angular frequency `ω` of each and the strength `k` of the coupling, repulsive if negative.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless both are finite.
    pub fn new(frequency: f64, coupling: f64) -> Result<Self> {
        finite("frequency", &[frequency])?;
        finite("coupling", &[coupling])?;
        Ok(Self { frequency, coupling })
    }

    fn parts<N: Number>(&self, s: &Num<N>, t: &Num<N>, [first, second]: &[Num<N>; 2]) -> Parts<N> {
        let growth = (-2.0 * self.coupling * (t - s)).in_form_of(first);
        let grows = growth.gt(0.0);
        let loss = grows.select(-&growth, &growth).exp_m1();
        let phase = second - first;
        let half = &phase / 2.0;
        let far = grows.select(half.cos(), half.sin()).powi(2);
        let sign = grows.select(-1.0, 1.0);
        Parts { loss, sign, far, phase }
    }
}

impl Ode<2> for KuramotoPair {
    fn rhs<N: Number>(&self, _t: &Num<N>, [first, second]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let pull = self.coupling * (second - first).sin();
        [self.frequency + &pull, self.frequency - pull]
    }
}

impl ExactFlow<2> for KuramotoPair {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 2]) -> [Num<N>; 2] {
        let Parts { loss, sign, far, phase } = self.parts(s, t, x);
        // numerator and denominator are divided by e^(-2k τ) where that is above 1
        let tangent = 0.5 * phase.sin() * &loss * sign / (1.0 + loss * far);
        let (half_step, drift) = (tangent.atan(), self.frequency * (t - s));
        [&x[0] + &drift - &half_step, &x[1] + drift + half_step]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 2]) -> [[Num<N>; 2]; 2] {
        let Parts { loss, far, .. } = self.parts(s, t, x);
        // e^(-4k τ) - 1, or that of its inverse
        let twice = &loss * (2.0 + &loss);
        let stretch = (1.0 + loss) / (1.0 + twice * far);
        let (same, other) = ((1.0 + &stretch) / 2.0, (1.0 - stretch) / 2.0);
        [[&same, &other], [&other, &same]].map(|row| row.map(Num::clone))
    }
}

exact_flow!(KuramotoPair, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::testing::close};

    #[test]
    fn the_tangent_of_half_the_difference_decays() {
        let pair = KuramotoPair::new(0.5, 0.8).unwrap();
        for t in [-1.5, 0.3, 2.0_f64] {
            let [a, b] = pair.flow(&0.0, &t, &[0.3, 2.1]);
            let tangent = 0.9_f64.tan() * (-1.6 * t).exp();
            close(&[((b - a) / 2.0).tan() / tangent, a + b], &[1.0, 2.4 + t], 1e-14);
        }
    }

    #[test]
    fn angles_do_not_jump() {
        let pair = KuramotoPair::new(0.0, 1.0).unwrap();
        let pi = std::f64::consts::PI;
        let [a, b] = pair.flow(&0.0, &0.7, &[0.0, 4.0]);
        close(&pair.flow(&0.0, &0.7, &[0.0, 4.0 + 6.0 * pi]), &[a, b + 6.0 * pi], 1e-13);
        // a difference above π goes to 2π
        close(&pair.flow(&0.0, &1000.0, &[0.0, 4.0]), &[2.0 - pi, 2.0 + pi], 1e-14);
        close(&pair.flow(&0.0, &-1000.0, &[0.0, 4.0]), &[2.0 - pi / 2.0, 2.0 + pi / 2.0], 1e-14);
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(KuramotoPair::new(f64::NAN, 1.0).is_err() && KuramotoPair::new(1.0, f64::INFINITY).is_err());
    }
}
