//! Distills an expensive velocity into a flow map, and counts what a solver needs for the same error.
//!
//! cargo run --release --features cli --example distill -- --teacher network
//! cargo run --release --features cli --example distill -- --teacher mixture
//!
//! The teacher is a network that has learned the velocity of the checkerboard by flow matching, and the map a network of the same
//! architecture; or the probability flow of a mixture of 2,000 normal distributions in 16 dimensions. Writes the runs and
//! `comparison.json` to `out/distill/TEACHER`.

mod comparison;
mod mixture;
#[path = "../common/pace.rs"]
mod pace;

use clap::{Parser, ValueEnum};
use comparison::{Test, Way, doubles, equals};
use flowmap::{
    AverageVelocityMap, Error, FlowMap, Result, Tensor, TimeGrid, Tolerance,
    backend::ndarray::NdTensor,
    cli::{Options, exit_code},
    distribution::{Checkerboard, Distribution, Normal},
    learn::{FromTeacher, Independent, Settings, Source, TeacherNetwork},
    metric::checkerboard_kl,
    nn::{Mlp, MlpShape, parameter_count},
    random::stream,
    sample,
    solver::{Adaptive, DOP853, DOPRI5, EULER, Ensemble, FixedSteps, MIDPOINT, RK4, Start},
};
use mixture::{D, Mixture};
use pace::{Length, falling};
use std::{path::Path, process::ExitCode};

type Batch = NdTensor<f32>;
type Network = Mlp<Batch>;

/// Learns the flow map of a teacher's velocity, and counts what a solver needs for the same error. Defaults: pmd (psd-m for the
/// mixtures), 120 seconds of training (of the teacher, too), batch 512, four layers of 128 units (256 for the mixtures), RAdam
/// with a rate that falls from 2e-3 to 0, seed 42
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// Teacher whose velocity is distilled
    #[arg(long, value_enum, default_value_t = Teacher::Network)]
    teacher: Teacher,
    /// Seconds of each training; the number of steps is estimated from a few
    #[arg(long, conflicts_with_all = ["steps", "minutes"], default_value_t = 120.0, value_parser = pace::seconds)]
    seconds: f64,
    /// Number of test trajectories
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    tests: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Teacher {
    /// A network trained on the checkerboard by flow matching
    Network,
    /// The probability flow of 2,000 normal distributions in 16 dimensions, with means on a surface
    Mixture,
    /// The same, with random means
    ScatteredMixture,
}

const AVERAGE: f64 = 0.999;
const MAP_STEPS: [usize; 4] = [1, 2, 4, 8];
/// The seed of the noise for tests and samples.
const NOISE: u64 = 7;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(match arguments.teacher {
        Teacher::Network => of_network(&arguments),
        Teacher::Mixture => Mixture::on_a_surface(1).and_then(|mixture| of_mixture(&arguments, &mixture, "mixture")),
        Teacher::ScatteredMixture => {
            Mixture::scattered(1).and_then(|mixture| of_mixture(&arguments, &mixture, "scattered-mixture"))
        }
    })
}

fn of_network(arguments: &Arguments) -> Result<()> {
    if let Some(stop) = &arguments.training.stop_gradient {
        let reason =
            format!("--stop-gradient also applies to the teacher; write it with the objective, such as --objective lmd:{stop}");
        return Err(Error::Invalid { what: "stop gradient", reason });
    }
    let folder = arguments.training.out.clone().unwrap_or_else(|| "out/distill/network".into());
    let noise = Normal::new(vec![0.0; 2], Checkerboard::STD)?;
    let coupling = || Independent::new(noise.clone(), Checkerboard);
    let settings = |objective: &str| settings(arguments, objective);
    let network = Network::new(&shape(arguments, 2, 128).with_scale(Checkerboard::STD), settings("fm")?.seed)?;
    println!("the teacher, by flow matching");
    let Some(teacher) = train(arguments, network, coupling, settings("fm")?, &folder.join("teacher"))? else { return Ok(()) };
    let field = TeacherNetwork::<Batch, _>::new(teacher.clone());
    // pmd with this reach is a regression on the teacher's ODE
    let source = || FromTeacher::new(field.clone(), coupling()?).with_short_map(1.0, 6);
    let settings = settings(arguments.training.objective.as_deref().unwrap_or("pmd"))?;
    println!("its map, by {}", settings.objective);
    let Some(map) = train(arguments, teacher, source, settings, &folder.join("map"))? else { return Ok(()) };

    let starts = starts(arguments, &noise);
    let exact = FixedSteps::new(RK4, 400)?.of(field.clone());
    let test = Test::new(starts.clone(), doubles(&exact.carry([0.0, 1.0], &starts)));
    let solvers = test.solvers(&field)?;
    let maps = maps(&test, &map)?;
    report(&folder, &maps, &solvers)?;

    let divergence = |map: &dyn FlowMap<Batch>, steps| -> Result<f64> {
        let rows = sample::draw::<Batch>(map, &TimeGrid::uniform([0.0, 1.0], steps)?, &noise, SAMPLES, NOISE);
        Ok(checkerboard_kl(rows.as_chunks().0)?.aligned)
    };
    println!("\nKL divergence from the checkerboard, {SAMPLES} samples, bins aligned with the squares");
    println!("{:>24} {:>12} {:>9}", "", "evaluations", "KL");
    for (method, each, counts) in [(EULER, 1, [8, 12, 16, 32, 64]), (MIDPOINT, 2, [3, 4, 5, 6, 8]), (RK4, 4, [1, 2, 3, 4, 25])] {
        let step = FixedSteps::new(method, 1)?.of(field.clone());
        for steps in counts {
            println!("{:>24} {:>12} {:>9.4}", format!("{}, {steps}", method.name), each * steps, divergence(&step, steps)?);
        }
    }
    for steps in MAP_STEPS {
        println!("{:>24} {steps:>12} {:>9.4}", format!("map, {steps}"), divergence(&AverageVelocityMap(&map), steps)?);
    }
    Ok(())
}

const SAMPLES: usize = 64_000;

fn of_mixture(arguments: &Arguments, mixture: &Mixture, name: &str) -> Result<()> {
    let folder = arguments.training.out.clone().unwrap_or_else(|| format!("out/distill/{name}").into());
    let noise = Normal::standard(D)?;
    let settings = settings(arguments, arguments.training.objective.as_deref().unwrap_or("psd-m"))?;
    let network = Network::new(&shape(arguments, D, 256), settings.seed)?;
    println!("{} parameters, by {}", parameter_count(&network), settings.objective);
    let source = || Ok(FromTeacher::new(mixture.clone(), Independent::new(noise.clone(), mixture.clone())?).named(name));
    let Some(map) = train(arguments, network, source, settings, &folder.join("map"))? else { return Ok(()) };

    let starts = starts(arguments, &noise);
    let points: Vec<Start<[f64; D]>> =
        doubles(&starts).as_chunks::<D>().0.iter().map(|&state| Start { from: 0.0, to: 1.0, state, parameters: [] }).collect();
    let solve = |method, tolerance: f64| {
        let ensemble = Ensemble::new(Adaptive::new(method)?.tolerance(Tolerance::new(tolerance, tolerance)?));
        let found = ensemble.solve(mixture, &points);
        let evaluations = found.iter().map(|end| end.evaluations as f64).sum::<f64>() / found.len() as f64;
        let ends = found.iter().zip(&points).map(|(end, start)| end.success(start)).collect::<Result<Vec<_>>>()?;
        Ok((ends.into_iter().flatten().collect(), evaluations))
    };
    println!("solvers, {} trajectories", arguments.tests);
    let test = Test::new(starts, solve(DOP853, 1e-7)?.0);
    let mut solvers = test.solvers(mixture)?;
    for exponent in 1..=4 {
        let tolerance = 10.0_f64.powi(-exponent);
        solvers.push(test.way(format!("ensemble, {tolerance:.0e}"), || solve(DOPRI5, tolerance))?);
    }
    let maps = maps(&test, &map)?;
    report(&folder, &maps, &solvers)
}

fn shape(arguments: &Arguments, d: usize, width: usize) -> MlpShape {
    MlpShape::new(d, arguments.training.width.unwrap_or(width), arguments.training.layers.unwrap_or(4))
}

fn settings(arguments: &Arguments, objective: &str) -> Result<Settings> {
    let options = Options { objective: Some(objective.into()), ..arguments.training.clone() };
    options.only(&["training"])?;
    let defaults =
        Settings { batch: 512, diagonal: 0.5, learning_rate: 2e-3, averages: vec![AVERAGE.into()], ..Settings::default() };
    options.settings(defaults)
}

fn starts(arguments: &Arguments, noise: &Normal) -> Batch {
    let (n, d) = (arguments.tests as usize, noise.dimension());
    let mut rows = vec![0.0; n * d];
    noise.draw_rows(&mut stream(NOISE, 1), &mut rows);
    Batch::from_doubles(&rows, &[n, d])
}

fn maps(test: &Test, network: &Network) -> Result<Vec<Way>> {
    MAP_STEPS.into_iter().map(|steps| test.map(&AverageVelocityMap(network), steps)).collect()
}

fn report(folder: &Path, maps: &[Way], solvers: &[Way]) -> Result<()> {
    let text = serde_json::to_string_pretty(&serde_json::json!({ "maps": maps, "solvers": solvers })).unwrap_or_default();
    let path = folder.join("comparison.json");
    std::fs::write(&path, text).map_err(|source| Error::Io { path, source })?;
    println!("\n{:>24} {:>12} {:>9} {:>12}", "", "evaluations", "error", "us each");
    let show = |way: &Way| {
        println!("{:>24} {:>12.1} {:>7.3} % {:>12.3}", way.name, way.evaluations, 100.0 * way.error, way.microseconds);
    };
    solvers.iter().chain(maps).for_each(show);
    for map in maps {
        let Some([evaluations, time]) = equals(map, solvers) else {
            println!("{}: none of the solvers is as good", map.name);
            continue;
        };
        println!(
            "{}: {:.1} times fewer evaluations than {}, {:.1} times as fast as {}",
            map.name,
            evaluations.evaluations / map.evaluations,
            evaluations.name,
            time.microseconds / map.microseconds,
            time.name
        );
    }
    Ok(())
}

/// Trains, and returns the averaged network; nothing if interrupted.
fn train<S: Source<Batch>>(
    arguments: &Arguments,
    network: Network,
    source: impl Fn() -> Result<S>,
    settings: Settings,
    folder: &Path,
) -> Result<Option<Network>> {
    let trained = pace::train::<Batch, _, _>(
        &arguments.training,
        folder,
        Length::Seconds(arguments.seconds),
        network,
        source,
        falling(settings),
    )?;
    Ok(trained.map(|trained| {
        println!("{} steps in {:.0} seconds", trained.steps, trained.seconds);
        trained.network
    }))
}
