//! The trainer: one step of training at a time.

use super::{Context, Settings, Source, Teacher, Weighting};
use crate::{
    AverageVelocity, AverageVelocityMap, Error, Number, Result, State, Tape, Tensor, Value, Var, VelocityField,
    nn::{Model, Module, normalized},
    random::stream,
};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The remedy for a loss that is not finite.
pub(super) const REMEDY: &str = "start again with a lower learning rate or gradient clip";

/// Trains an average velocity `v_{s,t}`: on the diagonal with the velocities of a [`Source`], off it with an
/// [`Objective`](super::Objective).
///
/// One [`step`](Trainer::step) draws a batch, takes the loss `mean(e^-w |r|² + w)` over diagonal and off-diagonal samples, with
/// the network's own [weight](AverageVelocity::log_loss) added to that of the settings if it learns one, clips its gradient, and
/// updates the parameters and their moving averages. The randomness of step `k` is a function of the seed and of `k`, so a
/// trainer restored from a [checkpoint](super::Checkpoint) continues as if it had never stopped.
///
/// Source: arXiv 2505.18825, algorithm 1 and appendix on experiments.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, distribution::{Checkerboard, Normal}, learn::{Independent, Settings, Trainer}};
/// use flowmap::nn::{Mlp, MlpShape};
/// let mlp: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 16, 2), 1, &())?;
/// let coupling = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let mut trainer = Trainer::new(mlp, coupling, Settings { batch: 64, ..Settings::default() }, ())?;
/// let progress = trainer.step()?;
/// assert!(progress.loss.is_finite());
/// # Ok::<(), flowmap::Error>(())
/// ```
pub struct Trainer<T: Tensor, M, C> {
    pub(super) model: M,
    pub(super) moments: Vec<[T; 2]>,
    pub(super) averages: Vec<M>,
    pub(super) settings: Settings,
    pub(super) step: u64,
    pub(super) description: serde_json::Value,
    pub(super) device: T::Device,
    pub(super) source: C,
}

impl<T: Tensor, M, C> fmt::Debug for Trainer<T, M, C> {
    /// Steps and settings; not the millions of weights.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer").field("step", &self.step).field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The metrics of one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps taken, this one included.
    pub step: u64,
    /// The weighted loss.
    pub loss: f64,
    /// The mean squared error of `v_{t,t}` on the diagonal, unweighted. Against the velocities of samples it does not go to 0:
    /// the minimum is the variance of `I'_t` given `I_t`. NaN without a diagonal.
    pub diagonal: f64,
    /// The mean squared residual off the diagonal, unweighted; NaN where there is none.
    pub residual: f64,
    /// The norm of the gradient before clipping.
    pub gradient: f64,
    /// The learning rate.
    pub learning_rate: f64,
}

impl<T, M, C> Trainer<T, M, C>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    C: Source<T>,
{
    /// A trainer at step 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting is not allowed, or not with this source.
    pub fn new(model: M, source: C, settings: Settings, device: T::Device) -> Result<Self> {
        settings.check()?;
        source.check(&settings)?;
        if let Some((_, reach)) = source.short().filter(|(_, reach)| reach.is_nan() || *reach <= 0.0) {
            return Err(Error::invalid("map for short times", format!("its reach is {reach}; that must be positive")));
        }
        let mut moments = Vec::new();
        model.visit(&mut |_, p| moments.push([p.constant(0.0), p.constant(0.0)]));
        let averages = settings.averages.iter().map(|_| model.clone()).collect();
        Ok(Self { model, moments, averages, settings, step: 0, description: serde_json::Value::Null, device, source })
    }

    /// Steps taken so far.
    pub fn steps_taken(&self) -> u64 {
        self.step
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The network with its current parameters.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The network with the moving average of its parameters of this decay.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not among the [settings](Settings::averages).
    pub fn average(&self, decay: f64) -> Result<&M> {
        let all = &self.settings.averages;
        let position = all.iter().position(|&d| d == decay).ok_or_else(|| {
            let reason = format!("there is none of decay {decay}; those in the settings are {all:?}");
            Error::invalid("moving average", reason)
        })?;
        Ok(&self.averages[position])
    }

    /// Takes one step.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss or its gradient is not finite; the trainer is then as it was before the step.
    pub fn step(&mut self) -> Result<Progress> {
        let batch = self.draw();
        let (progress, gradients) = self.gradients(&batch)?;
        self.update(&gradients, &progress);
        self.step += 1;
        Ok(progress)
    }

    /// The random numbers of this step, as tensors.
    fn draw(&self) -> Batch<T> {
        let (n, d) = (self.settings.batch, self.source.dimension());
        let Settings { times, curriculum, path, .. } = &self.settings;
        let span = self.source.span(path);
        let factor = curriculum.map_or(1.0, |curriculum| curriculum.factor(self.step));
        let mut rng = stream(self.settings.seed, self.step);
        let mut host = [vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n * d], vec![0.0; n * d]];
        let [s, t, gamma, x0, x1] = &mut host;
        let diagonal = self.settings.diagonal_samples();
        for i in 0..n {
            [s[i], t[i]] = if i < diagonal {
                let time = times.single(span, &mut rng);
                // consume as much randomness as uniform times off the diagonal, so that later draws do not depend on its share
                rng.next_u64();
                [time; 2]
            } else {
                times.pair(span, factor, &mut rng)
            };
            gamma[i] = rng.random();
            self.source.draw(&mut rng, &mut x0[i * d..(i + 1) * d], &mut x1[i * d..(i + 1) * d]);
        }
        self.source.arrange(x0, x1);
        let tensor = |values: &[f64], width: Option<usize>| {
            let shape: Vec<_> = [values.len() / width.unwrap_or(1)].into_iter().chain(width).collect();
            T::from_doubles(&self.device, values, &shape)
        };
        let rows = |from: usize, to: usize| Rows {
            s: tensor(&s[from..to], None),
            t: tensor(&t[from..to], None),
            gamma: tensor(&gamma[from..to], None),
            x0: tensor(&x0[from * d..to * d], Some(d)),
            x1: tensor(&x1[from * d..to * d], Some(d)),
        };
        let dropout = rng.next_u64();
        Batch { diagonal: (diagonal > 0).then(|| rows(0, diagonal)), off: (diagonal < n).then(|| rows(diagonal, n)), dropout }
    }

    /// The loss and its gradient with respect to every parameter.
    fn gradients(&self, batch: &Batch<T>) -> Result<(Progress, Vec<Option<T>>)> {
        let tape = Tape::new();
        let (mut live, fixed) = (self.model.on_tape(&tape), self.model.off_tape());
        let path = &self.settings.path;

        let diagonal = batch.diagonal.as_ref().map(|Rows { t, x0, x1, .. }| {
            let x = self.source.states(path, t, x0, x1);
            let target = self.guided(self.source.velocities(path, t, x0, x1, &x), t, &x);
            let (t, x) = (Var::constant(t.clone()), Var::constant(x));
            let mut seeds = stream(batch.dropout, 0);
            live.drop_out(&mut || Some(seeds.next_u64()));
            let residual = AverageVelocityMap(&live).velocity(&t, &x).minus(&Var::constant(target));
            live.drop_out(&mut || None);
            self.loss(&residual, live.log_loss(&t, &t, &x))
        });

        let off = batch.off.as_ref().and_then(|Rows { s, t, gamma, x0, x1 }| {
            let x = self.source.states(path, s, x0, x1);
            // guidance corrects the velocity of the sample here as on the diagonal
            let taught_by_sample = self.settings.objective.teacher() == Some(Teacher::Conditional);
            let velocity =
                taught_by_sample.then(|| self.guided(self.source.velocities(path, s, x0, x1, &x), s, &x)).map(Var::constant);
            let [s, t, gamma, x] = [s, t, gamma, &x].map(|v| Var::constant(v.clone()));
            let (short, reach) = self.source.short().unzip();
            let field = self.source.field();
            let known = Context { field, short, reach: reach.unwrap_or(0.0), velocity };
            let residual = self.settings.objective.residual(&live, &fixed, &known, &s, &t, &gamma, &x)?;
            Some(self.loss(&residual, live.log_loss(&s, &t, &x)))
        });

        let parts = diagonal.iter().chain(&off).map(|part| part.weighted.clone());
        let total = parts.reduce(|sum, part| sum + &part).expect("settings leave no batch without samples");
        let loss = total.scale(1.0 / self.settings.batch as f64).shift(self.settings.weight);
        let mean = |loss: &Option<Loss<T>>| loss.as_ref().map_or(f64::NAN, |loss| loss.squares / loss.samples);
        let progress = Progress {
            step: self.step + 1,
            loss: loss.values()[0],
            diagonal: mean(&diagonal),
            residual: mean(&off),
            gradient: f64::NAN,
            learning_rate: self.settings.learning_rate * self.settings.schedule.factor(self.step),
        };
        self.finite("loss", progress.loss)?;

        let mut all = tape.gradients(&loss);
        let mut gradients = Vec::new();
        live.visit(&mut |_, p| gradients.push(all.take(p)));
        let squares = gradients.iter().flatten().map(|g| squared_norm(g));
        let gradient = squares.sum::<f64>().sqrt();
        self.finite("gradient", gradient)?;
        Ok((Progress { gradient, ..progress }, gradients))
    }

    /// The velocity of samples with the correction of guidance, if there is guidance.
    fn guided(&self, velocity: T, t: &T, x: &T) -> T {
        match self.source.guidance() {
            Some(guidance) => velocity.plus(&guidance.correction(&self.model, t, x)),
            None => velocity,
        }
    }

    /// `Σ e^-w |r|² + w`, without the constant weight.
    fn loss(&self, residual: &Var<T>, log_loss: Option<Var<T>>) -> Loss<T> {
        let constant = (-self.settings.weight).exp();
        let samples = residual.shape()[0] as f64;
        if log_loss.is_none() && self.settings.weighting == Weighting::Equal {
            let sum = square(residual);
            return Loss { samples, squares: sum.values()[0], weighted: sum.scale(constant) };
        }
        let each = residual.dot(residual);
        let squares = each.values();
        let factors: Vec<_> = squares.iter().map(|&square| self.settings.weighting.factor(square)).collect();
        let weighed = each * Var::constant(T::from_doubles(&self.device, &factors, &[factors.len()]));
        let weighted = match log_loss {
            None => weighed.scale(constant),
            Some(w) => (weighed * (-w.clone()).exp()).scale(constant) + &w,
        };
        Loss { samples, squares: squares.iter().sum(), weighted: weighted.sum(0..1) }
    }

    fn update(&mut self, gradients: &[Option<T>], progress: &Progress) {
        let clip = (self.settings.clip / progress.gradient).min(1.0);
        let step = self.settings.optimizer.step(self.step, progress.learning_rate, clip);
        let mut parts = self.moments.iter_mut().zip(gradients);
        self.model.visit_mut(&mut |_, p| {
            let (moments, gradient) = parts.next().expect("moments and gradients were made from the same parameters");
            let zero = gradient.is_none().then(|| p.constant(0.0));
            p.adam(moments, gradient.as_ref().or(zero.as_ref()).expect("one of the two"), step);
        });
        self.model.visit_directions(&mut |p| *p = normalized(p));
        let mut parameters = Vec::new();
        self.model.visit(&mut |_, p| parameters.push(p.clone()));
        for (average, decay) in self.averages.iter_mut().zip(&self.settings.averages) {
            let mut parameters = parameters.iter();
            average.visit_mut(&mut |_, a| {
                let p = parameters.next().expect("an average has the model's parameters");
                // taken out first, so that its memory can be reused
                *a = std::mem::replace(a, p.clone()).lerp(p, 1.0 - decay);
            });
        }
    }

    fn finite(&self, quantity: &'static str, value: f64) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        let what = format!("{quantity} of {}", self.settings.objective);
        let remedy = format!("the trainer is as it was before this step; {REMEDY}");
        Err(Error::Diverged { step: self.step + 1, what, value, remedy })
    }
}

/// The loss of some samples.
struct Loss<T> {
    /// Their number.
    samples: f64,
    /// `Σ |r|²`.
    squares: f64,
    /// The quantity to minimize.
    weighted: Var<T>,
}

/// The samples of one step.
struct Batch<T> {
    diagonal: Option<Rows<T>>,
    off: Option<Rows<T>>,
    /// The seed of dropout.
    dropout: u64,
}

/// The samples on the diagonal, or off it.
struct Rows<T> {
    s: T,
    t: T,
    gamma: T,
    x0: T,
    x1: T,
}

/// The sum of squares over all samples and coordinates.
fn square<T: Tensor>(r: &T) -> T {
    (r.clone() * r).sum(0..r.shape().len())
}

fn squared_norm<T: Tensor>(g: &T) -> f64 {
    square(g).values()[0]
}
