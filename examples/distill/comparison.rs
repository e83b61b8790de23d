//! A learned map against solvers: evaluations, time and error of each.

use flowmap::{
    FlowMap, Result, Tensor, TimeGrid, Tolerance, VelocityField,
    backend::ndarray::NdTensor,
    solver::{Adaptive, DOPRI5, EULER, FixedSteps, MIDPOINT, RK4, Save, Solver},
};
use serde::Serialize;
use std::time::Instant;

type Batch = NdTensor<f32>;

/// States at time 0 whose states at time 1 are known.
pub struct Test {
    pub starts: Batch,
    pub ends: Vec<f64>,
    /// The root mean square distance of the ends from their mean.
    spread: f64,
}

/// One method from time 0 to 1.
#[derive(Clone, Serialize)]
pub struct Way {
    pub name: String,
    /// Evaluations of the network, or of the velocity, per trajectory.
    pub evaluations: f64,
    /// Relative to the spread of the ends.
    pub error: f64,
    pub microseconds: f64,
}

impl Test {
    pub fn new(starts: Batch, ends: Vec<f64>) -> Self {
        let d = starts.shape()[1];
        let n = ends.len() / d;
        let mean: Vec<f64> = (0..d).map(|i| ends.iter().skip(i).step_by(d).sum::<f64>() / n as f64).collect();
        let square: f64 = ends.iter().enumerate().map(|(k, x)| (x - mean[k % d]).powi(2)).sum();
        Self { starts, ends, spread: (square / n as f64).sqrt() }
    }

    fn count(&self) -> usize {
        self.starts.shape()[0]
    }

    pub fn error(&self, ends: &[f64]) -> f64 {
        let square: f64 = ends.iter().zip(&self.ends).map(|(a, b)| (a - b).powi(2)).sum();
        (square / self.count() as f64).sqrt() / self.spread
    }

    /// Runs `go` several times: its result, with the shortest time.
    pub fn way(&self, name: String, mut go: impl FnMut() -> Result<(Vec<f64>, f64)>) -> Result<Way> {
        const TURNS: u32 = 3;
        let (mut found, mut seconds) = ((vec![], 0.0), f64::INFINITY);
        for _ in 0..TURNS {
            let begin = Instant::now();
            found = go()?;
            seconds = seconds.min(begin.elapsed().as_secs_f64());
        }
        let (ends, evaluations) = found;
        Ok(Way { name, evaluations, error: self.error(&ends), microseconds: 1e6 * seconds / self.count() as f64 })
    }

    /// A learned map along uniform grids.
    pub fn map(&self, map: &impl FlowMap<Batch>, steps: usize) -> Result<Way> {
        let grid = TimeGrid::uniform([0.0, 1.0], steps)?;
        self.way(format!("map, {steps}"), || Ok((doubles(&grid.follow(map, &self.starts)), steps as f64)))
    }

    /// Solvers on batches: fixed steps of three methods, and one that chooses its steps.
    pub fn solvers(&self, field: &impl VelocityField<Batch>) -> Result<Vec<Way>> {
        let mut ways = vec![];
        for (method, most) in [(EULER, 128), (MIDPOINT, 64), (RK4, 32)] {
            for steps in [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 64, 128].into_iter().filter(|&steps| steps <= most) {
                ways.push(self.solved(format!("{}, {steps}", method.name), &FixedSteps::new(method, steps)?, field)?);
            }
        }
        for exponent in 1..=4 {
            let tolerance = 10.0_f64.powi(-exponent);
            let solver = Adaptive::new(DOPRI5)?.tolerance(Tolerance::new(tolerance, tolerance)?);
            ways.push(self.solved(format!("{}, {tolerance:.0e}", DOPRI5.name), &solver, field)?);
        }
        Ok(ways)
    }

    fn solved<B: VelocityField<Batch>>(&self, name: String, solver: &impl Solver<Batch, B>, field: &B) -> Result<Way> {
        let [s, t] = [0.0, 1.0].map(time);
        self.way(name, || {
            let solution = solver.solve(field, &s, &t, &self.starts, &Save::End)?.success()?;
            Ok((doubles(solution.end()), solution.statistics().evaluations as f64))
        })
    }
}

fn time(t: f64) -> Batch {
    Batch::from_slice(&[t as f32], &[])
}

pub fn doubles(x: &Batch) -> Vec<f64> {
    x.to_vec().into_iter().map(f64::from).collect()
}

/// The cheapest solvers that are no worse than the map, if any: by evaluations, and by time.
pub fn equals<'a>(map: &Way, solvers: &'a [Way]) -> Option<[&'a Way; 2]> {
    let good = || solvers.iter().filter(|way| way.error <= map.error);
    let least = |by: fn(&Way) -> f64| good().min_by(|a, b| by(a).total_cmp(&by(b)));
    Some([least(|way| way.evaluations)?, least(|way| way.microseconds)?])
}
