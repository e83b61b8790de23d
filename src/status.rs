//! How a solve ended.

use std::fmt;

/// How a solve ended. Its [`Display`](fmt::Display) says what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Status {
    /// It is at the end of the time span.
    Finished,
    /// It stopped at a terminal event, the one of this number.
    Event(usize),
    /// It took as many steps as it may.
    TooManySteps,
    /// It took as many steps as it may, of a length that stability limits: something decays far faster than the solution changes.
    Stiff,
    /// It took as many steps as it may, from one side of a border to the other, where the velocity jumps.
    Chattering,
    /// The function of the event of this number changes sign, or bends, too often for its zeros to be searched.
    EventTooFast(usize),
    /// Steps of the smallest size that the clock can tell, or that was allowed, are too long for the tolerance.
    StepTooSmall,
    /// The start, a time or the velocity is not finite, however short the step.
    NotFinite,
    /// The equations of an implicit step could not be set up or solved.
    NotSolved,
}

impl Status {
    /// Whether the solve got to where it should: to the end, or to a terminal event.
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
                "it took as many steps as allowed, and might get on with more; allow more (max_steps), or larger errors"
            }
            Self::Stiff => {
                "it took as many steps as allowed, and their length is what stability allows: the problem is stiff; use a method for stiff \
                 problems, or allow more steps"
            }
            Self::Chattering => {
                "it took as many steps as allowed, across a border where the velocity jumps from one side to the other; end the solve at \
                 an event on the border and go on with the velocity along it, or name the times of jumps as stops"
            }
            Self::EventTooFast(number) => {
                return write!(
                    f,
                    "the function of event {number} changes too often to be searched for zeros; watch one that changes more slowly, such \
                     as a phase, or allow more steps (max_steps), which allows longer searches, too"
                );
            }
            Self::StepTooSmall => {
                "the step size became too small: the solution blows up or the velocity jumps there, or the tolerance is finer than the \
                 rounding errors; end before that time, name times of jumps as stops, or allow larger errors"
            }
            Self::NotFinite => {
                "the velocity or the state is not finite there; check the start state, the times and the domain of the velocity"
            }
            Self::NotSolved => {
                "the equations of an implicit step could not be solved: the velocity's Jacobian is singular or too large there; scale the \
                 coordinates to like sizes, or use an explicit method"
            }
        })
    }
}
