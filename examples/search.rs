//! Searches for settings: each candidate trains for the same time, the better half trains again for twice that time, and so on.
//!
//! cargo run --release --features cli,plot --example search -- --seconds 10
//!
//! Candidates are all combinations of the optimizers, rates and widths given; each trains with several seeds. Their score is the
//! distance of one-step samples from data that were not learned. Writes `out/search/search.csv`, and a run for each training.
//! Reference: K. Jamieson, A. Talwalkar, Non-stochastic best arm identification, arXiv 1502.07943 (successive halving).

#[path = "common/pace.rs"]
mod pace;

use clap::Parser;
use flowmap::{
    AverageVelocityMap, Cpu, Error, Result, TimeGrid,
    cli::{Options, exit_code},
    data::{Points, Standardization},
    distribution::{Checkerboard, Distribution, Normal},
    interpolant::Linear,
    learn::{Descent, Independent, Settings},
    metric::sliced_wasserstein,
    nn::{Mlp, MlpShape},
    random::stream,
    sample::Route,
};
use pace::Length;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Directions of the distances, and seeds of noise and of perfect samples.
const DIRECTIONS: usize = 100;
const NOISE: u64 = 7;
const PERFECT: u64 = 3;

/// Searches for an optimizer, its rate and the width of a network that learns points best in a given time. The settings that do
/// not vary are those of the example points
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// Points to learn, of which a third is kept for the score: a .csv or .npy file [default: the checkerboard]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Seconds of the first training of each candidate
    #[arg(long, conflicts_with_all = ["steps", "minutes"], default_value_t = 10.0, value_parser = pace::seconds)]
    seconds: f64,
    /// Optimizers
    #[arg(long, value_delimiter = ',', default_values_t = ["adam", "muon", "soap"].map(String::from))]
    optimizers: Vec<String>,
    /// Learning rates, as factors of the usual one of the optimizer
    #[arg(long, value_delimiter = ',', default_values_t = [0.3, 1.0, 3.0])]
    rates: Vec<f64>,
    /// Units per layer
    #[arg(long, value_delimiter = ',', default_values_t = [128, 256])]
    widths: Vec<usize>,
    /// Trainings of each candidate, with seeds from that of --seed on
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Number of samples for the score
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    samples: u32,
}

/// What varies.
#[derive(Clone)]
struct Candidate {
    name: String,
    optimizer: Descent,
    rate: f64,
    width: usize,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{:.1e}-{}", self.name, self.rate, self.width))
    }
}

fn main() -> ExitCode {
    exit_code(search(&Arguments::parse()).map(drop))
}

/// Returns nothing if interrupted.
fn search(arguments: &Arguments) -> Result<Option<()>> {
    let Options { optimizer, lr, width, .. } = &arguments.training;
    let given = [("optimizer", optimizer.is_some()), ("lr", lr.is_some()), ("width", width.is_some())];
    if let Some((what, _)) = given.into_iter().find(|(_, given)| *given) {
        return Err(Error::Invalid { what, reason: "it varies here; give --optimizers, --rates, --widths".into() });
    }
    let problem = Problem::new(arguments)?;
    let mut candidates = candidates(arguments)?;
    let folder = arguments.training.out.clone().unwrap_or_else(|| "out/search".into());
    let (mut csv, mut rung) = ("rung,seconds,optimizer,rate,width,one_step,four_steps\n".to_string(), 1);
    println!("samples and other data are {:.4} apart where both are perfect", problem.floor(arguments.samples as usize)?);
    loop {
        let seconds = arguments.seconds * f64::from(1 << (rung - 1));
        println!("\n{} candidates, {} trainings of {seconds} s each", candidates.len(), arguments.seeds);
        let mut found = Vec::new();
        for candidate in &candidates {
            let mut sum = [0.0; 2];
            for k in 0..arguments.seeds {
                let folder = folder.join(format!("rung-{rung}")).join(candidate.to_string()).join(format!("seed-{k}"));
                let score = match problem.score(arguments, candidate, k, seconds, &folder) {
                    // a rate that is too large is a result, too
                    Err(Error::Diverged { .. }) => [f64::INFINITY; 2],
                    score => match score? {
                        Some(score) => score,
                        None => return Ok(None),
                    },
                };
                sum = [0, 1].map(|i| sum[i] + score[i] / arguments.seeds as f64);
            }
            found.push((candidate.clone(), sum));
        }
        found.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]));
        println!("{:>24} {:>10} {:>10}", "optimizer-rate-width", "one step", "four steps");
        for (candidate, [one, four]) in &found {
            println!("{candidate:>24} {one:>10.4} {four:>10.4}");
            let Candidate { name, rate, width, .. } = candidate;
            csv += &format!("{rung},{seconds},{name},{rate},{width},{one},{four}\n");
        }
        let path = folder.join("search.csv");
        fs::write(&path, &csv).map_err(|source| Error::Io { path: path.clone(), source })?;
        if found.len() == 1 {
            println!("see {}", path.display());
            return Ok(Some(()));
        }
        found.truncate(found.len().div_ceil(2));
        candidates = found.into_iter().map(|(candidate, _)| candidate).collect();
        rung += 1;
    }
}

fn candidates(arguments: &Arguments) -> Result<Vec<Candidate>> {
    let mut all = Vec::new();
    for name in &arguments.optimizers {
        let optimizer: Descent = name.parse()?;
        for factor in &arguments.rates {
            let rate = factor * optimizer.usual_rate();
            let of = |&width| Candidate { name: name.clone(), optimizer: optimizer.clone(), rate, width };
            all.extend(arguments.widths.iter().map(of));
        }
    }
    if all.is_empty() {
        return Err(Error::Invalid { what: "candidates", reason: "there are none; give optimizers, rates and widths".into() });
    }
    Ok(all)
}

/// Data to learn, and others to compare with.
struct Problem {
    learned: Points,
    kept: Points,
}

impl Problem {
    fn new(arguments: &Arguments) -> Result<Self> {
        let Some(path) = &arguments.data else {
            let drawn = |count: usize, seed: u64| {
                let mut rows = vec![0.0; 2 * count];
                Checkerboard.draw_rows(&mut stream(seed, 0), &mut rows);
                Points::new(rows, 2)
            };
            return Ok(Self { learned: drawn(1_000_000, 1)?, kept: drawn(arguments.samples as usize, 2)? });
        };
        let points = Points::from_file(path)?;
        let points = Standardization::fit(&points).standardized(points);
        let d = points.dimension();
        let (kept, learned): (Vec<_>, Vec<_>) = points.iter().enumerate().partition(|(k, _)| k.is_multiple_of(3));
        let set = |rows: Vec<(usize, &[f64])>| Points::new(rows.into_iter().flat_map(|(_, x)| x.to_vec()).collect(), d);
        Ok(Self { learned: set(learned)?, kept: set(kept)? })
    }

    /// The distance between learned data, as perfect samples, and those kept.
    fn floor(&self, samples: usize) -> Result<f64> {
        let d = self.learned.dimension();
        let few = self.learned.as_slice().iter().take(samples * d).copied().collect();
        Ok(sliced_wasserstein(&Points::new(few, d)?, &self.kept, DIRECTIONS, PERFECT)?.w2)
    }

    /// Trains, and returns the distances of samples of one and four steps; nothing if interrupted.
    fn score(
        &self,
        arguments: &Arguments,
        candidate: &Candidate,
        k: u64,
        seconds: f64,
        folder: &Path,
    ) -> Result<Option<[f64; 2]>> {
        let (options, d) = (&arguments.training, self.learned.dimension());
        let settings = |steps| {
            let settings = options.settings(Settings::points(steps))?;
            let (optimizer, seed) = (candidate.optimizer.clone(), settings.seed + k);
            Ok(Settings { optimizer, learning_rate: candidate.rate, seed, ..settings })
        };
        let network = Mlp::<Cpu>::new(&MlpShape::new(d, candidate.width, options.layers.unwrap_or(4)), settings(1)?.seed)?;
        let noise = Normal::standard(d)?;
        let source = || Independent::new(noise.clone(), self.learned.clone());
        let trained = pace::train::<Cpu, _, _>(options, folder, Length::Seconds(seconds), network, source, settings)?;
        let Some(trained) = trained else { return Ok(None) };
        let distance = |steps| {
            let route = Route::gamma(&Linear, &TimeGrid::uniform([0.0, 1.0], steps)?, 0.0)?;
            let rows = route.draw::<Cpu>(&AverageVelocityMap(&trained.network), &noise, arguments.samples as usize, NOISE)?;
            Ok::<_, Error>(sliced_wasserstein(&Points::new(rows, d)?, &self.kept, DIRECTIONS, PERFECT)?.w2)
        };
        Ok(Some([distance(1)?, distance(4)?]))
    }
}
