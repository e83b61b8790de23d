//! Forward mode against differences, reverse mode against forward mode, reverse over forward against differences.

use crate::{
    backend::{Array, ImageBackend, epsilon, host, random},
    operations::{ANY, OPERATIONS, apply},
};
use flowmap::{Coordinates, Dual, ImageTensor, Number, Tape, Tensor, Transpose, Value, Var, Window};

/// Of differences.
pub const STEP: f64 = 1e-5;

/// Points and directions of an operation's operands; only those in `moving` have a direction.
struct Case<T> {
    points: Vec<T>,
    directions: Vec<Option<T>>,
}

/// Every operation, with every non-empty set of moving operands.
fn cases<B: ImageBackend>() -> Vec<(String, &'static str, Case<B::T>)> {
    let mut all = vec![];
    for (name, shapes, domain) in OPERATIONS {
        for moving in 1_usize..1 << shapes.len() {
            let points = (1..).zip(shapes).map(|(seed, shape)| random::<B>(seed, shape, domain.clone()).tensor::<B>());
            let directions = (10..).zip(shapes).enumerate().map(|(i, (seed, shape))| {
                let direction = random::<B>(seed, shape, -1.0..1.0).tensor::<B>();
                (moving >> i & 1 == 1).then_some(direction)
            });
            let what = format!("{name} of {shapes:?}, moving {moving:b}");
            all.push((what, name, Case { points: points.collect(), directions: directions.collect() }));
        }
    }
    all
}

impl<T: ImageTensor<Primal = T> + Coordinates<2>> Case<T> {
    fn duals(&self) -> Vec<Dual<T>> {
        self.points.iter().zip(&self.directions).map(|(x, d)| Dual::from_parts(x.clone(), d.clone())).collect()
    }
    fn tangent(&self, name: &str) -> (T, T) {
        let (value, tangent) = apply(name, &self.duals()).into_parts();
        let zero = value.constant(0.0);
        (value, tangent.unwrap_or(zero))
    }
}

#[track_caller]
pub fn assert_near(what: &str, found: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: count");
    let size = expected.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= relative * size, "{what}: {found:?} against {expected:?}");
    }
}

/// The gradient of a loss in `count` coordinates; `at(i, h)` is the loss where coordinate `i` is moved by `h`.
fn differences(count: usize, at: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    (0..count).map(|i| (at(i, STEP) - at(i, -STEP)) / (2.0 * STEP)).collect()
}

pub fn forward_matches_differences<B: ImageBackend>() {
    for (what, name, case) in cases::<B>() {
        let at = |h: f64| {
            let moved = case.points.iter().zip(&case.directions);
            let moved = moved.map(|(x, d)| d.as_ref().map_or(x.clone(), |d| x.clone() + d.scale(h)));
            apply(name, &moved.collect::<Vec<_>>())
        };
        let (value, tangent) = case.tangent(name);
        assert_eq!(value.shape(), at(0.0).shape(), "{what}: shape of the value");
        assert_eq!(tangent.shape(), value.shape(), "{what}: shape of the tangent");
        let difference = (at(STEP) - at(-STEP)).scale(0.5 / STEP);
        assert_near(&what, &host(&tangent), &host(&difference), 1e-8);
    }
}

/// `<w, J v> = <J' w, v>` for random `v` and `w`, in the precision of the backend.
pub fn reverse_is_the_adjoint_of_forward<B: ImageBackend>() {
    let dot = |a: &B::T, b: &B::T| host(a).iter().zip(host(b)).fold((0.0, 0.0), |(s, n), (a, b)| (s + a * b, n + (a * b).abs()));
    for (what, name, case) in cases::<B>() {
        let (value, tangent) = case.tangent(name);
        let weight = random::<B>(20, value.shape(), -1.0..1.0).tensor::<B>();
        let tape = Tape::new();
        let leaf = |x: &B::T, d: &Option<B::T>| if d.is_some() { tape.leaf(x.clone()) } else { Var::constant(x.clone()) };
        let variables: Vec<_> = case.points.iter().zip(&case.directions).map(|(x, d)| leaf(x, d)).collect();
        let y = apply(name, &variables);
        let axes = 0..y.shape().len();
        let mut gradients = tape.gradients(&(y * Var::constant(weight.clone())).sum(axes));
        let (mut right, mut size) = (0.0, 0.0);
        for (x, d) in variables.iter().zip(&case.directions) {
            let gradient = gradients.take(x);
            if let (Some(gradient), Some(d)) = (gradient, d) {
                assert_eq!(gradient.shape(), d.shape(), "{what}: shape of the gradient");
                let (sum, magnitude) = dot(&gradient, d);
                right += sum;
                size += magnitude;
            }
        }
        let (left, magnitude) = dot(&weight, &tangent);
        let bound = 16.0 * epsilon::<B>() * (size + magnitude);
        assert!((left - right).abs() <= bound, "{what}: {left} against {right}");
    }
}

/// Derivatives are attached without changing values.
pub fn decorated_values_are_the_plain_ones<B: ImageBackend>() {
    for (what, name, case) in cases::<B>() {
        let plain = host(&apply(name, &case.points));
        let tape = Tape::new();
        let variables: Vec<_> = case.points.iter().map(|x| tape.leaf(x.clone())).collect();
        let constants: Vec<_> = case.points.iter().map(|x| Var::constant(x.clone())).collect();
        assert_near(&what, &host(&apply(name, &case.duals())), &plain, 4.0 * epsilon::<B>());
        assert_near(&what, &host(&apply(name, &variables)), &plain, 4.0 * epsilon::<B>());
        assert_near(&what, &host(&apply(name, &constants)), &plain, 4.0 * epsilon::<B>());
    }
}

/// `<c, y> + <d, dy>` for fixed random `c`, `d`: a function of values and tangents.
fn functional<T: Tensor>(y: &Dual<T>, c: &T, d: &T) -> T {
    let rank = 0..y.value().shape().len();
    let value = (y.value().clone() * c).sum(rank.clone());
    match y.moving() {
        None => value,
        Some(dy) => value + (dy.clone() * d).sum(rank),
    }
}

pub fn reverse_over_forward_matches_differences<B: ImageBackend>() {
    for (what, name, case) in cases::<B>() {
        let shape = apply(name, &case.points).shape().to_vec();
        let (c, d) = (random::<B>(30, &shape, -1.0..1.0).tensor::<B>(), random::<B>(31, &shape, -1.0..1.0).tensor::<B>());
        let tape = Tape::new();
        let values: Vec<_> = case.points.iter().map(|x| tape.leaf(x.clone())).collect();
        let tangents: Vec<_> = case.directions.iter().map(|d| d.as_ref().map(|d| tape.leaf(d.clone()))).collect();
        let duals: Vec<_> = values.iter().zip(&tangents).map(|(x, d)| Dual::from_parts(x.clone(), d.clone())).collect();
        let loss = functional(&apply(name, &duals), &Var::constant(c.clone()), &Var::constant(d.clone()));
        let mut gradients = tape.gradients(&loss);

        // one coordinate of one operand's value or tangent at a time
        let loss_at = |operand: usize, of_tangent: bool, index: usize, h: f64| {
            let mut duals = case.duals();
            let (mut value, mut tangent) = duals[operand].clone().into_parts();
            let part = if of_tangent { tangent.as_mut().expect("it moves") } else { &mut value };
            let mut numbers = host(part);
            numbers[index] += h;
            *part = Array { shape: part.shape().to_vec(), values: numbers }.tensor::<B>();
            duals[operand] = Dual::from_parts(value, tangent);
            host(&functional(&apply(name, &duals), &c, &d))[0]
        };
        for operand in 0..case.points.len() {
            for (of_tangent, variable) in [(false, Some(&values[operand])), (true, tangents[operand].as_ref())] {
                let Some(variable) = variable else { continue };
                let count = variable.to_vec().len();
                let found = gradients.take(variable).map_or(vec![0.0; count], |g| host(&g));
                let expected = differences(count, |i, h| loss_at(operand, of_tangent, i, h));
                assert_near(&format!("{what}, operand {operand}, tangent {of_tangent}"), &found, &expected, 1e-7);
            }
        }
    }
}

/// The gradients of a loss by its two parameters against differences; the loss is given twice, on the tape and without it.
fn parameters_match_differences<B: ImageBackend>(
    parts: [Array; 2],
    recorded: impl Fn(&Var<B::T>, &Var<B::T>) -> Var<B::T>,
    plain: impl Fn(&B::T, &B::T) -> B::T,
) {
    let tape = Tape::new();
    let [w, b] = [0, 1].map(|i| tape.leaf(parts[i].tensor::<B>()));
    let mut gradients = tape.gradients(&recorded(&w, &b));
    for (which, variable) in [w, b].iter().enumerate() {
        let loss_at = |index: usize, h: f64| {
            let mut moved = parts.clone();
            moved[which].values[index] += h;
            host(&plain(&moved[0].tensor::<B>(), &moved[1].tensor::<B>()))[0]
        };
        let expected = differences(parts[which].values.len(), loss_at);
        let found = host(&gradients.take(variable).expect("a gradient flows"));
        assert_near(&format!("gradient of parameter {which}"), &found, &expected, 1e-8);
    }
}

/// A weight and a bias that enter twice: their gradients add up.
pub fn parameters_used_twice<B: ImageBackend>() {
    fn network<T: Tensor<Primal = T>>(x: &T, w: &T, b: &T) -> T {
        let y = x.linear(w, Some(b)).tanh().linear(w, Some(b));
        T::matmul(&y, Transpose::Yes, &y, Transpose::No, Some(w.clone())).sum(0..2)
    }
    let x = random::<B>(1, &[5, 3], -1.0..1.0).tensor::<B>();
    let parts = [random::<B>(2, &[3, 3], -1.0..1.0), random::<B>(3, &[3], -1.0..1.0)];
    let data = Var::constant(x.clone());
    parameters_match_differences::<B>(parts, |w, b| network(&data, w, b), |w, b| network(&x, w, b));
}

/// The same for a kernel and its bias, there and back.
pub fn kernels_used_twice<B: ImageBackend>() {
    const WINDOW: Window = Window { stride: 2, padding: 1 };
    fn network<T: ImageTensor<Primal = T>>(x: &T, w: &T, b: &T) -> T {
        let y = x.conv2d(w, Some(b), WINDOW).tanh().conv2d_adjoint(w, WINDOW, [4, 5]);
        (y.clone() * &y).sum(0..4)
    }
    let x = random::<B>(1, &[2, 4, 5, 2], -1.0..1.0).tensor::<B>();
    let parts = [random::<B>(2, &[3, 3, 2, 3], -1.0..1.0), random::<B>(3, &[3], -1.0..1.0)];
    let data = Var::constant(x.clone());
    parameters_match_differences::<B>(parts, |w, b| network(&data, w, b), |w, b| network(&x, w, b));
}

pub fn frozen_factors_are_constants<B: ImageBackend>() {
    let (x, d) = (random::<B>(1, &[4], ANY).tensor::<B>(), random::<B>(2, &[4], ANY).tensor::<B>());
    let dual = Dual::new(x.clone(), d.clone());
    let product = dual.frozen() * &dual;
    assert_eq!(host(product.tangent()), host(&(x.clone() * &d)), "forward");
    let tape = Tape::new();
    let variable = tape.leaf(x.clone());
    let mut gradients = tape.gradients(&(variable.frozen() * &variable).sum(0..1));
    assert_eq!(host(&gradients.take(&variable).unwrap()), host(&x), "reverse");
    let tape = Tape::new();
    let (value, tangent) = (tape.leaf(x), tape.leaf(d));
    let both = Dual::new(value.clone(), tangent.clone()).frozen();
    assert!(both.moving().is_none(), "no tangent is left");
    assert!(tape.gradients(&both.value().sum(0..1)).take(&value).is_none(), "no gradient is left");
}
