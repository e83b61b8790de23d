//! Tests of a learned map: its error, and what it should conserve.

use crate::{
    pace::Trained,
    solver::Trajectories,
    systems::System,
    units::{Batch, InOwnUnits, Network, in_own_units, rows, time},
};
use flowmap::{
    Case, FlowMap, Invariant, Num, Number, Projection, Result, Tensor,
    analysis::{Deformation, jacobian},
    characterization::{InverseConsistency, Semigroup, measure},
};
use serde::Serialize;
use serde_json::Value;
use std::{path::Path, time::Instant};

/// The results of one objective.
#[derive(Serialize)]
pub struct Found {
    pub objective: String,
    pub steps: u64,
    pub seconds: f64,
    /// Errors of the map over the whole span, in as many parts as it was learned for.
    #[serde(flatten)]
    pub map: Errors,
    /// The error with twice as many parts.
    pub error_of_halves: f64,
    /// The same map, projected onto the level set of the invariant.
    pub projected: Option<Errors>,
    /// The root mean square of `X_{u,t} ∘ X_{s,u} - X_{s,t}` for one part and its middle, relative to the states, or to 1 where
    /// those are smaller.
    pub semigroup: f64,
    /// The same of `X_{t,s} ∘ X_{s,t} - id`, where both ways were learned.
    pub inverse: Option<f64>,
    /// The root mean square of `det ∇X - 1`, for one part.
    pub volume: Option<f64>,
    /// Results specific to the system.
    pub known_for: Value,
}

#[derive(Serialize)]
pub struct Errors {
    /// The root mean square error, as a share of the spread of the ends.
    pub error: f64,
    /// The root mean square change of the invariant, as a share of its spread.
    pub drift: Option<f64>,
    /// Time for each trajectory.
    pub nanoseconds: f64,
}

/// The invariant of a system; a constant where there is none.
pub struct Level<S>(pub S);

impl<const D: usize, S: System<D>> Invariant<D> for Level<S> {
    fn at<N: Number>(&self, x: &[Num<N>; D]) -> Num<N> {
        S::invariant(x).unwrap_or_else(|| x[0].constant(0.0))
    }
}

pub fn found<const D: usize, S: System<D>>(
    system: S,
    trained: Trained<Network>,
    truth: &Trajectories<D>,
    project: bool,
    both_ways: bool,
    folder: &Path,
) -> Result<Found> {
    let map = in_own_units::<D, S>(&trained.network)?;
    let projected = Projection::new(&map, Level(system));
    let conserves = S::invariant(&truth.starts[0]).is_some();
    let [start, end] = S::SPAN;
    let case = || [Case { s: time(start), t: time(start + (end - start) / f64::from(S::PARTS)), x: rows(&truth.starts) }];
    let semigroup = Semigroup::new(0.5)?;
    Ok(Found {
        map: errors(&map, system, truth, S::PARTS),
        error_of_halves: truth.error(&ends::<D, S>(&map, truth, 2 * S::PARTS).0),
        projected: (project && conserves).then(|| errors(&projected, system, truth, S::PARTS)),
        semigroup: measure("semigroup", &semigroup, &map, &(), case()).rms,
        inverse: both_ways.then(|| measure("inverse", &InverseConsistency, &map, &(), case()).rms),
        volume: S::INCOMPRESSIBLE.then(|| volume(&map, &case()[0])).transpose()?,
        known_for: system.known_for(&map, folder)?,
        objective: trained.objective,
        steps: trained.steps,
        seconds: trained.seconds,
    })
}

fn errors<const D: usize, S: System<D>>(map: &impl FlowMap<Batch>, _system: S, truth: &Trajectories<D>, parts: u32) -> Errors {
    let (ends, nanoseconds) = ends::<D, S>(map, truth, parts);
    let levels = |states: &[[f64; D]]| states.iter().map(S::invariant).collect::<Option<Vec<f64>>>();
    let drift = levels(&truth.starts).zip(levels(&ends)).map(|(before, after)| {
        let change = before.iter().zip(&after).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let mean = before.iter().sum::<f64>() / before.len() as f64;
        (change / before.iter().map(|a| (a - mean) * (a - mean)).sum::<f64>()).sqrt()
    });
    Errors { error: truth.error(&ends), drift, nanoseconds }
}

/// The ends of the test's states in this many parts of the span, and the time per trajectory.
fn ends<const D: usize, S: System<D>>(map: &impl FlowMap<Batch>, truth: &Trajectories<D>, parts: u32) -> (Vec<[f64; D]>, f64) {
    let [start, end] = S::SPAN;
    let instant = |k: u32| time(start + (end - start) * f64::from(k) / f64::from(parts));
    let starts = rows(&truth.starts);
    let mut ends = starts.clone();
    let mut seconds = f64::INFINITY;
    for _ in 0..5 {
        let begin = Instant::now();
        ends = (0..parts).fold(starts.clone(), |x, k| map.flow(&instant(k), &instant(k + 1), &x));
        seconds = seconds.min(begin.elapsed().as_secs_f64());
    }
    let ends: Vec<f64> = ends.to_vec().into_iter().map(f64::from).collect();
    (ends.as_chunks().0.to_vec(), 1e9 * seconds / truth.starts.len() as f64)
}

fn volume<const D: usize, S: System<D>>(map: &InOwnUnits<S, D>, Case { s, t, x }: &Case<Batch>) -> Result<f64> {
    let entries = jacobian(map, s, t, x);
    let entries: Vec<Vec<_>> = entries.iter().map(|row| row.iter().map(Tensor::to_vec).collect()).collect();
    let count = entries[0][0].len();
    let change = |k: usize| {
        let row = |row: &Vec<Vec<f32>>| row.iter().map(|entry| f64::from(entry[k])).collect();
        let jacobian: Vec<Vec<f64>> = entries.iter().map(row).collect();
        // the sign may be wrong, since ends are mirrored at walls
        Ok((Deformation::new(jacobian, 1.0)?.determinant().abs() - 1.0).powi(2))
    };
    let sum = (0..count).map(change).sum::<Result<f64>>()?;
    Ok((sum / count as f64).sqrt())
}
