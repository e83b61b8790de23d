//! Three problems on which libraries are compared: many short chaotic trajectories, many points of a probability flow, one long
//! orbit. Every quantity is deterministic, so that other languages can repeat it.

use flowmap::{Num, Number, Ode, solver::Start};
use std::f64::consts::TAU;

/// Trajectories of the first two problems.
pub const COUNT: usize = 10_000;

/// Lorenz's system with σ = 10, ρ = 28, β = 8/3.
#[derive(Clone, Copy)]
pub struct Lorenz;

impl Ode<3> for Lorenz {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
    }
}

impl Lorenz {
    pub fn starts() -> Vec<Start<[f64; 3]>> {
        let state = |k: f64| [1.0 + 0.5 * k.sin(), 1.0 + 0.5 * (2.0 * k).cos(), 20.0 + 5.0 * (3.0 * k).sin()];
        (0..COUNT).map(|k| Start { from: 0.0, to: 1.0, state: state(k as f64), parameters: [] }).collect()
    }
}

/// The probability flow of the linear interpolant from a normal distribution to a mixture of eight normal distributions on a
/// circle of radius 2.
#[derive(Clone, Copy)]
pub struct Mixture([[f64; 2]; 8]);

/// The variance of each component.
const VARIANCE: f64 = 0.04;

impl Default for Mixture {
    fn default() -> Self {
        Self(std::array::from_fn(|k| {
            let angle = TAU * k as f64 / 8.0;
            [2.0 * angle.cos(), 2.0 * angle.sin()]
        }))
    }
}

impl Ode<2> for Mixture {
    /// With the variance `V = (1-t)² + t² s²` of a component at time `t` and the posterior mean `m` of the components' means,
    /// `b = m + (t s² - (1-t))/V (x - t m)`.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "what an iterator might not inline would not be vectorized")]
    fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let rest = 1.0 - t;
        let precision = (&rest * &rest + VARIANCE * (t * t)).recip();
        let slope = (VARIANCE * t - &rest) * &precision;
        // logarithms of the weights; what all components share is left out, |t μ|² among it
        let reach = t * &precision;
        let [along_x, along_y] = [x * &reach, y * &reach];
        let logit = |[a, b]: [f64; 2]| a * &along_x + b * &along_y;
        let mut largest = logit(self.0[0]);
        for k in 1..8 {
            largest = largest.max(logit(self.0[k]));
        }
        let mut total = t.constant(0.0);
        let [mut mean_x, mut mean_y] = [total.clone(), total.clone()];
        for k in 0..8 {
            let [a, b] = self.0[k];
            let weight = (logit([a, b]) - &largest).exp();
            total += &weight;
            mean_x += a * &weight;
            mean_y += b * &weight;
        }
        let share = total.recip();
        [(mean_x, x), (mean_y, y)].map(|(sum, x)| {
            let mean = sum * &share;
            (x - t * &mean) * &slope + mean
        })
    }
}

impl Mixture {
    /// Points of the normal distribution from a low-discrepancy sequence.
    pub fn starts() -> Vec<Start<[f64; 2]>> {
        let state = |k: f64| {
            let [u, v] = [(0.5 + k * 0.754_877_666_246_692_7) % 1.0, (0.5 + k * 0.569_840_290_998_053_2) % 1.0];
            let radius = (-2.0 * u.ln()).sqrt();
            [radius * (TAU * v).cos(), radius * (TAU * v).sin()]
        };
        (1..=COUNT).map(|k| Start { from: 0.0, to: 1.0, state: state(k as f64), parameters: [] }).collect()
    }
}

/// Arenstorf's orbit: a satellite between the earth and the moon, in coordinates that turn with them.
#[derive(Clone, Copy)]
pub struct Arenstorf;

const MOON: f64 = 0.012277471;

impl Ode<4> for Arenstorf {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, u, v]: &[Num<N>; 4]) -> [Num<N>; 4] {
        let (from_earth, from_moon) = (x + MOON, x + (MOON - 1.0));
        let pull = |distance: &Num<N>, mass: f64| {
            let square = distance * distance + y * y;
            mass / (square.sqrt() * square)
        };
        let (earth, moon) = (pull(&from_earth, 1.0 - MOON), pull(&from_moon, MOON));
        let ahead = 2.0 * v + x - from_earth * &earth - from_moon * &moon;
        [u.clone(), v.clone(), ahead, y - 2.0 * u - (earth + moon) * y]
    }
}

impl Arenstorf {
    /// The start of a closed orbit, and its period.
    pub fn start() -> Start<[f64; 4]> {
        let state = [0.994, 0.0, 0.0, -2.001_585_106_379_082_5];
        Start { from: 0.0, to: 17.065_216_560_157_964, state, parameters: [] }
    }
}
