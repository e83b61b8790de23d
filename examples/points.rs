//! Learns to draw points like those in your own file: CSV or NPY, any dimension.
//!
//! cargo run --release --features cli,plot --example points -- --data my.csv
//!
//! Writes `samples.csv` (one-step samples in the data's units) and `samples.png` (the first two coordinates by number of steps,
//! standardized, so that columns of any unit share one picture).

use clap::Parser;
use flowmap::{
    Cpu, Error, Result,
    cli::{Options, exit_code},
    data::{Points, Standardization},
    distribution::Normal,
    learn::{Coupling, Independent, Outcome, Settings, Trainer, Transport},
    nn::{Mlp, MlpShape},
    plot::scatter_panels,
};
use std::{path::PathBuf, process::ExitCode};

const STEP_COUNTS: [usize; 4] = [1, 2, 4, 8];
const AVERAGE: f64 = 0.999;

/// Learns the distribution of points in a file. Defaults: lsd, 3,000 steps, batch 1,024, 4 layers of 256, Muon with a rate that
/// falls from 3e-2 to 0, seed 42, out/points
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// Points, one per row: a .csv or .npy file
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Pair noise and data by optimal transport in blocks of this size, such as 128 [default: independent pairs]
    #[arg(long, value_name = "BLOCK")]
    transport: Option<usize>,
    /// Number of samples to draw
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    samples: u32,
}

fn main() -> ExitCode {
    exit_code(learn(&Arguments::parse()))
}

fn learn(arguments: &Arguments) -> Result<()> {
    let options = &arguments.training;
    let points = Points::from_file(&arguments.data)?;
    let units = Standardization::fit(&points);
    let d = units.dimension();
    println!("{} points of dimension {d}", points.len());
    let points = units.standardized(points);

    let shape = MlpShape::new(d, options.width.unwrap_or(256), options.layers.unwrap_or(4));
    let noise = Normal::standard(d)?;
    let (run, mut trainer) = options.prepare("out/points", 3000, |steps| {
        let settings = options.settings(Settings::points(steps))?;
        let model: Mlp<Cpu> = Mlp::new(&shape, settings.seed)?;
        let independent = Independent::new(noise.clone(), points.clone())?;
        let coupling: Box<dyn Coupling> = match arguments.transport {
            None => Box::new(independent),
            Some(block) => Box::new(Transport::new(independent, block)?),
        };
        Trainer::new(model, coupling, settings)?.describe(&units)
    })?;
    trainer.average(AVERAGE)?; // fails now rather than at the end
    let (outcome, _) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(());
    }

    let sampler = trainer.sampler(AVERAGE)?.from(&noise);
    let mut panels = vec![("data".to_string(), first_two(points.as_slice(), d))];
    for steps in STEP_COUNTS {
        let mut drawn = sampler.steps(steps).draw(arguments.samples as usize, 1)?;
        panels.push((if steps == 1 { "1 step".into() } else { format!("{steps} steps") }, first_two(&drawn, d)));
        if steps == 1 {
            units.invert(&mut drawn);
            write_csv(&run.path("samples.csv"), &drawn, d)?;
        }
    }
    let all = || panels.iter().take(1).flat_map(|(_, points)| points).flatten().copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let margin = if high > low { 0.05 * (high - low) } else { 1.0 };
    let panels: Vec<_> = panels.iter().map(|(name, points)| (name.as_str(), points.as_slice())).collect();
    scatter_panels(run.path("samples.png"), &panels, 5, [low - margin, high + margin])?;
    println!("see {} and samples.csv in the same folder", run.path("samples.png").display());
    Ok(())
}

/// The first two coordinates of each row; zero for the second of points on a line.
fn first_two(rows: &[f64], d: usize) -> Vec<[f64; 2]> {
    rows.chunks(d).map(|row| [row[0], row.get(1).copied().unwrap_or(0.0)]).collect()
}

fn write_csv(path: &std::path::Path, rows: &[f64], d: usize) -> Result<()> {
    let failed = |e: csv::Error| Error::Io { path: path.to_owned(), source: e.into() };
    let mut writer = csv::Writer::from_path(path).map_err(failed)?;
    for row in rows.chunks(d) {
        writer.serialize(row).map_err(failed)?;
    }
    writer.flush().map_err(|source| Error::Io { path: path.to_owned(), source })
}
