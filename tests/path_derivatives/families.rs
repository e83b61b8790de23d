//! ODEs whose flows are known in closed form, parameters and all.

use flowmap::{Num, Number, ParametricOde};

/// An ODE in the plane with two parameters.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    /// `z' = (p₀ cos t + i p₁) z`: growth, decay and rotation.
    Turning,
    /// `x' = v, v' = -p₀² x + p₁ cos(p₀ t)`: an oscillator that is driven at its own frequency.
    Resonance,
    /// `u' = p₀ (1 + cos(t)/2) u (1 - u/2)`, a logistic growth, beside `v' = p₀ + p₁ sin t`, which the state has no part in.
    Growth,
    /// `Turning` as it looks in the coordinates `(z₀, z₁ + sin z₀)`.
    Sheared,
    /// `u' = p₀ u, v' = p₀` before the time `p₁`, `u' = (1 - p₀/2) u, v' = 1` after: it names its stop.
    Switched,
}

pub const FAMILIES: [Family; 5] = [Family::Turning, Family::Resonance, Family::Growth, Family::Sheared, Family::Switched];

impl Family {
    /// Parameters from numbers in `[-1, 1]`, for a solve within these times.
    pub fn parameters(self, [a, b]: [f64; 2], [low, high]: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Turning | Self::Sheared => [a, 1.5 * b],
            Self::Resonance => [1.25 + 0.75 * a, 1.5 * b],
            Self::Growth => [a, b],
            // beyond the ends, too; never at an end, where derivatives have two sides
            Self::Switched => [a, low + (high - low).max(0.01) * (0.5 + 0.7 * b)],
        }
    }

    /// When the velocity jumps.
    pub fn jump<N: Number>(self, p: &[N; 2]) -> Option<N> {
        matches!(self, Self::Switched).then(|| p[1].clone())
    }

    /// A state from numbers in `[-1, 1]`.
    pub fn point(self, [a, b]: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Turning | Self::Resonance | Self::Sheared | Self::Switched => [2.0 * a, 2.0 * b],
            Self::Growth => [1.0 + 0.7 * a, b],
        }
    }

    /// `X_{s,t}(x)` with the parameters `p`.
    pub fn flow<N: Number>(self, s: &N, t: &N, x: &[N; 2], p: &[N; 2]) -> [N; 2] {
        let [x, p] = [x, p].map(|pair| pair.clone().map(Num));
        self.solution(&Num(s.clone()), &Num(t.clone()), &x, &p).map(|x| x.0)
    }

    fn solution<N: Number>(self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 2], p: &[Num<N>; 2]) -> [Num<N>; 2] {
        let (way, [p0, p1]) = (t - s, p);
        match self {
            Self::Turning => {
                let growth = (p0 * (t.sin() - s.sin())).exp();
                rotated(x, &(p1 * way)).map(|c| c * &growth)
            }
            Self::Resonance => {
                let [x, v] = x;
                let [[before_x, before_v], [after_x, after_v]] = [s, t].map(|t| forced(t, p));
                let [x, v] = rotated(&[x - before_x, -(v - before_v) / p0], &(p0 * way));
                [x + after_x, after_v - p0 * v]
            }
            Self::Growth => {
                let [u, v] = x;
                let grown = p0 * (&way + (t.sin() - s.sin()) / 2.0);
                let share = 1.0 + u / 2.0 * grown.exp_m1();
                [u * grown.exp() / share, v + p0 * way - p1 * (t.cos() - s.cos())]
            }
            Self::Sheared => {
                let [x, y] = x;
                let [x, y] = Self::Turning.solution(s, t, &[x.clone(), y - x.sin()], p);
                let bent = y + x.sin();
                [x, bent]
            }
            Self::Switched => {
                let [u, v] = x;
                let before = t.min(p1) - s.min(p1);
                let after = t.max(p1) - s.max(p1);
                let grown = p0 * &before + (1.0 - p0 / 2.0) * &after;
                [u * grown.exp(), v + p0 * before + after]
            }
        }
    }
}

impl ParametricOde<2, 2> for Family {
    // once for each kind of number: solvers have dozens of places that ask for it
    #[inline(never)]
    fn rhs_with<N: Number>(&self, t: &Num<N>, x: &[Num<N>; 2], p: &[Num<N>; 2]) -> [Num<N>; 2] {
        let [p0, p1] = p;
        match self {
            Self::Turning => turning(t, x, p),
            Self::Resonance => {
                let [x, v] = x;
                [v.clone(), p1 * (p0 * t).cos() - p0 * p0 * x]
            }
            Self::Growth => {
                let [u, _] = x;
                [p0 * (1.0 + t.cos() / 2.0) * u * (1.0 - u / 2.0), p0 + p1 * t.sin()]
            }
            Self::Sheared => {
                let [x, y] = x;
                let [across, up] = turning(t, &[x.clone(), y - x.sin()], p);
                let bent = up + x.cos() * &across;
                [across, bent]
            }
            Self::Switched => {
                let ([u, _], early) = (x, t.lt(p1));
                [early.select(p0, 1.0 - p0 / 2.0) * u, early.select(p0, 1.0)]
            }
        }
    }

    fn stops_with<N: Number>(&self, _s: &Num<N>, _t: &Num<N>, p: &[Num<N>; 2]) -> Vec<Num<N>> {
        self.jump(p).into_iter().collect()
    }
}

fn turning<N: Number>(t: &Num<N>, [x, y]: &[Num<N>; 2], [growth, speed]: &[Num<N>; 2]) -> [Num<N>; 2] {
    let rate = growth * t.cos();
    [&rate * x - speed * y, rate * y + speed * x]
}

fn rotated<N: Number>([x, y]: &[Num<N>; 2], angle: &Num<N>) -> [Num<N>; 2] {
    let (sin, cos) = (angle.sin(), angle.cos());
    [&cos * x - &sin * y, sin * x + cos * y]
}

/// The resonance from rest: `p₁ t sin(p₀ t) / 2p₀`, and its speed.
fn forced<N: Number>(t: &Num<N>, [frequency, force]: &[Num<N>; 2]) -> [Num<N>; 2] {
    let angle = frequency * t;
    let size = force / (2.0 * frequency);
    [&size * t * angle.sin(), size * (angle.sin() + &angle * angle.cos())]
}
