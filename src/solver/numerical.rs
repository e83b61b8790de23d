//! Numerical flow maps: a solver with a field.

use super::{Save, Solution, solution::nowhere};
use crate::{FlowMap, Result, State, VelocityField, state::Together};

/// A solver for ODEs with states `X` and velocity fields `B`.
///
/// Implemented by [`FixedSteps`](super::FixedSteps) and [`Adaptive`](super::Adaptive) for every state and field, by `Stiff` for
/// states that split into coordinates, by references and boxes of solvers, and by your own solvers: a
/// [`Recorder`](super::Recorder) builds the solution. [`Numerical`] turns it into a flow map; solvers of this crate do so by
/// their method `of`.
///
/// ```
/// use flowmap::{exact::Rotation, solver::{Adaptive, DOPRI5, FixedSteps, RK4, Save, Solver}};
/// let turn = Rotation::new(1.0)?;
/// let solvers: [Box<dyn Solver<[f64; 2], Rotation>>; 2] =
///     [Box::new(Adaptive::new(DOPRI5)?), Box::new(FixedSteps::new(RK4, 100)?)];
/// for solver in solvers {
///     let path = solver.solve(&turn, &0.0, &1.0, &[1.0, 0.0], &Save::End)?;
///     assert!((path.end()[1] - 1.0_f64.sin()).abs() < 1e-5);
/// }
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Solver<X: State, B: ?Sized> {
    /// The solution from `x` at time `s` to time `t`, in either direction. Whether steps end at the
    /// [stops](VelocityField::stops) of the field is up to the solver.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if `save` requests a state outside the span. A solve that stops early is no
    /// error: its [status](Solution::status) says why, and the solution ends where it stopped.
    fn solve(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>>;

    /// The solutions from each of these states. A solver that chooses its steps takes the same steps for all, if it can: see
    /// [`FlowMap::flow_each`]. By default each is solved by itself.
    ///
    /// # Errors
    /// The errors of [`solve`](Self::solve).
    fn solve_each(&self, field: &B, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<Solution<X>>> {
        states.iter().map(|x| self.solve(field, s, t, x, &Save::End)).collect()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<X: State, B: ?Sized, S: Solver<X, B> + ?Sized> Solver<X, B> for $pointer {
            fn solve(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>> {
                (**self).solve(field, s, t, x, save)
            }
            fn solve_each(&self, field: &B, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<Solution<X>>> {
                (**self).solve_each(field, s, t, states)
            }
        }
    )*};
}
forward!(&S, Box<S>, std::sync::Arc<S>);

/// The flow map of a field by a [`Solver`], on every state that both support.
///
/// On duals it is the derivative of the computed solution with respect to `s`, `t`, `x` and the parameters of the field: the
/// variational equation, solved with the ODE by the same steps. The step sizes are constants in it; they are chosen by the
/// errors of values and tangents, [unless you turn this off](crate::Tolerance::of_values). On a [`Tape`](crate::Tape) the
/// gradient is that of the steps as taken, which were chosen by the errors of values.
///
/// ```
/// use flowmap::{analysis::jacobian, exact::Rotation, solver::{Adaptive, DOPRI5}};
/// let map = Adaptive::new(DOPRI5)?.of(Rotation::new(1.0)?);
/// let jacobian = jacobian(&map, &0.0_f64, &2.0, &[1.0, 0.0]);
/// assert!((jacobian[1][0] - 2.0_f64.sin()).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Numerical<S, B> {
    solver: S,
    field: B,
}

impl<S, B> Numerical<S, B> {
    /// The flow map of `field` by `solver`.
    pub fn new(solver: S, field: B) -> Self {
        Self { solver, field }
    }

    /// The solver.
    pub fn solver(&self) -> &S {
        &self.solver
    }

    /// The velocity field.
    pub fn field(&self) -> &B {
        &self.field
    }
}

impl<X: State, S, B: VelocityField<X>> VelocityField<X> for Numerical<S, B> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.field.velocity(t, x)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.field.stops(s, t)
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        self.field.jvp(t, x, v)
    }
}

impl<X: State, S: Solver<X, B>, B> FlowMap<X> for Numerical<S, B> {
    /// Samples that do not reach `t` are NaN, all of them if the solver returns an error.
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.solver.solve(&self.field, s, t, x, &Save::End).map_or_else(|_| nowhere(x, &x.time(0.0)), Solution::end_or_nan)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        self.solver.solve(&self.field, s, t, x, &Save::End)?.success().map(Solution::into_end)
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        match self.solver.solve_each(&self.field, s, t, states) {
            Ok(paths) => paths.into_iter().map(Solution::end_or_nan).collect(),
            Err(_) => states.iter().map(|x| nowhere(x, &x.time(0.0))).collect(),
        }
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        let paths = self.solver.solve_each(&self.field, s, t, states)?;
        paths.into_iter().map(|path| path.success().map(Solution::into_end)).collect()
    }
}

/// The solutions from several states by the same steps.
pub(super) fn together<'a, X, B, S>(solver: &S, field: &'a B, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<Solution<X>>>
where
    X: State,
    B: VelocityField<X> + ?Sized,
    S: Solver<X, B> + Solver<Together<X>, Each<'a, B>>,
{
    match states {
        [] => Ok(Vec::new()),
        [x] => Ok(vec![solver.solve(field, s, t, x, &Save::End)?]),
        _ => Ok(solver.solve(&Each(field), s, t, &Together(states.to_vec()), &Save::End)?.apart()),
    }
}

/// A field on several states at once.
pub(super) struct Each<'a, B: ?Sized>(&'a B);

impl<X: State, B: VelocityField<X> + ?Sized> VelocityField<Together<X>> for Each<'_, B> {
    fn velocity(&self, t: &X::Time, x: &Together<X>) -> Together<X> {
        Together(x.0.iter().map(|x| self.0.velocity(t, x)).collect())
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.0.stops(s, t)
    }
    fn jvp(&self, t: &X::Time, x: &Together<X>, v: &Together<X>) -> Together<X> {
        Together(x.0.iter().zip(&v.0).map(|(x, v)| self.0.jvp(t, x, v)).collect())
    }
}
