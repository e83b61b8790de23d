//! Maps that are accurate for short times.

use crate::{
    AverageVelocity, Error, Number, Result, State, Tensor, Var, VelocityField,
    solver::{RK4, Stride, Walk, Within, advance},
};
use std::fmt;

/// A map that is accurate for times up to its reach, by its average velocity: the first step of semigroups of a given field.
#[derive(Clone, Debug)]
pub struct ShortMap<S> {
    map: S,
    reach: f64,
    /// Its description.
    by: String,
}

impl<B> ShortMap<RungeKutta<B>> {
    /// Steps of the classical Runge-Kutta method.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `reach` is positive and finite, and `steps` from 1 to 100,000.
    pub fn in_steps(field: B, reach: f64, steps: u32) -> Result<Self> {
        // more is a mistake, and would never end
        const MOST: u32 = 100_000;
        if !(1..=MOST).contains(&steps) {
            return invalid(format!("{steps} steps; give 1 to {MOST}"));
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
        invalid(format!("its reach is {reach:?}; that must be positive and finite"))
    }

    /// The map and its reach.
    pub fn known<T: Tensor<Primal = T>>(&self) -> (&dyn AverageVelocity<Var<T>>, f64)
    where
        S: AverageVelocity<Var<T>>,
    {
        (&self.map, self.reach)
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

/// The average velocity of `count` equal steps of the classical Runge-Kutta method, without cancellation for short times. Steps
/// are split at stops of the field.
#[derive(Clone, Debug)]
pub struct RungeKutta<B> {
    field: B,
    count: u32,
}

impl<X: State, B: VelocityField<X>> AverageVelocity<X> for RungeKutta<B> {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let mut state = x.clone();
        let strides =
            Walk::new(self.field.stops(s, t), s, t, self.count).map(|Stride { start, length, share, window, .. }| {
                let within = Within { field: &self.field, window: &window };
                let mut rates = vec![within.velocity(&start, &state)];
                state = advance(&RK4, &within, &start, &state, &length, &mut rates);
                let velocity = x.minus(x).advanced(&start.constant(1.0), RK4.b, &rates);
                velocity.scaled(&share)
            });
        strides.reduce(|sum, next| sum.plus(&next)).expect("there is a step")
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

    #[test]
    fn steps_are_cut_at_stops() {
        use crate::{Num, Ode};
        /// `x' = 1`, and 5 from a third on.
        struct Jump;
        impl Ode<1> for Jump {
            fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
                [t.lt(1.0 / 3.0).select(1.0, 5.0).in_form_of(x)]
            }
            fn stops<N: Number>(&self, s: &Num<N>, _: &Num<N>) -> Vec<Num<N>> {
                vec![s.constant(1.0 / 3.0)]
            }
        }
        for [s, t] in [[0.0, 1.0], [1.0, 0.0]] {
            let [v] = RungeKutta { field: Jump.field(), count: 4 }.average_velocity(&s, &t, &[0.0_f64]);
            assert!((v - 11.0 / 3.0).abs() < 1e-14, "{v}");
        }
    }
}
