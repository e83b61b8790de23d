//! Matrix products and linear layers against triple loops.

use crate::backend::{Array, Backend, assert_close, random};
use flowmap::{Tensor, Transpose};

const SIZES: [(usize, usize, usize); 13] = [
    (1, 1, 1),
    (2, 3, 4),
    (1, 5, 3),
    (3, 5, 1),
    (1, 40, 1),
    (0, 3, 2),
    (2, 0, 3),
    (2, 3, 0),
    (1, 600, 1),
    (7, 1100, 9),
    (64, 2, 64),
    (300, 4, 70),
    (130, 70, 150),
];

/// `a b + c` and, in each element, the sum of the absolute values of what is added.
fn reference(a: &Array, b: &Array, c: &[f64], (m, k, n): (usize, usize, usize)) -> (Vec<f64>, Vec<f64>) {
    let (mut value, mut size) = (c.to_vec(), c.iter().map(|c| c.abs()).collect::<Vec<_>>());
    for i in 0..m {
        for j in 0..n {
            for l in 0..k {
                let term = a.values[i * k + l] * b.values[l * n + j];
                value[i * n + j] += term;
                size[i * n + j] += term.abs();
            }
        }
    }
    (value, size)
}

fn transposed(a: &Array) -> Array {
    let (rows, columns) = (a.shape[0], a.shape[1]);
    let values = (0..columns).flat_map(|j| (0..rows).map(move |i| a.values[i * columns + j]));
    Array { shape: vec![columns, rows], values: values.collect() }
}

pub fn product<B: Backend>() {
    for (m, k, n) in SIZES {
        let (a, b) = (random::<B>(1, &[m, k], -1.0..1.0), random::<B>(2, &[k, n], -1.0..1.0));
        let c = random::<B>(3, &[m, n], -1.0..1.0);
        let in_order = |x: &Array, order| if order == Transpose::No { x.tensor::<B>() } else { transposed(x).tensor::<B>() };
        let epsilons = 2.0 + (k as f64).sqrt();
        for (a_transpose, b_transpose) in
            [Transpose::No, Transpose::Yes].map(|o| [(o, Transpose::No), (o, Transpose::Yes)]).concat()
        {
            let (x, y) = (in_order(&a, a_transpose), in_order(&b, b_transpose));
            let what = format!("product {m} x {k} x {n}, {a_transpose:?}, {b_transpose:?}");
            let (expected, size) = reference(&a, &b, &vec![0.0; m * n], (m, k, n));
            let found = B::T::matmul(&x, a_transpose, &y, b_transpose, None);
            assert_close::<B>(&what, &found, &[m, n], &expected, &size, epsilons);
            let (expected, size) = reference(&a, &b, &c.values, (m, k, n));
            let held = c.tensor::<B>();
            let found = B::T::matmul(&x, a_transpose, &y, b_transpose, Some(held.clone()));
            assert_close::<B>(&format!("{what}, onto"), &found, &[m, n], &expected, &size, epsilons);
            assert_close::<B>("onto is not changed for others", &held, &[m, n], &c.values, &vec![0.0; m * n], 0.0);
        }
    }
}

pub fn linear<B: Backend>() {
    let inputs: [&[usize]; 8] = [&[5], &[1, 5], &[7, 5], &[0, 5], &[3, 4, 5], &[3, 0, 5], &[1, 1, 600], &[300, 90]];
    for shape in inputs {
        for outputs in [1, 4, 70, 0] {
            let (rows, k) = (shape[..shape.len() - 1].iter().product::<usize>(), shape[shape.len() - 1]);
            let x = random::<B>(4, shape, -1.0..1.0);
            let (w, b) = (random::<B>(5, &[k, outputs], -1.0..1.0), random::<B>(6, &[outputs], -1.0..1.0));
            let to = [&shape[..shape.len() - 1], &[outputs]].concat();
            let epsilons = 2.0 + (k as f64).sqrt();
            for bias in [false, true] {
                let start = if bias { b.values.repeat(rows) } else { vec![0.0; rows * outputs] };
                let (expected, size) = reference(&x, &w, &start, (rows, k, outputs));
                let bias = bias.then(|| b.tensor::<B>());
                let found = x.tensor::<B>().linear(&w.tensor::<B>(), bias.as_ref());
                assert_close::<B>("linear", &found, &to, &expected, &size, epsilons);
            }
        }
    }
}
