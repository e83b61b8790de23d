//! Published methods, as combinations of this library's parts.

use super::{Distillation, SampleWeights, Settings, Teacher, TimePairs};
use crate::{Error, Result};
use std::{fmt, str::FromStr};

/// A published method of training few-step generative models: an objective, a distribution of times, a weighting, a diagonal
/// share.
///
/// | name | objective | times | weight | diagonal | source |
/// |---|---|---|---|---|---|
/// | `flow-matching` | `fm` | uniform | | all | 2210.02747 |
/// | `lsd`, `esd`, `psd-u`, `psd-m` | of that name | uniform | | 3/4 | 2505.18825 |
/// | `terminal-velocity-matching` | `lsd` | uniform | | 1/2 | 2511.19797 |
/// | `shortcut` | `psd-m` | dyadic, 8 lengths | | 3/4 | 2410.12557 |
/// | `consistency-training` | `mf` | to the end | | 0 | 2303.01469 |
/// | `mean-flow` | `mf` | logit-normal | adaptive | 3/4 | 2505.13447 |
/// | `improved-mean-flow` | `mf:compound` | logit-normal | adaptive | 3/4 | 2512.02012 |
/// | `lagrangian-map-matching` | `lmd` | uniform | | 1/4 | 2406.07507 |
/// | `eulerian-map-matching` | `emd` | uniform | | 1/4 | 2406.07507 |
/// | `progressive-map-matching` | `pmd` | uniform | | 1/4 | 2406.07507 |
/// | `progressive-distillation` | `pmd-m` | grid | | 0 | 2202.00512 |
/// | `consistency-distillation` | `emd:semigradient` | to the end | | 0 | 2303.01469 |
/// | `consistency-trajectory` | `emd:semigradient` | uniform | | 1/2 | 2310.02279 |
/// | `align-your-flow` | `emd:semigradient` | uniform | | 1/4 | 2506.14603 |
///
/// The first seven rows learn from data alone, the others from a given velocity ([`FromTeacher`](super::FromTeacher),
/// [`FromField`](super::FromField)). Each is the continuous form of its paper, in the parts of this library, without moving
/// averages as teachers, discretized times, tangent warm-up, or distances other than the square. `progressive-map-matching` takes
/// one short step of the teacher and the rest from the student. The shortest maps of `shortcut` are made of halves that are
/// trained on the diagonal only. The distribution of MeanFlow's times is that of its paper with time reversed; on the diagonal it
/// is that of one draw. A round of `progressive-distillation` has its own grid, and the map of the previous round
/// ([`FromTeacher::with_map`](super::FromTeacher::with_map)): [`rounds`](Self::rounds) are its settings.
///
/// ```
/// use flowmap::learn::{Method, Settings, TimePairs};
/// let method: Method = "mean-flow".parse()?;
/// let settings = method.settings(Settings { batch: 256, ..Settings::default() });
/// assert_eq!(settings.objective.to_string(), "mf");
/// assert_eq!((settings.batch, method.needs_teacher()), (256, false));
/// assert!(Method::ALL.iter().all(|method| method.settings(Settings::default()).check().is_ok()));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Method {
    /// Its name in this library.
    pub name: &'static str,
    /// The paper, by its number in the arXiv.
    pub source: &'static str,
    /// The distribution of times.
    pub times: TimePairs,
    /// How samples are weighted within a batch.
    pub weighting: SampleWeights,
    /// The share of a batch that is on the diagonal.
    pub diagonal: f64,
    objective: &'static str,
}

/// MeanFlow's mean is -0.4 in its own time, which runs from data to noise.
const MIDDLE: TimePairs = TimePairs::LogitNormal { mean: 0.4, deviation: 1.0 };
const ADAPTIVE: SampleWeights = SampleWeights::Adaptive { power: 1.0, offset: 1e-3 };

const fn method(name: &'static str, objective: &'static str, times: TimePairs, diagonal: f64, source: &'static str) -> Method {
    Method { name, source, times, weighting: SampleWeights::Equal, diagonal, objective }
}

const fn adaptive(method: Method) -> Method {
    Method { weighting: ADAPTIVE, ..method }
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 17] = [
        method("flow-matching", "fm", TimePairs::Uniform, 1.0, "2210.02747"),
        method("lsd", "lsd", TimePairs::Uniform, 0.75, "2505.18825"),
        method("esd", "esd", TimePairs::Uniform, 0.75, "2505.18825"),
        method("psd-u", "psd-u", TimePairs::Uniform, 0.75, "2505.18825"),
        method("psd-m", "psd-m", TimePairs::Uniform, 0.75, "2505.18825"),
        method("terminal-velocity-matching", "lsd", TimePairs::Uniform, 0.5, "2511.19797"),
        method("shortcut", "psd-m", TimePairs::Dyadic { levels: 8 }, 0.75, "2410.12557"),
        method("consistency-training", "mf", TimePairs::ToEnd, 0.0, "2303.01469"),
        adaptive(method("mean-flow", "mf", MIDDLE, 0.75, "2505.13447")),
        adaptive(method("improved-mean-flow", "mf:compound", MIDDLE, 0.75, "2512.02012")),
        method("lagrangian-map-matching", "lmd", TimePairs::Uniform, 0.25, "2406.07507"),
        method("eulerian-map-matching", "emd", TimePairs::Uniform, 0.25, "2406.07507"),
        method("progressive-map-matching", "pmd", TimePairs::Uniform, 0.25, "2406.07507"),
        method("progressive-distillation", "pmd-m", TimePairs::Grid { steps: 1 }, 0.0, "2202.00512"),
        method("consistency-distillation", "emd:semigradient", TimePairs::ToEnd, 0.0, "2303.01469"),
        method("consistency-trajectory", "emd:semigradient", TimePairs::Uniform, 0.5, "2310.02279"),
        method("align-your-flow", "emd:semigradient", TimePairs::Uniform, 0.25, "2506.14603"),
    ];

    /// The training objective.
    pub fn objective(&self) -> Distillation {
        self.objective.parse().expect("methods name objectives that there are")
    }

    /// Whether it learns from a given velocity, not from data alone.
    pub fn needs_teacher(&self) -> bool {
        self.objective().teacher() == Some(Teacher::Given)
    }

    /// `others` with the objective, times, weighting and diagonal of this method.
    pub fn settings(&self, others: Settings) -> Settings {
        let Self { times, weighting, diagonal, .. } = *self;
        Settings { objective: self.objective(), times, weighting, diagonal, curriculum: None, ..others }
    }

    /// The settings of its rounds, in order: for progressive distillation grids of `steps`, half as many, down to 1; one round
    /// for all others.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `steps` is a power of two.
    pub fn rounds(&self, steps: u32, others: &Settings) -> Result<Vec<Settings>> {
        if !steps.is_power_of_two() {
            return Err(Error::invalid(
                "steps of the first round",
                format!("{steps} cannot be halved down to 1; give a power of 2"),
            ));
        }
        let settings = self.settings(others.clone());
        let TimePairs::Grid { .. } = self.times else { return Ok(vec![settings]) };
        let round = |level: u32| Settings { times: TimePairs::Grid { steps: 1 << level }, ..settings.clone() };
        Ok((0..=steps.ilog2()).rev().map(round).collect())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl FromStr for Method {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|method| method.name == name).ok_or_else(|| {
            let known = Self::ALL.map(|method| method.name).join(", ");
            Error::invalid("method", format!("'{name}' is unknown; choose one of {known}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
            assert_eq!(Method::ALL.iter().filter(|other| other.name == method.name).count(), 1);
            assert_eq!(method.settings(Settings::default()).objective, method.objective());
        }
        assert!("cosmic".parse::<Method>().unwrap_err().to_string().contains("mean-flow"));
    }

    #[test]
    fn rounds_halve_the_grid() {
        let rounds = |name: &str, steps| name.parse::<Method>().unwrap().rounds(steps, &Settings::default());
        let grids: Vec<_> = rounds("progressive-distillation", 8).unwrap().into_iter().map(|s| s.times).collect();
        assert_eq!(grids, [8, 4, 2, 1].map(|steps| TimePairs::Grid { steps }));
        assert_eq!(rounds("lsd", 8).unwrap().len(), 1);
        assert!([0, 3].into_iter().all(|steps| rounds("lsd", steps).is_err()));
    }
}
