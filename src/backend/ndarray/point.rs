//! An `Array1` as a state: one point, its time a plain float.

use crate::backend::vector::state_of_vector;
use ndarray::Array1;
use std::borrow::Cow;

/// The coordinates in their order; copied where the array has them in another one.
fn coordinates<F: crate::Real>(x: &Array1<F>) -> Cow<'_, [F]> {
    x.as_slice().map_or_else(|| x.to_vec().into(), Cow::from)
}

state_of_vector!([F: crate::Real] Array1<F>, coordinates);

#[cfg(test)]
mod tests {
    use crate::{Case, Coordinates, Dual, FlowMap, Norm, QuasiRandom, State, Tolerance, Value, exact::CouplingFlow, verify};
    use ndarray::{Array1, Axis, array};

    #[test]
    fn arrays_and_points_agree_bit_for_bit() {
        let flow = CouplingFlow::<4>::random(3, 5).unwrap();
        for Case { s, t, x } in QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 4]).unwrap().cases::<f64>(32) {
            assert_eq!(flow.flow(&s, &t, &Array1::join(x)), Array1::join(flow.flow(&s, &t, &x)));
            let (still, moving) = (Dual::constant(s), Dual::new(t, 1.0));
            let point = flow.flow(&still, &moving, &Dual::new(x, [1.0, 0.0, -1.0, 2.0]));
            let found = flow.flow(&still, &moving, &Dual::new(Array1::join(x), array![1.0, 0.0, -1.0, 2.0]));
            assert_eq!((found.value().split(), found.tangent().split()), (*point.value(), *point.tangent()));
        }
    }

    #[test]
    fn an_exact_flow_verifies_in_both_precisions() {
        fn holds<F: crate::Real>(tolerance: f64) -> bool {
            let flow = CouplingFlow::<3>::random(4, 11).unwrap();
            let cases = QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 3]).unwrap().cases::<F>(64);
            verify(&flow, &flow, cases.map(|c| Case { s: c.s, t: c.t, x: Array1::join(c.x) })).holds(tolerance)
        }
        assert!(holds::<f64>(1e-12));
        assert!(holds::<f32>(1e-4) && !holds::<f32>(1e-9));
    }

    #[test]
    fn coordinates_come_in_their_order_from_every_layout() {
        let mut x = array![3.0, 2.0, 1.0];
        x.invert_axis(Axis(0)); // in memory still 3, 2, 1
        let y = array![0.5, -1.0, 7.0];
        assert_eq!((x.split(), x.values()), ([1.0, 2.0, 3.0], vec![1.0, 2.0, 3.0]));
        assert_eq!(x.plus(&y), array![1.5, 1.0, 10.0]);
        assert_eq!(x.negated(), array![-1.0, -2.0, -3.0]);
        assert_eq!(x.advanced(&2.0, &[1.0], &[x.clone()]), array![3.0, 6.0, 9.0]);
        let tolerance = Tolerance::each(0.0, &[1.0, 2.0, 4.0]).unwrap().in_norm(Norm::Maximum);
        assert_eq!(x.error_norm(&y, &y, &tolerance), 1.0);
    }

    #[test]
    #[should_panic(expected = "a state of 2 coordinates has shape [2], not [3]")]
    fn splitting_another_length() {
        let _: [f64; 2] = array![1.0, 2.0, 3.0].split();
    }

    #[test]
    #[should_panic(expected = "minus: shapes [3] and [1] differ")]
    fn arrays_of_one_element_are_not_spread() {
        let _ = array![1.0, 2.0, 3.0].minus(&array![1.0]);
    }
}
