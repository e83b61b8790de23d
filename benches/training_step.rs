//! The time of one training step: the paper's checkerboard network (5 GELU layers of 512, 1,054,210 parameters), batch 1024, f32.
//!
//!     cargo bench --features train --bench training_step -- lsd 100 ndarray
//!
//! (or dfdx; or, with the feature cuda, cuda and cuda-tf32) prints {"objective", "backend", "steps", "median_ms", "min_ms", "gflop", "gflop_per_s", "peak_mb"}. `benches/against_jax.sh` runs
//! it in turns with the JAX peer.

#[path = "common/mod.rs"]
mod common;

use flowmap::{
    Result, Tensor,
    backend::ndarray::NdTensor,
    law::{Checkerboard, Normal},
    learn::{Independent, Settings, Trainer},
    nn::{Mlp, MlpShape},
};
use std::time::Instant;

fn main() -> Result<()> {
    // cargo adds --bench
    let arguments: Vec<_> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let objective = arguments.first().map_or("lsd", String::as_str);
    let steps = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    match arguments.get(2).map_or("ndarray", String::as_str) {
        #[cfg(feature = "dfdx")]
        "dfdx" => time::<flowmap::backend::dfdx::DfdxTensor<f32, flowmap::dfdx::prelude::Cpu>>(
            "dfdx",
            objective,
            steps,
            Default::default(),
        ),
        #[cfg(feature = "cuda")]
        backend @ ("cuda" | "cuda-tf32") => {
            use flowmap::backend::cuda::{CudaTensor, Device};
            let gpu = Device::new(0)?;
            time::<CudaTensor>(backend, objective, steps, if backend == "cuda" { gpu } else { gpu.with_tf32() })
        }
        _ => time::<NdTensor<f32>>("ndarray", objective, steps, ()),
    }
}

fn time<T: Tensor<Primal = T>>(backend: &str, objective: &str, steps: usize, device: T::Device) -> Result<()> {
    let settings = Settings { objective: objective.parse()?, ..Settings::default() };
    let gflop = gflop(&settings);
    let shape = MlpShape::new(2, 512, 5).with_scale(Checkerboard::STD);
    let model: Mlp<T> = Mlp::new(&shape, 42, &device)?;
    let coupling = Independent::new(Normal::new(vec![0.0; 2], Checkerboard::STD)?, Checkerboard)?;
    let mut trainer = Trainer::new(model, coupling, settings, device)?;
    let mut times = Vec::new();
    for _ in 0..=steps {
        let start = Instant::now();
        trainer.step()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.remove(0); // the first warms up
    times.sort_by(f64::total_cmp);
    let (median, min) = (times[steps / 2], times[0]);
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
