//! Libraries whose arrays flowmap runs on: one folder each.

#[cfg(feature = "dfdx")]
pub mod dfdx;
#[cfg(feature = "nalgebra")]
pub mod nalgebra;
#[cfg(feature = "ndarray")]
pub mod ndarray;
