//! The settings of a training run.

use super::{
    Adam, Annealing, Average, Curriculum, Descent, Distillation, Goal, Needs, SampleWeights, Schedule, TimePairs, Times,
    Weighting, optimizer::is_within, parts::check_times,
};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Everything that determines a training run besides the network, the source, and [parts](super::Parts) of your own: a checkpoint
/// holds it.
///
/// ```
/// use flowmap::learn::{Distillation, Muon, Settings};
/// let settings = Settings {
///     objective: Distillation::PSD_M.into(),
///     optimizer: Muon::default().into(),
///     seed: 7,
///     ..Settings::default()
/// };
/// assert_eq!(settings.clip, 10.0); // the paper's recipe for low dimensions
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The objective off the diagonal.
    pub objective: Goal,
    /// Samples in a batch.
    pub batch: usize,
    /// The number of parts of a batch that are drawn and computed one after another, to save memory; gradients are summed. The
    /// samples differ from those of a batch in one part, and couplings [arrange](super::Coupling::arrange) pairs within each part.
    #[serde(default = "one")]
    pub accumulation: usize,
    /// The share of the batch, in `(0, 1]`, that trains the diagonal `v_{t,t}`: by flow matching, or on a given field. It may be
    /// 0 for objectives that use a given field or the velocities of samples, not the network's own.
    pub diagonal: f64,
    /// The distribution of times.
    #[serde(default)]
    pub times: TimePairs,
    /// Starts with times close together; `None` starts with all distances.
    #[serde(default)]
    pub curriculum: Option<Curriculum>,
    /// How samples are weighted within a batch.
    #[serde(default)]
    pub weighting: SampleWeights,
    /// The weight `w` of the loss `e^-w |r|² + w`.
    pub weight: f64,
    /// The optimizer.
    pub optimizer: Descent,
    /// The learning rate before the schedule.
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: Annealing,
    /// The rate at which parameters decay, times the learning rate; it does not enter the moments of optimizers.
    #[serde(default)]
    pub weight_decay: f64,
    /// Parameters with a learning rate or weight decay of their own: the first group that matches counts.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Gradients of larger norm are scaled down to this norm.
    pub clip: f64,
    /// The moving averages of the parameters.
    pub averages: Vec<Average>,
    /// The seed of all randomness.
    pub seed: u64,
}

/// The largest learning rate: beyond, one step can overflow f32, and destroy what was learned.
pub(super) const FASTEST: f64 = 1e6;

fn one() -> usize {
    1
}

/// Parameters with a learning rate or weight decay of their own.
///
/// ```
/// use flowmap::learn::{Group, Settings};
/// let biases = Group { names: "bias".into(), rate: 2.0, weight_decay: Some(0.0) };
/// let settings = Settings { weight_decay: 0.01, groups: vec![biases], ..Settings::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// A part of the names of its parameters: `bias`, or `layers.0`.
    pub names: String,
    /// The factor of the learning rate; 0 leaves the parameters as they are.
    pub rate: f64,
    /// The weight decay, if it differs.
    #[serde(default)]
    pub weight_decay: Option<f64>,
}

/// The recipe of arXiv 2505.18825 for low dimensions, with a batch of 1,024.
impl Default for Settings {
    fn default() -> Self {
        Self {
            objective: Distillation::LSD.into(),
            batch: 1024,
            accumulation: 1,
            diagonal: 0.75,
            times: TimePairs::Uniform,
            curriculum: None,
            weighting: SampleWeights::Equal,
            weight: 1.0,
            optimizer: Adam::rectified().into(),
            learning_rate: 1e-3,
            schedule: Annealing::SquareRoot { start: 35_000 },
            weight_decay: 0.0,
            groups: Vec::new(),
            clip: 10.0,
            averages: vec![0.999.into(), 0.9999.into()],
            seed: 42,
        }
    }
}

impl Settings {
    /// The number of samples of a batch on the diagonal.
    pub fn diagonal_samples(&self) -> usize {
        self.samples_on_diagonal(self.objective.pairs())
    }

    /// The same, for an objective with residuals off the diagonal, or without.
    pub(super) fn samples_on_diagonal(&self, pairs: bool) -> usize {
        match (pairs, self.diagonal) {
            (false, _) => self.batch,
            (true, 0.0) => 0,
            (true, share) => ((self.batch as f64 * share) as usize).clamp(1, self.batch),
        }
    }

    /// The factor of the learning rate of a parameter, and its weight decay.
    pub(super) fn group_of(&self, name: &str) -> (f64, f64) {
        let group = self.groups.iter().find(|group| is_within(name, &group.names));
        group.map_or((1.0, self.weight_decay), |group| (group.rate, group.weight_decay.unwrap_or(self.weight_decay)))
    }

    /// # Errors
    /// [`Error::Invalid`] naming the first setting that is not allowed.
    pub fn check(&self) -> Result<()> {
        self.objective.check()?;
        let (needs, name) = (self.objective.needs(), self.objective.described());
        let pairs = self.objective.pairs();
        self.check_for(&name, pairs, &needs)?;
        if pairs { check_times(&needs, self.times.coverage(), &name) } else { Ok(()) }
    }

    /// The same with another objective.
    pub(super) fn check_for(&self, objective: &str, pairs: bool, needs: &Needs) -> Result<()> {
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
        if !(1..=self.batch).contains(&self.accumulation) {
            let reason = format!("{} parts of a batch of {}; give 1 to {}", self.accumulation, self.batch, self.batch);
            return Err(Error::invalid("accumulation", reason));
        }
        let none = self.diagonal == 0.0 && !needs.diagonal;
        if !(none || self.diagonal > 0.0 && self.diagonal <= 1.0) {
            return Err(Error::invalid("diagonal share", format!("{} is not in (0, 1]", self.diagonal)));
        }
        if pairs && self.samples_on_diagonal(pairs) == self.batch {
            let remedy = "enlarge the batch, lower the share, or use the objective fm";
            let reason = format!("{} of {} samples lie on the diagonal, none is left for {objective}", self.batch, self.batch);
            return Err(Error::invalid("diagonal share", format!("{reason}; {remedy}")));
        }
        if self.weight.is_nan() || self.weight.abs() > HEAVIEST {
            return Err(Error::invalid("loss weight", format!("{} is not in [-{HEAVIEST}, {HEAVIEST}]", self.weight)));
        }
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        let fits = |rate: f64| not_negative(rate) && self.learning_rate * rate <= FASTEST;
        if let Some(group) = self.groups.iter().find(|group| !fits(group.rate)) {
            let reason =
                format!("{} for '{}' is not a number of 0 or more that leaves it below {FASTEST}", group.rate, group.names);
            return Err(Error::invalid("learning rate of a group", reason));
        }
        let own = self.groups.iter().map(|group| (group.rate, group.weight_decay.unwrap_or(self.weight_decay)));
        for (rate, decay) in own.chain([(1.0, self.weight_decay)]) {
            if !(not_negative(decay) && decay * self.learning_rate * rate < 1.0) {
                let reason = format!("{decay}, times the learning rate {}, is not in [0, 1)", self.learning_rate * rate);
                return Err(Error::invalid("weight decay", reason));
            }
        }
        self.averages.iter().try_for_each(Average::check)?;
        if needs.average && self.averages.is_empty() {
            return Err(Error::invalid("moving average", format!("{objective} needs one, but the settings have none")));
        }
        // averages are identified, and stored, by their decay
        let twice = self.averages.iter().enumerate().find(|&(i, average)| self.averages[..i].contains(average));
        if let Some((_, average)) = twice {
            return Err(Error::invalid("moving average", format!("{average} is given twice")));
        }
        self.optimizer.check()?;
        self.times.check()?;
        self.curriculum.map_or(Ok(()), |curriculum| curriculum.check())?;
        self.weighting.check()?;
        self.schedule.check()
    }
}
