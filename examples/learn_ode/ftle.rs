//! Finite-time Lyapunov exponents of a learned map, against those of the solver.

use crate::{
    systems::System,
    units::{Batch, InOwnUnits, rows, time},
};
use flowmap::{
    Dual, FlowMap, Result, Tensor, Tolerance,
    analysis::{Deformation, Grid, ScalarField, ftle, jacobian},
    flow_map,
    plot::{ColourBar, Plane, heat_map_panels},
    solver::{Adaptive, DOP853},
};
use serde_json::{Value, json};
use std::path::Path;

/// Cells in each direction.
const CELLS: usize = 300;

/// The exponents over the whole span on the box. Draws both fields in the same colours.
pub fn compare<S: System<2>>(system: &S, map: &InOwnUnits<S, 2>, folder: &Path) -> Result<Value> {
    let [[left, right], [low, high]] = S::BOX;
    let grid = Grid::new(S::BOX, [CELLS, (CELLS as f64 * (high - low) / (right - left)).round() as usize])?;
    let [start, end] = S::SPAN;
    let solver = Adaptive::new(DOP853)?.tolerance(Tolerance::new(1e-8, 1e-8)?).of((*system).field());
    let known = ScalarField::sample(grid, |x| ftle(&solver, &start, &end, &x).unwrap_or(f64::NAN));
    let learned = ScalarField::new(grid, by_map::<S>(map, grid)?)?;

    let title = format!("FTLE from time {start} to {end}, by the solver");
    let (x, y) = ("x", "y");
    let panels = [(Plane { title: &title, x, y }, &known), (Plane { title: "by the learned map", x, y }, &learned)];
    let path = folder.join("ftle.png");
    heat_map_panels(&path, &panels, &ColourBar { name: "exponent", range: Some([0.0, quantile(&known, 0.995)]) })?;
    let [correlation, difference, mean] = agreement(known.values(), learned.values());
    println!(
        "finite-time Lyapunov exponents: correlation {correlation:.4}, RMS difference {difference:.4}, mean {mean:.4}; see {}",
        path.display()
    );
    Ok(json!({ "ftle": { "cells": grid.cells(), "correlation": correlation, "rms_difference": difference, "mean": mean } }))
}

/// The exponents of the learned map at the centres of the cells, differentiated in all cells at once, through all parts of the
/// span.
fn by_map<S: System<2>>(map: &InOwnUnits<S, 2>, grid: Grid) -> Result<Vec<f64>> {
    let [across, up] = grid.cells();
    let centres: Vec<[f64; 2]> = (0..up).flat_map(|j| (0..across).map(move |i| grid.centre(i, j))).collect();
    let [start, end] = S::SPAN;
    let instant = |k: u32| Dual::constant(time(start + (end - start) * f64::from(k) / f64::from(S::PARTS)));
    let whole = flow_map(|_: &Dual<Batch>, _: &Dual<Batch>, x: &Dual<Batch>| {
        (0..S::PARTS).fold(x.clone(), |x, k| map.flow(&instant(k), &instant(k + 1), &x))
    });
    let entries = jacobian(&whole, &time(start), &time(end), &rows(&centres));
    let entries: Vec<Vec<_>> = entries.iter().map(|row| row.iter().map(Tensor::to_vec).collect()).collect();
    let at =
        |k: usize| -> Vec<Vec<f64>> { entries.iter().map(|row| row.iter().map(|entry| f64::from(entry[k])).collect()).collect() };
    (0..centres.len()).map(|k| Deformation::new(at(k), end - start)?.ftle()).collect()
}

/// This quantile of the values: few cells meet the crests of ridges, which would take most of the colours.
fn quantile(field: &ScalarField, share: f64) -> f64 {
    let mut values = field.values().to_vec();
    values.sort_by(f64::total_cmp);
    values[(share * (values.len() - 1) as f64) as usize]
}

/// The correlation of two fields, the root mean square of their difference, and the mean of the first.
fn agreement(a: &[f64], b: &[f64]) -> [f64; 3] {
    let pairs = || a.iter().zip(b).filter(|(a, b)| a.is_finite() && b.is_finite());
    let count = pairs().count() as f64;
    let mean = |f: &dyn Fn(f64, f64) -> f64| pairs().map(|(a, b)| f(*a, *b)).sum::<f64>() / count;
    let (first, second) = (mean(&|a, _| a), mean(&|_, b| b));
    let covariance = mean(&|a, b| (a - first) * (b - second));
    let spreads = mean(&|a, _| (a - first).powi(2)) * mean(&|_, b| (b - second).powi(2));
    [covariance / spreads.sqrt(), mean(&|a, b| (a - b).powi(2)).sqrt(), first]
}
