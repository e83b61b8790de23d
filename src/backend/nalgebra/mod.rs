//! nalgebra's vectors as states.
//!
//! A column vector is a [`State`], of fixed size (`SVector`) or of a size known at run time only (`DVector`): every field, exact
//! flow, solver and characterization runs on it, and on its [`Dual`](crate::Dual).
//!
//! ```
//! use flowmap::{Dual, FlowMap, exact::Rotation, nalgebra::Vector2};
//! let turn = Rotation::new(std::f64::consts::FRAC_PI_2)?;
//! let end = turn.flow(&0.0, &1.0, &Vector2::new(1.0, 0.0));
//! assert!((end - Vector2::new(0.0, 1.0)).norm() < 1e-15);
//! // and its time derivative
//! let moving = turn.flow(&Dual::constant(0.0), &Dual::new(0.0, 1.0), &Dual::constant(Vector2::new(2.0, 0.0)));
//! assert_eq!(moving.tangent()[1], std::f64::consts::PI);
//! # Ok::<(), flowmap::Error>(())
//! ```

mod dynamic;

use crate::{Coordinates, DynCoordinates, Real, State, Tolerance, Value};
use nalgebra::SVector;

impl<F: Real, const D: usize> Value for SVector<F, D> {
    #[inline(always)]
    fn frozen(&self) -> Self {
        *self
    }
    fn values(&self) -> Vec<f64> {
        self.iter().map(|x| x.into_f64()).collect()
    }
}

impl<F: Real, const D: usize> State for SVector<F, D> {
    type Time = F;

    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        self.zip_map(other, |a, b| a + b)
    }
    #[inline(always)]
    fn minus(&self, other: &Self) -> Self {
        self.zip_map(other, |a, b| a - b)
    }
    #[inline(always)]
    fn negated(&self) -> Self {
        self.map(|x| -x)
    }
    #[inline(always)]
    fn scaled(&self, by: &F) -> Self {
        self.map(|x| x * *by)
    }
    #[inline(always)]
    fn dimension(&self) -> usize {
        D
    }
    fn dot(&self, other: &Self) -> F {
        self.iter().zip(other.iter()).map(|(&x, &y)| x * y).sum()
    }
    #[inline(always)]
    fn choose(mask: &bool, a: &Self, b: &Self) -> Self {
        if *mask { *a } else { *b }
    }
    #[inline(always)]
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> F {
        tolerance.norm(self.as_slice(), from.as_slice(), to.as_slice())
    }
}

impl<F: Real, const D: usize> Coordinates<D> for SVector<F, D> {
    #[inline(always)]
    fn split(&self) -> [F; D] {
        self.data.0[0]
    }
    #[inline(always)]
    fn join(coordinates: [F; D]) -> Self {
        Self::from(coordinates)
    }
}

impl<F: Real, const D: usize> DynCoordinates for SVector<F, D> {
    type Row = [F; D];

    fn coordinates(&self) -> [F; D] {
        self.split()
    }
    fn with_coordinates(&self, coordinates: [F; D]) -> Self {
        Self::join(coordinates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, Dual, FlowMap, QuasiRandom, exact::CouplingFlow, verify};

    #[test]
    fn an_exact_flow_verifies_on_vectors_and_on_their_duals() {
        let flow = CouplingFlow::<3>::random(4, 11).unwrap();
        let lattice = QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 3]).unwrap();
        let vector = |c: Case<[f64; 3]>| Case { s: c.s, t: c.t, x: SVector::from(c.x) };
        let report = verify(&flow, &flow, lattice.cases(64).map(vector));
        assert!(report.holds(1e-12), "{report}");
        let dual = |c: Case<SVector<f64, 3>>| Case { s: Dual::constant(c.s), t: Dual::constant(c.t), x: Dual::new(c.x, c.x) };
        let report = verify(&flow, &flow, lattice.cases(64).map(vector).map(dual));
        assert!(report.holds(1e-12), "{report}");
        let single = |c: Case<[f32; 3]>| Case { s: c.s, t: c.t, x: SVector::from(c.x) };
        let report = verify(&flow, &flow, lattice.cases(64).map(single));
        assert!(report.holds(1e-4) && !report.holds(1e-9), "{report}");
    }

    #[test]
    fn vectors_and_points_agree_bit_for_bit() {
        let flow = CouplingFlow::<4>::random(3, 5).unwrap();
        let (s, t, x, d) = (0.25, -0.5, [0.1, -0.2, 0.3, 0.4], [1.0, 0.0, -1.0, 2.0]);
        let (still, moving) = (Dual::constant(s), Dual::new(t, 1.0));
        let point = flow.flow(&still, &moving, &Dual::new(x, d));
        let vector = flow.flow(&still, &moving, &Dual::new(SVector::from(x), SVector::from(d)));
        assert_eq!(point.value(), &vector.value().split());
        assert_eq!(point.tangent(), &vector.tangent().split());
    }

    #[test]
    fn arithmetic_agrees_with_nalgebra() {
        let (a, b) = (SVector::from([3.0, 4.0]), SVector::from([-1.0, 0.5]));
        assert_eq!(a.plus(&b), a + b);
        assert_eq!(a.minus(&b), a - b);
        assert_eq!(a.negated(), -a);
        assert_eq!(a.scaled(&2.5), a * 2.5);
        assert_eq!(State::norm(&a), 5.0);
    }
}
