//! A solve by diffsol, over shares of the time span, on plain floats.
//!
//! With the share `θ` of the span, the ODE is `dx/dθ = (t-s) b_τ(x)`, `τ = (1-θ) s + θ t`, `0 ≤ θ ≤ 1`. This supports both
//! directions of time, of which diffsol has one, spans of any length, and derivatives with respect to `s` and `t`.

use super::{
    Statistics, Status, Stiff,
    segments::{Segments, pulled},
    stepper::epsilon,
};
use crate::{DynCoordinates, Norm, Number, Row, Scalar, State, VelocityField, flow::between, state::filled};
use diffsol::{
    DiffsolError, NalgebraLU, NalgebraMat, NalgebraVec, OdeBuilder, OdeEquations, OdeSolverConfig, OdeSolverMethod,
    OdeSolverStopReason, error::OdeSolverError,
};
use std::cell::Cell;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Method {
    Bdf,
    TrBdf2,
    Esdirk34,
}

/// The end of a solve.
pub(super) struct End<X: State> {
    pub time: X::Time,
    pub state: X,
    pub status: Status,
    pub statistics: Statistics,
}

/// A step that was taken, in shares of the span: its ends, the states there, and those in between.
pub(super) struct Step<'a> {
    pub shares: [f64; 2],
    pub ends: [&'a [f64]; 2],
    pub between: &'a dyn Fn(f64) -> Vec<f64>,
}

/// What to record about the right-hand side.
#[derive(Default)]
struct Watch {
    evaluations: Cell<u64>,
    /// Whether a value was not finite since the last reset.
    broken: Cell<bool>,
}

impl Watch {
    fn see(&self, values: &[f64]) {
        self.evaluations.set(self.evaluations.get() + 1);
        if !all_finite(values) {
            self.broken.set(true);
        }
    }
}

fn all_finite(values: &[f64]) -> bool {
    values.iter().all(|x| x.is_finite())
}

/// Writes the state, coordinate by coordinate, the value of each first.
fn write<X: DynCoordinates<Time: Scalar>>(x: &X, floats: &mut [f64]) {
    for (coordinate, floats) in x.coordinates().items().iter().zip(floats.chunks_exact_mut(X::Time::FLOATS)) {
        coordinate.write(floats);
    }
}

/// Reads a state, in the form of `like`, that `write` has written.
pub(super) fn read<X: DynCoordinates<Time: Scalar>>(like: &X, floats: &[f64]) -> X {
    let floats: Vec<&[f64]> = floats.chunks_exact(X::Time::FLOATS).collect();
    filled(like, &floats, |floats| X::Time::read(floats))
}

/// Solves from `x` at time `s` to time `t`, from one stop of the field to the next, and passes each step to `visit`, with the
/// ends of its segment.
pub(super) fn march<X: DynCoordinates<Time: Scalar>>(
    solver: &Stiff,
    field: &(impl VelocityField<X> + ?Sized),
    [s, t]: [&X::Time; 2],
    x: &X,
    visit: &mut dyn FnMut([&X::Time; 2], Step),
) -> End<X> {
    let mut segments = Segments::new(field.stops(s, t), s, t);
    let (mut from, mut state, mut before) = (s.clone(), x.clone(), Statistics::default());
    loop {
        let (goal, inside) = (segments.goal.clone(), segments.window.clone());
        let ends = [&from, &goal];
        let left = u64::from(solver.max_steps).saturating_sub(before.accepted + before.rejected);
        let mut end = cross(solver, field, ends, &inside, &state, left, &mut |step| visit(ends, step));
        end.statistics.evaluations += before.evaluations;
        end.statistics.accepted += before.accepted;
        end.statistics.rejected += before.rejected;
        if end.status != Status::Finished || !segments.on_the_way(t) {
            return end;
        }
        (from, state, before) = (goal, end.state, end.statistics);
        segments.look_ahead(&from, t);
    }
}

/// Solves one segment, with at most `limit` attempts.
fn cross<X: DynCoordinates<Time: Scalar>>(
    solver: &Stiff,
    field: &(impl VelocityField<X> + ?Sized),
    [s, t]: [&X::Time; 2],
    inside: &Option<[X::Time; 2]>,
    x: &X,
    limit: u64,
    visit: &mut dyn FnMut(Step),
) -> End<X> {
    let way = t.clone() - s;
    let clock = |share: f64| {
        let time = between(s, t, share);
        match inside {
            None => time,
            Some(window) => pulled(time, window),
        }
    };
    let rate = |share: f64, x: &X| field.velocity(&clock(share), x).scaled(&way);
    let watch = Watch::default();
    let (dimension, floats) = (x.dimension(), X::Time::FLOATS);
    let size = dimension * floats;
    let (mut start, mut probe, mut span) = (vec![0.0; size], vec![0.0; size], vec![0.0; floats]);
    write(x, &mut start);
    way.write(&mut span);
    let finish = |course: Course| End {
        time: if course.share == 1.0 { t.clone() } else { between(s, t, course.share) },
        state: read(x, &course.state),
        status: course.status,
        statistics: Statistics { evaluations: watch.evaluations.get(), ..course.statistics },
    };
    let at_start = |status| Course { share: 0.0, state: start.clone(), status, statistics: Statistics::default() };
    if !all_finite(&span) || !all_finite(&start) {
        return finish(at_start(Status::NotFinite));
    }
    if span.iter().all(|&length| length == 0.0) {
        return finish(Course { share: 1.0, ..at_start(Status::Finished) });
    }
    write(&rate(0.0, x), &mut probe);
    watch.see(&probe);
    if watch.broken.get() {
        return finish(at_start(Status::NotFinite));
    }

    // the root mean square is at least the maximum divided by this
    let strictness = match solver.tolerance.norm_kind() {
        Norm::Maximum => (size as f64).sqrt(),
        Norm::RootMeanSquare => 1.0,
    };
    let absolute: Vec<f64> = (0..size).map(|i| solver.tolerance.floor::<f64>(i / floats, dimension) / strictness).collect();
    let finest = absolute.clone();
    let problem = OdeBuilder::<NalgebraMat<f64>>::new()
        .rtol(solver.tolerance.relative() / strictness)
        .atol(absolute)
        .rhs_implicit(
            |y: &[f64], _: &[f64], share, out: &mut [f64]| {
                write(&rate(share, &read(x, y)), out);
                watch.see(out);
            },
            |y: &[f64], _: &[f64], share, direction: &[f64], out: &mut [f64]| {
                write(&field.jvp(&clock(share), &read(x, y), &read(x, direction)).scaled(&way), out);
                watch.see(out);
            },
        )
        .init(|_, _, out: &mut [f64]| out.copy_from_slice(&start), size)
        .build();
    let Ok(mut problem) = problem else {
        return finish(at_start(Status::NotSolved));
    };
    // diffsol counts these over the whole solve, or within a step; here one limit holds for all
    problem.ode_options.max_nonlinear_solver_failures = solver.max_steps as usize;
    problem.ode_options.max_error_test_failures = solver.max_steps as usize;
    problem.ode_options.nonlinear_solver_tolerance =
        newton_tolerance::<X>(solver.tolerance.relative() / strictness, &finest, &start);
    type LU = NalgebraLU<f64>;
    let course = match solver.method {
        Method::Bdf => problem.bdf::<LU>().map(|s| follow(s, size, limit, &watch, visit)),
        Method::TrBdf2 => problem.tr_bdf2::<LU>().map(|s| follow(s, size, limit, &watch, visit)),
        Method::Esdirk34 => problem.esdirk34::<LU>().map(|s| follow(s, size, limit, &watch, visit)),
    };
    finish(course.unwrap_or_else(|_| at_start(Status::NotSolved)))
}

/// The tolerance of Newton's iterations, relative to that of the solve.
///
/// Their error is not smooth, so no error estimate detects it: in a coordinate much smaller than its absolute tolerance it has
/// any sign, and decides where the solution goes. With diffsol's 0.2, Robertson's reaction ends at -3e7 after 1e11 seconds, for
/// an absolute tolerance of 1e-6; with a ten-thousandth it ends right. No smaller than rounding errors.
fn newton_tolerance<X: State>(relative: f64, absolute: &[f64], x: &[f64]) -> f64 {
    let epsilon = epsilon::<X>();
    let rounding = |(a, x): (&f64, &f64)| 100.0 * epsilon * x.abs() / (relative * x.abs() + a);
    absolute.iter().zip(x).map(rounding).fold(1e-4, f64::max).min(0.2)
}

/// The progress of diffsol.
struct Course {
    share: f64,
    state: Vec<f64>,
    status: Status,
    statistics: Statistics,
}

/// Steps to the end of the span.
fn follow<'a, E, S>(mut solver: S, size: usize, limit: u64, watch: &Watch, visit: &mut dyn FnMut(Step)) -> Course
where
    E: OdeEquations<T = f64, V = NalgebraVec<f64>> + 'a,
    S: OdeSolverMethod<'a, E>,
{
    let floats = |v: &NalgebraVec<f64>| -> Vec<f64> { (0..size).map(|i| v[i]).collect() };
    let mut state = floats(solver.state().y);
    let mut share = 0.0;
    let mut statistics = Statistics::default();
    let mut outcome = solver.set_stop_time(1.0).map(|()| OdeSolverStopReason::InternalTimestep);
    let status = loop {
        match outcome {
            Ok(OdeSolverStopReason::TstopReached) => break Status::Finished,
            Ok(_) if statistics.accepted + statistics.rejected >= limit => break Status::TooManySteps,
            Ok(_) => {}
            Err(_) if watch.broken.get() => break Status::NotFinite,
            Err(error) => break status_of(&error),
        }
        watch.broken.set(false);
        if share > 0.0 && reaches_end(solver.state().t + solver.state().h) {
            // the last step was shortened to reach the end, but not the Newton matrix of the Runge-Kutta methods: it would be
            // trusted to converge at once, also by the error estimate
            solver.set_state(solver.state_clone());
        }
        // steps below the rounding of time make no progress
        *solver.config_mut().as_base_mut().minimum_timestep = (4.0 * f64::EPSILON * share).max(f64::MIN_POSITIVE);
        outcome = solver.step();
        let counts = solver.get_statistics();
        statistics.accepted = counts.number_of_steps as u64;
        statistics.rejected = (counts.number_of_error_test_failures + counts.number_of_nonlinear_solver_fails) as u64;
        let reached = solver.state().t;
        let next = floats(solver.state().y);
        if reached > share && all_finite(&next) {
            let between = |at: f64| solver.interpolate(at.clamp(share, reached)).map_or(vec![f64::NAN; size], |v| floats(&v));
            let to = if matches!(outcome, Ok(OdeSolverStopReason::TstopReached)) { 1.0 } else { reached };
            visit(Step { shares: [share, to], ends: [&state, &next], between: &between });
            (share, state) = (to, next);
        } else if outcome.is_ok() {
            break if all_finite(&next) { Status::StepTooSmall } else { Status::NotFinite };
        }
    };
    Course { share, state, status, statistics }
}

fn reaches_end(share: f64) -> bool {
    share >= 1.0 - 1e-12
}

fn status_of(error: &DiffsolError) -> Status {
    use OdeSolverError::{StepSizeTooSmall, TooManyErrorTestFailures, TooManyNonlinearSolverFailures};
    match error {
        DiffsolError::OdeSolverError(StepSizeTooSmall { .. }) => Status::StepTooSmall,
        DiffsolError::OdeSolverError(TooManyErrorTestFailures { .. } | TooManyNonlinearSolverFailures { .. }) => {
            Status::TooManySteps
        }
        _ => Status::NotSolved,
    }
}
