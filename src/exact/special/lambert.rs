//! The Lambert W function in its logarithmic form.

use crate::{Num, Number, Value};

/// The Wright omega function: the positive solution `w` of `w + ln w = z`, which is `W(e^z)` where `e^z` may overflow.
///
/// It solves for the logarithm `l` of the solution: `e^l + l = z` is convex and increasing in `l`, so Newton's method descends
/// to the root from any point above, for every `z`.
///
/// Reference: R. M. Corless, D. J. Jeffrey, The Wright omega function, LNCS 2385, 2002.
pub(in crate::exact) fn wright_omega<N: Number>(z: &Num<N>) -> Num<N> {
    /// After five steps from the first guess below, two more bring any error below rounding.
    const STEPS: usize = 5;
    let newton = |l: Num<N>, z: &Num<N>| {
        let w = l.exp();
        &l - (&w + &l - z) / (&w + 1.0)
    };
    let still = z.frozen();
    // both are above the root: e^z + z > z, and z + ln z > z where z > 1
    let guess = still.gt(1.0).select(still.max(1.0).ln(), &still);
    let solution = (0..STEPS).fold(guess, |l, _| newton(l, &still));
    // one Newton step on live values gives the first derivative, two give the first three
    newton(newton(solution, z), z).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    #[test]
    fn known_values() {
        // W(1), the omega constant; W(e) = 1; W(e^(1 + e)) = e; and W(x) ~ x for small x
        for (z, w) in
            [(0.0, 0.567_143_290_409_784), (1.0, 1.0), (1.0 + 1.0_f64.exp(), 1.0_f64.exp()), (-700.0, (-700.0_f64).exp())]
        {
            let found = wright_omega(&Num(z)).0;
            assert!((found / w - 1.0).abs() < 4.0 * f64::EPSILON * z.abs().max(1.0), "{z}: {found}");
        }
    }

    #[test]
    fn solves_its_equation_over_all_magnitudes() {
        for k in -400..400 {
            let z = f64::from(k) * 0.05;
            let w = wright_omega(&Num(z)).0;
            assert!((w + w.ln() - z).abs() < 8.0 * f64::EPSILON * (1.0 + z.abs()), "{z}: {w}");
            let single = wright_omega(&Num(z as f32)).0;
            assert!((f64::from(single) / w - 1.0).abs() < 8.0 * f64::from(f32::EPSILON) * (1.0 + z.abs()), "{z} in f32");
        }
        assert!((wright_omega(&Num(1e300)).0 / 1e300 - 1.0).abs() < 1e-12);
        assert_eq!(wright_omega(&Num(-1e5)).0, 0.0);
    }

    #[test]
    fn three_derivatives() {
        // w' = w / (1 + w), and so on by the same rule
        let z = Dual::new(Dual::new(Dual::new(0.8_f64, 1.0), Dual::constant(1.0)), Dual::constant(Dual::constant(1.0)));
        let w = wright_omega(&Num(z)).0;
        let value = *w.value().value().value();
        let n = 1.0 + value;
        assert!((w.value().value().tangent() - value / n).abs() < 1e-15);
        assert!((w.value().tangent().tangent() - value / n.powi(3)).abs() < 1e-15);
        assert!((w.tangent().tangent().tangent() - value * (1.0 - 2.0 * value) / n.powi(5)).abs() < 1e-14);
    }
}
