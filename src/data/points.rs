//! A table of points.

use std::path::Path;

use rand::{Rng, RngExt};

use super::{csv, npy};
use crate::{
    Error, Layout, Result,
    distribution::Distribution,
    random::{checksum, stream},
};

/// A data set: `n` points of dimension `d`, all finite.
///
/// As a [`Distribution`] it is the empirical one: each row with probability `1/n`.
///
/// ```
/// use flowmap::{data::Points, distribution::Distribution, random::stream};
/// let points = Points::new(vec![1.0, 2.0, 3.0, 4.0], 2)?;
/// assert_eq!(points.row(1), [3.0, 4.0]);
/// let mut x = [0.0; 2];
/// points.draw(&mut stream(1, 0), &mut x);
/// assert!(points.iter().any(|row| row == x));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    rows: Vec<f64>,
    dimension: usize,
}

impl Points {
    /// From `n·d` numbers, row by row.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no row, the rows have no coordinate, the numbers do not fill the last row, or one of them
    /// is not finite.
    pub fn new(rows: Vec<f64>, dimension: usize) -> Result<Self> {
        if dimension == 0 || rows.is_empty() {
            return Err(Error::invalid("points", "there are none; give at least one row of at least one number"));
        }
        if !rows.len().is_multiple_of(dimension) {
            let reason = format!("{} numbers do not fill rows of {dimension}; give n times {dimension}", rows.len());
            return Err(Error::invalid("points", reason));
        }
        if let Some(at) = rows.iter().position(|x| !x.is_finite()) {
            let (row, column) = (at / dimension, at % dimension);
            return Err(Error::invalid("points", format!("row {row}, column {column} is {}; give finite numbers", rows[at])));
        }
        Ok(Self { rows, dimension })
    }

    /// `count` draws of a distribution with this seed, for one that is too expensive to draw from at every step, such as
    /// [`AlongTrajectories`](crate::distribution::AlongTrajectories).
    ///
    /// ```
    /// use flowmap::{data::Points, distribution::Checkerboard};
    /// assert_eq!(Points::drawn(&Checkerboard, 100, 1)?.len(), 100);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if `count` is 0, the table would be larger than 2^34 numbers, or a draw is not finite.
    pub fn drawn(distribution: &impl Distribution, count: usize, seed: u64) -> Result<Self> {
        const LARGEST: usize = 1 << 34;
        let Some(size) = count.checked_mul(distribution.dimension()).filter(|&size| size <= LARGEST) else {
            let reason =
                format!("{count} draws of {} coordinates are more than {LARGEST} numbers; take fewer", distribution.dimension());
            return Err(Error::invalid("points", reason));
        };
        let mut rows = vec![0.0; size];
        distribution.draw_rows(&mut stream(seed, 0), &mut rows);
        Self::new(rows, distribution.dimension())
    }

    /// Reads a file whose name ends in `.csv` or `.npy`.
    ///
    /// # Errors
    /// As [`Points::from_csv`] or [`Points::from_npy`]; [`Error::File`] for any other name.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match path.extension().and_then(std::ffi::OsStr::to_str).map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Self::from_csv(path),
            Some("npy") => Self::from_npy(path),
            _ => Err(super::bad(path, None, "the name ends in neither .csv nor .npy; convert the points to one of these")),
        }
    }

    /// Reads a CSV file: one point per line, columns separated by commas.
    ///
    /// A first line without any number is taken for a header and skipped. (A header of numbers, as pandas writes for a table
    /// without column names, cannot be distinguished from data.)
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("points.csv");
    /// use flowmap::data::Points;
    /// std::fs::write(&path, "x,y\n0.5,1\n-2,3e-1\n").unwrap();
    /// assert_eq!(Points::from_csv(&path)?, Points::new(vec![0.5, 1.0, -2.0, 0.3], 2)?);
    ///
    /// std::fs::write(&path, "x,y\n0.5,one\n").unwrap();
    /// let error = Points::from_csv(&path).unwrap_err().to_string();
    /// assert!(error.contains("line 2: column 2 is 'one', not a number"), "{error}");
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::File`], with line and column, if it has no rows, rows of unequal
    /// length, or anything but finite numbers.
    pub fn from_csv(path: impl AsRef<Path>) -> Result<Self> {
        let (rows, dimension) = csv::points(path.as_ref())?;
        Ok(Self { rows, dimension })
    }

    /// Reads a CSV file whose last column is a label: the points and their labels.
    ///
    /// Labels are whole numbers from 0, such as the index of a class. Everything else is as in [`Points::from_csv`].
    ///
    /// ```
    /// use flowmap::data::Points;
    /// let (digits, labels) = Points::from_csv_with_labels("examples/data/digits.csv")?;
    /// assert_eq!((digits.len(), digits.row(0).len()), (1797, 64));
    /// assert_eq!(labels[..4], [0, 1, 2, 3]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Points::from_csv`]; and [`Error::File`] if the last column of a row is not a label or there is only one column.
    pub fn from_csv_with_labels(path: impl AsRef<Path>) -> Result<(Self, Vec<u32>)> {
        let (rows, dimension, labels) = csv::labelled_points(path.as_ref())?;
        Ok((Self { rows, dimension }, labels))
    }

    /// Reads an NPY file, as written by `numpy.save`: one point for each index of the first axis.
    ///
    /// The shape is `[n, d]`; `[n]` is read as `[n, 1]`, and further axes are flattened in C order (images `[n, h, w]` become
    /// points of dimension `h·w`). Numbers are `f4`, `f8` or integers of 1 to 8 bytes, of either byte order, in C or Fortran
    /// order.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::File`] if it is not an NPY file, holds another type, no rows, less data
    /// than its header promises, or a number that is not finite.
    pub fn from_npy(path: impl AsRef<Path>) -> Result<Self> {
        let (rows, dimension) = npy::points(path.as_ref())?;
        Ok(Self { rows, dimension })
    }

    /// The number `n` of points, at least 1.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.rows.len() / self.dimension
    }

    /// The number `d` of coordinates, at least 1.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Point `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Points::len).
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        assert!(i < self.len(), "row {i} of {} rows", self.len());
        &self.rows[i * self.dimension..][..self.dimension]
    }

    /// The points, one after another.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f64> {
        self.rows.chunks_exact(self.dimension)
    }

    /// All numbers, row by row: shape `[n, d]`.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.rows
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f64] {
        &mut self.rows
    }
}

impl<'a> IntoIterator for &'a Points {
    type Item = &'a [f64];
    type IntoIter = std::slice::ChunksExact<'a, f64>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Distribution for Points {
    fn layout(&self) -> Layout {
        self.dimension.into()
    }

    fn fingerprint(&self) -> String {
        format!("{} points of dimension {}, {:08x}", self.len(), self.dimension, checksum(&self.rows))
    }

    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        x.copy_from_slice(self.row(rng.random_range(0..self.len())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::tests::draws;

    #[test]
    fn every_row_is_as_likely() {
        let points = Points::new((0..10).map(f64::from).collect(), 2).unwrap();
        let mut count = [0_u32; 5];
        for x in draws(&points, 50_000).as_chunks::<2>().0 {
            assert_eq!(x[1], x[0] + 1.0);
            count[x[0] as usize / 2] += 1;
        }
        assert!(count.iter().all(|&n| n.abs_diff(10_000) < 400), "{count:?}");
    }

    #[test]
    fn value_stability() {
        let points = Points::new((0..1000).map(f64::from).collect(), 1).unwrap();
        assert_eq!(draws(&points, 5), [108.0, 622.0, 638.0, 81.0, 915.0]);
    }

    #[test]
    fn bad_arguments() {
        assert!(Points::new(vec![], 2).is_err());
        assert!(Points::new(vec![1.0], 0).is_err());
        assert!(Points::new(vec![1.0; 3], 2).is_err());
        let error = Points::new(vec![1.0, 2.0, 3.0, f64::NAN], 2).unwrap_err().to_string();
        assert!(error.contains("row 1, column 1 is NaN"), "{error}");
    }
}
