//! Permutations of axes, by rotations.

use super::Tensor;

/// The composed default of [`Tensor::permute`].
#[track_caller]
pub(super) fn permute<T: Tensor>(x: &T, axes: &[usize]) -> T {
    let rank = x.shape().len();
    let mut order: Vec<usize> = (0..rank).collect();
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    assert!(sorted == order, "permute: {axes:?} is not an order of the axes of shape {:?}", x.shape());
    let (mut y, mut placed) = (x.clone(), 0);
    while placed < rank {
        let from = (placed..rank).find(|&i| order[i] == axes[placed]).expect("each axis has a place");
        // neighbours that stay neighbours move together
        let together = order[from..].iter().zip(&axes[placed..]).take_while(|(a, b)| a == b).count();
        if from > placed {
            y = y.rotate_axes(placed..from + together, from - placed);
            order[placed..from + together].rotate_left(from - placed);
        }
        placed += together;
    }
    y
}
