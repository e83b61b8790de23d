//! Time embeddings.

use crate::{Real, Tensor};

/// `sin(ω_k u)` and `cos(ω_k u)` for each time `u`, with frequencies in geometric progression from `lowest` to `highest`: shape
/// `[batch, 2 count]`, for times of shape `[batch]` or `[]`.
///
/// The time derivative grows with the highest frequency: if that is large, objectives with a time derivative are hard to learn.
///
/// ```
/// use flowmap::{Tensor, backend::ndarray::NdTensor, nn::waves};
/// let times = NdTensor::<f64>::from_slice(&[0.0, 0.5], &[2]);
/// let waves = waves(&times, 2, [1.0, 8.0], 4);
/// assert_eq!(waves.shape(), [2, 8]);
/// assert_eq!(waves.to_vec()[..8], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
/// assert_eq!(waves.to_vec()[8], 0.5_f64.sin());
/// ```
///
/// Reference: A. Vaswani et al., Attention Is All You Need, section 3.5, arXiv 1706.03762.
///
/// # Panics
/// If `times` have another rank, or `count` is 0.
pub fn waves<T: Tensor>(times: &T, batch: usize, [lowest, highest]: [f64; 2], count: usize) -> T {
    assert!(count > 0, "waves: no frequencies");
    let growth = if count == 1 { 1.0 } else { (highest / lowest).powf(1.0 / (count - 1) as f64) };
    let frequencies: Vec<_> = (0..count).map(|k| T::Real::from_f64(lowest * growth.powi(k as i32))).collect();
    let frequencies = T::from_slice_on(&times.device(), &frequencies, &[count]).expand(0, &[batch]);
    let column = if times.shape().is_empty() { times.expand(0, &[batch]) } else { times.clone() };
    let phases = column.expand(1, &[count]) * frequencies;
    T::concat(&[phases.sin(), phases.cos()], 1)
}

/// Rows `(s, t, x)`: states of shape `[batch, d]` with both times in front of them, of shape `[batch, d + 2]`. Times have shape
/// `[batch]` or `[]`.
///
/// ```
/// use flowmap::{Tensor, backend::ndarray::NdTensor, nn::with_times};
/// let tensor = |values: &[f64], shape: &[usize]| NdTensor::from_slice(values, shape);
/// let rows = with_times(&tensor(&[0.0], &[]), &tensor(&[0.5, 1.0], &[2]), &tensor(&[7.0, 8.0], &[2, 1]));
/// assert_eq!(rows.to_vec(), [0.0, 0.5, 7.0, 0.0, 1.0, 8.0]);
/// ```
///
/// # Panics
/// If the shapes are others.
pub fn with_times<T: Tensor>(s: &T, t: &T, x: &T) -> T {
    T::concat(&[time_column(s, x), time_column(t, x), x.clone()], 1)
}

/// A time for each row of `x`, as a column.
pub(super) fn time_column<T: Tensor>(time: &T, x: &T) -> T {
    if time.shape().is_empty() { time.expand(0, &[x.shape()[0], 1]) } else { time.expand(1, &[1]) }
}
