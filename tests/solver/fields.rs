//! Fields and solvers that the tests share.

use flowmap::{
    Num, Number, Ode, Pointwise, Tolerance,
    solver::{Adaptive, BOGACKI_SHAMPINE, DOP853, DOPRI5, HEUN, MIDPOINT, TSIT5, Tableau},
};

/// `x' = v, v' = -sin x + cos(2t)/4`: neither linear nor autonomous.
#[derive(Clone, Copy, Debug)]
pub struct Driven;

impl Ode<2> for Driven {
    fn rhs<N: Number>(&self, t: &Num<N>, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [v.clone(), (2.0 * t).cos() / 4.0 - x.sin()]
    }
}

pub type DrivenField = Pointwise<Driven, 2>;
pub const DRIVEN: DrivenField = Pointwise(Driven);

/// Every method with an estimate.
pub const ADAPTIVE: [Tableau; 6] = [MIDPOINT, HEUN, BOGACKI_SHAMPINE, DOPRI5, TSIT5, DOP853];

/// With `rtol = atol = tolerance`.
pub fn adaptive(method: Tableau, tolerance: f64) -> Adaptive {
    Adaptive::new(method).unwrap().tolerance(Tolerance::new(tolerance, tolerance).unwrap())
}
