//! Log-densities along flow maps.
//!
//! A flow conserves mass: where volumes grow, densities fall. Along the trajectory of `x`,
//!
//! - `ln ρ_t(X_{s,t}(x)) = ln ρ_s(x) - ln |det ∇X_{s,t}(x)|`
//! - `ln |det ∇X_{s,t}(x)| = ∫_s^t tr ∇b_r(X_{s,r}(x)) dr`
//!
//! so a flow map transports one [`Density`] to another: [`Pushforward`]. A [`VolumeChange`] computes the determinant, in one of
//! four ways: exactly from the Jacobian ([`ByJacobian`]), by quadrature of the divergence along the map ([`ByDivergence`]), by
//! a solver ([`ByAugmentedOde`] with [`WithDivergence`]), or learned with the map, in one evaluation (`OneStep` with a
//! `DivergenceHead`). Divergences are exact ([`ExactTrace`]) or estimated from a few random directions (`Hutchinson`).
//!
//! ```
//! use flowmap::{exact::{Component, Mixture}, interpolant::Linear};
//! use flowmap::likelihood::{ByJacobian, Density, Pushforward, StandardNormal};
//! let two = [-2.0, 2.0].map(|mean| Component { weight: 0.5, mean, deviation: 0.3 });
//! let model = Mixture::new(Linear, two.to_vec())?;
//! // what the probability flow makes of noise is the mixture
//! let distribution = Pushforward::new(StandardNormal, ByJacobian(&model), [0.0, 1.0])?;
//! let found = distribution.try_log_density(&[1.8_f64])?;
//! assert!((found - model.log_density(&1.0, &[1.8])).abs() < 1e-12);
//! # Ok::<(), flowmap::Error>(())
//! ```
//!
//! Densities have derivatives, as maps do: on [`Dual`](crate::Dual)s they give the score `∇ ln ρ`. Random directions, densities
//! of [distributions](crate::distribution) and learned volume changes need the feature `train`. The page `guide::likelihood`
//! has an example of each.

mod by_augmented_ode;
mod by_divergence;
mod density;
mod directions;
#[cfg(feature = "train")]
mod hutchinson;
#[cfg(feature = "train")]
mod one_step;
mod pushforward;
mod volume;

pub use by_augmented_ode::{ByAugmentedOde, WithDivergence};
pub use by_divergence::{ByDivergence, LogDet};
pub use density::{Density, LogDensity, StandardNormal, log_density};
pub use directions::{Directions, ExactTrace, divergence};
#[cfg(feature = "train")]
pub use hutchinson::{Hutchinson, Probe};
#[cfg(feature = "train")]
pub use one_step::{DivergenceHead, InRows, OneStep};
pub use pushforward::Pushforward;
pub use volume::{ByJacobian, VolumeChange};
