//! Drawing samples.

use crate::{FlowMap, Tensor, TimeGrid, distribution::Distribution, random::stream};
use rand::Rng;
use std::convert::Infallible;

/// Draws `count` samples: noise from `noise` (a function of `seed` alone), carried along the grid. Row by row in `f64`.
///
/// Some thousands of samples, or hundreds of images, are computed at a time, so only the result grows with `count`.
///
/// ```
/// use flowmap::{AverageVelocityMap, Cpu, TimeGrid, distribution::Normal, nn::{Mlp, MlpShape}};
/// use flowmap::sample;
/// let mlp: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 16, 2), 1)?;
/// let grid = TimeGrid::uniform([0.0, 1.0], 4)?;
/// let samples = sample::draw::<Cpu>(&AverageVelocityMap(&mlp), &grid, &Normal::standard(2)?, 100, 7);
/// assert_eq!(samples.len(), 200);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn draw<T: Tensor<Device: Default>>(
    map: &(impl FlowMap<T> + ?Sized),
    grid: &TimeGrid,
    noise: &dyn Distribution,
    count: usize,
    seed: u64,
) -> Vec<f64> {
    draw_on(&T::Device::default(), map, grid, noise, count, seed)
}

/// As [`draw`], on this device.
pub fn draw_on<T: Tensor>(
    device: &T::Device,
    map: &(impl FlowMap<T> + ?Sized),
    grid: &TimeGrid,
    noise: &dyn Distribution,
    count: usize,
    seed: u64,
) -> Vec<f64> {
    let Ok(samples) = carried(device, noise, count, seed, |x: T| Ok::<_, Infallible>(grid.follow(map, &x)));
    samples
}

/// Draws `count` rows of noise, and applies `carry` to them, some rows at a time.
pub(super) fn carried<T: Tensor, E>(
    device: &T::Device,
    noise: &dyn Distribution,
    count: usize,
    seed: u64,
    carry: impl FnMut(T) -> Result<T, E>,
) -> Result<Vec<f64>, E> {
    in_parts([count, noise.dimension()], seed, |rng, rows| drawn(device, noise, rng, rows), carry)
}

/// Rows of noise.
pub(crate) fn drawn<T: Tensor>(device: &T::Device, noise: &dyn Distribution, rng: &mut dyn Rng, rows: usize) -> T {
    let d = noise.dimension();
    let mut values = vec![0.0; rows * d];
    noise.draw_rows(rng, &mut values);
    T::from_doubles_on(device, &values, &[rows, d])
}

/// Draws rows of the shape `[count, d]` from stream 0 of the seed, and applies `carry` to them, some rows at a time.
pub(crate) fn in_parts<T: Tensor, E>(
    [count, d]: [usize; 2],
    seed: u64,
    mut draw: impl FnMut(&mut dyn Rng, usize) -> T,
    mut carry: impl FnMut(T) -> Result<T, E>,
) -> Result<Vec<f64>, E> {
    // enough rows to keep threads busy, few enough that a network's activations fit into memory
    const ROWS: usize = 4096;
    const VALUES: usize = 1 << 18;
    let rows_at_once = (VALUES / d.max(1)).clamp(1, ROWS);
    let mut rng = stream(seed, 0);
    let mut samples = Vec::with_capacity(count * d);
    for first in (0..count).step_by(rows_at_once) {
        let start = draw(&mut rng, rows_at_once.min(count - first));
        samples.extend(carry(start)?.values());
    }
    Ok(samples)
}
