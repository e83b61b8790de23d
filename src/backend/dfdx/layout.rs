//! Copies in row-major order, and joins.
//!
//! dfdx has operations for both, but compiles their CUDA kernels when they are first used, from files of the machine that built
//! the program. The operations used here were compiled with the program.

use super::{Element, Flat, Matrix};
use ::dfdx::{
    shapes::{Axes2, Axis, HasShape, Shape},
    tensor::{Cpu, Tensor as Array, ZerosTensor},
    tensor_ops::{Device, PermuteTo, ReshapeTo, TryConcatAlong},
};
use std::any::TypeId;

/// A view as an array in row-major order.
pub(super) fn copied<S: Shape, E: Element, D: Device<E>>(view: Array<S, E, D>) -> Array<S, E, D> {
    // subtracting zeros keeps every number, -0 too, and the result takes their memory
    let zeros = ZerosTensor::<E>::zeros_like(view.device(), &view);
    view - zeros
}

/// Row-major matrices of `rows` rows, none of them empty, side by side.
pub(super) fn joined<E: Element, D: Device<E>>(matrices: impl Iterator<Item = Flat<E, D>>, rows: usize) -> Option<Flat<E, D>> {
    if TypeId::of::<D>() == TypeId::of::<Cpu>() {
        // on the CPU everything was compiled with the program, and one pass is enough
        let matrices = matrices.map(|m| matrix(m, rows));
        return matrices.reduce(|a, b| (a, b).concat_along(Axis::<1>)).map(flat);
    }
    joined_by_columns(matrices, rows)
}

fn joined_by_columns<E: Element, D: Device<E>>(matrices: impl Iterator<Item = Flat<E, D>>, rows: usize) -> Option<Flat<E, D>> {
    // columns follow one another in memory once the matrix is turned
    let whole = matrices.map(|m| turned(matrix(m, rows))).reduce(followed_by)?;
    let columns = whole.shape().0 / rows;
    Some(turned(matrix(whole, columns)))
}

// the newer `concat_along` is one of those that are compiled when used
#[allow(deprecated)]
fn followed_by<E: Element, D: Device<E>>(a: Flat<E, D>, b: Flat<E, D>) -> Flat<E, D> {
    ::dfdx::tensor_ops::TryConcat::concat(a, b)
}

/// The transpose.
fn turned<E: Element, D: Device<E>>(matrix: Matrix<E, D>) -> Flat<E, D> {
    match matrix.shape() {
        (1, _) | (_, 1) => flat(matrix),
        _ => flat(copied(matrix.permute::<(usize, usize), Axes2<1, 0>>())),
    }
}

fn matrix<E: Element, D: Device<E>>(values: Flat<E, D>, rows: usize) -> Matrix<E, D> {
    let &(size,) = values.shape();
    values.reshape_like(&(rows, size / rows))
}

fn flat<E: Element, D: Device<E>>(matrix: Matrix<E, D>) -> Flat<E, D> {
    let &(rows, columns) = matrix.shape();
    matrix.reshape_like(&(rows * columns,))
}

#[cfg(test)]
mod tests {
    use super::{joined, joined_by_columns};
    use ::dfdx::tensor::{Cpu, TensorFromVec};

    /// What runs on a GPU, against what runs on the CPU.
    #[test]
    fn both_ways_to_join_agree() {
        for rows in [1, 2, 5] {
            for widths in [&[3][..], &[1, 1], &[2, 1, 4]] {
                let parts = || {
                    widths.iter().enumerate().map(|(i, width)| {
                        let values = (0..rows * width).map(|k| if k == 0 { -0.0 } else { (k + 100 * i) as f32 });
                        Cpu::default().tensor_from_vec(values.collect(), (rows * width,))
                    })
                };
                let [a, b] = [joined(parts(), rows), joined_by_columns(parts(), rows)].map(|joined| joined.unwrap().as_vec());
                assert!(a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())), "{rows} rows, {widths:?}: {a:?}, {b:?}");
            }
        }
    }
}
