//! Training of neural flow maps: of data by self-distillation, of fields and teachers that are given.
//!
//! A network `v_{s,t}` is trained on two parts of each batch. On the diagonal `s = t` it regresses on the velocity of an
//! [interpolant](crate::interpolant), `|v_{t,t}(I_t) - I'_t|²`: flow matching, which makes `v_{t,t}` the velocity field. Off the
//! diagonal the residual of a [characterization](crate::characterization), with the network's own diagonal as the field, makes
//! `x + (t - s) v_{s,t}(x)` the flow map of that field. Which residual, and where gradients stop, is the [`Objective`]. Where a
//! field is given, it stands for both: the diagonal learns it, and the residual may hold it.
//!
//! | what | where |
//! |---|---|
//! | everything that determines a run besides network and data | [`Settings`] |
//! | what is learned from | [`Source`]: a [`Coupling`] of noise and data ([`Independent`], [`Conditional`], [`Transport`]), a [`GivenField`], a teacher ([`Distilled`]) |
//! | when, and what counts more | [`Times`], [`Growth`], [`Weighting`] |
//! | what papers call their methods | [`Method`] |
//! | classes exaggerated | [`Guidance`] |
//! | one step: draw, differentiate, update | [`Trainer::step`] |
//! | many steps in a folder: table of metrics, checkpoints, resumption | [`Run`] |
//! | a state on disk | [`Checkpoint`] |
//!
//! Randomness is a function of the seed and the number of the step. A run that is stopped and resumed ends with the same
//! parameters, bit for bit, as one that was not.
//!
//! Source: N. M. Boffi, M. S. Albergo, E. Vanden-Eijnden, How to build a consistency model: learning flow maps via
//! self-distillation, arXiv 2505.18825.

mod checkpoint;
mod conditional;
mod coupling;
mod distilled;
mod given_field;
mod guidance;
mod method;
mod objective;
mod optimizer;
#[cfg(feature = "cli")]
mod options;
mod run;
mod settings;
mod short_map;
#[cfg(feature = "ensemble")]
mod solved;
mod source;
mod speed;
#[cfg(feature = "terminal")]
mod terminal;
mod times;
mod trainer;
#[cfg(feature = "transport")]
mod transport;

pub use checkpoint::{Checkpoint, Weights};
pub use conditional::Conditional;
pub use coupling::{Coupling, Independent};
pub use distilled::{Distilled, TeacherNetwork};
pub use given_field::GivenField;
pub use guidance::Guidance;
pub use method::Method;
pub use objective::{Distillation, Known, Objective, StopGradient, Teacher};
pub use optimizer::{Optimizer, Schedule};
#[cfg(feature = "cli")]
pub use options::{Options, exit_code};
pub use run::{Outcome, Run};
pub use settings::Settings;
pub use short_map::RungeKutta;
#[cfg(feature = "ensemble")]
pub use solved::Solved;
pub use source::Source;
#[cfg(feature = "terminal")]
pub use terminal::{Terminal, interrupted};
pub use times::{Growth, Times, Weighting};
pub use trainer::{Progress, Trainer};
#[cfg(feature = "transport")]
pub use transport::Transport;
