//! Integrals of growth and of oscillation, smooth through the rate 0.

use crate::{Num, Number};

/// Exponential growth with a constant rate `c` over a duration `τ`, scaled so that nothing overflows: each number is divided by
/// the larger of `1` and `e^(c τ)`.
///
/// `u' = c u - k u²` has the solution `u end / (start + k u sum)`.
pub(in crate::exact) struct Growth<N> {
    /// `1`.
    pub start: Num<N>,
    /// `e^(c τ)`.
    pub end: Num<N>,
    /// `∫₀^τ e^(c σ) dσ`, which is `τ` for `c = 0`.
    pub sum: Num<N>,
}

impl<N: Number> Growth<N> {
    pub fn new(rate: f64, duration: &Num<N>) -> Self {
        let growth = rate * duration;
        let shrinks = growth.lt(0.0);
        // -|growth|; `abs` would do, except for its derivative at 0
        let exponent = shrinks.select(&growth, -&growth);
        let decay = exponent.exp();
        let sum = if rate == 0.0 {
            duration.clone()
        } else {
            let loss = exponent.exp_m1() / rate;
            shrinks.select(&loss, -&loss)
        };
        Self { start: shrinks.select(1.0, &decay), end: shrinks.select(&decay, 1.0), sum }
    }
}

/// `∫₀^τ cos(ω σ) dσ = sin(ω τ) / ω`, which is `τ` for `ω = 0`.
pub(in crate::exact) fn swing<N: Number>(frequency: f64, duration: &Num<N>) -> Num<N> {
    if frequency == 0.0 {
        return duration.clone();
    }
    (frequency * duration).sin() / frequency
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    #[test]
    fn growth_is_what_it_says_in_both_directions() {
        for (rate, duration) in [(2.0_f64, 0.5), (2.0, -0.5), (-3.0, 0.5), (-3.0, -0.5), (1e-9, 1.0), (0.0, 2.0)] {
            let Growth { start: Num(start), end: Num(end), sum: Num(sum) } = Growth::new(rate, &Num(duration));
            assert!((end / start - (rate * duration).exp()).abs() < 8e-15, "{rate}");
            let expected = if rate == 0.0 { duration } else { (rate * duration).exp_m1() / rate };
            assert!((sum / start - expected).abs() <= 1e-15 * expected.abs(), "{rate} {duration}");
        }
    }

    #[test]
    fn nothing_overflows() {
        for rate in [-1e4, 1e4] {
            let Growth { start: Num(start), end: Num(end), sum: Num(sum) } = Growth::new(rate, &Num(1.0));
            assert!(start.max(&end) == 1.0 && start.min(&end) == 0.0 && (sum - 1e-4).abs() < 1e-19);
        }
    }

    #[test]
    fn the_rate_zero_is_no_exception() {
        let moving = Num(Dual::new(0.7_f64, 1.0));
        for rate in [0.0, 1e-300, -1e-300, 1e-12] {
            let integrals = [Growth::new(rate, &moving).sum, swing(rate, &moving)];
            for Num(integral) in integrals {
                assert!((integral.value() - 0.7).abs() < 1e-11 && (integral.tangent() - 1.0).abs() < 1e-11, "{rate}");
            }
        }
    }
}
