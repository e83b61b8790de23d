//! Many small ODEs at once: SIMD lanes times threads.
#![allow(clippy::needless_range_loop, reason = "what an iterator might not inline would run without the region's instructions")]

use super::{
    Adaptive, Status, Stepper,
    controller::Memory,
    stepper::{Attempt, NEVER, most_attempts},
};
use crate::{
    Error, Lanes, Mask, Num, Number, ParametricOde, Real, Result, VelocityField,
    number::{LaneMask, unwrapped, wrapped},
};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

/// Solves an ODE from many starts, each with steps, times, parameters and an end of its own.
///
/// Several trajectories go side by side in SIMD lanes, and whoever is done makes room for the next; threads of the current rayon
/// pool share the rest. What becomes of a trajectory does not depend on those beside it, nor on the number of threads, to the
/// last bit: one that blows up, or meets a NaN, fails alone.
///
/// Mark [`ParametricOde::rhs_with`] or [`Ode::rhs`](crate::Ode::rhs) as `#[inline(always)]`: it then runs in the widest SIMD
/// instructions that the machine has.
///
/// ```
/// use flowmap::{Num, Number, ParametricOde, solver::{Adaptive, DOPRI5, Ensemble, Start, Status}};
/// struct Pendulum;
/// impl ParametricOde<2, 1> for Pendulum {
///     #[inline(always)]
///     fn rhs_with<N: Number>(&self, _t: &Num<N>, [angle, speed]: &[Num<N>; 2], [gravity]: &[Num<N>; 1]) -> [Num<N>; 2] {
///         [speed.clone(), -gravity * angle.sin()]
///     }
/// }
/// let ensemble = Ensemble::new(Adaptive::new(DOPRI5)?);
/// let starts: Vec<_> = (1..=100)
///     .map(|k| Start { from: 0.0, to: 2.0, state: [0.01 * k as f64, 0.0], parameters: [9.81] })
///     .collect();
/// let ends = ensemble.solve(&Pendulum, &starts);
/// assert!(ends.iter().all(|end| end.status == Status::Finished));
/// // of small angles the period is 2π/√g
/// assert!((ends[0].state[0] - 0.01 * (2.0 * 9.81_f64.sqrt()).cos()).abs() < 1e-6);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    solver: Adaptive,
}

/// Where a trajectory of an [`Ensemble`] begins, and when it is to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start<F, const D: usize, const P: usize = 0> {
    /// The start time.
    pub from: F,
    /// The end time, before or after.
    pub to: F,
    /// The state at the start.
    pub state: [F; D],
    /// The parameters of the ODE.
    pub parameters: [F; P],
}

/// Where a trajectory of an [`Ensemble`] came.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct End<F, const D: usize> {
    /// When it ended: the end time that was asked for, or where it failed.
    pub time: F,
    /// The state then.
    pub state: [F; D],
    /// Why it ended.
    pub status: Status,
    /// Steps taken.
    pub accepted: u32,
    /// Steps tried again.
    pub rejected: u32,
    /// Evaluations of the right-hand side.
    pub evaluations: u64,
}

impl<F: Real, const D: usize> End<F, D> {
    /// The state, if the trajectory got to its end.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the time and the reason, if it did not. `start` is where it began.
    pub fn success<const P: usize>(&self, start: &Start<F, D, P>) -> Result<[F; D]> {
        match self.status {
            Status::Finished => Ok(self.state),
            status => {
                let [from, to, time] = [start.from, start.to, self.time].map(Real::into_f64);
                Err(Error::Stopped { from, to, time, status })
            }
        }
    }
}

/// The number of lanes: two registers of AVX-512 of `f64`, so that one computes while the other waits for its results.
const LANES: usize = 16;

/// Trajectories in one task: enough that the last ones, which leave lanes empty, do not matter.
const TASK: usize = 512;

type Side<F> = Lanes<F, LANES>;

/// The ODE with the parameters of the trajectories in the lanes.
struct Field<'a, F, O, const P: usize> {
    ode: &'a O,
    parameters: [Num<Side<F>>; P],
}

impl<F: Real, O: ParametricOde<D, P>, const D: usize, const P: usize> VelocityField<[Side<F>; D]> for Field<'_, F, O, P> {
    #[inline(always)]
    fn velocity(&self, t: &Side<F>, x: &[Side<F>; D]) -> [Side<F>; D] {
        unwrapped(self.ode.rhs_with(&Num(*t), &wrapped(*x), &self.parameters))
    }
    #[inline(always)]
    fn stops(&self, s: &Side<F>, t: &Side<F>) -> Vec<Side<F>> {
        self.ode.stops_with(&Num(*s), &Num(*t), &self.parameters).into_iter().map(Num::into_inner).collect()
    }
}

impl Ensemble {
    /// With this solver for every trajectory.
    pub fn new(solver: Adaptive) -> Self {
        Self { solver }
    }

    /// Solves `ode` from every start, and returns the ends in the same order.
    ///
    /// A trajectory that cannot be followed to its end says so by its [`Status`], at the time and state where it stopped.
    ///
    /// # Panics
    /// If there is an absolute tolerance for each coordinate, but of another number of coordinates.
    #[must_use]
    pub fn solve<F, O, const D: usize, const P: usize>(&self, ode: &O, starts: &[Start<F, D, P>]) -> Vec<End<F, D>>
    where
        F: Real,
        O: ParametricOde<D, P> + Sync,
    {
        let unsolved = |start: &Start<F, D, P>| End {
            time: start.from,
            state: start.state,
            status: Status::Finished,
            accepted: 0,
            rejected: 0,
            evaluations: 1,
        };
        let mut ends: Vec<End<F, D>> = starts.iter().map(unsolved).collect();
        // one task at a time: half of what one thread has left is no fair share
        let tasks = ends.par_chunks_mut(TASK).zip(starts.par_chunks(TASK)).with_max_len(1);
        tasks.for_each(|(ends, starts)| Arch::new().dispatch(Task { solver: &self.solver, ode, starts, ends }));
        ends
    }
}

/// Evaluations of the right-hand side: those to begin with, at the start and at every stop that was passed, those of every step, and
/// those of probes.
fn evaluations(solver: &Adaptive, [passed, probed]: [u64; 2], accepted: u32, rejected: u32) -> u64 {
    let (stages, attempts) = (solver.method.stages() as u64, u64::from(accepted) + u64::from(rejected));
    let first = if solver.first_step.is_some() { 1 } else { 2 };
    let steps = if solver.reads_end() { stages * attempts } else { (stages - 1) * attempts + u64::from(accepted) };
    first * (1 + passed) + steps + probed
}

/// What one thread does at a time.
struct Task<'a, F, O, const D: usize, const P: usize> {
    solver: &'a Adaptive,
    ode: &'a O,
    starts: &'a [Start<F, D, P>],
    /// Filled in; they say how to begin with that nothing was to do.
    ends: &'a mut [End<F, D>],
}

/// A trajectory before its first step.
#[derive(Clone, Copy)]
struct Ready<F, const D: usize> {
    rate: [F; D],
    step: F,
    /// How it ended before it began, if it did.
    over: Option<Status>,
}

// every call within must be inlined: what is not runs without the instructions of the region
impl<F: Real, O: ParametricOde<D, P>, const D: usize, const P: usize> NullaryFnOnce for Task<'_, F, O, D, P> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { solver, ode, starts, ends } = self;
        let mut ready = Vec::with_capacity(starts.len());
        for block in starts.chunks(LANES) {
            let stepper = start(solver, ode, block);
            for lane in 0..block.len() {
                let zero = [F::zero(); D];
                let mut rate = zero;
                if let Some(rates) = stepper.rates.first() {
                    for i in 0..D {
                        rate[i] = rates[i].lane(lane);
                    }
                }
                let over = (!stepper.running.lane(lane)).then(|| status(&stepper, lane));
                ready.push(Ready { rate, step: stepper.step.lane(lane), over });
            }
        }

        let mut waiting = (0..starts.len()).filter(|&k| ready[k].over.is_none());
        let mut owners = [None; LANES];
        // a stepper in which nothing runs, whose lanes are then filled
        let mut stepper = start(solver, ode, &starts[..1]);
        idle(&mut stepper);
        for lane in 0..LANES {
            owners[lane] = waiting.next();
            if let Some(k) = owners[lane] {
                load(&mut stepper, lane, &starts[k], &ready[k]);
            }
        }
        while stepper.running.any() {
            stepper.attempt();
            for lane in 0..LANES {
                let Some(k) = owners[lane] else { continue };
                if stepper.running.lane(lane) {
                    continue;
                }
                let mut state = starts[k].state;
                for i in 0..D {
                    state[i] = stepper.state[i].lane(lane);
                }
                let count = |i: usize| stepper.counts[i].lane(lane).into_f64() as u32;
                let status = status(&stepper, lane);
                let (accepted, rejected) = (count(0), count(1));
                let extra = [&stepper.passed, &stepper.probed].map(|count| count.lane(lane).into_f64() as u64);
                let evaluations = evaluations(solver, extra, accepted, rejected);
                ends[k] = End { time: stepper.time.lane(lane), state, status, accepted, rejected, evaluations };
                owners[lane] = waiting.next();
                if let Some(k) = owners[lane] {
                    load(&mut stepper, lane, &starts[k], &ready[k]);
                }
            }
            stepper.failures.clear();
        }
        for (end, ready) in ends.iter_mut().zip(&ready) {
            if let Some(status) = ready.over {
                end.status = status;
                if status == Status::Finished {
                    // a step without length
                    end.evaluations = solver.method.stages() as u64;
                }
            }
        }
    }
}

/// A block of trajectories at their starts; lanes beyond it repeat its first.
#[inline(always)]
fn start<'a, F: Real, O: ParametricOde<D, P>, const D: usize, const P: usize>(
    solver: &Adaptive,
    ode: &'a O,
    block: &[Start<F, D, P>],
) -> Stepper<[Side<F>; D], Field<'a, F, O, P>> {
    let zero = Side::splat(F::zero());
    let (mut from, mut to, mut state, mut parameters) = (zero, zero, [zero; D], [zero; P]);
    for lane in 0..LANES {
        let start = &block[if lane < block.len() { lane } else { 0 }];
        from.set_lane(lane, start.from);
        to.set_lane(lane, start.to);
        for i in 0..D {
            state[i].set_lane(lane, start.state[i]);
        }
        for i in 0..P {
            parameters[i].set_lane(lane, start.parameters[i]);
        }
    }
    Stepper::new(solver.clone(), Field { ode, parameters: parameters.map(Num) }, &from, &to, &state)
}

/// Nothing runs, and the vectors have their lengths.
#[inline(always)]
fn idle<F: Real, B, const D: usize>(stepper: &mut Stepper<[Side<F>; D], B>) {
    let zero = Side::splat(F::zero());
    stepper.running = LaneMask::from([false; LANES]);
    stepper.finite = LaneMask::from([true; LANES]);
    stepper.failures.clear();
    stepper.rates.clear();
    stepper.rates.push([zero; D]);
    stepper.memory = Memory::new(&zero);
    stepper.counts = [zero; 2];
    stepper.allowed = zero.shift(most_attempts::<[Side<F>; D]>(&stepper.solver));
    stepper.last = Some(Attempt { time: zero, length: zero, state: [zero; D], accepted: LaneMask::from([false; LANES]) });
}

/// Puts a trajectory into a lane.
#[inline(always)]
fn load<F: Real, O: ParametricOde<D, P>, const D: usize, const P: usize>(
    stepper: &mut Stepper<[Side<F>; D], Field<'_, F, O, P>>,
    lane: usize,
    start: &Start<F, D, P>,
    ready: &Ready<F, D>,
) {
    stepper.time.set_lane(lane, start.from);
    stepper.origin.set_lane(lane, start.from);
    stepper.target.set_lane(lane, start.to);
    stepper.step.set_lane(lane, ready.step);
    for i in 0..D {
        stepper.state[i].set_lane(lane, start.state[i]);
        stepper.rates[0][i].set_lane(lane, ready.rate[i]);
    }
    for i in 0..P {
        stepper.field.parameters[i].0.set_lane(lane, start.parameters[i]);
    }
    for count in &mut stepper.counts {
        count.set_lane(lane, F::zero());
    }
    let fresh = Memory::new(&stepper.step);
    stepper.memory.last.set_lane(lane, fresh.last.lane(lane));
    stepper.memory.before.set_lane(lane, fresh.before.lane(lane));
    if let Some(unprobed) = &mut stepper.memory.unprobed {
        unprobed.set_lane(lane, F::infinity());
    }
    stepper.memory.rejected.set_lane(lane, false);
    stepper.running.set_lane(lane, true);
    stepper.finite.set_lane(lane, true);
    if let Some(attempt) = &mut stepper.last {
        // its rate is the one it begins with
        attempt.accepted.set_lane(lane, false);
    }
    stepper.passed.set_lane(lane, F::zero());
    stepper.probed.set_lane(lane, F::zero());
    stepper.floored.set_lane(lane, F::from_f64(NEVER));
    stepper.look_for_stops();
}

/// Why a lane stopped.
#[inline(always)]
fn status<F: Real, B, const D: usize>(stepper: &Stepper<[Side<F>; D], B>, lane: usize) -> Status {
    let stop = stepper.failures.iter().find(|(mask, _)| mask.lane(lane));
    stop.map_or(Status::Finished, |(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exact::Rotation, solver::DOPRI5};

    #[test]
    fn no_more_attempts_are_allowed_than_floats_can_count() {
        let solver = Adaptive::new(DOPRI5).unwrap().max_steps(u32::MAX);
        let block = [Start { from: 0.0_f32, to: 1.0, state: [1.0, 0.0], parameters: [] }];
        let turn = Rotation::new(1.0).unwrap();
        let mut stepper = start(&solver, &turn, &block);
        idle(&mut stepper);
        let most = stepper.allowed.lane(0);
        assert!(most - 1.0 < most && most + 1.0 > most, "{most} + 1 is {}: a solve would never give up", most + 1.0);
    }
}
