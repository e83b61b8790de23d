//! DETEST C: chains of many equations.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

/// Radioactive decay along a chain of ten.
#[derive(Clone, Copy)]
pub enum Decay {
    Even,
    /// Member `i` decays at the rate `i`.
    Graded,
}

impl Ode<10> for Decay {
    fn rhs<N: Number>(&self, _: &Num<N>, y: &[Num<N>; 10]) -> [Num<N>; 10] {
        let loss = |i: usize| match self {
            _ if i == 9 => y[i].constant(0.0),
            Self::Even => y[i].clone(),
            Self::Graded => (i as f64 + 1.0) * &y[i],
        };
        std::array::from_fn(|i| if i == 0 { -loss(0) } else { loss(i - 1) - loss(i) })
    }
}

/// Diffusion along a chain, both ends held at 0: `y_i' = y_(i-1) - 2 y_i + y_(i+1)`.
#[derive(Clone, Copy)]
pub struct Diffusion;

impl<const D: usize> Ode<D> for Diffusion {
    fn rhs<N: Number>(&self, _: &Num<N>, y: &[Num<N>; D]) -> [Num<N>; D] {
        std::array::from_fn(|i| {
            let mut rate = -2.0 * &y[i];
            if i > 0 {
                rate += &y[i - 1];
            }
            if i + 1 < D {
                rate += &y[i + 1];
            }
            rate
        })
    }
}

/// All in the first member.
const fn first<const D: usize>() -> [f64; D] {
    let mut x = [0.0; D];
    x[0] = 1.0;
    x
}

pub const C1: Problem<Decay, 10> = Problem::new("DETEST C1 @ t=20", Decay::Even, first(), 20.0);
pub const C2: Problem<Decay, 10> = Problem::new("DETEST C2 @ t=20", Decay::Graded, first(), 20.0);
pub const C3: Problem<Diffusion, 10> = Problem::new("DETEST C3 @ t=20", Diffusion, first(), 20.0);
pub const C4: Problem<Diffusion, 51> = Problem::new("DETEST C4 @ t=20", Diffusion, first(), 20.0);

pub fn each(visitor: &mut impl Visitor) {
    [C1, C2].iter().for_each(|problem| visitor.visit(problem));
    visitor.visit(&C3);
    visitor.visit(&C4);
}
