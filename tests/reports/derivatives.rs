//! Derivatives of a loss through a solve.

use crate::runs::{MANY, METHODS, Mirrored, ode, within};
use flowmap::{
    Dual, FlowMap, Num, Number, Ode, ParametricOde, State, Tape, Tensor, Var,
    backend::ndarray::NdTensor,
    exact::Affine,
    solver::{Adaptive, HEUN, Save, Solver},
};

/// `y' = (2 - p0 y0, y0 - p1 y1, 0)`.
struct Chain;

impl ParametricOde<3, 3> for Chain {
    fn rhs_with<N: Number>(&self, _t: &Num<N>, [a, b, _]: &[Num<N>; 3], [p, q, _]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [2.0 - p * a, a - q * b, a.constant(0.0)]
    }
}

const TIMES: [f64; 4] = [0.0, 0.5, 0.75, 20.0];
const START: [f64; 3] = [1.0, 1.0, 2.5];
const PARAMETERS: [f64; 3] = [2.5, 4.5, 2.5];
const LOSS: f64 = 10.891_614_932_449_128;
const GRADIENT: [f64; 3] = [0.561_374_460_169_912_2, 0.281_285_327_696_363_8, 0.0];

/// `Σ (y_i - 1)²`.
fn loss<X: State>(states: &[X], one: &X) -> X::Time {
    let squares = states.iter().map(|y| {
        let miss = y.minus(one);
        miss.dot(&miss)
    });
    squares.reduce(|sum, next| sum + next).unwrap()
}

/// The parameters with a tangent in one of them.
fn moving(k: usize) -> [Dual<f64>; 3] {
    std::array::from_fn(|i| Dual::new(PARAMETERS[i], f64::from(u8::from(i == k))))
}

/// What is found for the loss and its derivative by parameter `k`.
fn is_right(what: &str, k: usize, found: &Dual<f64>) {
    crate::runs::close(what, &[*found.value()], &[LOSS], [MANY * 1e-10, 0.0]);
    crate::runs::close(what, &[*found.tangent()], &[GRADIENT[k]], [0.0, MANY * 1e-8]);
    assert!(k < 2 || *found.tangent() == 0.0, "{what}: {found:?}");
}

/// A loss at save times of which the last is the end, by duals, at save times, along a dense path, and by the flow;
/// patrick-kidger/diffrax#64.
#[test]
fn the_gradient_of_a_loss_at_save_times_is_right_at_the_last_too() {
    let (zero, one, start) = (Dual::constant(0.0), Dual::constant([1.0; 3]), Dual::constant(START));
    for method in METHODS {
        let solver = within(1e-10, 1e-10)(method);
        for k in 0..3 {
            for end in [20.0, 25.0] {
                let end = Dual::constant(end);
                let at = solver.solve(&Chain.with(moving(k)), &zero, &end, &start, &Save::At(TIMES.to_vec())).unwrap();
                is_right(method.name, k, &loss(at.states(), &one));
                let dense = solver.solve(&Chain.with(moving(k)), &zero, &end, &start, &Save::Dense).unwrap();
                is_right(method.name, k, &loss(&TIMES.map(|time| dense.at(&Dual::constant(time))), &one));
            }
            let map = solver.clone().of(Chain.with(moving(k)));
            is_right(method.name, k, &loss(&TIMES.map(|time| map.flow(&zero, &Dual::constant(time), &start)), &one));
        }
    }
}

/// The same on the tape: all three derivatives at once.
#[test]
fn the_gradient_on_the_tape_is_right_at_the_last_save_time_too() {
    let tensor = |values: &[f64], shape: &[usize]| NdTensor::from_slice(values, shape);
    let constant = |time: f64| Var::constant(tensor(&[time], &[]));
    for method in METHODS {
        let tape = Tape::new();
        let parameters = PARAMETERS.map(|p| tape.leaf(tensor(&[p], &[])));
        let start = Var::constant(tensor(&START, &[1, 3]));
        let solver = within(1e-8, 1e-8)(method);
        let field = Chain.with(parameters.clone());
        let path = solver.solve(&field, &constant(0.0), &constant(20.0), &start, &Save::At(TIMES.to_vec())).unwrap();
        let loss = loss(path.states(), &Var::constant(tensor(&[1.0; 3], &[1, 3]))).sum(0..1);
        let mut gradients = tape.gradients(&loss);
        let found = parameters.map(|p| gradients.take(&p).map_or(0.0, |g| g.to_vec()[0]));
        crate::runs::close(method.name, &loss.to_vec(), &[LOSS], [MANY * 1e-8, 0.0]);
        crate::runs::close(method.name, &found, &GRADIENT, [0.0, 10.0 * MANY * 1e-8]);
        assert_eq!(found[2], 0.0, "{}", method.name);
    }
}

// the parameters are coordinates here, of which implicit methods have derivatives
#[cfg(feature = "diffsol")]
ode!(Wide, 6, |_t, [a, b, _, p, q, _]| {
    let zero = a.constant(0.0);
    [2.0 - p * a, a - q * b, zero.clone(), zero.clone(), zero.clone(), zero]
});

/// The same by implicit methods.
#[cfg(feature = "diffsol")]
#[test]
fn the_gradient_by_implicit_methods_is_right() {
    for (name, solver) in &crate::runs::implicit(1e-9, 1e-10)[..2] {
        let map = solver.clone().of(Wide.field());
        for (k, expected) in GRADIENT.into_iter().enumerate() {
            let [p, q, r] = moving(k);
            let [a, b, c] = START.map(Dual::constant);
            let start = [a, b, c, p, q, r];
            let states = TIMES.map(|time| {
                let [a, b, c, ..] = map.flow(&Dual::constant(0.0), &Dual::constant(time), &start);
                [a, b, c]
            });
            let found = loss(&states, &[1.0; 3].map(Dual::constant));
            crate::runs::close(name, &[*found.value(), *found.tangent()], &[LOSS, expected], [0.0, 1000.0 * 1e-9]);
            assert!(k < 2 || *found.tangent() == 0.0, "{name}: {found:?}");
        }
    }
}

/// A sibling of patrick-kidger/diffrax#64: `x = x0 e^-t` from a start that moves, saved once and twice at ends near and far,
/// forward and backward.
#[test]
fn the_derivative_of_the_last_saved_state_is_that_of_the_end() {
    let decay = Affine::new([[-1.0]], [0.0]).unwrap();
    let start = Dual::new([2.0], [1.0]);
    for method in METHODS {
        let solver = within(1e-9, 1e-9)(method);
        for end in [1e-3, 0.1, 1.0, 5.0] {
            let times = |sign: f64| Save::At(vec![0.5 * sign * end, sign * end, sign * end]);
            let [zero, to, back] = [0.0, end, -end].map(Dual::constant);
            let forward = solver.solve(&decay.field(), &zero, &to, &start, &times(1.0)).unwrap();
            let backward = solver.solve(&Mirrored(decay, -1.0).field(), &zero, &back, &start, &times(-1.0)).unwrap();
            let dense = solver.solve(&decay.field(), &zero, &to, &start, &Save::Dense).unwrap();
            let last = dense.at(&to);
            for state in [&forward.states()[1], &forward.states()[2], &backward.states()[1], &last, forward.end()] {
                let expected = (-end).exp();
                crate::runs::close(
                    method.name,
                    &[state.value()[0], state.tangent()[0]],
                    &[2.0 * expected, expected],
                    [MANY * 1e-9, 0.0],
                );
            }
        }
    }
}

/// A linear system by Heun's method and the derivative of `|y(3)|²` by its start; patrick-kidger/diffrax#499,
/// SciML/SciMLSensitivity.jl#1094.
#[test]
fn the_gradient_at_a_loose_tolerance_is_that_of_the_steps_as_taken() {
    let matrix = [[-273.0 / 512.0, 0.0], [-1.0 / 160.0, 785.0 / 512.0 - 2.0_f64.sqrt() / 8.0]];
    let system = Affine::new(matrix, [0.0; 2]).unwrap();
    let gradient = |solver: Adaptive, sign: f64| -> (f64, [f64; 2]) {
        let along = |k: usize| {
            let start = Dual::new([1.0, 1.0], std::array::from_fn(|i| f64::from(u8::from(i == k))));
            let times = [0.0, sign * 3.0].map(Dual::constant);
            let end = if sign > 0.0 {
                solver.clone().of(system.field()).flow(&times[0], &times[1], &start)
            } else {
                solver.clone().of(Mirrored(system, -1.0).field()).flow(&times[0], &times[1], &start)
            };
            end.dot(&end)
        };
        let found = [along(0), along(1)];
        (*found[0].value(), found.map(|loss| *loss.tangent()))
    };
    let (loss, exact) = (3_401.485_282_551_998_2, [-22.415_635_618_083_816, 6_825.386_200_722_08]);
    for sign in [1.0, -1.0] {
        let (value, found) = gradient(within(1e-8, 1e-8)(HEUN), sign);
        crate::runs::close("1e-8", &[value, found[0], found[1]], &[loss, exact[0], exact[1]], [1e-6, 0.0]);
        let (value, [first, second]) = gradient(within(0.1, 0.1)(HEUN), sign);
        // what the steps make of the start is linear in it: the loss is a quadratic form
        assert!((first + second - 2.0 * value).abs() < 1e-10 * value, "{first} {second} {value}");
        assert!((0.5..1.2).contains(&(second / exact[1])), "{second}");
    }
}
