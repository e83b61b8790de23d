//! ODEs whose flows are known in closed form, parameters and all.

use flowmap::{Number, ParametricOde};

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
        let way = t.clone() - s;
        match self {
            Self::Turning => {
                let growth = (p[0].clone() * (t.sin() - s.sin())).exp();
                rotated(x, &(p[1].clone() * &way)).map(|c| c * &growth)
            }
            Self::Resonance => {
                let [before, after] = [s, t].map(|t| forced(t, p));
                let [dx, dv] = [x[0].clone() - &before[0], x[1].clone() - &before[1]];
                let [x, v] = rotated(&[dx, -(dv / &p[0])], &(p[0].clone() * &way));
                [x + &after[0], -(v * &p[0]) + &after[1]]
            }
            Self::Growth => {
                let grown = p[0].clone() * (way.clone() + (t.sin() - s.sin()).scale(0.5));
                let share = (x[0].scale(0.5) * grown.exp_m1()).shift(1.0);
                let v = x[1].clone() + p[0].clone() * &way - p[1].clone() * (t.cos() - s.cos());
                [x[0].clone() * grown.exp() / share, v]
            }
            Self::Sheared => {
                let straight = [x[0].clone(), x[1].clone() - x[0].sin()];
                let [x, y] = Self::Turning.flow(s, t, &straight, p);
                let bent = y + x.sin();
                [x, bent]
            }
            Self::Switched => {
                let before = t.min(&p[1]) - s.min(&p[1]);
                let after = t.max(&p[1]) - s.max(&p[1]);
                let grown = p[0].clone() * &before + p[0].scale(-0.5).shift(1.0) * &after;
                [x[0].clone() * grown.exp(), x[1].clone() + p[0].clone() * before + after]
            }
        }
    }
}

impl ParametricOde<2, 2> for Family {
    // once for each kind of number: solvers have dozens of places that ask for it
    #[inline(never)]
    fn rhs_with<N: Number>(&self, t: &N, x: &[N; 2], p: &[N; 2]) -> [N; 2] {
        match self {
            Self::Turning => turning(t, x, p),
            Self::Resonance => {
                let force = p[1].clone() * (p[0].clone() * t).cos();
                [x[1].clone(), force - p[0].clone() * &p[0] * &x[0]]
            }
            Self::Growth => {
                let rate = p[0].clone() * t.cos().scale(0.5).shift(1.0);
                [rate * &x[0] * x[0].scale(-0.5).shift(1.0), p[0].clone() + p[1].clone() * t.sin()]
            }
            Self::Sheared => {
                let straight = [x[0].clone(), x[1].clone() - x[0].sin()];
                let [across, up] = turning(t, &straight, p);
                let bent = up + x[0].cos() * &across;
                [across, bent]
            }
            Self::Switched => {
                let (early, rate) = (t.less(&p[1]), p[0].scale(-0.5).shift(1.0));
                [N::select(&early, &p[0], &rate) * &x[0], N::select(&early, &p[0], &t.constant(1.0))]
            }
        }
    }

    fn stops_with<N: Number>(&self, _s: &N, _t: &N, p: &[N; 2]) -> Vec<N> {
        self.jump(p).into_iter().collect()
    }
}

fn turning<N: Number>(t: &N, [x, y]: &[N; 2], [growth, speed]: &[N; 2]) -> [N; 2] {
    let rate = growth.clone() * t.cos();
    [rate.clone() * x - speed.clone() * y, rate * y + speed.clone() * x]
}

fn rotated<N: Number>([x, y]: &[N; 2], angle: &N) -> [N; 2] {
    let (sin, cos) = (angle.sin(), angle.cos());
    [cos.clone() * x - sin.clone() * y, sin * x + cos * y]
}

/// The resonance from rest: `p₁ t sin(p₀ t) / 2p₀`, and its speed.
fn forced<N: Number>(t: &N, [frequency, force]: &[N; 2]) -> [N; 2] {
    let angle = frequency.clone() * t;
    let size = force.clone() / frequency.scale(2.0);
    [size.clone() * t * angle.sin(), size * (angle.sin() + angle.clone() * angle.cos())]
}
