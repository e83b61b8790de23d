//! The crate's error type.

use crate::status::Status;
use std::path::PathBuf;

/// An error: what was wrong, where, and how to fix it.
///
/// Constructors and every function that reads files or user data return it; hot numeric paths mark results
/// outside a domain with NaN instead and offer a `try_` form that returns the error.
///
/// ```
/// use flowmap::{FlowMap, exact::Blowup};
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
        /// Why it cannot be used, and the remedy.
        reason: String,
    },
    /// The solution blows up before the requested time.
    #[error(
        "the solution that starts at time {from} blows up at time {time}, before the requested time {to}; \
         choose an end time on the same side of {time} as the start"
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
    #[error("{what} is not finite between times {from} and {to}; check the start state and both times")]
    NotFinite {
        /// What was evaluated.
        what: &'static str,
        /// Start time.
        from: f64,
        /// Requested end time.
        to: f64,
    },
    /// A flow map is folded: its Jacobian determinant is zero or negative, so it transports no density.
    #[error(
        "the flow map from time {from} to time {to} is folded at this state: its Jacobian determinant is not positive, \
         so it transports no density; use a map closer to an exact flow, or times closer together"
    )]
    Folded {
        /// Start time.
        from: f64,
        /// Requested end time.
        to: f64,
    },
    /// A solver stopped before the end time.
    #[error("the solve from time {from:?} to time {to:?} stopped at time {time:?}: {status}")]
    Stopped {
        /// Start time.
        from: f64,
        /// Requested end time.
        to: f64,
        /// The time that it reached.
        time: f64,
        /// Why, and the remedy.
        status: Status,
    },
    /// Something that the computation needs is missing on this machine, or cannot be used.
    #[error("{what}: {reason}")]
    Unavailable {
        /// What is missing.
        what: String,
        /// Why it cannot be used, and the remedy.
        reason: String,
    },
    /// Two shapes differ that must agree.
    #[error("{what}: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// The object with the wrong shape.
        what: String,
        /// The shape needed.
        expected: Vec<usize>,
        /// The shape found.
        found: Vec<usize>,
    },
    /// A file or folder exists but cannot be used: it is damaged, of another format, or in use.
    #[error("{}{}: {reason}", path.display(), line.map(|l| format!(", line {l}")).unwrap_or_default())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The line, counted from 1, if known.
        line: Option<u64>,
        /// What was wrong, and what was expected.
        reason: String,
    },
    /// An iteration produced a number that is not finite.
    #[error("{what} is {value} at step {step}; {remedy}")]
    Diverged {
        /// The step that was not taken, counted from 1.
        step: u64,
        /// The quantity computed.
        what: String,
        /// Its value: NaN or an infinity.
        value: f64,
        /// What was kept, and the remedy.
        remedy: String,
    },
    /// The operating system refused a file operation.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl Error {
    /// The error of a constructor that cannot use a value: `reason` says why, and gives the remedy.
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
