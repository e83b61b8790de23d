//! Forward mode against differences, reverse mode against forward mode, reverse over forward against differences.

use crate::backend::{Array, Backend, epsilon, host, random};
use flowmap::{Activation, Coordinates, Dual, ImageTensor, Normalization, Number, Order, Tape, Tensor, Value, Var, Window};

/// A differentiable operation: its name, the shapes of its operands, and the interval of their values.
type Operation = (&'static str, &'static [&'static [usize]], std::ops::Range<f64>);

const ANY: std::ops::Range<f64> = -2.0..2.0;
const POSITIVE: std::ops::Range<f64> = 0.5..2.0;

/// Of differences.
const STEP: f64 = 1e-5;

const OPERATIONS: [Operation; 90] = [
    ("neg", &[&[3]], ANY),
    ("add", &[&[2, 3], &[2, 3]], ANY),
    ("add", &[&[2, 3], &[]], ANY),
    ("add", &[&[], &[2, 3]], ANY),
    ("sub", &[&[2, 3], &[2, 3]], ANY),
    ("sub", &[&[2, 3], &[]], ANY),
    ("sub", &[&[], &[2, 3]], ANY),
    ("mul", &[&[2, 3], &[2, 3]], ANY),
    ("mul", &[&[2, 3], &[]], ANY),
    ("mul", &[&[], &[2, 3]], ANY),
    ("div", &[&[2, 3], &[2, 3]], POSITIVE),
    ("div", &[&[2, 3], &[]], POSITIVE),
    ("div", &[&[], &[2, 3]], POSITIVE),
    ("itself", &[&[3]], POSITIVE),
    ("scale", &[&[3]], ANY),
    ("shift", &[&[3]], ANY),
    ("recip", &[&[3]], POSITIVE),
    ("powi 0", &[&[3]], ANY),
    ("powi 1", &[&[3]], ANY),
    ("powi 3", &[&[3]], ANY),
    ("powi -2", &[&[3]], POSITIVE),
    ("exp", &[&[3]], ANY),
    ("exp_m1", &[&[3]], ANY),
    ("ln", &[&[3]], POSITIVE),
    ("sqrt", &[&[3]], POSITIVE),
    ("sin", &[&[3]], ANY),
    ("cos", &[&[3]], ANY),
    ("tanh", &[&[3]], ANY),
    ("abs", &[&[5]], ANY),
    ("atan", &[&[3]], ANY),
    ("erf", &[&[3]], ANY),
    ("floor", &[&[3]], 0.1..0.9),
    ("powf", &[&[3]], POSITIVE),
    ("ln_1p", &[&[3]], POSITIVE),
    ("sinh", &[&[3]], ANY),
    ("cosh", &[&[3]], ANY),
    ("tan", &[&[3]], -1.0..1.0),
    ("atan2", &[&[7], &[7]], POSITIVE),
    ("atan2", &[&[], &[3]], POSITIVE),
    ("max", &[&[7], &[7]], ANY),
    ("min", &[&[7], &[7]], ANY),
    ("select", &[&[7], &[7]], ANY),
    ("select", &[&[7], &[]], ANY),
    ("select by a scalar", &[&[4], &[]], ANY),
    ("in_form_of", &[&[], &[2, 2]], ANY),
    ("reshape", &[&[2, 3]], ANY),
    ("slice 0", &[&[3, 4, 2]], ANY),
    ("slice 1", &[&[3, 4, 2]], ANY),
    ("slice 2", &[&[3, 4, 2]], ANY),
    ("concat 0", &[&[1, 2], &[3, 2]], ANY),
    ("concat 1", &[&[2, 1], &[2, 3]], ANY),
    ("sum 0..1", &[&[2, 3, 4]], ANY),
    ("sum 1..3", &[&[2, 3, 4]], ANY),
    ("sum 0..3", &[&[2, 3, 4]], ANY),
    ("spread 0", &[&[2, 3]], ANY),
    ("spread 1", &[&[2, 3]], ANY),
    ("spread 2", &[&[2, 3]], ANY),
    ("product pp", &[&[2, 3], &[3, 4]], ANY),
    ("product pt", &[&[2, 3], &[4, 3]], ANY),
    ("product tp", &[&[3, 2], &[3, 4]], ANY),
    ("product tt", &[&[3, 2], &[4, 3]], ANY),
    ("product pp onto", &[&[2, 3], &[3, 4], &[2, 4]], ANY),
    ("product tt onto", &[&[3, 2], &[4, 3], &[2, 4]], ANY),
    ("linear", &[&[3]], ANY),
    ("linear", &[&[2, 2, 3]], ANY),
    ("gelu", &[&[7]], ANY),
    ("silu", &[&[7]], ANY),
    ("lerp", &[&[3], &[3]], ANY),
    ("scaled", &[&[3, 2], &[3]], ANY),
    ("scaled", &[&[3, 2], &[]], ANY),
    ("norm", &[&[3, 2]], POSITIVE),
    ("norm", &[&[4]], POSITIVE),
    ("split and join", &[&[3, 2]], ANY),
    ("plus and minus", &[&[3, 2], &[3, 2]], ANY),
    ("conv2d", &[&[2, 3, 4, 2]], ANY),
    ("conv2d strided", &[&[1, 5, 4, 2]], ANY),
    ("conv2d_adjoint", &[&[1, 3, 2, 3]], ANY),
    ("conv2d_kernel", &[&[2, 3, 3, 2], &[2, 3, 3, 1]], ANY),
    ("products pp", &[&[2, 2, 3], &[2, 3, 4]], ANY),
    ("products pt", &[&[2, 2, 3], &[2, 4, 3]], ANY),
    ("products tp", &[&[2, 3, 2], &[2, 3, 4]], ANY),
    ("products tt", &[&[2, 3, 2], &[2, 4, 3]], ANY),
    ("downsample", &[&[1, 2, 4, 2]], ANY),
    ("upsample", &[&[1, 2, 1, 2]], ANY),
    ("add_to_channels", &[&[2, 2, 1, 3], &[2, 3]], ANY),
    ("scale_channels", &[&[2, 2, 1, 3], &[2, 3]], ANY),
    ("normalize groups", &[&[2, 2, 1, 4]], ANY),
    ("normalize pixels", &[&[2, 1, 2, 3]], ANY),
    ("normalize_tangent", &[&[1, 2, 2, 2], &[1, 2, 2, 2]], ANY),
    ("softmax", &[&[2, 4]], ANY),
];

fn apply<T: ImageTensor + Coordinates<2>>(name: &str, x: &[T]) -> T {
    use Order::{Plain, Transposed};
    let [a, b] = [&x[0], x.get(1).unwrap_or(&x[0])];
    let product = |p, q| T::product(a, p, b, q, x.get(2).cloned());
    let constant = |shape: &[usize]| {
        let values: Vec<_> = (0..shape.iter().product()).map(|i| flowmap::Real::from_f64(0.25 * i as f64 - 0.75)).collect();
        T::Primal::from_slice(&a.device(), &values, shape)
    };
    match name {
        "neg" => -a.clone(),
        "add" => a.clone() + b,
        "sub" => a.clone() - b,
        "mul" => a.clone() * b,
        "div" => a.clone() / b,
        "itself" => (a.clone() * a + a) / a * a - (a.clone() - a),
        "scale" => a.scale(-1.5),
        "shift" => a.shift(0.5) * a,
        "recip" => a.recip(),
        "powi 0" => a.powi(0),
        "powi 1" => a.powi(1),
        "powi 3" => a.powi(3),
        "powi -2" => a.powi(-2),
        "exp" => a.exp(),
        "exp_m1" => a.exp_m1(),
        "ln" => a.ln(),
        "sqrt" => a.sqrt(),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tanh" => a.tanh(),
        "abs" => a.abs(),
        "atan" => a.atan(),
        "erf" => a.erf(),
        "floor" => a.floor() * a,
        "powf" => a.powf(1.7),
        "ln_1p" => a.ln_1p(),
        "sinh" => a.sinh(),
        "cosh" => a.cosh(),
        "tan" => a.tan(),
        "atan2" => (-a.clone()).atan2(&-b.clone()),
        "max" => a.max(b),
        "min" => a.min(b),
        "select" => T::select(&a.less(&a.constant(0.3)), a, b),
        "select by a scalar" => T::select(&b.less(&b.constant(5.0)), b, a),
        "in_form_of" => a.clone().in_form_of(b) * b,
        "reshape" => a.reshape(&[3, 2]),
        "slice 0" => a.slice(0, 1..3),
        "slice 1" => a.slice(1, 1..2),
        "slice 2" => a.slice(2, 0..1),
        "concat 0" => T::concat(&[a.clone(), b.clone(), a.clone()], 0),
        "concat 1" => T::concat(&[a.clone(), b.clone(), a.clone()], 1),
        "sum 0..1" => a.sum(0..1),
        "sum 1..3" => a.sum(1..3),
        "sum 0..3" => a.sum(0..3),
        "spread 0" => a.spread(0, &[2]),
        "spread 1" => a.spread(1, &[2, 2]),
        "spread 2" => a.spread(2, &[3]),
        "product pp" | "product pp onto" => product(Plain, Plain),
        "product pt" => product(Plain, Transposed),
        "product tp" => product(Transposed, Plain),
        "product tt" | "product tt onto" => product(Transposed, Transposed),
        "linear" => a.linear(&constant(&[3, 2]), Some(&constant(&[2]))),
        "gelu" => a.activate(Activation::Gelu),
        "silu" => a.activate(Activation::Silu),
        "lerp" => a.clone().lerp(b, 0.3),
        "scaled" => a.scaled(b),
        "norm" => a.norm(),
        "conv2d" => a.conv2d(&constant(&[3, 3, 2, 2]), Some(&constant(&[2])), Window::same(3)),
        "conv2d strided" => a.conv2d(&constant(&[3, 2, 2, 1]), None, Window { stride: 2, padding: 1 }),
        "conv2d_adjoint" => a.conv2d_adjoint(&constant(&[2, 3, 2, 3]), Window { stride: 2, padding: 1 }, [4, 4]),
        "conv2d_kernel" => a.conv2d_kernel(b, Window::same(3), [3, 3]),
        "products pp" => T::products(a, Plain, b, Plain),
        "products pt" => T::products(a, Plain, b, Transposed),
        "products tp" => T::products(a, Transposed, b, Plain),
        "products tt" => T::products(a, Transposed, b, Transposed),
        "downsample" => a.downsample(2),
        "upsample" => a.upsample(2),
        "add_to_channels" => a.add_to_channels(b),
        "scale_channels" => a.scale_channels(b),
        "normalize groups" => a.normalize(Normalization::groups(2)),
        "normalize pixels" => a.normalize(Normalization::pixels()),
        "normalize_tangent" => a.normalize_tangent(b, Normalization::groups(1)),
        "softmax" => a.softmax(),
        "split and join" => {
            let [p, q]: [T; 2] = a.split();
            T::join([q.clone() * p, q])
        }
        "plus and minus" => a.plus(b).minus(&b.negated().scaled(&b.sum(0..2))),
        _ => unreachable!("no operation {name}"),
    }
}

/// Points and directions of an operation's operands; only those in `moving` have a direction.
struct Case<T> {
    points: Vec<T>,
    directions: Vec<Option<T>>,
}

/// Every operation, with every non-empty set of moving operands.
fn cases<B: Backend>() -> Vec<(String, &'static str, Case<B::T>)> {
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
fn assert_near(what: &str, found: &[f64], expected: &[f64], relative: f64) {
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

pub fn forward_matches_differences<B: Backend>() {
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
pub fn reverse_is_the_adjoint_of_forward<B: Backend>() {
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
pub fn decorated_values_are_the_plain_ones<B: Backend>() {
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

pub fn reverse_over_forward_matches_differences<B: Backend>() {
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
fn parameters_match_differences<B: Backend>(
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
pub fn parameters_used_twice<B: Backend>() {
    fn network<T: Tensor<Primal = T>>(x: &T, w: &T, b: &T) -> T {
        let y = x.linear(w, Some(b)).tanh().linear(w, Some(b));
        T::product(&y, Order::Transposed, &y, Order::Plain, Some(w.clone())).sum(0..2)
    }
    let x = random::<B>(1, &[5, 3], -1.0..1.0).tensor::<B>();
    let parts = [random::<B>(2, &[3, 3], -1.0..1.0), random::<B>(3, &[3], -1.0..1.0)];
    let data = Var::constant(x.clone());
    parameters_match_differences::<B>(parts, |w, b| network(&data, w, b), |w, b| network(&x, w, b));
}

/// The same for a kernel and its bias, there and back.
pub fn kernels_used_twice<B: Backend>() {
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

pub fn frozen_factors_are_constants<B: Backend>() {
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
