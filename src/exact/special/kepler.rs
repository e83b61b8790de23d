//! Kepler's equation.

use crate::{Mask, Num, Number, Real, Value};
use num_traits::Float;

/// Number of steps, far more than Newton's method needs; bisection alone would converge.
const STEPS: usize = 60;

/// The change `E` of the eccentric anomaly that corresponds to the change `M` of the mean anomaly:
/// `M = E - c sin E + s (1 - cos E)`.
///
/// `(c, s) = e (cos E0, sin E0)` with the eccentricity `e < 1` and the eccentric anomaly `E0` at the start. `M` is at most a
/// few revolutions; subtract whole ones first.
pub(in crate::exact) fn eccentric_change<N: Number>(mean: &Num<N>, c: &Num<N>, s: &Num<N>) -> Num<N> {
    let start = bracketed(&mean.frozen(), &c.frozen(), &s.frozen());
    // Each step doubles the order of the derivatives that are right: two steps give the first three.
    (0..2).fold(start, |change, _| newton(&change, mean, c, s))
}

/// A step of Newton's method.
fn newton<N: Number>(change: &Num<N>, mean: &Num<N>, c: &Num<N>, s: &Num<N>) -> Num<N> {
    let slope = 1.0 - c * change.cos() + s * change.sin();
    change - excess(change, mean, c, s) / slope
}

/// `E - M - c sin E + s (1 - cos E)`, which increases with `E`.
fn excess<N: Number>(change: &Num<N>, mean: &Num<N>, c: &Num<N>, s: &Num<N>) -> Num<N> {
    // 1 - cos E without cancellation
    let versine = 2.0 * (change / 2.0).sin().powi(2);
    change - mean - c * change.sin() + s * versine
}

/// The solution, without derivatives, to half the digits or better: Newton's method, with bisection where it leaves a bracket.
fn bracketed<N: Number>(mean: &Num<N>, c: &Num<N>, s: &Num<N>) -> Num<N> {
    // |E - M| ≤ 2 e, since the rest of the equation is e (sin E0 - sin(E0 + E))
    let (mut low, mut high) = (mean - 2.0, mean + 2.0);
    let mut change = mean.clone();
    let enough = N::Real::epsilon().into_f64().sqrt();
    for _ in 0..STEPS {
        let above = excess(&change, mean, c, s).gt(0.0);
        (low, high) = (above.select(&low, &change), above.select(&change, &high));
        let next = newton(&change, mean, c, s);
        let inside = next.gt(&low) & next.lt(&high);
        let next = inside.select(next, (&low + &high) / 2.0);
        let moved = (&next - &change).abs().gt(enough).mask().any();
        change = next;
        if !moved {
            break;
        }
    }
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    #[test]
    fn solves_the_equation_at_any_eccentricity() {
        for e in [0.0, 0.1, 0.5, 0.9, 0.99, 0.9999] {
            for start in [-3.0, -1.0, -0.01, 0.0, 0.2, 2.0, 3.1_f64] {
                for expected in [-3.1, -1.3, -1e-3, 0.0, 1e-6, 0.4, 2.0, 3.1_f64] {
                    let (c, s) = (e * start.cos(), e * start.sin());
                    let mean = expected - c * expected.sin() + s * (1.0 - expected.cos());
                    let found = eccentric_change(&Num(mean), &Num(c), &Num(s)).0;
                    let slope = 1.0 - c * expected.cos() + s * expected.sin();
                    assert!((found - expected).abs() < 4e-15 / slope, "{found} for {expected}, e = {e} at {start}");
                }
            }
        }
    }

    /// `e = 0.9`, `M = 1` from the pericentre: `E` and `dE/dM = 1/(1 - e cos E)`, `d²E/dM² = -e sin E (dE/dM)³`.
    #[test]
    fn first_and_second_derivatives() {
        let (mean, c, s) = (1.0_f64, 0.9, 0.0);
        let outer = Num(Dual::new(Dual::new(mean, 1.0), Dual::constant(1.0)));
        let still = |x: f64| Num(Dual::constant(Dual::constant(x)));
        let found = eccentric_change(&outer, &still(c), &still(s)).0;
        let change = *found.value().value();
        assert!((change - 1.862_086_686_874_532).abs() < 1e-14, "{change}");
        let slope = 1.0 / (1.0 - c * change.cos());
        assert!((found.tangent().value() - slope).abs() < 1e-14);
        assert!((found.tangent().tangent() + c * change.sin() * slope.powi(3)).abs() < 1e-14);
    }

    #[test]
    fn what_is_no_number_stays_so() {
        assert!(eccentric_change(&Num(f64::NAN), &Num(0.1), &Num(0.0)).0.is_nan());
    }
}
