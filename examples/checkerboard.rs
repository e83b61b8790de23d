//! Learns the flow map from a normal distribution to the checkerboard of arXiv 2505.18825 by self-distillation, and samples it in
//! 1 to 16 steps.
//!
//! cargo run --release --features cli,plot --example checkerboard -- --objective lsd

#[path = "common/machine.rs"]
mod machine;

use clap::Parser;
use flowmap::{
    ImageTensor, Real, Result, Tensor,
    cli::{Options, exit_code},
    distribution::{Checkerboard, Distribution, Normal},
    learn::{Coupling, Independent, Outcome, Run, Settings, Trainer, Transport},
    metric::{Kl, checkerboard_kl},
    nn::{Mlp, MlpShape, parameter_count},
    plot::{Axes, Scale, curves, scatter_panels},
    random::stream,
};
use machine::{Backend, Machine, Program};
use serde::Serialize;
use std::{collections::BTreeMap, process::ExitCode};

const STEPS: u64 = 12_000;
const SAMPLES: usize = 64_000;
const STEP_COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
const AVERAGE: f64 = 0.999;
/// Seeds of the noise that is sampled from and of the perfect samples.
const NOISE: u64 = 7;
const PERFECT: u64 = 3;

/// Learns the checkerboard. Defaults: lsd, paper stop gradients, 12000 steps, batch 1024, 4 layers of 256, Muon with a rate
/// that falls from 3e-2 to 0, seed 42, out/checkerboard. The rate reaches 0 at the last step
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    #[command(flatten)]
    machine: Machine,
    /// Pair noise and data by optimal transport in blocks of this size, such as 128 [default: independent pairs]
    #[arg(long, value_name = "BLOCK")]
    transport: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(arguments.machine.run(&arguments))
}

impl Program for Arguments {
    fn run<T: ImageTensor<Primal = T>>(&self, device: T::Device) -> Result<()> {
        learn::<T>(self, device)
    }
}

fn learn<T: Tensor<Primal = T>>(arguments: &Arguments, device: T::Device) -> Result<()> {
    let options = &arguments.training;
    let shape = MlpShape::new(2, options.width.unwrap_or(256), options.layers.unwrap_or(4)).with_scale(Checkerboard::STD);
    let noise = Normal::new(vec![0.0; 2], Checkerboard::STD)?;

    let (run, mut trainer) = options.prepare("out/checkerboard", STEPS, |steps| {
        let settings = options.settings(Settings::points(steps))?;
        let model: Mlp<T> = Mlp::new_on(&device, &shape, settings.seed)?;
        let independent = Independent::new(noise.clone(), Checkerboard)?;
        let coupling: Box<dyn Coupling> = match arguments.transport {
            None => Box::new(independent),
            Some(block) => Box::new(Transport::new(independent, block)?),
        };
        Trainer::new(model, coupling, settings)?.describe(arguments.machine.backend)
    })?;
    let (parameters, settings) = (parameter_count(trainer.model()), trainer.settings());
    println!("{parameters} parameters, {} steps by {}, batch {}", run.steps(), settings.objective, settings.batch);
    trainer.average(AVERAGE)?; // fails now rather than at the end
    let (outcome, times) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(());
    }

    let sampler = trainer.sampler(AVERAGE)?.from(&noise);
    let perfect = rows({
        let mut rows = vec![0.0; 2 * SAMPLES];
        Checkerboard.draw_rows(&mut stream(PERFECT, 0), &mut rows);
        rows
    });
    let floor = checkerboard_kl(&perfect)?;
    println!("\nKL divergence of {SAMPLES} samples (average {AVERAGE})\n{:>7} {:>8} {:>8}", "steps", "paper", "aligned");
    let mut samples = Vec::new();
    let mut kl = BTreeMap::new();
    for steps in STEP_COUNTS {
        let drawn = rows(sampler.steps(steps).draw(SAMPLES, NOISE)?);
        let divergence = checkerboard_kl(&drawn)?;
        println!("{steps:>7} {:>8.4} {:>8.4}", divergence.paper, divergence.aligned);
        kl.insert(steps, divergence);
        samples.push((if steps == 1 { "1 step".into() } else { format!("{steps} steps") }, drawn));
    }
    println!("{:>7} {:>8.4} {:>8.4}", "perfect", floor.paper, floor.aligned);
    samples.push(("data".into(), perfect));

    let settings = trainer.settings();
    let metrics = Metrics {
        objective: settings.objective.to_string(),
        backend: arguments.machine.backend,
        device: arguments.machine.device.to_string(),
        steps: trainer.steps_taken(),
        batch: settings.batch,
        seed: settings.seed,
        real: T::Real::NAME,
        parameters,
        step_ms: StepTime::of(times.iter().map(|t| t.as_secs_f64() * 1e3).collect()),
        kl,
        floor,
    };
    run.write_json("metrics.json", &metrics)?;
    draw_pictures(&run, &samples)?;
    println!("\nsee {}; loss.svg, metrics.csv and metrics.json are in the same folder", run.path("samples.png").display());
    Ok(())
}

fn draw_pictures(run: &Run, samples: &[(String, Vec<[f64; 2]>)]) -> Result<()> {
    let panels: Vec<_> = samples.iter().map(|(name, points)| (name.as_str(), points.as_slice())).collect();
    scatter_panels(run.path("samples.png"), &panels, 3, [-1.2, 1.2])?;
    let history = run.history()?;
    let diagonal: Vec<_> = history.iter().map(|p| [p.step as f64, p.diagonal]).collect();
    let residual: Vec<_> = history.iter().map(|p| [p.step as f64, p.residual]).collect();
    let axes = Axes { title: "Mean squared residuals", x: "step", y: "unweighted", scale: Scale::Log };
    curves(run.path("loss.svg"), &axes, &[("diagonal (flow matching)", &diagonal), ("off the diagonal", &residual)])
}

fn rows(flat: Vec<f64>) -> Vec<[f64; 2]> {
    flat.as_chunks().0.to_vec()
}

/// The content of `metrics.json`.
#[derive(Serialize)]
struct Metrics {
    objective: String,
    backend: Backend,
    device: String,
    steps: u64,
    batch: usize,
    seed: u64,
    real: &'static str,
    parameters: usize,
    step_ms: StepTime,
    kl: BTreeMap<usize, Kl>,
    floor: Kl,
}

/// Milliseconds per step in this process; null if it took none.
#[derive(Serialize)]
struct StepTime {
    median: Option<f64>,
    min: Option<f64>,
}

impl StepTime {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self { median: times.get(times.len() / 2).copied(), min: times.first().copied() }
    }
}
