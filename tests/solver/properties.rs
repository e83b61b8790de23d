//! Random exact flows, solvers and states: errors of adaptive solves are the tolerance, multiplied by what the flow makes of it.
//!
//! A step from `x` may be off by `tol (1 + |x|)`, and what is off at time `u` is off by `∇X_{u,t}` times as much at the end. With
//! `κ` the largest `‖∇X_{u,t}‖ (1 + |x_u|)` on the way, the end is off by `κ tol` for every step taken; errors of steps have
//! different signs, and local extrapolation leaves the larger part of them out.

use flowmap::{
    Case, Coordinates, Dual, FlowMap, State, Tensor, Tolerance, VelocityField,
    backend::ndarray::NdTensor,
    exact::strategy,
    interpolant,
    nalgebra::SVector,
    solver::{Adaptive, BOGACKI_SHAMPINE, DOP853, DOPRI5, FixedSteps, Save, Solver, TSIT5, Tableau},
    verify,
};
use proptest::{prelude::*, test_runner::TestCaseResult};

/// The flow map and the field on the states that the suite uses.
trait On<X: State>: FlowMap<X> + VelocityField<X> {}
impl<X: State, F: FlowMap<X> + VelocityField<X>> On<X> for F {}

/// A trait object, so that solvers are compiled once for each dimension.
trait Tested<const D: usize>: On<[f64; D]> + On<Dual<[f64; D]>> + On<SVector<f64, D>> + On<NdTensor<f64>> {
    fn closed_jacobian(&self, s: f64, t: f64, x: &[f64; D]) -> [[f64; D]; D];
}
impl<const D: usize, F> Tested<D> for F
where
    F: strategy::Typical<D> + On<[f64; D]> + On<Dual<[f64; D]>> + On<SVector<f64, D>> + On<NdTensor<f64>>,
{
    fn closed_jacobian(&self, s: f64, t: f64, x: &[f64; D]) -> [[f64; D]; D] {
        self.jacobian(&s, &t, x)
    }
}

/// A method with a tolerance that suits it.
fn solvers() -> impl Strategy<Value = (Tableau, f64)> {
    let coarse = (Just(BOGACKI_SHAMPINE), 3.0..7.0_f64);
    let middle = (prop_oneof![Just(DOPRI5), Just(TSIT5)], 4.0..10.0_f64);
    let fine = (Just(DOP853), 5.0..12.0_f64);
    prop_oneof![coarse, middle, fine].prop_map(|(method, digits): (Tableau, f64)| (method, 10.0_f64.powf(-digits)))
}

/// The method, but for one coordinate alone not DOP853: its estimate is a quotient with the square of a sum that may be near 0 by
/// chance, then, and a step that is thousands of tolerances off is taken. Several coordinates are not near 0 together.
///
/// Steps are no longer than the fields take to change: where one is as long as a period, no estimate means much.
fn adaptive<const D: usize>(method: Tableau, tolerance: f64) -> Adaptive {
    let method = if D == 1 && method == DOP853 { DOPRI5 } else { method };
    let solver = Adaptive::new(method).unwrap().tolerance(Tolerance::new(tolerance, tolerance).unwrap());
    solver.step_limits(0.0, 1.0).unwrap()
}

/// `κ` on a grid of times.
fn condition<const D: usize>(flow: &dyn Tested<D>, Case { s, t, x }: &Case<[f64; D]>) -> f64 {
    let sizes = (0..=16).map(|i| {
        let u = s + (t - s) * f64::from(i) / 16.0;
        let middle: [f64; D] = flow.flow(s, &u, x);
        let jacobian = flow.closed_jacobian(u, *t, &middle);
        jacobian.as_flattened().iter().map(|entry| entry * entry).sum::<f64>().sqrt() * (1.0 + middle.norm())
    });
    sizes.fold(1.0, f64::max)
}

/// How many `κ tol` the end may be off: several steps' worth.
const SHARE: f64 = 300.0;

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |worst, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) })
}

fn close(found: &[f64], exact: &[f64], bound: f64, what: &str) -> TestCaseResult {
    let error = distance(found, exact);
    prop_assert!(error <= bound, "{what}: {error:e} of {bound:e}");
    Ok(())
}

/// The end, on every kind of state, and its derivative along the field, against the closed form.
fn errors_are_tolerances<const D: usize>(
    flow: &dyn Tested<D>,
    case: &Case<[f64; D]>,
    (method, tolerance): (Tableau, f64),
) -> TestCaseResult {
    let Case { s, t, x } = case;
    let solver = adaptive::<D>(method, tolerance);
    let path = solver.solve(flow, s, t, x, &Save::Dense).unwrap();
    prop_assert!(path.status().is_success(), "{}: {}", method.name, path.status());
    let exact: [f64; D] = flow.flow(s, t, x);
    // rounding, too, grows by the condition
    let unit = condition(flow, case) * (tolerance + 1e-14);
    let bound = SHARE * unit;
    close(path.end(), &exact, bound, method.name)?;
    let middle = s + 0.381_966 * (t - s);
    let exact_middle: [f64; D] = flow.flow(s, &middle, x);
    let dense = condition(flow, &Case { s: *s, t: middle, x: *x }) * (tolerance + 1e-14);
    close(&path.at(&middle), &exact_middle, 2.0 * SHARE * dense.max(unit), "dense output")?;
    // the semigroup: on from the middle
    let on = solver.solve(flow, &middle, t, &path.at(&middle), &Save::End).unwrap();
    close(on.end(), path.end(), 2.0 * SHARE * unit.max(dense), "semigroup")?;
    // the other states
    let vector = solver.solve(flow, s, t, &SVector::from(*x), &Save::End).unwrap();
    close(&vector.end().split(), &exact, bound, "nalgebra")?;
    let backward = solver.solve(flow, t, s, &exact, &Save::End).unwrap();
    let turned = Case { s: *t, t: *s, x: exact };
    close(backward.end(), x, SHARE * condition(flow, &turned) * (tolerance + 1e-14), "backward")?;
    let batch = [*x, x.map(|c| 0.5 * c), *x];
    let tensor = NdTensor::from_slice(batch.as_flattened(), &[3, D]);
    let time = |values: [f64; 3]| NdTensor::from_slice(&values, &[3]);
    let rows = solver.solve(flow, &time([*s; 3]), &time([*t, *s, *t]), &tensor, &Save::End).unwrap();
    let rows = rows.end().to_vec();
    close(&rows[..D], &exact, bound, "a row of a batch")?;
    prop_assert_eq!(&rows[..D], &rows[2 * D..], "equal rows");
    prop_assert_eq!(&rows[D..2 * D], &batch[1][..], "a row without a way");
    Ok(())
}

/// `verify` of the numerical map: identity and tangent exactly, the others to the tolerance.
fn identities_hold<const D: usize>(
    flow: &dyn Tested<D>,
    case: &Case<[f64; D]>,
    (method, tolerance): (Tableau, f64),
) -> TestCaseResult {
    let map = adaptive::<D>(method, tolerance).of(flow);
    let report = verify(&map, flow, [case.clone()]);
    let turned = Case { s: case.t, t: case.s, x: flow.flow(&case.s, &case.t, &case.x) };
    let size = condition(flow, case) * condition(flow, &turned);
    for (name, bound) in [("start", 0.0), ("tangent", 1e-13), ("semigroup", 100.0 * size * (tolerance + 1e-14))] {
        let line = report.line(name).unwrap();
        prop_assert!(line.max <= bound, "{name} of {bound:e} with {}:\n{report}", method.name);
    }
    // derivatives of fixed steps are those of a smooth map
    let map = FixedSteps::new(DOP853, 60).unwrap().of(flow);
    let report = verify(&map, flow, [case.clone()]);
    prop_assert!(report.holds(1e-6 * size), "{report}");
    Ok(())
}

macro_rules! flows {
    ($($name:ident: $flows:expr;)*) => {$(
        mod $name {
            use super::*;
            proptest! {
                #![proptest_config(ProptestConfig { cases: crate::common::cases(1200, 8), ..ProptestConfig::default() })]
                #[test]
                fn errors_are_tolerances_times_condition((flow, case) in strategy::with_case($flows), solver in solvers()) {
                    errors_are_tolerances(&flow, &case, solver)?;
                }
                #[test]
                fn identities_hold_to_the_tolerance((flow, case) in strategy::with_case($flows), solver in solvers()) {
                    identities_hold(&flow, &case, solver)?;
                }
            }
        }
    )*};
}

flows! {
    periodic_growth: strategy::periodic_growth();
    logistic: strategy::logistic();
    blowup: strategy::blowup();
    rotation: strategy::rotation();
    affine: strategy::affine::<3>();
    coupling: strategy::coupling::<2>();
    gaussian: strategy::gaussian::<2, _>(interpolant::Linear);
}
