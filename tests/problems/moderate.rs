//! DETEST B: small systems, and Euler's rigid body.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

/// Two species in conflict: `x' = 2 (x - x y)`, `y' = x y - y`.
#[derive(Clone, Copy)]
pub struct Conflict;

impl Ode<2> for Conflict {
    fn rhs<N: Number>(&self, _: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let meet = x * y;
        [2.0 * (x - &meet), meet - y]
    }
}

#[derive(Clone, Copy)]
pub enum Reaction {
    Linear,
    NonLinear,
}

impl Ode<3> for Reaction {
    fn rhs<N: Number>(&self, _: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        match self {
            Self::Linear => [y - x, x - 2.0 * y + z, y - z],
            Self::NonLinear => [-x, x - y.powi(2), y.powi(2)],
        }
    }
}

/// Euler's equations of a rigid body without forces.
#[derive(Clone, Copy)]
pub struct RigidBody;

impl Ode<3> for RigidBody {
    fn rhs<N: Number>(&self, _: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [y * z, -x * z, -0.51 * (x * y)]
    }
}

/// A closed orbit, along which errors add up: a tolerance becomes up to 81.
pub const B1: Problem<Conflict, 2> = Problem::new("DETEST B1 @ t=20", Conflict, [1.0, 3.0], 20.0);
pub const B2: Problem<Reaction, 3> = Problem::new("DETEST B2 @ t=20", Reaction::Linear, [2.0, 0.0, 1.0], 20.0);
pub const B3: Problem<Reaction, 3> = Problem::new("DETEST B3 @ t=20", Reaction::NonLinear, [1.0, 0.0, 0.0], 20.0);
pub const B5: Problem<RigidBody, 3> = Problem::new("DETEST B5 @ t=20", RigidBody, [0.0, 1.0, 1.0], 20.0);
pub const TURNING: Problem<RigidBody, 3> = Problem::new("Euler rigid (0,1,1) -0.51 @ t=1", RigidBody, [0.0, 1.0, 1.0], 1.0);

pub fn each(visitor: &mut impl Visitor) {
    visitor.visit(&B1);
    [B2, B3].iter().for_each(|problem| visitor.visit(problem));
    [B5, TURNING].iter().for_each(|problem| visitor.visit(problem));
}
