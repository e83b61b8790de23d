//! The Jacobian of numerical flow maps through dual numbers.

use crate::problems::{Problem, adaptive, distance, gyre::GYRE, lorenz, reference};
use flowmap::{
    Ode,
    analysis::jacobian,
    solver::{DOP853, DOPRI5, TSIT5, Tableau},
};

/// The largest error of an entry of the Jacobian, and of a coordinate of the end, in units of the tolerance.
fn errors<const D: usize, O: Ode<D> + Copy>(problem: &Problem<O, D>, name: &str, method: Tableau, tolerance: f64) -> [f64; 2] {
    let reference = reference(name);
    let (end, columns) = reference.split_at(D);
    let found = jacobian(&adaptive(method, tolerance).of(problem.field()), &0.0, &problem.end, &problem.x);
    let rows = found.iter().zip(columns.chunks(D));
    let error = rows.map(|(row, expected)| distance(row, &expected.try_into().unwrap())).fold(0.0, f64::max);
    let path = problem.solve(&adaptive(method, tolerance));
    let found = [error, distance(path.end(), &end.try_into().unwrap())].map(|error| error / tolerance);
    println!("{:<8} {tolerance:.0e} Jacobian {:>9.2} end {:>9.2}  {}", method.name, found[0], found[1], problem.name);
    found
}

const METHODS: [Tableau; 3] = [DOPRI5, TSIT5, DOP853];

#[test]
fn the_jacobian_of_lorenz_is_as_good_as_the_end() {
    for method in METHODS {
        for tolerance in [1e-6, 1e-9, 1e-12] {
            let [jacobian, end] = errors(&lorenz::SHORT, "Lorenz + Jacobian row-major, x0=(1,0,0) @ t=1", method, tolerance);
            assert!(jacobian < 100.0 && end < 100.0, "{} {tolerance:.0e}: {jacobian} and {end} tolerances", method.name);
        }
    }
}

/// The entries reach 12.3, and step sizes are chosen for the end alone.
#[test]
fn the_jacobian_of_the_double_gyre_is_as_good_as_its_size_allows() {
    for method in METHODS {
        for tolerance in [1e-6, 1e-9, 1e-12] {
            let [jacobian, end] = errors(&GYRE, GYRE.name, method, tolerance);
            assert!(jacobian < 12.5 * 100.0 && end < 100.0, "{} {tolerance:.0e}: {jacobian}, {end}", method.name);
        }
    }
}

#[test]
fn the_finite_time_lyapunov_exponent_of_the_double_gyre() {
    let j = jacobian(&adaptive(DOP853, 1e-12).of(GYRE.field()), &0.0, &GYRE.end, &GYRE.x);
    // the larger singular value of a matrix of two columns
    let (sum, det) = (j.as_flattened().iter().map(|x| x * x).sum::<f64>(), j[0][0] * j[1][1] - j[0][1] * j[1][0]);
    let largest = (0.5 * (sum + (sum * sum - 4.0 * det * det).sqrt())).sqrt();
    let exponent = largest.ln() / GYRE.end;
    assert!((exponent - 0.188_422_527_650_568_7).abs() < 1e-10, "{exponent}");
    assert!((det - 1.0).abs() < 1e-9, "the flow keeps areas: {det}");
}
