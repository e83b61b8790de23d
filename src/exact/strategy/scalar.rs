//! Strategies for flows on the line, and for flows built on them.

use super::Typical;
use crate::exact::{
    Bernoulli, Drift, LogarithmicGrowth, MichaelisMenten, OverdampedPendulum, Pitchfork, ProtheroRobinson, QuadraticDrag,
    QuinticTube, Riccati, Separable, TimeIndependent,
};
use proptest::{array::uniform, prelude::*, sample::select};

impl Typical<1> for Bernoulli {
    fn typical_box(&self) -> [[f64; 2]; 1] {
        [[0.2, 2.0]]
    }
}
impl<const D: usize> Typical<D> for Drift<D> {}
impl Typical<1> for LogarithmicGrowth {}
impl Typical<1> for MichaelisMenten {
    fn typical_box(&self) -> [[f64; 2]; 1] {
        [[0.01, 4.0]]
    }
}
impl Typical<1> for OverdampedPendulum {
    fn typical_box(&self) -> [[f64; 2]; 1] {
        [[-10.0, 10.0]]
    }
}
impl Typical<1> for Pitchfork {}
impl Typical<1> for ProtheroRobinson {}
impl Typical<2> for QuadraticDrag {}
impl Typical<1> for QuinticTube {}
impl Typical<1> for Riccati {}
impl<const D: usize, E: TimeIndependent<D> + Typical<D>> Typical<D> for Separable<E, D> {
    fn typical_box(&self) -> [[f64; 2]; D] {
        self.inner().typical_box()
    }
}

/// [`Bernoulli`], with coefficients up to 1 of both signs and exponents from -1 to 7/2.
pub fn bernoulli() -> impl Strategy<Value = Bernoulli> {
    let exponents = select(vec![-1.0, 0.5, 2.0 / 3.0, 2.0, 2.5, 3.0, 3.5]);
    (-1.0..1.0, -1.0..1.0, exponents).prop_map(|(p, q, n)| Bernoulli::new(p, q, n).expect("finite, and not linear"))
}

/// [`Drift`], with velocities up to 2 and angular frequencies up to 3.
pub fn drift<const D: usize>() -> impl Strategy<Value = Drift<D>> {
    let parts = (uniform(-1.0..1.0), uniform(-1.0..1.0), 0.1..3.0, uniform(-3.0..3.0));
    parts.prop_map(|(mean, amplitude, frequency, phase)| Drift::new(mean, amplitude, frequency, phase).expect("positive"))
}

/// [`LogarithmicGrowth`], with rates up to 2 of both signs.
pub fn logarithmic_growth() -> impl Strategy<Value = LogarithmicGrowth> {
    (-2.0..2.0).prop_map(|rate| LogarithmicGrowth::new(rate).expect("finite"))
}

/// [`MichaelisMenten`], with limiting rates and half saturations from 1/5 to 3.
pub fn michaelis_menten() -> impl Strategy<Value = MichaelisMenten> {
    (0.2..3.0, 0.2..3.0).prop_map(|(limit, half)| MichaelisMenten::new(limit, half).expect("positive"))
}

/// [`OverdampedPendulum`], with rates up to 2 of both signs.
pub fn overdamped_pendulum() -> impl Strategy<Value = OverdampedPendulum> {
    (-2.0..2.0).prop_map(|rate| OverdampedPendulum::new(rate).expect("finite"))
}

/// [`Pitchfork`], on both sides of the bifurcation and at it, with cubic coefficients up to 2 of both signs.
pub fn pitchfork() -> impl Strategy<Value = Pitchfork> {
    let rates = prop_oneof![4 => -2.0..2.0, 1 => Just(0.0)];
    (rates, -2.0..2.0).prop_map(|(rate, cubic)| Pitchfork::new(rate, cubic).expect("finite"))
}

/// [`ProtheroRobinson`], with rates up to 3 of both signs, curves up to 2 and angular frequencies up to 3.
pub fn prothero_robinson() -> impl Strategy<Value = ProtheroRobinson> {
    let parts = (-3.0..3.0, -2.0..2.0, 0.0..3.0);
    parts.prop_map(|(rate, amplitude, frequency)| ProtheroRobinson::new(rate, amplitude, frequency).expect("finite"))
}

/// [`QuadraticDrag`], with gravities and drags from 1/5 to 2.
pub fn quadratic_drag() -> impl Strategy<Value = QuadraticDrag> {
    (0.2..2.0, 0.2..2.0).prop_map(|(gravity, drag)| QuadraticDrag::new(gravity, drag).expect("positive"))
}

/// [`QuinticTube`], around lines with slopes and offsets up to 1.
pub fn quintic_tube() -> impl Strategy<Value = QuinticTube> {
    (-1.0..1.0, -1.0..1.0).prop_map(|(slope, offset)| QuinticTube::new(slope, offset).expect("finite"))
}

/// [`Riccati`], with coefficients up to 2: with two equilibria, one or none.
pub fn riccati() -> impl Strategy<Value = Riccati> {
    let double = (-1.5..1.5, -1.5..1.5).prop_map(|(c, root): (f64, f64)| [c * root * root, -2.0 * c * root, c]);
    let coefficients = prop_oneof![4 => uniform(-2.0..2.0), 1 => double];
    coefficients.prop_map(|coefficients| Riccati::new(coefficients).expect("finite"))
}

/// [`Separable`] flows on clocks that run at rates from 1/5 to 2, forward and backward.
pub fn time_changed<const D: usize, E>(flows: impl Strategy<Value = E>) -> impl Strategy<Value = Separable<E, D>>
where
    E: TimeIndependent<D> + Typical<D>,
{
    (flows, 0.6..1.0_f64, 0.0..1.0, 0.5..3.0, -3.0..3.0, any::<bool>()).prop_map(|(flow, mean, share, frequency, phase, back)| {
        let mean = if back { -mean } else { mean };
        let clock = Drift::new([mean], [share * (mean.abs() - 0.2)], frequency, [phase]).expect("positive");
        Separable::new(flow, clock).expect("the clock never stands still")
    })
}
