//! Maps that are right for short times.

use super::{Distillation, Settings, Teacher, Times};
use crate::{AverageVelocity, Error, Number, Result, State, Tensor, Var, VelocityField};
use std::fmt;

/// A map that is right for times up to its reach, by its average velocity: what semigroups of a given field begin with.
#[derive(Clone, Debug)]
pub struct ShortMap<S> {
    map: S,
    reach: f64,
    /// What it is, in words.
    by: String,
}

impl<B> ShortMap<RungeKutta<B>> {
    /// Steps of the classical Runge-Kutta method.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `reach` is positive and finite, and `steps` from 1 to 100,000.
    pub fn in_steps(field: B, reach: f64, steps: u32) -> Result<Self> {
        // more are a slip, and would not end
        const MOST: u32 = 100_000;
        if !(1..=MOST).contains(&steps) {
            return invalid(format!("{steps} steps; take from 1 to {MOST}"));
        }
        Ok(Self { by: format!("in {steps} steps"), ..Self::given(RungeKutta { field, count: steps }, reach)? })
    }
}

impl<S> ShortMap<S> {
    /// Any map.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `reach` is positive and finite.
    pub fn given(map: S, reach: f64) -> Result<Self> {
        if reach > 0.0 && reach.is_finite() {
            return Ok(Self { map, reach, by: "by a map".into() });
        }
        invalid(format!("it reaches for a time of {reach:?}; that must be positive and finite"))
    }

    /// The map and its reach.
    pub fn known<T: Tensor<Primal = T>>(&self) -> (&dyn AverageVelocity<Var<T>>, f64)
    where
        S: AverageVelocity<Var<T>>,
    {
        (&self.map, self.reach)
    }

    /// # Errors
    /// [`Error::Invalid`] if both halves of the way are those of a map that does not reach as far; or the rest of the way would be a map whose
    /// time is never drawn.
    pub fn check(&self, settings: &Settings, span: [f64; 2]) -> Result<()> {
        let Settings { objective, times, .. } = settings;
        if objective.teacher() != Some(Teacher::Given) {
            return Ok(());
        }
        let longest = times.longest(span);
        let needed = match objective.distillation() {
            Some(Distillation::SemigroupMidpoint) => longest / 2.0,
            Some(Distillation::SemigroupShort) if matches!(times, Times::Grid { .. } | Times::Dyadic { .. }) => longest,
            _ => return Ok(()),
        };
        if self.reach >= needed {
            return Ok(());
        }
        let Self { reach, .. } = self;
        invalid(format!("{objective} takes a given map over {needed}, and it reaches for {reach}; let it reach that far"))
    }
}

/// For a fingerprint.
impl<S> fmt::Display for ShortMap<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "known for {} {}", self.reach, self.by)
    }
}

fn invalid<T>(reason: String) -> Result<T> {
    Err(Error::invalid("map for short times", reason))
}

/// The average velocity of some steps of equal length of the classical Runge-Kutta method: what is added to a state, divided by the time,
/// with nothing lost where the time is short.
#[derive(Clone, Debug)]
pub struct RungeKutta<B> {
    field: B,
    count: u32,
}

impl<X: State, B: VelocityField<X>> AverageVelocity<X> for RungeKutta<B> {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let step = (t.clone() - s).scale(1.0 / f64::from(self.count));
        let half = step.scale(0.5);
        let form = step.constant(0.0);
        let (mut start, mut now, mut all) = (s.clone(), x.clone(), None::<X>);
        for _ in 0..self.count {
            let (middle, end) = (start.clone() + &half, start.clone() + &step);
            let first = self.field.velocity(&start, &now);
            let second = self.field.velocity(&middle, &now.plus(&first.scaled(&half)));
            let third = self.field.velocity(&middle, &now.plus(&second.scaled(&half)));
            let fourth = self.field.velocity(&end, &now.plus(&third.scaled(&step)));
            let inner = second.plus(&third).scaled(&form.constant(2.0));
            let velocity = first.plus(&inner).plus(&fourth).scaled(&form.constant(1.0 / 6.0));
            now = now.plus(&velocity.scaled(&step));
            start = end;
            all = Some(all.map_or(velocity.clone(), |all| all.plus(&velocity)));
        }
        all.expect("there is a step").scaled(&form.constant(1.0 / f64::from(self.count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::Pendulum};

    #[test]
    fn the_short_map_is_of_fourth_order() {
        let pendulum = Pendulum::new(1.0).unwrap();
        let x = [1.2, 0.3];
        let error = |count| {
            let v: [f64; 2] = RungeKutta { field: &pendulum, count }.average_velocity(&0.0, &1.0, &x);
            x.plus(&v).minus(&pendulum.flow(&0.0, &1.0, &x)).norm()
        };
        let order = (error(4) / error(8)).log2();
        assert!((order - 4.0).abs() < 0.3, "order {order}");
        let still: [f64; 2] = RungeKutta { field: &pendulum, count: 3 }.average_velocity(&0.5, &0.5, &x);
        assert!(still.minus(&pendulum.velocity(&0.5, &x)).norm() < 1e-15);
    }
}
