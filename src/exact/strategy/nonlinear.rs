//! Strategies for nonlinear flows in several dimensions.

use super::{Typical, square};
use crate::exact::{
    AbcShear, CalogeroMoser, Duffing, Geodesic, Hopf, Kepler, KuramotoPair, Pendulum, PointVortices, ProjectiveRiccati, Radial,
    RigidBody, SlowManifold, TaylorGreen, Toda,
};
use proptest::{array::uniform, prelude::*};

impl Typical<3> for AbcShear {}
impl<const D: usize> Typical<D> for CalogeroMoser<D> {
    /// Particles in order, with some distance between them.
    fn typical_box(&self) -> [[f64; 2]; D] {
        std::array::from_fn(|i| if i < D / 2 { [2.0 * i as f64 - 0.5, 2.0 * i as f64 + 0.5] } else { [-1.0, 1.0] })
    }
}
impl Typical<2> for Duffing {}
impl Typical<6> for Geodesic {}
impl Typical<2> for Hopf {}
impl Typical<4> for Kepler {
    fn typical_times(&self) -> [f64; 2] {
        [-3.0, 3.0]
    }
    /// Ellipses with axes up to 3 that stay away from the centre.
    fn typical_box(&self) -> [[f64; 2]; 4] {
        [[0.8, 1.2], [-0.3, 0.3], [-0.3, 0.3], [0.7, 1.1]]
    }
}
impl Typical<2> for KuramotoPair {}
impl Typical<2> for Pendulum {
    fn typical_times(&self) -> [f64; 2] {
        [-2.0, 2.0]
    }
    fn typical_box(&self) -> [[f64; 2]; 2] {
        [[-4.0, 4.0]; 2]
    }
}
impl Typical<4> for PointVortices {
    /// Vortices with some distance between them.
    fn typical_box(&self) -> [[f64; 2]; 4] {
        [[-2.0, -0.3], [-1.0, 1.0], [0.3, 2.0], [-1.0, 1.0]]
    }
}
impl<const D: usize> Typical<D> for ProjectiveRiccati<D> {}
impl<const D: usize> Typical<D> for Radial<D> {}
impl Typical<3> for RigidBody {}
impl Typical<2> for SlowManifold {}
impl Typical<2> for TaylorGreen {
    fn typical_box(&self) -> [[f64; 2]; 2] {
        [[-4.0, 4.0]; 2]
    }
}
impl Typical<2> for Toda {}

/// [`AbcShear`], with amplitudes up to 3.
pub fn abc_shear() -> impl Strategy<Value = AbcShear> {
    (-3.0..3.0).prop_map(|amplitude| AbcShear::new(amplitude).expect("finite"))
}

/// [`CalogeroMoser`], with couplings from 0.2 to 1.
///
/// # Panics
/// When a case is drawn, unless `D` is even and not 0.
pub fn calogero_moser<const D: usize>() -> impl Strategy<Value = CalogeroMoser<D>> {
    (0.2..1.0).prop_map(|coupling| CalogeroMoser::new(coupling).expect("two coordinates for each particle"))
}

/// [`Duffing`], with linear stiffness up to 2 of both signs and cubic stiffness from 0.2 to 2.
pub fn duffing() -> impl Strategy<Value = Duffing> {
    (-2.0..2.0, 0.2..2.0).prop_map(|(linear, cubic)| Duffing::new(linear, cubic).expect("positive"))
}

/// [`Geodesic`], which has no parameters.
pub fn geodesic() -> impl Strategy<Value = Geodesic> {
    Just(Geodesic)
}

/// [`Hopf`], with growth rates, frequencies and shears up to 1, 3 and 1 of both signs.
pub fn hopf() -> impl Strategy<Value = Hopf> {
    (-1.0..1.0, -3.0..3.0, -1.0..1.0).prop_map(|(growth, frequency, shear)| Hopf::new(growth, frequency, shear).expect("finite"))
}

/// [`Kepler`], with gravitational parameters near 1.
pub fn kepler() -> impl Strategy<Value = Kepler> {
    (0.9..1.2).prop_map(|parameter| Kepler::new(parameter).expect("positive"))
}

/// [`KuramotoPair`], with frequencies and couplings up to 2 of both signs.
pub fn kuramoto_pair() -> impl Strategy<Value = KuramotoPair> {
    (-2.0..2.0, -2.0..2.0).prop_map(|(frequency, coupling)| KuramotoPair::new(frequency, coupling).expect("finite"))
}

/// [`Pendulum`], with frequencies from 1/2 to 3/2.
pub fn pendulum() -> impl Strategy<Value = Pendulum> {
    (0.5..1.5).prop_map(|frequency| Pendulum::new(frequency).expect("positive"))
}

/// [`PointVortices`], with circulations up to 3 of both signs, one pair in five opposite.
pub fn point_vortices() -> impl Strategy<Value = PointVortices> {
    let any = uniform(-3.0..3.0);
    let opposite = (-3.0..3.0_f64).prop_map(|circulation| [circulation, -circulation]);
    prop_oneof![4 => any, 1 => opposite].prop_map(|circulations| PointVortices::new(circulations).expect("finite"))
}

/// [`ProjectiveRiccati`], with coefficients up to 1 of both signs.
pub fn projective_riccati<const D: usize>() -> impl Strategy<Value = ProjectiveRiccati<D>> {
    let settings = (uniform(-1.0..1.0), square(1.0), uniform(-1.0..1.0));
    settings.prop_map(|(constant, linear, quadratic)| ProjectiveRiccati::new(constant, linear, quadratic).expect("finite"))
}

/// [`Radial`], which has no parameters.
pub fn radial<const D: usize>() -> impl Strategy<Value = Radial<D>> {
    Just(Radial)
}

/// [`RigidBody`], with moments of inertia from 1/2 to 3 in any order.
pub fn rigid_body() -> impl Strategy<Value = RigidBody> {
    uniform(0.5..3.0).prop_map(|moments| RigidBody::new(moments).expect("positive and not all the same"))
}

/// [`SlowManifold`], with rates up to 1 and 3 of both signs, one in five resonant.
pub fn slow_manifold() -> impl Strategy<Value = SlowManifold> {
    let resonant = (-1.0..1.0_f64).prop_map(|rate| (rate, 2.0 * rate));
    prop_oneof![4 => (-1.0..1.0, -3.0..3.0), 1 => resonant]
        .prop_map(|(slow, fast)| SlowManifold::new(slow, fast).expect("finite"))
}

/// [`TaylorGreen`], with viscosities up to 1.
pub fn taylor_green() -> impl Strategy<Value = TaylorGreen> {
    (0.0..1.0).prop_map(|viscosity| TaylorGreen::new(viscosity).expect("not negative"))
}

/// [`Toda`], which has no parameters.
pub fn toda() -> impl Strategy<Value = Toda> {
    Just(Toda)
}
