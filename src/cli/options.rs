//! Command-line options of a training program.

use super::Terminal;
use crate::{
    Error, Result, Tensor,
    learn::{Descent, Distillation, Outcome, Run, Settings, Source, Trainer, Training},
    nn::Model,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Options shared by training programs, for `#[command(flatten)]` in your own clap parser. Options not given keep the program's
/// defaults.
///
/// ```
/// use clap::Parser;
/// use flowmap::{cli::Options, learn::Settings};
/// #[derive(Parser)]
/// struct Arguments { #[command(flatten)] training: Options }
/// let arguments = Arguments::parse_from(["program", "--objective", "psd-m", "--batch", "64"]);
/// let settings = arguments.training.settings(Settings::default())?;
/// assert_eq!((settings.objective.to_string().as_str(), settings.batch), ("psd-m", 64));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Objective: lsd, esd, psd-u, psd-m, mf, or fm (flow matching only); with a given velocity field lmd, emd, pmd, pmd-m
    #[arg(long)]
    pub objective: Option<String>,
    /// Stop gradient: paper, none, semigradient (lsd, esd, lmd, emd), teacher (esd), compound (mf), map or map-none (psd, pmd)
    #[arg(long)]
    pub stop_gradient: Option<String>,
    /// Total number of training steps
    #[arg(long)]
    pub steps: Option<u64>,
    /// Samples per batch
    #[arg(long)]
    pub batch: Option<usize>,
    /// Units per hidden layer
    #[arg(long)]
    pub width: Option<usize>,
    /// Number of hidden layers
    #[arg(long)]
    pub layers: Option<usize>,
    /// Optimizer: adam, radam, lion, muon or soap, each with its usual learning rate unless --lr is given
    #[arg(long)]
    pub optimizer: Option<String>,
    /// Learning rate
    #[arg(long)]
    pub lr: Option<f64>,
    /// Seed of all random numbers
    #[arg(long)]
    pub seed: Option<u64>,
    /// Resume the run in the output folder, or start one if there is none
    #[arg(long)]
    pub resume: bool,
    /// Read settings from a TOML file; options on the command line take precedence
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for checkpoints, tables and pictures
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl Options {
    /// `defaults`, overridden by the table `[training]` of the configuration file, then by the options given.
    ///
    /// The table has the fields of [`Settings`], such as `batch = 128` or `schedule = { cosine = { steps = 5000 } }`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the objective or its stop gradient is unknown, or a setting is not allowed; otherwise as
    /// [`section`](Self::section).
    pub fn settings(&self, defaults: Settings) -> Result<Settings> {
        let defaults = self.section("training", defaults)?;
        let given = self.objective.clone().unwrap_or_else(|| defaults.objective.to_string());
        let objective: Distillation = match &self.stop_gradient {
            None => given.parse()?,
            Some(stop) => format!("{}:{stop}", given.split(':').next().unwrap_or_default()).parse()?,
        };
        // an optimizer of another kind brings its own rate
        let (optimizer, rate) = match &self.optimizer {
            None => (defaults.optimizer, defaults.learning_rate),
            Some(name) => {
                let optimizer: Descent = name.parse()?;
                let rate = optimizer.usual_rate();
                (optimizer, rate)
            }
        };
        let settings = Settings {
            objective,
            optimizer,
            batch: self.batch.unwrap_or(defaults.batch),
            learning_rate: self.lr.unwrap_or(rate),
            seed: self.seed.unwrap_or(defaults.seed),
            ..defaults
        };
        settings.check()?;
        Ok(settings)
    }

    /// `defaults`, overridden by the table `name` of the configuration file, if present: a program's own settings.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::File`] if it is not TOML, or a field is unknown or has the wrong type.
    pub fn section<S: Serialize + DeserializeOwned>(&self, name: &str, defaults: S) -> Result<S> {
        let Some((path, mut file)) = self.file()? else { return Ok(defaults) };
        let bad = |reason: String| Error::File { path: path.to_owned(), line: None, reason };
        let Some(given) = file.remove(name) else { return Ok(defaults) };
        let toml::Value::Table(given) = given else { return Err(bad(format!("{name} is not a table; write [{name}]"))) };
        let mut all = toml::Table::try_from(&defaults).map_err(|e| bad(e.to_string()))?;
        all.extend(given);
        all.try_into().map_err(|e: toml::de::Error| bad(format!("[{name}]: {e}")))
    }

    /// Checks that the configuration file has no tables but these, since a misspelt table would be ignored silently.
    ///
    /// # Errors
    /// [`Error::File`] naming the first unknown table; otherwise as [`section`](Self::section).
    pub fn only(&self, sections: &[&str]) -> Result<()> {
        let Some((path, file)) = self.file()? else { return Ok(()) };
        match file.keys().find(|name| !sections.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let reason = format!("unknown table {name}; the tables are {}", sections.join(", "));
                Err(Error::File { path: path.to_owned(), line: None, reason })
            }
        }
    }

    /// The configuration file.
    fn file(&self) -> Result<Option<(&Path, toml::Table)>> {
        let Some(path) = &self.config else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let bad = |e: toml::de::Error| Error::File { path: path.clone(), line: None, reason: e.to_string() };
        Ok(Some((path, text.parse().map_err(bad)?)))
    }

    /// The run of `--steps` steps in the folder `--out`; if not given, of `steps` steps in the folder `out`.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub fn run(&self, out: &str, steps: u64) -> Result<Run> {
        Run::new(self.out.clone().unwrap_or_else(|| out.into()), self.steps.unwrap_or(steps))
    }

    /// Starts or (with `--resume`) resumes the run, and trains with a progress bar. Returns the outcome and the time of each
    /// step.
    ///
    /// # Errors
    /// As [`Run::begin`], [`Run::resume`] and [`Run::train`].
    pub fn train<T, M, S>(&self, run: &Run, trainer: &mut Trainer<T, M, S>) -> Result<(Outcome, Vec<Duration>)>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        self.train_with(run, trainer, |_, _| Ok(ControlFlow::Continue(())))
    }

    /// As [`train`](Self::train), and calls `look` after each step, which may stop the run: for pictures during training.
    ///
    /// # Errors
    /// As [`train`](Self::train), and the error of `look`; the state is saved then, too.
    pub fn train_with<T, M, S>(
        &self,
        run: &Run,
        trainer: &mut Trainer<T, M, S>,
        mut look: impl FnMut(&Trainer<T, M, S>, &Training) -> Result<ControlFlow<()>>,
    ) -> Result<(Outcome, Vec<Duration>)>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        if self.resume {
            run.resume(trainer)?;
        } else {
            run.begin().map_err(with_flags)?;
        }
        let mut terminal = Terminal::new(trainer.steps_taken(), run.steps())?;
        let mut times = Vec::new();
        let outcome = run.train_with(trainer, |trainer, training| {
            times.push(training.time);
            let shown = terminal.show(&training.progress);
            let seen = look(trainer, training)?;
            Ok(if seen.is_break() { seen } else { shown })
        });
        terminal.finish();
        let outcome = outcome?;
        if outcome == Outcome::Interrupted {
            eprintln!("stopped after step {}; the same command with --resume continues", trainer.steps_taken());
        }
        Ok((outcome, times))
    }
}

/// Adds the options that help to the error of [`Run::begin`].
fn with_flags(error: Error) -> Error {
    match error {
        Error::File { path, line, reason } => {
            Error::File { path, line, reason: reason + " (--resume continues it, --out DIR chooses the folder)" }
        }
        error => error,
    }
}

/// The exit code of a program; an error is first printed to standard error.
pub fn exit_code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
