//! Scalar fields sampled on grids.

use super::Grid;
use crate::{Error, Result, durable};
use std::{fmt::Write, path::Path};

/// A scalar function of the plane, sampled at the centres of a [`Grid`].
///
/// The plane is that of any two coordinates of the start point; the function fills in the others:
///
/// ```
/// use flowmap::{FlowMap, analysis::{Grid, ScalarField}, exact::Affine};
/// let flow = Affine::new([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3])?;
/// let grid = Grid::new([[-1.0, 1.0], [0.0, 1.0]], [20, 10])?;
/// // where points of the plane y = 0 are at time 1, by their first and last coordinate
/// let heights = ScalarField::sample(grid, |[x, z]| flow.flow(&0.0, &1.0, &[x, 0.0, z])[2]);
/// assert_eq!(heights.at(0, 9), heights.at(19, 9));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarField {
    grid: Grid,
    values: Vec<f64>,
}

impl ScalarField {
    /// `f` at the centre of every cell; NaN where it has no value. With the feature `ndarray`, rows are shared among the
    /// threads of the current rayon pool; the result does not depend on their number.
    pub fn sample(grid: Grid, f: impl Fn([f64; 2]) -> f64 + Sync) -> Self {
        let [across, up] = grid.cells();
        let row = |j: usize| (0..across).map(move |i| grid.centre(i, j)).map(&f);
        #[cfg(feature = "ndarray")]
        let values = {
            use rayon::prelude::*;
            (0..up).into_par_iter().flat_map_iter(row).collect()
        };
        #[cfg(not(feature = "ndarray"))]
        let values = (0..up).flat_map(row).collect();
        Self { grid, values }
    }

    /// A field with these values, row by row from the lowest up: computed elsewhere, for instance by an
    /// [`Ensemble`](crate::solver::Ensemble) of trajectories.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there is one for each cell.
    pub fn new(grid: Grid, values: Vec<f64>) -> Result<Self> {
        let [across, up] = grid.cells();
        if values.len() != across * up {
            let reason = format!("{} values for {across} by {up} cells; give one for each cell", values.len());
            return Err(Error::invalid("values of the scalar field", reason));
        }
        Ok(Self { grid, values })
    }

    /// The grid.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// The values, row by row from the lowest up.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value of cell `i` across and `j` upwards, counted from 0.
    ///
    /// # Panics
    /// If there is no such cell.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        let [across, up] = self.grid.cells();
        assert!(i < across && j < up, "a grid of {across} by {up} cells has no cell ({i}, {j})");
        self.values[j * across + i]
    }

    /// The smallest and the largest finite value, if there is one.
    pub fn range(&self) -> Option<[f64; 2]> {
        let finite = self.values.iter().copied().filter(|value| value.is_finite());
        finite.fold(None, |range, value| match range {
            None => Some([value, value]),
            Some([low, high]) => Some([value.min(low), value.max(high)]),
        })
    }

    /// Writes a line `x,y,value` for each cell, under a header of these names, row by row from the lowest up. Finite numbers
    /// are read back exactly; others are written as `NaN`, `inf` or `-inf`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the file cannot be written; a file that was there before is then still there.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut table = String::from("x,y,value\n");
        let [across, _] = self.grid.cells();
        for (k, value) in self.values.iter().enumerate() {
            let [x, y] = self.grid.centre(k % across, k / across);
            writeln!(table, "{x:?},{y:?},{value:?}").expect("strings take everything");
        }
        durable::write_file(path.as_ref(), table.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        Grid::new([[0.0, 3.0], [10.0, 12.0]], [3, 2]).unwrap()
    }

    #[test]
    fn values_stand_where_they_belong() {
        let field = ScalarField::sample(grid(), |[x, y]| x + 100.0 * y);
        assert_eq!(field.values(), [1050.5, 1051.5, 1052.5, 1150.5, 1151.5, 1152.5]);
        assert_eq!((field.at(0, 1), field.at(2, 0), field.range()), (1150.5, 1052.5, Some([1050.5, 1152.5])));
    }

    #[test]
    fn there_is_a_value_for_each_cell() {
        let sampled = ScalarField::sample(grid(), |[x, y]| x * y);
        assert_eq!(ScalarField::new(grid(), sampled.values().to_vec()).unwrap(), sampled);
        let error = ScalarField::new(grid(), vec![0.0; 5]).unwrap_err();
        assert!(error.to_string().contains("5 values for 3 by 2 cells"), "{error}");
    }

    #[test]
    #[should_panic(expected = "3 by 2 cells has no cell (3, 0)")]
    fn cells_beyond_the_grid() {
        ScalarField::sample(grid(), |_| 0.0).at(3, 0);
    }

    #[test]
    fn what_is_not_finite_has_no_range() {
        let field = ScalarField::sample(grid(), |[x, _]| if x < 1.0 { f64::NAN } else { f64::INFINITY });
        assert_eq!(field.range(), None);
        let field = ScalarField::sample(grid(), |[x, y]| if x < 1.0 { f64::NEG_INFINITY } else { y });
        assert_eq!(field.range(), Some([10.5, 11.5]));
    }

    #[test]
    fn tables_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("field.csv");
        let field = ScalarField::sample(grid(), |[x, y]| if x > 2.0 { f64::NAN } else { (x * y).exp() / 3.0 });
        field.write_csv(&path).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let (header, rows) = text.split_once('\n').unwrap();
        assert_eq!(header, "x,y,value");
        let rows: Vec<Vec<f64>> =
            rows.lines().map(|line| line.split(',').map(|number| number.parse().unwrap()).collect()).collect();
        assert_eq!(rows.len(), 6);
        for (k, row) in rows.iter().enumerate() {
            let value = field.values()[k];
            assert_eq!([row[0], row[1]], grid().centre(k % 3, k / 3));
            assert!(row[2] == value || (row[2].is_nan() && value.is_nan()));
        }
        let error = field.write_csv(folder.path().join("no").join("field.csv")).unwrap_err();
        assert!(matches!(error, Error::Io { .. }));
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn the_number_of_threads_does_not_matter() {
        let grid = Grid::new([[-1.0, 1.0]; 2], [37, 53]).unwrap();
        let sampled = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| ScalarField::sample(grid, |[x, y]| (1e3 * x * y).sin()))
        };
        assert_eq!(sampled(1), sampled(7));
    }
}
