//! What an objective needs.

use std::ops::BitOr;

/// What an [`Objective`](super::Objective) needs, besides the network: it decides what a trainer evaluates, and which sources and
/// times it accepts. `a | b` is what either needs.
///
/// ```
/// use flowmap::learn::{Distillation, Needs};
/// let needs = Distillation::LSD.needs() | Needs { velocity: true, ..Needs::default() };
/// assert!(needs.diagonal && needs.end_derivative && needs.velocity && !needs.field);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Needs {
    /// The network's own velocity `v_{t,t}`, so that the diagonal must be learned, too.
    pub diagonal: bool,
    /// A given velocity field.
    pub field: bool,
    /// A given map that is accurate for short times, over at least this share of the time from `s` to `t`; 0 for any.
    pub short_map: Option<f64>,
    /// The velocities of samples, `I'_s`.
    pub velocity: bool,
    /// A moving average of the network: the first one in the [settings](crate::learn::Settings::averages).
    pub average: bool,
    /// The derivative with respect to `s`.
    pub start_derivative: bool,
    /// The derivative with respect to `t`.
    pub end_derivative: bool,
    /// The network's maps from later times than `s`.
    pub later_starts: bool,
    /// The network's maps to earlier times than `t`.
    pub earlier_ends: bool,
}

impl BitOr for Needs {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        let short_map = match (self.short_map, other.short_map) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        Self {
            diagonal: self.diagonal | other.diagonal,
            field: self.field | other.field,
            short_map,
            velocity: self.velocity | other.velocity,
            average: self.average | other.average,
            start_derivative: self.start_derivative | other.start_derivative,
            end_derivative: self.end_derivative | other.end_derivative,
            later_starts: self.later_starts | other.later_starts,
            earlier_ends: self.earlier_ends | other.earlier_ends,
        }
    }
}
