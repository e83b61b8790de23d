//! Roots that have no formula.

use crate::{Mask, Number, Real};

/// The root of an increasing function between `low` and `high`, to about `√ε`: Newton's method, with a bisection where it leaves
/// the bracket or is slow to close it.
///
/// `newton` gives, for a point, where Newton's method goes from it, and the value there. Numbers must be [frozen]: one or two
/// steps of Newton's method on live values square the error that is left, and carry derivatives over.
///
/// [frozen]: crate::Value::frozen
pub(in crate::exact) fn safe_newton<N: Number>(mut low: N, mut high: N, newton: impl Fn(&N) -> (N, N)) -> N {
    /// More than bisection alone needs.
    const STEPS: usize = 80;
    let epsilon = <N::Real as num_traits::Float>::epsilon().into_f64();
    let tolerance = (high.clone() - &low + low.abs() + high.abs()).scale(epsilon.sqrt());
    let mut last_step = high.clone() - &low;
    let mut point = (low.clone() + &high).scale(0.5);
    for _ in 0..STEPS {
        let (guess, value) = newton(&point);
        let beyond = value.constant(0.0).less(&value);
        (low, high) = (N::select(&beyond, &low, &point), N::select(&beyond, &point, &high));
        let inside = guess.less(&low).or(&high.less(&guess)).not();
        let quick = (guess.clone() - &point).abs().scale(2.0).less(&last_step);
        let next = N::select(&inside.and(&quick), &guess, &(low.clone() + &high).scale(0.5));
        last_step = (next.clone() - &point).abs();
        point = next;
        if !tolerance.less(&last_step).any() {
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
        // the inverse tangent's derivative vanishes far away
        let atan = |y: &f64| (y - y.atan() * (1.0 + y * y), y.atan());
        assert!(safe_newton(-30.0, 1000.0, atan).abs() < 1e-5);
        // and at a triple root it closes in by thirds
        assert!(safe_newton(-1.0, 2.0, |y: &f64| (y - y / 3.0, y.powi(3))).abs() < 1e-6);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn each_sample_of_a_batch_has_its_own_root() {
        let squares = NdTensor::new(vec![1e-6, 2.0, 9.0, 1e6], &[4]).unwrap();
        let newton = |y: &NdTensor<f64>| {
            let excess = y.clone() * y - &squares;
            (y.clone() - excess.clone() / y.scale(2.0), excess)
        };
        let roots = safe_newton(squares.constant(0.0), squares.constant(2000.0), newton).values();
        for (root, expected) in roots.iter().zip([1e-3, 2.0_f64.sqrt(), 3.0, 1e3]) {
            assert!((root - expected).abs() <= 4000.0 * f64::EPSILON.sqrt(), "{roots:?}");
        }
    }

    #[test]
    fn what_is_no_number_ends_the_search() {
        assert!(safe_newton(f64::NAN, f64::NAN, |y| (*y, *y)).is_nan());
    }
}
