//! Changes of resolution.
#![allow(clippy::needless_range_loop, reason = "what an iterator might not inline would run without the region's instructions")]

use crate::{Real, simd::run_kernel};
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Means over squares, for an output of this shape.
pub fn downsample<F: Real>(x: &[F], [n, height, width, channels]: [usize; 4], factor: usize) -> Vec<F> {
    let mut y = vec![F::zero(); n * height * width * channels];
    let row = width * channels;
    let rows = y.par_chunks_mut(row.max(1)).zip(x.par_chunks((row * factor * factor).max(1)));
    rows.with_min_len(8).for_each(|(y, x)| run_kernel(Means { y, x, channels, factor }));
    y
}

/// A row of means, from as many rows as a square has.
struct Means<'a, F> {
    y: &'a mut [F],
    x: &'a [F],
    channels: usize,
    factor: usize,
}

impl<F: Real> NullaryFnOnce for Means<'_, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Self { y, x, channels, factor } = self;
        let width = y.len() / channels;
        for a in 0..factor {
            for j in 0..width {
                let y = &mut y[j * channels..(j + 1) * channels];
                for b in 0..factor {
                    let x = &x[((a * width + j) * factor + b) * channels..][..channels];
                    for c in 0..channels {
                        y[c] += x[c];
                    }
                }
            }
        }
        let share = F::from_f64(1.0 / (factor * factor) as f64);
        for j in 0..y.len() {
            y[j] *= share;
        }
    }
}

/// Every pixel as a square, for an output of this shape.
pub fn upsample<F: Real>(x: &[F], [n, height, width, channels]: [usize; 4], factor: usize) -> Vec<F> {
    let mut y = vec![F::zero(); n * height * width * channels];
    let row = width * channels;
    let rows = y.par_chunks_mut((row * factor).max(1)).zip(x.par_chunks((row / factor).max(1)));
    rows.with_min_len(8).for_each(|(y, x)| {
        let (first, others) = y.split_at_mut(row);
        for (square, pixel) in first.chunks_exact_mut(factor * channels).zip(x.chunks_exact(channels)) {
            square.chunks_exact_mut(channels).for_each(|y| y.copy_from_slice(pixel));
        }
        others.chunks_exact_mut(row).for_each(|y| y.copy_from_slice(first));
    });
    y
}
