//! Sources of training samples.

use super::{Coupling, Interpolated};
use crate::{AverageVelocity, Layout, Tensor, Value, Var, VelocityField, interpolant::Linear, random::stream};
use rand::Rng;
use std::fmt;

/// A source of training samples for a [`Trainer`](super::Trainer): states at given times, their velocities, and what else is
/// known of the ODE.
///
/// A [`Coupling`] is a source: its states are points of the straight line from noise to data, with the velocities of the
/// sample, `I'_t`. [`Coupling::along`] takes another [interpolant](crate::interpolant). A [`FromField`](super::FromField) is one:
/// its states come from any distribution, with the velocities of the field.
///
/// ```
/// use flowmap::{Layout, Tensor, learn::{Batch, Source}, rand::{Rng, RngExt}};
/// /// `x' = 1` from anywhere in `[0, 1]`.
/// struct Drift;
/// impl<T: Tensor<Primal = T>> Source<T> for Drift {
///     fn layout(&self) -> Layout {
///         1.into()
///     }
///     fn span(&self) -> [f64; 2] {
///         [0.0, 1.0]
///     }
///     fn fingerprint(&self, _device: &T::Device) -> String {
///         "drift".into()
///     }
///     fn draw(&self, rng: &mut dyn Rng, times: &[f64], device: &T::Device) -> Batch<'_, T> {
///         let states: Vec<f64> = times.iter().map(|t| rng.random::<f64>() + t).collect();
///         let states = T::from_doubles_on(device, &states, &[times.len(), 1]);
///         Batch::new(states.clone(), move || states.constant(1.0))
///     }
/// }
/// ```
pub trait Source<T: Tensor<Primal = T>>: Send + Sync {
    /// What the coordinates of a state are. With a scale of guidance among them, [guided](super::Guidance) velocities are learned.
    fn layout(&self) -> Layout;

    /// The number of coordinates of a state.
    fn dimension(&self) -> usize {
        self.layout().dimension()
    }

    /// The span of times to learn.
    fn span(&self) -> [f64; 2];

    /// Identifies this source; a checkpoint of another one is rejected.
    fn fingerprint(&self, device: &T::Device) -> String;

    /// Draws a state for each of these times. States at the start of the [span](Self::span) are what samplers start from.
    fn draw(&self, rng: &mut dyn Rng, times: &[f64], device: &T::Device) -> Batch<'_, T>;

    /// The velocity field, if given.
    fn field(&self) -> Option<&dyn VelocityField<Var<T>>> {
        None
    }

    /// A map that is accurate for short times, by its average velocity, and the longest such time, if given.
    fn short(&self) -> Option<(&dyn AverageVelocity<Var<T>>, f64)> {
        None
    }
}

/// States that a [`Source`] has drawn, of shape `[batch, dimension]`, and their velocities, which are evaluated when needed.
pub struct Batch<'a, T> {
    /// The states.
    pub states: T,
    velocities: Box<dyn FnOnce() -> T + 'a>,
}

impl<'a, T> Batch<'a, T> {
    /// From states and a function that evaluates their velocities.
    pub fn new(states: T, velocities: impl FnOnce() -> T + 'a) -> Self {
        Self { states, velocities: Box::new(velocities) }
    }

    /// The velocities at the states: those of the samples, or of the field.
    #[must_use]
    pub fn velocities(self) -> T {
        (self.velocities)()
    }
}

impl<T: fmt::Debug> fmt::Debug for Batch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("states", &self.states).finish_non_exhaustive()
    }
}

/// A checksum of the values of a field and a short map at a few states at three times, so that other parameters and weights are
/// noticed. Values are rounded to three digits, so that it does not depend on the machine.
pub(super) fn probe<T: Tensor<Primal = T>>(source: &impl Source<T>, device: &T::Device) -> String {
    const STATES: usize = 8;
    // inside the span, since some fields are singular at its ends
    const SHARES: [f64; 3] = [0.01, 0.4, 0.8];
    let [start, end] = source.span();
    let mut rng = stream(0, 0);
    let values = SHARES.into_iter().flat_map(|share| {
        let time = start + share * (end - start);
        let x = Var::constant(source.draw(&mut rng, &[time; STATES], device).states);
        let tensor = |time| Var::constant(T::from_doubles_on(device, &[time], &[]));
        let s = tensor(time);
        let field = source.field().map(|field| field.velocity(&s, &x).values());
        let short = source.short().map(|(map, reach)| map.average_velocity(&s, &tensor(time + reach), &x).values());
        field.into_iter().chain(short).flatten()
    });
    let text: String = values.map(|v| format!("{v:.2e} ")).collect();
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

/// A coupling along the straight line.
impl<T: Tensor<Primal = T>, C: Coupling> Source<T> for C {
    fn layout(&self) -> Layout {
        Coupling::layout(self)
    }
    fn span(&self) -> [f64; 2] {
        Source::<T>::span(&Interpolated::new(self, Linear))
    }
    fn fingerprint(&self, device: &T::Device) -> String {
        Source::<T>::fingerprint(&Interpolated::new(self, Linear), device)
    }
    fn draw(&self, rng: &mut dyn Rng, times: &[f64], device: &T::Device) -> Batch<'_, T> {
        super::interpolated::draw(self, &Linear, rng, times, device)
    }
}
