//! Ensembles: many small ODEs at once, in SIMD lanes and threads.
#![allow(clippy::needless_range_loop, reason = "what an iterator might not inline would run without the region's instructions")]

use super::{
    Adaptive, Status, Stepper,
    controller::Memory,
    ensemble_ode::{EnsembleOde, LANES, Parameters, Side, States},
    erased::erased_ode,
    stepper::{Attempt, NEVER, most_attempts},
};
use crate::{Error, Lanes, Mask, Num, Number, Real, Result, Row, State, VelocityField, number::LaneMask, simd::run_solve};
use num_traits::{Float, Zero};
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Solves an ODE from many starts, each with its own steps, times, parameters and end.
///
/// Several trajectories run in SIMD lanes, and each one that ends makes room for the next; the threads of the current rayon
/// pool share the rest. A trajectory's result does not depend on the others, or on the number of threads, to the last bit: one
/// that blows up, or meets a NaN, fails alone.
///
/// Mark [`ParametricOde::rhs_with`](crate::ParametricOde::rhs_with) or [`Ode::rhs`](crate::Ode::rhs) as `#[inline(always)]`: it
/// then runs in the widest SIMD instructions that the machine has. Builds with debug assertions keep to those of the build target:
/// measure with `--release`.
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
///
/// States and parameters are arrays, or vectors for an ODE whose dimension is only known at run time.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    solver: Adaptive,
}

/// The start of a trajectory of an [`Ensemble`], and the time at which it is to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start<X: Row, P = [<X as Row>::Item; 0]> {
    /// The start time.
    pub from: X::Item,
    /// The end time, before or after the start.
    pub to: X::Item,
    /// The state at the start.
    pub state: X,
    /// The parameters of the ODE.
    pub parameters: P,
}

/// The end of a trajectory of an [`Ensemble`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct End<X: Row> {
    /// The time at which it ended: the requested end time, or the time of failure.
    pub time: X::Item,
    /// The state at that time.
    pub state: X,
    /// Why it ended.
    pub status: Status,
    /// Steps taken.
    pub accepted: u32,
    /// Steps rejected.
    pub rejected: u32,
    /// Evaluations of the right-hand side.
    pub evaluations: u64,
}

impl<X: Row<Item: Real> + Clone> End<X> {
    /// The state, if the trajectory reached its end time.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the time and the reason, if it did not. `start` is its start.
    pub fn success<P>(&self, start: &Start<X, P>) -> Result<X> {
        match self.status {
            Status::Finished => Ok(self.state.clone()),
            status => {
                let [from, to, time] = [start.from, start.to, self.time].map(Real::into_f64);
                Err(Error::Stopped { from, to, time, status })
            }
        }
    }
}

/// Trajectories per task: enough that the last ones, which leave lanes empty, do not matter.
const TASK: usize = 512;

/// The ODE with the parameters of the trajectories in the lanes.
struct Field<'a, X: Row, P: Row, O: ?Sized> {
    ode: &'a O,
    parameters: Parameters<X, P>,
}

impl<X, P, O> VelocityField<States<X>> for Field<'_, X, P, O>
where
    X: Row<Item: Real>,
    P: Row,
    O: EnsembleOde<X, P> + ?Sized,
    States<X>: State<Time = Side<X>>,
{
    #[inline(always)]
    fn velocity(&self, t: &Side<X>, x: &States<X>) -> States<X> {
        self.ode.velocity(t, x, &self.parameters)
    }
    #[inline(always)]
    fn stops(&self, s: &Side<X>, t: &Side<X>) -> Vec<Side<X>> {
        self.ode.stops(s, t, &self.parameters)
    }
}

impl Ensemble {
    /// With this solver for every trajectory.
    pub fn new(solver: Adaptive) -> Self {
        Self { solver }
    }

    /// Solves `ode` from every start, and returns the ends in the same order.
    ///
    /// A trajectory that cannot be followed to its end reports it by its [`Status`], at the time and state where it stopped.
    ///
    /// # Panics
    /// If there are several absolute tolerances, but not as many as coordinates; if states, or parameters, are vectors of
    /// different lengths.
    #[must_use]
    pub fn solve<X, P, O>(&self, ode: &O, starts: &[Start<X, P>]) -> Vec<End<X>>
    where
        X: Row<Item: Real> + Clone + Send + Sync,
        P: Row<Item = X::Item> + Sync,
        O: EnsembleOde<X, P>,
        States<X>: Row<Item = Side<X>> + State<Time = Side<X>>,
    {
        if let Some((first, rest)) = starts.split_first() {
            let sizes = |start: &Start<X, P>| [start.state.items().len(), start.parameters.items().len()];
            if let Some(odd) = rest.iter().map(sizes).find(|found| *found != sizes(first)) {
                panic!("a start has {odd:?} coordinates and parameters, and the first one {:?}", sizes(first));
            }
        }
        let unsolved = |start: &Start<X, P>| End {
            time: start.from,
            state: start.state.clone(),
            status: Status::Finished,
            accepted: 0,
            rejected: 0,
            evaluations: 1,
        };
        let mut ends: Vec<End<X>> = starts.iter().map(unsolved).collect();
        let ode = erased_ode(ode);
        // one task at a time: half of one thread's remaining work is not a fair share
        let tasks = ends.par_chunks_mut(TASK).zip(starts.par_chunks(TASK)).with_max_len(1);
        tasks.for_each(|(ends, starts)| run_solve(Task { solver: &self.solver, ode, starts, ends }));
        ends
    }
}

/// The number of evaluations of the right-hand side: at the start and at every stop passed, in every step, and in probes.
fn evaluations(solver: &Adaptive, [passed, probed]: [u64; 2], accepted: u32, rejected: u32) -> u64 {
    let (stages, attempts) = (solver.method.stages() as u64, u64::from(accepted) + u64::from(rejected));
    let first = if solver.first_step.is_some() { 1 } else { 2 };
    let steps = if solver.reads_end() { stages * attempts } else { (stages - 1) * attempts + u64::from(accepted) };
    first * (1 + passed) + steps + probed
}

/// The work of one thread at a time.
struct Task<'a, X: Row, P, O: ?Sized> {
    solver: &'a Adaptive,
    ode: &'a O,
    starts: &'a [Start<X, P>],
    /// Filled in by the task; initially they state that there was nothing to do.
    ends: &'a mut [End<X>],
}

/// A trajectory before its first step.
struct Ready<X: Row> {
    rate: X,
    step: X::Item,
    /// The status of a trajectory that ended before it began.
    over: Option<Status>,
}

// every call inside must be inlined: others run without the region's instructions
impl<X, P, O> NullaryFnOnce for Task<'_, X, P, O>
where
    X: Row<Item: Real> + Clone,
    P: Row<Item = X::Item>,
    O: EnsembleOde<X, P> + ?Sized,
    States<X>: Row<Item = Side<X>> + State<Time = Side<X>>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { solver, ode, starts, ends } = self;
        let mut ready = Vec::with_capacity(starts.len());
        for block in starts.chunks(LANES) {
            let stepper = start(solver, ode, block);
            for lane in 0..block.len() {
                let mut rate = block[lane].state.clone();
                for i in 0..rate.items().len() {
                    let first = stepper.rates.first();
                    rate.items_mut()[i] = first.map_or(X::Item::zero(), |rates| rates.items()[i].lane(lane));
                }
                let over = (!stepper.running.lane(lane)).then(|| status(&stepper, lane));
                ready.push(Ready { rate, step: stepper.step.lane(lane), over });
            }
        }

        let mut waiting = (0..starts.len()).filter(|&k| ready[k].over.is_none());
        let mut owners = [None; LANES];
        // a stepper in which nothing runs; its lanes are then filled
        let mut stepper = start(solver, ode, &starts[..1]);
        idle(&mut stepper, &starts[0]);
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
                let mut state = starts[k].state.clone();
                for i in 0..state.items().len() {
                    state.items_mut()[i] = stepper.state.items()[i].lane(lane);
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
                    // a step of length 0
                    end.evaluations = solver.method.stages() as u64;
                }
            }
        }
    }
}

/// A block of trajectories at their starts; lanes beyond it repeat its first.
#[inline(always)]
fn start<'a, X, P, O>(solver: &Adaptive, ode: &'a O, block: &[Start<X, P>]) -> Stepper<States<X>, Field<'a, X, P, O>>
where
    X: Row<Item: Real> + Clone,
    P: Row<Item = X::Item>,
    O: EnsembleOde<X, P> + ?Sized,
    States<X>: Row<Item = Side<X>> + State<Time = Side<X>>,
{
    let zero = Side::<X>::splat(X::Item::zero());
    let (mut from, mut to) = (zero, zero);
    let (mut state, mut parameters) = (block[0].state.build(|_| zero), block[0].parameters.build(|_| Num(zero)));
    for lane in 0..LANES {
        let start = &block[if lane < block.len() { lane } else { 0 }];
        from.set_lane(lane, start.from);
        to.set_lane(lane, start.to);
        for (lanes, value) in state.items_mut().iter_mut().zip(start.state.items()) {
            lanes.set_lane(lane, *value);
        }
        for (lanes, value) in parameters.items_mut().iter_mut().zip(start.parameters.items()) {
            lanes.0.set_lane(lane, *value);
        }
    }
    Stepper::new(solver.clone(), Field { ode, parameters }, &from, &to, &state)
}

/// A stepper in which nothing runs, with vectors of the right lengths.
#[inline(always)]
fn idle<X, P, B>(stepper: &mut Stepper<States<X>, B>, start: &Start<X, P>)
where
    X: Row<Item: Real>,
    States<X>: State<Time = Side<X>>,
{
    let zero = Side::<X>::splat(X::Item::zero());
    stepper.running = LaneMask::from([false; LANES]);
    stepper.finite = LaneMask::from([true; LANES]);
    stepper.failures.clear();
    stepper.rates.clear();
    stepper.rates.push(start.state.build(|_| zero));
    stepper.memory = Memory::new(&zero);
    stepper.counts = [zero; 2];
    stepper.allowed = zero.shift(most_attempts::<States<X>>(&stepper.solver));
    let state = start.state.build(|_| zero);
    stepper.last = Some(Attempt { time: zero, length: zero, state, accepted: LaneMask::from([false; LANES]) });
}

/// Puts a trajectory into a lane.
#[inline(always)]
fn load<X, P, O>(stepper: &mut Stepper<States<X>, Field<'_, X, P, O>>, lane: usize, start: &Start<X, P>, ready: &Ready<X>)
where
    X: Row<Item: Real> + Clone,
    P: Row<Item = X::Item>,
    O: EnsembleOde<X, P> + ?Sized,
    States<X>: Row<Item = Side<X>> + State<Time = Side<X>>,
{
    stepper.time.set_lane(lane, start.from);
    stepper.origin.set_lane(lane, start.from);
    stepper.target.set_lane(lane, start.to);
    stepper.step.set_lane(lane, ready.step);
    for i in 0..start.state.items().len() {
        stepper.state.items_mut()[i].set_lane(lane, start.state.items()[i]);
        stepper.rates[0].items_mut()[i].set_lane(lane, ready.rate.items()[i]);
    }
    for i in 0..start.parameters.items().len() {
        stepper.field.parameters.items_mut()[i].0.set_lane(lane, start.parameters.items()[i]);
    }
    for count in &mut stepper.counts {
        count.set_lane(lane, X::Item::zero());
    }
    let fresh = Memory::new(&stepper.step);
    stepper.memory.last.set_lane(lane, fresh.last.lane(lane));
    stepper.memory.before.set_lane(lane, fresh.before.lane(lane));
    if let Some(unprobed) = &mut stepper.memory.unprobed {
        unprobed.set_lane(lane, X::Item::infinity());
    }
    stepper.memory.rejected.set_lane(lane, false);
    stepper.running.set_lane(lane, true);
    stepper.finite.set_lane(lane, true);
    if let Some(attempt) = &mut stepper.last {
        // the rate is the one at its start
        attempt.accepted.set_lane(lane, false);
    }
    stepper.passed.set_lane(lane, X::Item::zero());
    stepper.probed.set_lane(lane, X::Item::zero());
    stepper.floored.set_lane(lane, Real::from_f64(NEVER));
    stepper.look_for_stops();
}

/// The reason why a lane stopped.
#[inline(always)]
fn status<F: Real, X: State<Time = Lanes<F, LANES>>, B>(stepper: &Stepper<X, B>, lane: usize) -> Status {
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
        idle(&mut stepper, &block[0]);
        let most = stepper.allowed.lane(0);
        assert!(most - 1.0 < most && most + 1.0 > most, "{most} + 1 is {}: a solve would never give up", most + 1.0);
    }
}
