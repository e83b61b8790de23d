//! Normalization and softmax against their formulas.

use crate::backend::{Array, Backend, assert_close, assert_same, host, random};
use flowmap::{Normalization, Tensor};

/// Shapes, and ways to normalize them.
const NORMALIZED: [(&[usize], Normalization); 13] = [
    (&[2, 3, 4, 6], Normalization::groups(3)),
    (&[2, 3, 4, 6], Normalization::groups(1)),
    (&[2, 3, 4, 6], Normalization::groups(6)),
    (&[2, 3, 4, 6], Normalization::pixels()),
    (&[5, 4], Normalization::groups(2)),
    (&[7], Normalization::pixels()),
    (&[0, 2, 2, 4], Normalization::groups(2)),
    (&[40, 9, 9, 16], Normalization::groups(4)),
    (&[2, 3, 6], Normalization::layer()),
    (&[7], Normalization::layer()),
    (&[0, 4], Normalization::layer()),
    (&[70, 65], Normalization::layer()),
    (&[2, 3, 6], Normalization::root_mean_square()),
];

/// The number of groups of channels, whether all pixels are in one, whether their mean is subtracted, and `ε`.
fn parts(how: Normalization) -> (usize, bool, bool, f64) {
    match how {
        _ if how == Normalization::pixels() => (1, false, false, 1e-4),
        _ if how == Normalization::layer() => (1, false, true, 1e-5),
        _ if how == Normalization::root_mean_square() => (1, false, false, 1e-6),
        _ => ((1..).find(|&g| how == Normalization::groups(g)).unwrap(), true, true, 1e-5),
    }
}

/// For each element, the place of its group.
fn places(shape: &[usize], (groups, joins_pixels, ..): (usize, bool, bool, f64)) -> Vec<usize> {
    let channels = *shape.last().unwrap();
    let rest = if joins_pixels && shape.len() > 1 { shape[1..shape.len() - 1].iter().product() } else { 1 };
    let place = |i: usize| i / channels / rest * groups + i % channels / (channels / groups);
    (0..shape.iter().product()).map(place).collect()
}

pub fn normalization<B: Backend>() {
    for (shape, how) in NORMALIZED {
        let [x, a, b] = [1, 2, 3].map(|seed| random::<B>(seed, shape, -1.0..2.0));
        let (_, _, centred, epsilon) = parts(how);
        let place = places(shape, parts(how));
        let count = place.iter().max().map_or(0, |last| last + 1);
        let mean = |values: &[f64]| {
            let (mut sums, mut sizes) = (vec![0.0; count], vec![0.0; count]);
            for (at, x) in place.iter().zip(values) {
                sums[*at] += x;
                sizes[*at] += 1.0;
            }
            place.iter().map(|&at| sums[at] / sizes[at]).collect::<Vec<f64>>()
        };
        let combine =
            |a: &[f64], b: &[f64], f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect::<Vec<f64>>();
        let product = |a: &[f64], b: &[f64]| combine(a, b, |a, b| a * b);
        let centre = |a: &[f64]| if centred { combine(a, &mean(a), |a, m| a - m) } else { a.to_vec() };
        let deviation = centre(&x.values);
        let scale: Vec<f64> = mean(&product(&deviation, &deviation)).iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
        let y = product(&deviation, &scale);
        let jacobian = |d: &[f64]| {
            let along = product(&mean(&product(&y, d)), &y);
            product(&combine(&centre(d), &along, |d, a| d - a), &scale)
        };
        // the gradient of aᵀ J(x) b
        let [ja, jb] = [&a, &b].map(|d| jacobian(&d.values));
        let [ya, yb, ajb] = [product(&y, &a.values), product(&y, &b.values), product(&a.values, &jb)].map(|p| mean(&p));
        let bent = [product(&ya, &jb), product(&yb, &ja), product(&ajb, &y)];
        let bent: Vec<f64> = (0..y.len()).map(|i| -(bent[0][i] + bent[1][i] + bent[2][i]) * scale[i]).collect();

        let what = format!("{how:?} of {shape:?}");
        let largest = scale.iter().fold(1.0_f64, |m, s| m.max(*s));
        let check = |name: &str, found: &B::T, expected: &[f64], size: f64| {
            assert_close::<B>(&format!("{name}, {what}"), found, shape, expected, &vec![size; expected.len()], 30.0);
        };
        let [x, a, b] = [x, a, b].map(|x| x.tensor::<B>());
        check("normalize", &x.normalize(how), &y, 4.0 * largest);
        check("normalize_tangent", &x.normalize_tangent(&a, how), &ja, 8.0 * largest.powi(2));
        check("normalize_curvature", &x.normalize_curvature(&a, &b, how), &bent, 16.0 * largest.powi(3));
    }
}

pub fn softmax<B: Backend>() {
    for shape in [&[5][..], &[3, 4], &[2, 3, 1], &[0, 3], &[2, 2, 65]] {
        let x = random::<B>(1, shape, -3.0..3.0);
        let length = shape[shape.len() - 1];
        let rows = x.values.chunks(length).flat_map(|row| {
            let total: f64 = row.iter().map(|x| x.exp()).sum();
            row.iter().map(move |x| x.exp() / total)
        });
        let expected: Vec<f64> = rows.collect();
        assert_close::<B>("softmax", &x.tensor::<B>().softmax(), shape, &expected, &vec![1.0; expected.len()], 8.0);
    }
    // large numbers neither overflow nor hide a NaN
    let wide = Array { shape: vec![3, 2], values: vec![1e4, -1e4, -1e4, -1e4, f64::NAN, 1.0] }.tensor::<B>().softmax();
    let found = host(&wide);
    assert_eq!(found[..4], [1.0, 0.0, 0.5, 0.5]);
    assert!(found[4].is_nan() && found[5].is_nan());
}

pub fn row_maximum<B: Backend>() {
    for shape in [&[5][..], &[3, 4], &[2, 3, 1], &[0, 3], &[2, 2, 65], &[3, 9000]] {
        let x = random::<B>(1, shape, -3.0..3.0);
        let (&length, rest) = shape.split_last().unwrap();
        let expected: Vec<f64> = x.values.chunks(length).map(|row| row.iter().copied().fold(f64::MIN, f64::max)).collect();
        assert_same("row_maximum", &x.tensor::<B>().row_maximum(), rest, &expected);
    }
    let low = f64::NEG_INFINITY;
    let wild = Array { shape: vec![4, 2], values: vec![low, low, 1.0, f64::INFINITY, f64::NAN, 1.0, 1.0, f64::NAN] };
    let found = host(&wild.tensor::<B>().row_maximum());
    assert!(found[..2] == [low, f64::INFINITY] && found[2].is_nan() && found[3].is_nan(), "{found:?}");
}

pub fn epsilons_are_positive<B: Backend>() {
    // of values that are all the same, the root is that of epsilon
    let how = Normalization::root_mean_square().with_epsilon(3.0).unwrap();
    let x = Array { shape: vec![1, 2], values: vec![1.0, 1.0] }.tensor::<B>();
    assert_close::<B>("epsilon", &x.normalize(how), &[1, 2], &[0.5, 0.5], &[1.0, 1.0], 2.0);
    for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let message = Normalization::layer().with_epsilon(epsilon).unwrap_err().to_string();
        assert!(message.contains("normalization") && message.contains("positive"), "{message}");
    }
}
