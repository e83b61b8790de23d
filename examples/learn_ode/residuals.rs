//! A heat map over both times of the residual of a learned map.

use crate::{
    pace::Trained,
    systems::System,
    training::solver,
    units::{InUnitTime, Network, in_own_time, rows},
};
use flowmap::{
    AverageVelocityMap, Conjugation, Coordinates, Diffeomorphism, Result, Scaling, TimeChange,
    analysis::ScalarField,
    certificate::residual_map,
    characterization::Lagrangian,
    learn::SolverVelocity,
    plot::{ColourBar, Plane, heat_map},
};
use std::path::Path;

/// Cells in each direction, and the number of trajectories that each is a mean over.
const CELLS: usize = 24;
const STARTS: usize = 256;

/// Draws the Lagrangian residual `∂_t X_{s,t} - b_t(X_{s,t})` of the map, in boxes for each unit of time.
pub fn draw<const D: usize, S: System<D>>(
    system: S,
    trained: &Trained<Network>,
    starts: &[[f64; D]],
    folder: &Path,
) -> Result<()> {
    let units = Scaling::of_box(S::BOX)?;
    let starts: Vec<[f64; D]> = starts.iter().take(STARTS).map(|x| x.through(|x| units.forward(x))).collect();
    let map = in_own_time::<D, S>(&trained.network);
    let field = Conjugation::<_, _, D> { of: system.field(), by: units.reversed() };
    let exact = TimeChange {
        of: AverageVelocityMap(SolverVelocity::new(InUnitTime(system), solver()?).in_units(units)),
        clock: map.clock,
    };
    let residuals = residual_map(&Lagrangian, &map, &field, &exact, &[rows(&starts)], S::SPAN, CELLS)?;
    let residuals = logarithms::<D, S>(&residuals)?;
    let title = format!("{} by {}: Lagrangian residual", S::NAME, trained.objective);
    let plane = Plane { title: &title, x: "from time s", y: "to time t" };
    heat_map(folder.join("residuals.png"), &plane, &ColourBar { name: "log10 of the RMS residual", range: None }, &residuals)
}

/// Their logarithms; NaN where times are farther apart than the map was learned for.
fn logarithms<const D: usize, S: System<D>>(residuals: &ScalarField) -> Result<ScalarField> {
    let (grid, [start, end]) = (residuals.grid(), S::SPAN);
    let longest = (end - start) / f64::from(S::PARTS) * (1.0 + 1e-9); // tolerates rounding errors
    let logarithm = |(k, value): (usize, &f64)| {
        let [s, t] = grid.centre(k % CELLS, k / CELLS);
        if t - s > longest { f64::NAN } else { value.log10() }
    };
    ScalarField::new(grid, residuals.values().iter().enumerate().map(logarithm).collect())
}
