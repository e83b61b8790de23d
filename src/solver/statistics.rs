//! The cost of a solve.

/// The cost of a solve. For a batch, the attempts of all samples are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Statistics {
    /// Evaluations of the velocity; for a batch, one evaluates all samples.
    pub evaluations: u64,
    /// Accepted steps.
    pub accepted: u64,
    /// Rejected steps, whose error was too large, and which were repeated with a shorter one.
    pub rejected: u64,
}
