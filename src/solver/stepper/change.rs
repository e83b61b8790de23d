//! Changes to a running solve: another step length, state or end time.

use super::{Stepper, advance};
use crate::{Mask, Number, State, VelocityField, solver::segments::Within};

impl<X: State, B: VelocityField<X>> Stepper<X, B> {
    /// Time and state after a step of another length from the start of the last one.
    pub(in crate::solver) fn trial(&mut self, length: &X::Time) -> (X::Time, X) {
        let mut rates = vec![self.rates[0].clone()];
        self.retake(length, &mut rates)
    }

    /// Repeats the last step with another length, and ends there.
    pub(in crate::solver) fn shorten(&mut self, length: X::Time) {
        let mut rates = std::mem::take(&mut self.rates);
        (self.time, self.state) = self.retake(&length, &mut rates);
        self.rates = rates;
        let rate = self.velocity(&self.time.clone(), &self.state.clone());
        self.rates.push(rate);
        self.target = self.time.clone();
        self.arrived = None;
        self.running = self.running.and(&self.running.not());
        if let Some(attempt) = &mut self.last {
            attempt.length = length;
        }
    }

    /// Time and state after a step of this length instead of the last one, whose first rate is kept.
    fn retake(&mut self, length: &X::Time, rates: &mut Vec<X>) -> (X::Time, X) {
        let attempt = self.last.as_ref().expect("a step was taken");
        let within = Within { field: &self.field, window: &self.segments.window };
        let end = advance(&self.solver.method, &within, &attempt.time, &attempt.state, length, rates);
        self.evaluations += rates.len() as u64 - 1;
        (attempt.time.clone() + length, end)
    }

    /// Continues from another state at the same time: after an impact, a dose, a correction. The step size is kept, except at a
    /// [stop](crate::solver::Adaptive::stops), where it is new; if it no longer fits, the step is rejected. A solve that has
    /// ended or failed stays so until [`extend_to`](Self::extend_to).
    pub fn jump_to(&mut self, x: X) {
        self.state = x;
        self.last = None;
        self.pass_stops();
        let (time, state) = (self.time.clone(), self.state.clone());
        let rate = self.velocity(&time, &state);
        self.rates.clear();
        self.rates.push(rate);
    }

    /// Continues to another end time, in either direction: from the current state, with a new first step and the full number of
    /// attempts. A failed solve is tried again.
    pub fn extend_to(&mut self, t: &X::Time) {
        self.target = t.clone().in_form_of(&self.time);
        self.failures.clear();
        self.origin = self.time.clone();
        self.begin();
    }
}
