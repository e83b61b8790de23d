//! Flow maps of ordinary differential equations.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
pub mod characterization;
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub mod data;
mod differences;
mod error;
pub mod exact;
mod field;
mod flow;
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub mod law;
#[cfg(feature = "train")]
#[cfg_attr(docsrs, doc(cfg(feature = "train")))]
pub mod metric;
mod number;
#[cfg(feature = "plot")]
#[cfg_attr(docsrs, doc(cfg(feature = "plot")))]
pub mod plot;
mod state;

pub use characterization::{Case, Lattice, Report, verify};
pub use differences::Differences;
pub use error::{Error, Result};
pub use field::{Field, Frozen, Ode, Pointwise, VelocityField, field, rhs_jacobian};
pub use flow::{AverageVelocity, Composition, FlowMap, Inverse, Learned, Map, flow_map};
pub use number::{Dual, Mask, Number, Real, Value};
pub use state::{Coordinates, State};
