//! The one error type of the crate.

use crate::status::Status;
use std::path::PathBuf;

/// What went wrong, where, and what to do about it.
///
/// Constructors and every function that reads files or user data return it; hot numeric paths mark results
/// outside a domain with NaN instead and offer a `try_` form that returns the error.
///
/// ```
/// use flowmap::{exact::Blowup, FlowMap};
/// let error = Blowup.try_flow(&0.0, &2.0, &[1.0_f64]).unwrap_err();
/// assert!(error.to_string().contains("blows up at time 1"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A constructor was given a value outside its domain.
    #[error("{what}: {reason}")]
    Invalid {
        /// The argument or setting.
        what: &'static str,
        /// Why it cannot be used, and what can.
        reason: String,
    },
    /// The solution leaves every bounded set before the requested time.
    #[error(
        "the solution that starts at time {from} blows up at time {time}, before the requested time {to}; \
         ask for a time on the same side of {time}"
    )]
    BlowUp {
        /// Start time.
        from: f64,
        /// Requested end time.
        to: f64,
        /// Where the solution ceases to exist.
        time: f64,
    },
    /// A flow map or a velocity returned NaN or an infinity.
    #[error("{what} is not finite on the way from time {from} to time {to}; check the start state and both times")]
    NotFinite {
        /// What was evaluated.
        what: &'static str,
        /// Start time.
        from: f64,
        /// Requested end time.
        to: f64,
    },
    /// A flow map is folded: it makes volumes vanish, or turns them inside out, and carries no density.
    #[error(
        "the flow map from time {from} to time {to} is folded there: its Jacobian has no positive determinant, and it carries no density; \
         take a map that is nearer to a flow, or shorter times"
    )]
    Folded {
        /// Start time.
        from: f64,
        /// Requested end time.
        to: f64,
    },
    /// A solver gave up on the way.
    #[error("the solve from time {from:?} to time {to:?} stopped at time {time:?}: {status}")]
    Stopped {
        /// Start time.
        from: f64,
        /// Requested end time.
        to: f64,
        /// How far it came.
        time: f64,
        /// Why, and what to do about it.
        status: Status,
    },
    /// Something that the computation needs is not on this machine, or cannot be used.
    #[error("{what}: {reason}")]
    Unavailable {
        /// What is not there.
        what: String,
        /// What is missing, and what to do about it.
        reason: String,
    },
    /// Two shapes that must agree do not.
    #[error("{what}: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// The object with the wrong shape.
        what: String,
        /// What was needed.
        expected: Vec<usize>,
        /// What was there.
        found: Vec<usize>,
    },
    /// A file or folder was found but cannot be used: it is damaged, foreign, or in use.
    #[error("{}{}: {reason}", path.display(), line.map(|l| format!(", line {l}")).unwrap_or_default())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The line, counted from 1, where that is known.
        line: Option<u64>,
        /// What was wrong and what was expected.
        reason: String,
    },
    /// An iteration produced a number that is not finite.
    #[error("{what} is {value} at step {step}; {remedy}")]
    Diverged {
        /// The step that was not taken, counted from 1.
        step: u64,
        /// What was computed.
        what: String,
        /// Its value: NaN or an infinity.
        value: f64,
        /// What is left, and what to do about it.
        remedy: String,
    },
    /// The operating system refused a file operation.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl Error {
    /// A value that a constructor cannot use, with the reason and the remedy.
    pub fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { what, reason: reason.into() }
    }
}

/// `Result` with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

const _: () = {
    const fn is_send_sync<T: Send + Sync + 'static>() {}
    is_send_sync::<Error>();
};
