//! Determinants of small matrices over any number type.

use crate::number::{Number, Row};

/// The sign of `det A` and `ln |det A|`, even where the determinant overflows or underflows: `±1` and `-∞` for a singular
/// matrix. NaN where an entry is NaN.
///
/// By Gaussian elimination. Masks choose the pivots, so that each sample of a batch, and each lane, has its own.
///
/// # Panics
/// If the matrix has no entries, since there is then no number to take the shape from.
pub(crate) fn sign_and_log_det<N: Number, M: Row<Item: Row<Item = N>>>(mut matrix: M) -> (N, N) {
    let mut rows: Vec<&mut [N]> = matrix.items_mut().iter_mut().map(Row::items_mut).collect();
    let zero = rows[0][0].constant(0.0);
    let (mut sign, mut log) = (zero.shift(1.0), zero.clone());
    for k in 0..rows.len() {
        let (done, rest) = rows.split_at_mut(k + 1);
        let row = &mut *done[k];
        for other in rest.iter_mut() {
            let larger = row[k].abs().less(&other[k].abs());
            for (upper, lower) in row.iter_mut().zip(other.iter_mut()).skip(k) {
                (*upper, *lower) = (N::select(&larger, lower, upper), N::select(&larger, upper, lower));
            }
            sign = N::select(&larger, &-sign.clone(), &sign);
        }
        let pivot = &row[k];
        sign = N::select(&pivot.less(&zero), &-sign.clone(), &sign);
        log = log + pivot.abs().ln();
        // below a pivot of 0 all entries are 0; NaN stays NaN
        let there = zero.less(&pivot.abs());
        for other in rest {
            let factor = N::select(&there, &(other[k].clone() / pivot), &other[k]);
            for (upper, lower) in row.iter().zip(other.iter_mut()).skip(k + 1) {
                *lower = lower.clone() - factor.clone() * upper;
            }
        }
    }
    (sign, log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dual, Lanes};

    #[test]
    fn small_determinants_by_hand() {
        for (matrix, det) in [
            ([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.5, 0.0, 4.0]], 19.5_f64),
            ([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 2.0]], -2.0),
            ([[0.0, 0.0, -3.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], -3.0),
        ] {
            let (sign, log) = sign_and_log_det(matrix);
            assert_eq!(sign, det.signum());
            assert!((log - det.abs().ln()).abs() < 1e-15, "{matrix:?}: {log}");
        }
    }

    #[test]
    fn sizes_beyond_the_range_of_floats() {
        let (sign, log) = sign_and_log_det([[1e-300, 0.0], [0.5e-300, -1e-300]]);
        assert_eq!(sign, -1.0);
        assert!((log / (2.0 * 1e-300_f64.ln()) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn what_has_no_logarithm() {
        let log = |matrix| sign_and_log_det::<f64, [[f64; 3]; 3]>(matrix).1;
        assert_eq!(log([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]]), f64::NEG_INFINITY);
        assert_eq!(log([[0.0; 3]; 3]), f64::NEG_INFINITY);
        for bad in 0..9 {
            // also next to columns of zeros
            for mut matrix in [[[1.0, 2.0, 3.0], [0.0, 1.0, 4.0], [5.0, 6.0, 0.0]], [[0.0; 3]; 3]] {
                matrix[bad / 3][bad % 3] = f64::NAN;
                assert!(log(matrix).is_nan(), "entry {bad}");
            }
        }
    }

    #[test]
    fn each_lane_has_pivots_of_its_own() {
        let matrices = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]];
        let packed: [[_; 2]; 2] =
            std::array::from_fn(|i| std::array::from_fn(|j| Lanes::<f64, 4>::from(matrices.map(|m| m[i][j]))));
        let (sign, log) = sign_and_log_det(packed);
        for (k, matrix) in matrices.into_iter().enumerate() {
            let alone: (f64, f64) = sign_and_log_det(matrix);
            assert_eq!((sign.lane(k), (log.lane(k) - alone.1).abs() < 1e-15 || log.lane(k) == alone.1), (alone.0, true));
        }
    }

    #[test]
    fn the_derivative_is_the_trace_of_the_logarithmic_derivative() {
        // d ln |det A| = tr A⁻¹ dA, here by central differences
        let (a, d) = ([[0.2, 2.0], [3.0, -1.0]], [[1.0, -0.5], [0.3, 2.0]]);
        let at = |h: f64| {
            sign_and_log_det::<f64, [[f64; 2]; 2]>(std::array::from_fn(|i| std::array::from_fn(|j| a[i][j] + h * d[i][j]))).1
        };
        let moving: [[_; 2]; 2] = std::array::from_fn(|i| std::array::from_fn(|j| Dual::new(a[i][j], d[i][j])));
        let found = *sign_and_log_det(moving).1.tangent();
        assert!((found - (at(1e-5) - at(-1e-5)) / 2e-5).abs() < 1e-9, "{found}");
    }
}
