//! Jacobians, stretching and Lyapunov exponents of flow maps, scalar fields of them on grids, and return maps.
//!
//! Everything here takes any flow map that runs on [`Dual`](crate::Dual)s: exact, numerical or learned. For one that runs on
//! plain states only, [`FiniteDifferences`](crate::FiniteDifferences) supplies the derivatives from neighbouring trajectories.
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
//!
//! | question | answer |
//! |---|---|
//! | how fast neighbours separate over a given time | [`jacobian`], `Deformation` and `ftle` |
//! | how fast they separate in the long run | [`lyapunov_spectrum`] |
//! | where points are after each period | [`Stroboscopic`], a [`ReturnMap`] |
//! | where trajectories cross a surface | [`Section`], a [`ReturnMap`] with a derivative |
//! | whether it is its field's flow map | [`verify`](crate::verify()), [`InverseConsistency`] |
//! | all this, for an autonomous map known in a window of times only | the same, of [`Autonomous`](crate::Autonomous) |
//!
//! [`InverseConsistency`]: crate::characterization::InverseConsistency

#[cfg(feature = "nalgebra")]
mod deformation;
mod determinant;
mod frame;
mod grid;
mod jacobian;
mod lyapunov;
mod return_map;
mod scalar_field;
mod section;
mod stroboscopic;
mod surface;

#[cfg(feature = "nalgebra")]
pub use deformation::{Deformation, Stretch, deformation, ftle};
pub(crate) use determinant::sign_and_log_det;
pub use grid::Grid;
pub use jacobian::jacobian;
pub(crate) use jacobian::linearized;
pub use lyapunov::{LyapunovSpectrum, Steps, lyapunov_spectrum};
pub use return_map::ReturnMap;
pub use scalar_field::ScalarField;
pub use section::{Passage, Section};
pub use stroboscopic::Stroboscopic;
pub use surface::{Hyperplane, Surface};
