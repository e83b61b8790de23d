//! Logistic growth.

use super::{ExactFlow, alive, exact_flow};
use crate::{Error, Num, Number, Ode, Result};

/// Logistic growth with rate `r` and capacity `K`.
///
/// - velocity: `b(x) = r x (1 - x/K)`
/// - flow: `x / D` with `D = x/K + (1 - x/K) e^(-r (t - s))`
/// - Jacobian: `e^(-r (t - s)) / D²`
/// - domain: `D > 0`, which `0 ≤ x ≤ K` always satisfies; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time `s + ln(1 - K/x) / r`: `x < 0` blows up to `-∞`
///   forward in time (for `r > 0`), `x > K` backward
///
/// ```
/// use flowmap::{FlowMap, exact::Logistic};
/// let growth = Logistic::new(1.0, 10.0)?;
/// let end = growth.flow(&0.0, &9.0_f64.ln(), &[1.0]); // one tenth of the capacity becomes one half
/// assert!((end[0] - 5.0_f64).abs() < 1e-14);
/// assert!(growth.try_flow(&0.0, &1.0, &[-10.0_f64]).is_err()); // gone at time ln 2
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: J. D. Murray, Mathematical Biology I, section 1.1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic {
    rate: f64,
    capacity: f64,
}

/// Terms shared by the flow and its Jacobian: `X = x grown / rest`, `∂X/∂x = decay / rest²`.
struct Parts<N> {
    grown: Num<N>,
    decay: Num<N>,
    rest: Num<N>,
}

impl Logistic {
    /// With growth rate `r` per unit of time, of either sign, and capacity `K`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite and the capacity is positive.
    pub fn new(rate: f64, capacity: f64) -> Result<Self> {
        if !rate.is_finite() {
            return Err(Error::invalid("rate", format!("{rate} is not finite")));
        }
        if !(capacity > 0.0 && capacity.is_finite()) {
            return Err(Error::invalid("capacity", format!("{capacity} is not a positive number")));
        }
        Ok(Self { rate, capacity })
    }

    /// The growth rate `r`.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The capacity `K`, to which positive states grow if `r > 0`.
    pub fn capacity(&self) -> f64 {
        self.capacity
    }

    fn parts<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &Num<N>) -> Parts<N> {
        // in the shape of x: a batch may share one time, but `select` needs equal shapes
        let growth = (self.rate * (t - s)).in_form_of(x);
        // Only exponentials of negative numbers are taken: they cannot overflow. Numerator and denominator are multiplied by
        // them where `r (t - s) < 0`. `abs` would do, except for its derivative at 0.
        let shrinks = growth.lt(0.0);
        let exponent = shrinks.select(&growth, -&growth);
        let decay = exponent.exp();
        let loss = -exponent.exp_m1();
        let grown = shrinks.select(&decay, 1.0);
        // D is a weighted mean of 1 and the decay: for 0 ≤ x ≤ K nothing cancels, and near t = s it is 1 for any x
        let share = x / self.capacity;
        let share = shrinks.select(1.0 - &share, &share);
        let rest = alive(&decay + loss * share);
        Parts { grown, decay, rest }
    }
}

impl Ode<1> for Logistic {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.rate * x * (1.0 - x / self.capacity)]
    }
}

impl ExactFlow<1> for Logistic {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let Parts { grown, rest, .. } = self.parts(s, t, x);
        [grown * x / rest]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let Parts { decay, rest, .. } = self.parts(s, t, x);
        [[decay / (&rest * &rest)]]
    }

    fn domain(&self, s: f64, t: f64, [x]: &[f64; 1]) -> Result<()> {
        if self.parts(&Num(s), &Num(t), &Num(*x)).rest.0 > 0.0 {
            return Ok(());
        }
        Err(Error::BlowUp { from: s, to: t, time: s + (-self.capacity / x).ln_1p() / self.rate })
    }
}

exact_flow!(Logistic, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn end_of_detest_problem_a4() {
        let end = Logistic::new(0.25, 20.0).unwrap().flow(&0.0, &20.0, &[1.0_f64]);
        assert!((end[0] - 17.730_166_481_314_84).abs() < 1e-13, "{}", end[0]);
    }

    #[test]
    fn far_ends_neither_overflow_nor_lose_the_capacity() {
        let growth = Logistic::new(1.0, 3.0).unwrap();
        assert_eq!(growth.flow(&0.0, &5000.0, &[0.5_f64]), [3.0]);
        assert_eq!(growth.flow(&0.0, &-5000.0, &[0.5_f64]), [0.0]);
        // beyond 745, where e^-t underflows, a point at the unstable equilibrium becomes 0/0
        for t in [-700.0, 700.0] {
            assert_eq!(growth.flow(&0.0, &t, &[3.0_f64]), [3.0], "the capacity is at rest");
            assert_eq!(growth.flow(&0.0, &t, &[0.0_f64]), [0.0], "nothing grows from nothing");
        }
    }

    #[test]
    fn blow_up_times_in_both_directions() {
        let time = |rate, t: f64, x: f64| match Logistic::new(rate, 2.0).unwrap().try_flow(&1.0, &t, &[x]) {
            Err(Error::BlowUp { time, .. }) => time,
            other => panic!("{other:?}"),
        };
        let ln2 = 2.0_f64.ln();
        assert!((time(1.0, 3.0, -2.0) - (1.0 + ln2)).abs() < 1e-15);
        assert!((time(1.0, -3.0, 4.0) - (1.0 - ln2)).abs() < 1e-15);
        assert!((time(-2.0, -1.0, -2.0) - (1.0 - ln2 / 2.0)).abs() < 1e-15);
        assert!((time(-2.0, 3.0, 4.0) - (1.0 + ln2 / 2.0)).abs() < 1e-15);
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(Logistic::new(f64::NAN, 1.0).is_err());
        for capacity in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            assert!(Logistic::new(1.0, capacity).is_err());
        }
    }
}
