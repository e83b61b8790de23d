//! The solvers against standard problems whose ends are known to 24 digits.

#[path = "../problems/mod.rs"]
mod problems;

mod accuracy;
mod condition;
mod jacobians;
mod periods;
mod single_precision;
mod steps;
mod tangents;
