//! Many small ODEs and one long orbit, against other Rust libraries, interleaved in one run.
//!
//! ```text
//! cargo bench -p flowmap-peers
//! ```
//!
//! Every library has Dormand and Prince's method of order 5 at the same tolerances (the orbit: of order 8, too). For each it
//! prints the least and the median time, the largest error, and how many times longer it takes than this crate on one thread.

#[path = "../../examples/ensemble/problems.rs"]
mod problems;

use differential_equations::prelude::{ExplicitRungeKutta, IVP, ODE};
use flowmap::{
    Ode, Pointwise, Tolerance, VelocityField,
    solver::{Adaptive, DOP853, DOPRI5, Ensemble, Save, Solver, Start, Tableau},
};
use ode_solvers::{System, dop_shared::OutputType, dop853::Dop853, dopri5::Dopri5};
use problems::{Arenstorf, Lorenz, Mixture};
use std::time::Instant;

type Vector<const D: usize> = ode_solvers::SVector<f64, D>;

/// An ODE of this crate in the form of each other library, with the same right-hand side.
#[derive(Clone, Copy)]
struct Shared<O>(O);

impl<O: Ode<D>, const D: usize> System<f64, Vector<D>> for Shared<O> {
    fn system(&self, t: f64, x: &Vector<D>, rate: &mut Vector<D>) {
        *rate = Vector::from(Pointwise(&self.0).velocity(&t, &x.data.0[0]));
    }
}

impl<O: Ode<D>, const D: usize> ODE<f64, [f64; D]> for Shared<O> {
    fn diff(&self, t: f64, x: &[f64; D], rate: &mut [f64; D]) {
        *rate = Pointwise(&self.0).velocity(&t, x);
    }
}

/// The name of a library, and a function that computes the ends.
type Run<'a, const D: usize> = (&'static str, Box<dyn Fn() -> Vec<[f64; D]> + 'a>);

/// Runs all of them interleaved, and prints a line for each.
fn compare<const D: usize>(problem: &str, rounds: usize, exact: &[[f64; D]], runs: &[Run<D>]) {
    println!("{problem}");
    let mut seconds = vec![Vec::new(); runs.len()];
    let mut errors = vec![0.0; runs.len()];
    for _ in 0..rounds {
        for (k, (_, run)) in runs.iter().enumerate() {
            let begin = Instant::now();
            let ends = run();
            seconds[k].push(begin.elapsed().as_secs_f64());
            let off = |(a, b): (&[f64; D], &[f64; D])| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            errors[k] = ends.iter().zip(exact).map(off).fold(0.0, f64::max);
        }
    }
    for times in &mut seconds {
        times.sort_by(f64::total_cmp);
    }
    let [least, median] = [|times: &Vec<f64>| times[0], |times: &Vec<f64>| times[times.len() / 2]];
    for (k, (name, _)) in runs.iter().enumerate() {
        let ratio = |of: fn(&Vec<f64>) -> f64| of(&seconds[k]) / of(&seconds[0]);
        println!(
            "  {name:<34} min {:9.3} ms  median {:9.3} ms  error {:.1e}  {:5.2} (min) {:5.2} (median) times the first",
            1e3 * least(&seconds[k]),
            1e3 * median(&seconds[k]),
            errors[k],
            ratio(least),
            ratio(median),
        );
    }
}

fn many<const D: usize>(problem: &str, ode: impl Ode<D> + Copy + Sync, starts: &[Start<[f64; D]>]) {
    let [rtol, atol] = [1e-6, 1e-9];
    let solver = |method: Tableau, rtol, atol| {
        Ensemble::new(Adaptive::new(method).expect("a pair").tolerance(Tolerance::new(rtol, atol).expect("positive")))
    };
    let ends = |ensemble: &Ensemble| ensemble.solve(&ode, starts).iter().map(|end| end.state).collect::<Vec<_>>();
    let exact = ends(&solver(DOP853, 1e-13, 1e-13));
    let [one, two] = [1, 2].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a pool"));
    let ours = solver(DOPRI5, rtol, atol);
    let shared = Shared(ode);
    let runs: [Run<D>; 4] = [
        ("flowmap, 1 thread", Box::new(|| one.install(|| ends(&ours)))),
        ("flowmap, 2 threads", Box::new(|| two.install(|| ends(&ours)))),
        ("ode_solvers, 1 thread", Box::new(|| starts.iter().map(|s| dopri5(shared, s, rtol, atol)).collect())),
        ("differential-equations, 1 thread", Box::new(|| starts.iter().map(|s| by_ivp(&shared, s, rtol, atol)).collect())),
    ];
    compare(problem, 31, &exact, &runs);
}

fn dopri5<O: Ode<D>, const D: usize>(ode: Shared<O>, start: &Start<[f64; D]>, rtol: f64, atol: f64) -> [f64; D] {
    let (span, x) = (start.to - start.from, Vector::from(start.state));
    let sparse = OutputType::Sparse;
    let mut solver = Dopri5::from_param(
        ode, start.from, start.to, span, x, rtol, atol, 0.9, 0.04, 0.2, 10.0, span, 0.0, 100_000, 1000, sparse,
    );
    solver.integrate().expect("no stiffness here");
    solver.y_out().last().expect("the end").data.0[0]
}

fn dop853<O: Ode<D>, const D: usize>(ode: Shared<O>, start: &Start<[f64; D]>, rtol: f64, atol: f64) -> [f64; D] {
    let (span, x) = (start.to - start.from, Vector::from(start.state));
    let sparse = OutputType::Sparse;
    let mut solver = Dop853::from_param(
        ode, start.from, start.to, span, x, rtol, atol, 0.9, 0.0, 0.333, 6.0, span, 0.0, 100_000, 1000, sparse,
    );
    solver.integrate().expect("no stiffness here");
    solver.y_out().last().expect("the end").data.0[0]
}

fn by_ivp<O: Ode<D>, const D: usize>(ode: &Shared<O>, start: &Start<[f64; D]>, rtol: f64, atol: f64) -> [f64; D] {
    let method = ExplicitRungeKutta::dopri5().rtol(rtol).atol(atol);
    let path = IVP::ode(ode, start.from, start.to, start.state).method(method).solve().expect("no stiffness here");
    *path.y.last().expect("the end")
}

fn orbit() {
    let (tolerance, start) = (1e-10, Arenstorf::start());
    let ours = |method| {
        let solver = Adaptive::new(method).expect("a pair").tolerance(Tolerance::new(tolerance, tolerance).expect("positive"));
        move || {
            let path = solver.solve(&Arenstorf.field(), &start.from, &start.to, &start.state, &Save::End);
            vec![*path.expect("the end can be kept").end()]
        }
    };
    let shared = Shared(Arenstorf);
    let order_5: [Run<4>; 3] = [
        ("flowmap, Dopri5", Box::new(ours(DOPRI5))),
        ("ode_solvers, Dopri5", Box::new(|| vec![dopri5(shared, &start, tolerance, tolerance)])),
        ("differential-equations, Dopri5", Box::new(|| vec![by_ivp(&shared, &start, tolerance, tolerance)])),
    ];
    compare("Arenstorf's orbit, order 5", 301, &[start.state], &order_5);
    let order_8: [Run<4>; 2] = [
        ("flowmap, DOP853", Box::new(ours(DOP853))),
        ("ode_solvers, Dop853", Box::new(|| vec![dop853(shared, &start, tolerance, tolerance)])),
    ];
    compare("Arenstorf's orbit, order 8", 301, &[start.state], &order_8);
}

fn main() {
    many("Lorenz's system, 10,000 trajectories", Lorenz, &Lorenz::starts());
    many("probability flow of a mixture, 10,000 points", Mixture::default(), &Mixture::starts());
    orbit();
}
