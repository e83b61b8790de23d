//! One adaptive solve, step by step.

mod report;

use super::{
    Adaptive, Status,
    controller::{Gains, Memory},
    piece::{Piece, advance},
    tableau::Tableau,
};
use crate::{Mask, Number, Real, State, Value, VelocityField, number::is_finite};

type MaskOf<X> = <<X as State>::Time as Number>::Mask;

/// A solve under way: [`step`](Self::step), look, decide.
///
/// Made by [`Adaptive::start`]. The same loop serves points, lanes, duals and batches, each of whose samples is at a time of
/// its own. Derivatives are those of the steps as they were taken: their sizes are constants, but for the last, which ends at
/// the end of the span.
#[derive(Clone)]
pub struct Stepper<X: State, B> {
    pub(super) solver: Adaptive,
    pub(super) field: B,
    pub(super) time: X::Time,
    pub(super) target: X::Time,
    pub(super) state: X,
    /// Those of the last attempt; the first belongs to its start.
    pub(super) rates: Vec<X>,
    /// What is tried next, with its sign.
    pub(super) step: X::Time,
    pub(super) gains: Gains,
    pub(super) memory: Memory<X::Time>,
    pub(super) running: MaskOf<X>,
    /// Where the last attempt had an error that is a number.
    pub(super) finite: MaskOf<X>,
    pub(super) last: Option<Attempt<X>>,
    /// Which samples gave up, and why.
    pub(super) stops: Vec<(MaskOf<X>, Status)>,
    pub(super) evaluations: u64,
    /// Steps taken and rejected, sample by sample.
    pub(super) counts: [X::Time; 2],
    /// How many attempts that makes at most.
    pub(super) allowed: X::Time,
}

/// The last attempt.
#[derive(Clone)]
pub(super) struct Attempt<X: State> {
    pub(super) time: X::Time,
    /// 0 where it was rejected.
    pub(super) length: X::Time,
    pub(super) state: X,
    pub(super) accepted: MaskOf<X>,
}

impl<X: State, B: VelocityField<X>> Stepper<X, B> {
    #[inline(always)]
    pub(super) fn new(solver: Adaptive, field: B, s: &X::Time, t: &X::Time, x: &X) -> Self {
        // a time for each sample
        let form = x.dot(x).frozen();
        let (time, target) = (s.clone().in_form_of(&form), t.clone().in_form_of(&form));
        let zero = form.constant(0.0);
        let (step, memory, never) = (zero.clone(), Memory::new(&zero), zero.less(&zero));
        let gains = solver.controller.gains(solver.k());
        let mut stepper = Self {
            rates: Vec::with_capacity(solver.method.stages() + 1 + solver.method.dense.c.len()),
            solver,
            field,
            time,
            target,
            state: x.clone(),
            step,
            gains,
            memory,
            running: never.clone(),
            finite: never.not(),
            last: None,
            stops: Vec::new(),
            evaluations: 0,
            allowed: zero.clone(),
            counts: [zero.clone(), zero],
        };
        stepper.begin();
        stepper
    }

    /// Which samples have a way to go, the rate at the start, and the first step size.
    #[inline(always)]
    fn begin(&mut self) {
        let way = self.target.clone() - &self.time;
        let (zero, one) = (way.constant(0.0), way.constant(1.0));
        let moves = way.less(&zero).or(&zero.less(&way));
        // NaN times do not move; infinite ones never arrive
        let lost = is_finite(&way).not();
        self.running = moves.and(&lost.not());
        self.allowed = self.attempts().shift(most_attempts::<X>(&self.solver));
        self.memory = Memory::new(&zero);
        self.stop(&lost, Status::NotFinite);
        self.last = None;
        self.rates.clear();
        let rate = self.velocity(&self.time.clone(), &self.state.clone());
        let probe = rate.minus(&rate).plus(&self.state.minus(&self.state));
        let sound = probe.error_norm(&self.state, &self.state, &self.solver.tolerance).less(&one);
        self.stop(&self.running.and(&sound.not()), Status::NotFinite);
        let start = self.state.minus(&self.state).error_norm(&self.state, &self.state, &self.solver.tolerance);
        self.stop(&moves.or(&lost).not().and(&start.less(&one).not()), Status::NotFinite);
        let still = moves.or(&lost).not().and(&sound);
        self.rates.push(rate);
        if still.any() {
            // a way without length may have a derivative: a step without length has it, too
            let way = X::Time::select(&still, &way, &zero);
            let end = advance(&self.solver.method, &self.field, &self.time, &self.state, &way, &mut self.rates);
            self.evaluations += self.solver.method.stages() as u64 - 1;
            self.state = X::choose(&still, &end, &self.state);
            self.time = X::Time::select(&still, &self.target, &self.time);
            self.rates.truncate(1);
        }
        if self.running.any() {
            let rate = self.rates[0].clone();
            let (step, shortest) = (self.first_step(&rate, &way).frozen(), self.tick().min(&way.abs()).frozen());
            let signed = X::Time::select(&way.less(&zero), &-shortest.clone(), &shortest);
            self.step = X::Time::select(&step.abs().less(&shortest), &signed, &step);
        }
    }

    #[inline(always)]
    fn velocity(&mut self, t: &X::Time, x: &X) -> X {
        self.evaluations += 1;
        self.field.velocity(t, x)
    }

    /// Where a step changes the state by about a hundredth, and an Euler step is about right.
    #[inline(always)]
    fn first_step(&mut self, rate: &X, way: &X::Time) -> X::Time {
        let (zero, one) = (way.constant(0.0), way.constant(1.0));
        let direction = X::Time::select(&way.less(&zero), &-one.clone(), &one);
        let left = way.abs().frozen().min(&way.constant(self.solver.step_limits[1]));
        if let Some(length) = self.solver.first_step {
            return left.min(&way.constant(length)) * direction;
        }
        let size = |x: &X| x.error_norm(&self.state, &self.state, &self.solver.tolerance);
        let (d0, d1) = (size(&self.state), size(rate));
        let small = way.constant(1e-5);
        let degenerate = d0.less(&small).or(&d1.less(&small));
        let guess = X::Time::select(&degenerate, &way.constant(1e-6), &(d0 / &d1).scale(0.01)).min(&left);
        let h = guess.clone() * &direction;
        let euler = self.state.advanced(&h, &[1.0], std::slice::from_ref(rate));
        let next = self.velocity(&(self.time.clone() + &h), &euler);
        let d2 = next.minus(rate).error_norm(&self.state, &self.state, &self.solver.tolerance) / &guess;
        let steepest = d1.max(&d2);
        let flat = guess.scale(1e-3).max(&way.constant(1e-6));
        let bent = (steepest.recip().scale(0.01)).powf(1.0 / f64::from(self.solver.method.order));
        let proposed = X::Time::select(&steepest.less(&way.constant(1e-15)), &flat, &bent).min(&guess.scale(100.0)).min(&left);
        // what is no number does not bind
        let usable = zero.less(&proposed);
        X::Time::select(&usable, &proposed, &guess) * direction
    }

    #[inline(always)]
    fn attempts(&self) -> X::Time {
        self.counts[0].clone() + &self.counts[1]
    }

    /// Ends the solve for some samples.
    #[inline(always)]
    fn stop(&mut self, which: &MaskOf<X>, why: Status) {
        if which.any() {
            self.running = self.running.and(&which.not());
            self.stops.push((which.clone(), why));
        }
    }

    /// Takes a step: attempts with ever shorter ones until that of a sample has an error within the tolerance. Returns whether
    /// one was taken; if not, the solve is over, and [`statuses`](Self::statuses) say how.
    #[inline]
    pub fn step(&mut self) -> bool {
        while self.running.any() {
            if self.attempt() {
                return true;
            }
        }
        false
    }

    /// One attempt; whether any sample moved.
    #[inline(always)]
    pub(super) fn attempt(&mut self) -> bool {
        let zero = self.step.constant(0.0);
        let spent = self.running.and(&self.attempts().less(&self.allowed).not());
        let way = self.target.clone() - &self.time;
        let size = self.step.abs();
        // the last step may be a little longer than proposed, but not than allowed
        let longest = self.solver.step_limits[1];
        let reach = size.scale(1.01);
        let reach = if longest < f64::INFINITY { reach.min(&size.constant(longest)) } else { reach };
        let last = reach.less(&way.abs()).not();
        let stuck = self.running.and(&spent.not()).and(&last.not()).and(&size.less(&self.tick()));
        if spent.or(&stuck).any() {
            self.stop(&spent, Status::TooManySteps);
            self.stop(&stuck.and(&self.finite), Status::StepTooSmall);
            self.stop(&stuck.and(&self.finite.not()), Status::NotFinite);
            if !self.running.any() {
                return false;
            }
        }
        let h = X::Time::select(&last, &way, &self.step);
        let h = X::Time::select(&self.running, &h, &zero);

        if let Some(attempt) = &self.last {
            let end_rate = self.solver.method.stages();
            if self.rates.len() > end_rate && attempt.accepted.any() {
                self.rates[0] = X::choose(&attempt.accepted, &self.rates[end_rate], &self.rates[0]);
            }
        }
        let method = &self.solver.method;
        let mut y = advance(method, &self.field, &self.time, &self.state, &h, &mut self.rates);
        self.evaluations += method.stages() as u64 - 1;
        let mut end = X::Time::select(&last.and(&self.running), &self.target, &(self.time.clone() + &h));

        let estimate = method.estimate.as_ref().expect("checked when the solver was made");
        let reads_end = estimate.weights.len() > method.stages();
        if reads_end {
            self.evaluations += 1;
            self.rates.push(self.field.velocity(&end, &y));
        }
        let mut ratio = self.error(estimate.weights, &y, &h);
        if let Some(beside) = estimate.beside {
            let square = ratio.clone() * &ratio;
            let coarse = self.error(beside, &y, &h).powi(2).scale(0.01);
            ratio = square.clone() / (square + coarse).shift(f64::from(f32::MIN_POSITIVE)).sqrt();
        }
        let accepted = ratio.less(&ratio.constant(1.0)).and(&self.running);
        self.finite = ratio.less(&ratio.constant(f64::MAX));
        let any = accepted.any();
        if any && self.running.and(&self.finite.not()).any() {
            end = X::Time::select(&accepted, &end, &self.time);
            y = self.again(&X::Time::select(&accepted, &h, &zero));
        }
        if any && self.rates.len() == self.solver.method.stages() {
            self.evaluations += 1;
            self.rates.push(self.field.velocity(&end, &y));
        }

        let factor = self.gains.factor(&mut self.memory, &ratio, &accepted);
        let next = (h.clone() * &factor).frozen();
        let next = if longest < f64::INFINITY { next.min(&next.constant(longest)).max(&next.constant(-longest)) } else { next };
        self.step = X::Time::select(&self.running, &next, &self.step);

        let [taken, rejected] = &self.counts;
        let failed = self.running.and(&accepted.not());
        self.counts =
            [X::Time::select(&accepted, &taken.shift(1.0), taken), X::Time::select(&failed, &rejected.shift(1.0), rejected)];
        let to = if any { X::choose(&accepted, &y, &self.state) } else { self.state.clone() };
        let reached = X::Time::select(&accepted, &end, &self.time);
        self.running = self.running.and(&accepted.and(&last).not());
        let time = std::mem::replace(&mut self.time, reached);
        let state = std::mem::replace(&mut self.state, to);
        let length = X::Time::select(&accepted, &h, &zero);
        self.last = Some(Attempt { time, length, state, accepted });
        any
    }

    /// Where the step leads without the samples that got out of their domain: they stay where they are. What they would have been
    /// is not chosen, but leaves NaN in the gradients of the others.
    #[cold]
    #[inline(never)]
    fn again(&mut self, h: &X::Time) -> X {
        self.evaluations += self.solver.method.stages() as u64 - 1;
        advance(&self.solver.method, &self.field, &self.time, &self.state, h, &mut self.rates)
    }

    /// The size of the error of the step of length `h` to `y`, by these weights of the rates.
    #[inline(always)]
    fn error(&self, weights: &[f64], y: &X, h: &X::Time) -> X::Time {
        let nothing = self.state.minus(&self.state);
        nothing.advanced(h, weights, &self.rates).error_norm(&self.state, y, &self.solver.tolerance)
    }

    /// The shortest step that is not the last: what the clock can tell, and what is allowed.
    #[inline(always)]
    fn tick(&self) -> X::Time {
        let normal = <<X::Time as Number>::Real as num_traits::Float>::min_positive_value().into_f64();
        let clock = self.time.abs().scale(4.0 * epsilon::<X>());
        clock.max(&clock.constant(self.solver.step_limits[0].max(normal)))
    }

    /// The last step, with the state between its ends: another evaluation or more, if the method's dense output needs them.
    ///
    /// # Panics
    /// If the last attempt was no step: none was taken since the start, [`jump_to`](Self::jump_to) or
    /// [`extend_to`](Self::extend_to), or the solve gave up since.
    pub fn piece(&mut self) -> Piece<X> {
        let attempt = self.last.as_ref().filter(|attempt| attempt.accepted.any());
        let attempt = attempt.expect("the last attempt was no step: there is no piece of a solution");
        self.rates.truncate(self.solver.method.stages() + 1);
        self.evaluations += self.solver.method.dense.c.len() as u64;
        let times = [&attempt.time, &attempt.length, &self.time];
        Piece::new(&self.solver.method, &self.field, times, [&attempt.state, &self.state], &mut self.rates)
    }

    pub(super) fn method(&self) -> &Tableau {
        &self.solver.method
    }

    pub(super) fn field(&self) -> &B {
        &self.field
    }

    /// Where the last step began.
    pub(super) fn last_start(&self) -> (X::Time, X) {
        let attempt = self.last.as_ref().expect("a step was taken");
        (attempt.time.clone(), attempt.state.clone())
    }

    /// The rate there.
    pub(super) fn first_rate(&self) -> &X {
        &self.rates[0]
    }

    pub(super) fn count(&mut self, evaluations: u64) {
        self.evaluations += evaluations;
    }

    /// Takes the last step again with another length, and ends there.
    pub(super) fn shorten(&mut self, length: X::Time) {
        let (time, state) = self.last_start();
        self.state = advance(&self.solver.method, &self.field, &time, &state, &length, &mut self.rates);
        self.time = time + &length;
        self.rates.push(self.field.velocity(&self.time, &self.state));
        self.evaluations += self.solver.method.stages() as u64;
        self.target = self.time.clone();
        self.running = self.running.and(&self.running.not());
        if let Some(attempt) = &mut self.last {
            attempt.length = length;
        }
    }

    /// Goes on from another state at the same time: after an impact, a dose, a correction. The step size stays; one that no
    /// longer fits is rejected. What has ended or given up stays so until [`extend_to`](Self::extend_to).
    pub fn jump_to(&mut self, x: X) {
        self.state = x;
        self.last = None;
        let (time, state) = (self.time.clone(), self.state.clone());
        let rate = self.velocity(&time, &state);
        self.rates.clear();
        self.rates.push(rate);
    }

    /// Goes on until another time, in either direction: from where the solve is, with a new first step and as many attempts as at
    /// the start. What gave up is tried again.
    pub fn extend_to(&mut self, t: &X::Time) {
        self.target = t.clone().in_form_of(&self.time);
        self.stops.clear();
        self.begin();
    }
}

/// How many attempts a solve may take: no more than its numbers can count.
#[inline(always)]
pub(super) fn most_attempts<X: State>(solver: &Adaptive) -> f64 {
    f64::from(solver.max_steps).min(1.0 / epsilon::<X>())
}

/// The distance from 1 to the next float.
#[inline(always)]
pub(super) fn epsilon<X: State>() -> f64 {
    <<X::Time as Number>::Real as num_traits::Float>::epsilon().into_f64()
}
