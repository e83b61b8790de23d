//! Trains every published method of the family on two distributions of the plane for the same time, and compares their samples of
//! one and of four steps.
//!
//! cargo run --release --features cli,plot --example family -- --seconds 60
//!
//! Writes to `out/family/PROBLEM` a run for each method, `family.csv` and `samples.png`. With `--resume` finished methods are not
//! repeated.

#[path = "../common/pace.rs"]
mod pace;
mod problems;

use clap::Parser;
use flowmap::{
    AverageVelocityMap, Error, FlowMap, Result, TimeGrid,
    backend::ndarray::NdTensor,
    cli::{Options, exit_code},
    interpolant::Linear,
    learn::{FromTeacher, Independent, Method, Settings, Source, TeacherNetwork, TimePairs},
    nn::{Mlp, MlpShape},
    plot::scatter_panels,
    sample::Route,
    solver::{EULER, FixedSteps},
};
use pace::{Length, Trained, falling};
use problems::{NOISE, Problem, SAMPLES};
use std::{fmt::Write, path::Path, process::ExitCode};

type Batch = NdTensor<f32>;
type Network = Mlp<Batch>;
type Teacher = TeacherNetwork<Batch, Network>;

/// Trains every method of few-step generation on the same problems. Defaults: 60 seconds each, batch 1,024, four layers of 128
/// units, RAdam with a rate that falls from 2e-3 to 0, seed 42
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Options,
    /// Seconds of training for each method; the number of steps is estimated from a few
    #[arg(long, conflicts_with_all = ["steps", "minutes"], default_value_t = 60.0, value_parser = pace::seconds)]
    seconds: f64,
    /// Methods to train, such as lsd,mean-flow; flow-matching, the teacher of those that need one, is always included [default:
    /// all]
    #[arg(long, value_delimiter = ',')]
    methods: Vec<Method>,
}

const AVERAGE: f64 = 0.99;
/// Steps of the first round of progressive distillation.
const FIRST_GRID: u32 = 16;

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    arguments.training.only(&["training"])?;
    if arguments.training.objective.is_some() {
        return Err(Error::Invalid { what: "objective", reason: "each method has its own; choose methods by --methods".into() });
    }
    if arguments.training.stop_gradient.is_some() {
        return Err(Error::Invalid { what: "stop gradient", reason: "each method has its own; leave it out".into() });
    }
    Problem::ALL.iter().try_for_each(|problem| compare(arguments, problem).map(drop))
}

/// The result of a method.
struct Found {
    method: Method,
    steps: u64,
    seconds: f64,
    /// With one step of sampling, and with four.
    divergence: [f64; 2],
    error: [Option<f64>; 2],
    samples: Vec<[f64; 2]>,
}

/// Returns nothing if interrupted.
fn compare(arguments: &Arguments, problem: &Problem) -> Result<Option<()>> {
    let mut methods = Method::ALL.to_vec();
    if !arguments.methods.is_empty() {
        methods.retain(|method| arguments.methods.contains(method) || method.name == "flow-matching");
    }
    let folder = arguments.training.out.clone().unwrap_or_else(|| "out/family".into()).join(problem.name());
    let mut teacher = None;
    let (mut all, mut diverged) = (vec![], vec![]);
    for method in methods {
        println!("\n{}: {method}", problem.name());
        let learner = Learner { arguments, problem, folder: &folder.join(method.name), method, teacher: teacher.as_ref() };
        let (network, found) = match learner.learn() {
            // divergence is a result, too, unless others need this teacher
            Err(error @ Error::Diverged { .. }) if teacher.is_some() => {
                eprintln!("{error}");
                diverged.push(method);
                continue;
            }
            learned => match learned? {
                Some(learned) => learned,
                None => return Ok(None),
            },
        };
        // flow matching comes first
        teacher.get_or_insert(network);
        all.push(found);
    }

    let mut csv = "method,objective,source,teacher,steps,seconds,kl_1,kl_4,error_1,error_4\n".to_string();
    println!("\n{:>27} {:>18} {:>7} {:>8} {:>9} {:>9}", problem.name(), "objective", "steps", "seconds", "KL 1", "KL 4");
    for Found { method, steps, seconds, divergence: [one, four], error, .. } in &all {
        let objective = method.objective(*steps);
        println!("{method:>27} {objective:>18} {steps:>7} {seconds:>8.1} {one:>9.4} {four:>9.4}");
        let [error_1, error_4] = error.map(|e| e.map_or(String::new(), |e| e.to_string()));
        let (source, taught) = (method.source, method.needs_teacher());
        let _ = writeln!(csv, "{method},{objective},{source},{taught},{steps},{seconds:.2},{one},{four},{error_1},{error_4}");
    }
    diverged.iter().for_each(|method| println!("{method:>27} diverged"));
    let table = folder.join("family.csv");
    std::fs::write(&table, csv).map_err(|source| Error::Io { path: table.clone(), source })?;
    let titles: Vec<_> = all.iter().map(|found| title(found.method.name)).collect();
    let panels: Vec<_> = titles.iter().zip(&all).map(|(title, found)| (title.as_str(), found.samples.as_slice())).collect();
    let side = problem.side();
    scatter_panels(folder.join("samples.png"), &panels, 6, [-side, side])?;
    println!("see {} and samples.png in the same folder: samples of one step", table.display());
    Ok(Some(()))
}

/// A name that fits over a panel.
fn title(name: &str) -> String {
    let short = [
        ("consistency", "cons."),
        ("progressive", "prog."),
        ("map-matching", "map"),
        ("velocity-matching", "velocity"),
        ("distillation", "distil."),
        ("-", " "),
    ];
    short.iter().fold(name.into(), |name: String, (long, short)| name.replace(long, short))
}

/// One method on one problem.
struct Learner<'a> {
    arguments: &'a Arguments,
    problem: &'a Problem,
    folder: &'a Path,
    method: Method,
    teacher: Option<&'a Network>,
}

impl Learner<'_> {
    /// Returns nothing if interrupted.
    fn learn(&self) -> Result<Option<(Network, Found)>> {
        let options = &self.arguments.training;
        let defaults = Settings { batch: 1024, learning_rate: 2e-3, averages: vec![AVERAGE.into()], ..Settings::default() };
        let others = options.settings(defaults)?;
        let rounds = self.method.rounds(FIRST_GRID, &others, 1)?;
        let seconds = self.arguments.seconds / rounds.len() as f64;
        let shape = MlpShape::new(2, options.width.unwrap_or(128), options.layers.unwrap_or(4)).with_scale(self.problem.scale());
        let coupling = || Independent::new(self.problem.noise()?, self.problem.data()?);
        let mut network = match self.teacher.filter(|_| self.method.needs_teacher()) {
            Some(teacher) => teacher.clone(),
            None => Network::new(&shape, others.seed)?,
        };
        let mut total = (0, 0.0);
        for (k, settings) in rounds.into_iter().enumerate() {
            let folder = self.folder.join(format!("round-{}", k + 1));
            let begun = network.clone();
            let trained = match (self.teacher.filter(|_| self.method.needs_teacher()), settings.times) {
                (None, _) => self.train(begun, coupling, settings, seconds, &folder)?,
                (Some(teacher), TimePairs::Grid { steps }) => {
                    let teacher = Teacher::new(teacher.clone());
                    let half = 0.5 / f64::from(steps);
                    if k == 0 {
                        let source = || FromTeacher::new(teacher.clone(), coupling()?).with_short_map(half, 1);
                        self.train(begun, source, settings, seconds, &folder)?
                    } else {
                        let before = Teacher::new(network.clone());
                        let source = || FromTeacher::new(teacher.clone(), coupling()?).with_map(half, before.clone());
                        self.train(begun, source, settings, seconds, &folder)?
                    }
                }
                (Some(teacher), _) => {
                    let source = || Ok(FromTeacher::new(Teacher::new(teacher.clone()), coupling()?));
                    self.train(begun, source, settings, seconds, &folder)?
                }
            };
            let Some(trained) = trained else { return Ok(None) };
            (network, total) = (trained.network, (total.0 + trained.steps, total.1 + trained.seconds));
        }
        let [(one, samples), (four, more)] = [self.draw(&network, 1)?, self.draw(&network, 4)?];
        // fresh noise gives other samples, not wrong ones
        let renewed = self.method.times == TimePairs::ToEnd;
        let error = [self.problem.error(&samples)?, self.problem.error(&more)?.filter(|_| !renewed)];
        let found = Found { method: self.method, steps: total.0, seconds: total.1, divergence: [one, four], error, samples };
        Ok(Some((network, found)))
    }

    /// Returns nothing if interrupted.
    fn train<S: Source<Batch>>(
        &self,
        network: Network,
        source: impl Fn() -> Result<S>,
        settings: Settings,
        seconds: f64,
        folder: &Path,
    ) -> Result<Option<Trained<Network>>> {
        pace::train::<Batch, _, _>(&self.arguments.training, folder, Length::Seconds(seconds), network, source, |steps| {
            let settings = falling(settings.clone())(steps)?;
            Ok(Settings { objective: self.method.objective(steps), ..settings })
        })
    }

    /// Samples in `steps` steps, and their divergence. Flow matching is followed by Euler's method; maps to the end time
    /// alternate with fresh noise.
    fn draw(&self, network: &Network, steps: usize) -> Result<(f64, Vec<[f64; 2]>)> {
        let learned = AverageVelocityMap(network);
        let map: &dyn FlowMap<Batch> =
            if self.method.objective(1).pairs() { &learned } else { &FixedSteps::new(EULER, 1)?.of(learned) };
        let gamma = if self.method.times == TimePairs::ToEnd { 1.0 } else { 0.0 };
        let route = Route::gamma(&Linear, &TimeGrid::uniform([0.0, 1.0], steps)?, gamma)?;
        let rows = route.draw::<Batch>(map, &self.problem.noise()?, SAMPLES, NOISE)?;
        let rows = rows.as_chunks().0.to_vec();
        Ok((self.problem.divergence(&rows)?, rows))
    }
}
