//! Solvers with fixed steps of equal length.

use super::{
    Numerical, Recorder, Save, Solution, Solver, Statistics, Status,
    erased::erased,
    numerical::together,
    piece::{Piece, advance},
    segments::Within,
    tableau::Tableau,
    walk::{Stride, Walk},
};
use crate::{Error, Number, Result, State, Value, VelocityField};

/// A solver with a given number of equal steps: a [`Tableau`] and the number of steps.
///
/// At [stops that the field names](VelocityField::stops) a step is cut in two, which adds one step each.
///
/// As a flow map it is a smooth function of `s`, `t` and `x`: derivatives include those of the step sizes `(t - s)/n`.
///
/// ```
/// use flowmap::{FlowMap, exact::Logistic, solver::{FixedSteps, RK4}};
/// let growth = Logistic::new(1.0, 10.0)?;
/// let error = |steps| -> flowmap::Result<f64> {
///     let map = FixedSteps::new(RK4, steps)?.of(&growth);
///     Ok((map.flow(&0.0, &3.0, &[1.0_f64])[0] - growth.flow(&0.0, &3.0, &[1.0_f64])[0]).abs())
/// };
/// let ratio = error(20)? / error(40)?;
/// assert!((14.0..18.0).contains(&ratio), "order 4: {ratio}");
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedSteps {
    method: Tableau,
    steps: u32,
}

impl FixedSteps {
    /// With `steps` steps, whatever the span.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are none, or the method is [not consistent](Tableau::check).
    pub fn new(method: Tableau, steps: u32) -> Result<Self> {
        method.check()?;
        if steps == 0 {
            return Err(Error::invalid("number of steps", "0 steps are too few; take 1 or more"));
        }
        Ok(Self { method, steps })
    }

    /// The flow map of `field` by this method.
    pub fn of<B>(self, field: B) -> Numerical<Self, B> {
        Numerical::new(self, field)
    }
}

impl<X: State, B: VelocityField<X> + ?Sized> Solver<X, B> for FixedSteps {
    fn solve(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>> {
        self.solve_for(erased(&field), s, t, x, save)
    }

    fn solve_each(&self, field: &B, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<Solution<X>>> {
        together(self, erased(&field), s, t, states)
    }
}

impl FixedSteps {
    fn solve_for<X: State, B>(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>>
    where
        B: VelocityField<X> + ?Sized,
    {
        let form = x.dot(x).frozen();
        let (s, t) = (s.clone().in_form_of(&form), t.clone().in_form_of(&form));
        let walk = Walk::new(field.stops(&s, &t), &s, &t, self.steps);
        let mut state = x.clone();
        let mut rates = vec![Within { field, window: walk.window() }.velocity(&s, x)];
        let mut recorder = Recorder::new(save, &s, &t, x, rates.first())?;
        let stages = self.method.stages();
        let (mut evaluations, mut steps) = (1, 0);
        for Stride { start, end, length, window, is_last, .. } in walk {
            let within = Within { field, window: &window };
            if window.is_some() {
                // on the other side of a stop
                rates = vec![within.velocity(&start, &state)];
                evaluations += 1;
            }
            let next = advance(&self.method, &within, &start, &state, &length, &mut rates);
            evaluations += stages as u64 - 1;
            let mut rate_at_end = |rates: &mut Vec<X>| {
                if rates.len() == stages {
                    rates.push(within.velocity(&end, &next));
                    evaluations += 1;
                }
            };
            if !is_last && window.is_none() {
                rate_at_end(&mut rates);
            }
            recorder.record(&end, &next, || {
                rate_at_end(&mut rates);
                Piece::new(&self.method, &within, [&start, &length, &end], [&state, &next], &mut rates)
            });
            evaluations += (rates.len() as u64).saturating_sub(stages as u64 + 1);
            if rates.len() > stages {
                rates.swap(0, stages);
            }
            state = next;
            steps += 1;
        }
        let statuses: Vec<Status> =
            t.values().into_iter().map(|t| if t.is_finite() { Status::Finished } else { Status::NotFinite }).collect();
        let accepted = steps * statuses.len() as u64;
        Ok(recorder.finish(t, state, statuses, Statistics { evaluations, accepted, rejected: 0 }))
    }
}
