//! DETEST A: single equations.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

#[derive(Clone, Copy)]
pub enum Scalar {
    Decay,
    CubicDecay,
    Oscillating,
    Logistic,
}

impl Ode<1> for Scalar {
    fn rhs<N: Number>(&self, t: &Num<N>, [y]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [match self {
            Self::Decay => -y,
            Self::CubicDecay => -0.5 * y.powi(3),
            Self::Oscillating => t.cos() * y,
            Self::Logistic => 0.25 * y * (1.0 - 0.05 * y),
        }]
    }
}

pub const A1: Problem<Scalar, 1> = Problem::new("DETEST A1 @ t=20", Scalar::Decay, [1.0], 20.0);
pub const A2: Problem<Scalar, 1> = Problem::new("DETEST A2 @ t=20", Scalar::CubicDecay, [1.0], 20.0);
pub const A3: Problem<Scalar, 1> = Problem::new("DETEST A3 @ t=20", Scalar::Oscillating, [1.0], 20.0);
pub const A4: Problem<Scalar, 1> = Problem::new("DETEST A4 @ t=20", Scalar::Logistic, [1.0], 20.0);

pub fn each(visitor: &mut impl Visitor) {
    [A1, A2, A3, A4].iter().for_each(|problem| visitor.visit(problem));
}
