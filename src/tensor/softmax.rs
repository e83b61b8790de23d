//! The softmax function along the last axis, and the maximum that keeps it from overflowing.

use super::{Tensor, common::size};
use crate::Mask;

/// The last axis, which must not be empty.
#[track_caller]
pub(crate) fn last_axis(what: &str, shape: &[usize]) -> usize {
    assert!(shape.last().is_some_and(|&length| length > 0), "{what}: shape {shape:?} has nothing along its last axis");
    shape.len() - 1
}

/// The composed default of [`Tensor::softmax`].
pub(super) fn value<T: Tensor>(x: &T) -> T {
    let axis = last_axis("softmax", x.shape());
    let length = x.shape()[axis];
    // the maximum keeps exponentials from overflowing; the result does not depend on it, so it is a constant
    let powers = (x.clone() - x.frozen().row_maximum().expand(axis, &[length])).exp();
    let total = powers.sum(axis..axis + 1).expand(axis, &[length]);
    powers / total
}

/// `diag(y) d - y (y · d)` along the last axis: the derivative of `y = softmax(x)`, symmetric.
pub(super) fn tangent<T: Tensor>(y: &T, d: &T) -> T {
    let axis = last_axis("softmax", y.shape());
    let product = y.clone() * d;
    let along = product.sum(axis..axis + 1).expand(axis, &[y.shape()[axis]]);
    product - along * y
}

/// The composed default of [`Tensor::row_maximum`]: pairs are compared until one value is left.
pub(super) fn row_maximum<T: Tensor>(x: &T) -> T {
    let axis = last_axis("row_maximum", x.shape());
    let rest = x.shape()[..axis].to_vec();
    let mut largest = x.reshape(&[size(&rest), x.shape()[axis]]);
    while largest.shape()[1] > 1 {
        let (width, half) = (largest.shape()[1], largest.shape()[1].div_ceil(2));
        let (a, b) = (largest.slice(1, 0..half), largest.slice(1, width - half..width));
        // a NaN of `a` wins, since no number is larger; one of `b` is seen by not being a number
        let number = b.less(&b.constant(1.0)).or(&b.constant(0.0).less(&b));
        largest = T::select(&number, &T::select(&a.less(&b), &b, &a), &b);
    }
    largest.reshape(&rest)
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::row_maximum;
    use crate::{Tensor, backend::ndarray::NdTensor};

    #[test]
    fn the_largest_of_numbers_infinities_and_nan() {
        let of = |row: &[f64]| row_maximum(&NdTensor::from_slice(row, &[1, row.len()])).to_vec()[0];
        let low = f64::NEG_INFINITY;
        for row in [[1.0, 3.0, 2.0], [low, 1.0, 3.0], [3.0, low, low], [3.0, 3.0, low], [-1.0, 3.0, 2.5]] {
            assert_eq!(of(&row), 3.0, "{row:?}");
        }
        assert_eq!([of(&[low, low]), of(&[2.0, f64::INFINITY, low]), of(&[f64::MAX, f64::MAX])], [low, f64::INFINITY, f64::MAX]);
        for k in 0..5 {
            let row = [0, 1, 2, 3, 4].map(|i| if i == k { f64::NAN } else { [1.0, low, f64::INFINITY, 0.0, -2.0][i] });
            assert!(of(&row).is_nan(), "{row:?}");
        }
    }
}
