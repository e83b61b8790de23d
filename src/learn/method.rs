//! Published methods, as combinations of this library's parts.

use super::{Alpha, AlphaFlow, Anchor, Average, Descent, Goal, MeanFlow, SampleWeights, Settings, Tangent, TimePairs};
use crate::{Error, Result};
use std::{fmt, str::FromStr};

/// A published method of training few-step generative models: an objective, a distribution of times, a weighting, a diagonal
/// share.
///
/// | name | objective | times | weight | diagonal | source |
/// |---|---|---|---|---|---|
/// | `flow-matching` | `fm` | uniform | | all | 2210.02747 |
/// | `lsd`, `esd`, `psd-u`, `psd-m` | of that name | uniform | | 3/4 | 2505.18825 |
/// | `terminal-velocity-matching` | `lsd-average` | by length | | 1/2 | 2511.19797 |
/// | `shortcut` | `psd-m` | dyadic, 8 lengths | | 3/4 | 2410.12557 |
/// | `consistency-training` | `mean-flow` | to the end | | 0 | 2303.01469 |
/// | `mean-flow` | `mean-flow` | logit-normal | adaptive | 3/4 | 2505.13447 |
/// | `improved-mean-flow` | `improved-mean-flow` | logit-normal | adaptive | 3/4 | 2512.02012 |
/// | `controlled-mean-flow` | `mean-flow` along the average's velocity, with an anchor | logit-normal | adaptive | 3/4 | 2605.09235 |
/// | `decoupled-mean-flow` | `mean-flow` | two logit-normals | Cauchy | 1/2 | 2510.24474 |
/// | `alpha-flow` | `alpha-flow`, from 1 to 0 between 40 and 65 % of the steps | logit-normal | adaptive | 1/4 | 2510.20771 |
/// | `soflow` | `alpha-flow`, from 0.1 to 0.002 | logit-normal | adaptive | 3/4 | 2512.15657 |
/// | `easy-consistency` | `alpha-flow`, from 1 to 0.002 | to the end | | 0 | 2406.14548 |
/// | `lagrangian-map-matching` | `lmd` | uniform | | 1/4 | 2406.07507 |
/// | `eulerian-map-matching` | `emd` | uniform | | 1/4 | 2406.07507 |
/// | `progressive-map-matching` | `pmd` | uniform | | 1/4 | 2406.07507 |
/// | `progressive-distillation` | `pmd-m` | grid | | 0 | 2202.00512 |
/// | `consistency-distillation` | `emd:semigradient` | to the end | | 0 | 2303.01469 |
/// | `consistency-trajectory` | `emd:semigradient` | uniform | | 1/2 | 2310.02279 |
/// | `align-your-flow` | `emd:semigradient` | uniform | | 1/4 | 2506.14603 |
///
/// Those from `lagrangian-map-matching` on learn from a given velocity ([`FromTeacher`](super::FromTeacher),
/// [`FromField`](super::FromField)), the others from data alone; `split-mean-flow` (2507.16884) is another name of `psd-u`. Each
/// is the form of its paper in the parts of this library. It differs from the paper by discretized times, tangent warm-up,
/// distances other than the square, and networks, where this table does not name them. `progressive-map-matching` takes
/// one short step of the teacher and the rest from the student. The shortest maps of `shortcut` are made of halves that are
/// trained on the diagonal only. The distribution of MeanFlow's times is that of its paper with time reversed; on the diagonal it
/// is that of one draw. Terminal velocity matching also sets the first moving average, its teacher, to a decay of 0.99, and the
/// second decay of Adam to 0.95, without which it is unstable. The controlled MeanFlow follows the first average of the settings,
/// one of decay 0.999 if there is none. A round of `progressive-distillation` has its own grid, and the map
/// of the previous round ([`FromTeacher::with_map`](super::FromTeacher::with_map)): [`rounds`](Self::rounds) are its settings.
///
/// ```
/// use flowmap::learn::{Method, Settings, TimePairs};
/// let method: Method = "mean-flow".parse()?;
/// let settings = method.settings(Settings { batch: 256, ..Settings::default() }, 10_000);
/// assert_eq!(settings.objective.to_string(), "mean-flow");
/// assert_eq!((settings.batch, method.needs_teacher()), (256, false));
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
    objective: Part,
    taught: Option<Taught>,
}

/// A moving average that teaches, by its decay, and the second decay of Adam that is stable with it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Taught {
    average: f64,
    second_decay: f64,
}

/// An objective by its name, or with its numbers in a run of [`SCALE`] steps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Named(&'static str),
    Given(Goal),
}

const SCALE: u64 = 1000;

/// MeanFlow's mean is -0.4 in its own time, which runs from data to noise.
const MIDDLE: TimePairs = TimePairs::LogitNormal { mean: 0.4, deviation: 1.0 };
const ADAPTIVE: SampleWeights = SampleWeights::Adaptive { power: 1.0, offset: 1e-3 };
const CONTROLLED: MeanFlow = MeanFlow {
    control: 1.0,
    averaged: true,
    anchor: Some(Anchor { weight: 0.5, lengths: [1e-4, 1e-2] }),
    tangent: Tangent { warm_up: 0, normalize: None, clamp: None },
};

const fn method(name: &'static str, objective: &'static str, times: TimePairs, diagonal: f64, source: &'static str) -> Method {
    Method { name, source, times, weighting: SampleWeights::Equal, diagonal, objective: Part::Named(objective), taught: None }
}

const fn shares(name: &'static str, alpha: Alpha, times: TimePairs, diagonal: f64, source: &'static str) -> Method {
    let flow = Goal::AlphaFlow(AlphaFlow { alpha, power: 0.0 });
    Method { objective: Part::Given(flow), ..method(name, "", times, diagonal, source) }
}

const fn weighed(weighting: SampleWeights, method: Method) -> Method {
    Method { weighting, ..method }
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 22] = [
        method("flow-matching", "fm", TimePairs::Uniform, 1.0, "2210.02747"),
        method("lsd", "lsd", TimePairs::Uniform, 0.75, "2505.18825"),
        method("esd", "esd", TimePairs::Uniform, 0.75, "2505.18825"),
        method("psd-u", "psd-u", TimePairs::Uniform, 0.75, "2505.18825"),
        method("psd-m", "psd-m", TimePairs::Uniform, 0.75, "2505.18825"),
        Self {
            times: TimePairs::ByLength { length: -0.8, left: -0.4, deviation: 1.0 },
            taught: Some(Taught { average: 0.99, second_decay: 0.95 }),
            ..method("terminal-velocity-matching", "lsd-average", TimePairs::Uniform, 0.5, "2511.19797")
        },
        method("shortcut", "psd-m", TimePairs::Dyadic { levels: 8 }, 0.75, "2410.12557"),
        method("consistency-training", "mean-flow", TimePairs::ToEnd, 0.0, "2303.01469"),
        weighed(ADAPTIVE, method("mean-flow", "mean-flow", MIDDLE, 0.75, "2505.13447")),
        weighed(ADAPTIVE, method("improved-mean-flow", "improved-mean-flow", MIDDLE, 0.75, "2512.02012")),
        Self {
            objective: Part::Given(Goal::MeanFlow(CONTROLLED)),
            ..weighed(ADAPTIVE, method("controlled-mean-flow", "", MIDDLE, 0.75, "2605.09235"))
        },
        weighed(
            SampleWeights::Cauchy { offset: 0.01 },
            method(
                "decoupled-mean-flow",
                "mean-flow",
                TimePairs::LogitNormals { means: [-0.2, 0.2], deviation: 1.0 },
                0.5,
                "2510.24474",
            ),
        ),
        weighed(ADAPTIVE, shares("alpha-flow", Alpha::Sigmoid { start: 400, end: 650 }, MIDDLE, 0.25, "2510.20771")),
        weighed(
            SampleWeights::Adaptive { power: 1.0, offset: 0.01 },
            shares("soflow", Alpha::Exponential { first: 0.1, last: 0.002, steps: SCALE }, MIDDLE, 0.75, "2512.15657"),
        ),
        shares(
            "easy-consistency",
            Alpha::Exponential { first: 1.0, last: 0.002, steps: SCALE },
            TimePairs::ToEnd,
            0.0,
            "2406.14548",
        ),
        method("lagrangian-map-matching", "lmd", TimePairs::Uniform, 0.25, "2406.07507"),
        method("eulerian-map-matching", "emd", TimePairs::Uniform, 0.25, "2406.07507"),
        method("progressive-map-matching", "pmd", TimePairs::Uniform, 0.25, "2406.07507"),
        method("progressive-distillation", "pmd-m", TimePairs::Grid { steps: 1 }, 0.0, "2202.00512"),
        method("consistency-distillation", "emd:semigradient", TimePairs::ToEnd, 0.0, "2303.01469"),
        method("consistency-trajectory", "emd:semigradient", TimePairs::Uniform, 0.5, "2310.02279"),
        method("align-your-flow", "emd:semigradient", TimePairs::Uniform, 0.25, "2506.14603"),
    ];

    /// The training objective in a run of this many steps.
    pub fn objective(&self, steps: u64) -> Goal {
        match self.objective {
            Part::Named(name) => name.parse().expect("methods name objectives that there are"),
            Part::Given(goal) => goal.stretched(steps as f64 / SCALE as f64),
        }
    }

    /// Whether it learns from a given velocity, not from data alone.
    pub fn needs_teacher(&self) -> bool {
        self.objective(SCALE).needs_teacher()
    }

    /// `others` with the objective, times, weighting and diagonal of this method, for a run of this many steps.
    pub fn settings(&self, others: Settings, steps: u64) -> Settings {
        let Self { times, weighting, diagonal, .. } = *self;
        let mut own = Settings { objective: self.objective(steps), times, weighting, diagonal, curriculum: None, ..others };
        if let Some(Taught { average, second_decay }) = self.taught {
            let teacher = Average::from(average);
            own.averages.retain(|average| *average != teacher);
            own.averages.insert(0, teacher);
            if let Descent::Adam(adam) = &mut own.optimizer {
                adam.betas[1] = second_decay;
            }
        }
        if own.objective.needs().average && own.averages.is_empty() {
            own.averages.push(0.999.into());
        }
        own
    }

    /// The settings of its rounds of this many training steps each, in order: for progressive distillation those of a grid with
    /// `grid` steps, with half as many, down to 1; one round for all others.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `grid` is a power of two.
    pub fn rounds(&self, grid: u32, others: &Settings, steps: u64) -> Result<Vec<Settings>> {
        if !grid.is_power_of_two() {
            let reason = format!("{grid} cannot be halved down to 1; give a power of 2");
            return Err(Error::invalid("steps of the first round", reason));
        }
        let settings = self.settings(others.clone(), steps);
        let TimePairs::Grid { .. } = self.times else { return Ok(vec![settings]) };
        let round = |level: u32| Settings { times: TimePairs::Grid { steps: 1 << level }, ..settings.clone() };
        Ok((0..=grid.ilog2()).rev().map(round).collect())
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
        let name = if name == "split-mean-flow" { "psd-u" } else { name };
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
            assert_eq!(method.settings(Settings::default(), 500).objective, method.objective(500));
            assert!(method.settings(Settings::default(), 500).check().is_ok(), "{method}");
        }
        assert!("cosmic".parse::<Method>().unwrap_err().to_string().contains("mean-flow"));
    }

    #[test]
    fn rounds_halve_the_grid() {
        let rounds = |name: &str, grid| name.parse::<Method>().unwrap().rounds(grid, &Settings::default(), 100);
        let grids: Vec<_> = rounds("progressive-distillation", 8).unwrap().into_iter().map(|s| s.times).collect();
        assert_eq!(grids, [8, 4, 2, 1].map(|steps| TimePairs::Grid { steps }));
        assert_eq!(rounds("lsd", 8).unwrap().len(), 1);
        assert!([0, 3].into_iter().all(|steps| rounds("lsd", steps).is_err()));
    }
}
