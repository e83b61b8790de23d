//! The solver that learned maps are compared with.

use flowmap::{
    Error, Ode, Result, Tolerance,
    solver::{Adaptive, DOP853, DOPRI5, Ensemble, Start},
};
use serde::Serialize;
use std::{fmt, time::Instant};

use super::systems::System;

/// Trajectories with known ends.
pub struct Trajectories<const D: usize> {
    pub starts: Vec<[f64; D]>,
    ends: Vec<[f64; D]>,
    /// The root mean square distance of the ends from their mean.
    spread: f64,
}

/// The cost of the solver at the error of a map.
#[derive(Serialize)]
pub struct Equal {
    pub tolerance: f64,
    pub error: f64,
    pub evaluations: f64,
    pub nanoseconds: f64,
}

impl fmt::Display for Equal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { tolerance, error, evaluations, nanoseconds } = self;
        write!(
            f,
            "the solver at tolerance {tolerance:.0e}: error {:.3} %, {evaluations:.0} evaluations of the velocity",
            100.0 * error
        )?;
        write!(f, " and {nanoseconds:.0} ns a trajectory, all cores and lanes")
    }
}

impl<const D: usize> Trajectories<D> {
    /// From these starts over the span of the system, by DOP853 at a tolerance of 1e-12.
    pub fn exact<S: System<D>>(system: &S, starts: &[[f64; D]]) -> Result<Self> {
        if starts.is_empty() {
            return Err(Error::Invalid { what: "tests", reason: "there are none; give at least 1".into() });
        }
        let solver = Adaptive::new(DOP853)?.tolerance(Tolerance::new(1e-12, 1e-12)?);
        let (ends, _) = solve(&Ensemble::new(solver), system, starts, S::SPAN)?;
        let n = ends.len() as f64;
        let mean: [f64; D] = std::array::from_fn(|k| ends.iter().map(|x| x[k]).sum::<f64>() / n);
        let spread = (ends.iter().map(|x| distance(x, &mean)).sum::<f64>() / n).sqrt();
        Ok(Self { starts: starts.to_vec(), ends, spread })
    }

    /// The root mean square error of ends, as a share of the spread of the true ones.
    pub fn error(&self, ends: &[[f64; D]]) -> f64 {
        let square: f64 = ends.iter().zip(&self.ends).map(|(a, b)| distance(a, b)).sum();
        (square / ends.len() as f64).sqrt() / self.spread
    }

    /// Dormand and Prince's method at the loosest power of ten as tolerance whose error is `error` at most.
    pub fn solver_at<S: System<D>>(&self, system: &S, error: f64) -> Result<Equal> {
        let mut found = None;
        for exponent in 0..12 {
            let tolerance = 10.0_f64.powi(-exponent);
            let ensemble = Ensemble::new(Adaptive::new(DOPRI5)?.tolerance(Tolerance::new(tolerance, tolerance)?));
            let Ok((ends, evaluations)) = solve(&ensemble, system, &self.starts, S::SPAN) else { continue };
            let own = self.error(&ends);
            let mut seconds = f64::INFINITY;
            for _ in 0..5 {
                let begin = Instant::now();
                solve(&ensemble, system, &self.starts, S::SPAN)?;
                seconds = seconds.min(begin.elapsed().as_secs_f64());
            }
            found = Some(Equal { tolerance, error: own, evaluations, nanoseconds: 1e9 * seconds / self.starts.len() as f64 });
            if own <= error {
                break;
            }
        }
        found.ok_or_else(|| Error::Invalid { what: "system", reason: "the solver fails at every tolerance".into() })
    }
}

fn solve<const D: usize>(
    ensemble: &Ensemble,
    ode: &(impl Ode<D> + Sync),
    starts: &[[f64; D]],
    [from, to]: [f64; 2],
) -> Result<(Vec<[f64; D]>, f64)> {
    let starts: Vec<_> = starts.iter().map(|&state| Start { from, to, state, parameters: [] }).collect();
    let found = ensemble.solve(ode, &starts);
    let evaluations = found.iter().map(|end| end.evaluations as f64).sum::<f64>() / found.len() as f64;
    let ends = found.iter().zip(&starts).map(|(end, start)| end.success(start)).collect::<Result<_>>()?;
    Ok((ends, evaluations))
}

fn distance<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
