//! Sources of training samples.

use super::{Coupling, Guidance, Settings, Teacher};
use crate::{
    AverageVelocity, Error, Result, Tensor, Value, Var, VelocityField,
    interpolant::{Interpolant, Path},
    random::stream,
};
use rand::Rng;

/// A source of training samples for a [`Trainer`](super::Trainer): states at given times, their velocities, and what else is
/// known of the ODE.
///
/// Every [`Coupling`] is a source: its states are points of the interpolant between noise and data, with the velocities of the
/// sample, `I'_t`. A [`FromField`](super::FromField) is one: its states come from any distribution, with the velocities of the
/// field.
pub trait Source<T: Tensor<Primal = T>>: Send + Sync {
    /// The number of coordinates of a state.
    fn dimension(&self) -> usize;

    /// Identifies this source; a checkpoint of another one is rejected.
    fn fingerprint(&self, device: &T::Device) -> String;

    /// Checks that it can be learned from with these settings; called by [`Trainer::new`](super::Trainer::new).
    ///
    /// # Errors
    /// [`Error::Invalid`] if not, with the remedy.
    fn check(&self, settings: &Settings) -> Result<()>;

    /// The span of times to learn.
    fn span(&self, path: &Path) -> [f64; 2];

    /// Draws the inputs of [`states`](Self::states): two rows of as many numbers as a state has coordinates.
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]);

    /// Rearranges rows, drawn one by one, into the pairs that states are made of; see [`Coupling::arrange`].
    fn arrange(&self, _x0: &mut [f64], _x1: &mut [f64]) {}

    /// The states at times `t` from the rows drawn: shape `[batch, dimension]`.
    fn states(&self, path: &Path, t: &T, x0: &T, x1: &T) -> T;

    /// The velocities at these states `x`: those of the samples, or of the field.
    fn velocities(&self, path: &Path, t: &T, x0: &T, x1: &T, x: &T) -> T;

    /// The velocity field, if given.
    fn field(&self) -> Option<&dyn VelocityField<Var<T>>> {
        None
    }

    /// A map that is accurate for short times, by its average velocity, and the longest such time, if given.
    fn short(&self) -> Option<(&dyn AverageVelocity<Var<T>>, f64)> {
        None
    }

    /// The columns of classes and guidance scale, if states have them.
    fn guidance(&self) -> Option<Guidance> {
        None
    }
}

/// A checksum of the values of a field and a short map at three times and a few states from `draw`, so that other parameters and
/// weights are noticed. Values are rounded to three digits, so that it does not depend on the machine.
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
                format!("{} needs a given field, but the source has only data; use lsd, or a FromField", settings.objective);
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
