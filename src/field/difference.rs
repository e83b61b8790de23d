//! Difference quotients for fields that run on one type of state only.

use crate::{
    number::{Number, Real, Value},
    state::State,
};
use num_traits::Float;

/// The difference quotient of `f` at `x` in the direction `v`, sample by sample.
///
/// The step is the square root of a float's precision, in units of the size of `x` in this direction, or of a 32nd of the
/// largest coordinate if that is more.
pub(super) fn quotient<X: State>(f: impl Fn(&X) -> X, x: &X, v: &X) -> X {
    let scalar = x.dot(v).frozen();
    let (zero, one) = (scalar.constant(0.0), scalar.constant(1.0));
    // avoids a division by 0: along a zero direction the derivative is 0, whatever the step
    let positive = |size: &X::Time, instead: &X::Time| X::Time::select(&zero.less(size), size, instead);
    let largest = positive(&v.largest(), &one);
    let along = scalar.abs() / positive(&v.dot(v).frozen(), &one);
    let size = along.max(&(positive(&x.largest(), &one).scale(1.0 / 32.0) / &largest));
    let step = size.scale(<<X::Time as Number>::Real as Float>::epsilon().into_f64().sqrt());
    f(&x.plus(&v.scaled(&step))).minus(&f(x)).scaled(&step.recip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_of_states_of_any_size() {
        for scale in [1e-150, 1e-30, 1e-3, 1.0, 1e8, 1e150] {
            // x (x + y) / scale, y: quadratic, of the size of the state
            let f = |[x, y]: &[f64; 2]| [x / scale * (x + y), *y];
            let (x, y) = (0.7 * scale, 1e-9 * scale);
            for (v, expected) in [([1.0, 0.0], [1.4, 0.0]), ([0.0, 1.0], [0.7, 1.0]), ([-3.0, 0.0], [-4.2, 0.0])] {
                let found = quotient(f, &[x, y], &v);
                for i in 0..2 {
                    assert!((found[i] - expected[i]).abs() < 2e-6, "{scale}: {found:?}, {expected:?}");
                }
            }
        }
    }

    #[test]
    fn where_nothing_moves_there_is_no_derivative_but_zero() {
        let f = |x: &[f64; 2]| [x[0].cos(), 2.0 * x[1]];
        assert_eq!(quotient(f, &[1.0, 2.0], &[0.0, 0.0]), [0.0, 0.0]);
        let [a, b] = quotient(f, &[0.0, 0.0], &[1.0, 1.0]);
        assert!(a.abs() < 1e-6 && (b - 2.0).abs() < 1e-9);
    }
}
