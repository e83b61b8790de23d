//! What people reported of other solvers: problems whose right values are known in closed form or to many digits. The name of
//! each report stands with its test.
//!
//! `runs::solved` and `runs::watched` follow a problem with every explicit method, forward and, mirrored in time, backward; the
//! first also as an ensemble.
#![allow(clippy::excessive_precision, reason = "values as they were published")]

mod analysis;
mod derivatives;
mod events;
mod jumps;
mod orbits;
mod phases;
mod runs;
mod scales;
mod segments;
mod sizes;
mod stiff;
mod stops;
mod stretching;
mod times;
