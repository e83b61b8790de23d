//! What a solve took.

/// What a solve took. Of a batch, the attempts count sample by sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Statistics {
    /// Evaluations of the velocity; of a batch, for all samples at once.
    pub evaluations: u64,
    /// Steps that were taken.
    pub accepted: u64,
    /// Steps that had too large an error, and were tried again with a shorter one.
    pub rejected: u64,
}
