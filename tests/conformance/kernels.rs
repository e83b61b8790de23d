//! Fused kernels against the scalar recipes of their composed defaults.

use crate::backend::{Array, Backend, SHAPES, assert_close, random};
use flowmap::{Activation, AdamStep, Number, Tensor};

const ACTIVATIONS: [Activation; 2] = [Activation::Gelu, Activation::Silu];

pub fn activations<B: Backend>() {
    for f in ACTIVATIONS {
        for shape in SHAPES {
            let x = random::<B>(1, shape, -6.0..6.0);
            check_activation::<B>(f, &x);
        }
        // far out, where the exponential overflows
        check_activation::<B>(f, &Array { shape: vec![6], values: vec![-1e4, -100.0, -30.0, 30.0, 100.0, 1e4] });
    }
}

fn check_activation<B: Backend>(f: Activation, x: &Array) {
    let shape = &x.shape;
    let [dx, y, dy] = [2, 3, 4].map(|seed| random::<B>(seed, shape, -2.0..2.0));
    let (value, slope, curvature) = (x.map(|x| f.value(&x)), x.map(|x| f.slope(&x)), x.map(|x| f.curvature(&x)));
    let times = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<_>>();
    // values of size 1 are differences of values of size 1
    let size: Vec<f64> = x.map(|x| 1.0 + x.abs());
    let check = |what: &str, found: &B::T, expected: &[f64]| {
        assert_close::<B>(&format!("{f:?}: {what}"), found, shape, expected, &size, 16.0);
    };
    let [t, dt, yt, dyt] = [x, &dx, &y, &dy].map(Array::tensor::<B>);
    check("activate", &t.activate(f), &value);
    check("composed", &f.value(&t), &value);
    let (found, tangent) = t.activate_with_tangent(&dt, f);
    check("with_tangent, value", &found, &value);
    check("with_tangent, tangent", &tangent, &times(&slope, &dx.values));
    check("pullback", &t.activate_pullback(&yt, f), &times(&slope, &y.values));
    check("composed slope", &(f.slope(&t) * &yt), &times(&slope, &y.values));
    let (to_x, to_dx) = t.activate_with_tangent_pullback(&dt, &yt, &dyt, f);
    let bent = times(&times(&curvature, &dx.values), &dy.values);
    let both: Vec<f64> = times(&slope, &y.values).iter().zip(bent).map(|(a, b)| a + b).collect();
    check("with_tangent_pullback, to x", &to_x, &both);
    check("with_tangent_pullback, to dx", &to_dx, &times(&slope, &dy.values));
    check("composed curvature", &f.curvature(&t), &curvature);
}

pub fn lerp<B: Backend>() {
    for shape in SHAPES {
        let (a, b) = (random::<B>(5, shape, -1.0..1.0), random::<B>(6, shape, -1.0..1.0));
        for weight in [0.0, 0.001, 0.25, 1.0] {
            let expected: Vec<f64> = a.values.iter().zip(&b.values).map(|(a, b)| a + weight * (b - a)).collect();
            let size = vec![2.0; expected.len()];
            assert_close::<B>("lerp", &a.tensor::<B>().lerp(&b.tensor::<B>(), weight), shape, &expected, &size, 2.0);
        }
    }
}

pub fn adam<B: Backend>() {
    let plain = AdamStep {
        rate: 0.03,
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        first_correction: 2.5,
        second_correction: Some(40.0),
        gradient_scale: 0.3,
    };
    for step in [plain, AdamStep { second_correction: None, ..plain }, AdamStep { gradient_scale: 1.0, epsilon: 0.5, ..plain }] {
        for shape in SHAPES {
            let [x, m, g] = [7, 8, 9].map(|seed| random::<B>(seed, shape, -1.0..1.0));
            let v = random::<B>(10, shape, 0.01..1.0);
            let n = x.values.len();
            let (mut x1, mut m1, mut v1) = (vec![], vec![], vec![]);
            for i in 0..n {
                let g = g.values[i] * step.gradient_scale;
                let m = step.betas[0] * m.values[i] + (1.0 - step.betas[0]) * g;
                let v = step.betas[1] * v.values[i] + (1.0 - step.betas[1]) * g * g;
                let below = step.second_correction.map_or(1.0, |c| (c * v).sqrt() + step.epsilon);
                x1.push(x.values[i] - step.rate * step.first_correction * m / below);
                m1.push(m);
                v1.push(v);
            }
            let mut parameter = x.tensor::<B>();
            let held = parameter.clone();
            let mut moments = [m.tensor::<B>(), v.tensor::<B>()];
            parameter.adam(&mut moments, &g.tensor::<B>(), step);
            let size = vec![1.0; n];
            assert_close::<B>("adam, parameter", &parameter, shape, &x1, &size, 4.0);
            assert_close::<B>("adam, first moment", &moments[0], shape, &m1, &size, 4.0);
            assert_close::<B>("adam, second moment", &moments[1], shape, &v1, &size, 4.0);
            assert_close::<B>("adam leaves other holders alone", &held, shape, &x.values, &size, 0.0);
        }
    }
    // no gradient ever: no denominator, no step
    let mut still = Array { shape: vec![2], values: vec![1.0, -2.0] }.tensor::<B>();
    let zero = still.constant(0.0);
    still.adam(&mut [zero.clone(), zero.clone()], &zero, plain);
    crate::backend::assert_same("adam at rest", &still, &[2], &[1.0, -2.0]);
}
