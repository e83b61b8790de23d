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
pub fn product<F: Real>(a: Matrix<F>, b: Matrix<F>, onto: Option<Vec<F>>) -> Vec<F> {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows);
    if m * n * k == 0 {
        return onto.unwrap_or_else(|| vec![F::zero(); m * n]);
    }
    let (mut out, adds) = match onto {
        Some(onto) => (onto, true),
        None => (Vec::with_capacity(m * n), false),
    };
    assert!(out.capacity() >= m * n && (!adds || out.len() == m * n));
    let ((a_cs, a_rs), (b_cs, b_rs)) = (a.strides(), b.strides());
    // SAFETY: `a` and `b` hold m x k and k x n values at these strides (checked in `Matrix::new`), `out` has room for m x n, and
    // `gemm` writes all of them, reading them first only if they are initialized (`adds`)
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            adds,
            a.values.as_ptr(),
            a_cs,
            a_rs,
            b.values.as_ptr(),
            b_cs,
            b_rs,
            F::one(),
            F::one(),
            false,
            false,
            false,
            Parallelism::Rayon(0),
        );
        out.set_len(m * n);
    }
    out
}
