//! Training by one objective.

use crate::{
    Arguments,
    pace::{self, Length, Trained},
    states::learned_from,
    systems::System,
    units::{Batch, InUnitTime, Network, network},
};
use flowmap::{
    Conjugation, Ode, Result, Scaling, Tolerance,
    cli::Options,
    learn::{Curriculum, FromField, Settings, SolverVelocity, Source, TimePairs},
    solver::{Adaptive, DOPRI5, Ensemble},
};
use std::path::Path;

/// The solver used in training, if there is one.
pub fn solver() -> Result<Ensemble> {
    Ok(Ensemble::new(Adaptive::new(DOPRI5)?.tolerance(Tolerance::new(1e-6, 1e-6)?)))
}

/// Trains in the folder by the objective of the options; returns nothing if interrupted.
pub fn train<const D: usize, S: System<D>>(
    arguments: &Arguments,
    options: &Options,
    folder: &Path,
    system: S,
) -> Result<Option<Trained<Network>>> {
    let settings = |steps| settings::<D, S>(arguments, options, steps);
    let network = network::<D, S>(options.width.unwrap_or(128), options.layers.unwrap_or(4), settings(1)?.seed)?;
    let length = arguments.seconds.map_or(Length::Steps(20_000), Length::Seconds);
    pace::train::<Batch, _, _>(options, folder, length, network, || source::<D, S>(arguments, system), settings)
}

fn settings<const D: usize, S: System<D>>(arguments: &Arguments, options: &Options, steps: u64) -> Result<Settings> {
    let times = match (arguments.both_ways, S::AUTONOMOUS) {
        (true, _) => TimePairs::BothWays,
        (false, true) => TimePairs::FromStart,
        (false, false) => TimePairs::Within { longest: 1.0 / f64::from(S::PARTS) },
    };
    let curriculum = (arguments.reach < 1.0).then_some(Curriculum { first: arguments.reach, steps: steps / 2 });
    options.settings(Settings { times, curriculum, ..Settings::ode(steps) })
}

fn source<const D: usize, S: System<D>>(arguments: &Arguments, system: S) -> Result<impl Source<Batch> + use<D, S>> {
    let (units, solver) = (Scaling::of_box(S::BOX)?, solver()?);
    let states = learned_from(system, &solver, arguments.margin)?;
    let system = InUnitTime(system);
    let field = Conjugation::<_, _, D> { of: system.field(), by: units.reversed() };
    let source = FromField::new(field, states, [0.0, arguments.margin])?.named(S::NAME);
    source.with_map(arguments.reach * arguments.margin, SolverVelocity::new(system, solver).in_units(units))
}
