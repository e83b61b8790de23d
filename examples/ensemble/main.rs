//! Solves one of three problems, and prints time and error as a line of JSON.
//!
//! ```text
//! cargo run --release --features cli --example ensemble -- --problem lorenz --solver dopri5 --threads 1
//! ```

mod problems;

use clap::{Parser, ValueEnum};
use flowmap::{
    Ode, Tolerance,
    solver::{Adaptive, DOP853, DOPRI5, Ensemble, Start, Status, TSIT5, Tableau},
};
use problems::{Arenstorf, Lorenz, Mixture};
use std::{error::Error, path::PathBuf, time::Instant};

#[derive(Clone, Copy, ValueEnum)]
enum Problem {
    /// 10,000 trajectories of Lorenz's system to time 1.
    Lorenz,
    /// 10,000 points of the probability flow of a mixture of normal distributions.
    Mixture,
    /// One closed orbit of a satellite.
    Arenstorf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    Dopri5,
    Tsit5,
    Dop853,
}

/// Time and error of many small ODEs.
#[derive(Parser)]
struct Options {
    #[arg(long, value_enum, default_value = "lorenz")]
    problem: Problem,
    #[arg(long, value_enum, default_value = "dopri5")]
    solver: Method,
    /// Relative tolerance [default: 1e-6; arenstorf: 1e-10].
    #[arg(long)]
    rtol: Option<f64>,
    /// Absolute tolerance [default: 1e-9; arenstorf: 1e-10].
    #[arg(long)]
    atol: Option<f64>,
    /// Number of threads; 0 takes all cores.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Number of timed repetitions.
    #[arg(long, default_value_t = 21)]
    repeat: usize,
    /// Folder with reference ends, ref_lorenz.f64 and ref_gm.f64, little-endian, trajectory by trajectory [default: the ends of
    /// DOP853 at 1e-13; Arenstorf's closed orbit is its own reference].
    #[arg(long)]
    reference: Option<PathBuf>,
    /// Print JSON only (it always does).
    #[arg(long)]
    json: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let Options { problem, .. } = options;
    match problem {
        Problem::Lorenz => run(&options, "lorenz", &Lorenz, &Lorenz::starts(), Some("ref_lorenz.f64")),
        Problem::Mixture => run(&options, "mixture", &Mixture::default(), &Mixture::starts(), Some("ref_gm.f64")),
        Problem::Arenstorf => run(&options, "arenstorf", &Arenstorf, &[Arenstorf::start()], None),
    }
}

fn run<const D: usize>(
    options: &Options,
    problem: &str,
    ode: &(impl Ode<D> + Sync),
    starts: &[Start<[f64; D]>],
    reference: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let (method, solver): (Tableau, _) = match options.solver {
        Method::Dopri5 => (DOPRI5, "dopri5"),
        Method::Tsit5 => (TSIT5, "tsit5"),
        Method::Dop853 => (DOP853, "dop853"),
    };
    let [rtol, atol] = if reference.is_some() { [1e-6, 1e-9] } else { [1e-10, 1e-10] };
    let tolerance = Tolerance::new(options.rtol.unwrap_or(rtol), options.atol.unwrap_or(atol))?;
    let ensemble = Ensemble::new(Adaptive::new(method)?.tolerance(tolerance));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    let exact: Vec<[f64; D]> = match (reference, &options.reference) {
        (None, _) => starts.iter().map(|start| start.state).collect(),
        (Some(name), Some(folder)) => read(&folder.join(name), starts.len())?,
        (Some(_), None) => {
            let fine = Ensemble::new(Adaptive::new(DOP853)?.tolerance(Tolerance::new(1e-13, 1e-13)?));
            fine.solve(ode, starts).iter().map(|end| end.state).collect()
        }
    };

    let mut ends = Vec::new();
    let mut seconds: Vec<f64> = (0..options.repeat.max(1))
        .map(|_| {
            let begin = Instant::now();
            ends = pool.install(|| ensemble.solve(ode, starts));
            begin.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    if let Some((k, end)) = ends.iter().enumerate().find(|(_, end)| end.status != Status::Finished) {
        return Err(format!("trajectory {k} stopped at time {}: {}", end.time, end.status).into());
    }
    let error = |(end, exact): (&[f64; D], &[f64; D])| end.iter().zip(exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let states: Vec<[f64; D]> = ends.iter().map(|end| end.state).collect();
    let mut errors: Vec<f64> = states.iter().zip(&exact).map(error).collect();
    errors.sort_by(f64::total_cmp);
    let evaluations: u64 = ends.iter().map(|end| end.evaluations).sum();
    let report = serde_json::json!({
        "problem": problem,
        "solver": solver,
        "threads": pool.current_num_threads(),
        "s_median": seconds[seconds.len() / 2],
        "s_min": seconds[0],
        "nfev": evaluations as f64 / ends.len() as f64,
        "err_max": errors[errors.len() - 1],
        "err_median": errors[errors.len() / 2],
    });
    println!("{report}");
    Ok(())
}

/// The ends in a reference file.
fn read<const D: usize>(path: &std::path::Path, count: usize) -> Result<Vec<[f64; D]>, Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    if bytes.len() != count * D * 8 {
        return Err(format!("{}: {} bytes, expected {} for {count} points", path.display(), bytes.len(), count * D * 8).into());
    }
    let values: Vec<f64> = bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    Ok(values.as_chunks().0.to_vec())
}
