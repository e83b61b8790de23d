//! The ODEs that can be learned, with the boxes that trajectories begin in.

use crate::{exponents, ftle, states::States, units::InOwnUnits};
use flowmap::{Num, Number, Ode, Result};
use serde_json::Value;
use std::{f64::consts::PI, path::Path};

/// An ODE and where to learn it.
pub trait System<const D: usize>: Ode<D> + Copy + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// The times between which its flow map is learned.
    const SPAN: [f64; 2];
    /// How many learned maps follow one another over the span: one, if it is short compared with the time in which neighbours
    /// separate.
    const PARTS: u32 = 1;
    /// Whether its velocity does not depend on time: maps of all lengths then begin at the same time.
    const AUTONOMOUS: bool = true;
    /// The box of states: what networks see as `[-1, 1]^D`.
    const BOX: [[f64; 2]; D];
    /// Whether the sides of the box are walls that no trajectory crosses: neighbours separate along them, so that a small error
    /// would lead far out.
    const WALLS: bool = false;
    /// Which states are learned from, and tested.
    const STATES: States<D> = States::Box;
    /// A quantity that is constant along trajectories.
    fn invariant<N: Number>(_x: &[N; D]) -> Option<N> {
        None
    }
    /// Whether the flow preserves volumes.
    const INCOMPRESSIBLE: bool = false;
    /// Tests specific to this system, of the learned map against the solver: numbers for the report, and pictures in the folder.
    fn known_for(&self, _map: &InOwnUnits<Self, D>, _folder: &Path) -> Result<Value> {
        Ok(Value::Null)
    }
}

/// `θ'' = -sin θ`: swings and turns over.
#[derive(Clone, Copy)]
pub struct Pendulum;

impl Ode<2> for Pendulum {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [angle, speed]: &[Num<N>; 2]) -> [Num<N>; 2] {
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

/// Predators and prey, `x' = x (1.5 - y)`, `y' = y (x - 3)`.
#[derive(Clone, Copy)]
pub struct LotkaVolterra;

impl Ode<2> for LotkaVolterra {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [prey, hunters]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [prey * (1.5 - hunters), hunters * (prey - 3.0)]
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
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
    }
}

impl System<3> for Lorenz {
    const NAME: &'static str = "lorenz";
    const SPAN: [f64; 2] = [0.0, 0.5];
    const BOX: [[f64; 2]; 3] = [[-20.0, 20.0], [-27.0, 27.0], [0.0, 48.0]];
    const STATES: States<3> = States::AlongTrajectories { starts: Self::BOX, between: [10.0, 15.0], thickness: 0.05 };
    fn known_for(&self, map: &InOwnUnits<Self, 3>, _folder: &Path) -> Result<Value> {
        exponents::compare(self, map, 0.5 * Self::SPAN[1])
    }
}

/// Two vortices side by side whose border sways; amplitude 0.1, sway 0.25, period 10. The stream function is
/// `sin(π f) sin(π y)/10` with `f = a x² + x - 2a x`, `a = sin(π t/5)/4`.
#[derive(Clone, Copy)]
pub struct DoubleGyre;

impl Ode<2> for DoubleGyre {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let a = 0.25 * (PI / 5.0 * t).sin();
        let f = &a * (x * x) + x - 2.0 * &a * x;
        let slope = 2.0 * &a * x - 2.0 * &a + 1.0;
        let (f, y) = (PI * f, PI * y);
        [-0.1 * PI * (f.sin() * y.cos()), 0.1 * PI * (f.cos() * y.sin() * slope)]
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

/// A planet about a sun of mass 1, in its plane: `z'' = -z/|z|³`.
#[derive(Clone, Copy)]
pub struct Kepler;

impl Ode<4> for Kepler {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, u, v]: &[Num<N>; 4]) -> [Num<N>; 4] {
        let square = x * x + y * y;
        let pull = 1.0 / (&square * square.sqrt());
        [u.clone(), v.clone(), -x * &pull, -y * &pull]
    }
}

impl System<4> for Kepler {
    const NAME: &'static str = "kepler";
    const SPAN: [f64; 2] = [0.0, 2.0];
    const BOX: [[f64; 2]; 4] = [[-2.0, 2.0], [-2.0, 2.0], [-1.5, 1.5], [-1.5, 1.5]];
    // ellipses from 0.5 to 2.3 away from the sun, about one revolution
    const STATES: States<4> = States::AlongTrajectories {
        starts: [[0.9, 1.1], [-0.1, 0.1], [-0.1, 0.1], [0.9, 1.1]],
        between: [0.0, 13.0],
        thickness: 0.02,
    };
    const INCOMPRESSIBLE: bool = true;
    fn invariant<N: Number>([x, y, u, v]: &[N; 4]) -> Option<N> {
        Some((u.powi(2) + v.powi(2)).scale(0.5) - (x.powi(2) + y.powi(2)).sqrt().recip())
    }
}
