//! Where a learned map is not the one of its field: a picture over both times.

use crate::{
    systems::System,
    training::{Trained, solver},
    units::{InUnitTime, in_own_time, rows},
};
use flowmap::{
    Conjugation, Diffeomorphism, Learned, Pointwise, Result, Scaling, TimeChange,
    certificate::residual_map,
    characterization::Lagrangian,
    learn::Solved,
    plot::{ColourBar, Plane, heat_map},
};
use std::path::Path;

/// Cells in each direction, and trajectories that each is a mean over.
const CELLS: usize = 24;
const STARTS: usize = 256;

/// Draws the Lagrangian residual `∂_t X_{s,t} - b_t(X_{s,t})` of the map, in units of the box.
pub fn draw<const D: usize, S: System<D>>(system: S, trained: &Trained, starts: &[[f64; D]], folder: &Path) -> Result<()> {
    let units = Scaling::of_box(S::BOX)?;
    let starts: Vec<[f64; D]> = starts.iter().take(STARTS).map(|x| units.forward(x)).collect();
    let map = in_own_time::<D, S>(&trained.network);
    let field = Conjugation::<_, _, D> { of: Pointwise::<_, D>(system), by: units.reversed() };
    let exact = TimeChange { of: Learned(Solved::new(InUnitTime(system), solver()?).in_units(units)), clock: map.clock };
    let residuals = residual_map(&Lagrangian, &map, &field, &exact, &[rows(&starts)], S::SPAN, CELLS)?;
    let title = format!("{} by {}: Lagrangian residual", S::NAME, trained.objective);
    let plane = Plane { title: &title, x: "from time s", y: "to time t" };
    heat_map(folder.join("residuals.png"), &plane, &ColourBar { name: "RMS, boxes per unit of time", range: None }, &residuals)
}
