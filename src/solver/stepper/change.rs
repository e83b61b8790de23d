//! A solve that takes another way: a step of another length, another state, another end.

use super::{Stepper, advance};
use crate::{Mask, Number, State, VelocityField, solver::segments::Within};

impl<X: State, B: VelocityField<X>> Stepper<X, B> {
    /// Where a step of another length, from the start of the last one, would have led.
    pub(in crate::solver) fn trial(&mut self, length: &X::Time) -> (X::Time, X) {
        let mut rates = vec![self.rates[0].clone()];
        self.retake(length, &mut rates)
    }

    /// Takes the last step again with another length, and ends there.
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

    /// Time and state at the end of a step of this length instead of the last one, whose first rate is there.
    fn retake(&mut self, length: &X::Time, rates: &mut Vec<X>) -> (X::Time, X) {
        let attempt = self.last.as_ref().expect("a step was taken");
        let within = Within { field: &self.field, window: &self.segments.window };
        let end = advance(&self.solver.method, &within, &attempt.time, &attempt.state, length, rates);
        self.evaluations += rates.len() as u64 - 1;
        (attempt.time.clone() + length, end)
    }

    /// Goes on from another state at the same time: after an impact, a dose, a correction. The step size stays, but at a
    /// [stop](crate::solver::Adaptive::stops), where it is fresh; one that no longer fits is rejected. What has ended or given up
    /// stays so until [`extend_to`](Self::extend_to).
    pub fn jump_to(&mut self, x: X) {
        self.state = x;
        self.last = None;
        self.pass_stops();
        let (time, state) = (self.time.clone(), self.state.clone());
        let rate = self.velocity(&time, &state);
        self.rates.clear();
        self.rates.push(rate);
    }

    /// Goes on until another time, in either direction: from where the solve is, with a new first step and as many attempts as at
    /// the start. What gave up is tried again.
    pub fn extend_to(&mut self, t: &X::Time) {
        self.target = t.clone().in_form_of(&self.time);
        self.failures.clear();
        self.origin = self.time.clone();
        self.begin();
    }
}
