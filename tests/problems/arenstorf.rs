//! Arenstorf's orbits: a light body in the field of earth and moon, in coordinates that turn with them. Both are closed.

use super::{Problem, Visitor};
use flowmap::{Number, Ode};

#[derive(Clone, Copy)]
pub struct Arenstorf;

/// The mass of the moon; together with the earth's, 1.
const MOON: f64 = 0.012_277_471;
const EARTH: f64 = 1.0 - MOON;

impl Ode<4> for Arenstorf {
    fn rhs<N: Number>(&self, _: &N, [x, y, u, v]: &[N; 4]) -> [N; 4] {
        let (from_earth, from_moon) = (x.shift(MOON), x.shift(-EARTH));
        let weight = |dx: &N, mass: f64| {
            let square = dx.clone() * dx + y.clone() * y;
            (square.sqrt() * square).recip().scale(mass)
        };
        let (earth, moon) = (weight(&from_earth, EARTH), weight(&from_moon, MOON));
        let along = x.clone() + v.scale(2.0) - from_earth * &earth - from_moon * &moon;
        let up = y.clone() - u.scale(2.0) - y.clone() * earth - y.clone() * moon;
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
