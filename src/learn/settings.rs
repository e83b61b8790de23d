//! The settings of a training run.

use super::{Curriculum, Identity, Objective, Optimizer, Schedule, Teacher, Times, Weighting};
use crate::{Error, Result, interpolant::Path};
use serde::{Deserialize, Serialize};

/// Everything that determines a training run besides the network and the data: a checkpoint holds it.
///
/// ```
/// use flowmap::learn::Settings;
/// let settings = Settings { batch: 256, seed: 7, ..Settings::default() };
/// assert_eq!(settings.clip, 10.0); // the paper's recipe for low dimensions
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The objective off the diagonal, with its stop gradients.
    pub objective: Objective,
    /// The interpolant between noise and data.
    pub path: Path,
    /// Samples in a batch.
    pub batch: usize,
    /// The share of the batch, in `(0, 1]`, that trains the diagonal `v_{t,t}`: by flow matching, or on a given field. It may be
    /// 0 for objectives that use a given field or the velocities of samples, not the network's own.
    pub diagonal: f64,
    /// The distribution of times.
    #[serde(default)]
    pub times: Times,
    /// Starts with times close together; `None` starts with all distances.
    #[serde(default)]
    pub curriculum: Option<Curriculum>,
    /// How samples are weighted within a batch.
    #[serde(default)]
    pub weighting: Weighting,
    /// The weight `w` of the loss `e^-w |r|² + w`.
    pub weight: f64,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The learning rate before the schedule.
    pub learning_rate: f64,
    /// How the learning rate falls.
    pub schedule: Schedule,
    /// Gradients of larger norm are scaled down to this norm.
    pub clip: f64,
    /// The decays of the exponential moving averages of the parameters.
    pub averages: Vec<f64>,
    /// The seed of all randomness.
    pub seed: u64,
}

/// The recipe of arXiv 2505.18825 for low dimensions, with a batch of 1,024.
impl Default for Settings {
    fn default() -> Self {
        Self {
            objective: "lsd".parse().expect("a known objective"),
            path: Path::Linear,
            batch: 1024,
            diagonal: 0.75,
            times: Times::Uniform,
            curriculum: None,
            weighting: Weighting::Equal,
            weight: 1.0,
            optimizer: Optimizer::RAdam,
            learning_rate: 1e-3,
            schedule: Schedule::SquareRoot { start: 35_000 },
            clip: 10.0,
            averages: vec![0.999, 0.9999],
            seed: 42,
        }
    }
}

impl Settings {
    /// The number of samples of a batch on the diagonal.
    pub fn diagonal_samples(&self) -> usize {
        match self.objective.distillation() {
            None => self.batch,
            Some(_) if self.diagonal == 0.0 => 0,
            Some(_) => ((self.batch as f64 * self.diagonal) as usize).clamp(1, self.batch),
        }
    }

    /// # Errors
    /// [`Error::Invalid`] naming the first setting that is not allowed.
    pub fn check(&self) -> Result<()> {
        // beyond these bounds one step can overflow f32, and destroy what was learned
        const FASTEST: f64 = 1e6;
        const HEAVIEST: f64 = 30.0;
        // 100 times that of the paper; a larger one is a mistake, and would panic or run out of memory
        const LARGEST: usize = 10_000_000;
        let positive = [("learning rate", self.learning_rate), ("gradient clip", self.clip)];
        if let Some((what, value)) = positive.into_iter().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
            return Err(Error::invalid(what, format!("{value} is not a positive number")));
        }
        if self.learning_rate > FASTEST {
            return Err(Error::invalid("learning rate", format!("{} is above {FASTEST}", self.learning_rate)));
        }
        if self.batch == 0 {
            return Err(Error::invalid("batch", "a batch of 0 samples trains nothing; give at least 1"));
        }
        if self.batch > LARGEST {
            return Err(Error::invalid("batch", format!("{} samples are more than {LARGEST}", self.batch)));
        }
        let none = self.diagonal == 0.0 && !self.objective.needs_diagonal();
        if !(none || self.diagonal > 0.0 && self.diagonal <= 1.0) {
            return Err(Error::invalid("diagonal share", format!("{} is not in (0, 1]", self.diagonal)));
        }
        if self.objective.distillation().is_some() && self.diagonal_samples() == self.batch {
            let remedy = "enlarge the batch, lower the share, or use the objective fm";
            let reason =
                format!("{} of {} samples lie on the diagonal, none is left for {}", self.batch, self.batch, self.objective);
            return Err(Error::invalid("diagonal share", format!("{reason}; {remedy}")));
        }
        if self.weight.is_nan() || self.weight.abs() > HEAVIEST {
            return Err(Error::invalid("loss weight", format!("{} is not in [-{HEAVIEST}, {HEAVIEST}]", self.weight)));
        }
        if let Some(decay) = self.averages.iter().find(|d| !(0.0..1.0).contains(*d)) {
            return Err(Error::invalid("decay of an average", format!("{decay} is not in [0, 1)")));
        }
        // averages are identified, and stored, by their decay
        let twice = self.averages.iter().enumerate().find(|&(i, decay)| self.averages[..i].contains(decay));
        if let Some((_, decay)) = twice {
            return Err(Error::invalid("decay of an average", format!("{decay} is given twice")));
        }
        self.times.check()?;
        self.check_times()?;
        self.curriculum.map_or(Ok(()), |curriculum| curriculum.check())?;
        self.weighting.check()?;
        self.schedule.check()
    }

    /// Checks that the objective determines the map at the times drawn.
    fn check_times(&self) -> Result<()> {
        use Identity::{Eulerian, Lagrangian, SemigroupMidpoint, SemigroupUniform};
        let Self { objective, times, .. } = self;
        let Some(distillation) = objective.distillation() else { return Ok(()) };
        let halves_of_itself =
            matches!(distillation, SemigroupUniform | SemigroupMidpoint) && objective.teacher() == Some(Teacher::Itself);
        let reason = match (times, distillation) {
            (Times::ToEnd, _) if halves_of_itself => "is made of maps that end earlier",
            (Times::ToEnd, Lagrangian) => "uses the derivative with respect to the end time",
            (Times::Grid { .. }, _) if halves_of_itself => "is made of maps over half a step",
            (Times::Grid { .. } | Times::Dyadic { .. }, Lagrangian | Eulerian) => {
                "uses a time derivative, which a few times do not determine"
            }
            _ => return Ok(()),
        };
        let remedy = "use uniform times";
        Err(Error::invalid(
            "distribution of times",
            format!("with {times:?} {objective} does not determine the map: it {reason}; {remedy}"),
        ))
    }
}
