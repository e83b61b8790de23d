//! The stepper: one adaptive solve, step by step.

mod change;
mod first_step;
mod probe;
mod report;
mod trouble;

use self::probe::UNPROBED;
use super::{
    Adaptive, Status,
    controller::{Gains, Memory},
    piece::{Piece, advance},
    segments::{Segments, Within},
};
use crate::{Mask, Number, Real, State, Value, VelocityField, number::is_finite};

type MaskOf<X> = <<X as State>::Time as Number>::Mask;

/// A running solve: call [`step`](Self::step), look at it, decide.
///
/// [`Adaptive::start`] creates it. The same loop serves points, lanes, duals and batches, in which each sample has its own
/// time. Derivatives are those of the steps as taken: step sizes are constants, except for steps that end at a
/// [stop](Adaptive::stops) or at the end of the span.
#[derive(Clone)]
pub struct Stepper<X: State, B> {
    pub(super) solver: Adaptive,
    pub(super) field: B,
    /// The start time, sample by sample.
    pub(super) origin: X::Time,
    pub(super) time: X::Time,
    pub(super) target: X::Time,
    pub(super) segments: Segments<X::Time>,
    /// The samples that reached a stop before their end, with the last attempt.
    arrived: Option<MaskOf<X>>,
    pub(super) state: X,
    /// The rates of the last attempt; the first is at its start.
    pub(super) rates: Vec<X>,
    /// The next step to try, with its sign.
    pub(super) step: X::Time,
    pub(super) gains: Gains,
    pub(super) memory: Memory<X::Time>,
    pub(super) running: MaskOf<X>,
    /// Where the last attempt had an error that is not NaN.
    pub(super) finite: MaskOf<X>,
    pub(super) last: Option<Attempt<X>>,
    /// The samples that failed, and why.
    pub(super) failures: Vec<(MaskOf<X>, Status)>,
    pub(super) evaluations: u64,
    /// Steps accepted and rejected, sample by sample.
    pub(super) counts: [X::Time; 2],
    /// The largest number of attempts.
    pub(super) allowed: X::Time,
    /// The number of stops passed, sample by sample.
    pub(super) passed: X::Time,
    /// The number of evaluations for probes, sample by sample.
    pub(super) probed: X::Time,
    /// The number of attempts when a step was last as short as the rounding of time allows.
    pub(super) floored: X::Time,
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
            segments: Segments::new(Vec::new(), &time, &target),
            arrived: None,
            origin: time.clone(),
            time,
            target,
            state: x.clone(),
            step,
            gains,
            memory,
            running: never.clone(),
            finite: never.not(),
            last: None,
            failures: Vec::new(),
            evaluations: 0,
            allowed: zero.clone(),
            passed: zero.clone(),
            probed: zero.clone(),
            floored: zero.constant(NEVER),
            counts: [zero.clone(), zero],
        };
        stepper.begin();
        stepper
    }

    /// Sets which samples move, the rate at the start, and the first step size.
    #[inline(always)]
    fn begin(&mut self) {
        self.arrived = None;
        self.look_for_stops();
        let way = self.target.clone() - &self.time;
        let (zero, one) = (way.constant(0.0), way.constant(1.0));
        let moves = way.less(&zero).or(&zero.less(&way));
        // samples with NaN times do not move; infinite times are never reached
        let lost = is_finite(&way).not();
        self.running = moves.and(&lost.not());
        self.allowed = self.attempts().shift(most_attempts::<X>(&self.solver));
        self.memory = Memory::new(&zero);
        self.fail(&lost, Status::NotFinite);
        self.last = None;
        self.rates.clear();
        let rate = self.velocity(&self.time.clone(), &self.state.clone());
        let probe = rate.minus(&rate).plus(&self.state.minus(&self.state));
        let sound = probe.error_norm(&self.state, &self.state, &self.solver.tolerance).less(&one);
        self.fail(&self.running.and(&sound.not()), Status::NotFinite);
        let start = self.state.minus(&self.state).error_norm(&self.state, &self.state, &self.solver.tolerance);
        self.fail(&moves.or(&lost).not().and(&start.less(&one).not()), Status::NotFinite);
        let still = moves.or(&lost).not().and(&sound);
        self.rates.push(rate);
        if still.any() {
            // a duration of 0 may have a derivative: a step of length 0 has it, too
            let way = X::Time::select(&still, &way, &zero);
            let within = Within { field: &self.field, window: &self.segments.window };
            let end = advance(&self.solver.method, &within, &self.time, &self.state, &way, &mut self.rates);
            self.evaluations += self.solver.method.stages() as u64 - 1;
            self.state = X::choose(&still, &end, &self.state);
            self.time = X::Time::select(&still, &self.target, &self.time);
            self.rates.truncate(1);
        }
        if self.running.any() {
            self.step = self.first_step();
        }
    }

    /// Asks solver and field for stops, and finds the next.
    #[inline(always)]
    pub(super) fn look_for_stops(&mut self) {
        // from the start of each sample: another one that begins meanwhile changes nothing for it
        let mut stops = self.field.stops(&self.origin, &self.target);
        if stops.is_empty() && self.segments.is_empty() && self.solver.stops.is_empty() {
            self.segments.goal = self.target.clone();
            return;
        }
        stops.extend(self.solver.stops.iter().map(|&stop| self.time.constant(stop)));
        let stops = stops.into_iter().map(|stop| stop.in_form_of(&self.time)).collect();
        self.segments = Segments::new(stops, &self.time, &self.target);
    }

    /// Continues from a stop, with the rate on its other side and a new step size.
    #[cold]
    #[inline(never)]
    fn pass_stops(&mut self) {
        let Some(passing) = self.arrived.take() else { return };
        self.segments.look_ahead(&self.time, &self.target);
        let rate = self.velocity(&self.time.clone(), &self.state.clone());
        self.rates.truncate(1);
        self.rates[0] = X::choose(&passing, &rate, &self.rates[0]);
        let (step, fresh) = (self.first_step(), Memory::new(&self.step));
        self.step = X::Time::select(&passing, &step, &self.step);
        self.memory.last = X::Time::select(&passing, &fresh.last, &self.memory.last);
        self.memory.before = X::Time::select(&passing, &fresh.before, &self.memory.before);
        self.release(&passing);
        self.passed = X::Time::select(&passing, &self.passed.shift(1.0), &self.passed);
    }

    #[inline(always)]
    fn velocity(&mut self, t: &X::Time, x: &X) -> X {
        self.evaluations += 1;
        Within { field: &self.field, window: &self.segments.window }.velocity(t, x)
    }

    #[inline(always)]
    fn attempts(&self) -> X::Time {
        self.counts[0].clone() + &self.counts[1]
    }

    /// Ends the solve for some samples.
    #[inline(always)]
    fn fail(&mut self, which: &MaskOf<X>, why: Status) {
        if which.any() {
            self.running = self.running.and(&which.not());
            self.failures.push((which.clone(), why));
        }
    }

    /// Takes a step: attempts with ever shorter ones until the error of a sample is within the tolerance. Returns whether a
    /// step was taken; if not, the solve has ended, and [`statuses`](Self::statuses) say how.
    #[inline]
    pub fn step(&mut self) -> bool {
        while self.running.any() {
            if self.attempt() {
                return true;
            }
        }
        false
    }

    /// Makes one attempt, and returns whether any sample moved.
    #[inline(always)]
    pub(super) fn attempt(&mut self) -> bool {
        if let Some(attempt) = &self.last {
            let end_rate = self.solver.method.stages();
            if self.rates.len() > end_rate && attempt.accepted.any() {
                self.rates[0] = X::choose(&attempt.accepted, &self.rates[end_rate], &self.rates[0]);
            }
        }
        if self.arrived.is_some() {
            self.pass_stops();
        }
        let zero = self.step.constant(0.0);
        let spent = self.running.and(&self.attempts().less(&self.allowed).not());
        let way = self.segments.goal.clone() - &self.time;
        let mut last = self.reaches(&way);
        let stuck = self.running.and(&spent.not()).and(&last.not()).and(&self.step.abs().less(&self.tick()));
        let mut leaps = None;
        if spent.or(&stuck).any() {
            leaps = self.give_up(&spent, &stuck);
            if !self.running.any() {
                return false;
            }
            last = self.reaches(&way);
        }
        let h = X::Time::select(&last, &way, &self.step);
        let h = X::Time::select(&self.running, &h, &zero);

        let method = &self.solver.method;
        let within = Within { field: &self.field, window: &self.segments.window };
        // decided once, not at every stage
        let mut y = match within.window {
            None => advance(method, &self.field, &self.time, &self.state, &h, &mut self.rates),
            Some(_) => advance(method, &within, &self.time, &self.state, &h, &mut self.rates),
        };
        self.evaluations += method.stages() as u64 - 1;
        let mut end = X::Time::select(&last.and(&self.running), &self.segments.goal, &(self.time.clone() + &h));

        let estimate = method.estimate.as_ref().expect("checked when the solver was made");
        let reads_end = estimate.weights.len() > method.stages();
        if reads_end {
            self.evaluations += 1;
            self.rates.push(within.velocity(&end, &y));
        }
        let mut ratio = self.error(estimate.weights, &y, &h);
        if let Some(beside) = estimate.beside {
            let square = ratio.clone() * &ratio;
            let coarse = self.error(beside, &y, &h).powi(2).scale(0.01);
            ratio = square.clone() / (square + coarse).shift(f64::from(f32::MIN_POSITIVE)).sqrt();
        }
        let accepted = ratio.less(&ratio.constant(1.0)).and(&self.running);
        self.finite = ratio.less(&ratio.constant(f64::MAX));
        let accepted = match &leaps {
            None => accepted,
            Some(leaps) => accepted.or(&leaps.and(&self.finite)),
        };
        let any = accepted.any();
        if any && self.running.and(&self.finite.not()).any() {
            end = X::Time::select(&accepted, &end, &self.time);
            y = self.again(&X::Time::select(&accepted, &h, &zero));
        }
        if any && self.rates.len() == self.solver.method.stages() {
            let rate = self.velocity(&end, &y);
            self.rates.push(rate);
        }
        let surprised = if self.memory.unprobed.is_some() { self.surprised(&accepted, &h, &y) } else { None };
        let accepted = match &surprised {
            None => accepted,
            Some(surprised) => accepted.and(&surprised.not()),
        };
        let any = accepted.any();

        let factor = self.gains.factor(&mut self.memory, &ratio, &accepted);
        let mut next = (h.clone() * &factor).frozen();
        if let Some(surprised) = &surprised {
            next = self.longest_unprobed(surprised, &h, &next);
        }
        if factor.constant(UNPROBED).less(&factor).any() {
            self.watch(&factor, &h);
        }
        let longest = self.solver.step_limits[1];
        let next = if longest < f64::INFINITY { next.min(&next.constant(longest)).max(&next.constant(-longest)) } else { next };
        self.step = X::Time::select(&self.running, &next, &self.step);
        if let Some(leaps) = &leaps {
            self.step = X::Time::select(leaps, &h.frozen(), &self.step);
        }

        let [taken, rejected] = &self.counts;
        let failed = self.running.and(&accepted.not());
        self.counts =
            [X::Time::select(&accepted, &taken.shift(1.0), taken), X::Time::select(&failed, &rejected.shift(1.0), rejected)];
        let to = if any { X::choose(&accepted, &y, &self.state) } else { self.state.clone() };
        let reached = X::Time::select(&accepted, &end, &self.time);
        let arrived = accepted.and(&last);
        self.running = self.running.and(&arrived.not());
        if !self.segments.is_empty() {
            let on_the_way = arrived.and(&self.segments.on_the_way(&self.target));
            self.running = self.running.or(&on_the_way);
            self.arrived = on_the_way.any().then_some(on_the_way);
        }
        let time = std::mem::replace(&mut self.time, reached);
        let state = std::mem::replace(&mut self.state, to);
        let length = X::Time::select(&accepted, &h, &zero);
        self.last = Some(Attempt { time, length, state, accepted });
        any
    }

    /// Where the next step is the last one to `way`: it may be a little longer than proposed, but not longer than allowed.
    #[inline(always)]
    fn reaches(&self, way: &X::Time) -> MaskOf<X> {
        let longest = self.solver.step_limits[1];
        let reach = self.step.scale(1.01);
        let reach =
            if longest < f64::INFINITY { reach.min(&reach.constant(longest)).max(&reach.constant(-longest)) } else { reach };
        // as time is rounded: a step that reaches the goal is the last, and leaves no step of length 0
        let rounded = self.time.clone() + &reach - &self.time;
        rounded.abs().less(&way.abs()).not()
    }

    /// The end of the step, except for samples that left their domain: those stay in place. Their discarded values would leave
    /// NaN in the gradients of the others.
    #[cold]
    #[inline(never)]
    fn again(&mut self, h: &X::Time) -> X {
        self.evaluations += self.solver.method.stages() as u64 - 1;
        let within = Within { field: &self.field, window: &self.segments.window };
        advance(&self.solver.method, &within, &self.time, &self.state, h, &mut self.rates)
    }

    /// The size of the error of the step of length `h` to `y`, with these weights of the rates.
    #[inline(always)]
    fn error(&self, weights: &[f64], y: &X, h: &X::Time) -> X::Time {
        let nothing = self.state.minus(&self.state);
        nothing.advanced(h, weights, &self.rates).error_norm(&self.state, y, &self.solver.tolerance)
    }

    /// The shortest step, except for the last: limited by the rounding of time and by the settings.
    #[inline(always)]
    fn tick(&self) -> X::Time {
        let clock = self.clock();
        clock.max(&clock.constant(self.solver.step_limits[0]))
    }

    /// The shortest step that the rounding of time allows.
    #[inline(always)]
    fn clock(&self) -> X::Time {
        let normal = <<X::Time as Number>::Real as num_traits::Float>::min_positive_value().into_f64();
        let clock = self.time.abs().scale(4.0 * epsilon::<X>());
        clock.max(&clock.constant(normal))
    }

    /// The last step with its dense output, which may need further evaluations.
    ///
    /// # Panics
    /// If the last attempt was no step: none was taken since the start, [`jump_to`](Self::jump_to) or
    /// [`extend_to`](Self::extend_to), or the solve failed since.
    pub fn piece(&mut self) -> Piece<X> {
        let attempt = self.last.as_ref().filter(|attempt| attempt.accepted.any());
        let attempt = attempt.expect("the last attempt was no step: there is no piece of a solution");
        self.rates.truncate(self.solver.method.stages() + 1);
        self.evaluations += self.solver.method.dense.c.len() as u64;
        let times = [&attempt.time, &attempt.length, &self.time];
        let within = Within { field: &self.field, window: &self.segments.window };
        Piece::new(&self.solver.method, &within, times, [&attempt.state, &self.state], &mut self.rates)
    }

    /// Whether the next step begins at a stop, with a velocity that may have jumped.
    pub(super) fn is_at_stop(&self) -> bool {
        self.arrived.is_some()
    }
}

/// Marks that there was no such attempt.
pub(super) const NEVER: f64 = -2.0;

/// The largest number of attempts: no more than its number type can count.
#[inline(always)]
pub(super) fn most_attempts<X: State>(solver: &Adaptive) -> f64 {
    f64::from(solver.max_steps).min(1.0 / epsilon::<X>())
}

/// The distance from 1 to the next float.
#[inline(always)]
pub(super) fn epsilon<X: State>() -> f64 {
    <<X::Time as Number>::Real as num_traits::Float>::epsilon().into_f64()
}
