//! Training of neural flow maps by self-distillation.
//!
//! The residuals of [`characterization`](crate::characterization), on tensors with gradients, are the losses. See
//! [`Trainer`] for a complete example.

mod checkpoint;
mod coupling;
mod objective;
mod optimizer;
#[cfg(feature = "cli")]
mod options;
mod run;
mod settings;
#[cfg(feature = "terminal")]
mod terminal;
mod trainer;

pub use checkpoint::{Checkpoint, Weights};
pub use coupling::{Coupling, Independent};
pub use objective::{Distillation, Objective, StopGradient};
pub use optimizer::{Optimizer, Schedule};
#[cfg(feature = "cli")]
pub use options::{Options, exit_code};
pub use run::{Outcome, Run};
pub use settings::Settings;
#[cfg(feature = "terminal")]
pub use terminal::{Terminal, interrupted};
pub use trainer::{Progress, Trainer};
