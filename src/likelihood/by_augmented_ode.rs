//! Volume change as an additional coordinate of the ODE.

use super::{Directions, VolumeChange, directions::velocity_and_divergence, volume::checked};
use crate::{Coordinates, Dual, FlowMap, Number, Pair, Result, State, VelocityField};

/// The ODE of a field, augmented by `ln |det ∇X|`: on pairs `(x, [l])`,
///
/// - `(x, l)' = (b_t(x), tr ∇b_t(x))`
///
/// so that any solver computes both. [`ByAugmentedOde`] turns the solver's map into a flow map with its volume change. `l` does
/// not enter the velocity.
///
/// ```
/// use flowmap::{exact::Logistic, likelihood::{ByAugmentedOde, ByJacobian, ExactTrace, VolumeChange, WithDivergence}};
/// use flowmap::solver::{Adaptive, DOPRI5};
/// let growth = Logistic::new(2.0, 1.0)?;
/// let solved = ByAugmentedOde(Adaptive::new(DOPRI5)?.of(WithDivergence::new(growth, ExactTrace)));
/// let (_, log_det) = solved.try_flow_and_log_det(&0.0, &1.5, &[0.1_f64])?;
/// let (_, exact) = ByJacobian(growth).flow_and_log_det(&0.0, &1.5, &[0.1]);
/// assert!((log_det - exact).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: R. T. Q. Chen et al., arXiv 1806.07366, theorem 1; W. Grathwohl et al., arXiv 1810.01367, for random directions.
#[derive(Clone, Copy, Debug)]
pub struct WithDivergence<B, E> {
    field: B,
    directions: E,
}

impl<B, E> WithDivergence<B, E> {
    /// The augmented ODE of `field`, whose divergence is computed along `directions`.
    pub fn new(field: B, directions: E) -> Self {
        Self { field, directions }
    }

    /// The field `b`.
    pub fn field(&self) -> &B {
        &self.field
    }
}

impl<P, B, E> VelocityField<P> for WithDivergence<B, E>
where
    P: Pair,
    P::Second: Coordinates<1>,
    B: VelocityField<Dual<P::First>>,
    E: Directions<P::First>,
{
    fn velocity(&self, t: &P::Time, state: &P) -> P {
        let (velocity, divergence) = velocity_and_divergence(&self.field, t, &state.parts().0, &self.directions);
        P::pair(velocity, P::Second::join([divergence]))
    }
    fn stops(&self, s: &P::Time, t: &P::Time) -> Vec<P::Time> {
        let [s, t] = [s, t].map(|time| Dual::constant(time.clone()));
        self.field.stops(&s, &t).into_iter().map(|stop| stop.into_parts().0).collect()
    }
}

/// A flow map of pairs `(x, [l])`, such as that of [`WithDivergence`] by a solver, as a map of `x` with its volume change: `l`
/// starts at 0.
#[derive(Clone, Copy, Debug)]
pub struct ByAugmentedOde<M>(pub M);

impl<X: State, M: FlowMap<(X, [X::Time; 1])>> VolumeChange<X> for ByAugmentedOde<M> {
    fn flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> (X, X::Time) {
        let (end, [log_det]) = self.0.flow(s, t, &start(x));
        (end, log_det)
    }
    fn try_flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<(X, X::Time)> {
        let (end, [log_det]) = self.0.try_flow(s, t, &start(x))?;
        checked(s, t, end, log_det)
    }
}

fn start<X: State>(x: &X) -> (X, [X::Time; 1]) {
    (x.clone(), [x.dot(x).constant(0.0)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error, QuasiRandom, Tolerance,
        exact::{Blowup, CouplingFlow},
        likelihood::{ByJacobian, ExactTrace},
        solver::{Adaptive, DOP853, FixedSteps, RK4},
        verify,
    };

    #[test]
    fn solvers_compute_the_determinant() {
        let flow = CouplingFlow::<2>::random(3, 31).unwrap();
        let field = WithDivergence::new(&flow, ExactTrace);
        let adaptive = Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-11, 1e-11).unwrap());
        let x = [0.3, -0.4];
        for (s, t) in [(0.2, 0.9), (0.9, 0.2), (0.4, 0.4)] {
            let (end, found) = ByAugmentedOde(adaptive.clone().of(field)).try_flow_and_log_det(&s, &t, &x).unwrap();
            let (expected_end, expected) = ByJacobian(&flow).flow_and_log_det(&s, &t, &x);
            assert!((found - expected).abs() < 1e-9 && end.minus(&expected_end).norm() < 1e-9, "from {s} to {t}: {found}");
        }
        let error = |steps| -> f64 {
            let (_, found) = ByAugmentedOde(FixedSteps::new(RK4, steps).unwrap().of(field)).flow_and_log_det(&0.0, &1.0, &x);
            f64::abs(found - ByJacobian(&flow).flow_and_log_det(&0.0, &1.0, &x).1)
        };
        let order = (error(16) / error(32)).log2();
        assert!((order - 4.0).abs() < 0.3, "order {order}");
    }

    #[test]
    fn the_augmented_map_is_a_flow_map() {
        let flow = CouplingFlow::<2>::random(3, 31).unwrap();
        let field = WithDivergence::new(&flow, ExactTrace);
        let map = Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-11, 1e-11).unwrap()).of(field);
        let cases = QuasiRandom::new([0.0, 1.0], [[-1.0, 1.0]; 3]).unwrap().cases::<f64>(20);
        let pairs = cases.map(|case| crate::Case { s: case.s, t: case.t, x: ([case.x[0], case.x[1]], [case.x[2]]) });
        let report = verify(&map, &field, pairs);
        assert!(report.holds(1e-6), "{report}");
    }

    #[test]
    fn a_solve_that_stops_says_why() {
        let solved = ByAugmentedOde(Adaptive::new(DOP853).unwrap().of(WithDivergence::new(Blowup, ExactTrace)));
        assert!(matches!(solved.try_flow_and_log_det(&0.0, &2.0, &[1.0]), Err(Error::Stopped { .. })));
        assert!(solved.flow_and_log_det(&0.0, &2.0, &[1.0_f64]).1.is_nan());
    }
}
