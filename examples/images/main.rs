//! Learns to draw images: Fashion-MNIST, or your own set, in 1 to 16 steps.
//!
//! cargo run --release --features cli,plot,images --example images
//!
//! Writes to `out/images`: pictures of each evaluation (`grid-….png`) and of the end (`samples.png`), `metrics.json` with the
//! distances from real images next to those between real images, `metrics.csv`, `speed.csv`, `loss.svg` and checkpoints.

mod data;
mod evaluation;
#[path = "../common/machine.rs"]
mod machine;

use clap::{Parser, ValueEnum};
use data::Set;
use evaluation::{Draws, Evaluation};
use flowmap::{
    Error, ImageTensor, Layout, Result,
    cli::{Options, exit_code},
    distribution::{Distribution, Normal},
    learn::{Adam, Conditional, Coupling, Independent, Outcome, Settings, Trainer},
    nn::{EdmShape, EdmUNet, Model, UNet, UNetShape, parameter_count},
    plot::{Axes, Scale, curves},
};
use machine::{Machine, Program};
use serde::{Deserialize, Serialize};
use std::{ops::ControlFlow, path::PathBuf, process::ExitCode, time::Duration};

/// Learns to draw images. Defaults: lsd, 4,500 steps, batch 32, a light U-Net of 1.24 million parameters, Muon with a rate that
/// falls from 2e-2 to 0, samples of the average with decay 0.999, seed 42, out/images
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// Images to learn: an IDX file, or a folder of PNG and JPEG files in sub-folders by class [default: Fashion-MNIST from
    /// Debian's package dataset-fashion-mnist, or else the 1,000 images of it that come with the examples]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// The labels of an IDX file of images
    #[arg(long, value_name = "FILE", requires = "data")]
    labels: Option<PathBuf>,
    /// Height, width and channels that images of a folder are resized to
    #[arg(long, value_name = "H,W,C", value_delimiter = ',', default_values_t = [32, 32, 3])]
    shape: Vec<usize>,
    /// Network architecture
    #[arg(long, value_enum, default_value_t = Network::Light)]
    network: Network,
    /// Condition the network on classes, with a label dropout of a tenth, and draw images of each class
    #[arg(long)]
    classes: bool,
    /// Learn guidance, too, with scales from 1 to this one, and draw with both
    #[arg(long, value_name = "SCALE", requires = "classes")]
    guidance: Option<f64>,
    /// Training steps between pictures
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    look_every: u64,
    /// Number of samples for the distances
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(4..=1_000_000))]
    samples: u32,
    /// File of the classifier whose inner layer images are compared by; trained and saved there if missing
    #[arg(long, value_name = "FILE", default_value = "out/classifier.safetensors")]
    classifier: PathBuf,
    #[command(flatten)]
    machine: Machine,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Network {
    /// Group normalization, no attention: fast on a CPU.
    Light,
    /// The magnitude-preserving U-Net of arXiv 2505.18825.
    Edm,
}

/// The table `[network]` of a configuration file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkSizes {
    /// Channels of each level of the light network.
    levels: Vec<usize>,
    /// The lowest and highest frequency of the time embedding.
    frequencies: [f64; 2],
    /// The channels that the multipliers of the other network multiply.
    channels: usize,
    multipliers: Vec<usize>,
    blocks: usize,
    attention: Vec<usize>,
    dropout: f64,
}

/// The default number of training steps.
const STEPS: u64 = 4500;

impl Default for NetworkSizes {
    fn default() -> Self {
        Self {
            levels: vec![32, 64, 96],
            frequencies: [1.0, 32.0],
            channels: 64,
            multipliers: vec![1, 2],
            blocks: 2,
            attention: vec![14, 16],
            dropout: 0.0,
        }
    }
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

fn learn<T: ImageTensor<Primal = T>>(arguments: &Arguments, device: T::Device) -> Result<()> {
    let options = &arguments.training;
    options.only(&["training", "network"])?;
    let shape: [usize; 3] = arguments.shape.as_slice().try_into().map_err(|_| {
        let reason = format!("{:?}; give height, width and channels, such as 32,32,3", arguments.shape);
        Error::Invalid { what: "shape", reason }
    })?;
    let set = Set::read(arguments.data.as_deref(), arguments.labels.as_deref(), shape)?;
    println!("{}", set.description());
    let sizes = options.section("network", NetworkSizes::default())?;
    let seed = settings(arguments, STEPS)?.seed;
    let classes = match set.train.class_count() {
        Some(count) if arguments.classes => count,
        None if arguments.classes => {
            let reason = "the images have no classes; give --labels, or a folder with a sub-folder for each class".into();
            return Err(Error::Invalid { what: "classes", reason });
        }
        _ => 0,
    };
    let image = set.train.shape();
    let layout = Layout::new(set.train.dimension()).with_classes(classes);
    let layout = if arguments.guidance.is_some() { layout.with_scale() } else { layout };
    match arguments.network {
        Network::Light => {
            let shape = UNetShape::new(image).with_channels(&sizes.levels).with_scale(set.deviation());
            let shape = shape.with_frequencies(sizes.frequencies[0], sizes.frequencies[1]);
            let shape = shape.with_layout(layout);
            train_with(arguments, &device, &set, UNet::<T>::new_on(&device, &shape, seed)?)
        }
        Network::Edm => {
            let shape = EdmShape::new(image, sizes.channels, &sizes.multipliers).with_blocks(sizes.blocks);
            let shape = shape.with_attention(&sizes.attention).with_scale(set.deviation()).with_layout(layout);
            let shape = shape.with_dropout(sizes.dropout);
            train_with(arguments, &device, &set, EdmUNet::<T>::new_on(&device, &shape, seed)?)
        }
    }
}

fn settings(arguments: &Arguments, steps: u64) -> Result<Settings> {
    let images = Settings::images(steps);
    arguments.training.settings(match arguments.network {
        Network::Light => images,
        // the magnitude of this network's weights is fixed
        Network::Edm => Settings { optimizer: Adam::rectified().into(), learning_rate: 1e-2, ..images },
    })
}

/// Couples noise with images, or with images and their classes.
fn train_with<T: ImageTensor<Primal = T>, M: Model<T>>(
    arguments: &Arguments,
    device: &T::Device,
    set: &Set,
    model: M,
) -> Result<()> {
    let noise = Normal::new(vec![0.0; set.train.dimension()], set.deviation())?;
    if !arguments.classes {
        let draws = vec![Draws { name: String::new(), noise: vec![Box::new(noise.clone())] }];
        return train(arguments, device, set, model, Independent::new(noise, set.train.clone())?, draws);
    }
    let coupling = Conditional::new(noise.clone(), set.train.clone(), 0.1)?;
    let coupling = match arguments.guidance {
        Some(highest) => coupling.with_guidance([1.0, highest])?,
        None => coupling,
    };
    let of_all = |name: String, scale: f64| -> Result<Draws> {
        let classes = 0..set.train.class_count().unwrap_or(0) as u32;
        let noise = classes.map(|class| Ok(Box::new(coupling.noise(Some(class), scale)?) as Box<dyn Distribution>));
        Ok(Draws { name, noise: noise.collect::<Result<_>>()? })
    };
    let mut draws = vec![of_all(String::new(), 1.0)?];
    if let Some(scale) = arguments.guidance {
        draws.push(of_all(format!(", guided {scale}"), scale)?);
    }
    train(arguments, device, set, model, coupling, draws)
}

fn train<T: ImageTensor<Primal = T>, M: Model<T>>(
    arguments: &Arguments,
    device: &T::Device,
    set: &Set,
    model: M,
    coupling: impl Coupling + Clone,
    draws: Vec<Draws>,
) -> Result<()> {
    let options = &arguments.training;
    let (run, mut trainer) = options.prepare("out/images", STEPS, |steps| {
        Trainer::new(model.clone(), coupling.clone(), settings(arguments, steps)?)?.describe(arguments.machine.backend)
    })?;
    let evaluation = Evaluation::new::<T>(set, draws, &arguments.classifier, arguments.samples as usize, &run, device)?;
    let (parameters, settings) = (parameter_count(&model), trainer.settings());
    println!("{parameters} parameters, {} steps by {}, batch {}", run.steps(), settings.objective, settings.batch);
    let average = settings.averages.first().copied().ok_or_else(|| Error::Invalid {
        what: "averages",
        reason: "there are none to draw samples with; give at least one decay".into(),
    })?;

    let (outcome, times) = options.train_with(&run, &mut trainer, |trainer, training| {
        let step = training.progress.step;
        if step.is_multiple_of(arguments.look_every) {
            evaluation.look(&run.path(&format!("grid-{step:06}.png")), trainer.sampler(average)?)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let seconds: f64 = times.iter().map(Duration::as_secs_f64).sum();
    if outcome == Outcome::Interrupted {
        return Ok(());
    }

    println!("{} steps in {seconds:.0} s; samples of the average {average}:", trainer.steps_taken());
    let scores = evaluation.score(&run, trainer.sampler(average)?)?;
    let settings = trainer.settings();
    let metrics = serde_json::json!({
        "objective": settings.objective.to_string(), "backend": arguments.machine.backend, "parameters": parameters, "batch": settings.batch,
        "steps": trainer.steps_taken(), "seconds_of_training": seconds, "average": average, "seed": settings.seed,
        "data": set.description(), "scores": scores,
    });
    run.write_json("metrics.json", &metrics)?;
    let history = run.history()?;
    let axes = Axes { title: "Mean squared residuals", x: "step", y: "unweighted", scale: Scale::Log };
    let line = |of: fn(&flowmap::learn::Progress) -> f64| history.iter().map(|p| [p.step as f64, of(p)]).collect::<Vec<_>>();
    let (diagonal, off) = (line(|p| p.diagonal), line(|p| p.residual));
    curves(run.path("loss.svg"), &axes, &[("diagonal (flow matching)", &diagonal), ("off the diagonal", &off)])?;
    println!("see {} and metrics.json in the same folder", run.path("samples.png").display());
    Ok(())
}
