//! Work-precision diagrams: the error at the end against the evaluations of the velocity, for every method of
//! [`METHODS`](flowmap::solver::METHODS), on problems whose flow maps are known in closed form.
//!
//! cargo run --release --features cli,plot --example work_precision
//!
//! Writes `equal.svg` (equal steps), `adaptive.svg` (tolerances), `points.csv` (every point of both) and `summary.json`, and
//! prints the evaluations needed for a given error. On the doubly logarithmic pictures a method of order p is a line of slope -p.

mod common;

use clap::Parser;
use common::Folder;
use flowmap::{
    Error, FlowMap, Result, Tolerance, VelocityField,
    cli::exit_code,
    exact::{CouplingFlow, DampedOscillator, Hopf, Kepler, Pendulum, TaylorGreen},
    plot::{Axes, Named, Scale, curve_panels},
    solver::{Adaptive, FixedSteps, METHODS, Save, Solver, Tableau},
};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Errors against evaluations of the velocity, for every method on six problems with exact solutions
#[derive(Parser)]
struct Arguments {
    /// Largest number of evaluations per solve
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1000..=100_000_000))]
    evaluations: u32,
    /// Tolerances from 1e-2 to 1e-N, relative and absolute
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(i32).range(2..=14))]
    digits: i32,
    /// Error for which the evaluations needed are printed
    #[arg(long, default_value_t = 1e-6)]
    error: f64,
    /// Folder for the pictures and the table
    #[arg(long, value_name = "DIR", default_value = "out/work_precision")]
    out: PathBuf,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

/// How long the steps are.
#[derive(Clone, Copy)]
enum Steps {
    Equal(u32),
    /// Relative and absolute tolerance, and attempts at most.
    Tolerance(f64, u32),
}

/// Evaluations and error of one solve.
type Point = [f64; 2];

/// An initial value problem with a solution in closed form.
struct Problem {
    name: &'static str,
    /// None where the solve did not get to the end.
    solve: Box<dyn Fn(Tableau, Steps) -> Result<Option<Point>>>,
}

impl Problem {
    /// From `start` at time 0 to time `end`. The error is the distance from the exact end.
    fn new<const D: usize, E>(name: &'static str, exact: E, end: f64, start: [f64; D]) -> Self
    where
        E: VelocityField<[f64; D]> + FlowMap<[f64; D]> + 'static,
    {
        let truth = exact.flow(&0.0, &end, &start);
        let solve = move |method, steps| {
            let path = match steps {
                Steps::Equal(count) => FixedSteps::new(method, count)?.solve(&exact, &0.0, &end, &start, &Save::End),
                Steps::Tolerance(tolerance, attempts) => {
                    let solver = Adaptive::new(method)?.tolerance(Tolerance::new(tolerance, tolerance)?).max_steps(attempts);
                    solver.solve(&exact, &0.0, &end, &start, &Save::End)
                }
            }?;
            if !path.status().is_success() {
                return Ok(None);
            }
            let squares = path.end().iter().zip(truth).map(|(found, exact)| (found - exact).powi(2));
            Ok(Some([path.statistics().evaluations as f64, squares.sum::<f64>().sqrt()]))
        };
        Self { name, solve: Box::new(solve) }
    }

    /// Swings, orbits, vortices, and one field without any structure.
    fn all() -> Result<Vec<Self>> {
        Ok(vec![
            Self::new("Damped oscillator", DampedOscillator::new(0.1, 1.0)?, 20.0, [1.0, 0.0]),
            Self::new("Pendulum", Pendulum::new(1.0)?, 20.0, [2.5, 0.0]),
            // at the near end of an orbit of eccentricity 0.5, three revolutions
            Self::new("Kepler, eccentricity 0.5", Kepler::new(1.0)?, 18.0, [0.5, 0.0, 0.0, 3.0_f64.sqrt()]),
            Self::new("Hopf oscillator", Hopf::new(1.0, 2.0, 1.0)?, 10.0, [0.1, 0.0]),
            Self::new("Taylor-Green vortices", TaylorGreen::new(0.05)?, 10.0, [0.5, 1.0]),
            Self::new("Random coupling flow", CouplingFlow::<2>::random(8, 31)?, 3.0, [0.5, -0.5]),
        ])
    }
}

/// The measurements of a problem.
struct Panel {
    problem: &'static str,
    curves: Vec<Curve>,
}

/// The measurements of a method; nothing if it cannot do such steps.
struct Curve {
    method: &'static str,
    points: Vec<Point>,
}

fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { error, evaluations, digits, .. } = *arguments;
    if !(error > 0.0 && error < 1.0) {
        return Err(Error::Invalid { what: "--error", reason: format!("{error} is not between 0 and 1") });
    }
    let folder = Folder::new(&arguments.out)?;
    let most = |method: &Tableau| evaluations / method.stages() as u32;
    let equal = |method: &Tableau| -> Vec<_> {
        let counts = (3..31).map(|k| 1 << k);
        counts.take_while(|count| *count <= most(method)).map(Steps::Equal).collect()
    };
    let adaptive = |method: &Tableau| -> Vec<_> {
        let digits = if method.estimate.is_some() { digits } else { 0 };
        (2..=digits).map(|k| Steps::Tolerance(10.0_f64.powi(-k), most(method))).collect()
    };
    let mut rows = String::from("steps,problem,method,evaluations,error\n");
    let mut summary = json!({ "error": error });
    for (kind, panels) in [("equal", measure(equal)?), ("adaptive", measure(adaptive)?)] {
        println!("evaluations for an error of {error:e}, {kind} steps");
        print_prices(&panels, error);
        draw(&folder.path(&format!("{kind}.svg")), &panels)?;
        for Panel { problem, curves } in &panels {
            for Curve { method, points } in curves {
                let row = |[n, error]: &Point| format!("{kind},\"{problem}\",{method},{n},{error:?}\n");
                rows.extend(points.iter().map(row));
                summary[kind][problem][method] = json!(price(points, error).map(f64::round));
            }
        }
    }
    folder.write("points.csv", &rows)?;
    folder.write("summary.json", &format!("{summary:#}\n"))?;
    println!("see {}; adaptive.svg, points.csv and summary.json are in the same folder", folder.path("equal.svg").display());
    Ok(())
}

/// Every problem solved by every method with every one of its `steps`.
fn measure(steps: impl Fn(&Tableau) -> Vec<Steps>) -> Result<Vec<Panel>> {
    let panel = |problem: Problem| {
        let curve = |method: &Tableau| {
            let points = steps(method).into_iter().filter_map(|steps| (problem.solve)(*method, steps).transpose());
            Ok(Curve { method: method.name, points: points.collect::<Result<_>>()? })
        };
        Ok(Panel { problem: problem.name, curves: METHODS.iter().map(curve).collect::<Result<_>>()? })
    };
    Problem::all()?.into_iter().map(panel).collect()
}

/// A panel for each problem. Errors above 1 are left out.
fn draw(path: &Path, panels: &[Panel]) -> Result<()> {
    let useful = |points: &[Point]| -> Vec<Point> { points.iter().copied().filter(|[_, error]| *error < 1.0).collect() };
    let curves = |panel: &Panel| -> Vec<_> { panel.curves.iter().map(|curve| (curve.method, useful(&curve.points))).collect() };
    let named: Vec<Vec<_>> = panels.iter().map(curves).collect();
    let named: Vec<Vec<_>> = named.iter().map(|curves| curves.iter().map(shown).collect()).collect();
    let axes = |panel: &Panel| Axes { title: panel.problem, x: "evaluations", y: "error", scale: Scale::LogLog };
    let panels: Vec<_> = panels.iter().zip(&named).map(|(panel, curves)| (axes(panel), &curves[..])).collect();
    curve_panels(path, &panels, 3)
}

/// A curve for a picture, whose legend leaves out curves without points.
fn shown<'a>((name, points): &'a (&'static str, Vec<Point>)) -> Named<'a> {
    (if points.is_empty() { "" } else { name }, points)
}

/// A line for each method, a column for each problem.
fn print_prices(panels: &[Panel], error: f64) {
    let words = panels.iter().map(|panel| panel.problem.split([' ', ',']).next().unwrap_or_default());
    println!("{:<18}{}", "", words.map(|word| format!("{word:>14}")).collect::<String>());
    for (k, method) in METHODS.iter().enumerate() {
        let prices = panels.iter().map(|panel| match price(&panel.curves[k].points, error) {
            Some(evaluations) => format!("{evaluations:>14.0}"),
            None => format!("{:>14}", "-"),
        });
        println!("{:<18}{}", method.name, prices.collect::<String>());
    }
    println!();
}

/// Where the curve falls below `error` for good, on the straight line between two of its points.
fn price(points: &[Point], error: f64) -> Option<f64> {
    let above = points.iter().rposition(|[_, e]| *e > error || e.is_nan());
    let Some(k) = above else { return points.first().map(|[evaluations, _]| *evaluations) };
    let ([n0, e0], [n1, e1]) = (points[k], *points.get(k + 1)?);
    let share = ((e0 / error).ln() / (e0 / e1).ln()).min(1.0);
    // a solve that overflowed has no error to use
    Some(if share.is_finite() { n0 * (n1 / n0).powf(share) } else { n1 })
}
