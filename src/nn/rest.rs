//! Conditioning coordinates, with velocity 0.

use crate::Tensor;

/// The velocity of rows: `velocity` for the coordinates that move, and 0 for the `count` that follow.
///
/// # Panics
/// If the rows of `x` have another number of coordinates.
pub fn and_rest<T: Tensor>(velocity: T, x: &T, count: usize) -> T {
    let [moving, all] = [&velocity, x].map(|rows| rows.shape()[1]);
    assert_eq!(all, moving + count, "rows have {all} coordinates; {moving} move and {count} are at rest");
    if count == 0 {
        return velocity;
    }
    T::concat(&[velocity, x.slice(1, moving..all).constant(0.0)], 1)
}
