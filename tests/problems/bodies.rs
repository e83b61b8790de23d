//! Bodies that attract each other: DETEST D (Kepler's problem) and the Pleiades.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

/// One body around a centre, position and velocity: `z'' = -z/|z|³`.
#[derive(Clone, Copy)]
pub struct Kepler;

impl Ode<4> for Kepler {
    fn rhs<N: Number>(&self, _: &Num<N>, [x, y, u, v]: &[Num<N>; 4]) -> [Num<N>; 4] {
        let square = x * x + y * y;
        let cube = square.sqrt() * square;
        [u.clone(), v.clone(), -x / &cube, -y / &cube]
    }
}

/// Seven bodies in the plane, of masses 1 to 7: abscissas, ordinates, and the velocities in the same order.
/// `z_i'' = Σ_j m_j (z_j - z_i)/|z_j - z_i|³`.
///
/// Reference: Test Set for Initial Value Problem Solvers, problem Pleiades.
#[derive(Clone, Copy)]
pub struct Pleiades;

impl Ode<28> for Pleiades {
    fn rhs<N: Number>(&self, _: &Num<N>, z: &[Num<N>; 28]) -> [Num<N>; 28] {
        let (x, y) = (&z[..7], &z[7..14]);
        let zero = || z[0].constant(0.0);
        let pull = |i: usize| {
            (0..7).filter(|&j| j != i).fold([zero(), zero()], |[along, up], j| {
                let (dx, dy) = (&x[j] - &x[i], &y[j] - &y[i]);
                let square = &dx * &dx + &dy * &dy;
                let weight = (j as f64 + 1.0) * (square.sqrt() * square).recip();
                [along + dx * &weight, up + dy * weight]
            })
        };
        let pulls: [[Num<N>; 2]; 7] = std::array::from_fn(pull);
        std::array::from_fn(|i| match i {
            0..14 => z[14 + i].clone(),
            14..21 => pulls[i - 14][0].clone(),
            _ => pulls[i - 21][1].clone(),
        })
    }
}

/// The orbit of an eccentricity from its pericentre, where the speed is `√((1+e)/(1-e))`.
const fn orbit(name: &'static str, eccentricity: f64, speed: f64) -> Problem<Kepler, 4> {
    Problem { factor: 2e3, ..Problem::new(name, Kepler, [1.0 - eccentricity, 0.0, 0.0, speed], 20.0) }
}

pub const D1: Problem<Kepler, 4> = orbit("DETEST D1 @ t=20", 0.1, 1.105_541_596_785_133_2);
pub const D2: Problem<Kepler, 4> = orbit("DETEST D2 @ t=20", 0.3, 1.362_770_287_738_494_1);
pub const D5: Problem<Kepler, 4> = orbit("DETEST D5 @ t=20", 0.9, 4.358_898_943_540_674);
pub const SEVEN: Problem<Pleiades, 28> = Problem {
    factor: 5e3,
    ..Problem::new(
        "Pleiades @ t=3",
        Pleiades,
        [
            3.0, 3.0, -1.0, -3.0, 2.0, -2.0, 2.0, 3.0, -3.0, 2.0, 0.0, 0.0, -4.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.75, -1.5, 0.0,
            0.0, 0.0, -1.25, 1.0, 0.0, 0.0,
        ],
        3.0,
    )
};

pub fn each(visitor: &mut impl Visitor) {
    [D1, D2, D5].iter().for_each(|problem| visitor.visit(problem));
    visitor.visit(&SEVEN);
}
