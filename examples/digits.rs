//! Learns to draw handwritten digits from 1,797 real ones of 8 x 8 pixels, in 1 to 8 steps.
//!
//! cargo run --release --features cli,plot --example digits

use clap::Parser;
use flowmap::{
    Cpu, Error, Result,
    cli::{Options, exit_code},
    data::{Points, Standardization},
    distribution::Normal,
    learn::{Annealing, Independent, Outcome, Settings, Trainer},
    nn::{Mlp, MlpShape},
    plot::image_grid,
};
use std::{path::PathBuf, process::ExitCode};

const SIDE: usize = 8;
const IN_A_ROW: usize = 20;
const STEP_COUNTS: [usize; 4] = [1, 2, 4, 8];
const AVERAGE: f64 = 0.999;

/// Learns handwritten digits. Defaults: lsd, paper stop gradients, 6000 steps, batch 512, 4 layers of 768, lr 1e-3, seed 42,
/// out/digits. The learning rate falls to 0 over the steps
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// CSV file of images: rows of 64 pixels from 0 to 16, then a label
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/digits.csv"))]
    data: PathBuf,
}

fn main() -> ExitCode {
    exit_code(learn(&Arguments::parse()))
}

fn learn(arguments: &Arguments) -> Result<()> {
    let options = &arguments.training;
    let (images, _labels) = Points::from_csv_with_labels(&arguments.data)?;
    let pixels = Standardization::interval(SIDE * SIDE, [0.0, 16.0], [-1.0, 1.0])?;
    if images.dimension() != SIDE * SIDE {
        let reason = format!("rows of {} pixels and a label, expected {}", images.dimension(), SIDE * SIDE);
        return Err(Error::File { path: arguments.data.clone(), line: None, reason });
    }
    let real = images.iter().take(IN_A_ROW).flatten().copied().collect();
    let data = pixels.standardized(images);
    let square: f64 = data.as_slice().iter().map(|x| x * x).sum();
    let scale = (square / data.as_slice().len() as f64).sqrt();
    let noise = Normal::new(vec![0.0; SIDE * SIDE], scale)?;

    let shape = MlpShape::new(SIDE * SIDE, options.width.unwrap_or(768), options.layers.unwrap_or(4)).with_scale(scale);
    let (run, mut trainer) = options.prepare("out/digits", 6000, |steps| {
        let schedule = Annealing::Cosine { steps };
        let settings = options.settings(Settings { batch: 512, schedule, ..Settings::default() })?;
        let model: Mlp<Cpu> = Mlp::new(&shape, settings.seed)?;
        Trainer::new(model, Independent::new(noise.clone(), data.clone())?, settings)
    })?;
    trainer.average(AVERAGE)?; // fails now rather than at the end
    let (outcome, _) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(());
    }

    let sampler = trainer.sampler(AVERAGE)?.from(&noise);
    let mut rows = vec![("real".to_string(), real)];
    for steps in STEP_COUNTS {
        let mut drawn = sampler.steps(steps).draw(IN_A_ROW, 1)?;
        pixels.invert(&mut drawn);
        rows.push((if steps == 1 { "1 step".into() } else { format!("{steps} steps") }, drawn));
    }
    let rows: Vec<_> = rows.iter().map(|(name, images)| (name.as_str(), images.as_slice())).collect();
    let picture = run.path("digits.png");
    image_grid(&picture, &rows, [SIDE, SIDE, 1], [0.0, 16.0])?;
    println!("see {}", picture.display());
    Ok(())
}
