//! Adaptive Runge-Kutta solvers: step sizes set by the tolerance.

use super::{
    Controller, Numerical, Recorder, Save, Solution, Solver, Stepper, erased::erased, numerical::together, tableau::Tableau,
};
use crate::{Error, Result, State, Tolerance, VelocityField, field::in_order};

/// A solver that chooses its step sizes by a tolerance: a [`Tableau`] with an estimate, a [`Tolerance`], a [`Controller`] and
/// limits.
///
/// Every sample of a batch has its own steps: its result does not depend on the batch around it.
///
/// ```
/// use flowmap::{FlowMap, Tolerance, exact::Logistic, solver::{Adaptive, DOPRI5, Save, Solver}};
/// let growth = Logistic::new(1.0, 10.0)?;
/// let solver = Adaptive::new(DOPRI5)?.tolerance(Tolerance::new(1e-8, 1e-10)?);
///
/// // as a flow map
/// let map = solver.clone().of(&growth);
/// let start = [1.0_f64];
/// assert!((map.flow(&0.0, &3.0, &start)[0] - growth.flow(&0.0, &3.0, &start)[0]).abs() < 1e-7);
///
/// // as a path
/// let path = solver.solve(&growth, &0.0, &3.0, &start, &Save::Dense)?;
/// assert!((path.at(&1.5)[0] - growth.flow(&0.0, &1.5, &start)[0]).abs() < 1e-6);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adaptive {
    pub(super) method: Tableau,
    pub(super) tolerance: Tolerance,
    pub(super) controller: Controller,
    pub(super) first_step: Option<f64>,
    pub(super) step_limits: [f64; 2],
    pub(super) max_steps: u32,
    pub(super) stops: Vec<f64>,
}

impl Adaptive {
    /// With the default [`Tolerance`], PI control (for [`DOP853`](super::DOP853) I control, with step size changes by factors
    /// of 1/3 to 6), an automatic first step, and up to 100,000 attempts.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the method has no estimate, or is [not consistent](Tableau::check).
    pub fn new(method: Tableau) -> Result<Self> {
        method.check()?;
        if method.estimate.is_none() {
            let reason = format!("{} has no error estimate; use it with fixed steps, or use another method", method.name);
            return Err(Error::invalid("method", reason));
        }
        let controller = if method.order >= 8 { Controller::integral().limits(1.0 / 3.0, 6.0)? } else { Controller::default() };
        let step_limits = [0.0, f64::INFINITY];
        let (tolerance, first_step, max_steps) = (Tolerance::default(), None, 100_000);
        Ok(Self { method, tolerance, controller, first_step, step_limits, max_steps, stops: Vec::new() })
    }

    /// With another tolerance.
    #[must_use]
    pub fn tolerance(self, tolerance: Tolerance) -> Self {
        Self { tolerance, ..self }
    }

    /// With another controller.
    #[must_use]
    pub fn controller(self, controller: Controller) -> Self {
        Self { controller, ..self }
    }

    /// With a first step of this length (in either direction).
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive and finite.
    pub fn first_step(self, length: f64) -> Result<Self> {
        if !(length > 0.0 && length.is_finite()) {
            return Err(Error::invalid(
                "first step",
                format!("{length} is not a positive finite number; give a positive length, the span sets the direction"),
            ));
        }
        Ok(Self { first_step: Some(length), ..self })
    }

    /// With step sizes of at least `shortest`, except for the last, and at most `longest`. A solve that would need shorter
    /// steps stops.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `0 ≤ shortest ≤ longest` and `longest` is positive.
    pub fn step_limits(self, shortest: f64, longest: f64) -> Result<Self> {
        if !(0.0 <= shortest && shortest <= longest && longest > 0.0 && shortest.is_finite()) {
            return Err(Error::invalid("step limits", format!("0 ≤ {shortest} ≤ {longest} does not hold, or both are 0")));
        }
        Ok(Self { step_limits: [shortest, longest], ..self })
    }

    /// With stop times, at which the velocity, or a derivative of it, may jump: a step ends exactly there, and the next begins
    /// with the velocity on the other side and a new step size.
    ///
    /// No step looks across a stop: at the stop itself, the velocity is evaluated a rounding error before it, and after it. A
    /// velocity such as `if t < 1 { … } else { … }` is then followed to the full order of the method, and a short pulse in a
    /// long calm is not stepped over. Times may come in any order; duplicates and times outside a span are ignored. A field
    /// that knows its own stops [names them](VelocityField::stops). If you do not know when a forcing acts, set a [longest
    /// step](Self::step_limits) that is shorter than the forcing lasts: by default there is no such limit.
    ///
    /// ```
    /// use flowmap::{FlowMap, field, solver::{Adaptive, DOPRI5}};
    /// // a pulse of a tenth in thirty units of time
    /// let pulse = field(|t: &f64, _: &[f64; 1]| [if 20.0 < *t && *t < 20.1 { 1e4 } else { 0.0 }]);
    /// let solver = Adaptive::new(DOPRI5)?;
    /// assert_eq!(solver.clone().of(pulse).flow(&0.0, &30.0, &[0.0]), [0.0], "no step has seen it");
    /// let end = solver.stops([20.0, 20.1])?.of(pulse).flow(&0.0, &30.0, &[0.0]);
    /// assert!((end[0] - 1000.0).abs() < 1e-9);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if a time is NaN.
    pub fn stops(self, times: impl IntoIterator<Item = f64>) -> Result<Self> {
        Ok(Self { stops: in_order(times)?, ..self })
    }

    /// With at most `count` attempts, accepted and rejected ones together.
    #[must_use]
    pub fn max_steps(self, count: u32) -> Self {
        Self { max_steps: count, ..self }
    }

    /// The coefficients of the method.
    pub fn method(&self) -> &Tableau {
        &self.method
    }

    /// Whether the estimate uses the velocity at the end of a step.
    pub(super) fn reads_end(&self) -> bool {
        self.method.estimate.is_some_and(|estimate| estimate.weights.len() > self.method.stages())
    }

    /// The order of the estimate plus 1.
    pub(super) fn k(&self) -> f64 {
        f64::from(self.method.estimate.map_or(self.method.order, |estimate| estimate.order) + 1)
    }

    /// The flow map of `field` by this method.
    pub fn of<B>(self, field: B) -> Numerical<Self, B> {
        Numerical::new(self, field)
    }

    /// Starts a solve that the caller steps through.
    ///
    /// ```
    /// use flowmap::{exact::Rotation, solver::{Adaptive, DOPRI5}};
    /// let turn = Rotation::new(1.0)?;
    /// let mut stepper = Adaptive::new(DOPRI5)?.start(&turn, &0.0, &10.0, &[1.0, 0.0]);
    /// while stepper.step() {
    ///     if stepper.state()[0] < 0.0 {
    ///         break; // a quarter of a turn is over
    ///     }
    /// }
    /// assert!((1.57..3.2).contains(stepper.time()));
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn start<X: State, B: VelocityField<X>>(&self, field: B, s: &X::Time, t: &X::Time, x: &X) -> Stepper<X, B> {
        Stepper::new(self.clone(), field, s, t, x)
    }
}

impl<X: State, B: VelocityField<X> + ?Sized> Solver<X, B> for Adaptive {
    fn solve(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>> {
        self.solve_for(erased(&field), s, t, x, save)
    }

    fn solve_each(&self, field: &B, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<Solution<X>>> {
        together(self, erased(&field), s, t, states)
    }
}

impl Adaptive {
    fn solve_for<X: State, B>(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>>
    where
        B: VelocityField<X> + ?Sized,
    {
        let mut stepper = self.start(field, s, t, x);
        let mut recorder = Recorder::new(save, s, t, x, stepper.rates.first())?;
        while stepper.step() {
            recorder.record_step(&mut stepper);
        }
        Ok(recorder.finish_stepper(&stepper))
    }
}
