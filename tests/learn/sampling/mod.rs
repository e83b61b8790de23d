//! Samplers against distributions that are known in closed form.

mod look_ahead;
mod renoising;
mod routes;

use flowmap::{
    Num, Number, Tensor,
    backend::ndarray::NdTensor,
    interpolant::{Interpolant, Path, VariancePreserving},
};

type Batch = NdTensor<f64>;

/// All paths, and one whose variance explodes; the horizon is so long that no data are seen at the start.
fn paths() -> [AnyPath; 4] {
    let preserving = Path::VariancePreserving(VariancePreserving::new(12.0).unwrap());
    [Path::Linear, Path::Trigonometric, preserving]
        .map(AnyPath::Named)
        .into_iter()
        .chain([AnyPath::Exploding])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum AnyPath {
    Named(Path),
    /// `α_t = 1 - t`, `β_t = 1`.
    Exploding,
}

impl Interpolant for AnyPath {
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> {
        match self {
            Self::Named(path) => path.alpha(t),
            Self::Exploding => 1.0 - t,
        }
    }
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> {
        match self {
            Self::Named(path) => path.beta(t),
            Self::Exploding => t.constant(1.0),
        }
    }
    fn span(&self) -> [f64; 2] {
        match self {
            Self::Named(path) => path.span(),
            Self::Exploding => [0.0, 1.0],
        }
    }
}

/// The time at this share of the path.
fn at(path: &impl Interpolant, share: f64) -> f64 {
    let [start, end] = path.span();
    start + share * (end - start)
}

fn rows(values: &[f64], columns: usize) -> Batch {
    Batch::from_slice(values, &[values.len() / columns, columns])
}

/// Mean and variance.
fn moments(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    [mean, values.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)]
}

/// How many draws a normal distribution with this mean and variance is told by, within 4.5 standard errors.
#[track_caller]
fn check_moments(what: &str, values: impl Iterator<Item = f64> + Clone, mean: f64, variance: f64) {
    let n = values.clone().count() as f64;
    let [found_mean, found_variance] = moments(values);
    let errors = [(variance / n).sqrt(), variance * (2.0 / n).sqrt()];
    assert!((found_mean - mean).abs() < 4.5 * errors[0], "{what}: mean {found_mean}, expected {mean} ± {}", errors[0]);
    let off = (found_variance - variance).abs();
    assert!(off < 4.5 * errors[1], "{what}: variance {found_variance}, expected {variance} ± {}", errors[1]);
}
