//! Samples that make no progress: leaps over jumps in time, and diagnoses.

use super::{MaskOf, Stepper, epsilon};
use crate::{
    Mask, Number, State, Value, VelocityField, field,
    solver::{Status, Tableau, piece::advance},
};

/// The smallest relative change that counts as one.
const CHANGE: f64 = 1e-2;

/// Number of times that an interval is halved where the velocity may jump.
const HALVINGS: u32 = 16;

impl<X: State, B: VelocityField<X>> Stepper<X, B> {
    /// Ends the samples that have spent their attempts. Those whose next step would be below the rounding of time try the
    /// shortest possible one. If that has been rejected, they end, too, except for some, which are returned: those may leap
    /// over a jump of the velocity in time by such a step.
    #[cold]
    #[inline(never)]
    pub(super) fn give_up(&mut self, spent: &MaskOf<X>, stuck: &MaskOf<X>) -> Option<MaskOf<X>> {
        if spent.any() {
            let [chattering, stiff] = self.symptoms();
            let (chattering, stiff) = (spent.and(&chattering), spent.and(&stiff).and(&chattering.not()));
            self.fail(&chattering, Status::Chattering);
            self.fail(&stiff, Status::Stiff);
            self.fail(&spent.and(&chattering.or(&stiff).not()), Status::TooManySteps);
        }
        let attempts = self.attempts();
        let tried = attempts.less(&self.floored.shift(1.5)).and(&self.memory.rejected);
        let failed = stuck.and(&tried);
        let finite = failed.and(&self.finite);
        let leaps = if finite.any() { finite.and(&self.clock_limits()).and(&self.jumps()) } else { finite.clone() };
        self.fail(&finite.and(&leaps.not()), Status::StepTooSmall);
        self.fail(&failed.and(&self.finite.not()), Status::NotFinite);
        let goes_on = stuck.and(&tried.not()).or(&leaps);
        if goes_on.any() {
            let tick = self.tick();
            let signed = X::Time::select(&self.step.less(&tick.constant(0.0)), &-tick.clone(), &tick);
            self.step = X::Time::select(&goes_on, &signed.frozen(), &self.step);
            self.floored = X::Time::select(&goes_on, &attempts, &self.floored);
        }
        leaps.any().then_some(leaps)
    }

    /// Where the rounding of time limits the step, and not the user's shortest step, whose error would be larger.
    fn clock_limits(&self) -> MaskOf<X> {
        let clock = self.clock();
        clock.less(&clock.constant(self.solver.step_limits[0])).not()
    }

    /// Where the velocity jumps in time, within its rounding: it depends on the time there and hardly on the state, and is
    /// smooth after the jump as before. No step is short enough for the tolerance then, and the error of the shortest one is no
    /// larger than the rounding of time.
    fn jumps(&mut self) -> MaskOf<X> {
        let tick = self.tick();
        let h = X::Time::select(&self.step.less(&tick.constant(0.0)), &-tick.clone(), &tick).frozen();
        let (time, state, before) = (self.time.frozen(), self.state.frozen(), self.rates[0].frozen());
        let (end, beyond) = (time.clone() + &h, time + &h.scale(2.0));
        let moved = state.plus(&before.scaled(&h));
        let [after, after_moved, flat] = [(&end, &state), (&end, &moved), (&beyond, &state)].map(|(t, x)| self.velocity(t, x));
        let size = before.dot(&before) + after.dot(&after);
        let differs = |a: &X, b: &X| {
            let way = a.minus(b);
            size.scale(CHANGE * CHANGE).less(&way.dot(&way))
        };
        differs(&after, &before).and(&differs(&after, &after_moved).not()).and(&differs(&after, &flat).not())
    }

    /// Where the velocity jumps in space, so that steps cross a surface back and forth; and where stability limits the step
    /// size: where it is about the length of the method's stability interval, in units of the fastest decay.
    fn symptoms(&mut self) -> [MaskOf<X>; 2] {
        let (time, state, rate) = (self.time.frozen(), self.state.frozen(), self.rates[0].frozen());
        let step = self.step.frozen();
        let at = |stepper: &mut Self, way: &X| stepper.velocity(&time, &state.plus(way)).minus(&rate).frozen();

        // over the next few steps, halve towards the largest change: for a smooth velocity it tends to 0
        let way = rate.scaled(&step.scale(4.0));
        let nothing = way.minus(&way);
        let change = at(self, &way);
        let (mut ends, mut changes) = ([nothing.clone(), way.clone()], [nothing, change.clone()]);
        let size = |x: &X| x.dot(x);
        for _ in 0..HALVINGS {
            let middle = ends[0].plus(&ends[1]).scaled(&step.constant(0.5));
            let there = at(self, &middle);
            let first = size(&changes[1].minus(&there)).less(&size(&there.minus(&changes[0])));
            ends = [X::choose(&first, &ends[0], &middle), X::choose(&first, &middle, &ends[1])];
            changes = [X::choose(&first, &changes[0], &there), X::choose(&first, &there, &changes[1])];
        }
        let jumps = size(&rate).scale(CHANGE).less(&size(&changes[1].minus(&changes[0])));

        // the direction of the fastest decay, by powers of the Jacobian as differences
        let small = (state.norm() + way.norm()).scale(epsilon::<X>().sqrt()).shift(f64::from(f32::MIN_POSITIVE));
        let mut direction = X::choose(&step.constant(0.0).less(&change.dot(&change)), &change, &rate);
        let mut decay = step.constant(0.0);
        for _ in 0..8 {
            let nudge = direction.scaled(&(small.clone() / direction.norm()));
            direction = at(self, &nudge);
            decay = -(direction.dot(&nudge) / nudge.dot(&nudge));
        }
        let limit = step.constant(0.75 * stability(&self.solver.method));
        [jumps, limit.less(&(decay * step.abs()))]
    }
}

/// The length of the interval of real `z < 0` on which a step of `x' = z x` does not grow.
fn stability(method: &Tableau) -> f64 {
    let grows = |z: f64| {
        let decay = field(move |_: &f64, [x]: &[f64; 1]| [z * x]);
        let mut rates = vec![[z]];
        advance(method, &decay, &0.0, &[1.0], &1.0, &mut rates)[0].abs() > 1.0 + 1e-9
    };
    (1..=10_000).map(|k| 0.01 * f64::from(k)).find(|&length| grows(-length)).unwrap_or(100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::{BOGACKI_SHAMPINE, DOP853, DOPRI5, EULER, HEUN};

    #[test]
    fn stability_intervals_are_those_of_the_books() {
        for (method, length) in [(EULER, 2.0), (HEUN, 2.0), (BOGACKI_SHAMPINE, 2.51), (DOPRI5, 3.31), (DOP853, 6.39)] {
            let found = stability(&method);
            assert!((found - length).abs() < 0.3, "{}: {found}", method.name);
        }
    }
}
