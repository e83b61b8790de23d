//! Training for a given time.

use flowmap::{
    Error, Result, Tensor,
    cli::Options,
    learn::{Annealing, Checkpoint, Outcome, Settings, Source, Trainer},
    nn::Model,
};
use std::{path::Path, time::Instant};

/// Parses a training time, for clap.
pub fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds".to_string())?;
    if (1e-3..=1e7).contains(&seconds) { Ok(seconds) } else { Err("give 0.001 to 10,000,000 seconds".into()) }
}

/// The result of a training.
pub struct Trained<M> {
    /// The first moving average.
    pub network: M,
    #[allow(dead_code, reason = "not every example reports it")]
    pub objective: String,
    pub steps: u64,
    /// Training time since the program was last started.
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
    let options = Options { out: Some(folder.to_owned()), ..options.clone() };
    let newest = if options.resume { Checkpoint::latest(&folder.join("checkpoints"))? } else { None };
    let begun = newest.map(|path| Checkpoint::open(&path)).transpose()?;
    let begun = begun.and_then(|checkpoint| end_of(&checkpoint.settings().schedule));
    let steps = match (options.steps, begun, length) {
        (Some(steps), ..) | (None, Some(steps), Length::Seconds(_)) | (None, _, Length::Steps(steps)) => steps,
        (None, _, Length::Seconds(seconds)) => {
            const SOME: u64 = 1000;
            steps_in(seconds, Trainer::new(network.clone(), source()?, settings(SOME)?)?)?
        }
    };
    let settings = settings(steps)?;
    if end_of(&settings.schedule) != Some(steps) {
        let reason =
            format!("{:?}; this program lets the rate fall over its {steps} steps; leave the schedule out", settings.schedule);
        return Err(Error::Invalid { what: "schedule", reason });
    }
    let objective = settings.objective.to_string();
    println!("{objective}: {steps} steps");
    let average = settings.averages.first().copied().ok_or_else(|| Error::Invalid {
        what: "averages",
        reason: "there are none to draw samples with; give at least one decay".into(),
    })?;
    let mut trainer = Trainer::new(network, source()?, settings)?;
    let run = options.run("", steps)?;
    let (outcome, times) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(None);
    }
    let seconds = times.iter().map(|time| time.as_secs_f64()).sum();
    Ok(Some(Trained { network: trainer.average(average)?.clone(), objective, steps, seconds }))
}

/// The step at which the learning rate has fallen to 0.
fn end_of(schedule: &Annealing) -> Option<u64> {
    match schedule {
        Annealing::Cosine { steps } | Annealing::StableDecay { steps, .. } => Some(*steps),
        Annealing::Product(parts) => parts.iter().filter_map(end_of).min(),
        _ => None,
    }
}

/// These settings with a cosine schedule, by which the learning rate falls to 0.
#[allow(dead_code, reason = "not every example has settings that depend on steps by this alone")]
pub fn falling(settings: Settings) -> impl Fn(u64) -> Result<Settings> {
    move |steps| Ok(Settings { schedule: Annealing::Cosine { steps }, ..settings.clone() })
}

/// The number of steps, at least one, that this trainer takes in `seconds`, estimated from a few; consumes the trainer.
fn steps_in<T, M, S>(seconds: f64, mut trial: Trainer<T, M, S>) -> Result<u64>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    S: Source<T>,
{
    const WARM: u32 = 5;
    const TIMED: u32 = 20;
    (0..WARM).try_for_each(|_| trial.step().map(drop))?;
    let begin = Instant::now();
    (0..TIMED).try_for_each(|_| trial.step().map(drop))?;
    Ok(((f64::from(TIMED) * seconds / begin.elapsed().as_secs_f64()) as u64).max(1))
}
