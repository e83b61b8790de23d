//! Libraries whose arrays flowmap runs on.

#[cfg(feature = "nalgebra")]
pub mod nalgebra;
