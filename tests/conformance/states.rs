//! Tensors as states: batches of points, each with its own time.

use crate::backend::{Array, Backend, assert_close, assert_same, random};
use flowmap::{Coordinates, Norm, Number, State, Tolerance, Value};

const BATCHES: [&[usize]; 8] = [&[], &[4], &[0], &[3, 2], &[0, 2], &[3, 0], &[2, 3, 4], &[9000, 2]];

pub fn vector_space<B: Backend>() {
    for shape in BATCHES {
        let (a, b) = (random::<B>(1, shape, -1.0..1.0), random::<B>(2, shape, -1.0..1.0));
        let (x, y) = (a.tensor::<B>(), b.tensor::<B>());
        let size = vec![2.0; a.values.len()];
        let pairs = || a.values.iter().zip(&b.values);
        assert_close::<B>("plus", &x.plus(&y), shape, &pairs().map(|(a, b)| a + b).collect::<Vec<_>>(), &size, 1.0);
        assert_close::<B>("minus", &x.minus(&y), shape, &pairs().map(|(a, b)| a - b).collect::<Vec<_>>(), &size, 1.0);
        assert_same("negated", &x.negated(), shape, &a.map(|a| -a));
    }
}

pub fn scaled<B: Backend>() {
    for shape in BATCHES {
        let x = random::<B>(3, shape, -1.0..1.0);
        let size = vec![2.0; x.values.len()];
        let one = random::<B>(4, &[], 0.5..2.0);
        let expected = x.map(|x| x * one.values[0]);
        assert_close::<B>("one time", &x.tensor::<B>().scaled(&one.tensor::<B>()), shape, &expected, &size, 1.0);
        let Some(&batch) = shape.first() else { continue };
        let times = random::<B>(5, &[batch], 0.5..2.0);
        let inner: usize = shape[1..].iter().product();
        let expected: Vec<f64> = x.values.iter().enumerate().map(|(i, x)| x * times.values[i / inner]).collect();
        assert_close::<B>("a time each", &x.tensor::<B>().scaled(&times.tensor::<B>()), shape, &expected, &size, 1.0);
    }
}

pub fn norm<B: Backend>() {
    for shape in BATCHES {
        let x = random::<B>(6, shape, -1.0..1.0);
        let rows = &shape[..shape.len().min(1)];
        let (count, inner) = (rows.iter().product::<usize>(), shape.iter().skip(1).product::<usize>());
        let row = |i: usize| x.values[i * inner..(i + 1) * inner].iter().map(|x| x * x).sum::<f64>().sqrt();
        let expected: Vec<f64> = (0..count).map(row).collect();
        let size = vec![2.0; count];
        assert_close::<B>("norm", &x.tensor::<B>().norm(), rows, &expected, &size, 4.0);
    }
}

pub fn choose<B: Backend>() {
    for shape in BATCHES {
        let (a, b) = (random::<B>(9, shape, -1.0..1.0), random::<B>(10, shape, -1.0..1.0));
        let (rows, inner) = (&shape[..shape.len().min(1)], shape.iter().skip(1).product::<usize>());
        let times = random::<B>(11, rows, -1.0..1.0);
        let (x, y, t) = (a.tensor::<B>(), b.tensor::<B>(), times.tensor::<B>());
        let mask = t.less(&t.constant(0.0));
        let pick = |i: usize| if times.values[i / inner.max(1)] < 0.0 { a.values[i] } else { b.values[i] };
        assert_same("choose", &State::choose(&mask, &x, &y), shape, &(0..a.values.len()).map(pick).collect::<Vec<_>>());
        let nothing = y.constant(f64::NAN);
        let kept = State::choose(&t.constant(0.0).less(&t.constant(1.0)), &x, &nothing);
        assert_same("a NaN not chosen", &kept, shape, &a.values);
    }
}

pub fn error_norm<B: Backend>() {
    for shape in BATCHES.into_iter().filter(|shape| shape != &[3, 0]) {
        let [e, a, b] = [12, 13, 14].map(|seed| random::<B>(seed, shape, -1.0..1.0));
        let (rows, inner) = (&shape[..shape.len().min(1)], shape.iter().skip(1).product::<usize>());
        let count = rows.iter().product::<usize>();
        let absolute: Vec<f64> = (0..inner).map(|i| 0.1 * (1 + i) as f64).collect();
        let quotient = |i: usize| e.values[i] / (absolute[i % inner] + 0.5 * a.values[i].abs().max(b.values[i].abs()));
        let row = |r: usize| (r * inner..(r + 1) * inner).map(quotient);
        let mean: Vec<f64> = (0..count).map(|r| (row(r).map(|q| q * q).sum::<f64>() / inner as f64).sqrt()).collect();
        let largest: Vec<f64> = (0..count).map(|r| row(r).fold(0.0, |m, q| m.max(&q.abs()))).collect();
        let tolerance = Tolerance::each(0.5, &absolute).unwrap();
        let [e, a, b] = [&e, &a, &b].map(|x| x.tensor::<B>());
        assert_close::<B>("mean", &e.error_norm(&a, &b, &tolerance), rows, &mean, &mean, 8.0);
        let tolerance = tolerance.in_norm(Norm::Maximum);
        assert_close::<B>("largest", &e.error_norm(&a, &b, &tolerance), rows, &largest, &largest, 8.0);
    }
    // a NaN in any coordinate shows in the norm of its sample, and in no other
    for norm in [Norm::RootMeanSquare, Norm::Maximum] {
        for bad in 0..3 {
            let mut values = vec![1.0; 6];
            values[bad] = f64::NAN;
            let e = Array { shape: vec![2, 3], values }.tensor::<B>();
            let sizes = e.error_norm(&e.constant(1.0), &e.constant(1.0), &Tolerance::default().in_norm(norm)).values();
            assert!(sizes[0].is_nan() && sizes[1].is_finite(), "{sizes:?}");
        }
    }
}

pub fn coordinates<B: Backend>() {
    for batch in [0, 1, 5] {
        let a = random::<B>(7, &[batch, 3], -1.0..1.0);
        let x = a.tensor::<B>();
        let parts: [B::T; 3] = x.split();
        for (j, part) in parts.iter().enumerate() {
            let column: Vec<f64> = (0..batch).map(|i| a.values[3 * i + j]).collect();
            assert_same("split", part, &[batch], &column);
        }
        assert_same("join", &B::T::join(parts), &[batch, 3], &a.values);
    }
    let c = Array { shape: vec![], values: vec![7.0] }.tensor::<B>();
    let x = Array { shape: vec![2], values: vec![1.0, 2.0] }.tensor::<B>();
    assert_same("join with a scalar", &B::T::join([c.clone(), x]), &[2, 2], &[7.0, 1.0, 7.0, 2.0]);
    assert_same("join of scalars", &B::T::join([c.clone(), c.scale(2.0)]), &[1, 2], &[7.0, 14.0]);
}

pub fn in_form_of<B: Backend>() {
    let c = Array { shape: vec![], values: vec![3.0] }.tensor::<B>();
    for shape in BATCHES {
        let a = random::<B>(8, shape, -1.0..1.0);
        let x = a.tensor::<B>();
        assert_same("a scalar", &c.clone().in_form_of(&x), shape, &vec![3.0; a.values.len()]);
        assert_same("a tensor", &x.clone().in_form_of(&x.constant(0.0)), shape, &a.values);
        assert_same("a tensor in the form of a scalar", &x.clone().in_form_of(&c), shape, &a.values);
    }
}
