//! How a solve ended.

use std::fmt;

/// How a solve ended. Its [`Display`](fmt::Display) text includes the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Status {
    /// It reached the end time.
    Finished,
    /// It stopped at the terminal event with this index.
    Event(usize),
    /// It reached the step limit.
    TooManySteps,
    /// It reached the step limit, with stability limiting the step size: something decays far faster than the solution changes.
    Stiff,
    /// It reached the step limit, crossing back and forth a surface where the velocity jumps.
    Chattering,
    /// The event function with this index changes sign or direction too often for its zeros to be found.
    EventTooFast(usize),
    /// The smallest step that the rounding of time, or the settings, allow is still too large for the tolerance.
    StepTooSmall,
    /// The start, a time or the velocity is not finite, even for the smallest step.
    NotFinite,
    /// The equations of an implicit step could not be set up or solved.
    NotSolved,
}

impl Status {
    /// Whether the solve reached the end time or a terminal event.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Finished | Self::Event(_))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "finished",
            Self::Event(number) => return write!(f, "stopped at event {number}"),
            Self::TooManySteps => {
                "it took as many steps as allowed before the end; allow more steps (max_steps), or loosen the tolerance"
            }
            Self::Stiff => {
                "it took as many steps as allowed, and stability limited their size: the problem is stiff; use a method for \
                 stiff problems, or allow more steps (max_steps)"
            }
            Self::Chattering => {
                "it took as many steps as allowed, crossing back and forth a surface where the velocity jumps; end the solve at \
                 an event on that surface and continue with the velocity along it, or declare the times of jumps as stops"
            }
            Self::EventTooFast(number) => {
                return write!(
                    f,
                    "the function of event {number} changes too often to be searched for zeros; watch one that changes more slowly, such \
                     as a phase, or allow more steps (max_steps), which also allows longer searches"
                );
            }
            Self::StepTooSmall => {
                "the step size became too small: the solution blows up or the velocity jumps there, or the tolerance is below \
                 the rounding errors; end before that time, declare the times of jumps as stops, or loosen the tolerance"
            }
            Self::NotFinite => {
                "the velocity or the state is not finite there; check the start state, the times and the domain of the velocity"
            }
            Self::NotSolved => {
                "the equations of an implicit step could not be solved: the velocity's Jacobian is singular or too large there; scale the \
                 coordinates to similar sizes, or use an explicit method"
            }
        })
    }
}
