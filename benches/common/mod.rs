//! Shared code of the training benchmarks.

use flowmap::{
    Error, ImageTensor, Result, Tensor,
    backend::ndarray::NdTensor,
    learn::{Settings, Source, Trainer},
    nn::Model,
};
use std::time::Instant;

/// A benchmark of training steps, on any backend.
pub trait Benchmark {
    /// The default number of timed steps.
    const STEPS: usize;

    /// Times `task` and prints the result.
    fn time<T: ImageTensor<Primal = T>>(task: &Task, device: T::Device) -> Result<()>;

    /// As [`time`](Self::time), on a GPU by this crate's kernels, which have no image operations: for networks without images.
    #[cfg(feature = "cuda")]
    fn time_on_gpu(task: &Task, _device: flowmap::backend::cuda::Device) -> Result<()> {
        Err(unknown(&task.backend))
    }
}

/// A benchmark task: words of the command line.
pub struct Task {
    pub objective: String,
    pub steps: usize,
    pub backend: String,
}

/// Times the task of the command line: objective, number of steps, backend.
pub fn run<B: Benchmark>() -> Result<()> {
    // cargo adds --bench
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let word = |place: usize, default: &str| words.get(place).map_or(default, String::as_str).to_owned();
    let steps = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(B::STEPS);
    let task = Task { objective: word(0, "lsd"), steps: steps.max(1), backend: word(2, "ndarray") };
    match task.backend.as_str() {
        #[cfg(feature = "dfdx")]
        "dfdx" => B::time::<flowmap::backend::dfdx::DfdxTensor<f32, flowmap::dfdx::prelude::Cpu>>(&task, Default::default()),
        "ndarray" => B::time::<NdTensor<f32>>(&task, ()),
        #[cfg(feature = "cuda")]
        "cuda" => B::time_on_gpu(&task, flowmap::backend::cuda::Device::new(0)?),
        #[cfg(feature = "cuda")]
        "cuda-tf32" => B::time_on_gpu(&task, flowmap::backend::cuda::Device::new(0)?.with_tf32()),
        other => Err(unknown(other)),
    }
}

fn unknown(backend: &str) -> Error {
    Error::Invalid { what: "backend", reason: format!("this benchmark was built without {backend}; add its feature") }
}

/// The median and the smallest time of a training step, in seconds.
pub fn step_times<T, M, C>(trainer: &mut Trainer<T, M, C>, steps: usize) -> Result<[f64; 2]>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    C: Source<T>,
{
    trainer.step()?; // warms up
    let mut times = Vec::with_capacity(steps);
    for _ in 0..steps {
        let start = Instant::now();
        trainer.step()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok([times[steps / 2], times[0]])
}

/// The arithmetic of a step, in forward passes: backward costs twice the recorded forward, a tangent as much as a value.
pub fn passes(settings: &Settings) -> f64 {
    let (diagonal, all) = (settings.diagonal_samples() as f64, settings.batch as f64);
    let needs = settings.objective.needs();
    let off = match settings.objective.pairs() {
        false => 0.0,
        true if needs.end_derivative => 3.0 * 2.0 + 1.0,
        true if needs.start_derivative => 3.0 * 2.0 + 3.0,
        true => 3.0 + 2.0,
    };
    diagonal * 3.0 + (all - diagonal) * off
}

/// The peak memory of the process, if the system reports it (Linux).
pub fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).map_or(f64::NAN, |kb| kb / 1024.0)
}
