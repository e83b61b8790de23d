//! Inputs of an objective besides the network.

use crate::{AverageVelocity, State, VelocityField};
use std::fmt;

/// What is known of a sample's ODE besides the network: each objective takes what its [`Teacher`](super::Teacher) needs.
///
/// ```
/// use flowmap::{exact::PeriodicGrowth, learn::Context};
/// let decay = PeriodicGrowth::new(-1.0)?;
/// let known = Context::<[f64; 1]> { field: Some(&decay), ..Context::nothing() };
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone)]
pub struct Context<'a, X: State> {
    /// The velocity field `b`.
    pub field: Option<&'a dyn VelocityField<X>>,
    /// A map that is accurate where `|t - s|` is at most `reach`, by its average velocity.
    pub short: Option<&'a dyn AverageVelocity<X>>,
    /// The longest time for which `short` is accurate.
    pub reach: f64,
    /// The velocity of the sample, `I'_s`.
    pub velocity: Option<X>,
}

impl<X: State> Context<'_, X> {
    /// Nothing known: enough for self-distillation.
    #[must_use]
    pub fn nothing() -> Self {
        Self { field: None, short: None, reach: 0.0, velocity: None }
    }
}

impl<X: State> fmt::Debug for Context<'_, X> {
    /// Shows which of these are given, since fields cannot be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut known = f.debug_struct("Context");
        known.field("field", &self.field.is_some()).field("short", &self.short.is_some());
        known.field("reach", &self.reach).field("velocity", &self.velocity.is_some()).finish()
    }
}
