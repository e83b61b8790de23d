//! Solvers at their edges: spans, saving, failures, events, batches, derivatives.

mod batches;
mod derivatives;
#[cfg(feature = "dfdx")]
mod dfdx;
mod events;
mod failures;
mod fields;
mod saving;
mod solution;
mod spans;
mod stepper;
