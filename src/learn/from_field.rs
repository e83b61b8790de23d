//! Learning the flow map of a given velocity field.

use super::{
    Batch, Source,
    short_map::{RungeKutta, ShortMap},
    source::probe,
};
use crate::{AverageVelocity, Error, Layout, Result, Tensor, Var, VelocityField, distribution::Distribution};
use rand::Rng;

/// A source that learns the flow map of a given velocity field, an ODE or a network. It needs no data, but states from any
/// distribution that covers the region of interest.
///
/// The objectives `lmd` and `emd` use the field itself, `pmd` and `pmd-m` a map of it that is accurate for short times: steps of
/// the classical Runge-Kutta method, or your own map. States must avoid points where the field is undefined: one NaN ends the
/// training. `lsd`, `esd`, `psd-u` and `psd-m` learn the field on the diagonal.
///
/// ```
/// use flowmap::{Cpu, distribution::Uniform, exact::Pendulum};
/// use flowmap::learn::{Distillation, FromField, Settings, Trainer};
/// use flowmap::nn::{Mlp, MlpShape};
/// let states = Uniform::new(&[[-2.0, 2.0], [-1.0, 1.0]])?;
/// let source = FromField::new(Pendulum::new(1.0)?, states, [0.0, 2.0])?;
/// let settings = Settings { objective: Distillation::LMD.into(), batch: 64, ..Settings::default() };
/// let network: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 16, 2), 1)?;
/// let mut trainer = Trainer::new(network, source, settings)?;
/// assert!(trainer.step()?.residual.is_finite());
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: N. M. Boffi, M. S. Albergo, E. Vanden-Eijnden, Flow map matching, arXiv 2406.07507.
#[derive(Clone, Debug)]
pub struct FromField<B, L, S = RungeKutta<B>> {
    field: B,
    states: L,
    short: ShortMap<S>,
    span: [f64; 2],
    name: String,
}

impl<B: Clone, L: Distribution> FromField<B, L> {
    /// Learns maps between any two times of `span`, from states of this distribution at any time. The short map covers a tenth of
    /// the span in one step.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the span is finite and ascending, and its length is a finite number.
    pub fn new(field: B, states: L, span: [f64; 2]) -> Result<Self> {
        let [start, end] = span;
        if !(start < end && (end - start).is_finite()) {
            return Err(Error::invalid("span of times", format!("from {start} to {end}; give two finite ascending times")));
        }
        let short = ShortMap::in_steps(field.clone(), (end - start) / 10.0, 1)?;
        Ok(Self { field, states, short, span, name: String::new() })
    }

    /// Sets a short map for times up to `reach`, of `steps` steps of the classical Runge-Kutta method. If it covers the whole
    /// span, `pmd` is a regression on the ends of trajectories.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `reach` is positive and finite, and `steps` from 1 to 100,000.
    pub fn with_short_map(self, reach: f64, steps: u32) -> Result<Self> {
        Ok(Self { short: ShortMap::in_steps(self.field.clone(), reach, steps)?, ..self })
    }
}

impl<B, L: Distribution, S> FromField<B, L, S> {
    /// Sets another short map for times up to `reach`, by its average velocity: a [`SolverVelocity`](super::SolverVelocity) is
    /// exact, and fast.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `reach` is positive and finite.
    pub fn with_map<R>(self, reach: f64, short: R) -> Result<FromField<B, L, R>> {
        let Self { field, states, span, name, .. } = self;
        Ok(FromField { field, states, short: ShortMap::given(short, reach)?, span, name })
    }

    /// Names this field. Checkpoints hold the name and a checksum of its values at a few states, and are rejected if either
    /// differs.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The field.
    pub fn field(&self) -> &B {
        &self.field
    }

    /// The distribution of states.
    pub fn distribution(&self) -> &L {
        &self.states
    }
}

impl<T, B, L, S> Source<T> for FromField<B, L, S>
where
    T: Tensor<Primal = T>,
    B: VelocityField<T> + VelocityField<Var<T>> + Send + Sync,
    L: Distribution,
    S: AverageVelocity<Var<T>> + Send + Sync,
{
    fn layout(&self) -> Layout {
        self.states.layout()
    }
    fn fingerprint(&self, device: &T::Device) -> String {
        let ([start, end], states) = (self.span, self.states.fingerprint());
        let values = probe::<T>(self, device);
        format!("field {} {values} from {start} to {end} at {states}, {}", self.name, self.short)
    }
    fn span(&self) -> [f64; 2] {
        self.span
    }
    fn draw(&self, rng: &mut dyn Rng, times: &[f64], device: &T::Device) -> Batch<'_, T> {
        let shape = [times.len(), self.states.dimension()];
        let mut states = vec![0.0; shape[0] * shape[1]];
        self.states.draw_rows(rng, &mut states);
        let (t, x) = (T::from_doubles_on(device, times, &shape[..1]), T::from_doubles_on(device, &states, &shape));
        Batch::new(x.clone(), move || self.field.velocity(&t, &x))
    }
    fn field(&self) -> Option<&dyn VelocityField<Var<T>>> {
        Some(&self.field)
    }
    fn short(&self) -> Option<(&dyn AverageVelocity<Var<T>>, f64)> {
        Some(self.short.known())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Pendulum;

    #[cfg(feature = "ndarray")]
    #[test]
    fn what_tells_fields_and_short_maps_apart() {
        use crate::{Num, Number, Ode, backend::ndarray::NdTensor, distribution::Checkerboard};
        /// At rest until a time, and then not.
        #[derive(Clone)]
        struct Late(f64);
        impl Ode<2> for Late {
            fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
                let late = self.0 * (t - 0.5).max(0.0);
                [&late * y, -late * x]
            }
        }
        let source = |speed| FromField::new(Late(speed).field(), Checkerboard, [0.0, 1.0]).unwrap();
        let print = |source: &dyn Source<NdTensor<f64>>| source.fingerprint(&());
        let prints = [
            print(&source(1.0)),
            print(&source(2.0)),
            print(&source(1.0).with_short_map(0.2, 1).unwrap()),
            print(&source(1.0).with_short_map(0.1, 7).unwrap()),
            print(&source(1.0).named("late")),
        ];
        for (k, found) in prints.iter().enumerate() {
            assert!(!prints[..k].contains(found), "{found} is there twice");
        }
        assert_eq!(print(&source(1.0)), prints[0]);
    }

    #[test]
    fn what_cannot_be_learned_is_refused() {
        let source = |span| FromField::new(Pendulum::new(1.0).unwrap(), crate::distribution::Checkerboard, span);
        for span in [[1.0, 1.0], [1.0, 0.0], [0.0, f64::INFINITY], [f64::NAN, 1.0], [f64::MIN, f64::MAX]] {
            assert!(source(span).is_err());
        }
        for (reach, steps) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1.0, 0), (1.0, u32::MAX)] {
            assert!(source([0.0, 1.0]).unwrap().with_short_map(reach, steps).is_err());
        }
    }
}
