//! The trainer: one step of training at a time.

use super::{
    Average, Group, Parts, Settings, Source, Step,
    optimizer::{self, Memory, is_within},
    settings::FASTEST,
};
use crate::{Error, Result, Tensor, nn::Model};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// The remedy for a loss that is not finite.
pub(super) const REMEDY: &str = "start again with a lower learning rate or gradient clip";

/// Trains an average velocity `v_{s,t}`: on the diagonal with the velocities of a [`Source`], off it with an
/// [`Objective`](super::Objective).
///
/// One [`step`](Trainer::step) draws a batch, takes the loss `mean(c e^-w |r|² + w)` over diagonal and off-diagonal samples, with
/// the [weight](super::Weighting) `c` of a sample, clips its gradient, and updates the parameters and their moving averages. `w`
/// is that of the settings, and what the network [expects](crate::AverageVelocity::log_loss) in addition, if it learns that. The
/// randomness of step `k` is a function of the seed and of `k`, so a trainer restored from a [checkpoint](super::Checkpoint)
/// continues as if it had never stopped.
///
/// Source: arXiv 2505.18825, algorithm 1 and appendix on experiments.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}, learn::{Independent, Settings, Trainer}};
/// use flowmap::nn::{Mlp, MlpShape};
/// let mlp: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 16, 2), 1)?;
/// let coupling = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let mut trainer = Trainer::new(mlp, coupling, Settings { batch: 64, ..Settings::default() })?;
/// let progress = trainer.step()?;
/// assert!(progress.loss.is_finite());
/// # Ok::<(), flowmap::Error>(())
/// ```
pub struct Trainer<T: Tensor<Primal = T>, M, S> {
    pub(super) model: M,
    pub(super) memories: Vec<Memory<T>>,
    pub(super) averages: Vec<M>,
    pub(super) settings: Settings,
    pub(super) parts: Parts<T>,
    pub(super) step: u64,
    pub(super) description: serde_json::Value,
    pub(super) device: T::Device,
    pub(super) source: S,
}

impl<T: Tensor<Primal = T>, M, S> fmt::Debug for Trainer<T, M, S> {
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
    /// The mean squared residual off the diagonal, by the weights of terms alone; NaN where there is none.
    pub residual: f64,
    /// The norm of the gradient before clipping.
    pub gradient: f64,
    /// The learning rate.
    pub learning_rate: f64,
}

impl<T, M, S> Trainer<T, M, S>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    S: Source<T>,
{
    /// A trainer at step 0. It computes where the network is.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting is not allowed, or not with this source; if the network has no parameters, or a group names
    /// none of them; or if the objective needs a moving average and there is none.
    pub fn new(model: M, source: S, settings: Settings) -> Result<Self> {
        let parts = Parts::of(&settings);
        Self::with_parts(model, source, settings, parts)
    }

    /// A trainer with parts of your own; they replace those that the settings name.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_parts(model: M, source: S, settings: Settings, parts: Parts<T>) -> Result<Self> {
        parts.objective.check()?;
        settings.check_for(&parts.objective.name(), parts.objective.pairs(), &parts.objective.needs())?;
        parts.check(&source)?;
        let mut device = None;
        model.visit(&mut |_, p: &T| device = device.take().or_else(|| Some(p.device())));
        let device = device.ok_or_else(|| Error::invalid("network", "it has no parameters, and nothing to learn"))?;
        let mut names = Vec::new();
        model.visit(&mut |name, _| names.push(name.to_owned()));
        let unused = settings.groups.iter().find(|group| !names.iter().any(|name| is_within(name, &group.names)));
        if let Some(Group { names: pattern, .. }) = unused {
            let reason = format!("no parameter has '{pattern}' in its name; they are {}", names.join(", "));
            return Err(Error::invalid("group of parameters", reason));
        }
        let memories = optimizer::begin(&*parts.optimizer, &model);
        let twice = memories.iter().find(|memory| (1..memory.names.len()).any(|i| memory.names[..i].contains(&memory.names[i])));
        if let Some(memory) = twice {
            let reason = format!("it keeps tensors named {:?} for a parameter; each needs a name of its own", memory.names);
            return Err(Error::invalid("optimizer", reason));
        }
        let averages = settings.averages.iter().map(|_| model.clone()).collect();
        Ok(Self { model, memories, averages, settings, parts, step: 0, description: serde_json::Value::Null, device, source })
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

    /// The objective, optimizer, schedule, times and weighting.
    pub fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    /// The source of samples.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The network with this moving average of its parameters; a number is the decay of an exponential average.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not among the [settings](Settings::averages).
    pub fn average(&self, average: impl Into<Average>) -> Result<&M> {
        let (average, all) = (average.into(), &self.settings.averages);
        let position = all.iter().position(|&a| a == average).ok_or_else(|| {
            let known: Vec<_> = all.iter().map(ToString::to_string).collect();
            let reason = format!("there is none named {average}; those in the settings are [{}]", known.join(", "));
            Error::invalid("moving average", reason)
        })?;
        Ok(&self.averages[position])
    }

    /// Takes one step.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss or its gradient is not finite, [`Error::Invalid`] if the schedule gives no learning rate; the
    /// trainer is then as it was before the step.
    pub fn step(&mut self) -> Result<Progress> {
        let gradient = self.gradient()?;
        let norm = gradient.norm();
        self.finite("gradient", norm)?;
        let factor = self.parts.schedule.factor(self.step);
        if !(factor >= 0.0 && self.settings.learning_rate * factor <= FASTEST) {
            let reason = format!(
                "its factor at step {} is {factor}; it must not be negative, or bring the rate above {FASTEST}",
                self.step + 1
            );
            return Err(Error::invalid("learning-rate schedule", reason));
        }
        let progress = Progress {
            step: self.step + 1,
            loss: gradient.loss + self.settings.weight,
            diagonal: gradient.squares[0].mean(),
            residual: gradient.squares[1].mean(),
            gradient: norm,
            learning_rate: self.settings.learning_rate * factor,
        };
        self.update(&gradient.parts, &progress);
        self.step += 1;
        Ok(progress)
    }

    /// The number of steps, at least one, that this trainer takes in a time: estimated from at most 20, which are lost, and take
    /// about a twentieth of that time at most, but two steps at least.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn steps_within(mut self, time: Duration) -> Result<u64> {
        self.step()?; // warms up
        let (begin, mut steps) = (Instant::now(), 0);
        while steps == 0 || steps < 20 && begin.elapsed() < time / 20 {
            self.step()?;
            steps += 1;
        }
        let each = begin.elapsed().as_secs_f64() / f64::from(steps);
        let within = ((time.as_secs_f64() / each) as u64).max(1);
        log::info!("{within} steps take about {} s, by a trial of {steps}", time.as_secs_f64());
        Ok(within)
    }

    fn update(&mut self, gradients: &[Option<T>], progress: &Progress) {
        let Self { model, memories, settings, parts, step, .. } = self;
        let gradient_scale = (settings.clip / progress.gradient).min(1.0);
        optimizer::update(&*parts.optimizer, model, memories, gradients, |name| {
            let (factor, weight_decay) = settings.group_of(name);
            Step { number: *step, rate: progress.learning_rate * factor, weight_decay, gradient_scale }
        });
        model.after_step();
        let mut parameters = Vec::new();
        model.visit(&mut |_, p| parameters.push(p.clone()));
        for (average, kind) in self.averages.iter_mut().zip(&settings.averages) {
            let weight = kind.weight(*step + 1);
            let mut parameters = parameters.iter();
            average.visit_mut(&mut |_, a| {
                let p = parameters.next().expect("an average has the model's parameters");
                // taken out first, so that its memory can be reused
                *a = std::mem::replace(a, p.clone()).lerp(p, weight);
            });
        }
    }

    pub(super) fn finite(&self, quantity: &'static str, value: f64) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        let what = format!("{quantity} of {}", self.parts.objective.name());
        let remedy = format!("the trainer is as it was before this step; {REMEDY}");
        Err(Error::Diverged { step: self.step + 1, what, value, remedy })
    }
}
