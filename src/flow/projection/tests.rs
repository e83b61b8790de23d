use super::*;
use crate::{
    Case, FiniteDifferences, Ode, QuasiRandom,
    analysis::jacobian,
    characterization::{Tangent, measure},
    exact::{self, RigidBody},
    field, flow_map,
    solver::{FixedSteps, RK4},
};

struct Energy;
impl Invariant<2> for Energy {
    fn at<N: Number>(&self, [angle, speed]: &[Num<N>; 2]) -> Num<N> {
        0.5 * speed.powi(2) - angle.cos()
    }
}

struct Orbit;
impl Invariant<4> for Orbit {
    fn at<N: Number>(&self, [x, y, u, v]: &[Num<N>; 4]) -> Num<N> {
        0.5 * (u.powi(2) + v.powi(2)) - 1.0 / (x.powi(2) + y.powi(2)).sqrt()
    }
}

/// Twice the kinetic energy of a body with the moments 1, 2 and 3.
struct Spin;
impl Invariant<3> for Spin {
    fn at<N: Number>(&self, [x, y, z]: &[Num<N>; 3]) -> Num<N> {
        x.powi(2) + 2.0 * y.powi(2) + 3.0 * z.powi(2)
    }
}

struct Hunt;
impl crate::Ode<2> for Hunt {
    fn rhs<N: Number>(&self, _t: &Num<N>, [prey, hunters]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [prey * (1.5 - hunters), hunters * (prey - 3.0)]
    }
}
impl Invariant<2> for Hunt {
    fn at<N: Number>(&self, [prey, hunters]: &[Num<N>; 2]) -> Num<N> {
        prey - 3.0 * prey.ln() + hunters - 1.5 * hunters.ln()
    }
}

/// A smooth error added to a map.
struct Off<M>(M, f64);
impl<X: Coordinates<D>, M: FlowMap<X>, const D: usize> FlowMap<X> for At<Off<M>, D> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let Off(map, size) = &self.0;
        let mut end = map.flow(s, t, x).split();
        let wave = x.split().map(|c| c.scale(3.0).sin().scale(*size) * (t.clone() - s));
        for (k, c) in end.iter_mut().enumerate() {
            *c = c.clone() + &wave[(k + 1) % D];
        }
        X::join(end)
    }
}
/// Fixes the number of coordinates.
struct At<M, const D: usize>(M);

fn pendulum() -> exact::Pendulum {
    exact::Pendulum::new(1.0).unwrap()
}

fn cases<const D: usize>(sides: [[f64; 2]; D]) -> Vec<Case<[f64; D]>> {
    QuasiRandom::new([0.0, 1.5], sides).unwrap().cases(64).collect()
}

fn level<const D: usize>(invariant: &impl Invariant<D>, x: &[f64; D]) -> f64 {
    invariant.at(&x.map(Num)).0
}

/// The largest change of the invariant after `steps` steps.
fn drift<const D: usize>(
    map: &impl FlowMap<[f64; D]>,
    invariant: &impl Invariant<D>,
    cases: &[Case<[f64; D]>],
    steps: u32,
) -> f64 {
    let map = Projection::new(map, invariant).steps(steps);
    let change = |c: &Case<[f64; D]>| (level(invariant, &map.flow(&c.s, &c.t, &c.x)) - level(invariant, &c.x)).abs();
    cases.iter().map(change).fold(0.0, f64::max)
}

/// Each step squares the error, down to rounding.
fn squares<const D: usize>(map: &impl FlowMap<[f64; D]>, invariant: &impl Invariant<D>, cases: &[Case<[f64; D]>]) {
    let left = [0, 1, 2, 3, 4].map(|steps| drift(map, invariant, cases, steps));
    assert!(left[0] > 1e-3, "the map drifts: {left:?}");
    for pair in left.windows(2) {
        assert!(pair[1] < 5.0 * pair[0] * pair[0] + 1e-14, "{left:?}");
    }
    assert!(left[4] < 1e-14, "{left:?}");
}

#[test]
fn the_change_of_the_invariant_is_squared_by_each_step() {
    squares(&At(Off(pendulum(), 0.03)), &Energy, &cases([[-3.0, 3.0], [0.5, 2.0]]));
    squares(&At(Off(exact::Kepler::new(1.0).unwrap(), 0.01)), &Orbit, &cases([[0.8, 1.2], [-0.2, 0.2], [-0.2, 0.2], [0.8, 1.2]]));
    squares(&At(Off(RigidBody::new([1.0, 2.0, 3.0]).unwrap(), 0.03)), &Spin, &cases([[0.5, 1.0], [-1.0, 1.0], [0.5, 1.0]]));
    let solver = FixedSteps::new(RK4, 2).unwrap().of(Hunt.field());
    squares(&solver, &Hunt, &cases([[1.0, 2.0], [0.5, 1.0]]));
}

#[test]
fn the_exact_flow_stays_as_it_is() {
    fn moved<const D: usize>(map: impl FlowMap<[f64; D]>, invariant: impl Invariant<D>, cases: &[Case<[f64; D]>]) -> f64 {
        let projected = Projection::new(&map, invariant);
        let distance = |c: &Case<[f64; D]>| projected.flow(&c.s, &c.t, &c.x).minus(&map.flow(&c.s, &c.t, &c.x)).norm();
        cases.iter().map(distance).fold(0.0, f64::max)
    }
    assert!(moved(pendulum(), Energy, &cases([[-3.0, 3.0], [-2.0, 2.0]])) < 1e-13);
    let body = RigidBody::new([1.0, 2.0, 3.0]).unwrap();
    assert!(moved(body, Spin, &cases([[-1.0, 1.0]; 3])) < 1e-13);
    let orbits = cases([[0.8, 1.2], [-0.2, 0.2], [-0.2, 0.2], [0.8, 1.2]]);
    assert!(moved(exact::Kepler::new(1.0).unwrap(), Orbit, &orbits) < 1e-13);
}

#[test]
fn derivatives_are_those_of_the_steps_and_keep_the_invariant() {
    let map = Projection::new(At(Off(pendulum(), 0.1)), Energy).steps(5);
    let plain = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, x: &[f64; 2]| map.flow(s, t, x)));
    for Case { s, t, x } in cases([[-3.0, 3.0], [0.7, 2.0]]) {
        let (found, expected) = (jacobian(&map, &s, &t, &x), jacobian(&plain, &s, &t, &x));
        for (a, b) in found.as_flattened().iter().zip(expected.as_flattened()) {
            assert!((a - b).abs() < 1e-8, "{found:?} and {expected:?}");
        }
        let (before, after) = (map.level(&x).1, map.level(&map.flow(&s, &t, &x)).1);
        for j in 0..2 {
            let carried = after[0] * found[0][j] + after[1] * found[1][j];
            assert!((carried - before[j]).abs() < 1e-12, "{carried} and {before:?}");
        }
    }
}

#[test]
fn a_map_starts_out_along_its_projected_field() {
    let wrong = |x: &[f64; 2]| [x[1] + 0.3 * x[0].sin(), 0.2 - x[0].sin()];
    let step = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, x: &[f64; 2]| x.plus(&wrong(x).scaled(&(t - s)))));
    let map = Projection::new(&step, Energy);
    let b = Projection::new(field(|_: &f64, x: &[f64; 2]| wrong(x)), Energy);
    let cases = cases([[-3.0, 3.0], [0.5, 2.0]]);
    let line = measure("tangent", &Tangent, &map, &b, cases.iter().cloned());
    assert!(line.max < 1e-9, "{line:?}");
    let line = measure("tangent", &Tangent, &step, &b, cases);
    assert!(line.max > 0.05, "{line:?}");
}

/// End points at equilibria and close to them, far from the requested level.
const STILL: [[f64; 2]; 5] = [[0.0, 0.0], [1e-3, 0.0], [1e-160, 1e-160], [std::f64::consts::PI, 0.0], [1e-9, -1e-9]];

#[test]
fn where_the_gradient_vanishes_ends_stay() {
    for end in STILL {
        let stuck = flow_map(move |_: &f64, _: &f64, _: &[f64; 2]| end);
        let map = Projection::new(stuck, Energy);
        assert_eq!(map.try_flow(&0.0, &1.0, &[0.5, 0.1]).unwrap(), end);
        let carried =
            flow_map(move |_: &Dual<f64>, _: &Dual<f64>, x: &Dual<[f64; 2]>| Dual::from_parts(end, x.moving().copied()));
        let [[a, b], [c, d]] = jacobian(&Projection::new(carried, Energy), &0.0, &1.0, &[0.5, 0.1]);
        assert_eq!([a, b, c, d], [1.0, 0.0, 0.0, 1.0], "from {end:?}");
        let b = Projection::new(field(|_: &f64, _: &[f64; 2]| [1.0, 2.0]), Energy).velocity(&0.0, &end);
        assert!(b.iter().all(|b| b.is_finite()), "{b:?} at {end:?}");
    }
}

#[test]
fn a_quadratic_invariant_never_changes_more_than_before() {
    // arbitrary end points, from near the origin to far away
    for Case { x, .. } in QuasiRandom::new([0.0, 1.0], [[-1.0, 1.0]; 3]).unwrap().cases::<f64>(500) {
        for size in [1e-6, 1e-2, 1.0, 1e3] {
            let end = x.map(|c| c * size);
            let start = [0.3, 0.2, -0.1];
            let change = |steps| {
                let map = Projection::new(flow_map(|_: &f64, _: &f64, _: &[f64; 3]| end), Spin).steps(steps);
                (level(&Spin, &map.flow(&0.0, &1.0, &start)) - level(&Spin, &start)).abs()
            };
            assert!(change(1) <= change(0) * (1.0 + 1e-12) && change(3) <= change(1) * (1.0 + 1e-12) + 1e-15, "{end:?}");
        }
    }
}

#[test]
fn a_map_without_a_value_says_so() {
    let nowhere = flow_map(|_: &f64, _: &f64, _: &[f64; 2]| [f64::NAN; 2]);
    assert!(Projection::new(nowhere, Energy).try_flow(&0.0, &1.0, &[0.5, 0.1]).is_err());
    // a negative number of hunters has no invariant
    let below = flow_map(|_: &f64, _: &f64, _: &[f64; 2]| [1.0, -1.0]);
    assert!(Projection::new(below, Hunt).flow(&0.0, &1.0, &[1.0, 1.0]).iter().all(|x| x.is_nan()));
    assert!(Projection::new(below, Hunt).try_flow(&0.0, &1.0, &[1.0, 1.0]).is_err());
}

#[cfg(feature = "ndarray")]
mod batches {
    use super::*;
    use crate::{Tape, Tensor, backend::ndarray::NdTensor};

    /// States on different levels, some of them at rest.
    fn starts() -> Vec<[f64; 2]> {
        let cases = cases([[-3.0, 3.0], [-2.0, 2.0]]);
        cases.iter().map(|c| c.x).take(20).chain(STILL).collect()
    }

    fn batch(rows: &[[f64; 2]]) -> NdTensor<f64> {
        NdTensor::from_slice(rows.as_flattened(), &[rows.len(), 2])
    }

    #[test]
    fn a_batch_is_its_points() {
        let map = Projection::new(At(Off(pendulum(), 0.1)), Energy);
        let (starts, time) = (starts(), |t: f64| NdTensor::from_slice(&[t], &[]));
        let found = map.flow(&time(0.0), &time(1.0), &batch(&starts)).to_vec();
        for (row, x) in found.as_chunks::<2>().0.iter().zip(&starts) {
            let point = map.flow(&0.0, &1.0, x);
            assert!(row.minus(&point).norm() < 1e-12, "{row:?} and {point:?} from {x:?}");
        }
    }

    #[test]
    fn gradients_on_a_tape_are_finite_and_those_of_differences() {
        // X = a x, projected; the gradient of its first coordinate, summed over the batch, by a
        let (starts, weights) = (starts(), |a: f64| NdTensor::from_slice(&[a], &[]));
        let end = |a: f64, start: &[f64; 2]| {
            let map = Projection::new(flow_map(|_: &f64, _: &f64, x: &[f64; 2]| x.scaled(&a)), Energy);
            map.flow(&0.0, &1.0, start)[0]
        };
        let tape = Tape::new();
        let a = tape.leaf(weights(0.9));
        let map = Projection::new(
            flow_map(|_: &crate::Var<_>, _: &crate::Var<_>, x: &crate::Var<NdTensor<f64>>| x.clone() * &a),
            Energy,
        );
        let time = crate::Var::constant(weights(0.0));
        let ends = map.flow(&time, &time, &crate::Var::constant(batch(&starts)));
        let found = tape.gradients(&ends.slice(1, 0..1)).take(&a).unwrap().to_vec()[0];
        let h = 1e-6;
        let expected: f64 = starts.iter().map(|x| (end(0.9 + h, x) - end(0.9 - h, x)) / (2.0 * h)).sum();
        assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
    }
}
