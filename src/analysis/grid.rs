//! Rectangular grids in a plane of two coordinates.

use crate::{Error, Result};

/// A rectangle divided into equal cells: `cells[0]` across by `cells[1]` upwards.
///
/// ```
/// use flowmap::analysis::Grid;
/// let grid = Grid::new([[0.0, 2.0], [0.0, 1.0]], [4, 2])?;
/// assert_eq!(grid.centre(0, 0), [0.25, 0.25]);
/// assert_eq!(grid.centre(3, 1), [1.75, 0.75]);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    sides: [[f64; 2]; 2],
    cells: [usize; 2],
}

impl Grid {
    /// The grid over `sides[0] × sides[1]`, each `[low, high]`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the sides are finite and not empty, and there are 1 to 10⁹ cells.
    pub fn new(sides: [[f64; 2]; 2], cells: [usize; 2]) -> Result<Self> {
        const MOST: usize = 1_000_000_000;
        for [low, high] in sides {
            if !(low < high && (high - low).is_finite()) {
                let reason = format!("[{low}, {high}] is not an interval; give two finite numbers, the smaller first");
                return Err(Error::invalid("side of the grid", reason));
            }
        }
        let [across, up] = cells;
        if across.checked_mul(up).is_none_or(|count| count == 0 || count > MOST) {
            return Err(Error::invalid("cells of the grid", format!("{across} by {up} cells; give 1 to 10⁹ in all")));
        }
        Ok(Self { sides, cells })
    }

    /// `[low, high]` for both coordinates.
    pub fn sides(&self) -> [[f64; 2]; 2] {
        self.sides
    }

    /// The number of cells across and upwards.
    pub fn cells(&self) -> [usize; 2] {
        self.cells
    }

    /// The centre of cell `i` across and `j` upwards, counted from 0.
    pub fn centre(&self, i: usize, j: usize) -> [f64; 2] {
        let middle = |axis: usize, k: usize| {
            let [low, high] = self.sides[axis];
            low + (k as f64 + 0.5) / self.cells[axis] as f64 * (high - low)
        };
        [middle(0, i), middle(1, j)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_grids_are_refused() {
        let good = [0.0, 1.0];
        for bad in [[1.0, 1.0], [1.0, 0.0], [f64::NAN, 1.0], [0.0, f64::INFINITY], [f64::MIN, f64::MAX]] {
            assert!(Grid::new([bad, good], [2, 2]).is_err());
            assert!(Grid::new([good, bad], [2, 2]).is_err());
        }
        for bad in [[0, 1], [1, 0], [usize::MAX, 2], [100_000, 100_000]] {
            let error = Grid::new([good, good], bad).unwrap_err().to_string();
            assert!(error.contains(&format!("{} by {}", bad[0], bad[1])), "{error}");
        }
    }
}
