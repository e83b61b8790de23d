//! Products of batches of matrices.

use super::{Tensor, Transpose, common};

/// The composed default of [`Tensor::batch_matmul`]: one product after the other.
#[track_caller]
pub(super) fn batch_matmul<T: Tensor>(a: &T, a_transpose: Transpose, b: &T, b_transpose: Transpose) -> T {
    let (count, m, _, n) = common::check_products(a.shape(), a_transpose, b.shape(), b_transpose);
    if count == 0 {
        return T::from_slice_on(&a.device(), &[], &[0, m, n]);
    }
    let matrix = |x: &T, i: usize| x.slice(0, i..i + 1).reshape(&x.shape()[1..]);
    let products: Vec<T> = (0..count).map(|i| T::matmul(&matrix(a, i), a_transpose, &matrix(b, i), b_transpose, None)).collect();
    T::concat(&products, 0).reshape(&[count, m, n])
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::{Tensor, Transpose, batch_matmul};
    use crate::backend::ndarray::NdTensor;

    /// A backend that has no kernel of its own computes the same.
    #[test]
    fn the_composed_products_are_those_of_the_kernel() {
        let waves = |shape: &[usize]| {
            let values: Vec<f64> = (0..shape.iter().product()).map(|i| (0.3 + i as f64 * 0.618).sin()).collect();
            NdTensor::from_slice(&values, shape)
        };
        for count in [0, 1, 3] {
            let (a, b) = (waves(&[count, 2, 4]), waves(&[count, 4, 5]));
            let turned = |x: &NdTensor<f64>| x.rotate_axes(1..3, 1);
            for (a, a_transpose) in [(a.clone(), Transpose::No), (turned(&a), Transpose::Yes)] {
                for (b, b_transpose) in [(b.clone(), Transpose::No), (turned(&b), Transpose::Yes)] {
                    let [composed, kernel] = [batch_matmul, NdTensor::batch_matmul].map(|f| f(&a, a_transpose, &b, b_transpose));
                    assert_eq!(composed.shape(), [count, 2, 5]);
                    let far = composed.to_vec().iter().zip(kernel.to_vec()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
                    assert!(composed.shape() == kernel.shape() && far < 1e-15, "{far:e}");
                }
            }
        }
    }
}
