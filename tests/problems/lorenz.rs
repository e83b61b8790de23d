//! Lorenz' equations with the parameters 10, 28, 8/3: errors grow by e every 1.1 units of time.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

#[derive(Clone, Copy)]
pub struct Lorenz;

impl Ode<3> for Lorenz {
    fn rhs<N: Number>(&self, _: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
    }
}

pub const SHORT: Problem<Lorenz, 3> = Problem::new("Lorenz (1,0,0) @ t=1", Lorenz, [1.0, 0.0, 0.0], 1.0);
pub const MIDDLE: Problem<Lorenz, 3> = Problem::new("Lorenz (1,0,0) @ t=5", Lorenz, [1.0, 0.0, 0.0], 5.0);
pub const LONG: Problem<Lorenz, 3> =
    Problem { factor: 1e6, ..Problem::new("Lorenz (1,0,0) @ t=20", Lorenz, [1.0, 0.0, 0.0], 20.0) };

pub fn each(visitor: &mut impl Visitor) {
    [SHORT, MIDDLE, LONG].iter().for_each(|problem| visitor.visit(problem));
}
