//! Strategies for linear systems.

use super::{Typical, square};
use crate::exact::{ChargedParticle, DampedOscillator, Rodrigues, Shear, Turning};
use proptest::{array::uniform, prelude::*};

impl Typical<6> for ChargedParticle {}
impl Typical<2> for DampedOscillator {}
impl Typical<3> for Rodrigues {
    fn typical_times(&self) -> [f64; 2] {
        [-10.0, 10.0]
    }
}
impl Typical<3> for Shear {}
impl<const D: usize> Typical<D> for Turning<D> {}

/// [`ChargedParticle`], in electric fields up to 1 and magnetic fields up to 3, except those that are almost too weak for a
/// drift.
pub fn charged_particle() -> impl Strategy<Value = ChargedParticle> {
    let magnetic = uniform(-1.7..1.7).prop_filter("too weak", |b: &[f64; 3]| b.iter().any(|b| b.abs() > 0.1));
    (uniform(-0.5..0.5), magnetic).prop_map(|(electric, magnetic)| ChargedParticle::new(electric, magnetic).expect("not zero"))
}

/// [`DampedOscillator`], with damping rates and frequencies up to 3: below, above and, one in five, at critical damping.
pub fn damped_oscillator() -> impl Strategy<Value = DampedOscillator> {
    let any = (0.0..3.0, 0.0..3.0);
    let critical = (0.0..3.0_f64).prop_map(|rate| (rate, rate));
    let settings = prop_oneof![4 => any, 1 => critical];
    settings.prop_map(|(damping, frequency)| DampedOscillator::new(damping, frequency).expect("not negative"))
}

/// [`Turning`], with entries up to 1 of both signs in both matrices.
pub fn turning<const D: usize>() -> impl Strategy<Value = Turning<D>> {
    (square(1.0), square(1.0)).prop_map(|(turn, matrix)| Turning::new(turn, matrix).expect("finite"))
}

/// [`Rodrigues`], with angular velocities up to 1.7 about each axis.
pub fn rodrigues() -> impl Strategy<Value = Rodrigues> {
    uniform(-1.7..1.7).prop_map(|w| Rodrigues::new(w).expect("finite"))
}

/// [`Shear`], which has no parameters.
pub fn shear() -> impl Strategy<Value = Shear> {
    Just(Shear)
}
