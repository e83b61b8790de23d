//! The time of one training step: the paper's checkerboard network (5 GELU layers of 512, 1,054,210 parameters), batch 1024, f32.
//!
//!     cargo bench --features train --bench training_step -- lsd 100 ndarray
//!
//! (or dfdx; or, with the feature cuda, cuda and cuda-tf32) prints {"objective", "backend", "steps", "median_ms", "min_ms",
//! "gflop", "gflop_per_s", "peak_mb"}. `benches/against_jax.sh` runs it in turns with the JAX peer.

#[path = "common/mod.rs"]
mod common;

use common::{Benchmark, Task};
use flowmap::{
    ImageTensor, Result, Tensor,
    distribution::{Checkerboard, Normal},
    learn::{Independent, Settings, Trainer},
    nn::{Mlp, MlpShape},
};

struct TrainingStep;

fn main() -> Result<()> {
    common::run::<TrainingStep>()
}

impl Benchmark for TrainingStep {
    const STEPS: usize = 100;

    fn time<T: ImageTensor<Primal = T>>(task: &Task, device: T::Device) -> Result<()> {
        time::<T>(task, device)
    }

    #[cfg(feature = "cuda")]
    fn time_on_gpu(task: &Task, device: flowmap::backend::cuda::Device) -> Result<()> {
        time::<flowmap::backend::cuda::CudaTensor>(task, device)
    }
}

fn time<T: Tensor<Primal = T>>(Task { objective, steps, backend }: &Task, device: T::Device) -> Result<()> {
    let settings = Settings { objective: objective.parse()?, ..Settings::default() };
    let gflop = gflop(&settings);
    let shape = MlpShape::new(2, 512, 5).with_scale(Checkerboard::STD);
    let model: Mlp<T> = Mlp::new_on(&device, &shape, 42)?;
    let coupling = Independent::new(Normal::new(vec![0.0; 2], Checkerboard::STD)?, Checkerboard)?;
    let mut trainer = Trainer::new(model, coupling, settings)?;
    let [median, min] = common::step_times(&mut trainer, *steps)?;
    println!(
        "{{\"objective\": \"{objective}\", \"backend\": \"{backend}\", \"steps\": {steps}, \"median_ms\": {:.2}, \"min_ms\": {:.2}, \
             \"gflop\": {gflop:.2}, \"gflop_per_s\": {:.0}, \"peak_mb\": {:.0}}}",
        median * 1e3,
        min * 1e3,
        gflop / min,
        common::peak_mb(),
    );
    Ok(())
}

/// The matrix products of one step, in units of 10^9 operations: the physical limit is this over the machine's rate.
fn gflop(settings: &Settings) -> f64 {
    let forward = 2.0 * (4.0 * 512.0 + 4.0 * 512.0 * 512.0 + 512.0 * 2.0) * 1e-9;
    forward * common::passes(settings)
}
