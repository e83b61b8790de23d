//! Training for a given time.

use flowmap::{
    Error, Result, Tensor,
    cli::Options,
    learn::{Annealing, Outcome, Settings, Source, Trainer},
    nn::Model,
};
use std::path::Path;

/// Parses a training time, for clap.
pub fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds".to_string())?;
    if (1e-3..=1e7).contains(&seconds) { Ok(seconds) } else { Err("give 0.001 to 10,000,000 seconds".into()) }
}

/// The result of a training.
pub struct Trained<M> {
    /// The last moving average.
    pub network: M,
    #[allow(dead_code, reason = "not every example reports it")]
    pub objective: String,
    #[allow(dead_code, reason = "not every example reports it")]
    pub steps: u64,
    /// Training time since the program was last started.
    #[allow(dead_code, reason = "not every example reports it")]
    pub seconds: f64,
}

/// The length of a training: steps, or a time.
#[derive(Clone, Copy)]
pub enum Length {
    #[allow(dead_code, reason = "not every example counts steps")]
    Steps(u64),
    Seconds(f64),
}

/// Trains in `folder` for that length, or for the steps in the options; `settings` are a function of the steps, for example of a
/// falling learning rate. A resumed run keeps its number of steps. Returns nothing if interrupted.
pub fn train<T, M, S>(
    options: &Options,
    folder: &Path,
    length: Length,
    network: M,
    source: impl Fn() -> Result<S>,
    settings: impl Fn(u64) -> Result<Settings>,
) -> Result<Option<Trained<M>>>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    S: Source<T>,
{
    let (minutes, steps) = match length {
        Length::Seconds(seconds) => (options.minutes.or(Some(seconds / 60.0)), 1),
        Length::Steps(steps) => (options.minutes, steps),
    };
    let options = Options { out: Some(folder.to_owned()), minutes, ..options.clone() };
    let (run, mut trainer) = options.prepare("", steps, |steps| Trainer::new(network.clone(), source()?, settings(steps)?))?;
    let (steps, settings) = (run.steps(), trainer.settings());
    if settings.schedule.end() != Some(steps) {
        let reason =
            format!("{:?}; this program lets the rate fall over its {steps} steps; leave the schedule out", settings.schedule);
        return Err(Error::Invalid { what: "schedule", reason });
    }
    let objective = settings.objective.to_string();
    println!("{objective}: {steps} steps");
    let average = settings.averages.last().copied().ok_or_else(|| Error::Invalid {
        what: "averages",
        reason: "there are none to draw samples with; give at least one decay".into(),
    })?;
    let (outcome, times) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(None);
    }
    let seconds = times.iter().map(|time| time.as_secs_f64()).sum();
    Ok(Some(Trained { network: trainer.average(average)?.clone(), objective, steps, seconds }))
}

/// These settings with a cosine schedule, by which the learning rate falls to 0.
#[allow(dead_code, reason = "not every example has settings that depend on steps by this alone")]
pub fn falling(settings: Settings) -> impl Fn(u64) -> Result<Settings> {
    move |steps| Ok(Settings { schedule: Annealing::Cosine { steps }, ..settings.clone() })
}
