//! A solver and a field: a flow map.

use super::{Save, Solution};
use crate::{FlowMap, Result, State, VelocityField, state::Together};

/// A method that follows an ODE.
///
/// Implemented by [`FixedSteps`](super::FixedSteps) and [`Adaptive`](super::Adaptive). A solver by itself knows no ODE;
/// [`of`](Self::of) an ODE it is a flow map.
pub trait Solver {
    /// The path from `x` at time `s` to time `t`, in either direction.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if `save` asks for what cannot be there. A solve that stops early is no error:
    /// its [status](Solution::status) says why, and its path goes as far as it came.
    fn solve<X: State, B: VelocityField<X>>(&self, field: B, s: &X::Time, t: &X::Time, x: &X, save: &Save)
    -> Result<Solution<X>>;

    /// The flow map of `field` by this method.
    fn of<B>(self, field: B) -> Numerical<Self, B>
    where
        Self: Sized,
    {
        Numerical { solver: self, field }
    }
}

/// The flow map of a field by a solver, made by [`Solver::of`]: on every state that the field takes.
///
/// On duals it is the derivative of what the solver computes, with respect to `s`, `t`, `x` and the parameters of the field: the
/// variational equation, solved along with the ODE by the same steps. Step sizes are constants in it; they are chosen by the errors of
/// values and tangents, [unless told otherwise](crate::Tolerance::of_values). On a [`Tape`](crate::Tape) the gradient is that of the
/// steps as taken, which were chosen by the errors of values.
///
/// ```
/// use flowmap::{exact::{Rotation, jacobian_of}, solver::{Adaptive, DOPRI5, Solver}};
/// let map = Adaptive::new(DOPRI5)?.of(Rotation::new(1.0)?);
/// let jacobian = jacobian_of(&map, &0.0_f64, &2.0, &[1.0, 0.0]);
/// assert!((jacobian[1][0] - 2.0_f64.sin()).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Numerical<S, B> {
    solver: S,
    field: B,
}

impl<S, B> Numerical<S, B> {
    /// The method.
    pub fn solver(&self) -> &S {
        &self.solver
    }

    /// The velocity field.
    pub fn field(&self) -> &B {
        &self.field
    }
}

impl<X: State, S: Solver, B: VelocityField<X>> VelocityField<X> for Numerical<S, B> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.field.velocity(t, x)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.field.stops(s, t)
    }
}

impl<X: State, S: Solver, B: VelocityField<X>> FlowMap<X> for Numerical<S, B> {
    /// Samples that do not get to `t` are NaN.
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.solver.solve(&self.field, s, t, x, &Save::End).expect("the end can always be asked for").end_or_nan()
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        Ok(self.solver.solve(&self.field, s, t, x, &Save::End)?.success()?.end().clone())
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        if states.len() < 2 {
            return states.iter().map(|x| self.flow(s, t, x)).collect();
        }
        let path = self.solver.solve(Each(&self.field), s, t, &Together(states.to_vec()), &Save::End);
        path.expect("the end can always be asked for").end_or_nan().0
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        if states.len() < 2 {
            return states.iter().map(|x| self.try_flow(s, t, x)).collect();
        }
        let path = self.solver.solve(Each(&self.field), s, t, &Together(states.to_vec()), &Save::End)?;
        Ok(path.success()?.end().0.clone())
    }
}

/// A field on several states side by side.
struct Each<'a, B>(&'a B);

impl<X: State, B: VelocityField<X>> VelocityField<Together<X>> for Each<'_, B> {
    fn velocity(&self, t: &X::Time, x: &Together<X>) -> Together<X> {
        Together(x.0.iter().map(|x| self.0.velocity(t, x)).collect())
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.0.stops(s, t)
    }
}
