//! What a flow map is learned from.

use super::{Coupling, Guidance, Settings, Teacher};
use crate::{
    AverageVelocity, Error, Result, Tensor, Value, Var, VelocityField,
    interpolant::{Interpolant, Path},
    random::stream,
};
use rand::Rng;

/// States at given times, a velocity at each, and what else is known of the ODE: what a [`Trainer`](super::Trainer) learns from.
///
/// Every [`Coupling`] is a source: its states are points of the interpolant between noise and data, and their velocities those of
/// the sample, `I'_t`. A [`FromField`](super::FromField) is one: its states come from any distribution, and their velocities are
/// those of the field.
pub trait Source<T: Tensor<Primal = T>>: Send + Sync {
    /// The number of coordinates of a state.
    fn dimension(&self) -> usize;

    /// What tells this source from others: checkpoints hold it, and refuse another.
    fn fingerprint(&self, device: &T::Device) -> String;

    /// Whether one can learn from it with these settings: [`Trainer::new`](super::Trainer::new) asks.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not, with the remedy.
    fn check(&self, settings: &Settings) -> Result<()>;

    /// The times between which there is something to learn.
    fn span(&self, path: &Path) -> [f64; 2];

    /// Draws what [`states`](Self::states) makes a state of: two rows of as many numbers as a state has coordinates.
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]);

    /// Brings rows that were drawn one by one into the pairs that states are made of; see [`Coupling::arrange`].
    fn arrange(&self, _x0: &mut [f64], _x1: &mut [f64]) {}

    /// The states at times `t` of what was drawn: rows of shape `[batch, dimension]`.
    fn states(&self, path: &Path, t: &T, x0: &T, x1: &T) -> T;

    /// The velocities at these states `x`: those of the samples, or of the field.
    fn velocities(&self, path: &Path, t: &T, x0: &T, x1: &T, x: &T) -> T;

    /// The velocity field, where it is given.
    fn field(&self) -> Option<&dyn VelocityField<Var<T>>> {
        None
    }

    /// A map that is right for short times, by its average velocity, and the longest such time, where one is given.
    fn short(&self) -> Option<(&dyn AverageVelocity<Var<T>>, f64)> {
        None
    }

    /// Where states say by what scale their classes are exaggerated, if they do.
    fn guidance(&self) -> Option<Guidance> {
        None
    }
}

/// A checksum of a field and of a map for short times by their values at three times and a few states that `draw` gives: it tells
/// other parameters and other weights. Three digits of each, so that it does not depend on who computes.
pub(super) fn probe<T: Tensor<Primal = T>>(
    source: &impl Source<T>,
    times: [f64; 3],
    mut draw: impl FnMut(&mut dyn Rng, &mut [f64]),
    device: &T::Device,
) -> String {
    const STATES: usize = 8;
    let d = source.dimension();
    let mut rows = vec![0.0; STATES * d];
    let mut rng = stream(0, 0);
    rows.chunks_exact_mut(d).for_each(|row| draw(&mut rng, row));
    let tensor = |values: &[f64], shape: &[usize]| Var::constant(T::from_doubles(device, values, shape));
    let x = tensor(&rows, &[STATES, d]);
    let values = times.into_iter().flat_map(|time| {
        let s = tensor(&[time], &[]);
        let field = source.field().map(|field| field.velocity(&s, &x).values());
        let short = source.short().map(|(map, reach)| map.average_velocity(&s, &tensor(&[time + reach], &[]), &x).values());
        field.into_iter().chain(short).flatten()
    });
    let text: String = values.map(|v| format!("{v:.2e} ")).collect();
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

impl<T: Tensor<Primal = T>, C: Coupling> Source<T> for C {
    fn dimension(&self) -> usize {
        Coupling::dimension(self)
    }
    fn fingerprint(&self, _device: &T::Device) -> String {
        Coupling::fingerprint(self)
    }
    fn check(&self, settings: &Settings) -> Result<()> {
        self.check_path(&settings.path)?;
        if settings.objective.teacher() == Some(Teacher::Given) {
            let reason =
                format!("{} needs a field that is given, and here are data alone; take lsd, or a FromField", settings.objective);
            return Err(Error::invalid("objective", reason));
        }
        Ok(())
    }
    fn span(&self, path: &Path) -> [f64; 2] {
        path.span()
    }
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        Coupling::draw(self, rng, x0, x1);
    }
    fn arrange(&self, x0: &mut [f64], x1: &mut [f64]) {
        Coupling::arrange(self, x0, x1);
    }
    fn states(&self, path: &Path, t: &T, x0: &T, x1: &T) -> T {
        path.point(t, x0, x1)
    }
    fn velocities(&self, path: &Path, t: &T, x0: &T, x1: &T, _x: &T) -> T {
        path.velocity(t, x0, x1)
    }
    fn guidance(&self) -> Option<Guidance> {
        Coupling::guidance(self)
    }
}
