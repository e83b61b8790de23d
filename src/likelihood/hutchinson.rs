//! Trace estimates in many dimensions, from a few random directions.

use super::directions::{Directions, by_sample, estimate, quadratic_forms};
use crate::{
    Dual, Error, Result, Tensor, VelocityField,
    random::{checksum, stream},
    statistics::Estimate,
};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// The distribution of each coordinate of a random direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Probe {
    /// `±1` with equal probability: the least variance, `2 Σ_{i≠j} s_ij²` with `s` the symmetric part of `∇b`, and 0 for a
    /// field with uncoupled coordinates.
    #[default]
    Rademacher,
    /// `N(0, 1)`, with the variance `2 Σ s_ij²`.
    Normal,
}

/// Hutchinson's estimator of the trace: the mean of `z · (∇b z)` over random directions `z`, on batches in tensors.
///
/// It is unbiased, and takes one evaluation on duals for each probe, in any dimension. Each sample has its own directions. They
/// are a function of the seed, the number of the probe and the sample's position in the batch, not of time or of the samples
/// after it: the divergence is then a smooth function, as solvers and quadratures need. Samples at the same position of two
/// batches have the same directions: to average over several batches, give each its own seed, or errors do not average out.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, exact::Affine, likelihood::Hutchinson};
/// let b = Affine::new([[0.3, 0.1], [-0.2, 0.5]], [1.0, 0.0])?;
/// let x = NdTensor::<f64>::new(vec![0.0; 2 * 1000], &[1000, 2])?;
/// let t = NdTensor::new(vec![0.0], &[])?;
/// let found = Hutchinson::new(4, 7)?.estimate(&b, &t, &x);
/// let mean = found.iter().map(|sample| sample.value).sum::<f64>() / 1000.0;
/// assert!((mean - 0.8).abs() < 0.01);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: M. F. Hutchinson, A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines, 1989;
/// W. Grathwohl, R. T. Q. Chen, J. Bettencourt, I. Sutskever, D. Duvenaud, FFJORD, arXiv 1810.01367.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hutchinson {
    probes: u32,
    probe: Probe,
    seed: u64,
    by_state: bool,
}

impl Hutchinson {
    /// With `probes` [Rademacher](Probe::Rademacher) directions for each sample.
    ///
    /// # Errors
    /// [`Error::Invalid`] where `probes` is 0.
    pub fn new(probes: u32, seed: u64) -> Result<Self> {
        if probes == 0 {
            return Err(Error::invalid("probes", "there are none to average over; give at least 1, or 2 for a standard error"));
        }
        Ok(Self { probes, probe: Probe::Rademacher, seed, by_state: false })
    }

    /// With directions of another distribution.
    #[must_use]
    pub fn of(self, probe: Probe) -> Self {
        Self { probe, ..self }
    }

    /// With directions that are a function of the sample's state instead of its position in the batch.
    ///
    /// Use this for training: with the same few directions at every step, a network would learn their error, too. From a finite
    /// table of states, each row keeps its directions at the state itself, on the diagonal; samples from a distribution do not
    /// repeat. Do not use it with solvers and quadratures: the divergence is no longer smooth.
    #[must_use]
    pub fn by_state(self) -> Self {
        Self { by_state: true, ..self }
    }

    /// `tr ∇b_t(x)` for each sample, with the standard error over the probes: NaN for a single probe.
    pub fn estimate<T: Tensor, B: VelocityField<Dual<T>> + ?Sized>(&self, field: &B, t: &T, x: &T) -> Vec<Estimate> {
        let forms = quadratic_forms(field, t, x, &self.directions(x)).1;
        by_sample(&forms).iter().map(|forms| estimate::<T, Self>(forms)).collect()
    }

    /// Noise is drawn with seeds, too, often with the same one: directions drawn from the noise's own stream would be far from
    /// independent of the states.
    fn stream(&self, number: u64) -> impl Rng + use<> {
        const DIRECTIONS: u64 = 0x6469_7665_7267_656e;
        stream(self.seed ^ DIRECTIONS, number)
    }

    fn fill(&self, rng: &mut impl Rng, z: &mut [f64]) {
        for z in z {
            *z = match self.probe {
                Probe::Rademacher => f64::from(i8::from(rng.random::<bool>()) * 2 - 1),
                Probe::Normal => StandardNormal.sample(rng),
            };
        }
    }
}

impl<T: Tensor> Directions<T> for Hutchinson {
    const RANDOM: bool = true;

    fn directions(&self, x: &T) -> Vec<T> {
        let (shape, d) = (x.shape(), x.dimension().max(1));
        let states = if self.by_state { x.values() } else { Vec::new() };
        let direction = |k: u32| {
            let mut z = vec![0.0; shape.iter().product()];
            if self.by_state {
                for (z, state) in z.chunks_exact_mut(d).zip(states.chunks_exact(d)) {
                    self.fill(&mut self.stream(u64::from(checksum(state)) << 32 | u64::from(k)), z);
                }
            } else {
                self.fill(&mut self.stream(k.into()), &mut z);
            }
            T::from_doubles_on(&x.device(), &z, shape)
        };
        (0..self.probes).map(direction).collect()
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{State, backend::ndarray::NdTensor, exact::Affine};

    const MATRIX: [[f64; 3]; 3] = [[0.3, 1.0, 0.2], [-0.4, 0.5, 0.0], [0.6, 0.1, -1.0]];
    const TRACE: f64 = -0.2;

    fn batch(rows: usize) -> NdTensor<f64> {
        NdTensor::new((0..3 * rows).map(|k| (k as f64).sin()).collect(), &[rows, 3]).unwrap()
    }

    fn zero() -> NdTensor<f64> {
        NdTensor::new(vec![0.0], &[]).unwrap()
    }

    #[test]
    fn mean_and_variance_are_as_they_should() {
        let b = Affine::new(MATRIX, [0.0; 3]).unwrap();
        let symmetric = |i: usize, j: usize| 0.5 * (MATRIX[i][j] + MATRIX[j][i]);
        let squares = |with_diagonal: bool| -> f64 {
            let pairs = (0..9).map(|k| (k / 3, k % 3)).filter(|(i, j)| with_diagonal || i != j);
            2.0 * pairs.map(|(i, j)| symmetric(i, j).powi(2)).sum::<f64>()
        };
        let rows = 20_000;
        for (probe, variance) in [(Probe::Rademacher, squares(false)), (Probe::Normal, squares(true))] {
            for hutchinson in [Hutchinson::new(1, 5).unwrap(), Hutchinson::new(1, 5).unwrap().by_state()] {
                let found: Vec<f64> = hutchinson.of(probe).estimate(&b, &zero(), &batch(rows)).iter().map(|e| e.value).collect();
                let mean = Estimate::mean(&found);
                assert!((mean.value - TRACE).abs() < 4.0 * mean.standard_error, "{probe:?}: {mean:?}");
                let spread = mean.standard_error * (rows as f64).sqrt();
                assert!((spread.powi(2) / variance - 1.0).abs() < 0.05, "{probe:?}: {spread} and {variance}");
            }
        }
    }

    #[test]
    fn the_standard_error_is_honest() {
        let b = Affine::new(MATRIX, [0.0; 3]).unwrap();
        let found = Hutchinson::new(8, 3).unwrap().of(Probe::Normal).estimate(&b, &zero(), &batch(20_000));
        let mean = |f: &dyn Fn(&Estimate) -> f64| found.iter().map(f).sum::<f64>() / found.len() as f64;
        let (error, claimed) = (mean(&|e| (e.value - TRACE).powi(2)), mean(&|e| e.standard_error.powi(2)));
        assert!((error / claimed - 1.0).abs() < 0.05, "{error} and {claimed}");
        assert!(Hutchinson::new(1, 3).unwrap().estimate(&b, &zero(), &batch(1))[0].standard_error.is_nan());
    }

    #[test]
    fn directions_are_a_function_of_the_seed_and_of_the_place_or_the_state() {
        let (few, many) = (batch(2), batch(5));
        let values = |h: Hutchinson, x: &NdTensor<f64>| h.directions(x).iter().map(Tensor::to_vec).collect::<Vec<_>>();
        let base = Hutchinson::new(3, 9).unwrap();
        for hutchinson in [base, base.of(Probe::Normal), base.by_state()] {
            for (a, b) in values(hutchinson, &few).iter().zip(values(hutchinson, &many)) {
                assert_eq!(a[..], b[..6]);
            }
            assert_ne!(values(hutchinson, &many), values(Hutchinson { seed: 10, ..hutchinson }, &many));
        }
        let elsewhere = many.plus(&many);
        assert_eq!(values(base, &many), values(base, &elsewhere));
        assert_ne!(values(base.by_state(), &many), values(base.by_state(), &elsewhere));
        let signs = values(base, &many);
        assert!(signs.concat().iter().all(|z| z.abs() == 1.0) && signs[0] != signs[1]);
    }

    #[test]
    fn no_probes_are_refused() {
        assert!(matches!(Hutchinson::new(0, 1), Err(Error::Invalid { what: "probes", .. })));
    }
}
