//! Learning the flow map of a field that is known.

use super::{Distillation, Settings, Source, Teacher, Times, source::probe};
use crate::{AverageVelocity, Error, Number, Result, State, Tensor, Var, VelocityField, interpolant::Path, law::Law};
use rand::Rng;

/// An ODE, or a network that has learned a velocity, whose flow map is to be learned: no data, but states from any law that covers the region
/// of interest.
///
/// The objectives `lmd` and `emd` hold the field itself, `pmd` and `pmd-m` a map of it that is right for short times: steps of the classical
/// Runge-Kutta method, or a map of one's own. The law must keep away from where the field has no value: one NaN ends a training. `lsd`, `esd`, `psd-u` and `psd-m` learn the field on the diagonal.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, exact::Pendulum, law::Uniform, learn::{GivenField, Settings, Trainer}, nn::{Mlp, MlpShape}};
/// let states = Uniform::new(&[[-2.0, 2.0], [-1.0, 1.0]])?;
/// let source = GivenField::new(Pendulum::new(1.0)?, states, [0.0, 2.0])?;
/// let settings = Settings { objective: "lmd".parse()?, batch: 64, ..Settings::default() };
/// let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 16, 2), 1, &())?;
/// let mut trainer = Trainer::new(network, source, settings, ())?;
/// assert!(trainer.step()?.residual.is_finite());
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: N. M. Boffi, M. S. Albergo, E. Vanden-Eijnden, Flow map matching, arXiv 2406.07507.
#[derive(Clone, Debug)]
pub struct GivenField<B, L, S = RungeKutta<B>> {
    field: B,
    states: L,
    short: S,
    span: [f64; 2],
    reach: f64,
    /// What the short map is, in words.
    by: String,
    name: String,
}

/// Steps of the short map, unless others are asked for.
const STEPS: u32 = 1;

/// A short map in the words of a fingerprint.
pub(super) const GIVEN: &str = "by a map";
pub(super) fn in_steps(steps: u32) -> String {
    format!("in {steps} steps")
}

impl<B: Clone, L: Law> GivenField<B, L> {
    /// Maps between any two times of `span`, from states of this law at any time. The short map reaches a tenth of the span in one step.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the span is finite and ascending, and its length is a finite number.
    pub fn new(field: B, states: L, span: [f64; 2]) -> Result<Self> {
        let [start, end] = span;
        if !(start < end && (end - start).is_finite()) {
            return Err(Error::invalid("span of times", format!("from {start} to {end}; give two finite ascending times")));
        }
        let reach = (end - start) / 10.0;
        let short = RungeKutta { field: field.clone(), count: STEPS };
        Ok(Self { field, states, short, span, reach, by: in_steps(STEPS), name: String::new() })
    }

    /// With a map for times up to `reach`, of `steps` steps of the classical Runge-Kutta method. Where it reaches over the whole span, `pmd`
    /// is a regression on the ends of trajectories.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `reach` is positive and finite, and `steps` from 1 to 100,000.
    pub fn with_short_map(mut self, reach: f64, steps: u32) -> Result<Self> {
        (self.reach, self.short.count) = RungeKutta::<B>::check(reach, steps)?;
        self.by = in_steps(steps);
        Ok(self)
    }
}

impl<B, L: Law, S> GivenField<B, L, S> {
    /// With another map for times up to `reach`, by its average velocity: a [`Solved`](super::Solved) one is exact, and fast.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `reach` is positive and finite.
    pub fn with_map<R>(self, reach: f64, short: R) -> Result<GivenField<B, L, R>> {
        let (reach, _) = RungeKutta::<B>::check(reach, 1)?;
        let Self { field, states, span, name, .. } = self;
        Ok(GivenField { field, states, short, span, reach, by: GIVEN.into(), name })
    }

    /// With words that tell this field from others. Checkpoints hold them, with a checksum of its values at a few states, and refuse a run with
    /// others.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The field.
    pub fn field(&self) -> &B {
        &self.field
    }

    /// The law of states.
    pub fn law(&self) -> &L {
        &self.states
    }
}

impl<T, B, L, S> Source<T> for GivenField<B, L, S>
where
    T: Tensor<Primal = T>,
    B: VelocityField<T> + VelocityField<Var<T>> + Send + Sync,
    L: Law,
    S: AverageVelocity<Var<T>> + Send + Sync,
{
    fn dimension(&self) -> usize {
        self.states.dimension()
    }
    fn fingerprint(&self, device: &T::Device) -> String {
        let ([start, end], states) = (self.span, self.states.fingerprint());
        let times = [0.0, 0.4, 0.8].map(|share| start + share * (end - start));
        let values = probe::<T>(self, times, |rng, x| self.states.draw(rng, x), device);
        format!("field {} {values} from {start} to {end} at {states}, known for {} {}", self.name, self.reach, self.by)
    }
    fn check(&self, settings: &Settings) -> Result<()> {
        check_reach(settings, self.reach, self.span)
    }
    fn span(&self, _path: &Path) -> [f64; 2] {
        self.span
    }
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        self.states.draw(rng, x0);
        x1.copy_from_slice(x0);
    }
    fn states(&self, _path: &Path, _t: &T, x0: &T, _x1: &T) -> T {
        x0.clone()
    }
    fn velocities(&self, _path: &Path, t: &T, _x0: &T, _x1: &T, x: &T) -> T {
        self.field.velocity(t, x)
    }
    fn field(&self) -> Option<&dyn VelocityField<Var<T>>> {
        Some(&self.field)
    }
    fn short(&self) -> Option<(&dyn AverageVelocity<Var<T>>, f64)> {
        Some((&self.short, self.reach))
    }
}

/// # Errors
/// [`Error::Invalid`] if both halves of the way are those of a map that does not reach as far; or the rest of the way would be a map whose time is
/// never drawn.
pub(super) fn check_reach(settings: &Settings, reach: f64, span: [f64; 2]) -> Result<()> {
    let Settings { objective, times, .. } = settings;
    if objective.teacher() != Some(Teacher::Given) {
        return Ok(());
    }
    let longest = times.longest(span);
    let needed = match objective.distillation() {
        Some(Distillation::SemigroupMidpoint) => longest / 2.0,
        Some(Distillation::SemigroupShort) if matches!(times, Times::Grid { .. } | Times::Dyadic { .. }) => longest,
        _ => return Ok(()),
    };
    if reach >= needed {
        return Ok(());
    }
    let reason = format!("{objective} takes a given map over {needed}, and it reaches for {reach}; let it reach that far");
    Err(Error::invalid("map for short times", reason))
}

/// The average velocity of some steps of equal length of the classical Runge-Kutta method: what is added to a state, divided by the time,
/// with nothing lost where the time is short.
#[derive(Clone, Debug)]
pub struct RungeKutta<B> {
    pub(super) field: B,
    pub(super) count: u32,
}

impl<B> RungeKutta<B> {
    pub(super) fn check(reach: f64, steps: u32) -> Result<(f64, u32)> {
        // more are a slip, with which no training would come to an end
        const MOST: u32 = 100_000;
        if reach > 0.0 && reach.is_finite() && (1..=MOST).contains(&steps) {
            return Ok((reach, steps));
        }
        let reason = format!("a reach of {reach} in {steps} steps; give a positive time, and 1 to {MOST} steps");
        Err(Error::invalid("map for short times", reason))
    }
}

impl<X: State, B: VelocityField<X>> AverageVelocity<X> for RungeKutta<B> {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let step = (t.clone() - s).scale(1.0 / f64::from(self.count));
        let half = step.scale(0.5);
        let form = step.constant(0.0);
        let (mut start, mut now, mut all) = (s.clone(), x.clone(), None::<X>);
        for _ in 0..self.count {
            let (middle, end) = (start.clone() + &half, start.clone() + &step);
            let first = self.field.velocity(&start, &now);
            let second = self.field.velocity(&middle, &now.plus(&first.scaled(&half)));
            let third = self.field.velocity(&middle, &now.plus(&second.scaled(&half)));
            let fourth = self.field.velocity(&end, &now.plus(&third.scaled(&step)));
            let inner = second.plus(&third).scaled(&form.constant(2.0));
            let velocity = first.plus(&inner).plus(&fourth).scaled(&form.constant(1.0 / 6.0));
            now = now.plus(&velocity.scaled(&step));
            start = end;
            all = Some(all.map_or(velocity.clone(), |all| all.plus(&velocity)));
        }
        all.expect("there is a step").scaled(&form.constant(1.0 / f64::from(self.count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::Pendulum};

    #[test]
    fn the_short_map_is_of_fourth_order() {
        let pendulum = Pendulum::new(1.0).unwrap();
        let x = [1.2, 0.3];
        let error = |count| {
            let v: [f64; 2] = RungeKutta { field: &pendulum, count }.average_velocity(&0.0, &1.0, &x);
            x.plus(&v).minus(&pendulum.flow(&0.0, &1.0, &x)).norm()
        };
        let order = (error(4) / error(8)).log2();
        assert!((order - 4.0).abs() < 0.3, "order {order}");
        let still: [f64; 2] = RungeKutta { field: &pendulum, count: 3 }.average_velocity(&0.5, &0.5, &x);
        assert!(still.minus(&pendulum.velocity(&0.5, &x)).norm() < 1e-15);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn what_tells_fields_and_short_maps_apart() {
        use crate::{Number, Ode, Pointwise, backend::ndarray::NdTensor, law::Checkerboard};
        /// At rest until a time, and then not.
        #[derive(Clone)]
        struct Late(f64);
        impl Ode<2> for Late {
            fn rhs<N: Number>(&self, t: &N, [x, y]: &[N; 2]) -> [N; 2] {
                let late = t.shift(-0.5).max(&t.constant(0.0)).scale(self.0);
                [late.clone() * y, -late * x]
            }
        }
        let source = |speed| GivenField::new(Pointwise::<_, 2>(Late(speed)), Checkerboard, [0.0, 1.0]).unwrap();
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
        let source = |span| GivenField::new(Pendulum::new(1.0).unwrap(), crate::law::Checkerboard, span);
        for span in [[1.0, 1.0], [1.0, 0.0], [0.0, f64::INFINITY], [f64::NAN, 1.0], [f64::MIN, f64::MAX]] {
            assert!(source(span).is_err());
        }
        for (reach, steps) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1.0, 0), (1.0, u32::MAX)] {
            assert!(source([0.0, 1.0]).unwrap().with_short_map(reach, steps).is_err());
        }
    }
}
