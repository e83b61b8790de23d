//! The standard normal distribution by logarithms, accurate in its tails.

use crate::{Num, Number, Value};
use std::f64::consts::SQRT_2;

/// `ln √(2π)`.
const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// `ln φ(z) = -z²/2 - ln √(2π)`, the logarithm of the density.
pub(in crate::exact) fn ln_density<N: Number>(z: &Num<N>) -> Num<N> {
    -0.5 * z * z - LN_SQRT_TAU
}

/// `ln Φ(z)`, the logarithm of the probability to lie below `z`; that to lie above is `ln Φ(-z)`.
pub(in crate::exact) fn ln_cdf<N: Number>(z: &Num<N>) -> Num<N> {
    let still = z.frozen();
    let (value, slope) = ln_cdf_with_slope(&still);
    // Derivatives by Taylor's formula around z: those of an approximation are less accurate than itself.
    let lean = &still + &slope;
    let bend = -&slope * &lean;
    let twist = &slope * (&lean * (&lean + &slope) - 1.0);
    let moved = z - still;
    value + &moved * (slope + &moved * (bend + &moved * twist / 3.0) / 2.0)
}

/// `ln Φ(z)` and `φ(z) / Φ(z)`.
fn ln_cdf_with_slope<N: Number>(z: &Num<N>) -> (Num<N>, Num<N>) {
    /// Below, `1 + erf` would cancel; above, the continued fraction would converge too slowly.
    const TAIL: f64 = -2.5;
    let centre = (1.0 + (z / SQRT_2).erf()) / 2.0;
    let far = z.min(TAIL);
    let mills = mills_ratio(&-&far);
    let beyond = z.lt(TAIL);
    let value = beyond.select(ln_density(&far) + mills.ln(), centre.ln());
    (value, beyond.select(1.0 / mills, ln_density(z).exp() / centre))
}

/// `(1 - Φ(x)) / φ(x)` for `x ≥ 5/2`, by Laplace's continued fraction `1/(x + 1/(x + 2/(x + 3/(x + …))))`.
fn mills_ratio<N: Number>(x: &Num<N>) -> Num<N> {
    /// Number of terms, enough for double precision at `x = 5/2`.
    const TERMS: u32 = 50;
    // the limit of the fraction's tail, in its place
    let rest = (x + (x * x + f64::from(4 * TERMS)).sqrt()) / 2.0;
    1.0 / (1..TERMS).rev().fold(rest, |rest, k| x + f64::from(k) / rest)
}

/// `ln Σ e^term`, without overflow; the terms must not be empty.
pub(in crate::exact) fn ln_sum_exp<N: Number>(terms: &[Num<N>]) -> Num<N> {
    let largest = terms.iter().map(Num::frozen).reduce(|a, b| a.max(&b)).expect("a sum has terms");
    let sum = terms.iter().map(|term| (term - &largest).exp()).reduce(|a, b| a + b);
    largest + sum.expect("a sum has terms").ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    #[test]
    fn known_probabilities() {
        for k in -370..80 {
            let z = f64::from(k) * 0.1;
            let expected = 0.5 * libm::erfc(-z / SQRT_2);
            // 1 + erf rounds at 1, which is up to 161 times Φ
            let (found, rounding) = (ln_cdf(&Num(z)).0, f64::EPSILON / expected.max(libm::erfc(2.5 / SQRT_2)));
            assert!((found - expected.ln()).abs() < rounding + 4.0 * f64::EPSILON * found.abs(), "{z}: {found}");
            let single = ln_cdf(&Num(z as f32)).0;
            assert!((f64::from(single) - found).abs() < 1e-5 + 4e-7 * found.abs(), "{z} in f32");
        }
        // far beyond where Φ underflows: -z²/2 - ln √(2π) - ln |z| + ln(1 - 1/z² + …)
        let z = -1e5_f64;
        assert!((ln_cdf(&Num(z)).0 / -(0.5 * z * z + LN_SQRT_TAU + z.abs().ln()) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn derivatives_of_the_logarithm_of_the_probability() {
        for z in [-9.0, -2.1, -1.9, 0.0, 3.0] {
            let moving = Dual::new(Dual::new(Dual::new(z, 1.0), Dual::constant(1.0)), Dual::constant(Dual::constant(1.0)));
            let found = ln_cdf(&Num(moving)).0;
            let slope = (ln_density(&Num(z)) - ln_cdf(&Num(z))).exp().0;
            assert!((found.value().value().tangent() - slope).abs() < 1e-13, "{z}");
            let h = 1e-5;
            let slope = |z: f64| *ln_cdf(&Num(Dual::new(z, 1.0))).0.tangent();
            let second = (slope(z + h) - slope(z - h)) / (2.0 * h);
            assert!((found.value().tangent().tangent() - second).abs() < 1e-9, "{z}");
            let bend = |z: f64| *ln_cdf(&Num(Dual::new(Dual::new(z, 1.0), Dual::constant(1.0)))).0.tangent().tangent();
            let third = (bend(z + h) - bend(z - h)) / (2.0 * h);
            assert!((found.tangent().tangent().tangent() - third).abs() < 1e-8, "{z}");
        }
    }

    #[test]
    fn sums_of_large_and_small_exponentials() {
        assert!((ln_sum_exp(&[1000.0, 1000.0].map(Num)).0 - (1000.0 + 2.0_f64.ln())).abs() < 1e-12);
        assert_eq!(ln_sum_exp(&[-2000.0, 0.0].map(Num)).0, 0.0);
    }
}
