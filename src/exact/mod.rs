//! Exact flows: velocity fields whose flow maps are known in closed form.
//!
//! They are the ground truth of the crate, against which solvers and learned maps are measured. Each is a
//! [`VelocityField`](crate::VelocityField) and a [`FlowMap`] on every state with its number of [`Coordinates`]: points,
//! vectors, duals and batches, in `f32` and `f64`, with its Jacobian.
//!
//! | flow | equation | note | paths |
//! |---|---|---|---|
#![doc = concat!(r"| [`PeriodicGrowth`] | `x' = a cos(t) x` | non-autonomous | ", include_str!("pictures/periodic_growth.svg"), " |")]
#![doc = concat!(r"| [`Logistic`] | `x' = r x (1 - x/K)` | blows up outside `[0, K]`, at a known time | ", include_str!("pictures/logistic.svg"), " |")]
#![doc = concat!(r"| [`Blowup`] | `x' = x²` | blows up in finite time | ", include_str!("pictures/blowup.svg"), " |")]
#![doc = concat!(r"| [`Riccati`] | `x' = a + b x + c x²` | Möbius transformations | ", include_str!("pictures/riccati.svg"), " |")]
#![doc = concat!(r"| [`Bernoulli`] | `x' = p x + q x^n` | blows up, or reaches 0, where solutions are not unique | ", include_str!("pictures/bernoulli.svg"), " |")]
#![doc = concat!(r"| [`Pitchfork`] | `x' = μ x - k x³` | smooth through the bifurcation | ", include_str!("pictures/pitchfork.svg"), " |")]
#![doc = concat!(r"| [`QuinticTube`] | `x' = a + (x - a t - c)^5` | slow, then blows up | ", include_str!("pictures/quintic_tube.svg"), " |")]
#![doc = concat!(r"| [`QuadraticDrag`] | `y' = v, v' = g - k v²` | a fall with air drag | ", include_str!("pictures/quadratic_drag.svg"), " |")]
#![doc = concat!(r"| [`MichaelisMenten`] | `x' = -V x / (K + x)` | by the Lambert W function | ", include_str!("pictures/michaelis_menten.svg"), " |")]
#![doc = concat!(r"| [`OverdampedPendulum`], [`LogarithmicGrowth`] | `x' = r sin x`, `x' = r e^-x` | with `Separable`, separable equations | ", include_str!("pictures/separable_sine.svg"), " |")]
#![doc = concat!(r"| [`Separable<E, D>`](Separable) | `x' = θ'(t) c(x)` | a time change of an autonomous flow | ", include_str!("pictures/separable_tangent.svg"), " |")]
#![doc = concat!(r"| [`ProtheroRobinson`] | `x' = λ (x - g(t)) + g'(t)` | stiffness set by `λ` | ", include_str!("pictures/prothero_robinson.svg"), " |")]
#![doc = concat!(r"| [`Drift<D>`](Drift) | `x' = c(t)` | the same velocity everywhere | ", include_str!("pictures/drift_in_2_dimensions.svg"), " |")]
#![doc = concat!(r"| [`Rotation`] | `x' = -ω y, y' = ω x` | preserves the norm | ", include_str!("pictures/rotation.svg"), " |")]
#![doc = concat!(r"| [`Affine<D>`](Affine) | `x' = A x + c` | any `A`, singular ones too; by the matrix exponential | ", include_str!("pictures/affine_in_1_dimension.svg"), " |")]
#![doc = concat!(r"| [`Shear`] | `x' = y, y' = z, z' = 0` | without rounding errors | ", include_str!("pictures/shear.svg"), " |")]
#![doc = concat!(r"| [`DampedOscillator`] | `x'' + 2γ x' + ω₀² x = 0` | one formula below, at and above critical damping | ", include_str!("pictures/damped_oscillator.svg"), " |")]
#![doc = concat!(r"| [`Rodrigues`] | `x' = w × x` | rotation of space | ", include_str!("pictures/rodrigues.svg"), " |")]
#![doc = concat!(r"| [`ChargedParticle`] | `x' = v, v' = e + v × b` | gyration and drift | ", include_str!("pictures/charged_particle.svg"), " |")]
#![doc = concat!(r"| [`Turning<D>`](Turning) | `x' = e^(Ω t) B e^(-Ω t) x` | not the exponential of the integral | ", include_str!("pictures/turning_in_2_dimensions.svg"), " |")]
#![doc = concat!(r"| [`Gaussian<D, I>`](Gaussian) | probability flow between two Gaussians | along any interpolant, covariances need not commute | ", include_str!("pictures/gaussian_linear.svg"), " |")]
#![doc = concat!(r"| [`DiagonalGaussian<D, I>`](DiagonalGaussian) | the same, coordinate by coordinate | correlated ends, latent noise | ", include_str!("pictures/diagonal_gaussian_trigonometric.svg"), " |")]
#![doc = concat!(r"| [`RankOne<D, I>`](RankOne) | probability flow to data on a line, or at a point | collapses at the end | ", include_str!("pictures/rank_one.svg"), " |")]
#![doc = concat!(r"| [`Mixture<I>`](Mixture) | probability flow on the line to a Gaussian mixture, or to data points | inverts the CDF, accurate in the tails | ", include_str!("pictures/mixture_linear.svg"), " |")]
#![doc = concat!(r"| [`DensityMixing`] | one logistic distribution fades into another | inverts the CDF | ", include_str!("pictures/density_mixing.svg"), " |")]
#![doc = concat!(r"| [`CouplingFlow<D>`](CouplingFlow) | made of invertible layers | non-linear, non-autonomous, random, in any dimension from 2 | ", include_str!("pictures/coupling_in_2_dimensions.svg"), " |")]
#![doc = concat!(r"| [`Hopf`] | `z' = (μ + iω) z - (1 - iβ) \|z\|² z` | a limit cycle, with isochrons | ", include_str!("pictures/hopf.svg"), " |")]
#![doc = concat!(r"| [`KuramotoPair`] | `θ₁' = ω + k sin(θ₂ - θ₁)`, symmetrically for `θ₂` | two oscillators that lock | ", include_str!("pictures/kuramoto_pair.svg"), " |")]
#![doc = concat!(r"| [`Pendulum`] | `θ'' = -ω² sin θ` | swings and turns over; elliptic functions | ", include_str!("pictures/pendulum.svg"), " |")]
#![doc = concat!(r"| [`Duffing`] | `x'' = -α x - β x³` | a hardening spring, or two wells | ", include_str!("pictures/duffing.svg"), " |")]
#![doc = concat!(r"| [`RigidBody`] | `I w' = I w × w` | tumbles about the middle axis | ", include_str!("pictures/rigid_body.svg"), " |")]
#![doc = concat!(r"| [`Kepler`] | `r'' = -μ r / \|r\|³` | ellipses; Kepler's equation | ", include_str!("pictures/kepler.svg"), " |")]
#![doc = concat!(r"| [`Toda`] | `q'' = -e^q` | reflected by an exponential wall | ", include_str!("pictures/toda.svg"), " |")]
#![doc = concat!(r"| [`CalogeroMoser<D>`](CalogeroMoser) | `q_i'' = 2g² Σ_j (q_i - q_j)^-3` | by the eigenvalues of a matrix | ", include_str!("pictures/calogero_moser_of_2.svg"), " |")]
#![doc = concat!(r"| [`PointVortices`] | two vortices of any strength | rotate, or travel side by side | ", include_str!("pictures/point_vortices.svg"), " |")]
#![doc = concat!(r"| [`TaylorGreen`] | `e^(-2ν t) (sin x cos y, -cos x sin y)` | particles in decaying vortices, a Navier-Stokes flow | ", include_str!("pictures/taylor_green.svg"), " |")]
#![doc = concat!(r"| [`AbcShear`] | `(A sin z, A cos z, 0)` | layers that slide over each other | ", include_str!("pictures/abc_shear.svg"), " |")]
#![doc = concat!(r"| [`Geodesic`] | `q'' = -\|q × q'\|² q` | free motion on the sphere | ", include_str!("pictures/geodesic.svg"), " |")]
#![doc = concat!(r"| [`Radial<D>`](Radial) | `x' = \|x\|² x` | blows up, in any dimension | ", include_str!("pictures/radial.svg"), " |")]
#![doc = concat!(r"| [`ProjectiveRiccati<D>`](ProjectiveRiccati) | `x' = a + B x + x (c·x)` | projective transformations | ", include_str!("pictures/projective_riccati.svg"), " |")]
#![doc = concat!(r"| [`SlowManifold`] | `x' = μ x, y' = λ (y - x²)` | relaxes to a parabola, stiffness set by `λ` | ", include_str!("pictures/slow_manifold.svg"), " |")]

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
mod logarithmic_growth;
mod logistic;
mod michaelis_menten;
mod mixture;
mod overdamped_pendulum;
mod periodic_growth;
mod pitchfork;
mod prothero_robinson;
mod quadratic_drag;
mod quintic_tube;
mod rank_one;
mod riccati;
mod rodrigues;
mod rotation;
mod separable;
mod setting;
mod shear;
mod special;
#[cfg(feature = "proptest")]
pub mod strategy;
#[cfg(test)]
mod testing;
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
pub use coupling::{CouplingFlow, CouplingLayer};
pub use damped_oscillator::DampedOscillator;
pub use density_mixing::DensityMixing;
pub use diagonal_gaussian::DiagonalGaussian;
pub use drift::Drift;
pub use expm::expm;
#[cfg(feature = "nalgebra")]
pub use gaussian::Gaussian;
pub use logarithmic_growth::LogarithmicGrowth;
pub use logistic::Logistic;
pub use michaelis_menten::MichaelisMenten;
pub use mixture::{Component, Mixture};
pub use overdamped_pendulum::OverdampedPendulum;
pub use periodic_growth::PeriodicGrowth;
pub use pitchfork::Pitchfork;
pub use prothero_robinson::ProtheroRobinson;
pub use quadratic_drag::QuadraticDrag;
pub use quintic_tube::QuinticTube;
pub use rank_one::RankOne;
pub use riccati::Riccati;
pub use rodrigues::Rodrigues;
pub use rotation::Rotation;
pub use separable::{Separable, TimeIndependent};
pub use shear::Shear;
pub use turning::Turning;

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
    field::{DynOde, DynPointwise, Ode, Pointwise},
    flow::{FlowMap, finite},
    number::{Dual, Num, Number, Row},
    state::{Coordinates, DynCoordinates, filled, value_and_tangent},
};

/// An ODE in `D` dimensions with a flow map in closed form, a formula over any [`Number`].
///
/// [`field`](Ode::field) makes your own a field and a flow map on every state with `D` coordinates:
///
/// ```
/// use flowmap::{Num, Number, Ode, QuasiRandom, exact::ExactFlow, verify};
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
/// let report = verify(&drift, &drift, QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]])?.cases::<f64>(64));
/// assert!(report.holds(1e-14), "{report}");
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait ExactFlow<const D: usize>: Ode<D> {
    /// `X_{s,t}(x)`; NaN outside the domain.
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D];

    /// The formula of the Jacobian `∇X_{s,t}(x)`, row by row: `∂X_i/∂x_j`. By forward mode, unless a flow overrides it with its
    /// closed form.
    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let x = x.clone().map(|x| x.0);
        let [s, t] = [s, t].map(|time| Dual::constant(time.0.clone()));
        let column = |v: &[N; D]| value_and_tangent(flow(self, &s, &t, &Dual::new(x.clone(), v.clone()))).1;
        crate::state::matrix_of(&x, column).map(|row| row.map(Num))
    }

    /// The Jacobian `∇X_{s,t}(x)`, row by row, by its [formula](Self::derivative).
    fn jacobian<N: Number>(&self, s: &N, t: &N, x: &[N; D]) -> [[N; D]; D] {
        let rows = self.derivative(&Num::from(s), &Num::from(t), &x.each_ref().map(Num::from));
        rows.map(|row| row.map(|x| x.0))
    }

    /// Whether the solution from `x` at time `s` exists until time `t`.
    ///
    /// # Errors
    /// The reason why it does not, such as [`Error::BlowUp`] with its time.
    fn domain(&self, _s: f64, _t: f64, _x: &[f64; D]) -> Result<()> {
        Ok(())
    }
}

/// An ODE of run-time dimension with a flow map in closed form: the counterpart of [`ExactFlow`] for [`DynOde`].
///
/// ```
/// use flowmap::{DynOde, Num, Number, QuasiRandom, exact::DynExactFlow, verify_flow};
/// /// Each coordinate decays at its own rate.
/// struct Decays(Vec<f64>);
/// impl DynOde for Decays {
///     fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>> {
///         self.0.iter().zip(x).map(|(k, x)| -k * x).collect()
///     }
/// }
/// impl DynExactFlow for Decays {
///     fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>> {
///         self.0.iter().zip(x).map(|(k, x)| x * (k * (s - t)).exp()).collect()
///     }
/// }
/// let decays = Decays(vec![1.0, 0.5, 0.1]).field();
/// let cases = QuasiRandom::new([0.0, 1.0], vec![[-1.0, 1.0]; 3])?.cases::<f64>(64);
/// assert!(verify_flow(&decays, cases).holds(1e-14));
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait DynExactFlow: DynOde {
    /// `X_{s,t}(x)`; NaN outside the domain.
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>>;

    /// Whether the solution from `x` at time `s` exists until time `t`.
    ///
    /// # Errors
    /// The reason why it does not, such as [`Error::BlowUp`] with its time.
    fn domain(&self, _s: f64, _t: f64, _x: &[f64]) -> Result<()> {
        Ok(())
    }
}

impl<E: DynExactFlow, X: DynCoordinates> FlowMap<X> for DynPointwise<E> {
    /// # Panics
    /// Unless the solution has as many coordinates as the state.
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let coordinates: Vec<_> = x.coordinates().items().iter().cloned().map(Num).collect();
        let end = self.0.solution(&Num::from(s), &Num::from(t), &coordinates);
        filled(x, &end, |end| end.0.clone().in_form_of(&coordinates[0].0))
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        check(s, t, x.coordinates().items(), |s, t, x| self.0.domain(s, t, x))?;
        finite(s, t, self.flow(s, t, x))
    }
}

/// `solution` on any state with coordinates.
fn flow<const D: usize, X: Coordinates<D>>(exact: &(impl ExactFlow<D> + ?Sized), s: &X::Time, t: &X::Time, x: &X) -> X {
    x.through(|x| exact.solution(&Num::from(s), &Num::from(t), x))
}

/// `solution`, after checking the domain sample by sample.
fn try_flow<const D: usize, X: Coordinates<D>>(exact: &impl ExactFlow<D>, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
    check(s, t, &x.split(), |s, t, x| exact.domain(s, t, x.try_into().expect("as many coordinates as the state has")))?;
    finite(s, t, flow(exact, s, t, x))
}

/// Checks the domain sample by sample.
fn check<N: Number>(s: &N, t: &N, x: &[N], domain: impl Fn(f64, f64, &[f64]) -> Result<()>) -> Result<()> {
    let at = |values: &Vec<f64>, row: usize| values[row.min(values.len() - 1)];
    let (from, to, start) = (s.values(), t.values(), x.iter().map(N::values).collect::<Vec<_>>());
    let rows = start.iter().map(Vec::len).max().unwrap_or(0);
    for row in 0..rows {
        let (from, to, x) = (at(&from, row), at(&to, row), start.iter().map(|c| at(c, row)).collect::<Vec<_>>());
        // comparisons with NaN are false, so the domain would report a blow-up
        if !x.iter().chain([&from, &to]).all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "the start state or a time", from, to });
        }
        domain(from, to, &x)?;
    }
    Ok(())
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

/// A constant, as a dual.
fn still<N: Number>(x: &Num<N>) -> Num<Dual<N>> {
    Num(Dual::constant(x.0.clone()))
}

/// Time as the variable, as a dual: tangents are then rates.
fn running<N: Number>(t: &Num<N>) -> Num<Dual<N>> {
    Num(Dual::new(t.0.clone(), t.0.constant(1.0)))
}

/// The sum of the terms of a formula, at least one.
fn sum<N: Number>(terms: impl Iterator<Item = Num<N>>) -> Num<N> {
    terms.reduce(|sum, term| sum + term).expect("a sum has a term")
}

/// A denominator that is positive as long as the solution exists; NaN after that.
fn alive<N: Number>(denominator: Num<N>) -> Num<N> {
    denominator.gt(0.0).select(&denominator, f64::NAN)
}

/// Makes an exact flow of this crate, without a wrapper, a field and a flow map on every state with its number of coordinates.
macro_rules! exact_flow {
    ($flow:ty, $dim:expr $(, [$($generics:tt)*])?) => {
        impl<$($($generics)*,)? State_: crate::Coordinates<{ $dim }>> crate::VelocityField<State_> for $flow {
            fn velocity(&self, t: &State_::Time, x: &State_) -> State_ {
                let x = crate::number::wrapped(x.split());
                State_::join(crate::number::unwrapped(crate::Ode::rhs(self, &crate::Num::from(t), &x)))
            }
            fn jvp(&self, t: &State_::Time, x: &State_, v: &State_) -> State_ {
                crate::field::slope(self, t, x, v)
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
