//! Fixed steps: as many as asked for, all of one length.

use super::{
    Save, Solution, Solver, Statistics, Status,
    piece::{Piece, advance},
    segments::{Segments, Within},
    solution::Recorder,
    tableau::Tableau,
};
use crate::{Error, Mask, Number, Result, State, Value, VelocityField, flow::between};

/// A solver with steps of equal length: a [`Tableau`] and the number of steps.
///
/// At [stops that the field names](VelocityField::stops) a step is cut in two: as many more are taken.
///
/// As a flow map it is a smooth function of `s`, `t` and `x`: step sizes `(t - s)/n` have derivatives, too.
///
/// ```
/// use flowmap::{FlowMap, exact::Logistic, solver::{FixedSteps, RK4, Solver}};
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
    /// With this number of steps, whatever the span.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are none, or the method is [not consistent](Tableau::check).
    pub fn new(method: Tableau, steps: u32) -> Result<Self> {
        method.check()?;
        if steps == 0 {
            return Err(Error::invalid("number of steps", "0 steps lead nowhere; take 1 or more"));
        }
        Ok(Self { method, steps })
    }
}

impl Solver for FixedSteps {
    fn solve<X: State, B: VelocityField<X>>(
        &self,
        field: B,
        s: &X::Time,
        t: &X::Time,
        x: &X,
        save: &Save,
    ) -> Result<Solution<X>> {
        let form = x.dot(x).frozen();
        let (s, t) = (s.clone().in_form_of(&form), t.clone().in_form_of(&form));
        let stops: Vec<X::Time> = field.stops(&s, &t).into_iter().map(|stop| stop.in_form_of(&form)).collect();
        let smooth = (t.clone() - &s).scale(1.0 / f64::from(self.steps));
        let mut segments = Segments::new(stops, &s, &t);
        let (mut time, mut state) = (s.clone(), x.clone());
        let mut rates = vec![Within { field: &field, window: &segments.window }.velocity(&s, x)];
        let mut recorder = Recorder::new(save, &s, &t, x, rates.first())?;
        let stages = self.method.stages();
        let (mut evaluations, mut steps, mut i) = (1, 0, 1);
        while i <= self.steps {
            let mut end = if i == self.steps { t.clone() } else { between(&s, &t, f64::from(i) / f64::from(self.steps)) };
            let mut length = smooth.clone();
            let mut cut = false;
            if !segments.is_empty() {
                segments.look_ahead(&time, &end);
                cut = segments.on_the_way(&end).any();
                if i < self.steps {
                    segments.meet();
                }
                end = segments.goal.clone();
                length = end.clone() - &time;
                rates = vec![Within { field: &field, window: &segments.window }.velocity(&time, &state)];
                evaluations += 1;
            }
            let within = Within { field: &field, window: &segments.window };
            let next = advance(&self.method, &within, &time, &state, &length, &mut rates);
            evaluations += stages as u64 - 1;
            let mut rate_at_end = |rates: &mut Vec<X>| {
                if rates.len() == stages {
                    rates.push(within.velocity(&end, &next));
                    evaluations += 1;
                }
            };
            if i < self.steps && segments.is_empty() {
                rate_at_end(&mut rates);
            }
            recorder.record(&end, &next, || {
                rate_at_end(&mut rates);
                Piece::new(&self.method, &within, [&time, &length, &end], [&state, &next], &mut rates)
            });
            evaluations += (rates.len() as u64).saturating_sub(stages as u64 + 1);
            if rates.len() > stages {
                rates.swap(0, stages);
            }
            (time, state) = (end, next);
            steps += 1;
            i += u32::from(!cut);
        }
        let statuses = finite(&state, &t);
        let accepted = steps * statuses.len() as u64;
        Ok(recorder.finish(t, state, statuses, Statistics { evaluations, accepted, rejected: 0 }))
    }
}

/// What became of every sample.
fn finite<X: State>(x: &X, t: &X::Time) -> Vec<Status> {
    let sizes = x.minus(x).dot(x).values();
    let status = |(t, size): (f64, f64)| if t.is_finite() && size == 0.0 { Status::Finished } else { Status::NotFinite };
    t.values().into_iter().zip(sizes).map(status).collect()
}
