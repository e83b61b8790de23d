//! Sampling: a flow map along a time grid, with renoising, or guided by a reward.
//!
//! For an exact flow map any [`TimeGrid`](crate::TimeGrid) gives the same end, by the semigroup property. For a learned one, more
//! steps cost more and are usually more accurate, down to the error of its diagonal.
//!
//! | what | where |
//! |---|---|
//! | samples of a training | [`Trainer::sampler`](crate::learn::Trainer::sampler) |
//! | a map along a grid | [`TimeGrid::follow`](crate::TimeGrid::follow), [`draw`] |
//! | renoising, by which samples forget errors: gamma sampling, restarts | [`Route`], of [`Renoising`] and steps of the map |
//! | guidance by a reward of the predicted sample | [`LookAhead`] |
//!
//! Noise is a function of the seed and the row number, whatever the number of rows computed at a time.

mod draw;
mod look_ahead;
mod renoising;
mod route;

pub use draw::{draw, draw_on};
pub(crate) use draw::{drawn, in_parts};
pub use look_ahead::LookAhead;
pub use renoising::Renoising;
pub use route::{Leg, Restart, Route};
