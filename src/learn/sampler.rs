//! Samples of a training.

use super::{Average, Source, Trainer};
use crate::{
    AverageVelocity, AverageVelocityMap, Error, FlowMap, Result, Tensor, TimeGrid,
    distribution::Distribution,
    nn::Model,
    sample::{drawn, in_parts},
};
use rand::Rng;
use std::{convert::Infallible, fmt};

/// Draws samples with the network of a [`Trainer`]; see [`Trainer::sampler`].
///
/// It starts from the states of the source at the start of its span, noise, and takes equal steps of the learned map to the end.
/// After flow matching alone, which learns a velocity and no map, these are steps of Euler's method.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}, nn::{Mlp, MlpShape}};
/// use flowmap::learn::{Independent, Settings, Trainer};
/// let pairs = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let network: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 16, 2), 1)?;
/// let mut trainer = Trainer::new(network, pairs, Settings { batch: 64, ..Settings::default() })?;
/// trainer.step()?; // and thousands more
/// let samples = trainer.sampler(0.999)?.steps(4).draw(100, 7)?;
/// assert_eq!(samples.len(), 200); // 100 rows of two coordinates
/// # Ok::<(), flowmap::Error>(())
/// ```
pub struct Sampler<'a, T: Tensor<Primal = T>, M> {
    network: &'a M,
    source: &'a dyn Source<T>,
    device: &'a T::Device,
    learned_map: bool,
    steps: usize,
    noise: Option<&'a dyn Distribution>,
}

impl<T: Tensor<Primal = T>, M> Clone for Sampler<'_, T, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Tensor<Primal = T>, M> Copy for Sampler<'_, T, M> {}

impl<T: Tensor<Primal = T>, M> fmt::Debug for Sampler<'_, T, M> {
    /// The number of steps; not the millions of weights.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl<T, M, S> Trainer<T, M, S>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    S: Source<T>,
{
    /// A sampler of the network with this moving average of its parameters, in one step unless told otherwise. A number is the
    /// decay of an exponential average.
    ///
    /// # Errors
    /// As [`average`](Self::average).
    pub fn sampler(&self, average: impl Into<Average>) -> Result<Sampler<'_, T, M>> {
        Ok(Sampler {
            network: self.average(average)?,
            source: &self.source,
            device: &self.device,
            learned_map: self.parts.objective.pairs(),
            steps: 1,
            noise: None,
        })
    }
}

impl<'a, T: Tensor<Primal = T>, M: Model<T>> Sampler<'a, T, M> {
    /// Takes this many equal steps.
    #[must_use]
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Starts from these states, such as the [noise of a class](super::Conditional::noise).
    #[must_use]
    pub fn from(self, noise: &'a dyn Distribution) -> Self {
        Self { noise: Some(noise), ..self }
    }

    /// The map whose steps it takes, for everything else that is done with flow maps: other grids,
    /// [routes](crate::sample::Route), [reports](crate::verify).
    pub fn map(&self) -> Box<dyn FlowMap<T> + 'a> {
        let network = self.network;
        if self.learned_map { Box::new(AverageVelocityMap(network)) } else { Box::new(AverageVelocityMap(Euler(network))) }
    }

    /// Draws `count` samples, row by row; a function of the seed alone, whatever the number of threads.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are no steps; [`Error::Shape`] if the states given have another dimension than the source's;
    /// [`Error::NotFinite`] if a coordinate of a sample is NaN or infinite.
    pub fn draw(&self, count: usize, seed: u64) -> Result<Vec<f64>> {
        let [start, end] = self.source.span();
        let (grid, map) = (TimeGrid::uniform([start, end], self.steps)?, self.map());
        let found = self.noise.map_or(self.source.dimension(), Distribution::dimension);
        if found != self.source.dimension() {
            let what = "the states that a sampler starts from".into();
            return Err(Error::Shape { what, expected: vec![self.source.dimension()], found: vec![found] });
        }
        let draw = |rng: &mut dyn Rng, rows: usize| match self.noise {
            Some(noise) => drawn(self.device, noise, rng, rows),
            None => self.source.draw(rng, &vec![start; rows], self.device).states,
        };
        let Ok(samples) = in_parts([count, found], seed, draw, |x: T| Ok::<_, Infallible>(grid.follow(&*map, &x)));
        if samples.iter().all(|x| x.is_finite()) {
            return Ok(samples);
        }
        Err(Error::NotFinite { what: "a sample of the network", from: start, to: end })
    }
}

/// `v_{s,s}`, whose steps are those of Euler's method.
struct Euler<'a, M>(&'a M);

impl<T: Tensor, M: AverageVelocity<T>> AverageVelocity<T> for Euler<'_, M> {
    fn average_velocity(&self, s: &T, _: &T, x: &T) -> T {
        self.0.average_velocity(s, s, x)
    }
}
