//! The time of elementary functions on [`Lanes`], in a region compiled for this machine, against the standard library.
//!
//!     cargo bench --bench lanes
//!
//! prints, for each function, {"function", "lanes_ns", "baseline_ns", "std_ns"}: nanoseconds per value, the least of several
//! passes over values in the first-level cache; baseline is without the region.
#![allow(clippy::needless_range_loop, reason = "plain loops are inlined whole")]

use flowmap::{Coordinates, Lanes, Num, Number, Ode, State};
use pulp::{Arch, NullaryFnOnce};
use std::{hint::black_box, slice::from_ref, time::Instant};

const L: usize = 8;
const GROUPS: usize = 128;
const PASSES: usize = 2000;

/// A function to time. Implementations are `#[inline(always)]`, so that they are compiled for the region they are called in.
trait Function: Copy {
    const NAME: &'static str;
    fn at<N: Number>(x: &N) -> N;
}

/// One pass over all values.
struct Pass<'a, T, F>(&'a [T], &'a mut [T], F);

impl<N: Number, F: Function> NullaryFnOnce for Pass<'_, N, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Pass(x, y, _) = self;
        let n = x.len().min(y.len());
        for i in 0..n {
            y[i] = F::at(&x[i]);
        }
    }
}

/// The least time of a pass in nanoseconds per value.
fn least(mut pass: impl FnMut()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..PASSES {
        let start = Instant::now();
        pass();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least * 1e9 / (GROUPS * L) as f64
}

#[inline(never)]
fn baseline<N: Number>(pass: Pass<N, impl Function>) {
    pass.call();
}

fn time<F: Function>(f: F) {
    let x: Vec<f64> = (0..GROUPS * L).map(|k| 0.1 + k as f64 * 0.0157).collect();
    let lanes: Vec<Lanes<f64, L>> = x.chunks(L).map(|c| Lanes::from(<[f64; L]>::try_from(c).expect("full"))).collect();
    let (mut y, mut wide) = (x.clone(), lanes.clone());
    let dispatched = least(|| Arch::new().dispatch(Pass(black_box(&lanes), black_box(&mut wide), f)));
    let plain = least(|| baseline(Pass(black_box(&lanes), black_box(&mut wide), f)));
    let std = least(|| baseline(Pass(black_box(&x), black_box(&mut y), f)));
    println!(
        "{{\"function\": \"{}\", \"lanes_ns\": {dispatched:.3}, \"baseline_ns\": {plain:.3}, \"std_ns\": {std:.3}}}",
        F::NAME
    );
}

macro_rules! functions {
    ($($name:ident)*) => {$(
        {
            #[derive(Clone, Copy)]
            struct Timed;
            impl Function for Timed {
                const NAME: &'static str = stringify!($name);
                #[inline(always)]
                fn at<N: Number>(x: &N) -> N {
                    x.$name()
                }
            }
            time(Timed);
        }
    )*};
}

/// A step of Runge and Kutta's method for Lorenz's ODE: arithmetic on states, with a time for every value.
#[derive(Clone, Copy)]
struct Lorenz;

impl Ode<3> for Lorenz {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
    }
}

impl Function for Lorenz {
    const NAME: &'static str = "Lorenz";
    #[inline(always)]
    fn at<N: Number>(t: &N) -> N {
        let x = [t.shift(1.0), t.scale(0.5), t.shift(-2.0)];
        let h = t.scale(0.01);
        let rate = |x: &[N; 3]| x.through(|x| Self.rhs(&Num(t.clone()), x));
        let k1 = rate(&x);
        let k2 = rate(&x.advanced(&h, &[0.5], from_ref(&k1)));
        let k3 = rate(&x.advanced(&h, &[0.5], from_ref(&k2)));
        let k4 = rate(&x.plus(&k3.scaled(&h)));
        let [x, y, z] = x.advanced(&h, &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0], &[k1, k2, k3, k4]);
        x + y + z
    }
}

fn main() {
    functions!(exp exp_m1 ln ln_1p sinh tanh sin cos sqrt);
    time(Lorenz);
}
