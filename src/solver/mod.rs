//! Numerical flow maps: solvers of ODEs.
//!
//! A solver is composed of separate parts: a method's coefficients (a [`Tableau`]), a [`Tolerance`](crate::Tolerance), a
//! [`Controller`] of step sizes, the output to keep ([`Save`]), and the [`Event`]s to detect. With a field it is a
//! [`FlowMap`](crate::FlowMap); a solve returns a [`Solution`], the trajectory.
//!
//! | problem | solver |
//! |---|---|
//! | a first try | [`Adaptive`] with [`DOPRI5`] or [`TSIT5`] |
//! | errors below `1e-7` | [`Adaptive`] with [`DOP853`] |
//! | errors above `1e-3` | [`Adaptive`] with [`BOGACKI_SHAMPINE`] |
//! | many small ODEs | [`Ensemble`] of an [`Adaptive`] solver |
//! | stiff | `Stiff`, with the feature `diffsol` |
//! | flow map smooth in times and state, equal steps | [`FixedSteps`] with [`RK4`] |

mod adaptive;
mod controller;
#[cfg(feature = "ensemble")]
mod ensemble;
#[cfg(feature = "ensemble")]
mod ensemble_ode;
mod erased;
mod event;
mod fixed;
mod methods;
mod numerical;
mod piece;
mod recorder;
mod search;
mod segments;
mod solution;
mod statistics;
mod stepper;
#[cfg(feature = "diffsol")]
mod stiff;
#[cfg(feature = "diffsol")]
mod stiff_march;
#[cfg(feature = "diffsol")]
mod stiff_piece;
mod tableau;
mod walk;

pub use crate::status::Status;
pub use adaptive::Adaptive;
pub use controller::Controller;
#[cfg(feature = "ensemble")]
pub use ensemble::{End, Ensemble, Start};
#[cfg(feature = "ensemble")]
pub use ensemble_ode::EnsembleOde;
pub use event::{Direction, Event};
pub use fixed::FixedSteps;
pub use methods::{BOGACKI_SHAMPINE, DOP853, DOPRI5, EULER, HEUN, METHODS, MIDPOINT, RK4, TSIT5};
pub use numerical::{Numerical, Solver};
pub use piece::Piece;
pub use recorder::Recorder;
pub use solution::{Crossing, Save, Solution};
pub use statistics::Statistics;
pub use stepper::Stepper;
#[cfg(feature = "diffsol")]
pub use stiff::Stiff;
pub use tableau::{Dense, ErrorEstimate, Tableau};
pub(crate) use walk::{Stride, Walk};
#[cfg(feature = "train")]
pub(crate) use {piece::advance, segments::Within};

const _: () = {
    const fn is_send_sync<T: Send + Sync>() {}
    is_send_sync::<Adaptive>();
    is_send_sync::<FixedSteps>();
    is_send_sync::<Solution<[f64; 2]>>();
    is_send_sync::<Stepper<[f64; 2], ()>>();
    is_send_sync::<Event<'_, [f64; 2]>>();
};
