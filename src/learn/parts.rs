//! The exchangeable parts of a trainer.

use super::{Coverage, Needs, Objective, Optimizer, Schedule, Settings, Source, Times, Weighed, Weighting};
use crate::{Error, Result, Tensor, random::stream};
use serde_json::{Value as Json, json};
use std::fmt;

/// The parts of a [`Trainer`](super::Trainer) that can be your own. Those of the [`Settings`] are [`Parts::of`] them.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}};
/// use flowmap::learn::{Independent, Parts, Settings, Trainer};
/// use flowmap::nn::{Mlp, MlpShape};
/// let network: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 16, 2), 1)?;
/// let pairs = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let settings = Settings { batch: 64, ..Settings::default() };
/// let sawtooth = |k: u64| 1.0 - (k % 100) as f64 / 100.0;
/// let parts = Parts { schedule: Box::new(sawtooth), ..Parts::of(&settings) };
/// let mut trainer = Trainer::with_parts(network, pairs, settings, parts)?;
/// trainer.step()?;
/// # Ok::<(), flowmap::Error>(())
/// ```
pub struct Parts<T: Tensor<Primal = T>> {
    /// The objective off the diagonal.
    pub objective: Box<dyn Objective<T>>,
    /// The optimizer.
    pub optimizer: Box<dyn Optimizer<T>>,
    /// The schedule of the learning rate.
    pub schedule: Box<dyn Schedule>,
    /// The distribution of times.
    pub times: Box<dyn Times>,
    /// The weights of samples.
    pub weighting: Box<dyn Weighting>,
}

impl<T: Tensor<Primal = T>> fmt::Debug for Parts<T> {
    /// The parts that have names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = f.debug_struct("Parts");
        parts.field("objective", &self.objective.name()).field("optimizer", &self.optimizer.name()).finish_non_exhaustive()
    }
}

impl<T: Tensor<Primal = T>> Parts<T> {
    /// The parts that these settings name.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            objective: Box::new(settings.objective),
            optimizer: Box::new(settings.optimizer.clone()),
            schedule: Box::new(settings.schedule.clone()),
            times: Box::new(settings.times),
            weighting: Box::new(settings.weighting),
        }
    }

    /// What tells them from others, for checkpoints: names, and for parts without a name a few of their values.
    pub(super) fn describe(&self, span: [f64; 2]) -> Json {
        let mut rng = stream(0, 0);
        let pairs: Vec<_> = (0..4).map(|_| self.times.pair(span, &mut rng)).collect();
        let sample = Weighed { square: 0.5, dimension: 2, s: 0.25, t: 0.75, log_loss: 0.1 };
        let weights = [sample, Weighed { square: 2.0, s: 0.0, ..sample }].map(|sample| rounded(self.weighting.weight(&sample)));
        let factors = [0, 9, 99, 999, 9_999, 99_999].map(|k| rounded(self.schedule.factor(k)));
        let single = rounded(self.times.single(span, &mut rng));
        let pairs: Vec<_> = pairs.into_iter().map(|pair| pair.map(rounded)).collect();
        json!({
            "objective": self.objective.name(),
            "optimizer": self.optimizer.name(),
            "schedule": factors,
            "times": { "pairs": pairs, "single": single },
            "weighting": weights,
        })
    }

    /// Checks that the objective can be learned from this source at these times.
    pub(super) fn check(&self, source: &impl Source<T>) -> Result<()> {
        self.optimizer.check()?;
        self.schedule.check()?;
        self.times.check()?;
        self.weighting.check()?;
        let needs = self.objective.needs();
        let name = self.objective.name();
        if needs.field && source.field().is_none() || needs.short_map.is_some() && source.short().is_none() {
            let reason = format!("{name} needs a given field, but the source has only data; use lsd, or a FromField");
            return Err(Error::invalid("objective", reason));
        }
        if !self.objective.pairs() {
            return Ok(());
        }
        check_times(&needs, self.times.coverage(), &name)?;
        let Some((share, (_, reach))) = needs.short_map.zip(source.short()) else { return Ok(()) };
        if reach.is_nan() || reach <= 0.0 {
            return Err(Error::invalid("map for short times", format!("its reach is {reach}; that must be positive")));
        }
        // where times are single pairs, that of the rest after a short step is never drawn
        let single = matches!(self.times.coverage(), Coverage::Halves | Coverage::Grid);
        let share = if single && needs.later_starts && !needs.earlier_ends { 1.0 } else { share };
        let needed = share * self.times.longest(source.span());
        if reach < needed {
            let reason = format!("{name} uses a given map over {needed}, but its reach is {reach}; increase its reach");
            return Err(Error::invalid("map for short times", reason));
        }
        Ok(())
    }
}

/// Checks that an objective determines the map at times of this coverage.
pub(super) fn check_times(needs: &Needs, coverage: Coverage, objective: &str) -> Result<()> {
    let reason = match coverage {
        Coverage::ToEnd if needs.earlier_ends => "is made of maps that end earlier",
        Coverage::ToEnd if needs.end_derivative => "uses the derivative with respect to the end time",
        Coverage::Grid if needs.earlier_ends => "is made of maps over half a step",
        Coverage::Grid | Coverage::Halves if needs.later_starts && !needs.earlier_ends && needs.short_map.is_none() => {
            "is made of maps that start later"
        }
        Coverage::Grid | Coverage::Halves if needs.start_derivative || needs.end_derivative => {
            "uses a time derivative, which a few times do not determine"
        }
        _ => return Ok(()),
    };
    let times = if coverage == Coverage::ToEnd { "maps to the end alone" } else { "a few times" };
    let reason = format!("with {times} {objective} does not determine the map: it {reason}; use uniform times");
    Err(Error::invalid("distribution of times", reason))
}

/// To nine digits, so that it does not depend on the machine.
fn rounded(x: f64) -> f64 {
    format!("{x:.8e}").parse().unwrap_or(x)
}
