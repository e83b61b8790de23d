//! Repetition along axes of length 1 and along new ones.

use super::Tensor;

/// The composed default of [`Tensor::broadcast`].
#[track_caller]
pub(super) fn broadcast<T: Tensor>(x: &T, shape: &[usize]) -> T {
    let fits = |new: usize| x.shape().iter().zip(&shape[new..]).all(|(&from, &to)| from == to || from == 1);
    let Some(new) = shape.len().checked_sub(x.shape().len()).filter(|&new| fits(new)) else {
        panic!("broadcast: shape {:?} cannot be repeated to fill {shape:?}", x.shape())
    };
    let repeats = |axis: usize| axis < new || x.shape()[axis - new] != shape[axis];
    // the axes that are repeated disappear, and come back with their new lengths, neighbours at once
    let kept: Vec<usize> = (0..shape.len()).filter(|&axis| !repeats(axis)).map(|axis| shape[axis]).collect();
    let (mut y, mut axis) = (x.reshape(&kept), 0);
    while axis < shape.len() {
        let end = (axis..shape.len()).find(|&next| !repeats(next)).unwrap_or(shape.len());
        if end > axis {
            y = y.expand(axis, &shape[axis..end]);
        }
        axis = end + 1;
    }
    y
}
