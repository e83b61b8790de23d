//! Convolutions as matrix products: the pixels that an output reads are gathered into a row, a block of rows at a time.

use super::product::{self, Matrix};
use crate::{Real, tensor::image::Taps};
use rayon::prelude::*;

/// Values in a block of gathered rows: a megabyte of `f32`, which the second-level cache holds.
const BLOCK: usize = 1 << 18;

/// The copies that make the rows of a gathered matrix.
pub struct Gather {
    /// Rows for each image.
    rows: usize,
    /// Values of each image.
    image: usize,
    /// Values in a row.
    width: usize,
    /// The copies of row `r` are `runs[starts[r]..starts[r + 1]]`.
    starts: Vec<usize>,
    runs: Vec<Run>,
}

/// One copy: pixels that are neighbours in the image and in the row.
struct Run {
    from: usize,
    to: usize,
    length: usize,
}

impl Gather {
    /// For images of `channels`.
    pub fn new(taps: &Taps, channels: usize) -> Self {
        let mut starts = vec![0];
        let mut runs: Vec<Run> = Vec::new();
        for row in taps.pixels.chunks(taps.count) {
            let begin = runs.len();
            for (tap, &pixel) in row.iter().enumerate().filter(|(_, pixel)| **pixel != Taps::NONE) {
                let (from, to) = (pixel as usize * channels, tap * channels);
                match runs[begin..].last_mut() {
                    Some(run) if run.from + run.length == from && run.to + run.length == to => run.length += channels,
                    _ => runs.push(Run { from, to, length: channels }),
                }
            }
            starts.push(runs.len());
        }
        Self { rows: taps.written, image: taps.read * channels, width: taps.count * channels, starts, runs }
    }

    /// Rows in a block; the same for any number of images and threads.
    fn block(&self) -> usize {
        (BLOCK / self.width.max(1)).clamp(64, 1024)
    }

    /// Writes the rows from `first` on of the matrix gathered from `images` until `block` is full.
    fn fill<F: Real>(&self, images: &[F], first: usize, block: &mut [F]) {
        for (i, row) in block.chunks_exact_mut(self.width.max(1)).enumerate() {
            let (image, r) = ((first + i) / self.rows, (first + i) % self.rows);
            let image = &images[image * self.image..(image + 1) * self.image];
            let runs = &self.runs[self.starts[r]..self.starts[r + 1]];
            if runs.iter().map(|run| run.length).sum::<usize>() < self.width {
                row.fill(F::zero());
            }
            for run in runs {
                row[run.to..run.to + run.length].copy_from_slice(&image[run.from..run.from + run.length]);
            }
        }
    }

    /// The gathered matrix of `count` images times `weight`, which has `outputs` columns, plus `bias` in every row.
    pub fn product<F: Real>(&self, count: usize, images: &[F], weight: &[F], outputs: usize, bias: Option<&[F]>) -> Vec<F> {
        let mut out = vec![F::zero(); count * self.rows * outputs];
        let rows = self.block();
        let blocks = out.par_chunks_mut((rows * outputs).max(1)).enumerate().with_max_len(1);
        blocks.for_each_init(Vec::new, |gathered, (k, out)| {
            let height = out.len() / outputs;
            gathered.resize(height * self.width, F::zero());
            self.fill(images, k * rows, gathered);
            if let Some(bias) = bias {
                out.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
            }
            let left = Matrix::new(gathered, height, self.width, false);
            product::write(left, Matrix::new(weight, self.width, outputs, false), out, bias.is_some());
        });
        out
    }

    /// The transpose of the gathered matrix of `count` images times `y`, which has a row for each of its rows and `outputs`
    /// columns.
    ///
    /// Added up in parts of equal numbers of images, whatever the number of threads.
    pub fn transposed_product<F: Real>(&self, count: usize, images: &[F], y: &[F], outputs: usize) -> Vec<F> {
        const PARTS: usize = 16;
        let (part, rows) = (count.div_ceil(PARTS).max(1), self.block());
        let parts = images.par_chunks((part * self.image).max(1)).zip(y.par_chunks((part * self.rows * outputs).max(1)));
        let sums = parts.with_max_len(1).map_init(Vec::new, |gathered, (images, y)| {
            let mut sum = vec![F::zero(); self.width * outputs];
            for (k, y) in y.chunks(rows * outputs).enumerate() {
                let height = y.len() / outputs;
                gathered.resize(height * self.width, F::zero());
                self.fill(images, k * rows, gathered);
                let left = Matrix::new(gathered, self.width, height, true);
                product::write(left, Matrix::new(y, height, outputs, false), &mut sum, k > 0);
            }
            sum
        });
        let sums: Vec<Vec<F>> = sums.collect();
        let mut total = vec![F::zero(); self.width * outputs];
        total.par_iter_mut().enumerate().with_min_len(1 << 12).for_each(|(i, total)| {
            for sum in &sums {
                *total += sum[i];
            }
        });
        total
    }
}

/// A kernel of shape `[taps, in, out]` as one of shape `[taps, out, in]` with its taps in reversed order.
pub fn reversed<F: Real>(kernel: &[F], inputs: usize, outputs: usize) -> Vec<F> {
    let taps = kernel.chunks_exact((inputs * outputs).max(1)).rev();
    taps.flat_map(|tap| (0..outputs).flat_map(move |o| (0..inputs).map(move |i| tap[i * outputs + o]))).collect()
}
