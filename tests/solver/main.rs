//! Solvers: their edges (spans, saving, failures, events, batches, derivatives), convergence, ensembles, stiff ones. One program,
//! because each is long to compile.

#[path = "../common/mod.rs"]
mod common;

mod batches;
#[cfg(feature = "proptest")]
mod convergence;
mod derivatives;
#[cfg(feature = "dfdx")]
mod dfdx;
#[cfg(feature = "ensemble")]
mod ensemble;
mod events;
mod failures;
mod fields;
#[cfg(feature = "proptest")]
mod properties;
mod saving;
mod solution;
mod spans;
mod stepper;
#[cfg(feature = "diffsol")]
mod stiff;
