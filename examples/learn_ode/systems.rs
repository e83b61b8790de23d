//! The ODEs that can be learned, with the boxes that trajectories begin in.

use flowmap::{Number, Ode};
use std::f64::consts::PI;

/// An ODE and where to learn it.
pub trait System<const D: usize>: Ode<D> + Copy + Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// The times between which its flow map is learned.
    const SPAN: [f64; 2];
    /// Whether its velocity does not depend on time: maps of all lengths up to the span's then begin at the same time.
    const AUTONOMOUS: bool = true;
    /// The box of states that are learned from, and tested.
    const BOX: [[f64; 2]; D];
    /// What does not change along a trajectory.
    fn invariant(_x: &[f64; D]) -> Option<f64> {
        None
    }
    /// Whether volumes do not change.
    const INCOMPRESSIBLE: bool = false;
}

/// `θ'' = -sin θ`: swings and turns over.
#[derive(Clone, Copy)]
pub struct Pendulum;

impl Ode<2> for Pendulum {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &N, [angle, speed]: &[N; 2]) -> [N; 2] {
        [speed.clone(), -angle.sin()]
    }
}

impl System<2> for Pendulum {
    const NAME: &'static str = "pendulum";
    const SPAN: [f64; 2] = [0.0, 2.0];
    const BOX: [[f64; 2]; 2] = [[-PI, PI], [-3.0, 3.0]];
    const INCOMPRESSIBLE: bool = true;
    fn invariant([angle, speed]: &[f64; 2]) -> Option<f64> {
        Some(0.5 * speed * speed - angle.cos())
    }
}

/// Hunters and prey, `x' = x (1.5 - y)`, `y' = y (x - 3)`.
#[derive(Clone, Copy)]
pub struct LotkaVolterra;

impl Ode<2> for LotkaVolterra {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &N, [prey, hunters]: &[N; 2]) -> [N; 2] {
        let meet = prey.clone() * hunters;
        [prey.scale(1.5) - &meet, meet - hunters.scale(3.0)]
    }
}

impl System<2> for LotkaVolterra {
    const NAME: &'static str = "lotka-volterra";
    const SPAN: [f64; 2] = [0.0, 2.0];
    const BOX: [[f64; 2]; 2] = [[1.0, 5.0], [0.5, 3.0]];
    fn invariant([prey, hunters]: &[f64; 2]) -> Option<f64> {
        Some(prey - 3.0 * prey.ln() + hunters - 1.5 * hunters.ln())
    }
}

/// Lorenz 1963, with the parameters of chaos.
#[derive(Clone, Copy)]
pub struct Lorenz;

impl Ode<3> for Lorenz {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &N, [x, y, z]: &[N; 3]) -> [N; 3] {
        [(y.clone() - x).scale(10.0), x.clone() * &(-z.shift(-28.0)) - y, x.clone() * y - z.scale(8.0 / 3.0)]
    }
}

impl System<3> for Lorenz {
    const NAME: &'static str = "lorenz";
    const SPAN: [f64; 2] = [0.0, 0.5];
    const BOX: [[f64; 2]; 3] = [[-15.0, 15.0], [-20.0, 20.0], [10.0, 40.0]];
}

/// Two vortices side by side whose border sways; amplitude 0.1, sway 0.25, period 10.
#[derive(Clone, Copy)]
pub struct DoubleGyre;

impl Ode<2> for DoubleGyre {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &N, [x, y]: &[N; 2]) -> [N; 2] {
        let sway = t.scale(PI / 5.0).sin().scale(0.25);
        let f = sway.clone() * &(x.clone() * x) + x - (sway.clone() * x).scale(2.0);
        let slope = (sway.clone() * x).scale(2.0) - sway.scale(2.0) + &x.constant(1.0);
        let (sin_f, cos_f) = (f.scale(PI).sin(), f.scale(PI).cos());
        let (sin_y, cos_y) = (y.scale(PI).sin(), y.scale(PI).cos());
        [(sin_f * &cos_y).scale(-0.1 * PI), (cos_f * &sin_y * &slope).scale(0.1 * PI)]
    }
}

impl System<2> for DoubleGyre {
    const NAME: &'static str = "double-gyre";
    const SPAN: [f64; 2] = [0.0, 5.0];
    const AUTONOMOUS: bool = false;
    const BOX: [[f64; 2]; 2] = [[0.0, 2.0], [0.0, 1.0]];
    const INCOMPRESSIBLE: bool = true;
}

/// A planet about a sun of mass 1, in its plane.
#[derive(Clone, Copy)]
pub struct Kepler;

impl Ode<4> for Kepler {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &N, [x, y, u, v]: &[N; 4]) -> [N; 4] {
        let square = x.clone() * x + &(y.clone() * y);
        let pull = (square.clone() * &square.sqrt()).recip();
        [u.clone(), v.clone(), -(x.clone() * &pull), -(y.clone() * &pull)]
    }
}

impl System<4> for Kepler {
    const NAME: &'static str = "kepler";
    const SPAN: [f64; 2] = [0.0, 2.0];
    const BOX: [[f64; 2]; 4] = [[0.8, 1.2], [-0.2, 0.2], [-0.2, 0.2], [0.8, 1.2]];
    const INCOMPRESSIBLE: bool = true;
    fn invariant([x, y, u, v]: &[f64; 4]) -> Option<f64> {
        Some(0.5 * (u * u + v * v) - 1.0 / x.hypot(*y))
    }
}
