//! Settings to begin with, by the kind of data.

use super::{Adam, Annealing, Descent, Distillation, Muon, Settings};

/// Settings that train well in minutes on a CPU. Each is for a run of a given number of steps, over which the learning rate falls
/// to 0; [`Trainer::steps_within`](super::Trainer::steps_within) says how many steps fit into a time.
impl Settings {
    /// For points in a few dimensions, learned from data: Muon, with a network such as `MlpShape::new(d, 256, 4)`.
    ///
    /// ```
    /// use flowmap::learn::{Schedule, Settings};
    /// let settings = Settings::points(5000);
    /// assert_eq!((settings.batch, settings.schedule.factor(5000)), (1024, 0.0));
    /// ```
    #[must_use]
    pub fn points(steps: u64) -> Self {
        Self { averages: vec![0.999.into()], ..Self::falling(Muon::default(), 3e-2, steps, 100) }
    }

    /// For small images, learned from data: Muon, with a network such as [`UNet`](crate::nn::UNet), whose inputs of time take
    /// Adam.
    ///
    /// ```
    /// use flowmap::learn::Settings;
    /// assert_eq!(Settings::images(4500).batch, 32);
    /// ```
    #[must_use]
    pub fn images(steps: u64) -> Self {
        // layers that take a time have few inputs, with a structure of their own
        let muon = Muon { except: ["times", "time"].map(Into::into).into(), ..Muon::default() };
        Self { batch: 32, clip: 1.0, averages: vec![0.999.into()], ..Self::falling(muon, 2e-2, steps, 50) }
    }

    /// For the flow map of a [given field](super::FromField), by Lagrangian map distillation: rectified Adam, with a network such
    /// as `MlpShape::new(d, 128, 4)`. The ODE is not autonomous, or the network takes both times; else choose
    /// [`TimePairs::FromStart`](super::TimePairs::FromStart).
    ///
    /// ```
    /// use flowmap::learn::Settings;
    /// let settings = Settings::ode(20_000);
    /// assert!(settings.objective.needs_teacher() && settings.diagonal < 0.2);
    /// ```
    #[must_use]
    pub fn ode(steps: u64) -> Self {
        Self {
            objective: Distillation::LMD.into(),
            diagonal: 0.1,
            weight: 0.0,
            averages: vec![0.999.into()],
            ..Self::falling(Adam::rectified(), 2e-3, steps, 0)
        }
    }

    /// A learning rate that warms up, but at most over a tenth of the steps, and falls to 0.
    fn falling(optimizer: impl Into<Descent>, learning_rate: f64, steps: u64, warm_up: u64) -> Self {
        let schedule = Annealing::Cosine { steps }.warmed_up(warm_up.min(steps / 10));
        Self { optimizer: optimizer.into(), learning_rate, schedule, ..Self::default() }
    }
}
