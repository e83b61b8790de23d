//! Learns the flow map of an ODE without data, and compares it with a solver.
//!
//! cargo run --release --features cli,plot --example learn_ode -- --system pendulum
//!
//! Writes to `out/learn_ode/SYSTEM` for each objective a run with checkpoints and tables and `residuals.png`, and
//! `comparison.json` for all. For the double gyre also `ftle.png`, finite-time Lyapunov exponents by the solver and by the map;
//! for Lorenz's system Lyapunov exponents in the report.

mod exponents;
mod ftle;
mod measured;
#[path = "../common/pace.rs"]
mod pace;
mod residuals;
mod solver;
mod states;
mod systems;
mod training;
mod units;

use clap::{Parser, ValueEnum};
use flowmap::{
    Error, Result,
    cli::{Options, exit_code},
    learn::{Distillation, Goal, Settings},
};
use measured::{Found, found};
use solver::Trajectories;
use std::process::ExitCode;
use systems::{DoubleGyre, Kepler, Lorenz, LotkaVolterra, Pendulum, System};

/// Learns the flow map of an ODE without data. Defaults: lmd, 20,000 steps, batch 1,024, four layers of 128 units, RAdam with a
/// rate that falls from 2e-3 to 0, a tenth of the batch on the diagonal, seed 42
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// The ODE
    #[arg(long, value_enum, default_value_t = Which::Pendulum)]
    system: Which,
    /// Objectives to train, one after the other, such as lmd,emd,pmd
    #[arg(long, value_delimiter = ',', conflicts_with = "objective")]
    objectives: Vec<String>,
    /// Seconds of training for each; the number of steps is estimated from a few
    #[arg(long, conflicts_with_all = ["steps", "minutes"], value_parser = pace::seconds)]
    seconds: Option<f64>,
    /// Reach of pmd's short map, as a share of the span; at 1, pmd is a regression on the ends of trajectories. Below 1, all
    /// objectives start with times this short, which grow to the span over the first half of the steps
    #[arg(long, default_value_t = 1.0)]
    reach: f64,
    /// Factor by which the box and span of training exceed those of the test, since a fit is worst at its edges; for states along
    /// trajectories, the factor of their thickness
    #[arg(long, default_value_t = 1.1)]
    margin: f64,
    /// Learn both directions of time; choose a margin that includes the ends of the map
    #[arg(long)]
    both_ways: bool,
    /// Also test the map projected onto the level set of the ODE's invariant
    #[arg(long)]
    project: bool,
    /// Number of test trajectories
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

fn compare<const D: usize, S: System<D>>(arguments: &Arguments, system: S) -> Result<()> {
    if !(arguments.margin >= 1.0 && arguments.margin.is_finite()) {
        return Err(Error::Invalid { what: "margin", reason: format!("{}; give 1 or more", arguments.margin) });
    }
    let options = &arguments.training;
    options.only(&["training"])?;
    let objectives = objectives(arguments)?;
    let starts = states::tested(system, &training::solver()?, arguments.tests as usize)?;
    let truth = Trajectories::exact(&system, &starts)?;
    println!("{} from {:?} over {:?}, {} test trajectories", S::NAME, S::BOX, S::SPAN, arguments.tests);

    let folder = options.out.clone().unwrap_or_else(|| format!("out/learn_ode/{}", S::NAME).into());
    let (mut all, mut diverged) = (vec![], vec![]);
    for name in objectives.iter().map(ToString::to_string) {
        let folder = folder.join(name.replace(':', "-"));
        // the one of a configuration has its numbers there
        let given = if arguments.objectives.is_empty() { options.objective.clone() } else { Some(name.clone()) };
        let options = Options { objective: given, ..options.clone() };
        let trained = match training::train(arguments, &options, &folder, system) {
            // in a comparison, divergence is a result, too
            Err(error @ Error::Diverged { .. }) if objectives.len() > 1 => {
                eprintln!("{error}");
                diverged.push(name);
                continue;
            }
            trained => trained?,
        };
        let Some(trained) = trained else { return Ok(()) };
        residuals::draw(system, &trained, &truth.starts, &folder)?;
        all.push(found(system, trained, &truth, arguments.project, arguments.both_ways, &folder)?);
    }

    print_table(&all, S::PARTS);
    diverged.iter().for_each(|objective| println!("{objective:>18} diverged"));
    let Some(best) = all.iter().min_by(|a, b| a.map.error.total_cmp(&b.map.error)) else { return Ok(()) };
    let equal = truth.solver_at(&system, best.map.error)?;
    println!("{equal}\nthe best map: {} of the network, {:.0} ns a trajectory", evaluations(S::PARTS), best.map.nanoseconds);
    let report = serde_json::json!({ "system": S::NAME, "box": S::BOX.to_vec(), "span": S::SPAN, "parts": S::PARTS, "tests": arguments.tests,
        "learned": all, "diverged": diverged, "solver_at_equal_error": equal });
    let path = folder.join("comparison.json");
    std::fs::write(&path, serde_json::to_string_pretty(&report).unwrap_or_default()).map_err(|source| Error::Io { path, source })
}

/// The objectives given, or that of the configuration, or lmd.
fn objectives(arguments: &Arguments) -> Result<Vec<Goal>> {
    let one = arguments.training.settings(Settings { objective: Distillation::LMD.into(), ..Settings::default() })?.objective;
    let objectives = arguments.objectives.iter().map(|name| name.parse()).collect::<Result<Vec<Goal>>>()?;
    if let Some((_, twice)) = objectives.iter().enumerate().find(|(k, objective)| objectives[..*k].contains(objective)) {
        return Err(Error::Invalid { what: "objectives", reason: format!("{twice} is given twice") });
    }
    Ok(if objectives.is_empty() { vec![one] } else { objectives })
}

fn evaluations(count: u32) -> String {
    if count == 1 { "one evaluation".into() } else { format!("{count} evaluations") }
}

fn print_table(all: &[Found], parts: u32) {
    let [one, two] = [parts, 2 * parts].map(|n| format!("{n} step{}", if n == 1 { "" } else { "s" }));
    println!(
        "\n{:>18} {:>7} {:>8} {one:>9} {two:>9} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "objective", "steps", "seconds", "drift", "semigroup", "inverse", "volume", "ns"
    );
    let share = |error: f64| format!("{:.3} %", 100.0 * error);
    let optional = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.2e}"));
    for f in all {
        println!(
            "{:>18} {:>7} {:>8.0} {:>9} {:>9} {:>9} {:>9.2e} {:>9} {:>9} {:>8.0}",
            f.objective,
            f.steps,
            f.seconds,
            share(f.map.error),
            share(f.error_of_halves),
            optional(f.map.drift),
            f.semigroup,
            optional(f.inverse),
            optional(f.volume),
            f.map.nanoseconds
        );
        if let Some(projected) = &f.projected {
            let (error, drift) = (share(projected.error), optional(projected.drift));
            println!("{:>18} {:>7} {:>8} {error:>9} {:>9} {drift:>9} {:>39.0}", "projected", "", "", "", projected.nanoseconds);
        }
    }
}
