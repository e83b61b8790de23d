//! Losses off the diagonal, mode by mode, against a transcription in which the stopped terms are arguments of their own.

use crate::backend::{Array, Backend, host, random};
use flowmap::{
    AverageVelocity, Coordinates, Dual, Num, Number, Ode, Pointwise, State, Tape, Tensor, Var, VelocityField,
    learn::{Alpha, AlphaFlow, Anchor, Context, Goal, MeanFlow, Objective, Tangent},
    nn::{Mlp, MlpShape, Model, Module},
};

const MODES: [&str; 38] = [
    "lsd",
    "lsd:none",
    "lsd:semigradient",
    "esd",
    "esd:none",
    "esd:teacher",
    "esd:semigradient",
    "psd-u",
    "psd-u:none",
    "psd-u:map",
    "psd-u:map-none",
    "psd-m",
    "psd-m:none",
    "psd-m:map",
    "psd-m:map-none",
    "lmd",
    "lmd:paper",
    "lmd:semigradient",
    "emd",
    "emd:paper",
    "emd:semigradient",
    "pmd",
    "pmd:none",
    "pmd:map",
    "pmd:map-none",
    "pmd-m",
    "pmd-m:map",
    "lsd-average",
    "lsd-average:semigradient",
    "mean-flow",
    "improved-mean-flow",
    "controlled",
    "controlled by the average",
    "warmed up, normalized, clamped",
    "anchor",
    "alpha 0.3",
    "alpha 0",
    "alpha 1",
];

/// The objective of a mode.
fn goal(mode: &str) -> Goal {
    let controlled = MeanFlow { control: 0.4, ..MeanFlow::default() };
    let alpha = |alpha| AlphaFlow { alpha: Alpha::Constant(alpha), power: 1.0 }.into();
    match mode {
        "controlled" => controlled.into(),
        "controlled by the average" => MeanFlow { averaged: true, ..controlled }.into(),
        "warmed up, normalized, clamped" => {
            let tangent = Tangent { warm_up: 10, normalize: Some(0.1), clamp: Some(0.8) };
            MeanFlow { tangent, ..MeanFlow::default() }.into()
        }
        "anchor" => MeanFlow { anchor: Some(Anchor { weight: 0.5, lengths: [0.1, 0.4] }), ..MeanFlow::default() }.into(),
        _ => match mode.strip_prefix("alpha ") {
            Some(share) => alpha(share.parse().unwrap()),
            None => mode.parse().unwrap(),
        },
    }
}

/// The step at which objectives that change are evaluated.
const STEP: u64 = 3;

/// How far the given map is right.
const REACH: f64 = 0.15;

/// A field that is given.
struct Swing;

impl Ode<2> for Swing {
    fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [y + 0.3 * t, -x.sin()]
    }
}

const FIELD: Pointwise<Swing, 2> = Pointwise(Swing);

/// A map that is given: a step of Euler's method.
struct Euler;

impl<X: Coordinates<2>> AverageVelocity<X> for Euler {
    fn average_velocity(&self, s: &X::Time, _t: &X::Time, x: &X) -> X {
        FIELD.velocity(s, x)
    }
}

struct Batch<T> {
    s: T,
    t: T,
    gamma: T,
    x: T,
    /// The velocities of the samples.
    velocity: T,
}

impl<T: Tensor<Primal = T>> Batch<T> {
    fn new<B: Backend<T = T>>() -> Self {
        const SAMPLES: usize = 5;
        let s = random::<B>(1, &[SAMPLES], 0.0..0.4).tensor::<B>();
        let t = random::<B>(2, &[SAMPLES], 0.5..1.0).tensor::<B>();
        let gamma = random::<B>(3, &[SAMPLES], 0.0..1.0).tensor::<B>();
        let [x, velocity] = [4, 5].map(|seed| random::<B>(seed, &[SAMPLES, 2], -1.5..1.5).tensor::<B>());
        Self { s, t, gamma, x, velocity }
    }
}

fn network<B: Backend>() -> Mlp<B::T> {
    Mlp::new_on(&B::device(), &MlpShape::new(2, 6, 2).with_scale(1.3), 11).unwrap()
}

/// Another network: the moving average.
fn averaged<B: Backend>() -> Mlp<B::T> {
    Mlp::new_on(&B::device(), &MlpShape::new(2, 6, 2).with_scale(1.3), 12).unwrap()
}

/// Numbers of a tensor, changed.
fn host_map<B: Backend>(x: &B::T, f: impl FnOnce(Vec<f64>) -> Vec<f64>) -> B::T {
    Array { shape: x.shape().to_vec(), values: f(host(x)) }.tensor::<B>()
}

/// The residual by its formula, on plain tensors; `stopped` is the network in the terms under a stop gradient.
fn transcription<B: Backend>(mode: &str, live: &Mlp<B::T>, stopped: &Mlp<B::T>, batch: &Batch<B::T>) -> B::T {
    let average = &averaged::<B>();
    let Batch { s, t, gamma, x, velocity } = batch;
    let span = t.clone() - s;
    let constant = |x: &B::T| Dual::constant(x.clone());
    let moving = |x: &B::T, dx: B::T| Dual::new(x.clone(), dx);
    let v = |net: &Mlp<B::T>, s: &B::T, t: &B::T, x: &B::T| net.average_velocity(s, t, x);
    let dt = |net: &Mlp<B::T>| net.average_velocity(&constant(s), &moving(t, t.constant(1.0)), &constant(x)).tangent().clone();
    let ds = |net: &Mlp<B::T>| net.average_velocity(&moving(s, s.constant(1.0)), &constant(t), &constant(x)).tangent().clone();
    let along =
        |net: &Mlp<B::T>, b: &B::T| net.average_velocity(&constant(s), &constant(t), &moving(x, b.clone())).tangent().clone();
    let end = |net: &Mlp<B::T>| x.plus(&v(net, s, t, x).scaled(&span));
    // ∂_t X = v + (t-s) ∂_t v, ∂_s X = -v + (t-s) ∂_s v, ∇X b = b + (t-s) ∇v b
    let end_derivative = |net: &Mlp<B::T>| v(net, s, t, x).plus(&dt(net).scaled(&span));
    let start_derivative = |net: &Mlp<B::T>| ds(net).scaled(&span).minus(&v(net, s, t, x));
    let transport = |net: &Mlp<B::T>, b: &B::T| b.plus(&along(net, b).scaled(&span));
    let two_ways = |net: &Mlp<B::T>, gamma: &B::T| {
        let rest = (-gamma.clone()).shift(1.0);
        let u = gamma.clone() * s + rest.clone() * t;
        let early = v(net, s, &u, x);
        let late = v(net, &u, t, &x.plus(&early.scaled(&(u.clone() - s))));
        early.scaled(&rest).plus(&late.scaled(gamma))
    };
    let b = |t: &B::T, x: &B::T| FIELD.velocity(t, x);
    let pmd = |net: &Mlp<B::T>| {
        let u = s.shift(REACH);
        let (early, share) = (b(s, x), span.clone().recip().scale(REACH));
        let late = v(net, &u, t, &x.plus(&early.scaled(&u.constant(REACH))));
        early.scaled(&share).plus(&late.scaled(&(-share).shift(1.0)))
    };
    let half = gamma.constant(0.5);
    let gamma = if mode.starts_with("psd-m") { &half } else { gamma };
    match mode {
        "lsd" => end_derivative(live).minus(&v(stopped, t, t, &end(stopped))),
        "lsd:none" => end_derivative(live).minus(&v(live, t, t, &end(live))),
        "lsd:semigradient" => v(live, s, t, x).minus(&v(stopped, t, t, &end(stopped))).plus(&dt(stopped).scaled(&span)),
        "esd" => start_derivative(live).plus(&transport(stopped, &v(stopped, s, s, x))),
        "esd:none" => start_derivative(live).plus(&transport(live, &v(live, s, s, x))),
        "esd:teacher" => start_derivative(live).plus(&transport(live, &v(stopped, s, s, x))),
        "esd:semigradient" => v(live, s, t, x).minus(&transport(stopped, &v(stopped, s, s, x))).minus(&ds(stopped).scaled(&span)),
        "psd-u" | "psd-m" => v(live, s, t, x).minus(&two_ways(stopped, gamma)),
        "psd-u:none" | "psd-m:none" => v(live, s, t, x).minus(&two_ways(live, gamma)),
        "psd-u:map" | "psd-m:map" => v(live, s, t, x).minus(&two_ways(stopped, gamma)).scaled(&span),
        "psd-u:map-none" | "psd-m:map-none" => v(live, s, t, x).minus(&two_ways(live, gamma)).scaled(&span),
        "lmd" | "lmd:none" => end_derivative(live).minus(&b(t, &end(live))),
        "lmd:paper" => end_derivative(live).minus(&b(t, &end(stopped))),
        "lmd:semigradient" => v(live, s, t, x).minus(&b(t, &end(stopped))).plus(&dt(stopped).scaled(&span)),
        "emd" | "emd:none" => start_derivative(live).plus(&transport(live, &b(s, x))),
        "emd:paper" => start_derivative(live).plus(&transport(stopped, &b(s, x))),
        "emd:semigradient" => v(live, s, t, x).minus(&transport(stopped, &b(s, x))).minus(&ds(stopped).scaled(&span)),
        "pmd" => v(live, s, t, x).minus(&pmd(stopped)),
        "pmd:none" => v(live, s, t, x).minus(&pmd(live)),
        "pmd:map" => v(live, s, t, x).minus(&pmd(stopped)).scaled(&span),
        "pmd:map-none" => v(live, s, t, x).minus(&pmd(live)).scaled(&span),
        "pmd-m" | "pmd-m:none" | "pmd-m:map" => {
            let u = (s.clone() + t).scale(0.5);
            let late = b(&u, &x.plus(&b(s, x).scaled(&(u.clone() - s))));
            let residual = v(live, s, t, x).minus(&b(s, x).plus(&late).scaled(&half));
            if mode == "pmd-m:map" { residual.scaled(&span) } else { residual }
        }
        "lsd-average" | "lsd-average:none" => end_derivative(live).minus(&v(average, t, t, &end(stopped))),
        "lsd-average:semigradient" => v(live, s, t, x).minus(&v(average, t, t, &end(stopped))).plus(&dt(stopped).scaled(&span)),
        "mean-flow" | "alpha 0" => v(live, s, t, x).minus(&transport(stopped, velocity)).minus(&ds(stopped).scaled(&span)),
        "improved-mean-flow" | "controlled" | "controlled by the average" => {
            let share = if mode.starts_with("controlled") { 0.4 } else { 1.0 };
            let own = v(if mode.ends_with("average") { average } else { stopped }, s, s, x);
            let b = velocity.scale(1.0 - share).plus(&own.scale(share));
            let rate = ds(stopped).plus(&along(stopped, &b));
            v(live, s, t, x).minus(&rate.scaled(&span)).minus(velocity)
        }
        "warmed up, normalized, clamped" => {
            let rate = ds(stopped).plus(&along(stopped, velocity)).scaled(&span).scale(STEP as f64 / 10.0);
            let g = v(stopped, s, t, x).minus(velocity).minus(&rate);
            let limited = host_map::<B>(&g, |g| {
                let rms = |row: &[f64]| (row.iter().map(|g| g * g).sum::<f64>() / row.len() as f64).sqrt();
                let rows = g.chunks(2).flat_map(|row| row.iter().map(|g| g / (rms(row) + 0.1)).collect::<Vec<_>>());
                rows.map(|g| g.clamp(-0.8, 0.8)).collect()
            });
            v(live, s, t, x).minus(&v(stopped, s, t, x)).plus(&limited)
        }
        "anchor" => {
            let lengths = host(gamma).into_iter().zip(host(&span)).map(|(share, span)| (0.1 + 0.3 * share).min(span)).collect();
            let near = host_map::<B>(s, |s| s.into_iter().zip::<Vec<f64>>(lengths).map(|(s, length)| s + length).collect());
            v(live, s, &near, x).minus(velocity)
        }
        "alpha 0.3" => {
            let u = s.clone() + span.scale(0.3);
            let later = v(stopped, &u, t, &x.plus(&velocity.scaled(&span.scale(0.3))));
            v(live, s, t, x).minus(&velocity.scale(0.3)).minus(&later.scale(0.7))
        }
        "alpha 1" => v(live, s, t, x).minus(velocity),
        _ => unreachable!("no mode {mode}"),
    }
}

/// The library's residual, on variables, of the objective of a mode.
fn residual<B: Backend>(mode: &str, live: &Mlp<Var<B::T>>, fixed: &Mlp<Var<B::T>>, batch: &Batch<B::T>) -> Var<B::T> {
    let average = averaged::<B>().off_tape();
    let Batch { s, t, gamma, x, velocity } = batch;
    let [s, t, gamma, x, velocity] = [s, t, gamma, x, velocity].map(|v| Var::constant(v.clone()));
    let context = Context {
        fixed,
        share: &gamma,
        field: Some(&FIELD),
        short: Some(&Euler),
        reach: REACH,
        velocity: Some(velocity),
        average: Some(&average),
        step: STEP,
        ..Context::new(live, &s, &t, &x)
    };
    let mut terms = goal(mode).terms(&context);
    // the anchor is the second term of its objective
    let term = terms.remove(usize::from(mode == "anchor"));
    let weight = match mode {
        "anchor" => 0.5,
        "alpha 0" => 1.0,
        _ => mode.strip_prefix("alpha ").map_or(1.0, |share| 1.0 / share.parse::<f64>().unwrap()),
    };
    assert!((term.weight - weight).abs() < 1e-12 * weight, "{mode}: {}", term.weight);
    term.residual
}

fn square<T: Tensor>(r: &T) -> T {
    (r.clone() * r).sum(0..2)
}

#[track_caller]
fn assert_near(what: &str, found: &[f64], expected: &[f64], relative: f64) {
    let distance = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let size = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!(found.len() == expected.len() && size > 1e-3, "{what}: something to compare, {expected:?}");
    assert!(distance < relative * size, "{what}: relative distance {:e}", distance / size);
}

/// A stop gradient changes no value: every mode's residual is the one without stops, times what its documentation says.
pub fn residual_values<B: Backend>() {
    let (net, batch) = (network::<B>(), Batch::new::<B>());
    let tape = Tape::new();
    for mode in MODES {
        let found = residual::<B>(mode, &net.on_tape(&tape), &net.off_tape(), &batch);
        assert_near(mode, &host(&found), &host(&transcription::<B>(mode, &net, &net, &batch)), 1e-12);
        let family = mode.split(':').next().unwrap();
        if !matches!(goal(mode), Goal::Distillation(_)) {
            continue;
        }
        let whole = transcription::<B>(&format!("{family}:none"), &net, &net, &batch);
        let expected = match mode.split_once(':') {
            Some(("esd" | "emd", "semigradient")) => whole.negated(),
            Some((_, "map" | "map-none")) => whole.scaled(&(batch.t.clone() - &batch.s)),
            _ => whole,
        };
        assert_near(mode, &host(&found), &host(&expected), 1e-12);
    }
}

/// With shares that tend to 0, and divided by them, the residual of α-Flow tends to that of MeanFlow.
pub fn alpha_flow_tends_to_mean_flow<B: Backend>() {
    let (net, batch) = (network::<B>().off_tape(), Batch::new::<B>());
    let limit = host(&residual::<B>("mean-flow", &net, &net, &batch));
    let distance = |mode: &str, share: f64| {
        let found = host(&residual::<B>(mode, &net, &net, &batch));
        found.iter().zip(&limit).map(|(r, g)| (r / share - g).powi(2)).sum::<f64>().sqrt()
    };
    let [far, near] = [distance("alpha 1e-3", 1e-3), distance("alpha 1e-4", 1e-4)];
    assert!(near < 0.15 * far && far < 0.1, "{far:e} at a share of 1e-3, {near:e} at 1e-4");
}

/// The network with one parameter, counted through all of them, moved by `h`.
fn moved<B: Backend>(net: &Mlp<B::T>, position: usize, h: f64) -> Mlp<B::T> {
    let (mut net, mut rest) = (net.clone(), position);
    let mut done = false;
    net.visit_mut(&mut |_, p| {
        let mut values = host(p);
        if !done && rest < values.len() {
            values[rest] += h;
            *p = Array { shape: p.shape().to_vec(), values }.tensor::<B>();
            done = true;
        }
        rest = rest.saturating_sub(p.to_vec().len());
    });
    net
}

pub fn parameter_gradients<B: Backend>() {
    const H: f64 = 1e-5;
    let (net, batch) = (network::<B>(), Batch::new::<B>());
    let count = flowmap::nn::parameter_count(&net);
    let mut gradients: Vec<Vec<f64>> = vec![];
    for mode in MODES {
        let tape = Tape::new();
        let live = net.on_tape(&tape);
        let mut all = tape.gradients(&square(&residual::<B>(mode, &live, &net.off_tape(), &batch)));
        let mut found = vec![];
        live.visit(&mut |_, p| found.extend(all.take(p).map_or(vec![0.0; p.to_vec().len()], |g| host(&g))));
        let loss = |i: usize, h: f64| host(&square(&transcription::<B>(mode, &moved::<B>(&net, i, h), &net, &batch)))[0];
        let expected: Vec<f64> = (0..count).map(|i| (loss(i, H) - loss(i, -H)) / (2.0 * H)).collect();
        assert_near(mode, &found, &expected, 1e-6);
        gradients.push(found);
    }
    // the modes differ: a stop gradient that does nothing would pass the rest
    for (i, a) in gradients.iter().enumerate() {
        for (j, b) in gradients[..i].iter().enumerate() {
            let distance = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let same = [MODES[j], MODES[i]] == ["mean-flow", "alpha 0"];
            assert!((distance > 1e-6) != same, "{} and {}: their gradients differ by {distance}", MODES[i], MODES[j]);
        }
    }
}
