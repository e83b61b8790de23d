//! Jacobi's elliptic functions and the quarter period.

use crate::{Num, Number};
use std::f64::consts::FRAC_PI_2;

/// Number of Landen transformations: the modulus is then within `1e-10` of 0 or 1, and the error of the limit functions, its
/// square, below rounding.
const LEVELS: usize = 4;

/// Number of arithmetic-geometric means, enough for the smallest complement that a float holds.
const MEANS: usize = 16;

/// `sn`, `cn` and `dn` of one argument.
#[derive(Clone, Debug)]
pub(in crate::exact) struct Jacobi<N> {
    pub sn: Num<N>,
    pub cn: Num<N>,
    pub dn: Num<N>,
    /// The number of half periods subtracted from the argument: `2K` each, `2K/k` beyond `m = 1`, to the nearest.
    pub half_periods: Num<N>,
}

impl<N: Number> Jacobi<N> {
    /// At the argument `u` with the parameter `m = k² ≥ 0` and its complement `1 - m`, which the caller often knows without
    /// cancellation. All have one shape; derivatives with respect to each are right, even at `m = 0` and `m = 1`.
    pub fn new(u: &Num<N>, m: &Num<N>, complement: &Num<N>) -> Self {
        // beyond 1 the reciprocal modulus: sn(u|m) = sn(k u|1/m) / k, and cn and dn trade places
        let beyond = complement.lt(0.0);
        let above = m.max(1.0);
        let k = above.sqrt();
        let Self { sn, cn, dn, half_periods } = Self::within(
            &beyond.select(&k * u, u),
            &beyond.select(1.0 / &above, m),
            &beyond.select(-complement / &above, complement),
        );
        Self { sn: beyond.select(&sn / k, &sn), cn: beyond.select(&dn, &cn), dn: beyond.select(&cn, &dn), half_periods }
    }

    /// For `0 ≤ m ≤ 1`.
    fn within(u: &Num<N>, m: &Num<N>, complement: &Num<N>) -> Self {
        // at m = 1 the period is infinite
        let periodic = complement.gt(0.0);
        let period = 2.0 * quarter_period(&periodic.select(complement, 0.5));
        let half_periods = periodic.select((u / &period + 0.5).floor(), 0.0);
        let rest = u - &half_periods * period;
        // clamped: neither transformation gets a parameter at which it is singular
        let small = descending(&rest, &m.min(0.75), &complement.max(0.25));
        let large = ascending(&rest, &m.max(0.25), &complement.min(0.75));
        let low = m.lt(0.5);
        let [sn, cn, dn] = std::array::from_fn(|i| low.select(&small[i], &large[i]));
        let sign = alternating(&half_periods);
        Self { sn: sn * &sign, cn: cn * sign, dn, half_periods }
    }
}

/// `(-1)^n`.
pub(in crate::exact) fn alternating<N: Number>(n: &Num<N>) -> Num<N> {
    let odd = n - 2.0 * (n / 2.0).floor();
    1.0 - 2.0 * odd
}

/// The quarter period `K` for the complement `1 - m > 0` of the parameter, by the arithmetic-geometric mean.
pub(in crate::exact) fn quarter_period<N: Number>(complement: &Num<N>) -> Num<N> {
    let (mut a, mut b) = (complement.constant(1.0), complement.sqrt());
    for _ in 0..MEANS {
        (a, b) = ((&a + &b) / 2.0, (a * b).sqrt());
    }
    FRAC_PI_2 / a
}

/// Landen's transformation to ever smaller moduli, down to the circular functions: sums of positive terms only.
fn descending<N: Number>(u: &Num<N>, m: &Num<N>, complement: &Num<N>) -> [Num<N>; 3] {
    let mut moduli = Vec::with_capacity(LEVELS);
    let (mut u, mut square, mut complementary) = (u.clone(), m.clone(), complement.sqrt());
    for _ in 0..LEVELS {
        let sum = 1.0 + &complementary;
        let modulus = square / (&sum * &sum);
        u /= 1.0 + &modulus;
        square = &modulus * &modulus;
        complementary = 2.0 * complementary.sqrt() / sum;
        moduli.push(modulus);
    }
    let base = [u.sin(), u.cos(), u.constant(1.0)];
    moduli.iter().rev().fold(base, |[s, c, d], k| {
        let scale = 1.0 / (1.0 + k * &s * &s);
        let fall = 1.0 - k + k * &c * &c;
        [(1.0 + k) * s * &scale, c * d * &scale, fall * scale]
    })
}

/// Landen's transformation to ever larger moduli, up to the hyperbolic functions. It uses the complement without a root:
/// derivatives of the descending one by `m` cancel near 1.
fn ascending<N: Number>(u: &Num<N>, m: &Num<N>, complement: &Num<N>) -> [Num<N>; 3] {
    let mut complements = Vec::with_capacity(LEVELS);
    let (mut u, mut modulus, mut square) = (u.clone(), m.sqrt(), complement.clone());
    for _ in 0..LEVELS {
        let sum = 1.0 + &modulus;
        let complementary = square / (&sum * &sum);
        u /= 1.0 + &complementary;
        modulus = 2.0 * modulus.sqrt() / sum;
        square = &complementary * &complementary;
        complements.push(complementary);
    }
    // beyond, cosh only overflows
    let u = u.min(80.0).max(-80.0);
    let sech = 1.0 / u.cosh();
    let base = [u.tanh(), sech.clone(), sech];
    complements.iter().rev().fold(base, |[s, c, d], k| {
        let (over, under) = (1.0 + k, 1.0 - k);
        let part = k / &d;
        [&over * s * (c / &d), (&d - &part) / under, (d + part) / over]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    fn at(u: f64, m: f64) -> [f64; 3] {
        let Jacobi { sn, cn, dn, .. } = Jacobi::new(&Num(u), &Num(m), &Num(1.0 - m));
        [sn.0, cn.0, dn.0]
    }

    fn close(found: [f64; 3], expected: [f64; 3], tolerance: f64) {
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= tolerance, "{found:?} for {expected:?}");
    }

    #[test]
    fn known_values() {
        close(at(1.0, 0.5), [0.803_001_824_895_643_9, 0.595_976_567_672_140_7, 0.823_161_001_631_596_2], 1e-14);
        close(at(3.0, 0.999), [0.995_293_128_337_884_4, 0.096_910_209_386_770_21, 0.101_893_066_960_928_5], 1e-14);
        close(at(-7.5, 0.3), [-0.590_904_926_359_164_9, 0.806_741_202_619_817_7, 0.946_176_204_732_152_9], 1e-14);
        close(at(0.25, 0.75), [0.245_538_756_734_264_04, 0.969_386_774_688_716_3, 0.977_130_001_180_008_8], 1e-14);
        close(at(2.0, 4.0), [-0.290_100_059_906_837_07, 0.956_996_319_346_134_9, -0.814_473_953_523_498_6], 1e-14);
        close(at(10.0, 1.5), [-0.060_080_366_085_175_446, 0.998_193_543_162_382_5, -0.997_289_087_685_515], 1e-14);
        close(at(30.0, 0.96), [0.159_772_237_152_586_93, -0.987_153_905_039_765_1, 0.987_670_956_820_057_1], 1e-14);
    }

    #[test]
    fn ends_of_the_range() {
        for u in [-50.0, -3.0, 0.0, 0.7, 100.0_f64] {
            close(at(u, 0.0), [u.sin(), u.cos(), 1.0], 1e-14);
            close(at(u, 1.0), [u.tanh(), u.cosh().recip(), u.cosh().recip()], 1e-15);
            assert!(at(u, 1.0 - 1e-15).iter().chain(&at(u, 1.0 + 1e-15)).all(|f| f.abs() <= 1.0 + 1e-15));
        }
        close(at(1.0, 1e-300), [1.0_f64.sin(), 1.0_f64.cos(), 1.0], 1e-15);
        let single = Jacobi::new(&Num(200.0_f32), &Num(1.0), &Num(0.0));
        assert!(single.sn.0 == 1.0 && single.cn.0 < 1e-30 && single.dn.0 < 1e-30);
    }

    #[test]
    fn a_quarter_period_turns_by_a_right_angle() {
        assert!((quarter_period(&Num(0.5_f64)).0 - 1.854_074_677_301_372).abs() < 1e-15);
        assert!((quarter_period(&Num(1e-300_f64)).0 - (4.0_f64.ln() + 150.0 * 10.0_f64.ln())).abs() < 1e-12);
        for m in [0.1, 0.6, 0.99] {
            let quarter = quarter_period(&Num(1.0 - m)).0;
            close(at(quarter, m), [1.0, 0.0, (1.0 - m).sqrt()], 1e-15);
            let turned = Jacobi::new(&Num(7.0 * quarter), &Num(m), &Num(1.0 - m));
            close([turned.sn.0, turned.cn.0, turned.dn.0], [-1.0, 0.0, (1.0 - m).sqrt()], 1e-13);
            assert!((3.0..=4.0).contains(&turned.half_periods.0));
        }
    }

    #[test]
    fn addition_theorem() {
        for m in [0.2, 0.9, 1.0 - 1e-9, 1.0, 3.0] {
            let ([s1, c1, d1], [s2, c2, d2]) = (at(0.8, m), at(1.9, m));
            let scale = 1.0 - m * s1 * s1 * s2 * s2;
            let sum = [s1 * c2 * d2 + s2 * c1 * d1, c1 * c2 - s1 * s2 * d1 * d2, d1 * d2 - m * s1 * s2 * c1 * c2];
            close(at(2.7, m), sum.map(|f| f / scale), 1e-14);
        }
    }

    /// `∂_u` is a product of the other two; the derivative by `m` is tested against central differences, which lose a third of
    /// the digits.
    #[test]
    fn derivatives() {
        for m in [0.0, 1e-9, 0.3, 0.5, 0.8, 1.0 - 1e-9, 1.0, 1.0 + 1e-9, 1.7] {
            for u in [-2.5, 0.3, 1.5] {
                let [s, c, d] = at(u, m);
                let still = |x: f64| Num(Dual::constant(x));
                let by_u = Jacobi::new(&Num(Dual::new(u, 1.0)), &still(m), &still(1.0 - m));
                close([by_u.sn, by_u.cn, by_u.dn].map(|f| *f.0.tangent()), [c * d, -s * d, -m * s * c], 1e-14);
                let by_m = Jacobi::new(&still(u), &Num(Dual::new(m, 1.0)), &Num(Dual::new(1.0 - m, -1.0)));
                // one-sided at 0, where the parameter ends
                let h = 1e-5;
                let low = at(u, (m - h).max(0.0));
                let (high, width) = (at(u, m + h), m + h - (m - h).max(0.0));
                let quotient = std::array::from_fn(|i| (high[i] - low[i]) / width);
                let tolerance = if m < h { 3e-4 } else { 1e-8 };
                close([by_m.sn, by_m.cn, by_m.dn].map(|f| *f.0.tangent()), quotient, tolerance);
            }
        }
    }
}
