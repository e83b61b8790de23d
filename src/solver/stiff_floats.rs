//! Numbers as floats in a row: how duals get into a library that knows `f64` alone.

use crate::{Dual, Scalar};

/// Numbers that [`StiffFlow`](super::StiffFlow) takes: `f64`, and [`Dual`]s of such numbers, to any depth.
///
/// They are so many floats in a row, value first. Implemented here for all of them.
pub trait Floats: Scalar {
    /// How many.
    const COUNT: usize;
    /// Writes them into a slice of this length.
    fn write(&self, floats: &mut [f64]);
    /// From a slice of this length.
    fn read(floats: &[f64]) -> Self;
}

impl Floats for f64 {
    const COUNT: usize = 1;
    fn write(&self, floats: &mut [f64]) {
        floats[0] = *self;
    }
    fn read(floats: &[f64]) -> Self {
        floats[0]
    }
}

impl<N: Floats> Floats for Dual<N> {
    const COUNT: usize = 2 * N::COUNT;
    fn write(&self, floats: &mut [f64]) {
        let (value, tangent) = floats.split_at_mut(N::COUNT);
        self.value().write(value);
        match self.moving() {
            Some(moving) => moving.write(tangent),
            None => tangent.fill(0.0),
        }
    }
    fn read(floats: &[f64]) -> Self {
        let (value, tangent) = floats.split_at(N::COUNT);
        Self::new(N::read(value), N::read(tangent))
    }
}

/// Writes coordinate after coordinate.
pub(super) fn write<N: Floats>(numbers: &[N], floats: &mut [f64]) {
    for (number, floats) in numbers.iter().zip(floats.chunks_exact_mut(N::COUNT)) {
        number.write(floats);
    }
}

/// Reads coordinate after coordinate.
pub(super) fn read<N: Floats, const D: usize>(floats: &[f64]) -> [N; D] {
    std::array::from_fn(|i| N::read(&floats[i * N::COUNT..(i + 1) * N::COUNT]))
}
