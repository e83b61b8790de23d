//! Training of neural flow maps by self-distillation.
//!
//! The residuals of [`characterization`](crate::characterization), on tensors with gradients, are the losses. See
//! [`Trainer`] for a complete example.

mod coupling;
mod objective;
mod optimizer;
mod settings;
mod trainer;

pub use coupling::{Coupling, Independent};
pub use objective::{Distillation, Objective, StopGradient};
pub use optimizer::{Optimizer, Schedule};
pub use settings::Settings;
pub use trainer::{Progress, Trainer};
