//! Stiff problems and where their solutions lead.
//!
//! Reference values: extended precision, extrapolated until 24 digits agreed. Problems: E. Hairer, G. Wanner, Solving Ordinary
//! Differential Equations II, section IV.10 (HIRES, Robertson, van der Pol); A. Prothero, A. Robinson, Math. Comp. 28 (1974).

// more digits than a float holds: those of the source
#![allow(clippy::excessive_precision)]

use flowmap::{Num, Number, Ode};

pub struct Hires;
impl Ode<8> for Hires {
    fn rhs<N: Number>(&self, _t: &Num<N>, y: &[Num<N>; 8]) -> [Num<N>; 8] {
        let sum =
            |terms: &[(f64, usize)]| terms[1..].iter().fold(y[terms[0].1].scale(terms[0].0), |s, (c, i)| s + y[*i].scale(*c));
        let bound = (y[5].clone() * &y[7]).scale(280.0);
        let seventh = bound.clone() - y[6].scale(1.81);
        [
            sum(&[(-1.71, 0), (0.43, 1), (8.32, 2)]).shift(0.0007),
            sum(&[(1.71, 0), (-8.75, 1)]),
            sum(&[(-10.03, 2), (0.43, 3), (0.035, 4)]),
            sum(&[(8.32, 1), (1.71, 2), (-1.12, 3)]),
            sum(&[(-1.745, 4), (0.43, 5), (0.43, 6)]),
            sum(&[(0.69, 3), (1.71, 4), (-0.43, 5), (0.69, 6)]) - &bound,
            seventh.clone(),
            -seventh,
        ]
    }
}

pub struct Robertson;
impl Ode<3> for Robertson {
    fn rhs<N: Number>(&self, _t: &Num<N>, [a, b, c]: &[Num<N>; 3]) -> [Num<N>; 3] {
        let (first, third) = (a.scale(-0.04) + (b.clone() * c).scale(1e4), (b.clone() * b).scale(3e7));
        [first.clone(), -(first + &third), third]
    }
}

pub struct VanDerPol;
impl Ode<2> for VanDerPol {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let damping = (-(x.clone() * x)).shift(1.0) * v;
        [v.clone(), (damping - x).scale(100.0)]
    }
}

/// `λ (x - g) + g'`, whose solution from `g(s)` is `g = sin` whatever `λ`.
pub struct ProtheroRobinson(pub f64);
impl Ode<1> for ProtheroRobinson {
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [(x.clone() - &t.sin()).scale(self.0) + t.cos()]
    }
}

pub const HIRES_END: [f64; 8] = [
    7.371312573325667807277292e-04,
    1.442485726316184658188041e-04,
    5.888729740967575007484784e-05,
    1.175651343283149145506044e-03,
    2.386356198831330468820989e-03,
    6.238968252742795786646933e-03,
    2.849998395185768657931116e-03,
    2.850001604814231342068884e-03,
];
pub const ROBERTSON_EARLY: [f64; 3] =
    [9.886739393819249768750660e-01, 3.447715743689187636341592e-05, 1.129158346063813124857057e-02];
pub const ROBERTSON_LATE: [f64; 3] =
    [7.158270687194050904744738e-01, 9.185534764557763903899228e-06, 2.841637457458303517616223e-01];
pub const VAN_DER_POL_END: [f64; 2] = [1.937042200103913539042142, -7.022494658076518359723458e-01];
