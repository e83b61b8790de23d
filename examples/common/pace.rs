//! Training for a given time.

use flowmap::{
    Result, Tensor,
    learn::{Checkpoint, Options, Outcome, Schedule, Settings, Source, Trainer},
    nn::Model,
};
use std::{path::Path, time::Instant};

/// A time to train for, for clap.
pub fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_string())?;
    if (1e-3..=1e7).contains(&seconds) { Ok(seconds) } else { Err("from 0.001 to 10,000,000 seconds".into()) }
}

/// What came of a training.
pub struct Trained<M> {
    /// The first moving average.
    pub network: M,
    pub steps: u64,
    /// Since the program was last started.
    pub seconds: f64,
}

/// Trains in `folder` for so many seconds, or the steps that the options say, with a learning rate that falls to 0 as a cosine. A run that is
/// resumed takes the steps that were said when it began. Nothing if it was interrupted.
pub fn train<T, M, S>(
    options: &Options,
    folder: &Path,
    seconds: f64,
    network: M,
    source: impl Fn() -> Result<S>,
    settings: Settings,
    device: T::Device,
) -> Result<Option<Trained<M>>>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    S: Source<T>,
{
    let options = Options { out: Some(folder.to_owned()), ..options.clone() };
    let newest = if options.resume { Checkpoint::latest(&folder.join("checkpoints"))? } else { None };
    let begun = newest.map(|path| Checkpoint::open(&path)).transpose()?;
    let steps = match (options.steps, begun.map(|checkpoint| checkpoint.settings().schedule)) {
        (Some(steps), _) | (None, Some(Schedule::Cosine { steps })) => steps,
        (None, _) => steps_in(seconds, Trainer::new(network.clone(), source()?, settings.clone(), device.clone())?)?,
    };
    let settings = Settings { schedule: Schedule::Cosine { steps }, ..settings };
    let decay = settings.averages.first().copied().unwrap_or(f64::NAN);
    let mut trainer = Trainer::new(network, source()?, settings, device)?;
    trainer.average(decay)?; // or refuse now, not at the end
    let run = options.run("", steps)?;
    let (outcome, times) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(None);
    }
    let seconds = times.iter().map(|time| time.as_secs_f64()).sum();
    Ok(Some(Trained { network: trainer.average(decay)?.clone(), steps, seconds }))
}

/// The steps that this trainer takes in so many seconds, one at least, by the time that some of them take; the trainer is used up.
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
