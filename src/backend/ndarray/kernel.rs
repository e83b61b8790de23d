//! Loops over slices: split among threads in pieces of fixed size, run with the widest SIMD that the machine has.
//!
//! The pieces do not depend on the number of threads, so neither do the results. Inside a SIMD region every call must be inlined,
//! or it runs without the region's instructions: hence traits with `#[inline(always)]` methods, where closures would be shorter.
#![allow(unsafe_code)] // new memory is written in full before it is read, see `fresh`
#![allow(clippy::needless_range_loop, reason = "what an iterator might not inline would run without the region's instructions")]

use crate::simd::run_kernel;
use pulp::NullaryFnOnce;
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Elements in one piece: small enough for the second-level cache, large enough to hide the cost of a task.
const PIECE: usize = 1 << 14;

/// The numbers of a loop: `f32`, `f64`.
pub trait Scalar: Copy + Send + Sync + Default + std::iter::Sum + std::ops::AddAssign {}
impl<F: Copy + Send + Sync + Default + std::iter::Sum + std::ops::AddAssign> Scalar for F {}

/// An elementwise function of `I` slices with `O` results.
pub trait Elementwise<F, const I: usize, const O: usize>: Copy + Send + Sync {
    /// The results at one index. Implementations are `#[inline(always)]`.
    fn at(self, inputs: [F; I]) -> [F; O];
}

/// A short closure as an [`Elementwise`] function; long ones may not be inlined.
#[derive(Clone, Copy)]
pub struct Short<C>(pub C);

impl<F, const I: usize, const O: usize, C: Fn([F; I]) -> [F; O] + Copy + Send + Sync> Elementwise<F, I, O> for Short<C> {
    #[inline(always)]
    fn at(self, inputs: [F; I]) -> [F; O] {
        (self.0)(inputs)
    }
}

/// The results of an elementwise function in new vectors.
pub fn fresh<F: Scalar, const I: usize, const O: usize>(inputs: [&[F]; I], kernel: impl Elementwise<F, I, O>) -> [Vec<F>; O] {
    let n = inputs[0].len();
    assert!(inputs.iter().all(|x| x.len() == n));
    let mut new: [Box<[MaybeUninit<F>]>; O] = std::array::from_fn(|_| Box::new_uninit_slice(n));
    let run = |(k, outputs): (usize, [&mut [MaybeUninit<F>]; O])| {
        let inputs = inputs.map(|x| &x[k * PIECE..n.min((k + 1) * PIECE)]);
        run_kernel(Fresh { inputs, outputs, kernel });
    };
    let mut outputs = new.each_mut().map(|y| y.chunks_mut(PIECE));
    let pieces: Vec<_> =
        (0..n.div_ceil(PIECE)).map(|k| (k, outputs.each_mut().map(|y| y.next().expect("as many pieces")))).collect();
    each(pieces, run);
    // SAFETY: the pieces cover every output, and `Fresh` writes each element of its pieces
    new.map(|y| unsafe { y.assume_init() }.into_vec())
}

struct Fresh<'a, F, K, const I: usize, const O: usize> {
    inputs: [&'a [F]; I],
    outputs: [&'a mut [MaybeUninit<F>]; O],
    kernel: K,
}

impl<F: Scalar, K: Elementwise<F, I, O>, const I: usize, const O: usize> NullaryFnOnce for Fresh<'_, F, K, I, O> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Self { mut inputs, mut outputs, kernel } = self;
        let n = outputs[0].len();
        // the same length for all, so that no bounds are checked in the loop
        for j in 0..I {
            inputs[j] = &inputs[j][..n];
        }
        let mut j = 0;
        while j < O {
            outputs[j] = &mut std::mem::take(&mut outputs[j])[..n];
            j += 1;
        }
        for i in 0..n {
            let mut x = [F::default(); I];
            for j in 0..I {
                x[j] = inputs[j][i];
            }
            let y = kernel.at(x);
            for j in 0..O {
                outputs[j][i].write(y[j]);
            }
        }
    }
}

/// An elementwise update of `O` slices from `I` others.
pub trait Update<F, const O: usize, const I: usize>: Copy + Send + Sync {
    /// The new elements at one index. Implementations are `#[inline(always)]`.
    fn at(self, old: [F; O], inputs: [F; I]) -> [F; O];
}

impl<F, const I: usize, const O: usize, C: Fn([F; O], [F; I]) -> [F; O] + Copy + Send + Sync> Update<F, O, I> for Short<C> {
    #[inline(always)]
    fn at(self, old: [F; O], inputs: [F; I]) -> [F; O] {
        (self.0)(old, inputs)
    }
}

/// Updates slices in place.
pub fn update<F: Scalar, const O: usize, const I: usize>(
    targets: [&mut [F]; O],
    inputs: [&[F]; I],
    kernel: impl Update<F, O, I>,
) {
    let n = targets[0].len();
    assert!(targets.iter().all(|x| x.len() == n) && inputs.iter().all(|x| x.len() == n));
    let run = |(k, targets): (usize, [&mut [F]; O])| {
        let inputs = inputs.map(|x| &x[k * PIECE..n.min((k + 1) * PIECE)]);
        run_kernel(InPlace { targets, inputs, kernel });
    };
    let mut targets = targets.map(|y| y.chunks_mut(PIECE));
    let pieces: Vec<_> =
        (0..n.div_ceil(PIECE)).map(|k| (k, targets.each_mut().map(|y| y.next().expect("as many pieces")))).collect();
    each(pieces, run);
}

struct InPlace<'a, F, K, const O: usize, const I: usize> {
    targets: [&'a mut [F]; O],
    inputs: [&'a [F]; I],
    kernel: K,
}

impl<F: Scalar, K: Update<F, O, I>, const O: usize, const I: usize> NullaryFnOnce for InPlace<'_, F, K, O, I> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Self { mut targets, mut inputs, kernel } = self;
        let n = targets[0].len();
        for j in 0..I {
            inputs[j] = &inputs[j][..n];
        }
        let mut j = 0;
        while j < O {
            targets[j] = &mut std::mem::take(&mut targets[j])[..n];
            j += 1;
        }
        for i in 0..n {
            let mut old = [F::default(); O];
            for j in 0..O {
                old[j] = targets[j][i];
            }
            let mut x = [F::default(); I];
            for j in 0..I {
                x[j] = inputs[j][i];
            }
            let new = kernel.at(old, x);
            for j in 0..O {
                targets[j][i] = new[j];
            }
        }
    }
}

/// Runs every piece, on several threads where there is more than one.
fn each<P: Send>(pieces: Vec<P>, run: impl Fn(P) + Sync + Send) {
    if pieces.len() < 2 { pieces.into_iter().for_each(run) } else { pieces.into_par_iter().with_max_len(1).for_each(run) }
}

/// The sum of a slice, by pieces and lanes: an error that grows with the length's logarithm, the same on any number of threads.
pub fn sum<F: Scalar>(x: &[F]) -> F {
    let piece = |x| run_kernel(Sum(x));
    if x.len() <= PIECE { piece(x) } else { x.par_chunks(PIECE).map(piece).collect::<Vec<_>>().into_iter().sum() }
}

struct Sum<'a, F>(&'a [F]);

impl<F: Scalar> NullaryFnOnce for Sum<'_, F> {
    type Output = F;
    #[inline(always)]
    fn call(self) -> F {
        const LANES: usize = 64;
        let mut lanes = [F::default(); LANES];
        let mut rows = self.0.chunks_exact(LANES);
        for row in &mut rows {
            for j in 0..LANES {
                lanes[j] += row[j];
            }
        }
        let rest = rows.remainder();
        lanes.into_iter().chain(rest.iter().copied()).sum()
    }
}

/// Sums over the middle of `[outer, middle, inner]`.
pub fn sum_middle<F: Scalar>(x: &[F], outer: usize, middle: usize, inner: usize) -> Vec<F> {
    const COLUMNS: usize = 256;
    let mut y = vec![F::default(); outer * inner];
    if inner == 1 {
        for (y, row) in y.iter_mut().zip(x.chunks(middle.max(1))) {
            *y = sum(row);
        }
        return y;
    }
    // an output's addends come in the order of the middle axis, whatever the split into columns
    for (o, y) in y.chunks_mut(inner.max(1)).enumerate() {
        let block = &x[o * middle * inner..(o + 1) * middle * inner];
        let columns: Vec<_> = y.chunks_mut(COLUMNS).enumerate().collect();
        let add = |(k, y)| run_kernel(AddRows { y, x: block, first: k * COLUMNS, inner });
        if block.len() <= PIECE { columns.into_iter().for_each(add) } else { each(columns, add) }
    }
    y
}

/// Adds part of every row to `y`, beginning at column `first`.
struct AddRows<'a, F> {
    y: &'a mut [F],
    x: &'a [F],
    first: usize,
    inner: usize,
}

impl<F: Scalar> NullaryFnOnce for AddRows<'_, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let n = self.y.len();
        for row in self.x.chunks_exact(self.inner) {
            let row = &row[self.first..self.first + n];
            for j in 0..n {
                self.y[j] += row[j];
            }
        }
    }
}

/// Repeats `[outer, inner]` as `[outer, middle, inner]`.
pub fn expand_middle<F: Copy>(x: &[F], outer: usize, middle: usize, inner: usize) -> Vec<F> {
    let mut y = Vec::with_capacity(outer * middle * inner);
    for o in 0..outer {
        let row = &x[o * inner..(o + 1) * inner];
        for _ in 0..middle {
            y.extend_from_slice(row);
        }
    }
    y
}

/// `[outer, first, second, inner]` as `[outer, second, first, inner]`.
pub fn exchange_middle<F: Copy>(x: &[F], first: usize, second: usize, inner: usize) -> Vec<F> {
    let mut y = Vec::with_capacity(x.len());
    for block in x.chunks_exact((first * second * inner).max(1)) {
        for j in 0..second {
            for i in 0..first {
                let start = (i * second + j) * inner;
                y.extend_from_slice(&block[start..start + inner]);
            }
        }
    }
    y
}
