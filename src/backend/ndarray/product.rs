//! Matrix products, by the crate `gemm`.
#![allow(unsafe_code)] // `gemm` takes pointers; `Matrix::new` and the assertions below make them fit

use crate::Real;
use gemm::Parallelism;

/// A matrix in row-major memory, as it is or transposed.
#[derive(Clone, Copy)]
pub struct Matrix<'a, F> {
    values: &'a [F],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a, F> Matrix<'a, F> {
    /// The matrix `rows x columns` that `values` holds, or holds the transpose of.
    pub fn new(values: &'a [F], rows: usize, columns: usize, transposed: bool) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self { values, rows, columns, transposed }
    }

    /// `(column stride, row stride)`.
    fn strides(&self) -> (isize, isize) {
        if self.transposed { (self.rows as isize, 1) } else { (1, self.columns as isize) }
    }
}

/// `onto + a b`, where `onto` is the start value: `None` is zero.
///
/// A row of the result is the same, bit for bit, whatever the number of rows. `gemm` by itself does not promise that: it has
/// special kernels for a single row or column and for small products of rows with columns, which round differently, and it cuts
/// deep products into passes whose depth depends on the size. So such operands are padded or transposed here until the general
/// kernel takes them, and the depth is cut here.
pub fn product<F: Real>(a: Matrix<F>, b: Matrix<F>, onto: Option<Vec<F>>) -> Vec<F> {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows);
    if m * n * k == 0 {
        return onto.unwrap_or_else(|| vec![F::zero(); m * n]);
    }
    if n == 1 {
        let (padded, two) = (b.padded(2), onto.map(|c| interleave(&c, 1, 2)));
        return interleave(&product(a, Matrix::new(&padded, k, 2, false), two), 2, 1);
    }
    if a.needs_turning(b) {
        let rows = m.max(2);
        let turned = a.turned(rows);
        let onto = onto.map(|mut c| {
            c.resize(rows * n, F::zero());
            c
        });
        let mut out = vector_of_passes(Matrix::new(&turned, rows, k, true), b, onto);
        out.truncate(m * n);
        return out;
    }
    vector_of_passes(a, b, onto)
}

/// Writes `a b` to `out`, or adds it to what is there, on this thread alone. Rows are those of [`product`].
pub fn write<F: Real>(a: Matrix<F>, b: Matrix<F>, out: &mut [F], adds: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(k == b.rows && out.len() == m * n);
    if m * n * k == 0 || n == 1 || a.needs_turning(b) {
        out.copy_from_slice(&product(a, b, adds.then(|| out.to_vec())));
        return;
    }
    // SAFETY: `out` has room for m x n initialized values
    unsafe { passes(a, b, out.as_mut_ptr(), adds, Parallelism::None) }
}

/// The largest result for which `gemm` may take its kernel for rows with columns.
const SMALL: usize = 16 * 16;

/// The depth up to which `gemm` takes a product of any size in one pass.
const DEPTH: usize = 512;

/// The first `to` of every `from` values, filled up with zeros.
fn interleave<F: Real>(values: &[F], from: usize, to: usize) -> Vec<F> {
    let row = |row: &[F]| (0..to).map(|j| row.get(j).copied().unwrap_or(F::zero())).collect::<Vec<_>>();
    values.chunks_exact(from).flat_map(row).collect()
}

impl<F: Real> Matrix<'_, F> {
    /// Whether `gemm` might take a special kernel for the product with `b`.
    fn needs_turning(self, b: Matrix<F>) -> bool {
        let rows_with_columns = self.rows * b.columns <= SMALL && self.strides().0 == 1 && b.strides().1 == 1;
        self.rows == 1 || rows_with_columns
    }

    fn at(&self, i: usize, j: usize) -> F {
        if self.transposed { self.values[j * self.rows + i] } else { self.values[i * self.columns + j] }
    }

    /// Row by row, with columns of zeros up to `columns`.
    fn padded(&self, columns: usize) -> Vec<F> {
        let row = |i| (0..columns).map(move |j| if j < self.columns { self.at(i, j) } else { F::zero() });
        (0..self.rows).flat_map(row).collect()
    }

    /// Column by column, with rows of zeros up to `rows`.
    fn turned(&self, rows: usize) -> Vec<F> {
        let column = |j| (0..rows).map(move |i| if i < self.rows { self.at(i, j) } else { F::zero() });
        (0..self.columns).flat_map(column).collect()
    }
}

/// `onto + a b` on all threads.
fn vector_of_passes<F: Real>(a: Matrix<F>, b: Matrix<F>, onto: Option<Vec<F>>) -> Vec<F> {
    let size = a.rows * b.columns;
    let (mut out, adds) = match onto {
        Some(onto) => (onto, true),
        None => (Vec::with_capacity(size), false),
    };
    assert!(a.columns > 0 && a.columns == b.rows && out.capacity() >= size && (!adds || out.len() == size));
    // SAFETY: `out` has room for the result, is initialized where it is read (`adds`), and the first pass writes all of it
    unsafe {
        passes(a, b, out.as_mut_ptr(), adds, Parallelism::Rayon(0));
        out.set_len(size);
    }
    out
}

/// `a b`, added to what `out` points to if it `adds`, by passes of equal depth, at most [`DEPTH`].
///
/// # Safety
/// `out` must point to room for the result, in row-major order, initialized if it `adds`.
unsafe fn passes<F: Real>(a: Matrix<F>, b: Matrix<F>, out: *mut F, mut adds: bool, threads: Parallelism) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    let ((a_cs, a_rs), (b_cs, b_rs)) = (a.strides(), b.strides());
    let depth = k.div_ceil(k.div_ceil(DEPTH));
    for start in (0..k).step_by(depth) {
        // SAFETY: `a` and `b` hold m x k and k x n values at these strides (checked in `Matrix::new`), of which a pass reads the
        // columns and rows from `start < k` up; `out` has room for m x n, and `gemm` writes all of them, reading them first only
        // if they are initialized (`adds`)
        unsafe {
            gemm::gemm(
                m,
                n,
                depth.min(k - start),
                out,
                1,
                n as isize,
                adds,
                a.values.as_ptr().offset(start as isize * a_cs),
                a_cs,
                a_rs,
                b.values.as_ptr().offset(start as isize * b_rs),
                b_cs,
                b_rs,
                F::one(),
                F::one(),
                false,
                false,
                false,
                threads,
            );
        }
        adds = true;
    }
}
