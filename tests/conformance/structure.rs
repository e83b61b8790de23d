//! Reshaping, slicing, joining, summing, spreading and permuting against index loops.

use crate::backend::{Array, Backend, SHAPES, assert_close, assert_same, indices, offset, random, reals, size};
use flowmap::{Number, Tensor};

pub fn values_come_back<B: Backend>() {
    for shape in SHAPES {
        let a = random::<B>(1, shape, -1.0..1.0);
        assert_same("from_slice", &a.tensor::<B>(), shape, &a.values);
        assert_same("from_primal", &B::T::from_primal(&a.tensor::<B>()), shape, &a.values);
        assert_eq!(flowmap::Value::values(&a.tensor::<B>()), a.values);
    }
}

/// Arrays that are not row-major when they arrive are read in the right order, by every kind of operation.
pub fn views_in_other_layouts<B: Backend>() {
    for (rows, columns) in [(3, 4), (1, 5), (5, 1), (129, 257), (0, 3)] {
        let a = random::<B>(2, &[rows, columns], -1.0..1.0);
        let transposed: Vec<f64> = indices(&[columns, rows]).iter().map(|i| a.values[offset(&a.shape, &[i[1], i[0]])]).collect();
        let x = B::from_transposed(reals::<B>(&a.values), rows, columns);
        check_view::<B>(&x, &[columns, rows], &transposed);
        let kept = columns.div_ceil(2);
        let sparse: Vec<f64> = indices(&[rows, kept]).iter().map(|i| a.values[offset(&a.shape, &[i[0], 2 * i[1]])]).collect();
        check_view::<B>(&B::from_every_second_column(reals::<B>(&a.values), rows, columns), &[rows, kept], &sparse);
    }
}

fn check_view<B: Backend>(x: &B::T, shape: &[usize], values: &[f64]) {
    assert_same("view", x, shape, values);
    assert_same("negated", &-x.clone(), shape, &values.iter().map(|v| -v).collect::<Vec<_>>());
    assert_same("doubled", &(x.clone() + x), shape, &values.iter().map(|v| v + v).collect::<Vec<_>>());
    assert_same("reshaped", &x.reshape(&[values.len()]), &[values.len()], values);
    assert_same("with an axis", &x.expand(2, &[1]), &[shape[0], shape[1], 1], values);
    let first: Vec<f64> = values.iter().copied().take(shape[1]).collect();
    if shape[0] > 0 {
        assert_same("row", &x.slice(0, 0..1), &[1, shape[1]], &first);
    }
    assert_same("joined", &B::T::concat(&[x.clone(), x.clone()], 0), &[2 * shape[0], shape[1]], &[values, values].concat());
}

pub fn reshape<B: Backend>() {
    let a = random::<B>(3, &[2, 3, 4], -1.0..1.0);
    for to in [&[24][..], &[4, 6], &[2, 1, 12], &[2, 3, 4], &[1, 1, 1, 24]] {
        assert_same("reshape", &a.tensor::<B>().reshape(to), to, &a.values);
    }
    let one = Array { shape: vec![], values: vec![7.0] }.tensor::<B>();
    assert_same("scalar to matrix", &one.reshape(&[1, 1]), &[1, 1], &[7.0]);
    assert_same("matrix to scalar", &one.reshape(&[1, 1]).reshape(&[]), &[], &[7.0]);
    let none = random::<B>(3, &[0, 3], -1.0..1.0).tensor::<B>();
    assert_same("nothing", &none.reshape(&[5, 0, 2]), &[5, 0, 2], &[]);
}

/// Shapes on which structure is tested along every axis.
const STRUCTURES: [&[usize]; 8] = [&[4], &[1], &[0], &[2, 3], &[3, 0], &[2, 3, 4], &[3, 1, 2, 2], &[130, 131]];

pub fn slice<B: Backend>() {
    for shape in STRUCTURES {
        let a = random::<B>(4, shape, -1.0..1.0);
        for (axis, &length) in shape.iter().enumerate() {
            for range in [0..length, 0..0, length..length, 0..length / 2, length / 2..length, length / 3..length.div_ceil(2)] {
                let mut part = shape.to_vec();
                part[axis] = range.len();
                let expected: Vec<f64> = indices(&part)
                    .into_iter()
                    .map(|mut i| {
                        i[axis] += range.start;
                        a.values[offset(shape, &i)]
                    })
                    .collect();
                assert_same(&format!("slice of axis {axis}, {range:?}"), &a.tensor::<B>().slice(axis, range), &part, &expected);
            }
        }
    }
}

pub fn concat<B: Backend>() {
    for shape in STRUCTURES {
        for axis in 0..shape.len() {
            let lengths = [shape[axis], 2, 0, 1];
            let parts: Vec<Array> = (5..)
                .zip(lengths)
                .map(|(seed, length)| {
                    let mut part = shape.to_vec();
                    part[axis] = length;
                    random::<B>(seed, &part, -1.0..1.0)
                })
                .collect();
            for count in 1..=parts.len() {
                let mut whole = shape.to_vec();
                whole[axis] = lengths[..count].iter().sum();
                let expected: Vec<f64> = indices(&whole)
                    .into_iter()
                    .map(|mut i| {
                        let mut part = 0;
                        while i[axis] >= lengths[part] {
                            i[axis] -= lengths[part];
                            part += 1;
                        }
                        parts[part].values[offset(&parts[part].shape, &i)]
                    })
                    .collect();
                let tensors: Vec<B::T> = parts[..count].iter().map(Array::tensor::<B>).collect();
                assert_same(&format!("concat of {count} on axis {axis}"), &B::T::concat(&tensors, axis), &whole, &expected);
            }
        }
    }
    // what is not finite stays where it is
    let wild = Array { shape: vec![2, 1], values: vec![f64::INFINITY, 1.0] }.tensor::<B>();
    let tame = wild.constant(2.0);
    assert_same("infinite", &B::T::concat(&[tame, wild], 1), &[2, 2], &[2.0, f64::INFINITY, 2.0, 1.0]);
}

pub fn sum<B: Backend>() {
    let large: [&[usize]; 6] = [&[], &[20_001], &[40, 1000], &[1000, 40], &[3, 70, 200], &[2, 20_001, 1]];
    for shape in STRUCTURES.into_iter().chain(large) {
        let a = random::<B>(9, shape, -1.0..1.0);
        for start in 0..=shape.len() {
            for end in start..=shape.len() {
                let rest = [&shape[..start], &shape[end..]].concat();
                let (mut expected, mut magnitude) = (vec![0.0; size(&rest)], vec![0.0; size(&rest)]);
                for i in indices(shape) {
                    let to = offset(&rest, &[&i[..start], &i[end..]].concat());
                    expected[to] += a.values[offset(shape, &i)];
                    magnitude[to] += a.values[offset(shape, &i)].abs();
                }
                // rounding errors of n addends walk at random: √n of them, in the size of the whole
                let epsilons = 1.0 + (size(&shape[start..end]) as f64).sqrt();
                let found = a.tensor::<B>().sum(start..end);
                assert_close::<B>(&format!("sum of axes {start}..{end}"), &found, &rest, &expected, &magnitude, epsilons);
            }
        }
    }
}

pub fn expand<B: Backend>() {
    for shape in STRUCTURES.into_iter().chain([&[][..]]) {
        let a = random::<B>(10, shape, -1.0..1.0);
        for at in 0..=shape.len() {
            for sizes in [&[][..], &[1], &[3], &[0], &[2, 2], &[150]] {
                let whole = [&shape[..at], sizes, &shape[at..]].concat();
                let inner = size(&shape[at..]).max(1);
                let rows = a.values.chunks(inner);
                let expected: Vec<f64> = rows.flat_map(|row| row.repeat(size(sizes))).collect();
                assert_same(&format!("expand at {at} by {sizes:?}"), &a.tensor::<B>().expand(at, sizes), &whole, &expected);
            }
        }
    }
    let wild = Array { shape: vec![2], values: vec![f64::INFINITY, 1.0] }.tensor::<B>();
    assert_same("infinite", &wild.expand(0, &[2]), &[2, 2], &[f64::INFINITY, 1.0, f64::INFINITY, 1.0]);
    assert!(wild.constant(f64::NAN).expand(1, &[2]).to_vec().into_iter().all(num_traits::Float::is_nan));
}

/// All orders of `count` axes.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![vec![]] };
    let insert = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    orders(last).into_iter().flat_map(insert).collect()
}

pub fn permute<B: Backend>() {
    for shape in STRUCTURES.into_iter().chain([&[][..], &[2, 3, 4, 5], &[3, 2, 1, 2, 3]]) {
        let a = random::<B>(11, shape, -1.0..1.0);
        for axes in orders(shape.len()) {
            let permuted: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
            let origin = |i: &Vec<usize>| {
                let mut from = vec![0; shape.len()];
                axes.iter().zip(i).for_each(|(&axis, &i)| from[axis] = i);
                a.values[offset(shape, &from)]
            };
            let expected: Vec<f64> = indices(&permuted).iter().map(origin).collect();
            assert_same(&format!("permute {axes:?}"), &a.tensor::<B>().permute(&axes), &permuted, &expected);
        }
    }
}

pub fn rotate_axes<B: Backend>() {
    for shape in STRUCTURES {
        let a = random::<B>(12, shape, -1.0..1.0);
        for start in 0..=shape.len() {
            for end in start..=shape.len() {
                for by in 0..=end - start {
                    let mut rotated = shape.to_vec();
                    rotated[start..end].rotate_left(by);
                    let origin = |mut i: Vec<usize>| {
                        i[start..end].rotate_right(by);
                        a.values[offset(shape, &i)]
                    };
                    let expected: Vec<f64> = indices(&rotated).into_iter().map(origin).collect();
                    let found = a.tensor::<B>().rotate_axes(start..end, by);
                    assert_same(&format!("axes {start}..{end} rotated by {by}"), &found, &rotated, &expected);
                }
            }
        }
    }
}

pub fn broadcast<B: Backend>() {
    let cases: [(&[usize], &[usize]); 12] = [
        (&[], &[]),
        (&[], &[2, 3]),
        (&[3], &[3]),
        (&[3], &[2, 3]),
        (&[1], &[4]),
        (&[2, 1], &[2, 3]),
        (&[1, 3], &[2, 3]),
        (&[2, 1, 3, 1], &[2, 4, 3, 5]),
        (&[1, 1, 2], &[3, 4, 2]),
        (&[3, 1], &[2, 1, 3, 4]),
        (&[1, 3], &[0, 3]),
        (&[0, 1], &[0, 5]),
    ];
    for (from, to) in cases {
        let a = random::<B>(13, from, -1.0..1.0);
        let new = to.len() - from.len();
        let origin = |i: &Vec<usize>| {
            let from_index: Vec<usize> = i[new..].iter().zip(from).map(|(&i, &length)| if length == 1 { 0 } else { i }).collect();
            a.values[offset(from, &from_index)]
        };
        let expected: Vec<f64> = indices(to).iter().map(origin).collect();
        assert_same(&format!("{from:?} broadcast"), &a.tensor::<B>().broadcast(to), to, &expected);
    }
}
