//! Oscillators in the plane.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

#[derive(Clone, Copy)]
pub enum Oscillator {
    /// `x'' = μ (1 - x²) x' - x` with `μ = 1`.
    VanDerPol,
    /// `x' = A + x² y - (B + 1) x`, `y' = B x - x² y` with `A = 1`, `B = 3`.
    Brusselator,
    /// `x' = a x - b x y`, `y' = d x y - c y` with the parameters 1.5, 1, 3, 1.
    LotkaVolterra,
}

impl Ode<2> for Oscillator {
    fn rhs<N: Number>(&self, _: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        match self {
            Self::VanDerPol => [y.clone(), (1.0 - x.powi(2)) * y - x],
            Self::Brusselator => {
                let both = x.powi(2) * y;
                [1.0 + &both - 4.0 * x, 3.0 * x - both]
            }
            Self::LotkaVolterra => {
                let meet = x * y;
                [1.5 * x - &meet, meet - 3.0 * y]
            }
        }
    }
}

type Plane = Problem<Oscillator, 2>;

pub const VAN_DER_POL: Plane = Problem::new("vdP mu=1 (2,0) @ t=20", Oscillator::VanDerPol, [2.0, 0.0], 20.0);
pub const EARLY_VAN_DER_POL: Plane = Problem::new("vdP mu=1 (2,0) @ t=1", Oscillator::VanDerPol, [2.0, 0.0], 1.0);
pub const BRUSSELATOR: Plane = Problem::new("Brusselator (1.5,3) @ t=20", Oscillator::Brusselator, [1.5, 3.0], 20.0);
pub const LOTKA_VOLTERRA: Plane = Problem::new("LV SciML (1,1) p=(1.5,1,3,1) @ t=1", Oscillator::LotkaVolterra, [1.0, 1.0], 1.0);

pub fn each(visitor: &mut impl Visitor) {
    [VAN_DER_POL, EARLY_VAN_DER_POL, BRUSSELATOR, LOTKA_VOLTERRA].iter().for_each(|problem| visitor.visit(problem));
}
