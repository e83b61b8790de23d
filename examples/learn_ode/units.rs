//! Units for networks: states of size 1, and times from 0 to 1.

use crate::systems::System;
use flowmap::{
    AverageVelocityMap, Clock, Conjugation, Diffeomorphism, Num, Number, Ode, Result, Scaling, TimeChange,
    backend::ndarray::NdTensor,
    nn::{Mlp, MlpShape},
};
use std::marker::PhantomData;

pub type Batch = NdTensor<f32>;
pub type Network = Mlp<Batch>;

/// A system in a time that is 0 and 1 at the ends of its span.
#[derive(Clone, Copy)]
pub struct InUnitTime<S>(pub S);

impl<const D: usize, S: System<D>> Ode<D> for InUnitTime<S> {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let [start, end] = S::SPAN;
        let mut velocity = self.0.rhs(&(start + (end - start) * t), x);
        for v in &mut velocity {
            *v *= end - start;
        }
        velocity
    }
}

/// That clock.
#[derive(Clone, Copy)]
pub struct UnitClock([f64; 2]);

impl Clock for UnitClock {
    fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
        let [start, end] = self.0;
        (t - start) / (end - start)
    }
}

/// The coordinates of networks, in which the box is `[-1, 1]^D`. The inverse mirrors points beyond a wall of the system.
#[derive(Clone, Copy)]
pub struct Chart<S, const D: usize> {
    system: PhantomData<S>,
    units: Scaling<D>,
}

impl<S: System<D>, const D: usize> Diffeomorphism<D> for Chart<S, D> {
    fn forward<N: Number>(&self, x: &[Num<N>; D]) -> [Num<N>; D] {
        self.units.forward(x)
    }
    fn inverse<N: Number>(&self, y: &[Num<N>; D]) -> [Num<N>; D] {
        let mut x = self.units.inverse(y);
        if S::WALLS {
            for (x, [low, high]) in x.iter_mut().zip(S::BOX) {
                let above = low + (&*x - low).abs();
                *x = high - (high - above).abs();
            }
        }
        x
    }
}

/// A learned map in the times of the system.
pub type InOwnTime<'a> = TimeChange<AverageVelocityMap<&'a Network>, UnitClock>;
/// A learned map in the times and coordinates of the system.
pub type InOwnUnits<'a, S, const D: usize> = Conjugation<InOwnTime<'a>, Chart<S, D>, D>;

pub fn in_own_time<const D: usize, S: System<D>>(network: &Network) -> InOwnTime<'_> {
    TimeChange { of: AverageVelocityMap(network), clock: UnitClock(S::SPAN) }
}

pub fn in_own_units<const D: usize, S: System<D>>(network: &Network) -> Result<InOwnUnits<'_, S, D>> {
    let by = Chart { system: PhantomData, units: Scaling::of_box(S::BOX)? };
    Ok(Conjugation { of: in_own_time::<D, S>(network), by })
}

/// The network before training.
pub fn network<const D: usize, S: System<D>>(width: usize, layers: usize, seed: u64) -> Result<Network> {
    let shape = MlpShape::new(D, width, layers);
    Network::new(&if S::AUTONOMOUS { shape.autonomous() } else { shape }, seed)
}

/// One time for all rows.
pub fn time(t: f64) -> Batch {
    Batch::new(vec![t as f32], &[]).expect("one number is a scalar")
}

/// Points as rows.
pub fn rows<const D: usize>(points: &[[f64; D]]) -> Batch {
    let values = points.as_flattened().iter().map(|&x| x as f32).collect();
    Batch::new(values, &[points.len(), D]).expect("there is a row for each point")
}
