//! Checks a guess of an ODE's flow map by the three characterizations.
//!
//! cargo run --release --example verify_rotation

use flowmap::{FiniteDifferences, QuasiRandom, Result, field, flow_map, verify};

fn main() -> Result<()> {
    // dx/dt = b(x): rotation of the plane with angular velocity 2
    let b = field(|_t: &f64, [x, y]: &[f64; 2]| [-2.0 * y, 2.0 * x]);
    // the flow map X_{s,t}; `FiniteDifferences` supplies its derivatives
    let turn = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, [x, y]: &[f64; 2]| {
        let (sin, cos) = (2.0 * (t - s)).sin_cos();
        [cos * x - sin * y, sin * x + cos * y]
    }));
    let cases = QuasiRandom::new([-1.0, 1.0], [[-3.0, 3.0]; 2])?.cases(1000);
    let report = verify(&turn, &b, cases.clone());
    println!("the rotation\n{report}holds to 1e-8: {}\n", report.holds(1e-8));

    // the identity map is a semigroup too, but not the flow map of b
    let still = FiniteDifferences::new(flow_map(|_s: &f64, _t: &f64, x: &[f64; 2]| *x));
    let report = verify(&still, &b, cases);
    println!("the identity\n{report}holds to 1e-8: {}", report.holds(1e-8));
    Ok(())
}
