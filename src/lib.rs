//! Flow maps of ordinary differential equations.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
pub mod characterization;
mod differences;
mod error;
pub mod exact;
mod field;
mod flow;
pub mod interpolant;
mod number;
mod state;

pub use characterization::{Case, Lattice, Report, verify};
pub use differences::Differences;
pub use error::{Error, Result};
pub use field::{Field, Frozen, Ode, Pointwise, VelocityField, field, rhs_jacobian};
pub use flow::{AverageVelocity, Composition, FlowMap, Inverse, Learned, Map, flow_map};
/// The library whose vectors and matrices the crate takes: the version that fits.
#[cfg(feature = "nalgebra")]
pub use nalgebra;
pub use number::{Dual, Mask, Number, Real, Value};
pub use state::{Coordinates, State};
