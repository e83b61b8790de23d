//! Command-line options of a training program.

use super::Terminal;
use crate::{
    Error, Result, Tensor,
    learn::{Checkpoint, Descent, Outcome, Run, Settings, Source, Trainer, Training},
    nn::Model,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    mem::discriminant,
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
    /// Objective: lsd, esd, psd-u, psd-m, lsd-average, mean-flow, improved-mean-flow, alpha-flow, or fm (flow matching only); with
    /// a given velocity field lmd, emd, pmd, pmd-m
    #[arg(long)]
    pub objective: Option<String>,
    /// Stop gradient: paper, none, semigradient (lsd, esd, lmd, emd), teacher (esd), map or map-none (psd, pmd)
    #[arg(long)]
    pub stop_gradient: Option<String>,
    /// Total number of training steps
    #[arg(long)]
    pub steps: Option<u64>,
    /// Minutes of training, about: the number of steps is that of a short trial
    #[arg(long, conflicts_with = "steps", value_parser = minutes)]
    pub minutes: Option<f64>,
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
    /// The table has the fields of [`Settings`], such as `batch = 128`, `optimizer = "muon"`, or
    /// `schedule = { cosine = { steps = 5000 } }`. An optimizer of another kind than that of the defaults brings its usual rate,
    /// unless a rate is given.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the objective or its stop gradient is unknown, or a setting is not allowed; otherwise as
    /// [`section`](Self::section).
    pub fn settings(&self, defaults: Settings) -> Result<Settings> {
        let program = defaults.optimizer.clone();
        let defaults = self.section("training", defaults)?;
        let objective = match (&self.objective, &self.stop_gradient) {
            (None, None) => defaults.objective,
            (Some(name), None) => name.parse()?,
            (name, Some(stop)) => {
                let name = name.clone().unwrap_or_else(|| defaults.objective.to_string());
                format!("{}:{stop}", name.split(':').next().unwrap_or_default()).parse()?
            }
        };
        // an optimizer of another kind brings its own rate
        let optimizer = self.optimizer.as_ref().map_or(Ok(defaults.optimizer), |name| name.parse::<Descent>())?;
        let another = match &self.optimizer {
            Some(_) => true,
            None => discriminant(&optimizer) != discriminant(&program) && !self.sets("training", "learning_rate")?,
        };
        let rate = if another { optimizer.usual_rate() } else { defaults.learning_rate };
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

    /// Whether the configuration file has this field in this table.
    fn sets(&self, table: &str, field: &str) -> Result<bool> {
        Ok(self.file()?.and_then(|(_, file)| file.get(table)?.get(field).cloned()).is_some())
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

    /// A run, and the trainer for it, which is a function of the number of steps: because of a learning rate that falls, for
    /// example. The steps are those of `--steps`, or as many as fit into `--minutes` by a short trial, or else `steps`; a resumed
    /// run keeps the steps over which its [learning rate falls](crate::learn::Annealing::end).
    ///
    /// # Errors
    /// As [`run`](Self::run), the error of `trainer`, and [`Error::File`] if a checkpoint cannot be read.
    pub fn prepare<T, M, S>(
        &self,
        out: &str,
        steps: u64,
        trainer: impl Fn(u64) -> Result<Trainer<T, M, S>>,
    ) -> Result<(Run, Trainer<T, M, S>)>
    where
        T: Tensor<Primal = T>,
        M: Model<T>,
        S: Source<T>,
    {
        const TRIAL: u64 = 1000;
        let folder = self.out.clone().unwrap_or_else(|| out.into());
        let newest = if self.resume { Checkpoint::latest(&folder.join("checkpoints"))? } else { None };
        let begun = newest.map(|path| Checkpoint::open(&path)).transpose()?;
        // a schedule of the user's own may end before the run does
        let begun = begun.and_then(|from| from.settings().schedule.end().filter(|&end| end >= from.step()));
        let steps = match (self.steps.or(begun), self.minutes) {
            (Some(steps), _) => steps,
            (None, None) => steps,
            (None, Some(minutes)) => trainer(TRIAL)?.steps_within(Duration::from_secs_f64(60.0 * minutes))?,
        };
        Ok((Run::new(folder, steps)?, trainer(steps)?))
    }

    /// The run of `--steps` steps in the folder `--out`; if not given, of `steps` steps in the folder `out`.
    ///
    /// # Errors
    /// As [`Run::new`], and [`Error::Invalid`] with `--minutes`, which needs [`prepare`](Self::prepare).
    pub fn run(&self, out: &str, steps: u64) -> Result<Run> {
        if self.minutes.is_some() {
            return Err(Error::invalid("minutes", "this program counts steps; give --steps"));
        }
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

/// Parses a time for training.
fn minutes(text: &str) -> std::result::Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "give a number of minutes".to_string())?;
    if (1e-3..=1e6).contains(&minutes) { Ok(minutes) } else { Err("give 0.001 to 1,000,000 minutes".into()) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{Adam, AlphaFlow, Distillation, Goal, MeanFlow, Muon};
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        training: Options,
    }

    /// The settings of a program by a file with this table, and these options.
    fn settings(file: &str, options: &[&str]) -> Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, format!("[training]\n{file}")).unwrap();
        let given = [&["program", "--config", path.to_str().unwrap()], options].concat();
        let defaults = Settings { optimizer: Adam::rectified().into(), learning_rate: 7e-3, ..Settings::default() };
        Program::parse_from(given).training.settings(defaults)
    }

    #[test]
    fn an_optimizer_is_a_name_or_a_table_and_brings_its_rate() {
        let muon: Descent = Muon::default().into();
        let of = |file: &str, options: &[&str]| settings(file, options).map(|s| (s.optimizer, s.learning_rate)).unwrap();
        assert_eq!(of("optimizer = \"muon\"", &[]), (muon.clone(), muon.usual_rate()));
        assert_eq!(of("optimizer = \"muon\"\nlearning_rate = 0.5", &[]), (muon.clone(), 0.5));
        assert_eq!(of("optimizer = \"muon\"", &["--lr", "0.25"]), (muon.clone(), 0.25));
        let slow: Descent = Muon { momentum: 0.8, ..Muon::default() }.into();
        assert_eq!(of("optimizer = { muon = { momentum = 0.8 } }", &[]), (slow, muon.usual_rate()));
        // another Adam is of the same kind
        assert_eq!(of("optimizer = \"adam\"", &[]), (Adam::default().into(), 7e-3));
        assert_eq!(of("batch = 3", &[]), (Adam::rectified().into(), 7e-3));
        assert_eq!(of("learning_rate = 0.5", &["--optimizer", "soap"]).1, "soap".parse::<Descent>().unwrap().usual_rate());
        let refused = |file: &str| settings(file, &[]).unwrap_err().to_string();
        assert!(refused("optimizer = \"moun\"").contains("choose one of adam, radam, lion, muon, soap"));
        assert!(refused("optimizer = { moun = {} }").contains("moun"));
        assert!(refused("optimizer = { muon = { momentun = 0.8 } }").contains("momentun"));
        assert!(refused("optimizer = 3").contains("a name, or a table"));
    }

    #[test]
    fn an_objective_is_a_name_or_a_table() {
        let of = |file: &str, options: &[&str]| settings(file, options).map(|s| s.objective).unwrap();
        assert_eq!(of("objective = \"psd-m\"", &[]), Distillation::PSD_M.into());
        let controlled: Goal = MeanFlow { control: 0.5, ..MeanFlow::default() }.into();
        assert_eq!(of("objective = { mean-flow = { control = 0.5 } }", &[]), controlled, "the numbers of a file stay");
        assert_eq!(
            of("objective = { mean-flow = { control = 0.5 } }", &["--objective", "alpha-flow"]),
            AlphaFlow::default().into()
        );
        assert_eq!(of("objective = \"lsd\"", &["--stop-gradient", "none"]), "lsd:none".parse().unwrap());
        let refused = |file: &str, options: &[&str]| settings(file, options).unwrap_err().to_string();
        assert!(refused("objective = \"mean\"", &[]).contains("choose one of fm, lsd"));
        assert!(refused("objective = { mean-flow = { control = 2 } }", &[]).contains("[0, 1]"));
        let unknown = refused("objective = { lsd = {} }", &[]);
        assert!(unknown.contains("mean-flow") && unknown.contains("alpha-flow"), "{unknown}");
        assert!(refused("objective = { mean-flow = { contrl = 1 } }", &[]).contains("contrl"));
        assert!(refused("objective = \"mean-flow\"", &["--stop-gradient", "none"]).contains("mean-flow has no mode none"));
    }
}
