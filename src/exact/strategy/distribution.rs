//! Strategies for probability flows.

use super::Typical;
use crate::exact::{Component, DensityMixing, DiagonalGaussian, Mixture, RankOne};
use crate::interpolant::Interpolant;
use proptest::{array::uniform, collection::vec, prelude::*};
use std::fmt::Debug;

impl Typical<1> for DensityMixing {
    fn typical_times(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}
impl<const D: usize, I: Interpolant + Clone + Debug + 'static> Typical<D> for DiagonalGaussian<D, I> {
    fn typical_times(&self) -> [f64; 2] {
        self.interpolant().span()
    }
}
impl<const D: usize, I: Interpolant + Clone + Debug + 'static> Typical<D> for RankOne<D, I> {
    /// Until shortly before the collapse.
    fn typical_times(&self) -> [f64; 2] {
        let [start, end] = self.interpolant().span();
        [start, start + 0.9 * (end - start)]
    }
}
impl<I: Interpolant + Clone + Debug + 'static> Typical<1> for Mixture<I> {
    /// Until shortly before data points, if any, are reached.
    fn typical_times(&self) -> [f64; 2] {
        let [start, end] = self.interpolant().span();
        let sharp = self.components().iter().any(|component| component.deviation == 0.0);
        [start, if sharp { start + 0.6 * (end - start) } else { end }]
    }
}

/// [`DensityMixing`], between centers up to 2.
pub fn density_mixing() -> impl Strategy<Value = DensityMixing> {
    uniform(-2.0..2.0).prop_map(|centers| DensityMixing::new(centers).expect("finite, and near"))
}

/// [`DiagonalGaussian`] along `interpolant`, with means up to 2 and deviations from 0.3 to 1.5, both correlated and with latent
/// noise.
pub fn diagonal_gaussian<const D: usize, I>(interpolant: I) -> impl Strategy<Value = DiagonalGaussian<D, I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    (correlated(interpolant), 0.0..2.0).prop_map(|(model, noise)| model.with_latent_noise(noise).expect("not negative"))
}

/// [`DiagonalGaussian`] along `interpolant`, with ends correlated from -0.9 to 0.9.
pub fn correlated<const D: usize, I>(interpolant: I) -> impl Strategy<Value = DiagonalGaussian<D, I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    (independent(interpolant), uniform(-0.9..0.9))
        .prop_map(|(model, correlation)| model.correlated(correlation).expect("below 1"))
}

/// [`DiagonalGaussian`] along `interpolant`, with latent noise of strength up to 2.
pub fn latent_noise<const D: usize, I>(interpolant: I) -> impl Strategy<Value = DiagonalGaussian<D, I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    (independent(interpolant), 0.0..2.0).prop_map(|(model, noise)| model.with_latent_noise(noise).expect("not negative"))
}

/// [`DiagonalGaussian`] between independent ends.
fn independent<const D: usize, I>(interpolant: I) -> impl Strategy<Value = DiagonalGaussian<D, I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    let distributions = (uniform(uniform(-2.0..2.0)), uniform(uniform(0.3..1.5)));
    distributions.prop_map(move |(means, deviations)| {
        DiagonalGaussian::new(interpolant.clone(), means, deviations).expect("finite, and not negative")
    })
}

/// [`RankOne`] along `interpolant`, with means and directions up to 2.
pub fn rank_one<const D: usize, I>(interpolant: I) -> impl Strategy<Value = RankOne<D, I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    let distributions = uniform(uniform(-2.0..2.0));
    distributions.prop_map(move |[mean, direction]: [_; 2]| RankOne::new(interpolant.clone(), mean, direction).expect("finite"))
}

/// [`RankOne::dirac`] along `interpolant`, at points up to 2.
pub fn dirac<const D: usize, I>(interpolant: I) -> impl Strategy<Value = RankOne<D, I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    uniform(-2.0..2.0).prop_map(move |point| RankOne::dirac(interpolant.clone(), point).expect("finite"))
}

/// [`Mixture`] along `interpolant`, of one to four components with means up to 3/2 and deviations from 0.6 to 1.2.
pub fn mixture<I>(interpolant: I) -> impl Strategy<Value = Mixture<I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    let component = (0.2..1.0, -1.5..1.5, 0.6..1.2);
    let component = component.prop_map(|(weight, mean, deviation)| Component { weight, mean, deviation });
    vec(component, 1..=4).prop_map(move |components| Mixture::new(interpolant.clone(), components).expect("positive"))
}

/// [`Mixture::empirical`] along `interpolant`, of one to five points up to 3/2.
pub fn empirical<I>(interpolant: I) -> impl Strategy<Value = Mixture<I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    vec(-1.5..1.5, 1..=5).prop_map(move |points| Mixture::empirical(interpolant.clone(), &points).expect("finite"))
}
