//! SIMD lanes: several floats as one number.

mod math;
#[cfg(test)]
mod tests;

use super::{Mask, Number, Real, Value};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `L` floats as one [`Number`]: SIMD for all code that is written over numbers.
///
/// Every operation acts on each lane, independently of the others. Choose `L` so that the lanes fill one or two registers of
/// the machine: 4 or 8 for `f64`.
///
/// Arithmetic, comparisons, `abs`, `sqrt`, `floor`, `exp`, `exp_m1`, `ln`, `ln_1p`, `powf`, `sinh`, `cosh`, `tanh`, `sin`,
/// `cos` and `tan` become vector instructions: those of the processors that the program is compiled for, or, inside a region
/// compiled for it (`pulp::Arch::dispatch`), those of the machine it runs on. Results are bitwise the same in both, except for
/// NaN's payload. `atan`, `atan2` and `erf` work lane by lane.
///
/// Elementary functions are computed in `f64`. In `f64` lanes `exp`, `ln` and `ln_1p` differ by at most one ulp from the
/// standard library, `exp_m1`, `sin`, `cos` and `cosh` by two, `sinh`, `tan` and `tanh` by three to five; `f32` lanes are as
/// accurate as the standard library. `powf` is `exp(c ln x)`, off by about one ulp times `1 + |c ln x|`; `powi` multiplies by
/// repeated squaring.
///
/// ```
/// use flowmap::{FlowMap, Lanes, exact::Rotation};
/// // four points, turned at once, each by its own angle
/// let x = [Lanes::splat(1.0), Lanes::splat(0.0)];
/// let angles = Lanes::from([0.0, 0.5, 1.0, 1.5]);
/// let end = Rotation::new(1.0)?.flow(&Lanes::splat(0.0), &angles, &x);
/// assert_eq!(end[1].lane(0), 0.0);
/// assert!((end[1].lane(3) - 1.5_f64.sin()).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))] // so that a register's worth is never split between two cache lines
pub struct Lanes<F, const L: usize>([F; L]);

/// The truth values of a comparison of [`Lanes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneMask<const L: usize>([bool; L]);

impl<F: Copy, const L: usize> Lanes<F, L> {
    /// A number with `x` in every lane.
    #[inline(always)]
    pub fn splat(x: F) -> Self {
        Self([x; L])
    }

    /// The value of lane `i`.
    ///
    /// # Panics
    /// Unless `i < L`.
    #[inline(always)]
    pub fn lane(&self, i: usize) -> F {
        self.0[i]
    }

    /// Writes `x` to lane `i`.
    ///
    /// # Panics
    /// Unless `i < L`.
    #[inline(always)]
    pub fn set_lane(&mut self, i: usize, x: F) {
        self.0[i] = x;
    }

    /// The values of all lanes.
    #[inline(always)]
    pub fn to_array(self) -> [F; L] {
        self.0
    }
}

impl<F, const L: usize> From<[F; L]> for Lanes<F, L> {
    #[inline(always)]
    fn from(lanes: [F; L]) -> Self {
        Self(lanes)
    }
}

impl<const L: usize> LaneMask<L> {
    /// The truth value of lane `i`.
    ///
    /// # Panics
    /// Unless `i < L`.
    #[inline(always)]
    pub fn lane(&self, i: usize) -> bool {
        self.0[i]
    }

    /// Writes `truth` to lane `i`.
    ///
    /// # Panics
    /// Unless `i < L`.
    #[inline(always)]
    pub fn set_lane(&mut self, i: usize, truth: bool) {
        self.0[i] = truth;
    }
}

impl<const L: usize> From<[bool; L]> for LaneMask<L> {
    #[inline(always)]
    fn from(lanes: [bool; L]) -> Self {
        Self(lanes)
    }
}

// Plain loops throughout: a closure might run without the instructions of the region in which it is called.

impl<const L: usize> Mask for LaneMask<L> {
    #[inline(always)]
    fn and(&self, other: &Self) -> Self {
        let mut y = *self;
        for i in 0..L {
            y.0[i] &= other.0[i];
        }
        y
    }
    #[inline(always)]
    fn or(&self, other: &Self) -> Self {
        let mut y = *self;
        for i in 0..L {
            y.0[i] |= other.0[i];
        }
        y
    }
    #[inline(always)]
    fn not(&self) -> Self {
        let mut y = *self;
        for i in 0..L {
            y.0[i] = !y.0[i];
        }
        y
    }
    #[inline(always)]
    fn any(&self) -> bool {
        let mut any = false;
        for i in 0..L {
            any |= self.0[i];
        }
        any
    }
}

impl<F: Real, const L: usize> Value for Lanes<F, L> {
    #[inline(always)]
    fn frozen(&self) -> Self {
        *self
    }
    fn values(&self) -> Vec<f64> {
        self.0.iter().map(|x| x.into_f64()).collect()
    }
}

impl<F: Real, const L: usize> Neg for Lanes<F, L> {
    type Output = Self;
    #[inline(always)]
    fn neg(mut self) -> Self {
        for i in 0..L {
            self.0[i] = -self.0[i];
        }
        self
    }
}

macro_rules! operators {
    ($($op:ident $method:ident),*) => {$(
        impl<F: Real, const L: usize> $op for Lanes<F, L> {
            type Output = Self;
            #[inline(always)]
            fn $method(mut self, other: Self) -> Self {
                for i in 0..L {
                    self.0[i] = $op::$method(self.0[i], other.0[i]);
                }
                self
            }
        }
        impl<F: Real, const L: usize> $op<&Self> for Lanes<F, L> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: &Self) -> Self {
                $op::$method(self, *other)
            }
        }
    )*};
}
operators!(Add add, Sub sub, Mul mul, Div div);

/// Methods that apply `$f` to each lane.
macro_rules! lane_by_lane {
    ($($name:ident($($c:ident)?) = $f:expr;)*) => {$(
        #[inline(always)]
        fn $name(&self $(, $c: f64)?) -> Self {
            let mut y = *self;
            for i in 0..L {
                y.0[i] = $f(y.0[i] $(, F::from_f64($c))?);
            }
            y
        }
    )*};
}

/// Methods that apply a function of [`math`] to each lane.
macro_rules! vectorized {
    ($($name:ident)*) => {$(
        #[inline(always)]
        fn $name(&self) -> Self {
            let mut y = *self;
            for i in 0..L {
                y.0[i] = F::from_f64(math::$name(y.0[i].into_f64()));
            }
            y
        }
    )*};
}

/// Sine and cosine: lanes beyond [`math::FAR`] are recomputed by the scalar function.
macro_rules! circular {
    ($($name:ident)*) => {$(
        #[inline(always)]
        fn $name(&self) -> Self {
            let mut y = *self;
            let mut far = false;
            for i in 0..L {
                y.0[i] = F::from_f64(math::$name(y.0[i].into_f64()));
                far |= self.0[i].into_f64().abs() > math::FAR;
            }
            if far {
                for i in 0..L {
                    if self.0[i].into_f64().abs() > math::FAR {
                        y.0[i] = Number::$name(&self.0[i]);
                    }
                }
            }
            y
        }
    )*};
}

impl<F: Real, const L: usize> Number for Lanes<F, L> {
    type Real = F;
    type Mask = LaneMask<L>;

    #[inline(always)]
    fn constant(&self, c: f64) -> Self {
        Self::splat(F::from_f64(c))
    }
    /// A fused multiply-add: one instruction in the regions that lanes are for, the same result outside.
    #[inline(always)]
    fn scale_onto(&self, c: f64, onto: Self) -> Self {
        let (mut y, c) = (onto, F::from_f64(c));
        for i in 0..L {
            y.0[i] = num_traits::Float::mul_add(self.0[i], c, y.0[i]);
        }
        y
    }
    lane_by_lane! {
        scale(c) = |x, c| x * c;
        shift(c) = |x, c| x + c;
        recip() = |x| F::one() / x;
        sqrt() = |x| Number::sqrt(&x);
        abs() = |x| Number::abs(&x);
        floor() = |x| Number::floor(&x);
        atan() = |x| Number::atan(&x);
        erf() = |x| Number::erf(&x);
        powf(c) = |x: F, c: F| F::from_f64(math::exp(math::ln(x.into_f64()) * c.into_f64()));
    }
    vectorized!(exp exp_m1 ln ln_1p sinh cosh tanh);
    circular!(sin cos);

    #[inline(always)]
    fn powi(&self, n: i32) -> Self {
        let mut y = Self::splat(F::one());
        let mut square = *self;
        let mut rest = n.unsigned_abs();
        while rest > 0 {
            if rest % 2 == 1 {
                y = y * square;
            }
            square = square * square;
            rest /= 2;
        }
        if n < 0 { Number::recip(&y) } else { y }
    }
    #[inline(always)]
    fn atan2(&self, x: &Self) -> Self {
        let mut y = *self;
        for i in 0..L {
            y.0[i] = Number::atan2(&y.0[i], &x.0[i]);
        }
        y
    }
    #[inline(always)]
    fn less(&self, other: &Self) -> LaneMask<L> {
        let mut mask = LaneMask([false; L]);
        for i in 0..L {
            mask.0[i] = self.0[i] < other.0[i];
        }
        mask
    }
    #[inline(always)]
    fn select(mask: &LaneMask<L>, a: &Self, b: &Self) -> Self {
        let mut y = *b;
        for i in 0..L {
            y.0[i] = if mask.0[i] { a.0[i] } else { b.0[i] };
        }
        y
    }
}
