//! Elementary functions of `f64` that the compiler vectorizes: no calls, no branches, every function inlined.
//!
//! There is no fused multiply-add: with it, results would depend on the machine's instructions. Instead, sums are ordered so
//! that the term rounded first is small compared to the term it is added to, which recovers most of the accuracy.
#![allow(clippy::excessive_precision, reason = "the parts of ln 2 and π/2 are written in full")]

use std::f64::consts::{FRAC_2_PI, LOG2_E, SQRT_2};

/// Adding this rounds to an integer, stored in the low bits: an `f64` of this size has no fractional bits left.
const MAGIC: f64 = 1.5 / f64::EPSILON;
/// The number of mantissa bits.
const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
/// The exponent bits of 1.
const BIAS: f64 = 1023.0;

/// `ln 2` in two parts, the first with so few bits that its multiples by exponents are exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_816_490, 1.908_214_929_270_587_700_02e-10];
/// `π/2` in four parts, the first three of 33 bits: their multiples by numbers below 2^20 are exact.
const FRAC_PI_2: [f64; 4] =
    [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_711_166_5e-21, 8.478_427_660_368_9e-32];

/// Beyond this, [`sin`] and [`cos`] lose accuracy.
pub const FAR: f64 = 1e5;

/// The integer nearest to `x`, `|x| < 2^51`.
#[inline(always)]
fn nearest(x: f64) -> f64 {
    (x + MAGIC) - MAGIC
}

/// `2^n` for an integer `-1022 ≤ n ≤ 1023`.
#[inline(always)]
fn power_of_two(n: f64) -> f64 {
    f64::from_bits((n + (MAGIC + BIAS)).to_bits() << MANTISSA)
}

/// `Σ_k c_k x^k`, four coefficients at a time, because chains of dependent operations are slow.
#[inline(always)]
fn polynomial<const K: usize>(x: f64, coefficients: &[[f64; 4]; K]) -> f64 {
    let square = x * x;
    let fourth = square * square;
    let mut sum = 0.0;
    let mut k = K;
    while k > 0 {
        k -= 1;
        let [a, b, c, d] = coefficients[k];
        sum = sum * fourth + ((c + d * x) * square + (a + b * x));
    }
    sum
}

/// `1/n!`, or every second of them with alternating signs, from `n = first` on.
const fn inverse_factorials<const K: usize>(first: u32, step: u32, sign: f64) -> [[f64; 4]; K] {
    let mut table = [[0.0; 4]; K];
    let (mut n, mut factorial) = (1, 1.0);
    let mut k = 0;
    while k < 4 * K as u32 {
        while n < first + k * step {
            n += 1;
            factorial *= n as f64;
        }
        table[(k / 4) as usize][(k % 4) as usize] = if k.is_multiple_of(2) { 1.0 } else { sign } / factorial;
        k += 1;
    }
    table
}

/// Cody and Waite's reduction `x = n ln 2 + r`, `|r| ≤ (ln 2)/2`: the integer `n`, and `e^r - 1`. `x` is first clamped to a
/// range outside which `e^x` is 0 or infinite; NaN stays.
#[inline(always)]
fn reduced_exp(x: f64) -> (f64, f64) {
    const SERIES: [[f64; 4]; 3] = inverse_factorials(2, 1, 1.0);
    let x = x.clamp(-746.0, 711.0);
    let n = nearest(x * LOG2_E);
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    (n, r + r * r * polynomial(r, &SERIES))
}

/// `2^n y`, in two steps, because `2^n` itself may overflow or underflow where `2^n y` does not.
#[inline(always)]
fn scaled(y: f64, n: f64) -> f64 {
    let half = nearest(0.5 * n);
    y * power_of_two(half) * power_of_two(n - half)
}

/// `y`, the value of an odd function at `x`, with the sign of `x` where both are 0.
#[inline(always)]
fn odd(x: f64, y: f64) -> f64 {
    if x == 0.0 { x } else { y }
}

#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let (n, grown) = reduced_exp(x);
    scaled(1.0 + grown, n)
}

/// `2^n (1 + grown) - 1`, accurate near 0; for `n > 1000` use [`scaled`].
#[inline(always)]
fn scaled_m1(grown: f64, n: f64) -> f64 {
    let power = power_of_two(n.clamp(-1000.0, 1000.0));
    power * grown + (power - 1.0)
}

#[inline(always)]
pub fn exp_m1(x: f64) -> f64 {
    let (n, grown) = reduced_exp(x);
    let y = if n > 1000.0 { scaled(1.0 + grown, n) } else { scaled_m1(grown, n) };
    odd(x, y)
}

#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let (n, grown) = reduced_exp(x.abs());
    let less_one = scaled_m1(grown, n);
    let near = 0.5 * (less_one + less_one / (less_one + 1.0));
    let size = if n > 1000.0 { scaled(1.0 + grown, n - 1.0) } else { near };
    size.copysign(x)
}

#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let (n, grown) = reduced_exp(x.abs());
    let half = scaled(1.0 + grown, n - 1.0);
    half + 0.25 / half
}

#[inline(always)]
pub fn ln(x: f64) -> f64 {
    /// `2/3, 2/5, …`
    const SERIES: [[f64; 4]; 3] = {
        let mut table = [[0.0; 4]; 3];
        let mut k = 0;
        while k < 12 {
            table[k / 4][k % 4] = 2.0 / (2 * k + 3) as f64;
            k += 1;
        }
        table
    };
    const ROOT: u64 = (0.5 * SQRT_2).to_bits();
    let subnormal = x < f64::MIN_POSITIVE;
    let normal = if subnormal { x * power_of_two(54.0) } else { x };
    // normal = 2^n (1 + f) with √½ ≤ 1 + f < √2: the bits of normal are those of √½, n times those of 2, and those of f
    let bits = normal.to_bits().wrapping_sub(ROOT).wrapping_add(1.0_f64.to_bits());
    let n = f64::from_bits(MAGIC.to_bits() + (bits >> MANTISSA)) - (MAGIC + BIAS);
    let n = if subnormal { n - 54.0 } else { n };
    let mantissa = (bits & ((1 << MANTISSA) - 1)) + ROOT;
    let f = f64::from_bits(mantissa) - 1.0;
    // ln (1 + f) = 2 artanh s = 2 s + s tail, where 2 s = f - (square - s square)
    let s = f / (2.0 + f);
    let z = s * s;
    let tail = z * polynomial(z, &SERIES);
    let square = 0.5 * f * f;
    let y = n * LN_2[0] - ((square - (s * (square + tail) + n * LN_2[1])) - f);
    // infinity and NaN stay as they are
    let y = if x < f64::INFINITY { y } else { x };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x < 0.0 { f64::NAN } else { y }
}

#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    // corrects the logarithm by the rounding error of 1 + x, which is known
    let sum = 1.0 + x;
    let lost = (x - (sum - 1.0)) / sum;
    let lost = if sum > 0.0 && sum < f64::INFINITY { lost } else { 0.0 };
    odd(x, ln(sum) + lost)
}

#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    // beyond 20, tanh is 1
    let (n, grown) = reduced_exp(2.0 * x.abs().clamp(0.0, 20.0));
    let grown = scaled_m1(grown, n);
    (grown / (grown + 2.0)).copysign(x)
}

/// The sine of `x` plus `quarters` right angles, `0 ≤ x ≤ FAR`.
#[inline(always)]
fn turned(x: f64, quarters: u64) -> f64 {
    const SIN: [[f64; 4]; 2] = inverse_factorials(3, 2, -1.0);
    const COS: [[f64; 4]; 2] = inverse_factorials(4, 2, -1.0);
    let n = nearest(x * FRAC_2_PI);
    // x = n π/2 + r; where r is small, all but the last difference is exact
    let r = (((x - n * FRAC_PI_2[0]) - n * FRAC_PI_2[1]) - n * FRAC_PI_2[2]) - n * FRAC_PI_2[3];
    let z = r * r;
    let sin = r - r * z * polynomial(z, &SIN);
    // 1 - z/2 with its rounding error
    let half = 0.5 * z;
    let first = 1.0 - half;
    let cos = first + (((1.0 - first) - half) + z * z * polynomial(z, &COS));
    let quarters = (n + MAGIC).to_bits().wrapping_add(quarters);
    // selects by bits: an `if` would become a branch
    let odd = (quarters & 1).wrapping_neg();
    let y = (sin.to_bits() & !odd) | (cos.to_bits() & odd);
    f64::from_bits(y ^ ((quarters & 2) << 62))
}

#[inline(always)]
pub fn sin(x: f64) -> f64 {
    f64::from_bits(turned(x.abs(), 0).to_bits() ^ (x.to_bits() & (-0.0_f64).to_bits()))
}

#[inline(always)]
pub fn cos(x: f64) -> f64 {
    turned(x.abs(), 1)
}
