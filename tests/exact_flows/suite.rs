//! What holds of every exact flow.
//!
//! The bound of an identity is `max(1e-9, 100 eps κ)` relative in `f64`, and `100 eps κ` in `f32`, which has no digits to
//! give away. `κ` is the condition number of what the identity computes: by how many roundings the result may be off, since
//! every input of a step and every result that it hands on is off by one or more. It is measured by forward mode, in `f64`,
//! case by case.

use flowmap::{
    Case, Dual, FlowMap, Real, Report, State, Value, VelocityField,
    analysis::jacobian,
    backend::ndarray::NdTensor,
    exact::strategy::{Typical, cases},
    verify,
};
use proptest::{prelude::*, test_runner::TestCaseResult};

/// The flow map and the field on one kind of state: nothing else of their traits is compiled.
pub trait On<X: State> {
    fn map(&self, s: &X::Time, t: &X::Time, x: &X) -> X;
    fn field(&self, t: &X::Time, x: &X) -> X;
}
impl<X: State, F: FlowMap<X> + VelocityField<X>> On<X> for F {
    fn map(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.flow(s, t, x)
    }
    fn field(&self, t: &X::Time, x: &X) -> X {
        self.velocity(t, x)
    }
}

/// What the suite asks of a flow in `D` dimensions: a trait object, so that the suite is compiled once for each dimension.
pub trait Tested<const D: usize>:
    On<[f64; D]>
    + On<Dual<[f64; D]>>
    + On<[f32; D]>
    + On<Dual<[f32; D]>>
    + On<[Dual<f64>; D]>
    + On<Dual<[Dual<f64>; D]>>
    + On<NdTensor<f64>>
    + On<Dual<NdTensor<f64>>>
    + std::fmt::Debug
{
    fn closed_jacobian(&self, s: f64, t: f64, x: &[f64; D]) -> [[f64; D]; D];
    fn is_alive(&self, s: f64, t: f64, x: &[f64; D]) -> bool;
    fn cases(&self) -> BoxedStrategy<Case<[f64; D]>>;
    fn times(&self) -> [f64; 2];
    fn sides(&self) -> [[f64; 2]; D];
}
impl<const D: usize, F> Tested<D> for F
where
    F: Typical<D>
        + On<[f64; D]>
        + On<Dual<[f64; D]>>
        + On<[f32; D]>
        + On<Dual<[f32; D]>>
        + On<[Dual<f64>; D]>
        + On<Dual<[Dual<f64>; D]>>
        + On<NdTensor<f64>>
        + On<Dual<NdTensor<f64>>>,
{
    fn closed_jacobian(&self, s: f64, t: f64, x: &[f64; D]) -> [[f64; D]; D] {
        self.jacobian(&s, &t, x)
    }
    fn is_alive(&self, s: f64, t: f64, x: &[f64; D]) -> bool {
        self.domain(s, t, x).is_ok()
    }
    fn cases(&self) -> BoxedStrategy<Case<[f64; D]>> {
        cases(self).boxed()
    }
    fn times(&self) -> [f64; 2] {
        self.typical_times()
    }
    fn sides(&self) -> [[f64; 2]; D] {
        self.typical_box()
    }
}

impl<X: State, const D: usize> FlowMap<X> for dyn Tested<D> + '_
where
    Self: On<X>,
{
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.map(s, t, x)
    }
}
impl<X: State, const D: usize> VelocityField<X> for dyn Tested<D> + '_
where
    Self: On<X>,
{
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.field(t, x)
    }
}

/// Where the golden share of the time is over: the meeting point of the first case that [`verify`] is given.
const SHARE: f64 = 0.618_033_988_749_895;

/// An input of a step: its value, and how far off it may be, in roundings.
type Input = (f64, f64);

/// Inputs that are given: each is off by its own size.
fn given(values: &[f64]) -> Vec<Input> {
    values.iter().map(|&value| (value, value.abs())).collect()
}

/// Inputs that an earlier step computed, with its error.
fn computed(values: &[f64], error: f64) -> Vec<Input> {
    values.iter().map(|&value| (value, error)).collect()
}

/// How far off `f` may be, in roundings: `|f| + Σ error |∂f/∂input|`; and the size of `f`, at least 1.
fn error<const D: usize>(inputs: &[Input], f: impl Fn(&[Dual<f64>]) -> [Dual<f64>; D]) -> (f64, f64) {
    let moved = |moving: Option<usize>| {
        let dual = |(i, &(value, error))| Dual::new(value, if Some(i) == moving { error } else { 0.0 });
        f(&inputs.iter().enumerate().map(dual).collect::<Vec<_>>())
    };
    let size = moved(None).map(|y| *y.value()).norm();
    let tangent = |y: Dual<f64>| y.moving().copied().unwrap_or(0.0);
    (size + (0..inputs.len()).map(|input| moved(Some(input)).map(tangent).norm()).sum::<f64>(), size.max(1.0))
}

/// The condition numbers of the identities, in the order of a [`Report`], and last that of going there and back.
fn conditions<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> [f64; 6] {
    let Case { s, t, x } = case;
    let u = s + SHARE * (t - s);
    let point = |numbers: &[Dual<f64>]| -> [Dual<f64>; D] { std::array::from_fn(|i| numbers[i].clone()) };
    let way = |s: f64, t: f64, x: Vec<Input>| error(&[given(&[s, t]), x].concat(), |i| flow.flow(&i[0], &i[1], &point(&i[2..])));
    let field = |t: f64, x: Vec<Input>| error(&[given(&[t]), x].concat(), |i| flow.velocity(&i[0], &point(&i[1..])));
    // `∇X v`: the velocity is an input, so that it shows where `∇X` falls as fast as the velocity grows
    let transport = |v: Vec<Input>| {
        error(&[given(&[*s, *t]), given(x), v].concat(), |i| {
            let start = Dual::new(point(&i[2..2 + D]), point(&i[2 + D..]));
            let end: Dual<[Dual<f64>; D]> = flow.flow(&Dual::constant(i[0].clone()), &Dual::constant(i[1].clone()), &start);
            end.into_parts().1.expect("an end moves with its start")
        })
    };
    let velocity: [f64; D] = flow.velocity(s, x);
    let (middle, end): ([f64; D], [f64; D]) = (flow.flow(s, &u, x), flow.flow(s, t, x));
    let arrival = way(*s, *t, given(x)).0;
    [
        way(*s, *s, given(x)),
        field(*s, given(x)),
        field(*t, computed(&end, arrival)),
        transport(computed(&velocity, field(*s, given(x)).0)),
        way(u, *t, computed(&middle, way(*s, u, given(x)).0)),
        way(*t, *s, computed(&end, arrival)),
    ]
    .map(|(error, size)| error / size)
    .map(|condition| condition.max(1.0))
}

fn bound(floor: f64, eps: f64, condition: f64) -> f64 {
    // a flow whose derivatives are wrong measures a wrong condition: it must not loosen its own bound without limit
    const CEILING: f64 = 1e7;
    floor.max(100.0 * eps * condition).min(100.0 * eps * CEILING).min(1e-2)
}

fn within(report: &Report, conditions: &[f64; 6], floor: f64, eps: f64) -> TestCaseResult {
    prop_assert_eq!(report.lines.len(), 5);
    for (line, &condition) in report.lines.iter().zip(conditions) {
        prop_assert!(line.cases == 1);
        prop_assert!(line.max <= bound(floor, eps, condition), "{} with condition {condition:.1e}:\n{report}", line.name);
    }
    Ok(())
}

pub fn identities<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    let report = verify(flow, flow, [case.clone()]);
    within(&report, &conditions(flow, case), 1e-9, f64::EPSILON)
}

pub fn identities_in_single_precision<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    let single = Case { s: case.s as f32, t: case.t as f32, x: case.x.map(|x| x as f32) };
    let report = verify(flow, flow, [single]);
    within(&report, &conditions(flow, case), 0.0, f32::EPSILON.into())
}

pub fn there_and_back<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    fn error<R: Real, const D: usize>(flow: &(impl FlowMap<[R; D]> + ?Sized), s: R, t: R, x: [R; D]) -> f64 {
        let back = flow.flow(&t, &s, &flow.flow(&s, &t, &x));
        let (error, size): (R, R) = (back.minus(&x).norm(), x.norm());
        error.into_f64() / size.into_f64().max(1.0)
    }
    let Case { s, t, x } = case;
    let condition = conditions(flow, case)[5];
    let double = error(flow, *s, *t, *x);
    prop_assert!(double <= bound(1e-9, f64::EPSILON, condition), "{double:.1e} with condition {condition:.1e}");
    let single = error(flow, *s as f32, *t as f32, x.map(|x| x as f32));
    prop_assert!(single <= bound(0.0, f32::EPSILON.into(), condition), "{single:.1e} in f32, condition {condition:.1e}");
    Ok(())
}

pub fn closed_jacobian<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    let Case { s, t, x } = case;
    let (closed, forward) = (flow.closed_jacobian(*s, *t, x), jacobian(flow, s, t, x));
    // the condition of ∇X(x) e for each unit vector e would need one more derivative; that of the way is the same to a factor
    let condition = conditions(flow, case)[4];
    let size = forward.as_flattened().iter().fold(1.0_f64, |size, entry| size.max(entry.abs()));
    for (a, b) in closed.as_flattened().iter().zip(forward.as_flattened()) {
        prop_assert!((a - b).abs() <= bound(1e-9, f64::EPSILON, condition) * size, "{closed:?} against {forward:?}");
    }
    Ok(())
}

/// A batch goes where its points go, with a time for each and with one time for all; and it satisfies the identities.
pub fn batches<const D: usize>(flow: &dyn Tested<D>, cases: &[Case<[f64; D]>]) -> TestCaseResult {
    let n = cases.len();
    let tensor = |values: Vec<f64>, shape: &[usize]| NdTensor::new(values, shape).unwrap();
    let times = |time: fn(&Case<[f64; D]>) -> f64| tensor(cases.iter().map(time).collect(), &[n]);
    let points: Vec<f64> = cases.iter().flat_map(|case| case.x).collect();
    let own = Case { s: times(|c| c.s), t: times(|c| c.t), x: tensor(points.clone(), &[n, D]) };
    let condition = cases.iter().flat_map(|case| conditions(flow, case)).fold(1.0, f64::max);
    let tolerance = bound(1e-9, f64::EPSILON, condition);
    let report = verify(flow, flow, [own.clone()]);
    prop_assert!(report.lines.iter().all(|line| line.cases == n) && report.holds(tolerance), "{report}");
    // the flow of the first case, with its times, also carries the others that live as long
    let first = &cases[0];
    let alive: Vec<_> = cases.iter().filter(|case| flow.is_alive(first.s, first.t, &case.x)).collect();
    let x = tensor(alive.iter().flat_map(|case| case.x).collect(), &[alive.len(), D]);
    let shared = Case { s: tensor(vec![first.s], &[]), t: tensor(vec![first.t], &[]), x };
    let ends = |case: &Case<NdTensor<f64>>| flow.flow(&case.s, &case.t, &case.x).values();
    let velocities = |case: &Case<NdTensor<f64>>| flow.velocity(&case.t, &case.x).values();
    let expected = |points: &[(f64, f64, [f64; D])]| -> (Vec<f64>, Vec<f64>) {
        let ends = points.iter().flat_map(|(s, t, x)| -> [f64; D] { flow.flow(s, t, x) }).collect();
        (ends, points.iter().flat_map(|(_, t, x)| -> [f64; D] { flow.velocity(t, x) }).collect())
    };
    let own_points: Vec<_> = cases.iter().map(|c| (c.s, c.t, c.x)).collect();
    let shared_points: Vec<_> = alive.iter().map(|c| (first.s, first.t, c.x)).collect();
    for (batch, points) in [(&own, own_points), (&shared, shared_points)] {
        let (end, velocity) = expected(&points);
        for (found, expected) in [(ends(batch), end), (velocities(batch), velocity)] {
            prop_assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(&expected) {
                prop_assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} in the batch, {b} alone");
            }
        }
    }
    Ok(())
}
