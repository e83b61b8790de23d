//! DETEST A: single equations.

use super::{Problem, Visitor};
use flowmap::{Number, Ode};

#[derive(Clone, Copy)]
pub enum Scalar {
    Decay,
    CubicDecay,
    Oscillating,
    Logistic,
}

impl Ode<1> for Scalar {
    fn rhs<N: Number>(&self, t: &N, [y]: &[N; 1]) -> [N; 1] {
        [match self {
            Self::Decay => -y.clone(),
            Self::CubicDecay => y.powi(3).scale(-0.5),
            Self::Oscillating => t.cos() * y,
            Self::Logistic => y.scale(0.25) * y.scale(-0.05).shift(1.0),
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
