//! Certificates: error bounds for flow maps from their residuals.
//!
//! Residuals are small where a map is close to the flow map of a field `b`. Gronwall's inequality then bounds its distance from
//! the exact flow `x_t`, for draws `x` of any distribution:
//!
//! | bound on `RMS\|X_{s,t}(x) - x_t\|` | residual | requires |
//! |---|---|---|
//! | Lagrangian: `∫_s^t e^{∫_r^t L} RMS\|R_r\| dr` | `R_r = ∂_r X_{s,r}(x) - b_r(X_{s,r}(x))` | the [one-sided Lipschitz constant](OneSidedLipschitz) `L` of `b` |
//! | pathwise: `RMS ∫_s^t e^{∫_r^t L} \|R_r\| dr` | the same | the same |
//! | Eulerian: `(\|t - s\| ∫_s^t E\|R_r\|² dr)^(1/2)` | `R_r = ∂_r X_{r,t}(x_r) + ∇X_{r,t}(x_r) b_r(x_r)` | the exact flow |
//!
//! A map that is not the identity at `s = t` adds its distance from it, at `s` for the first two and at `t` for the last. These
//! are integrals along a slice, for one pair `(s, t)`: the mean of a loss over all pairs does not bound the error of the pair
//! in use.
//!
//! [`certify`] computes all three, next to the error itself. Each bound comes with its uncertainty: the scatter of the samples
//! (an upper end at a stated confidence, which presumes that the mean of squares is normally distributed; heavy tails need many
//! samples), the quadrature (the difference of two rules), and its [`BoundKind`]: with a known Lipschitz constant, a
//! [`LipschitzBound`], it is a certificate; with a [`LipschitzEstimate`] from samples, an estimate. Rounding and the error of
//! the solver that computes the exact flow are not included.
//!
//! ```
//! # #[cfg(feature = "nalgebra")] {
//! use flowmap::{QuasiRandom, certificate::{Certifier, LipschitzBound, logarithmic_norm}, exact::Gaussian};
//! use flowmap::{interpolant::Linear, rhs_jacobian};
//! let noise = [[1.0, 0.0], [0.0, 1.0]];
//! let exact = Gaussian::new(Linear, [[0.0; 2], [1.0, 0.0]], [noise, [[2.0, 0.5], [0.5, 1.0]]])?;
//! let other = Gaussian::new(Linear, [[0.0; 2], [1.1, 0.0]], [noise, [[1.9, 0.5], [0.5, 1.1]]])?;
//! let starts = QuasiRandom::new([0.0, 1.0], [[-1.5, 1.5]; 2])?.cases::<f64>(500).map(|case| case.x);
//! // the field is affine: its Jacobian is the same at all points, and L is known
//! let lipschitz = LipschitzBound::at(|r: f64| logarithmic_norm(&rhs_jacobian(&exact, &r, &[0.0; 2])));
//! let report = Certifier::new([0.0, 1.0], lipschitz)?.certify(&other, &exact, starts)?;
//! assert!(report.holds(1e-9), "{report}");
//! assert!(report.tightness(&report.lagrangian) < 2.0);
//! # }
//! # Ok::<(), flowmap::Error>(())
//! ```
//!
//! [`residual_map`] maps residuals over `(s, t)`. [`MatchingExcess`] is the part of a flow matching loss that bounds an error.
//!
//! Source: arXiv 2505.18825 and arXiv 2406.07507 for the bounds; E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary
//! Differential Equations I, section I.10, for errors by residuals and one-sided Lipschitz constants.

mod bound;
mod certifier;
mod lipschitz;
mod matching_excess;
mod report;
mod residual_map;
mod survey;

pub use bound::Bound;
pub use certifier::Certifier;
#[cfg(feature = "nalgebra")]
pub use certifier::certify;
pub use lipschitz::{BoundKind, LipschitzBound, OneSidedLipschitz};
#[cfg(feature = "nalgebra")]
pub use lipschitz::{LipschitzEstimate, logarithmic_norm};
pub use matching_excess::MatchingExcess;
pub use report::{Certificate, Moment, WorstPoint};
pub use residual_map::residual_map;
