//! Flow maps of ordinary differential equations.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
pub mod characterization;
#[cfg(feature = "train")]
pub mod data;
mod differences;
mod error;
pub mod exact;
mod field;
mod flow;
pub mod interpolant;
#[cfg(feature = "train")]
pub mod law;
#[cfg(feature = "train")]
pub mod learn;
#[cfg(feature = "train")]
pub mod metric;
#[cfg(feature = "train")]
pub mod nn;
mod number;
mod state;
mod tensor;

pub use characterization::{Case, Lattice, Report, verify};
pub use differences::Differences;
pub use error::{Error, Result};
pub use field::{Field, Frozen, Ode, Pointwise, VelocityField, field, rhs_jacobian};
pub use flow::{AverageVelocity, Composition, FlowMap, Inverse, Learned, Map, flow_map};
pub use number::{Dual, Mask, Number, Real, Value};
pub use state::{Coordinates, State};
pub use tensor::{Activation, AdamStep, Gradients, Order, Tape, Tensor, Var};

/// The library whose tensors the backend [`backend::dfdx`] holds: the version that fits.
#[cfg(feature = "dfdx")]
pub use dfdx;
/// The library whose vectors and matrices the crate takes: the version that fits.
#[cfg(feature = "nalgebra")]
pub use nalgebra;
/// The library whose arrays the default backend holds: the version that fits.
#[cfg(feature = "ndarray")]
pub use ndarray;
/// The library whose generators [laws](law) draw from: the version that fits.
#[cfg(feature = "train")]
pub use rand;
