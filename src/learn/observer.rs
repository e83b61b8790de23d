//! Observers of a training, which may stop it.

use super::Progress;
use crate::{Error, Result};
use std::{ops::ControlFlow, time::Duration};

/// What an [`Observer`] sees after each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// The metrics of the step.
    pub progress: Progress,
    /// The time that the step took.
    pub time: Duration,
    /// The steps of the whole run.
    pub steps: u64,
}

/// Looks at each step of a training, and may stop it: progress bars, limits, early stopping. Closures are observers.
///
/// An observer knows nothing of the network. [`Run::train_with`](super::Run::train_with) calls a closure with the trainer.
///
/// ```
/// use flowmap::learn::{Observer, Training};
/// use std::ops::ControlFlow::{Break, Continue};
/// let mut until_small = |training: &Training| Ok(if training.progress.loss < 0.1 { Break(()) } else { Continue(()) });
/// # let progress = flowmap::learn::Progress { step: 1, loss: 0.01, diagonal: 0.5, residual: 0.1, gradient: 1.0,
/// #     learning_rate: 1e-3 };
/// # let training = Training { progress, time: std::time::Duration::ZERO, steps: 10 };
/// assert!(until_small.observe(&training)?.is_break());
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Observer {
    /// Looks at a step; `Break` stops the training after it.
    ///
    /// # Errors
    /// Any error; the training stops, and its state is saved.
    fn observe(&mut self, training: &Training) -> Result<ControlFlow<()>>;
}

impl<F: FnMut(&Training) -> Result<ControlFlow<()>>> Observer for F {
    fn observe(&mut self, training: &Training) -> Result<ControlFlow<()>> {
        self(training)
    }
}

/// Stops when the steps have taken this long together; the time of checkpoints and observers does not count.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}, nn::{Mlp, MlpShape}};
/// use flowmap::learn::{Independent, Outcome, Run, Settings, TimeLimit, Trainer};
/// use std::time::Duration;
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let network: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 8, 1), 1)?;
/// let pairs = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let mut trainer = Trainer::new(network, pairs, Settings { batch: 8, ..Settings::default() })?;
/// let mut limit = TimeLimit::new(Duration::from_micros(1));
/// let outcome = Run::new(folder, 1000)?.train_watched(&mut trainer, &mut [&mut limit])?;
/// assert!(outcome == Outcome::Interrupted && limit.is_reached() && trainer.steps_taken() == 1);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TimeLimit {
    limit: Duration,
    taken: Duration,
}

impl TimeLimit {
    /// Stops after this time.
    pub fn new(limit: Duration) -> Self {
        Self { limit, taken: Duration::ZERO }
    }

    /// Whether it has stopped a training.
    pub fn is_reached(&self) -> bool {
        self.taken >= self.limit
    }
}

impl Observer for TimeLimit {
    fn observe(&mut self, training: &Training) -> Result<ControlFlow<()>> {
        self.taken += training.time;
        Ok(if self.is_reached() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

/// Stops when the mean loss of a window of steps is not lower, by a share, than that of the best window before.
///
/// Windows follow each other without a gap; the loss of single steps says little, since batches differ. A resumed run begins a
/// new window, and forgets the best one.
///
/// ```
/// use flowmap::learn::{Observer, Plateau, Progress, Training};
/// use std::time::Duration;
/// let mut plateau = Plateau::new(100, 0.01)?; // less than 1 % better after 100 more steps
/// let mut stops_at = |loss: fn(u64) -> f64| -> flowmap::Result<Option<u64>> {
///     for step in 1..=1000 {
///         let loss = loss(step);
///         let progress = Progress { step, loss, diagonal: loss, residual: 0.0, gradient: 1.0, learning_rate: 1e-3 };
///         if plateau.observe(&Training { progress, time: Duration::ZERO, steps: 1000 })?.is_break() {
///             return Ok(Some(step));
///         }
///     }
///     Ok(None)
/// };
/// assert_eq!(stops_at(|step| (-(step as f64) / 150.0).exp().max(0.1))?, Some(600));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plateau {
    window: u64,
    least: f64,
    best: f64,
    sum: f64,
    seen: u64,
}

impl Plateau {
    /// Windows of this many steps, each of which must lower the loss by the share `least`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a window has no steps, or `least` is not in `[0, 1)`.
    pub fn new(window: u64, least: f64) -> Result<Self> {
        if window == 0 {
            return Err(Error::invalid("plateau", "a window of 0 steps has no loss; give at least 1, and better hundreds"));
        }
        if !(0.0..1.0).contains(&least) {
            return Err(Error::invalid("plateau", format!("a share of {least}; give one in [0, 1), such as 0.01")));
        }
        Ok(Self { window, least, best: f64::INFINITY, sum: 0.0, seen: 0 })
    }
}

impl Observer for Plateau {
    fn observe(&mut self, training: &Training) -> Result<ControlFlow<()>> {
        self.sum += training.progress.loss;
        self.seen += 1;
        if self.seen < self.window {
            return Ok(ControlFlow::Continue(()));
        }
        let mean = self.sum / self.seen as f64;
        (self.sum, self.seen) = (0.0, 0);
        // a share of the size, since losses may be negative
        if self.best == f64::INFINITY || self.best - mean > self.least * self.best.abs() {
            self.best = mean;
            return Ok(ControlFlow::Continue(()));
        }
        log::info!("the loss has not fallen by {} % in {} steps", 100.0 * self.least, self.window);
        Ok(ControlFlow::Break(()))
    }
}
