//! Column vectors whose length is known at run time only.

use crate::backend::vector::state_of_vector;
use nalgebra::DVector;

state_of_vector!([F: crate::Real] DVector<F>, DVector::as_slice);

#[cfg(test)]
mod tests {
    use crate::{
        Case, Coordinates, Dual, FlowMap, Norm, QuasiRandom, State, Tolerance, Value, VelocityField, exact::CouplingFlow, verify,
    };
    use nalgebra::DVector;

    fn vector<F: crate::Real, const D: usize>(x: [F; D]) -> DVector<F> {
        DVector::join(x)
    }

    #[test]
    fn vectors_and_points_agree_bit_for_bit() {
        let flow = CouplingFlow::<4>::random(3, 5).unwrap();
        for Case { s, t, x } in QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 4]).unwrap().cases::<f64>(32) {
            let d = flow.velocity(&s, &x);
            assert_eq!(flow.flow(&s, &t, &vector(x)), vector(flow.flow(&s, &t, &x)));
            let (still, moving) = (Dual::constant(s), Dual::new(t, 1.0));
            let point = flow.flow(&still, &moving, &Dual::new(x, d));
            let found = flow.flow(&still, &moving, &Dual::new(vector(x), vector(d)));
            assert_eq!((found.value(), found.tangent()), (&vector(*point.value()), &vector(*point.tangent())));
        }
    }

    #[test]
    fn operations_agree_with_points_bit_for_bit() {
        let (a, b, c, by) = ([1.0, -2.0, 0.3_f32], [0.7, 0.1, -5.0], [3.0, 1e-3, 0.0], 0.3);
        let [x, y, z] = [a, b, c].map(vector);
        assert_eq!(x.plus(&y), vector(a.plus(&b)));
        assert_eq!(x.minus(&y), vector(a.minus(&b)));
        assert_eq!(x.negated(), vector(a.negated()));
        assert_eq!(x.scaled(&by), vector(a.scaled(&by)));
        assert_eq!((State::dot(&x, &y), State::norm(&x)), (a.dot(&b), a.norm()));
        assert_eq!((DVector::choose(&true, &x, &y), DVector::choose(&false, &x, &y)), (x.clone(), y.clone()));
        for norm in [Norm::RootMeanSquare, Norm::Maximum] {
            let tolerance = Tolerance::each(1e-3, &[1e-6, 1e-3, 1.0]).unwrap().in_norm(norm);
            assert_eq!(x.error_norm(&y, &z, &tolerance), a.error_norm(&b, &c, &tolerance));
        }
        for weights in [[0.2, 0.0, 1.7], [0.0, 0.5, 0.0], [0.0; 3]] {
            let expected = a.advanced(&by, &weights, &[b, c, a]);
            assert_eq!(x.advanced(&by, &weights, &[y.clone(), z.clone(), x.clone()]), vector(expected));
        }
        assert_eq!(x.values(), a.values());
    }

    #[test]
    fn an_exact_flow_verifies_in_both_precisions() {
        fn holds<F: crate::Real>(tolerance: f64) -> bool {
            let flow = CouplingFlow::<3>::random(4, 11).unwrap();
            let cases = QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 3]).unwrap().cases::<F>(64);
            verify(&flow, &flow, cases.map(|c| Case { s: c.s, t: c.t, x: vector(c.x) })).holds(tolerance)
        }
        assert!(holds::<f64>(1e-12));
        assert!(holds::<f32>(1e-4) && !holds::<f32>(1e-9));
    }

    #[test]
    #[should_panic(expected = "a state of 4 coordinates has shape [4], not [3]")]
    fn splitting_another_length() {
        let _: [f64; 4] = vector([1.0, 2.0, 3.0]).split();
    }

    #[test]
    #[should_panic(expected = "plus: shapes [3] and [2] differ")]
    fn adding_another_length() {
        let _ = vector([1.0, 2.0, 3.0]).plus(&vector([1.0, 2.0]));
    }

    #[test]
    #[should_panic(expected = "advanced: shapes [1] and [2] differ")]
    fn advancing_by_another_length() {
        let _ = vector([1.0]).advanced(&1.0, &[0.0, 1.0], &[vector([1.0]), vector([1.0, 2.0])]);
    }
}
