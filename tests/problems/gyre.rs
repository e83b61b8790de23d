//! The double gyre: two vortices beside each other whose border swings.
//!
//! Reference: S. C. Shadden, F. Lekien, J. E. Marsden, Physica D 212 (2005), with `A = 0.1`, `ε = 0.25`, `ω = 2π/10`.

use super::Problem;
use flowmap::{Number, Ode};
use std::f64::consts::PI;

#[derive(Clone, Copy)]
pub struct DoubleGyre;

impl Ode<2> for DoubleGyre {
    fn rhs<N: Number>(&self, t: &N, [x, y]: &[N; 2]) -> [N; 2] {
        let a = t.scale(0.2 * PI).sin().scale(0.25);
        let b = a.scale(-2.0).shift(1.0);
        let (f, slope) = ((a.clone() * x + &b) * x, (a * x).scale(2.0) + b);
        let (f, g) = (f.scale(PI), y.scale(PI));
        [(f.sin() * g.cos()).scale(-0.1 * PI), (f.cos() * g.sin() * slope).scale(0.1 * PI)]
    }
}

/// Its reference is the end followed by the Jacobian of the flow map, row by row.
pub const GYRE: Problem<DoubleGyre, 2> = Problem::new(
    "double gyre A=.1 eps=.25 om=2pi/10 x0=('0.5', '0.3') t 0..15, (x,y,J11,J12,J21,J22) @ t=15",
    DoubleGyre,
    [0.5, 0.3],
    15.0,
);
