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

/// A matrix, or each of a batch, turned.
fn transposed(a: &Array) -> Array {
    let [batch @ .., rows, columns] = &a.shape[..] else { unreachable!("matrices have two axes") };
    let turned = |matrix: &[f64]| -> Vec<f64> {
        (0..*columns).flat_map(|j| (0..*rows).map(move |i| (i, j))).map(|(i, j)| matrix[i * columns + j]).collect()
    };
    let values = a.values.chunks((rows * columns).max(1)).flat_map(turned).collect();
    Array { shape: [batch, &[*columns, *rows]].concat(), values }
}

const ORDERS: [(Transpose, Transpose); 4] = [
    (Transpose::No, Transpose::No),
    (Transpose::No, Transpose::Yes),
    (Transpose::Yes, Transpose::No),
    (Transpose::Yes, Transpose::Yes),
];

fn in_order<B: Backend>(x: &Array, order: Transpose) -> B::T {
    if order == Transpose::No { x.tensor::<B>() } else { transposed(x).tensor::<B>() }
}

pub fn product<B: Backend>() {
    for (m, k, n) in SIZES {
        let (a, b) = (random::<B>(1, &[m, k], -1.0..1.0), random::<B>(2, &[k, n], -1.0..1.0));
        let c = random::<B>(3, &[m, n], -1.0..1.0);
        let epsilons = 2.0 + (k as f64).sqrt();
        for (a_transpose, b_transpose) in ORDERS {
            let (x, y) = (in_order::<B>(&a, a_transpose), in_order::<B>(&b, b_transpose));
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

pub fn batch_products<B: Backend>() {
    for (count, m, k, n) in
        [(3, 2, 5, 4), (1, 1, 1, 1), (0, 2, 3, 4), (2, 0, 3, 4), (2, 3, 0, 4), (4, 17, 33, 1), (2, 64, 32, 64)]
    {
        let (a, b) = (random::<B>(1, &[count, m, k], -1.0..1.0), random::<B>(2, &[count, k, n], -1.0..1.0));
        let matrix = |x: &Array, i: usize| {
            let size = x.shape[1] * x.shape[2];
            Array { shape: x.shape[1..].to_vec(), values: x.values[i * size..(i + 1) * size].to_vec() }
        };
        let each = (0..count).map(|i| reference(&matrix(&a, i), &matrix(&b, i), &vec![0.0; m * n], (m, k, n)));
        let (expected, size): (Vec<_>, Vec<_>) = each.unzip();
        let (expected, size) = (expected.concat(), size.concat());
        for (a_transpose, b_transpose) in ORDERS {
            let (x, y) = (in_order::<B>(&a, a_transpose), in_order::<B>(&b, b_transpose));
            let found = B::T::batch_matmul(&x, a_transpose, &y, b_transpose);
            let what = format!("products {count} x {m} x {k} x {n}, {a_transpose:?}, {b_transpose:?}");
            assert_close::<B>(&what, &found, &[count, m, n], &expected, &size, 2.0 + (k as f64).sqrt());
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
