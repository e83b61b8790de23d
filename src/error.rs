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
    /// A device to compute on is not there, or cannot be used.
    #[error("{what}: {reason}")]
    Device {
        /// The device.
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
    /// A data file could be read but not understood.
    #[error("{}{}: {reason}", path.display(), line.map(|l| format!(", line {l}")).unwrap_or_default())]
    Data {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where that is known.
        line: Option<u64>,
        /// What was wrong and what was expected.
        reason: String,
    },
    /// A checkpoint is damaged, foreign, or belongs to another run.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What was wrong and what was expected.
        reason: String,
    },
    /// Training produced a loss or a gradient that is not finite.
    #[error(
        "training stopped at step {step}: the {quantity} of {objective} is {value}; {last_good}; \
         begin again with a lower learning rate or gradient clip"
    )]
    Diverged {
        /// The step that was not taken.
        step: u64,
        /// The objective that was trained.
        objective: String,
        /// `loss` or `gradient`.
        quantity: &'static str,
        /// Its value.
        value: f64,
        /// Where the last good state is.
        last_good: String,
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

    /// A GPU that cannot be used, with the reason and the remedy.
    #[cfg(any(feature = "cuda", feature = "dfdx-cuda"))]
    pub(crate) fn device(ordinal: usize, reason: impl Into<String>) -> Self {
        Self::Device { what: format!("CUDA device {ordinal}"), reason: reason.into() }
    }
}

/// `Result` with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

const _: () = {
    const fn is_send_sync<T: Send + Sync + 'static>() {}
    is_send_sync::<Error>();
};
