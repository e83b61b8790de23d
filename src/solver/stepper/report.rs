//! The state of a running solve.

use super::{MaskOf, Stepper};
use crate::{
    Number, State, Value,
    solver::{Statistics, Status},
};
use std::fmt::{self, Debug, Formatter};

impl<X: State, B> Stepper<X, B> {
    /// The current time.
    pub fn time(&self) -> &X::Time {
        &self.time
    }

    /// The end time.
    pub fn target(&self) -> &X::Time {
        &self.target
    }

    /// The current state.
    pub fn state(&self) -> &X {
        &self.state
    }

    /// The length of the next attempt, negative backward in time.
    pub fn next_step(&self) -> &X::Time {
        &self.step
    }

    /// How the samples ended; running ones count as [`Status::TooManySteps`].
    pub fn statuses(&self) -> Vec<Status> {
        self.ends().into_iter().map(|end| end.unwrap_or(Status::TooManySteps)).collect()
    }

    /// How each sample ended, if it did.
    fn ends(&self) -> Vec<Option<Status>> {
        let zero = self.time.constant(0.0);
        let flags = |mask: &MaskOf<X>| X::Time::select(mask, &zero.shift(1.0), &zero).values();
        let mut ends: Vec<_> = flags(&self.running).iter().map(|&flag| (flag == 0.0).then_some(Status::Finished)).collect();
        for (mask, why) in &self.failures {
            for (end, flag) in ends.iter_mut().zip(flags(mask)) {
                if flag > 0.0 {
                    *end = Some(*why);
                }
            }
        }
        ends
    }

    /// The cost so far, of all samples together.
    pub fn statistics(&self) -> Statistics {
        let [accepted, rejected] = self.counts.clone().map(|count| count.values().iter().sum::<f64>() as u64);
        Statistics { evaluations: self.evaluations, accepted, rejected }
    }
}

/// Shows time and state, and how samples ended.
impl<X: State<Time: Debug> + Debug, B> Debug for Stepper<X, B> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepper")
            .field("time", &self.time)
            .field("target", &self.target)
            .field("state", &self.state)
            .field("next_step", &self.step)
            .field("ends", &self.ends())
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}
