//! Scalar recipes that the compiler vectorizes: no calls, no branches, every function inlined.
#![allow(clippy::excessive_precision, reason = "the parts of ln 2 are written in full")]

use super::kernel::{Elementwise, Update};
use crate::{Activation, AdamStep, Real};

/// A float with an exponential that runs in SIMD lanes.
pub trait Element: Real {
    /// `e^x` to about 1 ulp for `|x| <= EXP_MAX`; beyond, `x` is clamped.
    fn exp_in_lanes(self) -> Self;
}

/// Cody and Waite's reduction `x = n ln 2 + r`, Taylor's polynomial in `r`, then `n` added to the exponent's bits.
macro_rules! element {
    ($float:ident, $degree:literal, $clamp:literal, $magic:literal, $high:literal, $low:literal, $mantissa:literal) => {
        impl Element for $float {
            #[inline(always)]
            fn exp_in_lanes(self) -> Self {
                let x = self.max(-$clamp).min($clamp);
                // adding the magic number rounds to an integer and leaves it, biased, in the low bits
                let shifted = x.mul_add(std::$float::consts::LOG2_E, $magic);
                let n = shifted - $magic;
                let r = n.mul_add(-$low, n.mul_add(-$high, x));
                const INVERSE_FACTORIALS: [$float; $degree + 1] = {
                    let mut table = [1.0; $degree + 1];
                    let mut k = 1;
                    while k <= $degree {
                        table[k] = table[k - 1] / k as $float;
                        k += 1;
                    }
                    table
                };
                let mut y = INVERSE_FACTORIALS[$degree];
                let mut k = $degree;
                while k > 0 {
                    k -= 1;
                    y = y.mul_add(r, INVERSE_FACTORIALS[k]);
                }
                y * $float::from_bits(shifted.to_bits() << $mantissa)
            }
        }
    };
}

// magic = 1.5 · 2^mantissa + exponent bias; ln 2 = high + low, high with trailing zeros
element!(f32, 7, 87.0, 12_583_039.0, 0.693_359_375, -2.121_944_4e-4, 23);
element!(f64, 13, 700.0, 6_755_399_441_056_767.0, 0.693_147_180_369_123_816_490, 1.908_214_929_270_587_70e-10, 52);

/// `x σ(p(x))` with its derivatives, for an [`Activation`].
#[derive(Clone, Copy)]
pub struct Gate<F> {
    a: F,
    b: F,
}

impl<F: Element> Gate<F> {
    pub fn new(f: Activation) -> Self {
        let (a, b) = f.inner();
        Self { a: F::from_f64(a), b: F::from_f64(b) }
    }

    /// `σ` and `1 - σ`, the latter without cancellation.
    #[inline(always)]
    fn sigmoid(self, x: F, square: F) -> (F, F) {
        let p = square.mul_add(self.b, self.a) * x;
        let e = (-p).exp_in_lanes();
        let s = F::one() / (F::one() + e);
        (s, e * s)
    }

    #[inline(always)]
    fn value_and_slope(self, x: F) -> (F, F) {
        let square = x * x;
        let (s, rest) = self.sigmoid(x, square);
        let dp = square.mul_add(F::from_f64(3.0) * self.b, self.a);
        let q = s * rest;
        (x * s, (q * x).mul_add(dp, s))
    }

    #[inline(always)]
    fn slope_and_curvature(self, x: F) -> (F, F) {
        let square = x * x;
        let (s, rest) = self.sigmoid(x, square);
        let dp = square.mul_add(F::from_f64(3.0) * self.b, self.a);
        let ddp = F::from_f64(6.0) * self.b * x;
        let q = s * rest;
        let two = F::from_f64(2.0);
        let turn = (F::one() - two * s) * dp * dp + ddp;
        ((q * x).mul_add(dp, s), q * x.mul_add(turn, two * dp))
    }
}

/// `[x] -> [f(x)]`.
impl<F: Element> Elementwise<F, 1, 1> for Gate<F> {
    #[inline(always)]
    fn at(self, [x]: [F; 1]) -> [F; 1] {
        [x * self.sigmoid(x, x * x).0]
    }
}

/// `[x, dx] -> [f(x), f'(x) dx]`.
impl<F: Element> Elementwise<F, 2, 2> for Gate<F> {
    #[inline(always)]
    fn at(self, [x, dx]: [F; 2]) -> [F; 2] {
        let (value, slope) = self.value_and_slope(x);
        [value, slope * dx]
    }
}

/// `[x, y] -> [f'(x) y]`.
impl<F: Element> Elementwise<F, 2, 1> for Gate<F> {
    #[inline(always)]
    fn at(self, [x, y]: [F; 2]) -> [F; 1] {
        [self.value_and_slope(x).1 * y]
    }
}

/// `[x, dx, y, dy] -> [f'(x) y + f''(x) dx dy, f'(x) dy]`.
impl<F: Element> Elementwise<F, 4, 2> for Gate<F> {
    #[inline(always)]
    fn at(self, [x, dx, y, dy]: [F; 4]) -> [F; 2] {
        let (slope, curvature) = self.slope_and_curvature(x);
        [slope.mul_add(y, curvature * dx * dy), slope * dy]
    }
}

/// One step of Adam on `[x, m, v]` with the gradient `[g]`.
#[derive(Clone, Copy)]
pub struct Adam<F> {
    betas: [F; 2],
    rests: [F; 2],
    clip: F,
    rate: F,
    root: Option<F>,
    epsilon: F,
}

impl<F: Element> Adam<F> {
    pub fn new(step: AdamStep) -> Self {
        Self {
            betas: step.betas.map(F::from_f64),
            rests: step.betas.map(|b| F::from_f64(1.0 - b)),
            clip: F::from_f64(step.gradient_scale),
            rate: F::from_f64(step.rate * step.first_correction),
            root: step.second_correction.map(|c| F::from_f64(c.sqrt())),
            epsilon: F::from_f64(step.epsilon),
        }
    }
}

impl<F: Element> Update<F, 3, 1> for Adam<F> {
    #[inline(always)]
    fn at(self, [x, m, v]: [F; 3], [g]: [F; 1]) -> [F; 3] {
        let g = g * self.clip;
        let m = self.betas[0] * m + self.rests[0] * g;
        let v = self.betas[1] * v + self.rests[1] * g * g;
        let change = match self.root {
            None => self.rate * m,
            Some(root) => self.rate * m / (root * num_traits::Float::sqrt(v) + self.epsilon),
        };
        [x - change, m, v]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_to_an_ulp_or_two() {
        for k in -8000..8000 {
            let x = f64::from(k) * 0.0107;
            let relative = (x.exp_in_lanes() / x.exp() - 1.0).abs();
            assert!(relative < 2.0 * f64::EPSILON, "{x}: {relative:e}");
            let single = x as f32;
            let relative = (f64::from(single.exp_in_lanes()) / f64::from(single).exp() - 1.0).abs();
            assert!(relative < 2.0 * f64::from(f32::EPSILON), "{single}: {relative:e}");
        }
    }
}
