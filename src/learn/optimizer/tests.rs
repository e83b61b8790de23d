//! One step of each optimizer against its paper.

use super::*;
use crate::{
    Number, Value,
    backend::ndarray::NdTensor,
    nn::{Linear, Param},
};
use nalgebra::DMatrix;

type T = NdTensor<f64>;

/// A matrix of full rank.
fn matrix(rows: usize, columns: usize, seed: f64) -> T {
    let values: Vec<f64> = (0..rows * columns).map(|k| ((k as f64 + 1.0).powi(2) * 0.37 + seed).sin()).collect();
    T::from_slice(&values, &[rows, columns])
}

fn dense(x: &T) -> DMatrix<f64> {
    DMatrix::from_row_slice(x.shape()[0], x.shape()[1], &x.values())
}

/// The values of a parameter after steps with these gradients, at rate 0.1.
fn after(optimizer: &Descent, name: &str, start: &T, gradients: &[T]) -> Vec<DMatrix<f64>> {
    let (mut value, mut state): (T, Vec<T>) =
        (start.clone(), optimizer.begin(name, start).into_iter().map(|(_, tensor)| tensor).collect());
    let steps = gradients.iter().enumerate().map(|(number, gradient)| {
        let step = Step { gradient_scale: 0.5, ..Step::new(number as u64, 0.1) };
        optimizer.update(Parameter { name, value: &mut value, gradient, state: &mut state }, &step);
        dense(&value)
    });
    steps.collect()
}

fn gradients(rows: usize, columns: usize) -> Vec<T> {
    (0..4).map(|k| matrix(rows, columns, f64::from(k) * 0.9)).collect()
}

#[track_caller]
fn assert_close(found: &DMatrix<f64>, expected: &DMatrix<f64>) {
    assert!((found - expected).amax() < 1e-10, "{found} expected {expected}");
}

#[test]
fn lion_takes_signs() {
    let (start, gradients) = (matrix(3, 2, 0.3), gradients(3, 2));
    let (mut x, mut m) = (dense(&start), DMatrix::zeros(3, 2));
    for (found, g) in after(&Lion::default().into(), "w", &start, &gradients).iter().zip(&gradients) {
        let g = dense(g) * 0.5;
        x -= (&m * 0.9 + &g * (1.0 - 0.9)).map(f64::signum) * 0.1;
        m = &m * 0.99 + &g * (1.0 - 0.99);
        assert_close(found, &x);
    }
    let zero = start.constant(0.0);
    assert_close(&after(&Lion::default().into(), "w", &start, &[zero])[0], &dense(&start));
}

/// Newton-Schulz steps are functions of singular values alone.
fn newton_schulz(x: &DMatrix<f64>) -> DMatrix<f64> {
    let mut svd = (x / x.norm()).svd(true, true);
    svd.singular_values.apply(|s| *s = (0..5).fold(*s, |s, _| 3.4445 * s - 4.7750 * s.powi(3) + 2.0315 * s.powi(5)));
    svd.recompose().unwrap()
}

#[test]
fn muon_is_momentum_with_other_singular_values() {
    for (rows, columns) in [(4, 9), (9, 4), (5, 5)] {
        let (start, gradients) = (matrix(rows, columns, 0.3), gradients(rows, columns));
        let muon = Muon { short_side: 3, ..Muon::default() };
        let (mut x, mut m) = (dense(&start), DMatrix::zeros(rows, columns));
        for (found, g) in after(&muon.into(), "w", &start, &gradients).iter().zip(&gradients) {
            let g = dense(g) * 0.5;
            m = &m * 0.95 + &g;
            let stretch = (columns as f64 / rows as f64).max(1.0).sqrt();
            x -= newton_schulz(&(&g + &m * 0.95)) * (0.1 * stretch);
            assert_close(found, &x);
        }
    }
}

#[test]
fn muon_leaves_the_rest_to_adam() {
    let muon = Muon { short_side: 3, except: vec!["input".into()], ..Muon::default() };
    let adam: Descent = Adam { betas: [0.9, 0.99], ..Adam::default() }.into();
    let slower =
        |steps: Vec<DMatrix<f64>>, start: &T| steps.iter().map(|x| dense(start) + (x - dense(start)) * 0.1).collect::<Vec<_>>();
    for (name, rows, columns) in [("w", 3, 9), ("w", 9, 3), ("input.w", 9, 9)] {
        let (start, gradients) = (matrix(rows, columns, 0.3), gradients(rows, columns));
        let found = after(&muon.clone().into(), name, &start, &gradients);
        for (found, expected) in found.iter().zip(slower(after(&adam, name, &start, &gradients), &start)) {
            assert_close(found, &expected);
        }
    }
}

/// The kernel of a convolution is a matrix with its fan-in as one side.
#[test]
fn muon_takes_kernels_as_matrices() {
    let muon: Descent = Muon { short_side: 3, ..Muon::default() }.into();
    let (flat, gradient) = (matrix(18, 5, 0.3), matrix(18, 5, 0.9));
    let folded = |x: &T| x.reshape(&[3, 3, 2, 5]);
    let (mut value, mut state) = (folded(&flat), vec![folded(&flat).constant(0.0)]);
    let step = Step { gradient_scale: 0.5, ..Step::new(0, 0.1) };
    muon.update(Parameter { name: "k", value: &mut value, gradient: &folded(&gradient), state: &mut state }, &step);
    assert_close(&dense(&value.reshape(&[18, 5])), &after(&muon, "k", &flat, &[gradient])[0]);
}

/// With eigenvectors that are brought up to date at every step, against a transcription of algorithm 3. Sides that are rotated
/// have covariances of full rank: otherwise some eigenvectors are arbitrary.
#[test]
fn soap_is_adam_in_the_eigenbasis() {
    for (rows, columns, longest) in [(5, 5, 1024), (4, 6, 4)] {
        let soap = Soap { refresh: 1, longest_side: longest, ..Soap::default() };
        let (start, gradients) = (matrix(rows, columns, 0.3), gradients(rows, columns));
        let (mut x, mut m, mut v) = (dense(&start), DMatrix::zeros(rows, columns), DMatrix::<f64>::zeros(rows, columns));
        let (mut l, mut r) = (DMatrix::zeros(rows, rows), DMatrix::zeros(columns, columns));
        let (mut ql, mut qr) = (DMatrix::<f64>::identity(rows, rows), DMatrix::<f64>::identity(columns, columns));
        for (n, (found, g)) in after(&soap.into(), "w", &start, &gradients).iter().zip(&gradients).enumerate() {
            let g = dense(g) * 0.5;
            l = l * 0.95 + &g * g.transpose() * 0.05;
            r = r * 0.95 + g.transpose() * &g * 0.05;
            if n == 0 {
                ql = l.clone().symmetric_eigen().eigenvectors;
                qr = if columns <= longest { r.clone().symmetric_eigen().eigenvectors } else { qr };
                assert_close(found, &x);
                continue;
            }
            let k = n as i32;
            m = m * 0.95 + &g * 0.05;
            v = v * 0.95 + (ql.transpose() * &g * &qr).map(|e| e * e) * 0.05;
            let [mean, square] = [ql.transpose() * &m * &qr, v.clone()].map(|y| y / (1.0 - 0.95_f64.powi(k)));
            let turned = mean.zip_map(&square, |m, v| m / (v.sqrt() + 1e-8));
            x -= &ql * turned * qr.transpose() * 0.1;
            assert_close(found, &x);
            ql = power(&l, &ql);
            qr = if columns <= longest { power(&r, &qr) } else { qr };
        }
    }
}

fn power(covariance: &DMatrix<f64>, basis: &DMatrix<f64>) -> DMatrix<f64> {
    (covariance * basis).qr().q()
}

#[test]
fn vectors_take_adam_in_soap() {
    let values = |optimizer: Descent| {
        let mut value = T::from_slice(&[1.0, -2.0, 0.5], &[3]);
        let mut state: Vec<T> = optimizer.begin("bias", &value).into_iter().map(|(_, tensor)| tensor).collect();
        for number in 0..3 {
            let gradient = T::from_slice(&[0.3, -0.1, 0.2 * number as f64], &[3]);
            let step = Step { gradient_scale: 0.5, ..Step::new(number, 0.1) };
            optimizer.update(Parameter { name: "bias", value: &mut value, gradient: &gradient, state: &mut state }, &step);
        }
        value.values()
    };
    assert_eq!(values(Soap::default().into()), values(Adam { betas: [0.95, 0.95], ..Adam::default() }.into()));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let wrong: [Descent; 9] = [
        Adam { betas: [0.9, 0.5], ..Adam::rectified() }.into(),
        Adam { betas: [1.0, 0.9], ..Adam::default() }.into(),
        Adam { epsilon: 0.0, ..Adam::default() }.into(),
        Lion { betas: [0.9, f64::NAN] }.into(),
        Muon { momentum: -0.1, ..Muon::default() }.into(),
        Muon { iterations: 0, ..Muon::default() }.into(),
        Muon { adam_rate: 0.0, ..Muon::default() }.into(),
        Soap { refresh: 0, ..Soap::default() }.into(),
        Soap { betas: [0.9, 2.0], ..Soap::default() }.into(),
    ];
    for optimizer in wrong {
        assert!(optimizer.check().is_err(), "{optimizer:?}");
    }
    for name in ["adam", "radam", "lion", "muon", "soap"] {
        let optimizer: Descent = name.parse().unwrap();
        optimizer.check().unwrap();
        let json = serde_json::to_string(&optimizer).unwrap();
        assert_eq!(serde_json::from_str::<Descent>(&json).unwrap(), optimizer);
    }
    assert!("sgd".parse::<Descent>().unwrap_err().to_string().contains("muon"));
    assert_eq!(serde_json::from_str::<Descent>(r#"{"muon":{}}"#).unwrap(), Muon::default().into());
}

/// A missing gradient is one of zeros.
#[test]
fn a_parameter_without_gradient_takes_part() {
    let mut layer = Linear { weight: Param(matrix(2, 2, 0.0)), bias: Param(T::from_slice(&[1.0, 2.0], &[2])) };
    let adam = Adam::default();
    let mut memories = begin::<T>(&adam, &layer);
    let step = |_: &str| Step::new(0, 0.1);
    update(&adam, &mut layer, &mut memories, &[None, Some(T::from_slice(&[1.0, 1.0], &[2]))], step);
    assert_eq!(*layer.weight, matrix(2, 2, 0.0));
    assert!(layer.bias.values()[0] < 1.0);
}
