//! Training of neural flow maps: self-distillation from data, or from a given velocity field or teacher.
//!
//! A network `v_{s,t}` is trained on two parts of each batch. On the diagonal `s = t` it regresses on the velocity of an
//! [interpolant](crate::interpolant), `|v_{t,t}(I_t) - I'_t|²`: flow matching, which makes `v_{t,t}` the velocity field. Off the
//! diagonal the residual of a [characterization](crate::characterization), with the network's own diagonal as the field, makes
//! `x + (t - s) v_{s,t}(x)` the flow map of that field. Which residual, and where gradients stop, is the [`Goal`]. A given
//! field stands for both: the diagonal learns it, and the residual may use it.
//!
//! | what | where |
//! |---|---|
//! | everything that determines a run besides network and data | [`Settings`]; to begin with [`Settings::points`], [`images`](Settings::images), [`ode`](Settings::ode) |
//! | sources of training samples | [`Source`]: a [`Coupling`] of noise and data ([`Independent`], [`Conditional`], [`Transport`]), a [`FromField`], a teacher ([`FromTeacher`]) |
//! | objectives, optimizers, schedules, times and weights of this library | [`Goal`], [`Descent`], [`Annealing`], [`TimePairs`], [`Curriculum`], [`SampleWeights`] |
//! | those of your own | the traits [`Objective`], [`Optimizer`], [`Schedule`], [`Times`], [`Weighting`], in [`Parts`] |
//! | moving averages of the parameters | [`Average`], [`post_hoc`] |
//! | published methods by name | [`Method`] |
//! | classifier-free guidance | [`Guidance`] |
//! | one step: draw, differentiate, update | [`Trainer::step`] |
//! | many steps in a folder: table of metrics, checkpoints, resume | [`Run`] |
//! | what looks at each step, and may stop | [`Observer`], [`TimeLimit`], [`Plateau`] |
//! | samples | [`Trainer::sampler`] |
//! | a training state on disk | [`Checkpoint`] |
//! | an image classifier | [`Classifier`]: supervised, for the [distances](crate::metric) between sets of images |
//!
//! Randomness is a function of the seed and the step number. A resumed run ends with the same parameters, bit for bit, as an
//! uninterrupted one.
//!
//! Source: N. M. Boffi, M. S. Albergo, E. Vanden-Eijnden, How to build a consistency model: learning flow maps via
//! self-distillation, arXiv 2505.18825.

mod average;
mod checkpoint;
mod classifier;
mod conditional;
mod coupling;
mod curriculum;
mod from_field;
mod from_teacher;
mod guidance;
mod interpolated;
mod loss;
mod method;
mod named;
mod objective;
mod observer;
mod optimizer;
mod parts;
mod post_hoc;
mod preset;
mod run;
mod sampler;
mod schedule;
mod settings;
mod short_map;
#[cfg(feature = "ensemble")]
mod solver_velocity;
mod source;
mod speed;
mod times;
mod trainer;
#[cfg(feature = "transport")]
mod transport;
mod weighting;

pub use average::Average;
pub use checkpoint::{Checkpoint, Weights};
pub use classifier::{Classifier, ClassifierSettings};
pub use conditional::Conditional;
pub use coupling::{Coupling, Independent};
pub use curriculum::Curriculum;
pub use from_field::FromField;
pub use from_teacher::{FromTeacher, TeacherNetwork};
pub use guidance::Guidance;
pub use interpolated::Interpolated;
pub use method::Method;
pub use objective::{
    Alpha, AlphaFlow, Anchor, Context, Differentiable, Distillation, Goal, Identity, MeanFlow, Needs, Objective, StopGradient,
    Tangent, Teacher, Term,
};
pub use observer::{Observer, Plateau, TimeLimit, Training};
pub use optimizer::{Adam, Descent, Lion, Muon, Optimizer, Parameter, Soap, Step};
pub use parts::Parts;
pub use post_hoc::post_hoc;
pub use run::{Outcome, Run};
pub use sampler::Sampler;
pub use schedule::{Annealing, Schedule};
pub use settings::{Group, Settings};
pub use short_map::RungeKutta;
#[cfg(feature = "ensemble")]
pub use solver_velocity::SolverVelocity;
pub use source::{Batch, Source};
pub use times::{Coverage, TimePairs, Times};
pub use trainer::{Progress, Trainer};
#[cfg(feature = "transport")]
pub use transport::Transport;
pub use weighting::{SampleWeights, Weighed, Weighting};
