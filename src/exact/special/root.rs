//! Root finding for increasing functions.

use crate::{Mask, Num, Number, Real};

/// The root of an increasing function between `low` and `high`, to about `√ε`: Newton's method, with a bisection where it leaves
/// the bracket or is slow to close it.
///
/// `newton` returns, for a point, its Newton iterate and the function value. Numbers must be [frozen]: one or two Newton steps
/// on live values then square the remaining error, and supply the derivatives.
///
/// [frozen]: crate::Value::frozen
pub(in crate::exact) fn safe_newton<N: Number>(
    mut low: Num<N>,
    mut high: Num<N>,
    newton: impl Fn(&Num<N>) -> (Num<N>, Num<N>),
) -> Num<N> {
    /// Number of steps, more than bisection alone needs.
    const STEPS: usize = 80;
    let epsilon = <N::Real as num_traits::Float>::epsilon().into_f64();
    let tolerance = epsilon.sqrt() * (&high - &low + low.abs() + high.abs());
    let mut last_step = &high - &low;
    let mut point = (&low + &high) / 2.0;
    for _ in 0..STEPS {
        let (guess, value) = newton(&point);
        let beyond = value.gt(0.0);
        (low, high) = (beyond.select(&low, &point), beyond.select(&point, &high));
        let inside = !(guess.lt(&low) | guess.gt(&high));
        let quick = (2.0 * (&guess - &point).abs()).lt(&last_step);
        let next = (inside & quick).select(guess, (&low + &high) / 2.0);
        last_step = (&next - &point).abs();
        point = next;
        if !last_step.gt(&tolerance).mask().any() {
            break;
        }
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "ndarray")]
    use crate::{Value, backend::ndarray::NdTensor};

    #[test]
    fn where_newton_alone_would_fly_off() {
        // far away, the derivative of arctan vanishes
        let atan = |y: &Num<f64>| (y - y.atan() * (1.0 + y * y), y.atan());
        assert!(safe_newton(Num(-30.0), Num(1000.0), atan).0.abs() < 1e-5);
        // at a triple root, the steps close in by thirds
        assert!(safe_newton(Num(-1.0_f64), Num(2.0), |y| (y - y / 3.0, y.powi(3))).0.abs() < 1e-6);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn each_sample_of_a_batch_has_its_own_root() {
        let squares = Num(NdTensor::new(vec![1e-6, 2.0, 9.0, 1e6], &[4]).unwrap());
        let newton = |y: &Num<NdTensor<f64>>| {
            let excess = y * y - &squares;
            (y - &excess / (2.0 * y), excess)
        };
        let roots = safe_newton(squares.constant(0.0), squares.constant(2000.0), newton).values();
        for (root, expected) in roots.iter().zip([1e-3, 2.0_f64.sqrt(), 3.0, 1e3]) {
            assert!((root - expected).abs() <= 4000.0 * f64::EPSILON.sqrt(), "{roots:?}");
        }
    }

    #[test]
    fn what_is_no_number_ends_the_search() {
        assert!(safe_newton(Num(f64::NAN), Num(f64::NAN), |y| (*y, *y)).0.is_nan());
    }
}
