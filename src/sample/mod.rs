//! Sampling: a flow map applied along a grid of times, with fresh noise on the way, or with a look ahead.
//!
//! For an exact flow map any [`TimeGrid`](crate::TimeGrid) gives the same end, by the semigroup property. For a learned one, more
//! steps cost more and are usually more accurate, down to the error of its diagonal.
//!
//! | what | where |
//! |---|---|
//! | a map along a grid | [`TimeGrid::follow`](crate::TimeGrid::follow), [`draw`] |
//! | noise on the way, by which errors are forgotten: gamma sampling, restarts | [`Route`], of [`Renoising`] and steps of the map |
//! | steps towards a reward of the sample that the map foresees | [`LookAhead`] |
//!
//! Noise is a function of the seed and of the number of the row: how many rows are computed at a time changes none of it.

mod draw;
mod look_ahead;
mod renoising;
mod route;

pub use draw::draw;
pub use look_ahead::LookAhead;
pub use renoising::Renoising;
pub use route::{Leg, Restart, Route};
