//! Throughput and memory of a run.

use super::Progress;
use crate::{Error, Result, durable};
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

/// `speed.csv`: throughput and memory, row by row; a resumed run extends the table.
///
/// It is separate from `metrics.csv`, which is the same however often a run is stopped and resumed.
pub struct Speed {
    path: PathBuf,
    rows: csv::Writer<File>,
    batch: usize,
    every: u64,
    /// Since the last row.
    time: Duration,
    steps: u64,
}

#[derive(serde::Serialize)]
struct Row {
    step: u64,
    seconds_per_step: f64,
    samples_per_second: f64,
    /// The memory of the process now, if the system reports it.
    memory_mb: Option<u64>,
}

impl Speed {
    /// Opens the table, with a row every `every` steps.
    pub fn open(path: &Path, batch: usize, every: u64) -> Result<Self> {
        let file = durable::at(path, File::options().create(true).append(true).open(path))?;
        let is_new = durable::at(path, file.metadata())?.len() == 0;
        let rows = csv::WriterBuilder::new().has_headers(is_new).from_writer(file);
        Ok(Self { path: path.to_owned(), rows, batch, every, time: Duration::ZERO, steps: 0 })
    }

    /// Counts a step.
    pub fn add(&mut self, progress: &Progress, time: Duration) -> Result<()> {
        self.time += time;
        self.steps += 1;
        if !progress.step.is_multiple_of(self.every) {
            return Ok(());
        }
        let seconds_per_step = self.time.as_secs_f64() / self.steps as f64;
        let samples_per_second = self.batch as f64 / seconds_per_step;
        let memory_mb = memory_stats::memory_stats().map(|memory| memory.physical_mem as u64 >> 20);
        (self.time, self.steps) = (Duration::ZERO, 0);
        let failed = |e: csv::Error| Error::Io { path: self.path.clone(), source: e.into() };
        self.rows.serialize(Row { step: progress.step, seconds_per_step, samples_per_second, memory_mb }).map_err(failed)?;
        durable::at(&self.path, self.rows.flush())
    }
}
