//! A training run in a folder: metrics, checkpoints, stop and resume.

use super::{Checkpoint, Observer, Progress, Source, Trainer, Training, speed::Speed};
use crate::{Error, Result, Tensor, durable, nn::Model};
use serde::Serialize;
use std::{
    fs::{File, TryLockError},
    io::BufWriter,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Instant,
};

/// A training run in a folder, which holds `metrics.csv`, `speed.csv` (throughput and memory) and `checkpoints/`.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}};
/// use flowmap::learn::{Independent, Outcome, Run, Settings, Trainer};
/// use flowmap::nn::{Mlp, MlpShape};
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let mlp: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 8, 1), 1)?;
/// let coupling = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let mut trainer = Trainer::new(mlp, coupling, Settings { batch: 8, ..Settings::default() })?;
/// let run = Run::new(folder, 20)?;
/// run.begin()?; // or run.resume(&mut trainer)?
/// assert_eq!(run.train(&mut trainer)?, Outcome::Finished);
/// assert!(folder.join("checkpoints/step-0000000020").exists());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    folder: PathBuf,
    steps: u64,
    checkpoint_every: u64,
    log_every: u64,
    keep: usize,
    milestones: Option<u64>,
}

/// How [`Run::train`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps were taken.
    Finished,
    /// An observer asked to stop; the state was saved.
    Interrupted,
}

impl Run {
    /// A run of `steps` steps in all, with a checkpoint every 1,000 steps and at the end, of which the last two are kept, and a
    /// row of metrics every 10 steps.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be made, [`Error::Invalid`] if there are 0 steps.
    pub fn new(folder: impl Into<PathBuf>, steps: u64) -> Result<Self> {
        let folder = folder.into();
        if steps == 0 {
            return Err(Error::invalid("steps", "a run of 0 steps trains nothing; give at least 1"));
        }
        durable::create_folder(&folder)?;
        Ok(Self { folder, steps, checkpoint_every: 1000, log_every: 10, keep: 2, milestones: None })
    }

    /// Writes a checkpoint every `steps` steps, and keeps the last `keep`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if either is 0.
    pub fn with_checkpoints(mut self, steps: u64, keep: usize) -> Result<Self> {
        if steps == 0 || keep == 0 {
            return Err(Error::invalid("checkpoints", "the interval and the number kept must be at least 1"));
        }
        (self.checkpoint_every, self.keep) = (steps, keep);
        Ok(self)
    }

    /// Keeps checkpoints at multiples of `steps` for good, moving averages included.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless that is a multiple, 1 or more, of the interval between checkpoints.
    pub fn with_milestones(mut self, steps: u64) -> Result<Self> {
        if steps == 0 || !steps.is_multiple_of(self.checkpoint_every) {
            let reason = format!("{steps} is not a multiple of {}, the steps between checkpoints", self.checkpoint_every);
            return Err(Error::invalid("milestones", reason));
        }
        self.milestones = Some(steps);
        Ok(self)
    }

    /// Writes a row of metrics every `steps` steps.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is 0.
    pub fn with_metrics_every(mut self, steps: u64) -> Result<Self> {
        if steps == 0 {
            return Err(Error::invalid("metrics", "the interval must be at least 1"));
        }
        self.log_every = steps;
        Ok(self)
    }

    /// The total number of steps.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The table of metrics.
    pub fn metrics(&self) -> PathBuf {
        self.folder.join("metrics.csv")
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join("checkpoints")
    }

    /// The rows of the table of metrics.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read.
    pub fn history(&self) -> Result<Vec<Progress>> {
        let path = self.metrics();
        let bad = |e: csv::Error| Error::File {
            path: path.clone(),
            line: e.position().map(csv::Position::line),
            reason: e.to_string(),
        };
        csv::Reader::from_path(&path).map_err(bad)?.deserialize().map(|row| row.map_err(bad)).collect()
    }

    /// The path of a file in the run's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a value as JSON into the run's folder, completely or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written, [`Error::Invalid`] if the value cannot be JSON.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_vec_pretty(value).map_err(|e| Error::invalid("JSON value", e.to_string()))?;
        durable::write_file(&self.path(name), &text)
    }

    /// Starts a new run, in a folder without checkpoints; a table of metrics without one is started anew, too.
    ///
    /// # Errors
    /// [`Error::File`] if the folder holds checkpoints.
    pub fn begin(&self) -> Result<()> {
        match Checkpoint::latest(&self.checkpoints())? {
            None => Ok(()),
            Some(path) => {
                let reason = "a run is here already; resume it, or choose another folder".into();
                Err(Error::File { path, line: None, reason })
            }
        }
    }

    /// Resumes from the newest checkpoint, or starts anew if there is none. Returns the checkpoint.
    ///
    /// # Errors
    /// As [`Trainer::restore`]; if the newest checkpoint is damaged, the message names the newest one that is intact.
    pub fn resume<T, M, S>(&self, trainer: &mut Trainer<T, M, S>) -> Result<Option<PathBuf>>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        let mut all = Checkpoint::all(&self.checkpoints())?;
        let Some(newest) = all.pop() else { return Ok(None) };
        trainer.restore(&newest).map_err(|error| match error {
            // if it is intact but of another run, older checkpoints do not help
            Error::File { path, line, reason } if Checkpoint::open(&newest).is_err() => {
                let whole = all.iter().rev().find(|path| Checkpoint::open(path).is_ok());
                let remedy = whole.map(|p| format!("; to continue from {}, remove the newer checkpoints", p.display()));
                Error::File { path, line, reason: reason + &remedy.unwrap_or_default() }
            }
            error => error,
        })?;
        Ok(Some(newest))
    }

    /// Trains until all steps are taken. The state is saved at the end.
    ///
    /// # Errors
    /// [`Error::Diverged`], naming the last checkpoint, if a loss or gradient is not finite; [`Error::File`] if another
    /// process trains in the folder; [`Error::Io`] if a file cannot be written.
    pub fn train<T, M, S>(&self, trainer: &mut Trainer<T, M, S>) -> Result<Outcome>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        self.train_watched(trainer, &mut [])
    }

    /// Trains until all steps are taken or an observer breaks; all of them see each step. The state is saved in both cases.
    ///
    /// # Errors
    /// As [`train`](Self::train), and the first error of an observer; the state is saved then, too.
    pub fn train_watched<T, M, S>(&self, trainer: &mut Trainer<T, M, S>, observers: &mut [&mut dyn Observer]) -> Result<Outcome>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        self.train_with(trainer, |_, training| {
            observers.iter_mut().try_fold(ControlFlow::Continue(()), |before, observer| {
                let now = observer.observe(training)?;
                Ok(if before.is_break() { before } else { now })
            })
        })
    }

    /// Trains until all steps are taken or `look`, called after each step with the trainer, breaks: for pictures during
    /// training. The state is saved in both cases.
    ///
    /// # Errors
    /// As [`train`](Self::train), and the error of `look`; the state is saved then, too.
    pub fn train_with<T, M, S>(
        &self,
        trainer: &mut Trainer<T, M, S>,
        mut look: impl FnMut(&Trainer<T, M, S>, &Training) -> Result<ControlFlow<()>>,
    ) -> Result<Outcome>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        let _lock = self.lock()?;
        let taken = trainer.steps_taken();
        let latest = Checkpoint::latest(&self.checkpoints())?;
        let mut saved = latest.as_deref().and_then(Checkpoint::step_of);
        if let (Some(path), true) = (latest, saved.is_some_and(|step| step > taken)) {
            let reason = format!("it is ahead of this trainer, which took {taken} steps; resume it, or choose another folder");
            return Err(Error::File { path, line: None, reason });
        }
        let mut table = Table::open(&self.metrics(), trainer.steps_taken())?;
        let mut speed = Speed::open(&self.path("speed.csv"), trainer.settings().batch, self.log_every)?;
        let mut stop = Ok(ControlFlow::Continue(()));
        while trainer.steps_taken() < self.steps && matches!(stop, Ok(ControlFlow::Continue(()))) {
            let start = Instant::now();
            let progress = trainer.step().map_err(|error| self.name_last_good(error))?;
            let time = start.elapsed();
            if progress.step.is_multiple_of(self.log_every) || progress.step == 1 {
                table.add(&progress)?;
            }
            speed.add(&progress, time)?;
            stop = look(trainer, &Training { progress, time, steps: self.steps });
            if progress.step.is_multiple_of(self.checkpoint_every) {
                self.save(trainer, &mut table)?;
                saved = Some(progress.step);
            }
        }
        if saved != Some(trainer.steps_taken()) {
            self.save(trainer, &mut table)?;
        }
        Ok(if stop?.is_break() { Outcome::Interrupted } else { Outcome::Finished })
    }

    /// Locks the folder against other processes until dropped, or the process ends.
    fn lock(&self) -> Result<File> {
        let path = self.folder.join(".lock");
        let file = durable::at(&path, File::create(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let reason = "another process trains in this folder; wait for it, or choose another folder".into();
                Err(Error::File { path: self.folder.clone(), line: None, reason })
            }
            Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
        }
    }

    /// Metrics first, so that a checkpoint is never ahead of the table.
    fn save<T, M, S>(&self, trainer: &Trainer<T, M, S>, table: &mut Table) -> Result<()>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        table.flush()?;
        trainer.save(&self.checkpoints())?;
        let mut all = Checkpoint::all(&self.checkpoints())?;
        let stays =
            |path: &Path| self.milestones.zip(Checkpoint::step_of(path)).is_some_and(|(every, step)| step.is_multiple_of(every));
        all.retain(|path| !stays(path));
        for old in all.drain(..all.len().saturating_sub(self.keep)) {
            durable::remove_folder(&old)?;
        }
        Ok(())
    }

    fn name_last_good(&self, error: Error) -> Error {
        let last = Checkpoint::latest(&self.checkpoints()).ok().flatten();
        let last = last.map_or("there is no checkpoint yet".into(), |p| format!("the last good checkpoint is {}", p.display()));
        match error {
            Error::Diverged { step, what, value, .. } => {
                Error::Diverged { step, what, value, remedy: format!("{last}; {}", super::trainer::REMEDY) }
            }
            error => error,
        }
    }
}

/// `metrics.csv`: exactly one row per logged step.
struct Table {
    path: PathBuf,
    rows: csv::Writer<BufWriter<File>>,
}

impl Table {
    /// Opens the table, and drops rows after `step`, which a killed run wrote after its last checkpoint.
    fn open(path: &Path, step: u64) -> Result<Self> {
        let mut kept = csv::Writer::from_writer(Vec::new());
        let bad = |e: csv::Error| Error::File {
            path: path.to_owned(),
            line: e.position().map(csv::Position::line),
            reason: e.to_string(),
        };
        let mut header = true;
        if step > 0 && path.exists() {
            let mut old = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(bad)?;
            let rows: Vec<_> = old.deserialize::<Progress>().collect();
            let last = rows.len().saturating_sub(1);
            for (i, row) in rows.into_iter().enumerate() {
                match row {
                    Ok(row) if row.step <= step => {
                        kept.serialize(row).map_err(bad)?;
                        header = false;
                    }
                    Ok(_) => {}
                    // a killed run can leave half a row at the end; it lies after the checkpoint
                    Err(_) if i == last => {}
                    Err(e) => return Err(bad(e)),
                }
            }
        }
        let bytes = kept.into_inner().map_err(|e| Error::Io { path: path.to_owned(), source: e.into_error() })?;
        durable::write_file(path, &bytes)?;
        let file = durable::at(path, File::options().append(true).open(path))?;
        let rows = csv::WriterBuilder::new().has_headers(header).from_writer(BufWriter::new(file));
        Ok(Self { path: path.to_owned(), rows })
    }

    fn add(&mut self, progress: &Progress) -> Result<()> {
        let failed = |e: csv::Error| Error::Io { path: self.path.clone(), source: e.into() };
        self.rows.serialize(progress).map_err(failed)?;
        // hand it to the operating system, so that other programs see the row
        durable::at(&self.path, self.rows.flush())
    }

    fn flush(&mut self) -> Result<()> {
        durable::at(&self.path, self.rows.flush())?;
        durable::at(&self.path, self.rows.get_ref().get_ref().sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_cannot_share_a_folder() {
        let home = tempfile::tempdir().unwrap();
        let run = Run::new(home.path(), 1).unwrap();
        let first = run.lock().unwrap();
        assert!(run.lock().unwrap_err().to_string().contains("another process"));
        drop(first);
        run.lock().unwrap();
    }
}
