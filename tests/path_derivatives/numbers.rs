//! Numbers taken apart: samples side by side, and a sample's value and tangents.

use flowmap::{Dual, Lanes, Number, Tensor, Value, Var, backend::ndarray::NdTensor};

/// A number that one sample of a state consists of: a float, with tangents or without.
pub trait Sample: Number + std::fmt::Debug {
    /// How many floats it has.
    const PARTS: usize;
    /// The value, then the tangents. A part's derivatives are as many as the ones in its place's binary form.
    fn parts(&self) -> Vec<f64>;
    /// From so many floats; tangents of 0 are absent.
    fn from_parts(parts: &[f64]) -> Self;
    /// Without tangents.
    fn still(value: f64) -> Self;
}

impl Sample for f64 {
    const PARTS: usize = 1;
    fn parts(&self) -> Vec<f64> {
        vec![*self]
    }
    fn from_parts(parts: &[f64]) -> Self {
        parts[0]
    }
    fn still(value: f64) -> Self {
        value
    }
}

impl<S: Sample> Sample for Dual<S> {
    const PARTS: usize = 2 * S::PARTS;
    fn parts(&self) -> Vec<f64> {
        let tangent = self.moving().map_or_else(|| vec![0.0; S::PARTS], S::parts);
        [self.value().parts(), tangent].concat()
    }
    fn from_parts(parts: &[f64]) -> Self {
        let (value, tangent) = parts.split_at(S::PARTS);
        let moves = tangent.iter().any(|&d| d != 0.0);
        Self::from_parts(S::from_parts(value), moves.then(|| S::from_parts(tangent)))
    }
    fn still(value: f64) -> Self {
        Self::constant(S::still(value))
    }
}

/// The times of states: one sample, or several side by side.
pub trait Packed: Number {
    type Sample: Sample;
    /// How many samples.
    const ROWS: usize;
    fn pack(samples: &[Self::Sample]) -> Self;
    fn unpack(&self) -> Vec<Self::Sample>;
    /// Without tangents.
    fn still(values: &[f64]) -> Self {
        Self::pack(&values.iter().map(|&value| Self::Sample::still(value)).collect::<Vec<_>>())
    }
}

impl Packed for f64 {
    type Sample = f64;
    const ROWS: usize = 1;
    fn pack(samples: &[f64]) -> Self {
        samples[0]
    }
    fn unpack(&self) -> Vec<f64> {
        vec![*self]
    }
}

impl Packed for Lanes<f64, 4> {
    type Sample = f64;
    const ROWS: usize = 4;
    fn pack(samples: &[f64]) -> Self {
        Self::from(std::array::from_fn(|i| samples[i]))
    }
    fn unpack(&self) -> Vec<f64> {
        self.to_array().to_vec()
    }
}

impl Packed for NdTensor<f64> {
    type Sample = f64;
    const ROWS: usize = 3;
    fn pack(samples: &[f64]) -> Self {
        Self::from_slice(samples, &[samples.len()])
    }
    fn unpack(&self) -> Vec<f64> {
        self.to_vec()
    }
}

impl Packed for Var<NdTensor<f64>> {
    type Sample = f64;
    const ROWS: usize = 3;
    fn pack(samples: &[f64]) -> Self {
        Self::constant(NdTensor::pack(samples))
    }
    fn unpack(&self) -> Vec<f64> {
        self.values()
    }
}

impl<N: Packed> Packed for Dual<N> {
    type Sample = Dual<N::Sample>;
    const ROWS: usize = N::ROWS;
    fn pack(samples: &[Dual<N::Sample>]) -> Self {
        let values: Vec<_> = samples.iter().map(|sample| sample.value().clone()).collect();
        let moves = samples.iter().any(|sample| sample.moving().is_some());
        let tangent = |sample: &Dual<N::Sample>| sample.moving().cloned().unwrap_or_else(|| N::Sample::still(0.0));
        let tangents: Vec<_> = samples.iter().map(tangent).collect();
        Self::from_parts(N::pack(&values), moves.then(|| N::pack(&tangents)))
    }
    fn unpack(&self) -> Vec<Dual<N::Sample>> {
        let values = self.value().unpack();
        match self.moving().map(N::unpack) {
            None => values.into_iter().map(Dual::constant).collect(),
            Some(tangents) => values.into_iter().zip(tangents).map(|(value, tangent)| Dual::new(value, tangent)).collect(),
        }
    }
}
