//! Lorenz's attractor, and why trajectories on it cannot be predicted for long: neighbours separate exponentially, at the rate
//! that the Jacobian of the flow map gives.
//!
//! cargo run --release --features cli,plot --example lorenz
//!
//! Writes `attractor.png` (the trajectory, from the side), `separation.svg` (the distance of neighbours against time, and the
//! Jacobian's prediction), `trajectory.csv` and `summary.json`, which is also printed.

mod common;

use clap::Parser;
use common::Folder;
use flowmap::{
    Dual, Error, FlowMap, Num, Number, Ode, Result, Tolerance,
    analysis::{Deformation, Steps, deformation, ftle, lyapunov_spectrum},
    cli::exit_code,
    nalgebra::Matrix3,
    plot::{Axes, Plane, Scale, curves, paths},
    solver::{Adaptive, DOP853, Save, Solver},
};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

/// Lyapunov exponents over infinite time: J. C. Sprott, Chaos and Time-Series Analysis, 2003, table A.5.
const KNOWN: [f64; 3] = [0.9056, 0.0, -14.5723];
/// The divergence of the field, everywhere the same: the sum of the exponents.
const DIVERGENCE: f64 = -41.0 / 3.0;
/// The time in which a trajectory reaches the attractor.
const APPROACH: f64 = 20.0;
/// Times at which distances are taken.
const INSTANTS: u32 = 400;
/// Beyond this distance, neighbours feel the size of the attractor.
const CLOSE: f64 = 1.0;

type Point = [f64; 3];

/// Lorenz's system: the attractor, how neighbours part, and Lyapunov exponents from Jacobians of the numerical flow map
#[derive(Parser)]
struct Arguments {
    /// Length of the drawn trajectory, in time
    #[arg(long, default_value_t = 40.0)]
    time: f64,
    /// Initial distance of the neighbours
    #[arg(long, default_value_t = 1e-8)]
    separation: f64,
    /// Time over which the exponents are averaged
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    average: u32,
    /// Relative and absolute tolerance of the solver
    #[arg(long, default_value_t = 1e-12)]
    tolerance: f64,
    /// Folder for the pictures, the table and the summary
    #[arg(long, value_name = "DIR", default_value = "out/lorenz")]
    out: PathBuf,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

/// σ = 10, ρ = 28, β = 8/3.
struct Lorenz;

impl Ode<3> for Lorenz {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { time, separation, tolerance, .. } = *arguments;
    // longer times would overflow the stretches; a wider separation leaves no room to grow
    for (what, value, most) in [("--time", time, 500.0), ("--separation", separation, CLOSE)] {
        if !(value > 0.0 && value <= most) {
            return Err(Error::Invalid { what, reason: format!("{value} is not in (0, {most}]") });
        }
    }
    let solver = Adaptive::new(DOP853)?.tolerance(Tolerance::new(tolerance, tolerance)?);
    let field = Lorenz.field();
    let map = solver.clone().of(&field);
    let folder = Folder::new(&arguments.out)?;

    let start: Point = map.try_flow(&0.0, &APPROACH, &[1.0, 1.0, 20.0])?;
    let path = solver.solve(&field, &0.0, &time, &start, &Save::Dense)?.success()?;
    let count = (200.0 * time).ceil().clamp(2.0, 1e6) as u32;
    let trajectory: Vec<(f64, Point)> = instants(time, count).map(|t| (t, path.at(&t))).collect();
    let rows: String = trajectory.iter().map(|(t, [x, y, z])| format!("{t:?},{x:?},{y:?},{z:?}\n")).collect();
    folder.write("trajectory.csv", &format!("t,x,y,z\n{rows}"))?;
    let plane = Plane { title: "Lorenz's attractor", x: "x", y: "z" };
    let side: Vec<_> = trajectory.iter().map(|(_, [x, _, z])| [*x, *z]).collect();
    paths(folder.path("attractor.png"), &plane, &[("", &side)])?;

    let times: Vec<f64> = instants(time, INSTANTS).collect();
    let states: Vec<Point> = times.iter().map(|t| path.at(t)).collect();
    let distances = |axis: usize| -> Result<Vec<[f64; 2]>> {
        let mut beside = start;
        beside[axis] += separation;
        let neighbour = solver.solve(&field, &0.0, &time, &beside, &Save::At(times.clone()))?.success()?;
        let distance = |(a, b): (&Point, &Point)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        Ok(times.iter().copied().zip(states.iter().zip(neighbour.states()).map(distance)).map(|(t, d)| [t, d]).collect())
    };
    let [along_x, along_y] = [distances(0)?, distances(1)?];
    let stretches = stretches(&map, &times, &states, CLOSE / separation)?;
    let predicted: Vec<_> = stretches.into_iter().map(|[t, factor]| [t, separation * factor]).collect();
    let mean: Vec<_> = times.iter().map(|t| [*t, separation * (KNOWN[0] * t).exp()]).take_while(|[_, d]| *d < CLOSE).collect();
    let title = format!("Two trajectories that begin {separation:e} apart");
    let axes = Axes { title: &title, x: "time", y: "distance", scale: Scale::Log };
    let lines = [
        ("moved along x", &along_x[..]),
        ("moved along y", &along_y),
        ("largest stretch of the Jacobian", &predicted),
        ("known exponent 0.9056", &mean),
    ];
    curves(folder.path("separation.svg"), &axes, &lines)?;

    let spectrum = lyapunov_spectrum(&map, &Steps::new(0.0, 1.0, arguments.average)?, &start)?;
    let (exponents, errors) = (spectrum.exponents(), spectrum.standard_errors());
    let close = predicted.last().map_or(time, |[t, _]| f64::max(*t, times[1]));
    let unit = deformation(&map, &0.0, &1.0, &start)?.determinant();
    let summary = json!({
        "lyapunov_exponents": { "found": exponents, "standard_error": errors, "known": KNOWN, "time": arguments.average },
        "sum_of_exponents": { "found": spectrum.sum(), "exact": DIVERGENCE },
        "kaplan_yorke_dimension": spectrum.kaplan_yorke_dimension(),
        "determinant_over_time_1": { "found": unit, "exact": DIVERGENCE.exp() },
        "exponent_while_close": { "found": ftle(&map, &0.0, &close, &start)?, "time": close },
        "slope_of_ln_distance": { "moved_along_x": slope(&along_x), "moved_along_y": slope(&along_y) },
        "trajectory": path.statistics(),
    });
    println!("{summary:#}");
    folder.write("summary.json", &format!("{summary:#}\n"))
}

/// `count` times from 0 to `end`.
fn instants(end: f64, count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(move |k| end * (f64::from(k) / f64::from(count - 1)))
}

fn matrix(deformation: &Deformation<[[f64; 3]; 3]>) -> Matrix3<f64> {
    Matrix3::from_fn(|i, j| deformation.jacobian()[i][j])
}

/// Times, and how far the flow has stretched the neighbourhood of the start until then: the largest singular value of its
/// Jacobian, which is the product of those between one time and the next. Only as long as it is below `limit`.
fn stretches(map: &impl FlowMap<Dual<Point>>, times: &[f64], states: &[Point], limit: f64) -> Result<Vec<[f64; 2]>> {
    let mut product = Matrix3::identity();
    let mut stretches = vec![[times[0], 1.0]];
    for (pair, state) in times.windows(2).zip(states) {
        product = matrix(&deformation(map, &pair[0], &pair[1], state)?) * product;
        let factor = product.singular_values()[0];
        if factor > limit {
            break;
        }
        stretches.push([pair[1], factor]);
    }
    Ok(stretches)
}

/// The slope of the straight line through the logarithms of small distances; null if there are none.
fn slope(distances: &[[f64; 2]]) -> Option<f64> {
    let points: Vec<_> = distances.iter().take_while(|[_, d]| *d < CLOSE).map(|[t, d]| (*t, d.ln())).collect();
    let count = points.len() as f64;
    let mean = |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|(t, l)| f(*t, *l)).sum::<f64>() / count;
    let (t, l) = (mean(&|t, _| t), mean(&|_, l| l));
    let rise = mean(&|x, y| (x - t) * (y - l)) / mean(&|x, _| (x - t).powi(2));
    rise.is_finite().then_some(rise)
}
