//! Zeros of continuous functions between two points of different sign.

use crate::Result;

/// Shrinks `[a, b]` to the width `resolution` and returns the end at which `f` is zero or has the sign that it has at `b`. The
/// values `fa` and `fb` at the ends have different signs; `fb` may be zero.
///
/// The ITP method: at most one step more than bisection, and usually as fast as the secant method.
///
/// Source: I. F. D. Oliveira, R. H. C. Takahashi, An enhancement of the bisection method average performance preserving minmax
/// optimality, ACM Trans. Math. Softw. 47, 2020.
pub(crate) fn root(
    mut f: impl FnMut(f64) -> Result<f64>,
    [mut a, mut b]: [f64; 2],
    [mut fa, mut fb]: [f64; 2],
    resolution: f64,
) -> Result<f64> {
    let width = b - a;
    // twice the half interval that bisection would have
    let mut room = resolution * ((width.abs() / resolution).log2().ceil() + 1.0).exp2() / 2.0;
    while (b - a).abs() > resolution && fb != 0.0 {
        let middle = 0.5 * (a + b);
        let secant = (fb * a - fa * b) / (fb - fa);
        // truncated: moved towards the middle, so that both ends come closer; and by more than rounding
        let shift = (0.2 * (b - a).powi(2) / width.abs()).max(resolution);
        let truncated = if shift <= (middle - secant).abs() { secant + shift.copysign(middle - secant) } else { middle };
        // projected: no farther from the middle than the worst case of bisection allows
        let reach = (room - 0.5 * (b - a).abs()).max(0.0);
        let next = truncated.clamp(middle - reach, middle + reach);
        // in case rounding moved the point onto an end
        let next = if next == a || next == b { middle } else { next };
        if next == a || next == b {
            // no float lies between
            break;
        }
        let value = f(next)?;
        if value == 0.0 || (value > 0.0) == (fb > 0.0) {
            (b, fb) = (next, value);
        } else {
            (a, fa) = (next, value);
        }
        room *= 0.5;
    }
    Ok(b)
}

/// Whether the function meets zero so flatly, with this slope, that an error of this size could move the zero far or remove it.
/// The second difference is that of three values, `beside` apart.
///
/// A parabola with second derivative `c` and slope `m` at its zero is `m²/2c` deep.
pub(crate) fn grazes(slope: f64, [before, here, after]: [f64; 3], beside: f64, error: f64) -> bool {
    let bend = (before - 2.0 * here + after).abs() / beside.powi(2);
    slope * slope < 2.0 * bend * error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use std::cell::Cell;

    #[test]
    fn a_zero_grazes_where_the_function_is_no_deeper_than_the_error() {
        // (x - 1)² - d at its zero 1 + √d
        let grazes = |depth: f64, error: f64| {
            let f = |x: f64| (x - 1.0) * (x - 1.0) - depth;
            let zero = 1.0 + depth.sqrt();
            super::grazes(2.0 * depth.sqrt(), [zero - 0.1, zero, zero + 0.1].map(f), 0.1, error)
        };
        for depth in [1e-12, 1e-6, 1e-2] {
            assert!(grazes(depth, 1.01 * depth) && !grazes(depth, 0.99 * depth), "{depth}");
        }
        assert!(!super::grazes(1e-300, [-1.0, 0.0, 1.0], 0.1, 1.0), "a straight line crosses");
    }

    /// The zero, and the number of evaluations.
    fn solve(f: impl Fn(f64) -> f64, ends: [f64; 2]) -> (f64, u32) {
        let count = Cell::new(0);
        let counted = |x: f64| {
            count.set(count.get() + 1);
            Ok(f(x))
        };
        (root(counted, ends, ends.map(&f), 1e-15).unwrap(), count.get())
    }

    #[test]
    fn smooth_functions_are_quick_and_no_function_is_slower_than_bisection() {
        type Case = (fn(f64) -> f64, [f64; 2], f64);
        let cases: [Case; 6] = [
            (|x| x.cos() - x, [0.0, 1.0], 0.739_085_133_215_160_6),
            (|x| x.exp() - 2.0, [2.0, 0.0], 2.0_f64.ln()),
            (|x| (x - 0.3).powi(3), [0.0, 1.0], 0.3),
            (|x| if x < 0.7 { -1e-9 } else { 1e9 }, [0.0, 1.0], 0.7),
            (|x| 1.0 - x, [0.0, 1.0], 1.0),
            (|x| (20.0 * (x - 0.6)).tanh() + 1e-8 * x, [0.0, 1.0], 0.6),
        ];
        for (k, (f, ends, zero)) in cases.into_iter().enumerate() {
            let (found, count) = solve(f, ends);
            assert!((found - zero).abs() < if k == 5 { 2e-9 } else { 2e-15 }, "{k}: {found}");
            assert!(count <= 52, "{k}: {count}");
            assert!(f(found) == 0.0 || (f(found) > 0.0) == (f(ends[1]) > 0.0), "{k}: not at or beyond the zero");
        }
        let (found, count) = solve(|x| x.cos() - x, [0.0, 1.0]);
        assert!((found - 0.739_085_133_215_160_6).abs() < 2e-15 && count <= 12, "{found} {count}");
    }

    #[test]
    fn an_end_close_to_the_zero_does_not_end_the_search() {
        for k in 1..200 {
            let zero = f64::from(k) * std::f64::consts::PI / 628.0;
            let ulp = f64::EPSILON * zero;
            let f = |x: f64| (628.0 * x).sin() * (628.0 * zero).cos();
            for before in 2..30 {
                let ends = [zero - f64::from(before) * ulp, zero + 40.0 * ulp];
                let found = root(|x| Ok(f(x)), ends, ends.map(f), 0.7 * ulp).unwrap();
                assert!((found - zero).abs() < 4.0 * ulp, "{k}: off by {} roundings", (found - zero) / ulp);
            }
        }
    }

    #[test]
    fn errors_are_passed_on() {
        let fails = |_: f64| Err(Error::invalid("point", "bad"));
        assert!(root(fails, [0.0, 1.0], [-1.0, 1.0], 1e-15).is_err());
    }
}
