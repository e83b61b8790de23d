//! Checkpoints: training states on disk.

use super::{Average, Settings, Source, Trainer, optimizer::Memory};
use crate::{Error, Real, Result, Tensor, durable, named_tensors, nn::Model};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

const FORMAT: &str = "flowmap checkpoint";
const VERSION: u32 = 2;
const TENSORS: &str = "tensors.safetensors";
const STATE: &str = "state.json";
/// A bound on the size of a [`STATE`] file, in bytes.
const MOST_TEXT: u64 = 1 << 26;
/// A bound on the number of steps, far from overflow.
const MOST_STEPS: u64 = 1 << 48;

/// A training state on disk: a folder `step-NNNNNNNNNN` with all tensors (`tensors.safetensors`) and everything else
/// (`state.json`).
///
/// Folders appear complete or not at all, survive a crash of the machine, and hold a checksum. [`Trainer::save`] writes them,
/// [`Trainer::restore`] continues from them bit for bit, and [`load`](Checkpoint::load) reads a network for sampling.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    state: State,
    tensors: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    format: String,
    version: u32,
    flowmap: String,
    step: u64,
    real: String,
    settings: Settings,
    parts: Json,
    network: Json,
    source: Json,
    description: Json,
    bytes: u64,
    crc32: u32,
    /// The checksum of all text before its own line, hence the last field.
    text_crc32: u32,
}

/// Which parameters to read from a [`Checkpoint`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Weights {
    /// Those of the last step.
    Current,
    /// This moving average.
    Average(Average),
}

impl Weights {
    fn prefix(self) -> String {
        match self {
            Self::Current => "model".into(),
            Self::Average(average) => format!("average.{average}"),
        }
    }
}

impl Checkpoint {
    /// The newest checkpoint in `folder`, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder is there but cannot be read.
    pub fn latest(folder: &Path) -> Result<Option<PathBuf>> {
        Ok(Self::all(folder)?.pop())
    }

    /// All checkpoints in `folder`, oldest first.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder is there but cannot be read.
    pub fn all(folder: &Path) -> Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => durable::at(folder, entries)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = durable::at(folder, entry)?.path();
            if let Some(step) = Self::step_of(&path) {
                found.push((step, path));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    /// The step in a checkpoint's name.
    pub(super) fn step_of(path: &Path) -> Option<u64> {
        path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()
    }

    /// Reads a checkpoint and verifies its checksums.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::File`] if one is missing, truncated, damaged or foreign.
    pub fn open(path: &Path) -> Result<Self> {
        let bad = |reason: String| Error::File { path: path.to_owned(), line: None, reason };
        // check sizes before reading: a foreign file can be larger than memory
        let read = |name: &str, fits: &dyn Fn(u64) -> bool, expected: String| {
            let file = path.join(name);
            let size = match fs::metadata(&file) {
                Err(error) if error.kind() == ErrorKind::NotFound && path.is_dir() => {
                    return Err(bad(format!("{name} is missing; the checkpoint is incomplete or foreign")));
                }
                found => durable::at(&file, found)?.len(),
            };
            if !fits(size) {
                return Err(bad(format!("{name} has {size} bytes, expected {expected}; it is truncated or foreign")));
            }
            durable::at(&file, fs::read(&file))
        };
        let text = read(STATE, &|size| size <= MOST_TEXT, format!("at most {MOST_TEXT}"))?;
        let json: Json =
            serde_json::from_slice(&text).map_err(|e| bad(format!("{STATE} is not JSON ({e}); is it truncated?")))?;
        if json["format"] != FORMAT {
            return Err(bad(format!("{STATE} has format {}, expected \"{FORMAT}\"", json["format"])));
        }
        if json["version"] != VERSION {
            return Err(bad(format!("its version is {}, this program reads version {VERSION}", json["version"])));
        }
        let state: State = serde_json::from_value(json).map_err(|e| bad(format!("{STATE} is damaged: {e}")))?;
        let crc32 = text_crc32(&text);
        if crc32 != state.text_crc32 {
            return Err(bad(format!("{STATE} has checksum {crc32:08x}, expected {:08x}; it is damaged", state.text_crc32)));
        }
        if state.step > MOST_STEPS {
            return Err(bad(format!("{STATE} has step {}, expected at most {MOST_STEPS}", state.step)));
        }
        let tensors = read(TENSORS, &|size| size == state.bytes, state.bytes.to_string())?;
        let crc32 = crc32fast::hash(&tensors);
        if crc32 != state.crc32 {
            return Err(bad(format!("{TENSORS} has checksum {crc32:08x}, expected {:08x}; it is damaged", state.crc32)));
        }
        Ok(Self { path: path.to_owned(), state, tensors })
    }

    /// Steps taken when it was written.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// The settings of the run.
    pub fn settings(&self) -> &Settings {
        &self.state.settings
    }

    /// The description given to [`Trainer::describe`].
    pub fn description(&self) -> &Json {
        &self.state.description
    }

    /// Loads the network with parameters from this checkpoint; `model` gives their names and shapes, and the device.
    ///
    /// # Errors
    /// [`Error::File`] if the network differs, or a parameter is missing or has another shape or type.
    pub fn load<T: Tensor<Primal = T>, M: Model<T>>(&self, model: &M, weights: Weights) -> Result<M> {
        self.same("network", &self.state.network, &model.architecture())?;
        self.reader()?.module(&weights.prefix(), model)
    }

    /// What tells its run from others.
    pub(super) fn run(&self) -> [(&'static str, Json); 5] {
        let State { settings, parts, network, source, description, .. } = &self.state;
        let [network, source, description] = [network, source, description].map(Json::clone);
        [
            ("settings", json(settings)),
            ("parts", parts.clone()),
            ("network", network),
            ("source", source),
            ("description", description),
        ]
    }

    /// # Errors
    /// [`Error::File`] naming the first difference.
    pub(super) fn same_run(&self, run: &[(&'static str, Json); 5]) -> Result<()> {
        self.run().iter().zip(run).try_for_each(|((name, there), (_, here))| self.same(name, there, here))
    }

    fn same(&self, name: &str, there: &Json, here: &Json) -> Result<()> {
        match difference(name, there, here) {
            None => Ok(()),
            Some(difference) => Err(self.error(format!("it belongs to another run: {difference}"))),
        }
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error::File { path: self.path.clone(), line: None, reason: reason.into() }
    }

    fn reader(&self) -> Result<Reader<'_>> {
        let tensors = SafeTensors::deserialize(&self.tensors).map_err(|e| self.error(format!("{TENSORS}: {e}")))?;
        Ok(Reader { checkpoint: self, tensors })
    }
}

/// Reads tensors by name.
struct Reader<'a> {
    checkpoint: &'a Checkpoint,
    tensors: SafeTensors<'a>,
}

impl Reader<'_> {
    /// A tensor of this shape, and where this one is.
    fn tensor<T: Tensor<Primal = T>>(&self, name: &str, like: &T) -> Result<T> {
        let values = named_tensors::read(&self.tensors, name, like.shape()).map_err(|e| self.checkpoint.error(e))?;
        Ok(T::from_slice_on(&like.device(), &values, like.shape()))
    }

    fn module<T: Tensor<Primal = T>, M: Model<T>>(&self, prefix: &str, like: &M) -> Result<M> {
        like.try_map(&mut |name, p| self.tensor(&format!("{prefix}/{name}"), p))
    }
}

impl<T, M, S> Trainer<T, M, S>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    S: Source<T>,
{
    /// Adds to checkpoints what determines the run besides settings, network and distributions, such as units of the data or the
    /// backend. [`restore`](Self::restore) rejects a checkpoint with another description.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be written as JSON.
    pub fn describe(mut self, description: impl Serialize) -> Result<Self> {
        self.description = serde_json::to_value(description).map_err(|e| Error::invalid("description", e.to_string()))?;
        Ok(self)
    }

    /// Writes the state to `folder/step-NNNNNNNNNN` and returns that path.
    ///
    /// ```
    /// # use flowmap::{Cpu, distribution::{Checkerboard, Normal}};
    /// # use flowmap::learn::{Checkpoint, Independent, Settings, Trainer};
    /// # use flowmap::nn::{Mlp, MlpShape};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path();
    /// # let mlp: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 8, 1), 1)?;
    /// # let coupling = Independent::new(Normal::standard(2)?, Checkerboard)?;
    /// # let mut trainer = Trainer::new(mlp, coupling, Settings { batch: 8, ..Settings::default() })?;
    /// let path = trainer.save(folder)?;
    /// let progress = trainer.step()?;
    /// trainer.restore(&path)?;
    /// assert_eq!(trainer.step()?, progress); // the same step again, bit for bit
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; no half-written checkpoint is left behind.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(format!("step-{:010}", self.step));
        let bad = |reason: String| Error::File { path: path.clone(), line: None, reason };
        let bytes = named_tensors::write(&self.tensors(), None).map_err(|e| bad(e.to_string()))?;
        let mut state = State {
            format: FORMAT.into(),
            version: VERSION,
            flowmap: env!("CARGO_PKG_VERSION").into(),
            step: self.step,
            real: T::Real::NAME.into(),
            settings: self.settings.clone(),
            parts: self.parts.describe(self.source.span()),
            network: self.model.architecture(),
            source: self.source.fingerprint(&self.device).into(),
            description: self.description.clone(),
            bytes: bytes.len() as u64,
            crc32: crc32fast::hash(&bytes),
            text_crc32: 0,
        };
        let text = |state: &State| serde_json::to_vec_pretty(state).map_err(|e| bad(e.to_string()));
        state.text_crc32 = text_crc32(&text(&state)?);
        durable::write_folder(&path, &[(TENSORS, &bytes), (STATE, &text(&state)?)])?;
        log::info!("wrote {}", path.display());
        Ok(path)
    }

    /// Continues from a checkpoint: the next step is the one that the saved run would have taken, bit for bit on the CPU.
    ///
    /// # Errors
    /// As [`Checkpoint::open`], and [`Error::File`] if its settings, parts, network, source or description are not this trainer's;
    /// the message names the first difference. The trainer is then unchanged.
    pub fn restore(&mut self, path: &Path) -> Result<()> {
        let checkpoint = Checkpoint::open(path)?;
        checkpoint.same_run(&[
            ("settings", json(&self.settings)),
            ("parts", self.parts.describe(self.source.span())),
            ("network", self.model.architecture()),
            ("source", self.source.fingerprint(&self.device).into()),
            ("description", self.description.clone()),
        ])?;
        let reader = checkpoint.reader()?;
        let model = reader.module(&Weights::Current.prefix(), &self.model)?;
        let averages = self.settings.averages.iter().map(|&kind| reader.module(&Weights::Average(kind).prefix(), &self.model));
        let averages = averages.collect::<Result<_>>()?;
        let (mut memories, mut like) = (Vec::new(), self.memories.iter());
        self.model.try_map(&mut |name, _| {
            let Memory { names, tensors } = like.next().expect("each parameter has its memory");
            let read = names.iter().zip(tensors).map(|(kind, tensor)| reader.tensor(&in_memory(kind, name), tensor));
            memories.push(Memory { names: names.clone(), tensors: read.collect::<Result<_>>()? });
            Ok::<_, Error>(())
        })?;
        (self.model, self.averages, self.memories, self.step) = (model, averages, memories, checkpoint.step());
        Ok(())
    }

    /// All tensors of the state, by name.
    fn tensors(&self) -> Vec<(String, T)> {
        let mut all = Vec::new();
        let mut add = |name: String, p: &T| all.push((name, p.clone()));
        let mut memories = self.memories.iter();
        self.model.visit(&mut |name, p| {
            add(format!("{}/{name}", Weights::Current.prefix()), p);
            let Memory { names, tensors } = memories.next().expect("each parameter has its memory");
            names.iter().zip(tensors).for_each(|(kind, tensor)| add(in_memory(kind, name), tensor));
        });
        for (average, &kind) in self.averages.iter().zip(&self.settings.averages) {
            average.visit(&mut |name, p| add(format!("{}/{name}", Weights::Average(kind).prefix()), p));
        }
        all
    }
}

/// The name of a tensor that the optimizer keeps for a parameter.
fn in_memory(kind: &str, parameter: &str) -> String {
    format!("optimizer.{kind}/{parameter}")
}

/// The checksum of a [`STATE`] file up to the line that holds it.
fn text_crc32(text: &[u8]) -> u32 {
    const KEY: &[u8] = b"\n  \"text_crc32\"";
    let end = text.windows(KEY.len()).rposition(|part| part == KEY).unwrap_or(text.len());
    crc32fast::hash(&text[..end])
}

fn json(settings: &Settings) -> Json {
    serde_json::to_value(settings).unwrap_or_default()
}

/// Describes the first difference between two JSON values.
fn difference(name: &str, there: &Json, here: &Json) -> Option<String> {
    match (there, here) {
        (Json::Object(a), Json::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|k| {
                difference(&format!("{name}.{k}"), a.get(k).unwrap_or(&Json::Null), b.get(k).unwrap_or(&Json::Null))
            })
        }
        _ if there == here => None,
        _ => Some(format!("{name} is {there} there and {here} here")),
    }
}
