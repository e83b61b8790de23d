//! Kepler's equation.

use crate::{Mask, Number, Real};
use num_traits::Float;

/// Far more than Newton's method needs; halving the bracket alone would get there.
const STEPS: usize = 60;

/// The change `E` of the eccentric anomaly that goes with the change `M` of the mean anomaly:
/// `M = E - c sin E + s (1 - cos E)`.
///
/// `(c, s) = e (cos E0, sin E0)` with the eccentricity `e < 1` and the eccentric anomaly `E0` at the start. `M` of at most a few
/// revolutions; take off whole ones before.
pub(in crate::exact) fn eccentric_change<N: Number>(mean: &N, c: &N, s: &N) -> N {
    let start = bracketed(&mean.frozen(), &c.frozen(), &s.frozen());
    // Each step doubles the order of the derivatives that are right: two steps give the first three.
    (0..2).fold(start, |change, _| newton(&change, mean, c, s))
}

/// A step of Newton's method.
fn newton<N: Number>(change: &N, mean: &N, c: &N, s: &N) -> N {
    let (sin, cos) = (change.sin(), change.cos());
    let slope = (s.clone() * &sin - c.clone() * &cos).shift(1.0);
    change.clone() - excess(change, mean, c, s) / slope
}

/// `E - c sin E + s (1 - cos E) - M`, which grows with `E`.
fn excess<N: Number>(change: &N, mean: &N, c: &N, s: &N) -> N {
    // 1 - cos E without cancellation
    let half = change.scale(0.5).sin();
    change.clone() - mean - c.clone() * &change.sin() + s.clone() * &(half.clone() * half).scale(2.0)
}

/// The solution, without derivatives, to half the digits or better: Newton's method, with bisection where it leaves a bracket.
fn bracketed<N: Number>(mean: &N, c: &N, s: &N) -> N {
    // |E - M| ≤ 2 e, since the rest of the equation is e (sin E0 - sin(E0 + E))
    let (mut low, mut high) = (mean.shift(-2.0), mean.shift(2.0));
    let mut change = mean.clone();
    let enough = mean.constant(N::Real::epsilon().into_f64().sqrt());
    for _ in 0..STEPS {
        let above = change.constant(0.0).less(&excess(&change, mean, c, s));
        high = N::select(&above, &change, &high);
        low = N::select(&above, &low, &change);
        let next = newton(&change, mean, c, s);
        let inside = low.less(&next).and(&next.less(&high));
        let next = N::select(&inside, &next, &(low.clone() + &high).scale(0.5));
        let moved = enough.less(&(next.clone() - &change).abs()).any();
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
                    let found = eccentric_change(&mean, &c, &s);
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
        let outer = Dual::new(Dual::new(mean, 1.0), Dual::constant(1.0));
        let still = |x: f64| Dual::constant(Dual::constant(x));
        let found = eccentric_change(&outer, &still(c), &still(s));
        let change = *found.value().value();
        assert!((change - 1.862_086_686_874_532).abs() < 1e-14, "{change}");
        let slope = 1.0 / (1.0 - c * change.cos());
        assert!((found.tangent().value() - slope).abs() < 1e-14);
        assert!((found.tangent().tangent() + c * change.sin() * slope.powi(3)).abs() < 1e-14);
    }

    #[test]
    fn what_is_no_number_stays_so() {
        assert!(eccentric_change(&f64::NAN, &0.1, &0.0).is_nan());
    }
}
