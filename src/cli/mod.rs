//! Command lines of training programs: options, a progress bar, and Ctrl-C that saves and stops.

#[cfg(feature = "cli")]
mod options;
mod terminal;

#[cfg(feature = "cli")]
pub use options::{Options, exit_code};
pub use terminal::{Terminal, interrupted};
