//! The scalar Riccati equation.

use super::{ExactFlow, alive, exact_flow, setting::finite, special::integrals::swing};
use crate::{Error, Num, Number, Ode, Result};

/// The scalar Riccati equation with constant coefficients: its flow maps are Möbius transformations.
///
/// Let `τ = t - s`, `δ = b²/4 - a c`, `C = cosh(√δ τ)` and `S = sinh(√δ τ) / √δ`, that is `cos` and `sin` where `δ < 0`, `1` and
/// `τ` where `δ = 0`.
///
/// - velocity: `b(x) = a + b x + c x²`
/// - flow: `(C x + S (a + b x/2)) / D` with `D = C - S (c x + b/2)`
/// - Jacobian: `1 / D²`
/// - domain: `D > 0` from `s` to `t`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time
///
/// With `a = c = 1` and `b = 0` it is the separable equation `x' = 1 + x²` with the flow `tan(arctan x + τ)`:
///
/// ```
/// use flowmap::{FlowMap, exact::Riccati};
/// let tangent = Riccati::new([1.0, 0.0, 1.0])?;
/// assert!((tangent.flow(&0.0, &1.5, &[0.0])[0] - 1.5_f64.tan()).abs() < 1e-13);
/// assert!(tangent.try_flow(&0.0, &1.6, &[0.0]).is_err()); // gone at π/2
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: E. L. Ince, Ordinary Differential Equations, section 2.15.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Riccati {
    coefficients: [f64; 3],
}

impl Riccati {
    /// With the coefficients `[a, b, c]` of `a + b x + c x²`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite.
    pub fn new(coefficients: [f64; 3]) -> Result<Self> {
        finite("coefficients", &coefficients)?;
        Ok(Self { coefficients })
    }

    /// `δ`, a quarter of the discriminant.
    fn discriminant(&self) -> f64 {
        let [a, b, c] = self.coefficients;
        0.25 * b * b - a * c
    }

    /// `C` and `S`, divided by `C` where it is the hyperbolic cosine, which may overflow. NaN after half an oscillation, in
    /// which every solution has blown up, since `D` would be positive again.
    fn wave<N: Number>(&self, duration: &Num<N>) -> [Num<N>; 2] {
        let delta = self.discriminant();
        let rate = delta.abs().sqrt();
        if delta > 0.0 {
            [duration.constant(1.0), (rate * duration).tanh() / rate]
        } else {
            let angle = rate * duration;
            let half = angle.abs().lt(std::f64::consts::PI);
            [half.select(angle.cos(), f64::NAN), swing(rate, duration)]
        }
    }

    /// `c x + b/2`.
    fn pull<N: Number>(&self, x: &Num<N>) -> Num<N> {
        let [_, b, c] = self.coefficients;
        c * x + b / 2.0
    }

    /// The time after which the solution from `x` blows up: forward for a positive `direction`, backward for a negative one.
    fn lifetime(&self, x: f64, direction: f64) -> f64 {
        // D = 0 is C / S = c x + b/2
        let (delta, pull) = (self.discriminant(), self.pull(&Num(x)).0);
        let rate = delta.abs().sqrt();
        if delta > 0.0 {
            let time = (rate / pull).atanh() / rate;
            // blow-up lies in the other direction of time, or the solution tends to an equilibrium: never
            return if time * direction > 0.0 { time } else { f64::INFINITY.copysign(direction) };
        }
        if delta == 0.0 {
            return if pull * direction > 0.0 { pull.recip() } else { f64::INFINITY.copysign(direction) };
        }
        // an angle in (0, π), in the direction of time
        direction.signum() * rate.atan2(pull * direction.signum()) / rate
    }
}

impl Ode<1> for Riccati {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let [a, b, c] = self.coefficients;
        [a + (b + c * x) * x]
    }
}

impl ExactFlow<1> for Riccati {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let [a, b, _] = self.coefficients;
        let [cosine, sine] = self.wave(&(t - s));
        let denominator = alive(&cosine - &sine * self.pull(x));
        [(cosine * x + sine * (a + b * x / 2.0)) / denominator]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let duration = t - s;
        let [cosine, sine] = self.wave(&duration);
        let denominator = alive(cosine - sine * self.pull(x));
        let delta = self.discriminant();
        // the factor by which the wave was divided
        let scale = if delta > 0.0 { (delta.sqrt() * duration).cosh() } else { duration.constant(1.0) };
        [[(denominator * scale).powi(-2)]]
    }

    fn domain(&self, s: f64, t: f64, [x]: &[f64; 1]) -> Result<()> {
        let lifetime = self.lifetime(*x, t - s);
        if (t - s).abs() < lifetime.abs() { Ok(()) } else { Err(Error::BlowUp { from: s, to: t, time: s + lifetime }) }
    }
}

exact_flow!(Riccati, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::{Blowup, Logistic},
    };

    #[test]
    fn its_special_cases_are_known_flows() {
        let (s, t, x) = (0.3, 1.1, 0.7_f64);
        let end = |coefficients| Riccati::new(coefficients).unwrap().flow(&s, &t, &[x])[0];
        assert!((end([0.0, 0.0, 1.0]) - Blowup.flow(&s, &t, &[x])[0]).abs() < 1e-15);
        let growth = Logistic::new(1.5, 3.0).unwrap();
        assert!((end([0.0, 1.5, -0.5]) - growth.flow(&s, &t, &[x])[0]).abs() < 1e-15);
        assert!((end([2.0, -0.5, 0.0]) - (4.0 - 3.3 * (-0.4_f64).exp())).abs() < 1e-15, "linear, with rest at 4");
    }

    #[test]
    fn blow_up_times_for_every_sign_of_the_discriminant() {
        let pi = std::f64::consts::PI;
        let time = |coefficients, t: f64, x: f64| match Riccati::new(coefficients).unwrap().try_flow(&0.0, &t, &[x]) {
            Err(Error::BlowUp { time, .. }) => time,
            other => panic!("{other:?}"),
        };
        for (coefficients, t, x, expected) in [
            ([1.0, 0.0, 1.0], 9.0, 1.0, 0.25 * pi),
            ([1.0, 0.0, 1.0], -9.0, 1.0, -0.75 * pi),
            ([1.0, 0.0, 1.0], 9.0, -1.0, 0.75 * pi),
            ([-1.0, 0.0, -1.0], 9.0, 1.0, 0.75 * pi),
            ([0.0, 2.0, 1.0], 9.0, 2.0, 0.5 * 2.0_f64.ln()),
            ([0.0, 2.0, 1.0], -9.0, -3.0, -0.5 * 3.0_f64.ln()),
            ([1.0, 2.0, 1.0], 9.0, 1.0, 0.5),
            ([1.0, 2.0, 1.0], -9.0, -2.0, -1.0),
        ] {
            assert!((time(coefficients, t, x) - expected).abs() < 1e-14, "{coefficients:?} {x}");
        }
    }

    #[test]
    fn after_a_blow_up_there_is_nothing_although_the_formula_goes_on() {
        let tangent = Riccati::new([1.0, 0.0, 1.0]).unwrap();
        assert!(tangent.flow(&0.0, &3.0, &[0.0_f64])[0].is_nan());
        assert!(tangent.flow(&0.0, &6.3, &[0.0_f64])[0].is_nan(), "a whole period later");
    }

    #[test]
    fn rests_attract_and_nothing_overflows() {
        let flow = Riccati::new([2.0, 1.0, -1.0]).unwrap(); // (2 - x) (1 + x)
        assert!((flow.flow(&0.0, &5000.0, &[0.0_f64])[0] - 2.0).abs() < 1e-15);
        assert!((flow.flow(&0.0, &-5000.0, &[0.0_f64])[0] + 1.0).abs() < 1e-15);
        assert_eq!(flow.jacobian(&0.0, &5000.0, &[0.0_f64]), [[0.0]]);
    }

    #[test]
    fn infinite_coefficients_are_refused() {
        assert!(Riccati::new([0.0, f64::INFINITY, 0.0]).is_err());
    }
}
