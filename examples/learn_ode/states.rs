//! The states to learn a map from, and to test it at.

use crate::systems::System;
use flowmap::{
    AverageVelocityMap, Coordinates, Diffeomorphism, Result, Scaling,
    backend::ndarray::NdTensor,
    data::Points,
    distribution::{AlongTrajectories, Distribution, Normal, Sum, Uniform},
    learn::SolverVelocity,
    solver::Ensemble,
};
use std::sync::Arc;

/// The states of a system.
#[derive(Clone, Copy)]
pub enum States<const D: usize> {
    /// Uniform on the box.
    Box,
    /// States along trajectories, to which the map leads again.
    AlongTrajectories {
        /// Where trajectories begin.
        starts: [[f64; 2]; D],
        /// The times between which their states count: after a while they are on an attractor, if there is one.
        between: [f64; 2],
        /// The standard deviation of noise added in training, in units of the box: maps meet states that are a little off.
        thickness: f64,
    },
}

/// The number of states in the table to draw from.
const TABLE: usize = 1 << 16;

/// The distribution of states to learn from, in units of the box. A margin enlarges the box, or the thickness.
pub fn learned_from<const D: usize, S: System<D>>(system: S, solver: &Ensemble, margin: f64) -> Result<Arc<dyn Distribution>> {
    Ok(match S::STATES {
        States::Box => Arc::new(Uniform::new(&[[-margin, margin]; D])?),
        States::AlongTrajectories { thickness, .. } => {
            let units = Scaling::of_box(S::BOX)?;
            let mut table = visited(system, solver, TABLE, 0)?;
            table.iter_mut().for_each(|x| *x = x.through(|x| units.forward(x)));
            let noise = Normal::new(vec![0.0; D], thickness * margin)?;
            Arc::new(Sum::new(Points::new(table.into_flattened(), D)?, noise)?)
        }
    })
}

/// States to test at.
pub fn tested<const D: usize, S: System<D>>(system: S, solver: &Ensemble, count: usize) -> Result<Vec<[f64; D]>> {
    match S::STATES {
        States::Box => Ok(points(&Points::drawn(&Uniform::new(&S::BOX)?, count, 1)?)),
        States::AlongTrajectories { .. } => visited(system, solver, count, 1),
    }
}

fn visited<const D: usize, S: System<D>>(system: S, solver: &Ensemble, count: usize, seed: u64) -> Result<Vec<[f64; D]>> {
    let States::AlongTrajectories { starts, between: [first, last], .. } = S::STATES else { return Ok(vec![]) };
    let map = AverageVelocityMap(SolverVelocity::new(system, solver.clone()));
    let distribution = AlongTrajectories::<_, _, NdTensor<f64>>::new(Uniform::new(&starts)?, map, [0.0, last])?;
    Ok(points(&Points::drawn(&distribution.since(first)?, count, seed)?))
}

fn points<const D: usize>(table: &Points) -> Vec<[f64; D]> {
    table.iter().map(|row| std::array::from_fn(|k| row[k])).collect()
}
