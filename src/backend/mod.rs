//! Backends: the libraries whose arrays flowmap runs on, one module each.
//!
//! A vector library gives a [`State`](crate::State): its vectors can be moved by flows. An array library gives a
//! [`Tensor`](crate::Tensor) too: networks run on it. A backend holds forward kernels only; forward mode
//! ([`Dual`](crate::Dual)) and reverse mode ([`Var`](crate::Var)) are written once over all backends.

#[cfg(feature = "cuda")]
pub mod cuda;
#[cfg(feature = "dfdx")]
pub mod dfdx;
#[cfg(any(feature = "cuda", feature = "dfdx-cuda"))]
mod driver;
#[cfg(feature = "nalgebra")]
pub mod nalgebra;
#[cfg(feature = "ndarray")]
pub mod ndarray;
#[cfg(any(feature = "nalgebra", feature = "ndarray"))]
mod vector;
