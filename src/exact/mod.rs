//! Exact flows: velocity fields whose flow maps are known in closed form.
//!
//! They are the ground truth of the crate: solvers and learned maps are measured against them. Each is a
//! [`VelocityField`](crate::VelocityField) and a [`FlowMap`] on every state with enough [`Coordinates`]: points, duals,
//! batches of points in a tensor.

mod affine;
mod bernoulli;
mod blowup;
mod charged_particle;
mod coupling;
mod damped_oscillator;
mod density_mixing;
mod diagonal_gaussian;
mod drift;
mod expm;
#[cfg(feature = "nalgebra")]
mod gaussian;
mod linear;
mod logarithmic_growth;
mod logistic;
mod michaelis_menten;
mod mixture;
mod overdamped_pendulum;
mod pitchfork;
mod prothero_robinson;
mod quadratic_drag;
mod quintic_tube;
mod rank_one;
mod riccati;
mod rodrigues;
mod rotation;
mod setting;
mod shear;
mod special;
#[cfg(feature = "proptest")]
pub mod strategy;
#[cfg(test)]
mod testing;
mod time_changed;
mod turning;

// nonlinear, several dimensions
mod abc;
mod calogero_moser;
mod duffing;
mod geodesic;
mod hopf;
mod kepler;
mod kuramoto;
mod pendulum;
mod point_vortices;
mod projective_riccati;
mod radial;
mod rigid_body;
mod slow_manifold;
mod taylor_green;
mod toda;

pub use affine::Affine;
pub use bernoulli::Bernoulli;
pub use blowup::Blowup;
pub use charged_particle::ChargedParticle;
pub use coupling::{Coupling, CouplingLayer};
pub use damped_oscillator::DampedOscillator;
pub use density_mixing::DensityMixing;
pub use diagonal_gaussian::DiagonalGaussian;
pub use drift::Drift;
pub use expm::expm;
#[cfg(feature = "nalgebra")]
pub use gaussian::Gaussian;
pub use linear::Linear;
pub use logarithmic_growth::LogarithmicGrowth;
pub use logistic::Logistic;
pub use michaelis_menten::MichaelisMenten;
pub use mixture::{Component, Mixture};
pub use overdamped_pendulum::OverdampedPendulum;
pub use pitchfork::Pitchfork;
pub use prothero_robinson::ProtheroRobinson;
pub use quadratic_drag::QuadraticDrag;
pub use quintic_tube::QuinticTube;
pub use rank_one::RankOne;
pub use riccati::Riccati;
pub use rodrigues::Rodrigues;
pub use rotation::Rotation;
pub use shear::Shear;
pub use time_changed::{Autonomous, TimeChanged};
pub use turning::Turning;

/// [`analysis::jacobian`](crate::analysis::jacobian), beside the [Jacobians of exact flows](ExactFlow::jacobian) that it is
/// compared with.
pub use crate::analysis::jacobian as jacobian_of;

pub use abc::AbcShear;
pub use calogero_moser::CalogeroMoser;
pub use duffing::Duffing;
pub use geodesic::Geodesic;
pub use hopf::Hopf;
pub use kepler::Kepler;
pub use kuramoto::KuramotoPair;
pub use pendulum::Pendulum;
pub use point_vortices::PointVortices;
pub use projective_riccati::ProjectiveRiccati;
pub use radial::Radial;
pub use rigid_body::RigidBody;
pub use slow_manifold::SlowManifold;
pub use taylor_green::TaylorGreen;
pub use toda::Toda;

use crate::{
    Error, Result,
    field::{Ode, Pointwise},
    flow::{FlowMap, finite, flow_map},
    number::{Dual, Num, Number},
    state::Coordinates,
};

/// An ODE in `D` dimensions with a flow map in closed form, a formula over any [`Number`].
///
/// [`field`](Ode::field) makes one of your own a field and a flow map of every state with `D` coordinates:
///
/// ```
/// use flowmap::{exact::ExactFlow, verify, Lattice, Num, Number, Ode};
/// /// `x' = t`.
/// struct Drift;
/// impl Ode<1> for Drift {
///     fn rhs<N: Number>(&self, t: &Num<N>, _: &[Num<N>; 1]) -> [Num<N>; 1] { [t.clone()] }
/// }
/// impl ExactFlow<1> for Drift {
///     fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
///         [x + 0.5 * (t * t - s * s)]
///     }
/// }
/// let drift = Drift.field();
/// let report = verify(&drift, &drift, Lattice::new([-1.0, 1.0], [[-1.0, 1.0]])?.cases::<f64>(64));
/// assert!(report.holds(1e-14), "{report}");
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait ExactFlow<const D: usize>: Ode<D> {
    /// `X_{s,t}(x)`; NaN outside the domain.
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D];

    /// The formula of the Jacobian `∇X_{s,t}(x)`, row by row: `∂X_i/∂x_j`. Forward mode, unless a flow overrides it with its closed form.
    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let x = x.clone().map(|x| x.0);
        jacobian_of(&flow_map(|s: &Dual<N>, t: &Dual<N>, x: &Dual<[N; D]>| flow(self, s, t, x)), &s.0, &t.0, &x)
            .map(|row| row.map(Num))
    }

    /// The Jacobian `∇X_{s,t}(x)`, row by row, by its [formula](Self::derivative).
    fn jacobian<N: Number>(&self, s: &N, t: &N, x: &[N; D]) -> [[N; D]; D] {
        let rows = self.derivative(&Num(s.clone()), &Num(t.clone()), &x.clone().map(Num));
        rows.map(|row| row.map(|x| x.0))
    }

    /// Whether the solution from `x` at time `s` exists until time `t`.
    ///
    /// # Errors
    /// What stands in the way, such as [`Error::BlowUp`] with its time.
    fn domain(&self, _s: f64, _t: f64, _x: &[f64; D]) -> Result<()> {
        Ok(())
    }
}

/// `solution` on any state with coordinates.
fn flow<const D: usize, X: Coordinates<D>>(exact: &(impl ExactFlow<D> + ?Sized), s: &X::Time, t: &X::Time, x: &X) -> X {
    x.through(|x| exact.solution(&Num(s.clone()), &Num(t.clone()), x))
}

/// `solution`, after a look at the domain sample by sample.
fn try_flow<const D: usize, X: Coordinates<D>>(exact: &impl ExactFlow<D>, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
    use crate::Value;
    let at = |values: &[f64], row: usize| values[row.min(values.len() - 1)];
    let (from, to, start) = (s.values(), t.values(), x.split().map(|c| c.values()));
    let rows = start.iter().map(Vec::len).max().unwrap_or(0);
    for row in 0..rows {
        let (from, to, x) = (at(&from, row), at(&to, row), std::array::from_fn(|i| at(&start[i], row)));
        // a domain's comparisons are false for NaN: without this it would be taken for a blow-up
        if !x.iter().chain([&from, &to]).all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "the start state or a time", from, to });
        }
        exact.domain(from, to, &x)?;
    }
    finite(s, t, flow(exact, s, t, x))
}

impl<const D: usize, E: ExactFlow<D>, X: Coordinates<D>> FlowMap<X> for Pointwise<E, D> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        flow(&self.0, s, t, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        try_flow(&self.0, s, t, x)
    }
}

/// The matrix, row by row, of a linear map on points like `like`.
fn matrix_of<const D: usize, N: Number>(like: &Num<N>, map: impl Fn(&[Num<N>; D]) -> [Num<N>; D]) -> [[Num<N>; D]; D] {
    let axis = |j: usize| std::array::from_fn(|i| like.constant(f64::from(u8::from(i == j))));
    let columns: [[Num<N>; D]; D] = std::array::from_fn(|j| map(&axis(j)));
    std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i].clone()))
}

/// The sum of the terms of a formula, of which there is at least one.
fn sum<N: Number>(terms: impl Iterator<Item = Num<N>>) -> Num<N> {
    terms.reduce(|sum, term| sum + term).expect("a sum has a term")
}

/// A denominator that is positive as long as the solution exists; NaN from then on.
fn alive<N: Number>(denominator: Num<N>) -> Num<N> {
    denominator.gt(0.0).choose(&denominator, f64::NAN)
}

/// An exact flow of this crate is, without a wrapper, a field and a flow map on every state with its number of coordinates.
macro_rules! exact_flow {
    ($flow:ty, $dim:expr $(, [$($generics:tt)*])?) => {
        impl<$($($generics)*,)? State_: crate::Coordinates<{ $dim }>> crate::VelocityField<State_> for $flow {
            fn velocity(&self, t: &State_::Time, x: &State_) -> State_ {
                let x = crate::number::wrapped(x.split());
                State_::join(crate::number::unwrapped(crate::Ode::rhs(self, &crate::Num(t.clone()), &x)))
            }
        }
        impl<$($($generics)*,)? State_: crate::Coordinates<{ $dim }>> crate::FlowMap<State_> for $flow {
            fn flow(&self, s: &State_::Time, t: &State_::Time, x: &State_) -> State_ {
                crate::exact::flow(self, s, t, x)
            }
            fn try_flow(&self, s: &State_::Time, t: &State_::Time, x: &State_) -> crate::Result<State_> {
                crate::exact::try_flow(self, s, t, x)
            }
        }
    };
}
use exact_flow;
