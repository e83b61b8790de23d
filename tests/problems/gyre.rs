//! The double gyre: two vortices beside each other whose border swings. It has the stream function `A sin(π f) sin(π y)` with
//! `f = a x² + (1 - 2a) x`, `a = ε sin(ω t)`.
//!
//! Reference: S. C. Shadden, F. Lekien, J. E. Marsden, Physica D 212 (2005), with `A = 0.1`, `ε = 0.25`, `ω = 2π/10`.

use super::Problem;
use flowmap::{Num, Number, Ode};
use std::f64::consts::PI;

#[derive(Clone, Copy)]
pub struct DoubleGyre;

impl Ode<2> for DoubleGyre {
    fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let a = 0.25 * (0.2 * PI * t).sin();
        let b = 1.0 - 2.0 * &a;
        let (f, slope) = ((&a * x + &b) * x, 2.0 * a * x + b);
        let (f, y) = (PI * f, PI * y);
        [-0.1 * PI * (f.sin() * y.cos()), 0.1 * PI * (f.cos() * y.sin() * slope)]
    }
}

/// Its reference is the end followed by the Jacobian of the flow map, row by row.
pub const GYRE: Problem<DoubleGyre, 2> = Problem::new(
    "double gyre A=.1 eps=.25 om=2pi/10 x0=('0.5', '0.3') t 0..15, (x,y,J11,J12,J21,J22) @ t=15",
    DoubleGyre,
    [0.5, 0.3],
    15.0,
);
