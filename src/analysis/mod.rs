//! What a flow map does to the neighbourhood of a point, and pictures' worth of such numbers.
//!
//! Everything here takes any flow map that runs on [`Dual`](crate::Dual)s: exact, numerical or learned. For one that runs on plain
//! states only, [`Differences`](crate::Differences) supplies the derivatives from neighbouring trajectories.
//!
//! ```
//! use flowmap::{analysis::{Grid, ScalarField, ftle}, exact::Affine};
//! // at a saddle, neighbours part at the rate 1, wherever they start
//! let saddle = Affine::new([[1.0, 0.0], [0.0, -1.0]], [0.0; 2])?;
//! let grid = Grid::new([[-1.0, 1.0], [-1.0, 1.0]], [8, 8])?;
//! let field = ScalarField::sample(grid, |x| ftle(&saddle, &0.0, &3.0, &x).unwrap_or(f64::NAN));
//! assert!(field.values().iter().all(|rate| (rate - 1.0).abs() < 1e-14));
//! # Ok::<(), flowmap::Error>(())
//! ```

#[cfg(feature = "nalgebra")]
mod deformation;
mod grid;
mod jacobian;
mod scalar_field;

#[cfg(feature = "nalgebra")]
pub use deformation::{Deformation, Stretch, ftle};
pub use grid::Grid;
pub use jacobian::jacobian;
pub use scalar_field::ScalarField;
