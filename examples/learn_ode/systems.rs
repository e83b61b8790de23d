//! The ODEs that can be learned, with the boxes that trajectories begin in.

use crate::{exponents, ftle, states::States, units::InOwnUnits};
use flowmap::{Number, Ode, Result};
use serde_json::Value;
use std::{f64::consts::PI, path::Path};

/// An ODE and where to learn it.
pub trait System<const D: usize>: Ode<D> + Copy + Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// The times between which its flow map is learned.
    const SPAN: [f64; 2];
    /// How many learned maps follow one another over the span: one, where it is short beside the time in which neighbours part.
    const PARTS: u32 = 1;
    /// Whether its velocity does not depend on time: maps of all lengths then begin at the same time.
    const AUTONOMOUS: bool = true;
    /// The box of states: what networks see as `[-1, 1]^D`.
    const BOX: [[f64; 2]; D];
    /// Whether the sides of the box are walls, that no trajectory passes: neighbours part along them, so that a small error would lead far out.
    const WALLS: bool = false;
    /// Which states are learned from, and tested.
    const STATES: States<D> = States::Box;
    /// What does not change along a trajectory.
    fn invariant<N: Number>(_x: &[N; D]) -> Option<N> {
        None
    }
    /// Whether volumes do not change.
    const INCOMPRESSIBLE: bool = false;
    /// What this system is known for, by the learned map beside the solver: numbers for the report, and pictures in the folder.
    fn known_for(&self, _map: &InOwnUnits<Self, D>, _folder: &Path) -> Result<Value> {
        Ok(Value::Null)
    }
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
    fn invariant<N: Number>([angle, speed]: &[N; 2]) -> Option<N> {
        Some(speed.powi(2).scale(0.5) - angle.cos())
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
    fn invariant<N: Number>([prey, hunters]: &[N; 2]) -> Option<N> {
        Some(prey.clone() - prey.ln().scale(3.0) + hunters - hunters.ln().scale(1.5))
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
    const BOX: [[f64; 2]; 3] = [[-20.0, 20.0], [-27.0, 27.0], [0.0, 48.0]];
    const STATES: States<3> = States::Visited { starts: Self::BOX, between: [10.0, 15.0], thickness: 0.05 };
    fn known_for(&self, map: &InOwnUnits<Self, 3>, _folder: &Path) -> Result<Value> {
        exponents::compare(self, map, 0.5 * Self::SPAN[1])
    }
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
    const SPAN: [f64; 2] = [0.0, 10.0];
    const PARTS: u32 = 8;
    const AUTONOMOUS: bool = false;
    const BOX: [[f64; 2]; 2] = [[0.0, 2.0], [0.0, 1.0]];
    const WALLS: bool = true;
    const INCOMPRESSIBLE: bool = true;
    fn known_for(&self, map: &InOwnUnits<Self, 2>, folder: &Path) -> Result<Value> {
        ftle::compare(self, map, folder)
    }
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
    const BOX: [[f64; 2]; 4] = [[-2.0, 2.0], [-2.0, 2.0], [-1.5, 1.5], [-1.5, 1.5]];
    // ellipses from 0.5 to 2.3 away from the sun, once round or about so
    const STATES: States<4> =
        States::Visited { starts: [[0.9, 1.1], [-0.1, 0.1], [-0.1, 0.1], [0.9, 1.1]], between: [0.0, 13.0], thickness: 0.02 };
    const INCOMPRESSIBLE: bool = true;
    fn invariant<N: Number>([x, y, u, v]: &[N; 4]) -> Option<N> {
        Some((u.powi(2) + v.powi(2)).scale(0.5) - (x.powi(2) + y.powi(2)).sqrt().recip())
    }
}
