//! Results do not depend on the number of threads, nor a sample's on the batch around it, bit for bit.

use flowmap::{
    AverageVelocity, AverageVelocityMap, Dual, Number, Tensor, Transpose, VelocityField,
    backend::ndarray::NdTensor,
    distribution::{Checkerboard, Normal},
    learn::{Independent, Settings, Trainer},
    nn::{Mlp, MlpShape, Module},
};

type T = NdTensor<f32>;

fn waves(count: usize, from: f32) -> Vec<f32> {
    (0..count).map(|i| (from + i as f32 * 0.618).sin()).collect()
}

fn tensor(shape: &[usize], from: f32) -> T {
    T::from_slice(&waves(shape.iter().product(), from), shape)
}

/// The bits of the losses and parameters after three steps on a pool of threads.
fn training(threads: usize) -> Vec<u64> {
    let run = || {
        let mlp: Mlp<T> = Mlp::new(&MlpShape::new(2, 160, 3), 5).unwrap();
        let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
        let settings = Settings { batch: 300, diagonal: 0.5, ..Settings::default() };
        let mut trainer = Trainer::new(mlp, coupling, settings).unwrap();
        let mut bits: Vec<u64> = (0..3).map(|_| trainer.step().unwrap().loss.to_bits()).collect();
        trainer.model().visit(&mut |_, p| bits.extend(p.to_vec().iter().map(|x| u64::from(x.to_bits()))));
        bits
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

#[test]
fn training_does_not_depend_on_the_number_of_threads() {
    let one = training(1);
    assert!(one == training(2), "2 threads");
    assert!(one == training(3), "3 threads");
}

#[test]
fn reductions_do_not_depend_on_the_number_of_threads() {
    let run = || {
        let x = tensor(&[300, 501], 0.1);
        [x.sum(0..1).to_vec(), x.sum(1..2).to_vec(), x.sum(0..2).to_vec(), x.exp().to_vec()].concat()
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run);
    let one: Vec<f32> = on(1);
    assert!(one == on(2) && one == on(3));
}

const BATCHES: [usize; 9] = [1, 2, 3, 7, 16, 64, 65, 1000, 4096];

#[test]
fn a_sample_does_not_depend_on_the_batch_around_it() {
    for width in [64, 512] {
        let mut mlp: Mlp<T> = Mlp::new(&MlpShape::new(2, width, 3), 5).unwrap();
        // biases are born as zeros, which hide the order of additions
        mlp.visit_mut(&mut |name, p| {
            if name.ends_with("bias") {
                *p = tensor(p.shape(), 0.4);
            }
        });
        let (x, s, t) = (tensor(&[4096, 2], 0.3), tensor(&[4096], 0.1), tensor(&[4096], 0.2));
        let outputs = |x: &T, s: &T, t: &T| {
            let field = AverageVelocityMap(&mlp).velocity(t, x).to_vec();
            let constant = |x: &T| Dual::constant(x.clone());
            let dual = mlp.average_velocity(&constant(s), &Dual::new(t.clone(), t.constant(1.0)), &constant(x));
            [field, dual.value().to_vec(), dual.tangent().to_vec()]
        };
        let whole = outputs(&x, &s, &t);
        for batch in BATCHES {
            for start in [0, 4096 - batch] {
                let rows = start..start + batch;
                let part = outputs(&x.slice(0, rows.clone()), &s.slice(0, rows.clone()), &t.slice(0, rows.clone()));
                for (part, whole) in part.iter().zip(&whole) {
                    assert!(part[..] == whole[2 * rows.start..2 * rows.end], "width {width}, rows {rows:?}");
                }
            }
        }
    }
}

/// Every row of a product, for widths and depths that lead to different code paths of the matrix library.
#[test]
fn a_row_of_a_product_does_not_depend_on_the_rows_around_it() {
    for (k, n) in [(1, 1), (2, 5), (4, 512), (512, 1), (512, 2), (40, 1), (600, 7), (1300, 70), (33, 300)] {
        let (a, bias) = (tensor(&[4096, k], 0.3), tensor(&[n], 0.7));
        for order in [Transpose::No, Transpose::Yes] {
            let b = if order == Transpose::No { tensor(&[k, n], 0.5) } else { tensor(&[n, k], 0.5) };
            let outputs = |a: &T| {
                let start = bias.expand(0, &[a.shape()[0]]);
                let product = |start| T::matmul(a, Transpose::No, &b, order, start).to_vec();
                [product(None), product(Some(start))]
            };
            let whole = outputs(&a);
            for batch in BATCHES {
                let rows = 4096 - batch..4096;
                for (part, whole) in outputs(&a.slice(0, rows.clone())).iter().zip(&whole) {
                    assert!(part[..] == whole[n * rows.start..], "inner {k}, columns {n}, {order:?}, {batch} rows");
                }
            }
        }
    }
}
