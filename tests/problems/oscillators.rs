//! Oscillators in the plane.

use super::{Problem, Visitor};
use flowmap::{Number, Ode};

#[derive(Clone, Copy)]
pub enum Oscillator {
    /// With `μ = 1`.
    VanDerPol,
    /// With `A = 1`, `B = 3`.
    Brusselator,
    /// With the parameters 1.5, 1, 3, 1.
    LotkaVolterra,
}

impl Ode<2> for Oscillator {
    fn rhs<N: Number>(&self, _: &N, [x, y]: &[N; 2]) -> [N; 2] {
        match self {
            Self::VanDerPol => [y.clone(), (-x.powi(2)).shift(1.0) * y - x],
            Self::Brusselator => {
                let both = x.powi(2) * y;
                [both.clone().shift(1.0) - x.scale(4.0), x.scale(3.0) - both]
            }
            Self::LotkaVolterra => {
                let meet = x.clone() * y;
                [x.scale(1.5) - &meet, meet - y.scale(3.0)]
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
