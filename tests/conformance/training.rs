//! Training on a GPU is training on the CPU, up to rounding; what else is asked of a GPU alone.

use crate::{
    backend::{Backend, host},
    transformer::Transformer,
};
use flowmap::{
    Number, Tensor, Transpose,
    backend::{
        cuda::{CudaTensor, Device},
        ndarray::NdTensor,
    },
    distribution::{Checkerboard, Normal},
    learn::{Distillation, Identity, Independent, Settings, StopGradient, Teacher, Trainer},
    nn::{Mlp, MlpShape, Model},
};

fn run<T: Tensor<Primal = T>>(device: &T::Device, objective: Distillation) -> (Vec<f64>, Vec<f64>) {
    run_of::<T, _>(Mlp::new_on(device, &MlpShape::new(2, 40, 3), 5).unwrap(), objective)
}

/// The losses of a few steps, and all parameters after them.
fn run_of<T: Tensor<Primal = T>, M: Model<T>>(network: M, objective: Distillation) -> (Vec<f64>, Vec<f64>) {
    let coupling = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
    let settings = Settings { objective: objective.into(), batch: 100, diagonal: 0.5, ..Settings::default() };
    let mut trainer = Trainer::new(network, coupling, settings).unwrap();
    let losses = (0..5).map(|_| trainer.step().unwrap().loss).collect();
    let mut parameters = vec![];
    trainer.model().visit(&mut |_, p| parameters.extend(host(p)));
    (losses, parameters)
}

fn objectives() -> [Distillation; 3] {
    use Identity::{Eulerian, Lagrangian, SemigroupUniform};
    [Lagrangian, Eulerian, SemigroupUniform].map(|d| Distillation::new(d, Teacher::Itself, StopGradient::Paper).unwrap())
}

/// Three objectives: products, activations and their tangents in both directions.
pub fn steps_are_those_of_ndarray<B: Backend>()
where
    B::T: Number<Real = f32>,
{
    for objective in objectives() {
        assert_same_steps(objective, run::<B::T>(&B::device(), objective), run::<NdTensor<f32>>(&(), objective));
    }
}

/// Products of batches, permutations, softmax and normalization, with their derivatives.
pub fn transformers_step_as_on_ndarray<B: Backend>()
where
    B::T: Number<Real = f32>,
{
    let objective = objectives()[0];
    let found = run_of::<B::T, _>(Transformer::new_on(&B::device(), 2, 1, 8).unwrap(), objective);
    assert_same_steps(objective, found, run_of::<NdTensor<f32>, _>(Transformer::new_on(&(), 2, 1, 8).unwrap(), objective));
}

fn assert_same_steps(
    objective: Distillation,
    (losses, parameters): (Vec<f64>, Vec<f64>),
    (expected, expected_parameters): (Vec<f64>, Vec<f64>),
) {
    for (a, b) in losses.iter().zip(&expected) {
        assert!((a - b).abs() < 1e-4 * b.abs(), "{objective:?}: losses {losses:?} against {expected:?}");
    }
    let steps = expected_parameters.iter().zip(&parameters).map(|(a, b)| (a - b).abs());
    let far = steps.fold(0.0, f64::max);
    assert!(parameters.len() == expected_parameters.len() && far < 1e-3, "{objective:?}: parameters differ by {far:e}");
}

pub fn runs_repeat_bit_for_bit<B: Backend>() {
    let objective = objectives()[0];
    assert!(run::<B::T>(&B::device(), objective) == run::<B::T>(&B::device(), objective));
}

/// Tensors made on one thread are used and dropped on another.
pub fn gpus_share_their_tensors_with_threads<B: Backend>()
where
    B::T: Send + Sync,
    <B::T as Tensor>::Device: Send,
{
    let x = crate::backend::random::<B>(1, &[50, 30], -1.0..1.0).tensor::<B>();
    let expected = host(&(x.exp() * &x).sum(0..1));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let x = x.clone();
            scope.spawn(|| assert_eq!(host(&(x.exp() * x).sum(0..1)), expected));
        }
    });
}

/// TF32 keeps 10 bits after the point; what a device with it is given for passes it on.
pub fn tf32_rounds_the_factors_of_products<B: Backend<T = CudaTensor>>() {
    let product = |device: Device| {
        let x = CudaTensor::from_slice_on(&device, &crate::backend::reals::<B>(&waves(64 * 96)), &[64, 96]);
        CudaTensor::matmul(&x.shift(0.1), Transpose::No, &x, Transpose::Yes, None)
    };
    let (plain, rounded) = (product(B::device()), product(B::device().with_tf32()));
    assert!(!plain.device().tf32() && rounded.device().tf32());
    let far = host(&plain).iter().zip(host(&rounded)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // 96 products of numbers up to 1.1, each off by two halves of the last bit or whole ones
    assert!(far < 96.0 * 1.1 * 2.0 / 1024.0, "{far:e}");
    let (major, _) = B::device().compute_capability();
    assert_eq!(far > 1e-4, major >= 8, "{far:e} on compute capability {major}");
}

/// Sums over a sample are the same in every batch, bit for bit.
pub fn a_sum_does_not_depend_on_the_batch_around_it<B: Backend>() {
    for inner in [1, 3, 64, 65, 5000] {
        let x = crate::backend::Array { shape: vec![37, inner], values: waves(37 * inner) }.tensor::<B>();
        let whole = host(&x.sum(1..2));
        for rows in [0..1, 5..37, 36..37] {
            assert_eq!(host(&x.slice(0, rows.clone()).sum(1..2)), whole[rows]);
        }
    }
}

fn waves(count: usize) -> Vec<f64> {
    (0..count).map(|i| (0.3 + i as f64 * 0.618).sin()).collect()
}
