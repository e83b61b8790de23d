//! Derivatives of flow maps with respect to the start point.

use crate::{
    flow::FlowMap,
    number::{Dual, Matrix, Number, Row, matrix},
    state::{DynCoordinates, directions},
};

/// The Jacobian `∇X_{s,t}(x)` of any flow map, row by row: `∂X_i/∂x_j`, exact to rounding, by forward mode, column by column.
/// For a batch, each entry holds those of all samples. NaN outside the map's domain. An array of arrays for points that are
/// arrays, otherwise a vector of vectors.
///
/// ```
/// use flowmap::{analysis::jacobian, exact::{ExactFlow, Rotation}};
/// let turn = Rotation::new(1.0)?;
/// let (s, t, x) = (0.0, 0.5, [1.0, 2.0]);
/// assert_eq!(jacobian(&turn, &s, &t, &x), turn.jacobian(&s, &t, &x));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// For a map that does not run on duals, use finite differences:
///
/// ```
/// use flowmap::{FiniteDifferences, analysis::jacobian, flow_map};
/// let growth = flow_map(|s: &f64, t: &f64, [x]: &[f64; 1]| [x / (x + (1.0 - x) * (s - t).exp())]);
/// let [[slope]] = jacobian(&FiniteDifferences::new(growth), &0.0, &1.0, &[0.5]);
/// let e = (-1.0_f64).exp();
/// assert!((slope - 4.0 * e / (1.0 + e).powi(2)).abs() < 1e-10);
/// ```
///
/// # Panics
/// If the point is a vector without coordinates.
pub fn jacobian<X, M>(map: &M, s: &X::Time, t: &X::Time, x: &X) -> Matrix<X::Row, X::Time>
where
    X: DynCoordinates,
    M: FlowMap<Dual<X>> + ?Sized,
{
    linearized(map, s, t, x).1
}

/// `X_{s,t}(x)` and its Jacobian, from the same evaluations.
///
/// # Panics
/// If the point has no coordinates.
pub(crate) fn linearized<X, M>(map: &M, s: &X::Time, t: &X::Time, x: &X) -> (X, Matrix<X::Row, X::Time>)
where
    X: DynCoordinates,
    M: FlowMap<Dual<X>> + ?Sized,
{
    let (s, t) = (Dual::constant(s.clone()), Dual::constant(t.clone()));
    let coordinates = x.coordinates();
    assert!(!coordinates.items().is_empty(), "the point has no coordinates");
    let starts: Vec<Dual<X>> = directions(x).into_iter().map(|v| Dual::new(x.clone(), v)).collect();
    let ends = map.flow_each(&s, &t, &starts);
    let columns: Vec<Option<X::Row>> = ends.iter().map(|end| end.moving().map(X::coordinates)).collect();
    let entry = |i: usize, j: usize| match &columns[j] {
        Some(column) => column.items()[i].clone(),
        None => coordinates.items()[i].constant(0.0),
    };
    (ends[0].value().clone(), matrix(&coordinates, entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Case, FiniteDifferences, QuasiRandom, VelocityField, characterization::Eulerian, exact::CouplingFlow, exact::ExactFlow,
        flow_map,
    };

    fn cases() -> impl Iterator<Item = Case<[f64; 3]>> {
        QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 3]).unwrap().cases(32)
    }

    fn distance(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> f64 {
        a.as_flattened().iter().zip(b.as_flattened()).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
    }

    #[test]
    fn columns_are_columns() {
        let flow = CouplingFlow::<3>::random(4, 2).unwrap();
        for Case { s, t, x } in cases() {
            let found = jacobian(&flow, &s, &t, &x);
            assert!(distance(&found, &flow.jacobian(&s, &t, &x)) < 1e-14);
            let b: [f64; 3] = flow.velocity(&s, &x);
            let along: [f64; 3] = Eulerian::transport(&flow, &flow, &s, &t, &x);
            for (row, along) in found.iter().zip(along) {
                assert!((row.iter().zip(b).map(|(j, b)| j * b).sum::<f64>() - along).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn neighbouring_trajectories_give_the_same_to_ten_digits() {
        let flow = CouplingFlow::<3>::random(4, 2).unwrap();
        let plain = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, x: &[f64; 3]| flow.flow(s, t, x)));
        for Case { s, t, x } in cases() {
            let error = distance(&jacobian(&plain, &s, &t, &x), &jacobian(&flow, &s, &t, &x));
            assert!(error < 1e-9, "{error:e}");
        }
        // with your own step: the error of central differences falls with its square
        let error = |step| {
            let plain =
                FiniteDifferences::with_step(flow_map(|s: &f64, t: &f64, x: &[f64; 3]| flow.flow(s, t, x)), step).unwrap();
            distance(&jacobian(&plain, &0.0, &1.0, &[0.1, 0.2, 0.3]), &flow.jacobian(&0.0, &1.0, &[0.1, 0.2, 0.3]))
        };
        let ratio = error(2e-2) / error(1e-2);
        assert!((ratio - 4.0).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn all_columns_take_the_same_steps_through_combinators_too() {
        use crate::{
            Autonomous, Restriction,
            exact::Pendulum,
            solver::{Adaptive, DOPRI5},
        };
        let map =
            Adaptive::new(DOPRI5).unwrap().tolerance(crate::Tolerance::new(1e-3, 1e-6).unwrap()).of(Pendulum::new(1.0).unwrap());
        let (s, t, x) = (0.0, 20.0, [1.0, 0.5]);
        let alone = jacobian(&map, &s, &t, &x);
        let restricted = Restriction::new(&map, [0.0, 20.0]).unwrap();
        assert_eq!(jacobian(&restricted, &s, &t, &x), alone);
        let [one, other] = [[1.0, 0.0], [0.0, 1.0]].map(|d| Dual::new(x, d));
        let ends = restricted.try_flow_each(&Dual::constant(s), &Dual::constant(t), &[one, other]).unwrap();
        assert_eq!([ends[0].tangent(), ends[1].tangent()], [&[alone[0][0], alone[1][0]], &[alone[0][1], alone[1][1]]]);
        assert_eq!(jacobian(&Autonomous { map: &map, start: 0.0 }, &s, &t, &x), alone);
    }

    #[test]
    fn second_derivatives() {
        let flow = CouplingFlow::<3>::random(4, 2).unwrap();
        let (x, d) = ([0.1, 0.2, 0.3], [1.0, -1.0, 0.5]);
        let nested = jacobian(&flow, &Dual::constant(0.0), &Dual::constant(1.0), &Dual::new(x, d));
        let h = 1e-5;
        let at = |h: f64| flow.jacobian(&0.0, &1.0, &std::array::from_fn(|i| x[i] + h * d[i]));
        let (ahead, behind) = (at(h), at(-h));
        for i in 0..3 {
            for j in 0..3 {
                let slope = (ahead[i][j] - behind[i][j]) / (2.0 * h);
                let found = nested[i][j].moving().copied().unwrap_or(0.0);
                assert!((found - slope).abs() < 1e-8, "{i} {j}: {found} and {slope}");
            }
        }
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn of_a_batch_each_entry_holds_every_sample() {
        use crate::{Value, backend::ndarray::NdTensor};
        let flow = CouplingFlow::<3>::random(4, 2).unwrap();
        let points: Vec<[f64; 3]> = cases().map(|c| c.x).take(5).collect();
        let x = NdTensor::new(points.concat(), &[5, 3]).unwrap();
        let [s, t] = [0.0, 1.0].map(|t| NdTensor::new(vec![t], &[]).unwrap());
        let entries: Vec<Vec<NdTensor<f64>>> = jacobian(&flow, &s, &t, &x);
        for (k, point) in points.iter().enumerate() {
            let found = std::array::from_fn(|i| std::array::from_fn(|j| entries[i][j].values()[k]));
            assert!(distance(&found, &flow.jacobian(&0.0, &1.0, point)) < 1e-14);
        }
    }
}
