//! Fall with quadratic air drag.

use super::{ExactFlow, alive, exact_flow, setting::positive};
use crate::{Error, Num, Number, Ode, Result};

/// A fall against drag that grows with the square of the speed: the distance fallen `y` and the speed `v`.
///
/// Let `w = √(g/k)` be the terminal speed, `r = √(g k)` the rate at which it is approached, `τ = t - s` and
/// `D = cosh(r τ) + (v/w) sinh(r τ)`.
///
/// - velocity: `b(y, v) = (v, g - k v²)`
/// - flow: `(y + ln(D) / k, w (v + w tanh(r τ)) / (w + v tanh(r τ)))`
/// - Jacobian: `[[1, T / (r (1 + T v/w))], [0, 1/D²]]` with `T = tanh(r τ)`
/// - domain: `D > 0`, which `|v| ≤ w` always satisfies; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time `s - artanh(w/v) / r`. For a rise, `v < 0`, the
///   formula's drag has the wrong sign: it models a fall
///
/// ```
/// use flowmap::{FlowMap, exact::QuadraticDrag};
/// let fall = QuadraticDrag::new(9.81, 0.00981)?;
/// let end = fall.flow(&0.0, &60.0, &[0.0_f64, 0.0]);
/// assert!((end[1] - 1000.0_f64.sqrt()).abs() < 1e-6); // m/s
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: T. E. Hull, W. H. Enright, B. M. Fellen, A. E. Sedgwick, Comparing numerical methods for ordinary differential
/// equations, SIAM J. Numer. Anal. 9(4), 1972, problem E4 (`g = 0.032`, `k = 0.4`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuadraticDrag {
    gravity: f64,
    drag: f64,
}

/// Terms shared by the flow and its Jacobian.
struct Parts<N> {
    /// `v/w`.
    relative: Num<N>,
    /// `T`.
    tanh: Num<N>,
    /// `1 + T v/w`, as long as it is positive.
    rest: Num<N>,
    /// `ln D`.
    way: Num<N>,
}

impl QuadraticDrag {
    /// With gravity `g` and the drag `k` at unit speed.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are positive and finite.
    pub fn new(gravity: f64, drag: f64) -> Result<Self> {
        positive("gravity", gravity)?;
        positive("drag", drag)?;
        Ok(Self { gravity, drag })
    }

    /// The terminal speed `w`, at which drag balances gravity.
    pub fn terminal_speed(&self) -> f64 {
        (self.gravity / self.drag).sqrt()
    }

    /// `r`.
    fn rate(&self) -> f64 {
        (self.gravity * self.drag).sqrt()
    }

    fn parts<N: Number>(&self, s: &Num<N>, t: &Num<N>, v: &Num<N>) -> Parts<N> {
        let angle = self.rate() * (t - s);
        let (relative, tanh) = (v / self.terminal_speed(), angle.tanh());
        let rest = alive(1.0 + &relative * &tanh);
        // D is e^|r τ| (1 + (±v/w - 1) (1 - e^(-2 |r τ|)) / 2), whose logarithm neither overflows nor cancels; the absolute
        // value would do, except for its derivative at 0
        let back = angle.lt(0.0);
        let distance = back.select(-&angle, &angle);
        let towards = back.select(-&relative, &relative);
        let loss = -(-2.0 * &distance).exp_m1();
        let way = distance + ((towards - 1.0) * loss / 2.0).ln_1p();
        Parts { relative, tanh, rest, way }
    }
}

impl Ode<2> for QuadraticDrag {
    fn rhs<N: Number>(&self, _t: &Num<N>, [_, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [v.clone(), self.gravity - self.drag * (v * v)]
    }
}

impl ExactFlow<2> for QuadraticDrag {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [y, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let Parts { relative, tanh, rest, way } = self.parts(s, t, v);
        [y + way / self.drag, self.terminal_speed() * (relative + tanh) / rest]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [_, v]: &[Num<N>; 2]) -> [[Num<N>; 2]; 2] {
        let Parts { tanh, rest, way, .. } = self.parts(s, t, v);
        [[v.constant(1.0), tanh / (self.rate() * rest)], [v.constant(0.0), (-2.0 * way).exp()]]
    }

    fn domain(&self, s: f64, t: f64, [_, v]: &[f64; 2]) -> Result<()> {
        if self.parts(&Num(s), &Num(t), &Num(*v)).rest.0 > 0.0 {
            return Ok(());
        }
        Err(Error::BlowUp { from: s, to: t, time: s - (self.terminal_speed() / v).atanh() / self.rate() })
    }
}

exact_flow!(QuadraticDrag, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::Riccati};

    #[test]
    fn end_of_detest_problem_e4() {
        let [y, v] = QuadraticDrag::new(0.032, 0.4).unwrap().flow(&0.0, &20.0, &[30.0_f64, 0.0]);
        assert!((y - 33.950_914_446_465_56).abs() < 1e-14 && (v - 0.276_782_265_967_286_8).abs() < 1e-15, "{y} {v}");
    }

    #[test]
    fn the_speed_obeys_a_riccati_equation() {
        let (fall, speed) = (QuadraticDrag::new(2.0, 0.5).unwrap(), Riccati::new([2.0, 0.0, -0.5]).unwrap());
        for v in [-1.9, 0.0, 3.0_f64] {
            assert!((fall.flow(&0.5, &1.5, &[0.0, v])[1] - speed.flow(&0.5, &1.5, &[v])[0]).abs() < 1e-13, "{v}");
        }
    }

    #[test]
    fn long_falls_do_not_overflow() {
        let fall = QuadraticDrag::new(1.0, 1.0).unwrap();
        let ln2 = 2.0_f64.ln();
        let [y, v] = fall.flow(&0.0, &5000.0, &[0.0_f64, 0.0]);
        assert!((y - (5000.0 - ln2)).abs() < 1e-11 && v == 1.0, "{y}");
        let [y, v] = fall.flow(&0.0, &-5000.0, &[0.0_f64, 0.0]);
        assert!((y - (5000.0 - ln2)).abs() < 1e-11 && v == -1.0, "{y}");
    }

    #[test]
    fn blow_up_times() {
        let fall = QuadraticDrag::new(2.0, 0.5).unwrap();
        for (t, v) in [(9.0, -4.0_f64), (-9.0, 3.0)] {
            match fall.try_flow(&1.0, &t, &[0.0, v]) {
                Err(Error::BlowUp { time, .. }) => assert!((time - (1.0 - (2.0 / v).atanh())).abs() < 1e-15),
                other => panic!("{other:?}"),
            }
            assert!(fall.flow(&1.0, &t, &[0.0, v])[1].is_nan());
        }
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(QuadraticDrag::new(0.0, 1.0).is_err() && QuadraticDrag::new(1.0, -1.0).is_err());
    }
}
