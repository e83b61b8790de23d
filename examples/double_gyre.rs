//! Finite-time Lyapunov exponents of the double gyre, two vortices separated by a swaying wall: along ridges of the exponent
//! fluid separates (forward in time) or converges (backward).
//!
//! cargo run --release --features cli,plot --example double_gyre
//!
//! Writes `forward.png`, `backward.png`, a table for each and `summary.json`. There are two methods for the same field. With
//! `--duals` the numerical flow map is differentiated in each cell: one line, for any ODE. Without, the variational equation is
//! written out and solved in SIMD lanes, several trajectories at a time: eight to ten times as fast.
//!
//! Reference: S. C. Shadden, F. Lekien, J. E. Marsden, Physica D 212, 2005, section 7.

mod common;

use clap::Parser;
use common::Folder;
use flowmap::{
    Error, Num, Number, Ode, Result, Tolerance,
    analysis::{Deformation, Grid, ScalarField, ftle},
    cli::exit_code,
    plot::{ColourBar, Plane, heat_map},
    solver::{Adaptive, DOP853, End, Ensemble, Start},
};
use serde_json::json;
use std::{f64::consts::PI, path::PathBuf, process::ExitCode, time::Instant};

/// A point, and the exponent there from time 0 to 15 for the defaults of the velocity.
const CHECK: ([f64; 2], f64) = ([0.5, 0.3], 0.188_422_527_650_568_7);

/// Finite-time Lyapunov exponents of the double gyre, forward and backward in time
#[derive(Parser)]
struct Arguments {
    /// Cells in x; half as many in y
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u16).range(2..=4000))]
    cells: u16,
    /// Integration time, forward and backward from time 0
    #[arg(long, default_value_t = 15.0)]
    time: f64,
    /// Amplitude of the velocity
    #[arg(long, default_value_t = 0.1)]
    amplitude: f64,
    /// Amplitude of the wall's oscillation
    #[arg(long, default_value_t = 0.25)]
    epsilon: f64,
    /// Period of the wall's oscillation
    #[arg(long, default_value_t = 10.0)]
    period: f64,
    /// Relative and absolute tolerance of the solver
    #[arg(long, default_value_t = 1e-8)]
    tolerance: f64,
    /// Differentiate the flow map by dual numbers, cell by cell (slower)
    #[arg(long)]
    duals: bool,
    /// Folder for the pictures and the tables
    #[arg(long, value_name = "DIR", default_value = "out/double_gyre")]
    out: PathBuf,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

/// With the stream function `A sin(π f) sin(π y)`, `f = a x² + (1 - 2a) x`, `a = ε sin(ω t)`.
#[derive(Clone, Copy)]
struct DoubleGyre {
    amplitude: f64,
    epsilon: f64,
    omega: f64,
}

impl DoubleGyre {
    /// `f`, `∂f/∂x` and `∂²f/∂x²`.
    #[inline(always)]
    fn bent<N: Number>(&self, t: &Num<N>, x: &Num<N>) -> [Num<N>; 3] {
        let a = self.epsilon * (self.omega * t).sin();
        let bend = &a * x;
        [(&bend - 2.0 * &a + 1.0) * x, 2.0 * (bend - &a) + 1.0, 2.0 * a]
    }
}

impl Ode<2> for DoubleGyre {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let [f, slope, _] = self.bent(t, x);
        let (f, y, speed) = (PI * f, PI * y, PI * self.amplitude);
        [-speed * f.sin() * y.cos(), speed * f.cos() * y.sin() * slope]
    }
}

/// A point and the Jacobian of its flow, row by row, which obeys `dJ/dt = ∇b J`.
struct Variational(DoubleGyre);

impl Ode<6> for Variational {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [x, y, xx, xy, yx, yy]: &[Num<N>; 6]) -> [Num<N>; 6] {
        let [f, slope, curvature] = self.0.bent(t, x);
        let (f, y, speed) = (PI * f, PI * y, PI * self.0.amplitude);
        let ([sin_f, cos_f], [sin_y, cos_y]) = ([f.sin(), f.cos()], [y.sin(), y.cos()]);
        // ∇b = [[a, b], [c, -a]]: the fluid is incompressible
        let a = -PI * speed * &cos_f * &cos_y * &slope;
        let b = PI * speed * &sin_f * &sin_y;
        let c = speed * &sin_y * (&cos_f * curvature - PI * &sin_f * &slope * &slope);
        [
            -speed * sin_f * cos_y,
            speed * cos_f * sin_y * slope,
            &a * xx + &b * yx,
            &a * xy + &b * yy,
            &c * xx - &a * yx,
            &c * xy - &a * yy,
        ]
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { time, amplitude, epsilon, period, tolerance, .. } = *arguments;
    for (what, value) in [("--time", time), ("--period", period)] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Invalid { what, reason: format!("{value} is not a positive number") });
        }
    }
    let gyre = DoubleGyre { amplitude, epsilon, omega: 2.0 * PI / period };
    let solver = Adaptive::new(DOP853)?.tolerance(Tolerance::new(tolerance, tolerance)?);
    let map = solver.clone().of(gyre.field());
    let ensemble = Ensemble::new(solver);
    let folder = Folder::new(&arguments.out)?;

    let (point, known) = CHECK;
    let by_duals = ftle(&map, &0.0, &time, &point)?;
    let by_lanes = exponents(&ensemble, gyre, time, &[point])?[0];
    let mut summary = json!({ "point": point, "by_duals": by_duals, "in_lanes": by_lanes, "known_for_the_defaults": known });
    println!("exponent at {point:?}: {by_duals:.12} by duals, {by_lanes:.12} in lanes; {known:.12} is known for the defaults");

    let cells = usize::from(arguments.cells);
    let grid = Grid::new([[0.0, 2.0], [0.0, 1.0]], [cells, cells / 2])?;
    for (name, end, title) in [("forward", time, "where fluid will separate"), ("backward", -time, "where fluid has converged")] {
        let begin = Instant::now();
        let field = if arguments.duals {
            ScalarField::sample(grid, |point| ftle(&map, &0.0, &end, &point).unwrap_or(f64::NAN))
        } else {
            let points: Vec<_> = (0..cells / 2).flat_map(|j| (0..cells).map(move |i| grid.centre(i, j))).collect();
            ScalarField::new(grid, exponents(&ensemble, gyre, end, &points)?)?
        };
        println!("{name:8} {} cells in {:.2} s", field.values().len(), begin.elapsed().as_secs_f64());
        summary[name] =
            json!({ "end": end, "largest": field.range().map(|[_, high]| high), "seconds": begin.elapsed().as_secs_f64() });
        let title = format!("Double gyre, time 0 to {end}: {title}");
        let high = quantile(&field, 0.99);
        let bar = ColourBar { name: "exponent", range: (high > 0.0).then_some([0.0, high]) };
        heat_map(folder.path(&format!("{name}.png")), &Plane { title: &title, x: "x", y: "y" }, &bar, &field)?;
        field.write_csv(folder.path(&format!("{name}.csv")))?;
    }
    folder.write("summary.json", &format!("{summary:#}\n"))?;
    println!("see {}, backward.png, a table for each, and summary.json", folder.path("forward.png").display());
    Ok(())
}

/// This quantile of the values: few cells meet the crests of the thin ridges, which would take most of the colours.
fn quantile(field: &ScalarField, share: f64) -> f64 {
    let mut values = field.values().to_vec();
    values.sort_by(f64::total_cmp);
    values[(share * (values.len() - 1) as f64) as usize]
}

/// The exponents from time 0 to `end` at every point, from the variational equation in SIMD lanes.
fn exponents(ensemble: &Ensemble, gyre: DoubleGyre, end: f64, points: &[[f64; 2]]) -> Result<Vec<f64>> {
    let start = |[x, y]: &[f64; 2]| Start { from: 0.0, to: end, state: [*x, *y, 1.0, 0.0, 0.0, 1.0], parameters: [] };
    let starts: Vec<_> = points.iter().map(start).collect();
    let ends = ensemble.solve(&Variational(gyre), &starts);
    let exponent = |(start, found): (&Start<[f64; 6]>, &End<[f64; 6]>)| {
        let [_, _, xx, xy, yx, yy] = found.success(start)?;
        Deformation::new([[xx, xy], [yx, yy]], end)?.ftle()
    };
    starts.iter().zip(&ends).map(exponent).collect()
}
