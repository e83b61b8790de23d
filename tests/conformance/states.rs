//! Tensors as states: batches of points, each with its own time.

use crate::backend::{Array, Backend, assert_close, assert_same, random};
use flowmap::{Coordinates, Number, State};

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
