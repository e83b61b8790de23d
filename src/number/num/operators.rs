//! Operators in formulas: between numbers, references to them and constants, on both sides.

use super::Num;
use crate::number::Number;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// Each operator on numbers and references to them.
macro_rules! operators {
    ($($Op:ident::$op:ident, $Assign:ident::$assign:ident;)*) => {$(
        impl<N: Number> $Op for Num<N> {
            type Output = Self;
            #[inline(always)]
            fn $op(self, other: Self) -> Self {
                Self(self.0.$op(other.0))
            }
        }
        impl<N: Number> $Op<&Self> for Num<N> {
            type Output = Self;
            #[inline(always)]
            fn $op(self, other: &Self) -> Self {
                Self(self.0.$op(&other.0))
            }
        }
        impl<N: Number> $Op<Num<N>> for &Num<N> {
            type Output = Num<N>;
            #[inline(always)]
            fn $op(self, other: Num<N>) -> Num<N> {
                Num(self.0.clone().$op(other.0))
            }
        }
        impl<N: Number> $Op for &Num<N> {
            type Output = Num<N>;
            #[inline(always)]
            fn $op(self, other: Self) -> Num<N> {
                Num(self.0.clone().$op(&other.0))
            }
        }
        impl<N: Number, R> $Assign<R> for Num<N>
        where
            Self: $Op<R, Output = Self>,
        {
            #[inline(always)]
            fn $assign(&mut self, other: R) {
                *self = self.clone().$op(other);
            }
        }
    )*};
}
operators! {
    Add::add, AddAssign::add_assign;
    Sub::sub, SubAssign::sub_assign;
    Mul::mul, MulAssign::mul_assign;
    Div::div, DivAssign::div_assign;
}

/// Each operator on a number `x`, or a reference to one, and a constant `c`.
macro_rules! constants {
    ($($Op:ident::$op:ident: |$x:ident, $c:ident| $with:expr, $from:expr;)*) => {$(
        impl<N: Number> $Op<f64> for Num<N> {
            type Output = Self;
            #[inline(always)]
            fn $op(self, $c: f64) -> Self {
                let $x = &self.0;
                Self($with)
            }
        }
        impl<N: Number> $Op<f64> for &Num<N> {
            type Output = Num<N>;
            #[inline(always)]
            fn $op(self, $c: f64) -> Num<N> {
                let $x = &self.0;
                Num($with)
            }
        }
        impl<N: Number> $Op<Num<N>> for f64 {
            type Output = Num<N>;
            #[inline(always)]
            fn $op(self, x: Num<N>) -> Num<N> {
                let ($x, $c) = (&x.0, self);
                Num($from)
            }
        }
        impl<N: Number> $Op<&Num<N>> for f64 {
            type Output = Num<N>;
            #[inline(always)]
            fn $op(self, x: &Num<N>) -> Num<N> {
                let ($x, $c) = (&x.0, self);
                Num($from)
            }
        }
    )*};
}
/// The same for references to constants, which take the place of parameters that are numbers elsewhere.
macro_rules! references {
    ($($Op:ident::$op:ident)*) => {$(
        references!(@ $Op $op [Num<N>] [&f64] |x, c| x.$op(*c));
        references!(@ $Op $op [&Num<N>] [&f64] |x, c| x.$op(*c));
        references!(@ $Op $op [&f64] [Num<N>] |c, x| (*c).$op(x));
        references!(@ $Op $op [&f64] [&Num<N>] |c, x| (*c).$op(x));
    )*};
    (@ $Op:ident $op:ident [$left:ty] [$right:ty] |$a:ident, $b:ident| $result:expr) => {
        impl<N: Number> $Op<$right> for $left {
            type Output = Num<N>;
            #[inline(always)]
            fn $op(self, $b: $right) -> Num<N> {
                let $a = self;
                $result
            }
        }
    };
}
references!(Add::add Sub::sub Mul::mul Div::div);

constants! {
    Add::add: |x, c| x.shift(c), x.shift(c);
    Sub::sub: |x, c| x.shift(-c), (-x.clone()).shift(c);
    Mul::mul: |x, c| x.scale(c), x.scale(c);
    Div::div: |x, c| x.clone() / x.constant(c), x.constant(c) / x;
}

impl<N: Number> Neg for Num<N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl<N: Number> Neg for &Num<N> {
    type Output = Num<N>;
    #[inline(always)]
    fn neg(self) -> Num<N> {
        Num(-self.0.clone())
    }
}
