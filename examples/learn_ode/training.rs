//! Training by one objective.

use crate::{
    Arguments,
    states::learned_from,
    systems::System,
    units::{Batch, InUnitTime, Network, network},
};
use flowmap::{
    Conjugation, Pointwise, Result, Scaling, Tolerance,
    learn::{Checkpoint, GivenField, Growth, Options, Outcome, Schedule, Settings, Solved, Source, Times, Trainer},
    solver::{Adaptive, DOPRI5, Ensemble},
};
use std::time::Instant;

/// The weights that are used are this average of those that were trained.
const AVERAGE: f64 = 0.999;

/// A network, and how it came about.
pub struct Trained {
    pub network: Network,
    pub objective: String,
    pub steps: u64,
    /// Of training, since the program was last started.
    pub seconds: f64,
}

/// The solver that training asks, where it asks one.
pub fn solver() -> Result<Ensemble> {
    Ok(Ensemble::new(Adaptive::new(DOPRI5)?.tolerance(Tolerance::new(1e-6, 1e-6)?)))
}

/// Trains by the objective of the options; nothing if that was interrupted.
pub fn train<const D: usize, S: System<D>>(arguments: &Arguments, options: &Options, system: S) -> Result<Option<Trained>> {
    let settings = |steps| settings::<D, S>(arguments, options, steps);
    let trainer = |steps| trainer::<D, S>(arguments, options, system, settings(steps)?);
    let steps = match (arguments.seconds, begun(options)?) {
        // as many as were said when it began
        (Some(_), Some(Schedule::Cosine { steps })) => steps,
        (None, _) => options.steps.unwrap_or(20_000),
        (Some(seconds), _) => {
            let mut trial = trainer(1000)?;
            (0..5).try_for_each(|_| trial.step().map(drop))?;
            let begin = Instant::now();
            (0..20).try_for_each(|_| trial.step().map(drop))?;
            ((20.0 * seconds / begin.elapsed().as_secs_f64()) as u64).max(1)
        }
    };
    let run = Options { steps: Some(steps), ..options.clone() }.run("", steps)?;
    let objective = settings(steps)?.objective.to_string();
    println!("{objective}: {steps} steps");
    let mut trainer = trainer(steps)?;
    trainer.average(AVERAGE)?; // or refuse now, not at the end
    let (outcome, times) = options.train(&run, &mut trainer)?;
    if outcome == Outcome::Interrupted {
        return Ok(None);
    }
    let seconds = times.iter().map(|time| time.as_secs_f64()).sum();
    Ok(Some(Trained { network: trainer.average(AVERAGE)?.clone(), objective, steps, seconds }))
}

fn settings<const D: usize, S: System<D>>(arguments: &Arguments, options: &Options, steps: u64) -> Result<Settings> {
    let times = match (arguments.both_ways, S::AUTONOMOUS) {
        (true, _) => Times::BothWays,
        (false, true) => Times::FromStart,
        (false, false) => Times::Within { longest: 1.0 / f64::from(S::PARTS) },
    };
    options.settings(Settings {
        batch: 1024,
        diagonal: 0.1,
        weight: 0.0,
        times,
        growth: (arguments.reach < 1.0).then_some(Growth { first: arguments.reach, steps: steps / 2 }),
        learning_rate: 2e-3,
        schedule: Schedule::Cosine { steps },
        averages: vec![AVERAGE],
        ..Settings::default()
    })
}

fn trainer<const D: usize, S: System<D>>(
    arguments: &Arguments,
    options: &Options,
    system: S,
    settings: Settings,
) -> Result<Trainer<Batch, Network, impl Source<Batch>>> {
    let (units, solver) = (Scaling::of_box(S::BOX)?, solver()?);
    let states = learned_from(system, &solver, arguments.margin)?;
    let system = InUnitTime(system);
    let field = Conjugation::<_, _, D> { of: Pointwise::<_, D>(system), by: units.reversed() };
    let source = GivenField::new(field, states, [0.0, arguments.margin])?.named(S::NAME);
    let source = source.with_map(arguments.reach * arguments.margin, Solved::new(system, solver).in_units(units))?;
    let network = network::<D, S>(options.width.unwrap_or(128), options.layers.unwrap_or(4), settings.seed)?;
    Trainer::new(network, source, settings, ())
}

/// The schedule of the run that is to be resumed.
fn begun(options: &Options) -> Result<Option<Schedule>> {
    let Some(out) = options.out.as_ref().filter(|_| options.resume) else { return Ok(None) };
    let newest = Checkpoint::latest(&out.join("checkpoints"))?.map(|path| Checkpoint::open(&path)).transpose()?;
    Ok(newest.map(|checkpoint| checkpoint.settings().schedule))
}
