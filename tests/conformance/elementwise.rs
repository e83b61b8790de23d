//! Elementwise arithmetic against the host's.

use crate::backend::{Array, Backend, SHAPES, assert_close, assert_same, host, random};
use flowmap::{Mask, Number, Tensor, Value};

pub fn functions<B: Backend>() {
    type Function<T> = (&'static str, fn(&T) -> T, fn(f64) -> f64, std::ops::Range<f64>);
    let table: [Function<B::T>; 28] = [
        ("neg", |x| -x.clone(), |x| -x, -2.0..2.0),
        ("scale", |x| x.scale(-0.75), |x| -0.75 * x, -2.0..2.0),
        ("shift", |x| x.shift(0.5), |x| x + 0.5, 0.0..2.0),
        ("recip", Number::recip, |x| 1.0 / x, 0.5..3.0),
        ("powi 0", |x| x.powi(0), |_| 1.0, -2.0..2.0),
        ("powi 1", |x| x.powi(1), |x| x, -2.0..2.0),
        ("powi 3", |x| x.powi(3), |x| x * x * x, -2.0..2.0),
        ("powi -2", |x| x.powi(-2), |x| 1.0 / (x * x), 0.5..2.0),
        ("exp", Number::exp, f64::exp, -20.0..20.0),
        ("exp_m1", Number::exp_m1, f64::exp_m1, -20.0..20.0),
        ("exp_m1 near 0", Number::exp_m1, f64::exp_m1, -1e-5..1e-5),
        ("ln", Number::ln, f64::ln, 0.01..0.5),
        ("sqrt", Number::sqrt, f64::sqrt, 0.0..9.0),
        ("sin", Number::sin, f64::sin, -3.0..3.0),
        ("cos", Number::cos, f64::cos, -1.5..1.5),
        ("tanh", Number::tanh, f64::tanh, -3.0..3.0),
        ("tanh near 0", Number::tanh, f64::tanh, -1e-5..1e-5),
        ("abs", Number::abs, f64::abs, -2.0..2.0),
        ("atan", Number::atan, f64::atan, -9.0..9.0),
        ("erf", Number::erf, |x| flowmap::Number::erf(&x), -3.0..3.0),
        ("floor", Number::floor, f64::floor, -3.0..3.0),
        ("powf", |x| x.powf(1.7), |x| x.powf(1.7), 0.1..3.0),
        ("ln_1p", Number::ln_1p, f64::ln_1p, -0.5..3.0),
        ("ln_1p near 0", Number::ln_1p, f64::ln_1p, -1e-5..1e-5),
        ("sinh", Number::sinh, f64::sinh, -3.0..3.0),
        ("sinh near 0", Number::sinh, f64::sinh, -1e-5..1e-5),
        ("cosh", Number::cosh, f64::cosh, -3.0..3.0),
        ("tan", Number::tan, f64::tan, -1.3..1.3),
    ];
    for (seed, (name, f, reference, domain)) in table.into_iter().enumerate() {
        for shape in SHAPES {
            let x = random::<B>(seed as u64, shape, domain.clone());
            let expected = x.map(reference);
            let size: Vec<f64> = expected.iter().map(|y| y.abs()).collect();
            assert_close::<B>(name, &f(&x.tensor::<B>()), shape, &expected, &size, 6.0);
        }
    }
    let edges = Array { shape: vec![3], values: vec![f64::NEG_INFINITY, f64::INFINITY, f64::NAN] }.tensor::<B>();
    assert_eq!(host(&edges.exp())[..2], [0.0, f64::INFINITY]);
    assert_eq!(host(&edges.exp_m1())[..2], [-1.0, f64::INFINITY]);
    assert_eq!(host(&edges.tanh())[..2], [-1.0, 1.0]);
    for y in [edges.exp(), edges.exp_m1(), edges.tanh(), edges.sin(), edges.abs()] {
        assert!(host(&y)[2].is_nan());
    }
}

type Operator<T> = (&'static str, fn(T, &T) -> T, fn(T, T) -> T, fn(f64, f64) -> f64);

fn operator_table<T: Number>() -> [Operator<T>; 4] {
    [
        ("add", |a, b| a + b, |a, b| a + b, |a, b| a + b),
        ("sub", |a, b| a - b, |a, b| a - b, |a, b| a - b),
        ("mul", |a, b| a * b, |a, b| a * b, |a, b| a * b),
        ("div", |a, b| a / b, |a, b| a / b, |a, b| a / b),
    ]
}

pub fn operators<B: Backend>() {
    for (name, by_reference, by_value, reference) in operator_table::<B::T>() {
        for shape in SHAPES {
            let (a, b) = (random::<B>(1, shape, -2.0..2.0), random::<B>(2, shape, 0.5..2.0));
            let expected: Vec<f64> = a.values.iter().zip(&b.values).map(|(&a, &b)| reference(a, b)).collect();
            let size: Vec<f64> = expected.iter().map(|y| y.abs()).collect();
            let (x, y) = (a.tensor::<B>(), b.tensor::<B>());
            assert_close::<B>(name, &by_reference(x.clone(), &y), shape, &expected, &size, 1.0);
            assert_close::<B>(name, &by_value(x, y), shape, &expected, &size, 1.0);
        }
        // one operand twice
        let a = random::<B>(3, &[4], 0.5..2.0);
        let x = a.tensor::<B>();
        let expected = a.map(|a| reference(a, a));
        let size = vec![1.0; 4];
        assert_close::<B>(name, &by_reference(x.clone(), &x), &[4], &expected, &size, 4.0);
        assert_close::<B>(name, &by_value(x.clone(), x), &[4], &expected, &size, 4.0);
    }
}

pub fn scalars_meet_tensors<B: Backend>() {
    for (name, by_reference, by_value, reference) in operator_table::<B::T>() {
        for shape in SHAPES {
            let (a, b) = (random::<B>(4, shape, 0.5..2.0), random::<B>(5, &[], 0.5..2.0));
            let (x, y, c) = (a.tensor::<B>(), b.tensor::<B>(), b.values[0]);
            let (right, left) = (a.map(|a| reference(a, c)), a.map(|a| reference(c, a)));
            let sizes = |expected: &[f64]| expected.iter().map(|y| y.abs()).collect::<Vec<_>>();
            assert_close::<B>(name, &by_reference(x.clone(), &y), shape, &right, &sizes(&right), 1.0);
            assert_close::<B>(name, &by_reference(y.clone(), &x), shape, &left, &sizes(&left), 1.0);
            assert_close::<B>(name, &by_value(x.clone(), y.clone()), shape, &right, &sizes(&right), 1.0);
            assert_close::<B>(name, &by_value(y, x), shape, &left, &sizes(&left), 1.0);
        }
    }
}

pub fn angles<B: Backend>() {
    for shape in SHAPES {
        let (a, b) = (random::<B>(8, shape, -2.0..2.0), random::<B>(9, shape, -2.0..2.0));
        let expected: Vec<f64> = a.values.iter().zip(&b.values).map(|(y, x)| y.atan2(x)).collect();
        assert_close::<B>("atan2", &a.tensor::<B>().atan2(&b.tensor::<B>()), shape, &expected, &vec![3.0; expected.len()], 6.0);
    }
    let at = |values: [f64; 4]| Array { shape: vec![4], values: values.to_vec() }.tensor::<B>();
    let found = at([0.0, 0.0, 1.0, -1.0]).atan2(&at([1.0, -1.0, 0.0, 0.0]));
    let quarter = std::f64::consts::FRAC_PI_2;
    assert_close::<B>("atan2 on the axes", &found, &[4], &[0.0, 2.0 * quarter, quarter, -quarter], &[1.0; 4], 6.0);
}

pub fn comparisons<B: Backend>() {
    for shape in SHAPES {
        let (a, b) = (random::<B>(6, shape, -1.0..1.0), random::<B>(7, shape, -1.0..1.0));
        let (x, y) = (a.tensor::<B>(), b.tensor::<B>());
        let pick = |f: fn(f64, f64) -> f64| a.values.iter().zip(&b.values).map(|(&a, &b)| f(a, b)).collect::<Vec<_>>();
        assert_same("max", &x.max(&y), shape, &pick(f64::max));
        assert_same("min", &x.min(&y), shape, &pick(f64::min));
        let below = x.less(&y);
        let (one, zero) = (x.constant(1.0), x.constant(0.0));
        let truth = |mask: &<B::T as Number>::Mask| B::T::select(mask, &one, &zero);
        let bits = pick(|a, b| f64::from(u8::from(a < b)));
        assert_same("less", &truth(&below), shape, &bits);
        assert_same("not", &truth(&below.not()), shape, &bits.iter().map(|b| 1.0 - b).collect::<Vec<_>>());
        let positive = x.constant(0.0).less(&x);
        let both = pick(|a, b| f64::from(u8::from(a < b && 0.0 < a)));
        assert_same("and", &truth(&below.and(&positive)), shape, &both);
        let either = pick(|a, b| f64::from(u8::from(a < b || 0.0 < a)));
        assert_same("or", &truth(&below.or(&positive)), shape, &either);
        assert_eq!(below.any(), bits.contains(&1.0), "any, shape {shape:?}");
        assert!(!x.less(&x).any(), "nothing is less than itself");
        // a scalar on either side
        let c = x.constant(0.25).values().first().map_or(0.25, |&c| c);
        let scalar = Array { shape: vec![], values: vec![c] }.tensor::<B>();
        let truth_of = |f: &dyn Fn(f64) -> bool| a.map(|a| f64::from(u8::from(f(a))));
        assert_same("tensor < scalar", &truth(&x.less(&scalar)), shape, &truth_of(&|a| a < c));
        assert_same("scalar < tensor", &truth(&scalar.less(&x)), shape, &truth_of(&|a| c < a));
    }
    // NaN compares as false; on the side not chosen it leaves no trace
    let x = Array { shape: vec![3], values: vec![f64::NAN, 1.0, -1.0] }.tensor::<B>();
    let zero = x.constant(0.0);
    assert_same("chosen", &B::T::select(&zero.less(&x), &x, &zero), &[3], &[0.0, 1.0, 0.0]);
    assert_same("not chosen", &B::T::select(&zero.less(&x), &zero, &x.constant(f64::NAN)).slice(0, 1..2), &[1], &[0.0]);
    assert_same("max", &x.max(&zero).slice(0, 1..3), &[2], &[1.0, 0.0]);
}

pub fn masks_take_scalars<B: Backend>() {
    let tensor = |shape: &[usize], values: &[f64]| Array { shape: shape.to_vec(), values: values.to_vec() }.tensor::<B>();
    let (x, y, c) = (tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), tensor(&[2, 2], &[5.0, 6.0, 7.0, 8.0]), tensor(&[], &[-1.0]));
    let (limit, zero) = (tensor(&[], &[2.5]), tensor(&[], &[0.0]));
    let (small, yes, no) = (x.less(&limit), c.less(&zero), zero.less(&c));
    assert_same("scalar a", &B::T::select(&small, &c, &y), &[2, 2], &[-1.0, -1.0, 7.0, 8.0]);
    assert_same("scalar b", &B::T::select(&small, &x, &c), &[2, 2], &[1.0, 2.0, -1.0, -1.0]);
    assert_same("scalars a and b", &B::T::select(&small, &c, &zero), &[2, 2], &[-1.0, -1.0, 0.0, 0.0]);
    assert_same("scalar mask", &B::T::select(&yes, &x, &y), &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    assert_same("scalar mask and a", &B::T::select(&no, &c, &y), &[2, 2], &[5.0, 6.0, 7.0, 8.0]);
    assert_same("scalar mask and b, which is chosen", &B::T::select(&no, &x, &c), &[2, 2], &[-1.0; 4]);
    assert_same("all scalars", &B::T::select(&yes, &c, &zero), &[], &[-1.0]);
    let truth = |m: &<B::T as Number>::Mask| B::T::select(m, &x.constant(1.0), &x.constant(0.0));
    assert_same("tensor and scalar", &truth(&small.and(&yes)), &[2, 2], &[1.0, 1.0, 0.0, 0.0]);
    assert_same("scalar and tensor", &truth(&no.and(&small)), &[2, 2], &[0.0; 4]);
}

pub fn constants<B: Backend>() {
    for shape in SHAPES {
        let x = random::<B>(8, shape, -1.0..1.0).tensor::<B>();
        for c in [0.0, 1.0, -2.5, f64::INFINITY] {
            assert_same("constant", &x.constant(c), shape, &vec![c; x.to_vec().len()]);
        }
        assert_eq!(x.frozen().values(), x.values());
    }
}

/// Operators reuse memory; never that of a tensor which others still hold.
pub fn operands_that_others_hold_keep_their_values<B: Backend>() {
    let a = random::<B>(9, &[257, 129], -1.0..1.0);
    let x = a.tensor::<B>();
    let reshaped = x.reshape(&[129, 257]);
    let _ = x.clone() + &x;
    let _ = -x.clone();
    let _ = x.exp();
    let _ = x.clone().lerp(&x.constant(1.0), 0.5);
    let _ = reshaped.clone() * reshaped;
    assert_same("held", &x, &[257, 129], &a.values);
}
