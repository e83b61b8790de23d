//! Distillation: learning the flow map of a teacher's velocity.

use super::{
    Batch, Source,
    short_map::{RungeKutta, ShortMap},
    source::probe,
};
use crate::{AverageVelocity, AverageVelocityMap, Dual, Layout, Result, Tensor, Var, VelocityField, nn::Model};
use rand::Rng;
use std::marker::PhantomData;

/// A source that learns the flow map of a velocity learned before, at the states of another source, such as points between noise
/// and data: distillation of a flow matching model. A teacher that has learned [guidance](super::Guidance) is followed at the
/// scales that the other source draws.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}, nn::{Mlp, MlpShape}};
/// use flowmap::learn::{Distillation, FromTeacher, Independent, Settings, TeacherNetwork, Trainer};
/// let coupling = || Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
/// let shape = MlpShape::new(2, 16, 2);
/// let settings = |objective: Distillation| Settings { objective: objective.into(), batch: 64, ..Settings::default() };
///
/// let network = Mlp::<Cpu>::new(&shape, 1)?;
/// let mut matching = Trainer::new(network, coupling(), settings(Distillation::FLOW_MATCHING))?;
/// matching.step()?; // and many more
/// let teacher = TeacherNetwork::new(matching.model().clone());
/// let source = FromTeacher::new(teacher, coupling());
/// let mut distilling = Trainer::new(matching.model().clone(), source, settings(Distillation::LMD))?;
/// assert!(distilling.step()?.residual.is_finite());
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: N. M. Boffi, M. S. Albergo, E. Vanden-Eijnden, Flow map matching, arXiv 2406.07507, section 3.
#[derive(Clone, Debug)]
pub struct FromTeacher<B, C, S = RungeKutta<B>> {
    teacher: B,
    short: ShortMap<S>,
    states: C,
    name: String,
}

impl<B: Clone, C> FromTeacher<B, C> {
    /// From a teacher, and a source of states. The short map of `pmd` is one step of the classical Runge-Kutta method over a tenth
    /// of a unit of time.
    pub fn new(teacher: B, states: C) -> Self {
        let short = ShortMap::in_steps(teacher.clone(), 0.1, 1).expect("a reach and a number of steps that are allowed");
        Self { teacher, short, states, name: String::new() }
    }

    /// Sets a short map for times up to `reach`, of `steps` steps of the classical Runge-Kutta method.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless `reach` is positive and finite, and `steps` from 1 to 100,000.
    pub fn with_short_map(self, reach: f64, steps: u32) -> Result<Self> {
        Ok(Self { short: ShortMap::in_steps(self.teacher.clone(), reach, steps)?, ..self })
    }
}

impl<B, C, S> FromTeacher<B, C, S> {
    /// Sets another short map for times up to `reach`, by its average velocity: a [`TeacherNetwork`] that has learned maps half
    /// as long makes `pmd-m` a round of progressive distillation.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless `reach` is positive and finite.
    pub fn with_map<R>(self, reach: f64, short: R) -> Result<FromTeacher<B, C, R>> {
        let Self { teacher, states, name, .. } = self;
        Ok(FromTeacher { teacher, short: ShortMap::given(short, reach)?, states, name })
    }

    /// Names this teacher. Checkpoints hold the name and a checksum of its values at a few states, and are rejected if either
    /// differs.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }
}

impl<T, B, C, S> Source<T> for FromTeacher<B, C, S>
where
    T: Tensor<Primal = T>,
    B: VelocityField<T> + VelocityField<Var<T>> + Send + Sync,
    C: Source<T>,
    S: AverageVelocity<Var<T>> + Send + Sync,
{
    fn layout(&self) -> Layout {
        self.states.layout()
    }
    fn span(&self) -> [f64; 2] {
        self.states.span()
    }
    fn fingerprint(&self, device: &T::Device) -> String {
        let values = probe::<T>(self, device);
        format!("teacher {} {values} on {}, {}", self.name, self.states.fingerprint(device), self.short)
    }
    fn draw(&self, rng: &mut dyn Rng, times: &[f64], device: &T::Device) -> Batch<'_, T> {
        let x = self.states.draw(rng, times, device).states;
        let t = T::from_doubles_on(device, times, &[times.len()]);
        Batch::new(x.clone(), move || self.teacher.velocity(&t, &x))
    }
    fn field(&self) -> Option<&dyn VelocityField<Var<T>>> {
        Some(&self.teacher)
    }
    fn short(&self) -> Option<(&dyn AverageVelocity<Var<T>>, f64)> {
        Some(self.short.known())
    }
}

/// A network with fixed parameters, used as a given field (its velocity `v_{t,t}`) or as a given map.
#[derive(Clone, Debug)]
pub struct TeacherNetwork<T, M> {
    network: M,
    tensors: PhantomData<fn() -> T>,
}

impl<T: Tensor<Primal = T>, M: Model<T>> TeacherNetwork<T, M> {
    /// Fixes this network.
    pub fn new(network: M) -> Self {
        Self { network, tensors: PhantomData }
    }
}

impl<T: Tensor<Primal = T>, M: Model<T>> VelocityField<T> for TeacherNetwork<T, M> {
    fn velocity(&self, t: &T, x: &T) -> T {
        AverageVelocityMap(&self.network).velocity(t, x)
    }
    fn jvp(&self, t: &T, x: &T, v: &T) -> T {
        crate::field::slope(self, t, x, v)
    }
}

impl<T: Tensor<Primal = T>, M: Model<T>> VelocityField<Var<T>> for TeacherNetwork<T, M> {
    fn velocity(&self, t: &Var<T>, x: &Var<T>) -> Var<T> {
        AverageVelocityMap(&self.network.off_tape()).velocity(t, x)
    }
}

impl<T: Tensor<Primal = T>, M: Model<T>> AverageVelocity<Var<T>> for TeacherNetwork<T, M> {
    fn average_velocity(&self, s: &Var<T>, t: &Var<T>, x: &Var<T>) -> Var<T> {
        self.network.off_tape().average_velocity(s, t, x)
    }
}

impl<T: Tensor<Primal = T>, M: Model<T>> VelocityField<Dual<T>> for TeacherNetwork<T, M> {
    fn velocity(&self, t: &Dual<T>, x: &Dual<T>) -> Dual<T> {
        AverageVelocityMap(&self.network).velocity(t, x)
    }
}

impl<T: Tensor<Primal = T>, M: Model<T>> VelocityField<Dual<Var<T>>> for TeacherNetwork<T, M> {
    fn velocity(&self, t: &Dual<Var<T>>, x: &Dual<Var<T>>) -> Dual<Var<T>> {
        AverageVelocityMap(&self.network.off_tape()).velocity(t, x)
    }
}
