//! Derivatives of solves: forward and reverse mode, against closed forms and central differences.

use crate::fields::{ADAPTIVE, DRIVEN, DrivenField, adaptive};
use flowmap::{
    Coordinates, Dual, FlowMap, Num, Number, Ode, State, Tape, Tensor, Tolerance, Value, Var, VelocityField,
    analysis::jacobian,
    backend::ndarray::NdTensor,
    characterization::{Characterization, Eulerian, Lagrangian, Tangent},
    exact::{CouplingFlow, ExactFlow, Rotation},
    field,
    nalgebra::Vector2,
    solver::{DOP853, DOPRI5, FixedSteps, METHODS, Numerical, RK4, Save, Solver},
};

const START: [f64; 2] = [1.0, 0.5];

#[test]
fn the_tangent_at_equal_times_is_the_velocity() {
    for time in [0.0, 1.5] {
        for method in ADAPTIVE {
            let map = adaptive(method, 1e-6).of(DRIVEN);
            let residual: [f64; 2] = Tangent.residual(&map, &DRIVEN, &time, &time, &START);
            assert!(residual.norm() < 1e-14, "{} at {time}: {residual:?}", method.name);
        }
        for method in METHODS {
            let map = FixedSteps::new(method, 3).unwrap().of(DRIVEN);
            let residual: [f64; 2] = Tangent.residual(&map, &DRIVEN, &time, &time, &START);
            assert!(residual.norm() < 1e-14, "{} at {time}: {residual:?}", method.name);
        }
    }
}

/// Of a batch: rows without a way have derivatives, too.
#[test]
fn the_tangent_at_equal_times_is_the_velocity_beside_rows_that_move() {
    let map = adaptive(DOPRI5, 1e-9).of(DRIVEN);
    let column = |values: &[f64]| NdTensor::from_slice(values, &[2]);
    let x = NdTensor::from_slice(&[1.0, 0.5, 1.0, 0.5], &[2, 2]);
    let (s, t) = (column(&[0.7, 0.7]), column(&[0.7, 1.9]));
    let end = map.flow(&Dual::constant(s), &Dual::new(t, column(&[1.0, 1.0])), &Dual::constant(x));
    let (value, tangent) = (end.value().to_vec(), end.tangent().to_vec());
    for (row, time) in [0.7, 1.9].into_iter().enumerate() {
        let rate = DRIVEN.velocity(&time, &[value[2 * row], value[2 * row + 1]]);
        let found = [tangent[2 * row], tangent[2 * row + 1]];
        assert!(found.minus(&rate).norm() < 1e-6, "row {row}: {found:?} against {rate:?}");
    }
}

/// `∂_t X`, `∂_s X` and `∇X` of what an adaptive solver computes are those of the flow map, to the tolerance.
#[test]
fn derivatives_by_times_and_state_are_those_of_the_flow() {
    let flow = CouplingFlow::<2>::random(3, 8).unwrap();
    for (s, t) in [(-1.0, 1.5), (1.0, -1.0)] {
        for method in ADAPTIVE {
            let map = adaptive(method, 1e-8).of(&flow);
            let lagrangian: [f64; 2] = Lagrangian.residual(&map, &flow, &s, &t, &START);
            let eulerian: [f64; 2] = Eulerian.residual(&map, &flow, &s, &t, &START);
            assert!(lagrangian.norm() < 1e-5 && eulerian.norm() < 1e-5, "{}: {lagrangian:?}, {eulerian:?}", method.name);
            let (found, exact) = (jacobian(&map, &s, &t, &START), flow.jacobian(&s, &t, &START));
            let error = found.as_flattened().iter().zip(exact.as_flattened()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 1e-5, "{}: {error:e}", method.name);
        }
    }
}

/// Values of duals are the plain ones where tangents have no part in the choice of steps.
#[test]
fn a_solve_on_duals_takes_the_steps_of_a_plain_one_if_asked_to() {
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-6).tolerance(Tolerance::new(1e-6, 1e-6).unwrap().of_values());
        let plain = solver.solve(&DRIVEN, &0.0, &6.0, &START, &Save::End).unwrap();
        let (s, t) = (Dual::constant(0.0), Dual::new(6.0, 1.0));
        let point = START.map(|x| Dual::new(x, 1.0));
        let dual = solver.solve(&DRIVEN, &s, &t, &point, &Save::End).unwrap();
        assert_eq!((dual.end().clone().map(|x| *x.value()), dual.statistics()), (*plain.end(), plain.statistics()));
        // a dual state adds up in another order
        let dual = solver.solve(&DRIVEN, &s, &t, &Dual::new(START, [1.0, 0.0]), &Save::End).unwrap();
        assert_eq!(dual.statistics(), plain.statistics());
        assert!(dual.end().value().minus(plain.end()).norm() < 1e-12);
    }
}

/// `x'' = -k x`, the parameter being a number of any kind.
struct Spring<N>(N);

impl<N: Number> VelocityField<[N; 2]> for Spring<N> {
    fn velocity(&self, _: &N, [x, v]: &[N; 2]) -> [N; 2] {
        [v.clone(), -(x.clone() * &self.0)]
    }
}

#[test]
fn derivatives_by_a_parameter() {
    let (k, t) = (2.3_f64, 1.7_f64);
    let spring = Spring(Dual::new(k, 1.0));
    let start = [Dual::constant(1.0), Dual::constant(0.0)];
    // x = cos √k t
    let exact = -(k.sqrt() * t).sin() * t * 0.5 / k.sqrt();
    let found = adaptive(DOP853, 1e-10).of(&spring).flow(&Dual::constant(0.0), &Dual::constant(t), &start);
    assert!((found[0].tangent() - exact).abs() < 1e-8, "{:?}", found[0]);
    let found = FixedSteps::new(RK4, 400).unwrap().of(&spring).flow(&Dual::constant(0.0), &Dual::constant(t), &start);
    assert!((found[0].tangent() - exact).abs() < 1e-8, "{:?}", found[0]);
}

#[test]
fn second_derivatives_by_nested_duals() {
    let (t, h) = (1.3_f64, 1e-4);
    let end = |x: f64| adaptive(DOP853, 1e-13).of(DRIVEN).flow(&0.0, &t, &[x, 0.5])[0];
    let expected = (end(1.0 + h) - 2.0 * end(1.0) + end(1.0 - h)) / (h * h);
    let x = [Dual::new(Dual::new(1.0, 1.0), Dual::constant(1.0)), Dual::constant(Dual::constant(0.5))];
    let time = |t: f64| Dual::constant(Dual::constant(t));
    let found = adaptive(DOP853, 1e-12).of(DRIVEN).flow(&time(0.0), &time(t), &x);
    assert!((found[0].tangent().tangent() - expected).abs() < 1e-5, "{:?} against {expected}", found[0]);
}

#[test]
fn vectors_take_the_steps_of_points() {
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-6);
        let point = solver.solve(&DRIVEN, &0.0, &6.0, &START, &Save::End).unwrap();
        let vector = solver.solve(&DRIVEN, &0.0, &6.0, &Vector2::from(START), &Save::End).unwrap();
        assert_eq!(point.statistics(), vector.statistics());
        assert!(vector.end().split().minus(point.end()).norm() < 1e-10);
    }
}

/// `Σ w · X_{s,t}(x)²` of a batch, and its gradient by reverse mode.
fn loss(solver: &impl Solver<Var<NdTensor<f64>>, DrivenField>, x: &[f64], t: f64) -> (f64, Vec<f64>, f64) {
    let tape = Tape::new();
    let start = tape.leaf(NdTensor::from_slice(x, &[x.len() / 2, 2]));
    let end = tape.leaf(NdTensor::from_slice(&[t], &[]));
    let zero = end.constant(0.0);
    let found = Numerical::new(solver, DRIVEN).flow(&zero, &end, &start);
    let loss = (found.clone() * &found).sum(0..2);
    let value = loss.values()[0];
    let mut gradients = tape.gradients(&loss);
    (value, gradients.take(&start).unwrap().to_vec(), gradients.take(&end).unwrap().to_vec()[0])
}

fn gradients_match_differences(solver: &impl Solver<Var<NdTensor<f64>>, DrivenField>, tolerance: f64) {
    let (x, t) = ([1.0, 0.5, -0.3, 0.8, 2.0, -1.0], 2.5);
    let (_, gradient, by_time) = loss(solver, &x, t);
    let h = 1e-5;
    for i in 0..x.len() {
        let at = |h: f64| {
            let mut x = x;
            x[i] += h;
            loss(solver, &x, t).0
        };
        let expected = (at(h) - at(-h)) / (2.0 * h);
        assert!((gradient[i] - expected).abs() < tolerance, "coordinate {i}: {} against {expected}", gradient[i]);
    }
    let expected = (loss(solver, &x, t + h).0 - loss(solver, &x, t - h).0) / (2.0 * h);
    assert!((by_time - expected).abs() < tolerance, "time: {by_time} against {expected}");
}

#[test]
fn gradients_through_solves_match_central_differences() {
    gradients_match_differences(&FixedSteps::new(RK4, 20).unwrap(), 1e-8);
    gradients_match_differences(&FixedSteps::new(DOPRI5, 7).unwrap(), 1e-8);
    // steps change with the start: differences see that, derivatives do not
    gradients_match_differences(&adaptive(DOPRI5, 1e-10), 1e-5);
    gradients_match_differences(&adaptive(DOP853, 1e-11), 1e-5);
}

#[test]
fn reverse_mode_is_the_adjoint_of_forward_mode_through_adaptive_steps() {
    // the same steps in both modes
    let solver = adaptive(DOPRI5, 1e-4).tolerance(Tolerance::new(1e-4, 1e-4).unwrap().of_values());
    let x = [1.0, 0.5];
    let (_, gradient, by_time) = loss(&solver, &x, 2.5);
    let forward = |dx: [f64; 2], dt: f64| {
        let end = solver.clone().of(DRIVEN).flow(&Dual::constant(0.0), &Dual::new(2.5, dt), &Dual::new(x, dx));
        end.dot(&end).tangent().to_owned()
    };
    let solver_again = [forward([1.0, 0.0], 0.0), forward([0.0, 1.0], 0.0), forward([0.0, 0.0], 1.0)];
    for (a, b) in solver_again.into_iter().zip([gradient[0], gradient[1], by_time]) {
        assert!((a - b).abs() < 1e-9, "{a} against {b}");
    }
}

/// `x' = e^(20 x)`-like growth: an attempt that overflows is rejected. What it would have been has no part in the gradient.
#[test]
fn a_rejected_attempt_that_overflows_leaves_no_trace_in_gradients() {
    struct Steep;
    impl Ode<1> for Steep {
        fn rhs<N: Number>(&self, _: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
            [-(300.0 * x).exp()]
        }
    }
    let solver = adaptive(DOPRI5, 1e-6).first_step(0.9).unwrap();
    // two rows: one is rejected with an overflow, the other is not
    for rows in [vec![1.0], vec![1.0, -1.0]] {
        let tape = Tape::new();
        let start: Var<NdTensor<f64>> = tape.leaf(NdTensor::from_slice(&rows, &[rows.len(), 1]));
        let (zero, end) = (start.dot(&start).constant(0.0), start.dot(&start).constant(1.0));
        let path = solver.solve(&Steep.field(), &zero, &end, &start, &Save::End).unwrap();
        assert!(path.status().is_success());
        let gradient = tape.gradients(&path.end().sum(0..2)).take(&start).unwrap().to_vec();
        assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    }
}

#[test]
fn fields_that_know_one_state_alone_are_solved_on_it() {
    let turn = Rotation::new(1.0).unwrap();
    let closure = field(|_: &f64, [x, y]: &[f64; 2]| [-y, *x]);
    let solver = adaptive(DOPRI5, 1e-6);
    let (a, b) = (solver.clone().of(closure).flow(&0.0, &3.0, &START), solver.of(turn).flow(&0.0, &3.0, &START));
    assert!(a.minus(&b).norm() < 1e-12);
}
