//! Learns the flow map of an ODE without data, and holds it against a solver.
//!
//! cargo run --release --features cli --example learn_ode -- --system pendulum
//!
//! Leaves in `out/learn_ode/SYSTEM` for each objective a run with checkpoints and tables, and `comparison.json`.

mod solver;
mod systems;

use clap::{Parser, ValueEnum};
use flowmap::{
    Conjugation, Error, FlowMap, Learned, Pointwise, Result, Scaling, Tensor, Tolerance,
    backend::ndarray::NdTensor,
    law::{Law, Uniform, stream},
    learn::{Checkpoint, GivenField, Growth, Objective, Options, Outcome, Schedule, Settings, Solved, Times, Trainer, exit_code},
    nalgebra,
    nn::{Mlp, MlpShape, Model},
    solver::{Adaptive, DOPRI5, Ensemble},
};
use serde::Serialize;
use solver::Trajectories;
use std::{process::ExitCode, time::Instant};
use systems::{DoubleGyre, Kepler, Lorenz, LotkaVolterra, Pendulum, System};

type Batch = NdTensor<f32>;
type Network = Mlp<Batch>;

/// Learns the flow map of an ODE without data. Defaults: lmd, 20,000 steps, batch 1,024, four layers of 128 units, RAdam with a rate that falls from
/// 2e-3 to 0, a tenth of the batch on the diagonal, seed 42
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// The ODE
    #[arg(long, value_enum, default_value_t = Which::Pendulum)]
    system: Which,
    /// Several objectives, one after the other, such as lmd,emd,pmd
    #[arg(long, value_delimiter = ',', conflicts_with = "objective")]
    objectives: Vec<String>,
    /// Seconds of training for each: the steps follow from the time that some of them take
    #[arg(long, conflicts_with = "steps", value_parser = seconds)]
    seconds: Option<f64>,
    /// How far the short map of pmd reaches, as a share of the span; at 1, pmd is a regression on the ends of trajectories. Below 1, times of
    /// all objectives are as short at first, and grow to the span over the first half of the steps
    #[arg(long, default_value_t = 1.0)]
    reach: f64,
    /// How much larger than the box of the test the box is that is learned from
    #[arg(long, default_value_t = 1.0)]
    margin: f64,
    /// Trajectories to test by
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    tests: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    Pendulum,
    LotkaVolterra,
    Lorenz,
    DoubleGyre,
    Kepler,
}

/// A time to train for.
fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_string())?;
    if (1e-3..=1e7).contains(&seconds) { Ok(seconds) } else { Err("from 0.001 to 10,000,000 seconds".into()) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(match arguments.system {
        Which::Pendulum => compare(&arguments, Pendulum),
        Which::LotkaVolterra => compare(&arguments, LotkaVolterra),
        Which::Lorenz => compare(&arguments, Lorenz),
        Which::DoubleGyre => compare(&arguments, DoubleGyre),
        Which::Kepler => compare(&arguments, Kepler),
    })
}

/// What came of one objective.
#[derive(Serialize)]
struct Found {
    objective: String,
    steps: u64,
    /// Of training, since the program was last started.
    seconds: f64,
    /// The root mean square error of the map over the whole span, as a share of the spread of the ends.
    error: f64,
    /// The same of two steps of half the span.
    error_of_two_steps: f64,
    /// The root mean square change of the invariant, as a share of its spread.
    drift: Option<f64>,
    /// The root mean square of `det ∇X - 1`.
    volume: Option<f64>,
    /// Time for each trajectory.
    nanoseconds: f64,
}

fn compare<const D: usize, S: System<D>>(arguments: &Arguments, system: S) -> Result<()> {
    if !(arguments.margin >= 1.0 && arguments.margin.is_finite()) {
        return Err(Error::Invalid { what: "margin", reason: format!("{}; give 1 or more", arguments.margin) });
    }
    let options = &arguments.training;
    options.only(&["training"])?;
    let tests = Uniform::new(&S::BOX)?;
    let mut starts = vec![0.0; D * arguments.tests as usize];
    tests.draw_rows(&mut stream(1, 0), &mut starts);
    let truth = Trajectories::exact(&system, starts.as_chunks::<D>().0)?;
    println!("{} from {:?} over {:?}, {} test trajectories", S::NAME, S::BOX, S::SPAN, arguments.tests);

    let one = options.settings(Settings { objective: "lmd".parse()?, ..Settings::default() })?.objective;
    let mut objectives = arguments.objectives.iter().map(|name| name.parse()).collect::<Result<Vec<Objective>>>()?;
    if objectives.is_empty() {
        objectives.push(one);
    }
    if let Some((_, twice)) = objectives.iter().enumerate().find(|(k, objective)| objectives[..*k].contains(objective)) {
        return Err(Error::Invalid { what: "objectives", reason: format!("{twice} is there twice") });
    }
    let folder = options.out.clone().unwrap_or_else(|| format!("out/learn_ode/{}", S::NAME).into());
    let mut all = vec![];
    for name in objectives.iter().map(ToString::to_string) {
        let options = Options { out: Some(folder.join(name.replace(':', "-"))), objective: Some(name), ..options.clone() };
        let Some(found) = learn(arguments, &options, system, &truth)? else { return Ok(()) };
        all.push(found);
    }

    println!(
        "\n{:>18} {:>7} {:>8} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "objective", "steps", "seconds", "1 step", "2 steps", "drift", "volume", "ns"
    );
    let optional = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.2e}"));
    for f in &all {
        let (drift, volume) = (optional(f.drift), optional(f.volume));
        let [one, two] = [f.error, f.error_of_two_steps].map(|error| format!("{:.3} %", 100.0 * error));
        println!(
            "{:>18} {:>7} {:>8.0} {one:>9} {two:>9} {drift:>9} {volume:>9} {:>8.0}",
            f.objective, f.steps, f.seconds, f.nanoseconds
        );
    }
    let best = all.iter().min_by(|a, b| a.error.total_cmp(&b.error)).expect("there is an objective");
    let equal = truth.solver_at(&system, best.error)?;
    println!("{equal}\nthe best map: one evaluation of the network, {:.0} ns a trajectory", best.nanoseconds);
    let report = serde_json::json!({ "system": S::NAME, "box": S::BOX.to_vec(), "span": S::SPAN, "tests": arguments.tests,
        "learned": all, "solver_at_equal_error": equal });
    let path = folder.join("comparison.json");
    std::fs::write(&path, serde_json::to_string_pretty(&report).unwrap_or_default()).map_err(|source| Error::Io { path, source })
}

/// Trains by one objective; nothing if that was interrupted.
fn learn<const D: usize, S: System<D>>(
    arguments: &Arguments,
    options: &Options,
    system: S,
    truth: &Trajectories<D>,
) -> Result<Option<Found>> {
    let units = Scaling::of_box(S::BOX)?;
    let field = Conjugation::<_, _, D> { of: Pointwise::<S, D>(system), by: units.reversed() };
    let states = Uniform::new(&[[-arguments.margin, arguments.margin]; D])?;
    let [start, end] = S::SPAN;
    let ensemble = Ensemble::new(Adaptive::new(DOPRI5)?.tolerance(Tolerance::new(1e-6, 1e-6)?));
    let source = || {
        let source = GivenField::new(field, states.clone(), S::SPAN)?.named(S::NAME);
        source.with_map(arguments.reach * (end - start), Solved::new(system, ensemble.clone()).in_units(units))
    };
    let settings = |steps: u64| {
        options.settings(Settings {
            batch: 1024,
            diagonal: 0.1,
            weight: 0.0,
            times: if S::AUTONOMOUS { Times::FromStart } else { Times::Uniform },
            growth: (arguments.reach < 1.0).then_some(Growth { first: arguments.reach, steps: steps / 2 }),
            learning_rate: 2e-3,
            schedule: Schedule::Cosine { steps },
            averages: vec![0.999],
            ..Settings::default()
        })
    };
    let shape = MlpShape::new(D, options.width.unwrap_or(128), options.layers.unwrap_or(4));
    let shape = if S::AUTONOMOUS { shape.autonomous() } else { shape };
    let network = |seed| Network::new(&shape, seed, &());
    let out = options.out.clone().unwrap_or_default();
    let newest = if options.resume { Checkpoint::latest(&out.join("checkpoints"))? } else { None };
    let begun = newest.map(|path| Checkpoint::open(&path)).transpose()?;
    let steps = match (arguments.seconds, begun.map(|checkpoint| checkpoint.settings().schedule)) {
        // as many as were said when it began
        (Some(_), Some(Schedule::Cosine { steps })) => steps,
        (None, _) => options.steps.unwrap_or(20_000),
        (Some(seconds), _) => {
            let settings = settings(1000)?;
            let mut trial = Trainer::new(network(settings.seed)?, source()?, settings, ())?;
            (0..5).try_for_each(|_| trial.step().map(drop))?;
            let begin = Instant::now();
            (0..20).try_for_each(|_| trial.step().map(drop))?;
            ((20.0 * seconds / begin.elapsed().as_secs_f64()) as u64).max(1)
        }
    };
    let run = Options { steps: Some(steps), ..options.clone() }.run("", steps)?;
    let settings = settings(steps)?;
    let objective = settings.objective.to_string();
    println!("{objective}: {steps} steps");
    let mut trainer = Trainer::new(network(settings.seed)?, source()?, settings, ())?;
    trainer.average(AVERAGE)?; // or refuse now, not at the end
    let (outcome, times) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(None);
    }

    let learned = trainer.average(AVERAGE)?;
    let ends = |steps: usize| ends(learned, &units, truth, S::SPAN, steps);
    let (one, nanoseconds) = ends(1);
    let invariants = |states: &[[f64; D]]| states.iter().map(S::invariant).collect::<Option<Vec<f64>>>();
    let drift = invariants(&truth.starts).zip(invariants(&one)).map(|(before, after)| {
        let change = before.iter().zip(&after).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let mean = before.iter().sum::<f64>() / before.len() as f64;
        (change / before.iter().map(|a| (a - mean) * (a - mean)).sum::<f64>()).sqrt()
    });
    Ok(Some(Found {
        objective,
        steps,
        seconds: times.iter().map(|time| time.as_secs_f64()).sum(),
        error: truth.error(&one),
        error_of_two_steps: truth.error(&ends(2).0),
        drift,
        volume: S::INCOMPRESSIBLE.then(|| volume_drift::<D>(learned, truth, &units, S::SPAN)),
        nanoseconds,
    }))
}

const AVERAGE: f64 = 0.999;

/// Where the learned map takes the test's states, and the time that this takes for each.
fn ends<const D: usize>(
    network: &impl Model<Batch>,
    units: &Scaling<D>,
    truth: &Trajectories<D>,
    [start, end]: [f64; 2],
    steps: usize,
) -> (Vec<[f64; D]>, f64) {
    let map = Conjugation::<_, _, D> { of: Learned(network), by: *units };
    let time = |k: usize| Batch::from_slice(&(), &[(start + (end - start) * k as f64 / steps as f64) as f32], &[]);
    let starts: Vec<f32> = truth.starts.as_flattened().iter().map(|&x| x as f32).collect();
    let starts = Batch::from_slice(&(), &starts, &[truth.starts.len(), D]);
    let mut ends = starts.clone();
    let mut seconds = f64::INFINITY;
    for _ in 0..5 {
        let begin = Instant::now();
        ends = (0..steps).fold(starts.clone(), |x, k| map.flow(&time(k), &time(k + 1), &x));
        seconds = seconds.min(begin.elapsed().as_secs_f64());
    }
    let ends: Vec<f64> = ends.to_vec().into_iter().map(f64::from).collect();
    (ends.as_chunks().0.to_vec(), 1e9 * seconds / truth.starts.len() as f64)
}

/// The root mean square of `det ∇X - 1`: that of the map in units of its own is the same.
fn volume_drift<const D: usize>(
    network: &impl Model<Batch>,
    truth: &Trajectories<D>,
    units: &Scaling<D>,
    [start, end]: [f64; 2],
) -> f64 {
    use flowmap::{Diffeomorphism, Dual};
    let scaled: Vec<f32> = truth.starts.iter().flat_map(|x| units.forward(x).map(|z| z as f32)).collect();
    let rows = truth.starts.len();
    let x = Batch::from_slice(&(), &scaled, &[rows, D]);
    let time = |t: f64| Dual::constant(Batch::from_slice(&(), &[t as f32], &[]));
    let columns: Vec<Vec<f32>> = (0..D)
        .map(|k| {
            let direction: Vec<f32> = (0..rows * D).map(|i| if i % D == k { 1.0 } else { 0.0 }).collect();
            let moving = Dual::new(x.clone(), Batch::from_slice(&(), &direction, &[rows, D]));
            Learned(network).flow(&time(start), &time(end), &moving).tangent().to_vec()
        })
        .collect();
    let gradient = |row: usize| nalgebra::DMatrix::from_fn(D, D, |i, k| f64::from(columns[k][row * D + i]));
    ((0..rows).map(|row| (gradient(row).determinant() - 1.0).powi(2)).sum::<f64>() / rows as f64).sqrt()
}
