//! DETEST E: equations of second order. E2 is van der Pol's.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

#[derive(Clone, Copy)]
pub enum SecondOrder {
    /// Bessel's equation of order 1/2, at `r = t + 1`: `y'' = -(y'/r + (1 - 1/4r²) y)`.
    Bessel,
    /// A fall with a drag that grows with the square of the speed.
    Drag,
}

impl Ode<2> for SecondOrder {
    fn rhs<N: Number>(&self, t: &Num<N>, [y, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let rate = match self {
            Self::Bessel => {
                let r = t + 1.0;
                -(v / &r + (1.0 - 0.25 / r.powi(2)) * y)
            }
            Self::Drag => 0.032 - 0.4 * v.powi(2),
        };
        [v.clone(), rate]
    }
}

const ONE: [f64; 2] = [0.671_396_707_141_803, 0.095_400_514_447_474_46];
pub const E1: Problem<SecondOrder, 2> = Problem::new("DETEST E1 @ t=20", SecondOrder::Bessel, ONE, 20.0);
pub const E4: Problem<SecondOrder, 2> = Problem::new("DETEST E4 @ t=20", SecondOrder::Drag, [30.0, 0.0], 20.0);

pub fn each(visitor: &mut impl Visitor) {
    [E1, E4].iter().for_each(|problem| visitor.visit(problem));
}
