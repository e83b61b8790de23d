//! Lyapunov exponents from a long orbit of a learned map, against those of the solver.

use crate::{
    systems::System,
    units::{Batch, InOwnUnits, rows, time},
};
use flowmap::{
    Autonomous, Dual, FlowMap, Result, Tensor, Tolerance,
    analysis::{LyapunovSpectrum, Steps, lyapunov_spectrum},
    flow_map,
    solver::{Adaptive, DOP853},
};
use serde_json::{Value, json};

/// The time to average over, and the time to reach the attractor.
const TIME: f64 = 2000.0;
const APPROACH: f64 = 20.0;

/// The exponents from steps of this length, from the middle of the box.
pub fn compare<const D: usize, S: System<D>>(system: &S, map: &InOwnUnits<S, D>, step: f64) -> Result<Value> {
    let start = S::BOX.map(|[low, high]| low + 0.6 * (high - low));
    let steps = Steps::new(0.0, step, (TIME / step).round() as u32)?.after((APPROACH / step).round() as u32);
    let solver = Adaptive::new(DOP853)?.tolerance(Tolerance::new(1e-8, 1e-8)?).of((*system).field());
    let known = lyapunov_spectrum(&solver, &steps, &start)?;
    let point = flow_map(|s: &Dual<f64>, t: &Dual<f64>, x: &Dual<[f64; D]>| at_point(map, s, t, x));
    let learned = lyapunov_spectrum(&Autonomous { map: point, start: S::SPAN[0] }, &steps, &start);
    println!("Lyapunov exponents by the solver      {:>9.4?} ± {:.4?}", known.exponents(), known.standard_errors());
    let learned = match learned {
        Ok(learned) => {
            println!("                by the learned map    {:>9.4?} ± {:.4?}", learned.exponents(), learned.standard_errors());
            summary(&learned)
        }
        Err(error) => {
            println!("                by the learned map: {error}");
            Value::Null
        }
    };
    Ok(json!({ "lyapunov": { "step": step, "time": TIME, "solver": summary(&known), "learned": learned } }))
}

fn summary<const D: usize>(found: &LyapunovSpectrum<[f64; D]>) -> Value {
    json!({ "exponents": found.exponents().to_vec(), "standard_errors": found.standard_errors().to_vec(),
        "kaplan_yorke_dimension": found.kaplan_yorke_dimension() })
}

/// A map of batches at a point and along a direction.
fn at_point<const D: usize, S: System<D>>(
    map: &InOwnUnits<S, D>,
    s: &Dual<f64>,
    t: &Dual<f64>,
    x: &Dual<[f64; D]>,
) -> Dual<[f64; D]> {
    let instant = |t: &Dual<f64>| Dual::from_parts(time(*t.value()), t.moving().map(|rate| time(*rate)));
    let row = Dual::from_parts(rows(&[*x.value()]), x.moving().map(|direction| rows(&[*direction])));
    let (value, tangent) = map.flow(&instant(s), &instant(t), &row).into_parts();
    let point = |row: Batch| {
        let values = row.to_vec();
        std::array::from_fn(|k| f64::from(values[k]))
    };
    Dual::from_parts(point(value), tangent.map(point))
}
