//! Sampling: a flow map applied along a grid of times, with fresh noise on the way, or with a look ahead.
//!
//! For an exact flow map any [`Grid`] gives the same end, by the semigroup property. For a learned one, more steps cost more and
//! are usually more accurate, down to the error of its diagonal.
//!
//! | what | where |
//! |---|---|
//! | a map along a grid | [`Grid::follow`], [`draw`] |
//! | noise on the way, by which errors are forgotten: gamma sampling, restarts | [`Route`], of [`Renoising`] and steps of the map |
//! | steps towards a reward of the sample that the map foresees | [`LookAhead`] |
//!
//! Noise is a function of the seed and of the number of the row: how many rows are computed at a time changes none of it.

mod grid;

#[cfg(feature = "train")]
mod draw;
#[cfg(feature = "train")]
mod look_ahead;
#[cfg(feature = "train")]
mod renoising;
#[cfg(feature = "train")]
mod route;

pub use grid::Grid;

#[cfg(feature = "train")]
pub use draw::draw;
#[cfg(feature = "train")]
pub use look_ahead::LookAhead;
#[cfg(feature = "train")]
pub use renoising::Renoising;
#[cfg(feature = "train")]
pub use route::{Leg, Restart, Route};
