//! Arenstorf's orbits: a light body in the field of earth and moon, in coordinates that turn with them. Both are closed.

use super::{Problem, Visitor};
use flowmap::{Num, Number, Ode};

/// `x' = u, u' = x + 2v - m₁ (x + m₂)/r₁³ - m₂ (x - m₁)/r₂³`, `y' = v, v' = y - 2u - m₁ y/r₁³ - m₂ y/r₂³`, with the masses `m` of
/// earth and moon and the distances `r` from them.
#[derive(Clone, Copy)]
pub struct Arenstorf;

/// The mass of the moon; together with the earth's, 1.
const MOON: f64 = 0.012_277_471;
const EARTH: f64 = 1.0 - MOON;

impl Ode<4> for Arenstorf {
    fn rhs<N: Number>(&self, _: &Num<N>, [x, y, u, v]: &[Num<N>; 4]) -> [Num<N>; 4] {
        let (from_earth, from_moon) = (x + MOON, x - EARTH);
        let weight = |dx: &Num<N>, mass: f64| {
            let square = dx * dx + y * y;
            mass * (square.sqrt() * square).recip()
        };
        let (earth, moon) = (weight(&from_earth, EARTH), weight(&from_moon, MOON));
        let along = x + 2.0 * v - from_earth * &earth - from_moon * &moon;
        let up = y - 2.0 * u - y * earth - y * moon;
        [u.clone(), v.clone(), along, up]
    }
}

const fn orbit(name: &'static str, speed: f64, period: f64) -> Problem<Arenstorf, 4> {
    Problem { factor: 5e4, ..Problem::new(name, Arenstorf, [0.994, 0.0, 0.0, speed], period) }
}

pub const BIG: Problem<Arenstorf, 4> =
    orbit("Arenstorf big @ t=17.0652165601579625588917206249", -2.001_585_106_379_082_5, 17.065_216_560_157_964);
pub const SMALL: Problem<Arenstorf, 4> =
    orbit("Arenstorf small @ t=11.124340337266085134999734047", -2.031_732_629_557_337, 11.124_340_337_266_085);

pub fn each(visitor: &mut impl Visitor) {
    [BIG, SMALL].iter().for_each(|problem| visitor.visit(problem));
}
