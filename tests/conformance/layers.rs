//! Layers against their formulas, element by element; a transformer's derivatives against differences.

use crate::{
    backend::{Array, Backend, assert_close, host, indices, offset, random},
    derivatives::{STEP, assert_near},
    images::loss_gradients,
    transformer::Transformer,
};
use flowmap::{
    AverageVelocity, Dual, Error, Number, Tape, Tensor,
    nn::{Attention, Conv, Embedding, LayerNorm, Linear, Model, Module, Param, RmsNorm, attend},
};

/// `softmax(q kᵀ/√d) v` for matrices of `d` and `e` columns.
fn attended(q: &[f64], k: &[f64], v: &[f64], [d, e]: [usize; 2]) -> Vec<f64> {
    let mean = |query: &[f64]| {
        let score = |key: &[f64]| (key.iter().zip(query).map(|(k, q)| k * q).sum::<f64>() / (d as f64).sqrt()).exp();
        let scores: Vec<f64> = k.chunks(d).map(score).collect();
        let total: f64 = scores.iter().sum();
        (0..e).map(|c| scores.iter().zip(v.chunks(e)).map(|(s, v)| s * v[c]).sum::<f64>() / total).collect::<Vec<f64>>()
    };
    q.chunks(d).flat_map(mean).collect()
}

pub fn attention_is_a_mean_of_values<B: Backend>() {
    for [batch, m, n, d, e] in [[2, 3, 4, 2, 3], [1, 1, 1, 1, 1], [3, 5, 1, 4, 2], [0, 2, 3, 2, 2], [2, 70, 65, 8, 4]] {
        let [q, k, v] =
            [[batch, m, d], [batch, n, d], [batch, n, e]].map(|shape| random::<B>(shape[1] as u64, &shape, -1.5..1.5));
        let part = |x: &Array, i: usize| {
            let size = x.shape[1] * x.shape[2];
            x.values[i * size..(i + 1) * size].to_vec()
        };
        let expected: Vec<f64> = (0..batch).flat_map(|i| attended(&part(&q, i), &part(&k, i), &part(&v, i), [d, e])).collect();
        let [q, k, v] = [q, k, v].map(|x| x.tensor::<B>());
        let ones = vec![1.5; expected.len()];
        assert_close::<B>("attend", &attend(&q, &k, &v), &[batch, m, e], &expected, &ones, 30.0);
    }
}

/// All parameters somewhere, so that each of them counts.
fn moved<B: Backend, M: Module<B::T>>(mut module: M) -> M {
    module.visit_mut(&mut |name, p| {
        let seed = name.bytes().fold(7, |hash: u64, b| hash.wrapping_mul(31).wrapping_add(b.into()));
        *p = p.clone() + random::<B>(seed, p.shape(), -0.5..0.5).tensor::<B>();
    });
    module
}

/// `x W + b` on the host.
fn mapped<T: Tensor>(layer: &Linear<T>, x: &[f64]) -> Vec<f64> {
    let (w, b) = (host(&*layer.weight), host(&*layer.bias));
    let (k, n) = (layer.weight.shape()[0], b.len());
    x.chunks(k)
        .flat_map(|row| (0..n).map(|j| b[j] + (0..k).map(|l| row[l] * w[l * n + j]).sum::<f64>()).collect::<Vec<_>>())
        .collect()
}

pub fn heads_attend_by_themselves<B: Backend>() {
    const SHAPE: [usize; 3] = [2, 5, 6];
    let x = random::<B>(1, &SHAPE, -1.0..1.0);
    for (heads, normed) in [(1, false), (3, false), (2, true)] {
        let layer: Attention<B::T> = Attention::new_on(&B::device(), 6, heads, 3).unwrap();
        let layer = moved::<B, _>(if normed { layer.with_norms() } else { layer });
        let mut gains = vec![];
        layer.visit(&mut |name, p| gains.extend(name.ends_with("gain").then(|| host(p))));
        assert_eq!(gains.len(), if normed { 2 } else { 0 });
        let d = 6 / heads;
        let mut together = vec![0.0; x.values.len()];
        for (sample, tokens) in x.values.chunks(SHAPE[1] * SHAPE[2]).enumerate() {
            for head in 0..heads {
                let columns = |layer: &Linear<B::T>, gain: Option<&Vec<f64>>| -> Vec<f64> {
                    let all = mapped(layer, tokens);
                    let parts = all.chunks(6).flat_map(|row| {
                        let part = &row[head * d..(head + 1) * d];
                        let size = (part.iter().map(|x| x * x).sum::<f64>() / d as f64 + 1e-6).sqrt();
                        part.iter().enumerate().map(|(i, x)| gain.map_or(*x, |g| g[i] * x / size)).collect::<Vec<_>>()
                    });
                    parts.collect()
                };
                let (q, k) = (columns(&layer.query, gains.first()), columns(&layer.key, gains.get(1)));
                let found = attended(&q, &k, &columns(&layer.value, None), [d, d]);
                for index in indices(&[SHAPE[1], d]) {
                    together[offset(&SHAPE, &[sample, index[0], head * d + index[1]])] = found[offset(&[SHAPE[1], d], &index)];
                }
            }
        }
        let expected = mapped(&layer.output, &together);
        let what = format!("{heads} heads, normed: {normed}");
        assert_close::<B>(&what, &layer.apply(&x.tensor::<B>()), &SHAPE, &expected, &vec![3.0; expected.len()], 60.0);
    }
}

/// What a token finds does not depend on the order of the others.
pub fn attention_knows_no_order<B: Backend>() {
    let layer = moved::<B, _>(Attention::<B::T>::new_on(&B::device(), 4, 2, 3).unwrap().with_norms());
    let x = random::<B>(1, &[2, 3, 4], -1.0..1.0).tensor::<B>();
    let turned = |x: &B::T| B::T::concat(&[x.slice(1, 1..3), x.slice(1, 0..1)], 1);
    let expected = host(&turned(&layer.apply(&x)));
    assert_close::<B>("turned", &layer.apply(&turned(&x)), &[2, 3, 4], &expected, &[2.0; 24], 16.0);
}

pub fn norms_have_gains<B: Backend>() {
    let x = random::<B>(1, &[3, 2, 5], -1.0..2.0);
    let layer = moved::<B, _>(LayerNorm::new_on(&B::device(), 5).with_epsilon(0.1).unwrap());
    let (gain, bias) = (host(&*layer.gain), host(&*layer.bias));
    let by = |epsilon: f64, centred: bool, gain: &[f64], bias: &[f64]| -> Vec<f64> {
        let row = |row: &[f64]| {
            let mean = if centred { row.iter().sum::<f64>() / 5.0 } else { 0.0 };
            let scale = (row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 5.0 + epsilon).sqrt();
            row.iter().enumerate().map(|(i, x)| gain[i] * (x - mean) / scale + bias[i]).collect::<Vec<_>>()
        };
        x.values.chunks(5).flat_map(row).collect()
    };
    let expected = by(0.1, true, &gain, &bias);
    assert_close::<B>("LayerNorm", &layer.apply(&x.tensor::<B>()), &[3, 2, 5], &expected, &[4.0; 30], 16.0);
    let layer = moved::<B, _>(RmsNorm::new_on(&B::device(), 5).with_epsilon(0.2).unwrap());
    let expected = by(0.2, false, &host(&*layer.gain), &[0.0; 5]);
    assert_close::<B>("RmsNorm", &layer.apply(&x.tensor::<B>()), &[3, 2, 5], &expected, &[4.0; 30], 16.0);
    assert!(LayerNorm::<B::T>::new_on(&B::device(), 5).with_epsilon(0.0).is_err());
    assert!(RmsNorm::<B::T>::new_on(&B::device(), 5).with_epsilon(f64::NAN).is_err());
    // another architecture in the eyes of a checkpoint
    let plain = LayerNorm::<B::T>::new_on(&B::device(), 5);
    let other = plain.clone().with_epsilon(0.1).unwrap();
    assert_ne!(Module::<B::T>::architecture(&plain), Module::<B::T>::architecture(&other));
}

pub fn embeddings_are_looked_up<B: Backend>() {
    let layer: Embedding<B::T> = Embedding::new_on(&B::device(), 4, 3, 1);
    let table = host(&*layer.table);
    assert!(table.iter().any(|x| *x != 0.0) && table.iter().all(|x| x.abs() < 2.3));
    let asked = [2.0, 0.0, 3.0, 2.0, -1.0, 4.0, 1.5, f64::NAN, f64::INFINITY, 1.0];
    let row =
        |k: f64| [0.0, 1.0, 2.0, 3.0].iter().position(|&c| c == k).map_or(vec![0.0; 3], |c| table[3 * c..3 * c + 3].to_vec());
    let expected: Vec<f64> = asked.into_iter().flat_map(row).collect();
    let indices = Array { shape: vec![5, 2], values: asked.to_vec() }.tensor::<B>();
    assert_close::<B>("lookup", &layer.apply(&indices), &[5, 2, 3], &expected, &[2.3; 30], 0.0);
    assert_eq!(layer.apply(&indices.slice(0, 0..1).slice(1, 0..1).reshape(&[])).shape(), [3]);
    // each row of the table has a gradient for each time that it is asked for
    let tape = Tape::new();
    let live = Module::<B::T>::map(&layer, &mut |_, p| tape.leaf(p.clone()));
    let found = live.apply(&flowmap::Var::constant(indices));
    let gradient = tape.gradients(&found.sum(0..3)).take(&live.table).unwrap();
    let counts: Vec<f64> = [1.0, 1.0, 2.0, 1.0].into_iter().flat_map(|count| [count; 3]).collect();
    assert_eq!(host(&gradient), counts);
}

pub fn layers_refuse_what_does_not_fit<B: Backend>() {
    let device = B::device();
    for (width, heads) in [(6, 4), (0, 1), (4, 0), (2, 4)] {
        let error = Attention::<B::T>::new_on(&device, width, heads, 1).err().expect("refused");
        let Error::Invalid { what: "attention", reason } = error else { panic!("{error}") };
        assert!(reason.contains(&width.to_string()) && reason.contains(&heads.to_string()), "{reason}");
    }
    for size in [0, 2, 4] {
        assert!(matches!(Conv::<B::T>::new_on(&device, size, [1, 1], 1), Err(Error::Invalid { what: "convolution", .. })));
    }
    use crate::shape_errors::{panics, zeros};
    let attention = Attention::<B::T>::new_on(&device, 4, 2, 1).unwrap();
    panics("attention: rank", &[&[3, 4]], || attention.apply(&zeros::<B>(&[3, 4])));
    panics("attention: width", &[&[2, 3, 6], &[4, 4]], || attention.apply(&zeros::<B>(&[2, 3, 6])));
    panics("attention: no tokens", &[], || attention.apply(&zeros::<B>(&[2, 0, 4])));
    let (layer, root) = (LayerNorm::<B::T>::new_on(&device, 1), RmsNorm::<B::T>::new_on(&device, 1));
    panics("LayerNorm: one gain for all", &[&[2, 3], &[2, 1]], || layer.apply(&zeros::<B>(&[2, 3])));
    panics("RmsNorm: one gain for all", &[&[2, 3], &[2, 1]], || root.apply(&zeros::<B>(&[2, 3])));
    panics("RmsNorm of a scalar", &[], || root.apply(&zeros::<B>(&[])));
    let embedding = Embedding { table: Param(zeros::<B>(&[3, 2])) };
    panics("codes", &[&[4, 2], &[3, 2]], || embedding.of_codes(&zeros::<B>(&[4, 2])));
}

/// Layers by seed are the same again, and others by another.
pub fn layers_are_functions_of_their_seeds<B: Backend>() {
    fn all<T: Tensor>(module: &impl Module<T>) -> Vec<f64> {
        let mut values = vec![];
        module.visit(&mut |_, p| values.extend(host(p)));
        values
    }
    let device = B::device();
    let attention = |seed| all::<B::T>(&Attention::<B::T>::new_on(&device, 8, 2, seed).unwrap());
    let conv = |seed| all::<B::T>(&Conv::<B::T>::new_on(&device, 3, [4, 64], seed).unwrap());
    let embedding = |seed| all::<B::T>(&Embedding::<B::T>::new_on(&device, 50, 40, seed));
    assert!(attention(1) == attention(1) && attention(1) != attention(2));
    assert!(conv(1) == conv(1) && conv(1) != conv(2) && embedding(1) == embedding(1) && embedding(1) != embedding(2));
    // four matrices of their own
    let values = attention(1);
    assert_ne!(values[..64], values[72..136]);
    // of the variance that is promised, within four standard errors of about 1/√n
    let variance = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64;
    assert!((variance(&conv(1)[..9 * 4 * 64]) * 36.0 - 1.0).abs() < 4.0 / 48.0);
    assert!((variance(&embedding(1)) - 1.0).abs() < 4.0 / 44.0);
}

fn transformer<B: Backend>() -> Transformer<B::T> {
    Transformer::new_on(&B::device(), 3, 2, 4).unwrap()
}

/// The tangents of a transformer in both times and the state against central differences.
pub fn transformer_tangents<B: Backend>() {
    let net = moved::<B, _>(transformer::<B>());
    let operands = [(1, &[2][..], 0.1..0.4), (2, &[2], 0.6..0.9), (3, &[2, 6], -1.0..1.0)];
    let points = operands.map(|(seed, shape, range)| random::<B>(seed, shape, range).tensor::<B>());
    let directions = [1, 2, 3].map(|i| random::<B>(10 + i as u64, points[i - 1].shape(), -1.0..1.0).tensor::<B>());
    for moving in 1..8 {
        let moves = |i: usize| moving >> i & 1 == 1;
        let at = |h: f64| {
            let [s, t, x] =
                [0, 1, 2].map(|i| if moves(i) { points[i].clone() + directions[i].scale(h) } else { points[i].clone() });
            net.average_velocity(&s, &t, &x)
        };
        let [s, t, x] = [0, 1, 2].map(|i| Dual::from_parts(points[i].clone(), moves(i).then(|| directions[i].clone())));
        let tangent = host(net.average_velocity(&s, &t, &x).tangent());
        let difference = host(&(at(STEP) - at(-STEP)).scale(0.5 / STEP));
        assert!(tangent.iter().any(|d| d.abs() > 1e-3), "something to compare");
        assert_near(&format!("moving {moving:b}"), &tangent, &difference, 1e-7);
    }
}

/// Of its LSD loss, by each of its parameters: reverse over forward against central differences.
pub fn transformer_gradients<B: Backend>() {
    fn is_a_model<T: Tensor<Primal = T>>(_: &impl Model<T>) {}
    is_a_model(&transformer::<B>());
    loss_gradients::<B, _>(transformer::<B>(), 6);
}
