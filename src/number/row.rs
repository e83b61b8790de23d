//! Rows of numbers: arrays and vectors.

/// A row of numbers: an array `[N; D]`, or a vector `Vec<N>` if their count is only known at run time.
///
/// ```
/// use flowmap::Row;
/// fn halves<R: Row<Item = f64>>(x: &R) -> R::Of<f64> {
///     x.build(|i| 0.5 * x.items()[i])
/// }
/// assert_eq!(halves(&[1.0, 3.0]), [0.5, 1.5]);
/// assert_eq!(halves(&vec![1.0, 3.0]), [0.5, 1.5]);
/// ```
pub trait Row {
    /// The type of an item.
    type Item;
    /// A row of the same length with another type of item.
    type Of<M>: Row<Item = M>;

    /// The items.
    fn items(&self) -> &[Self::Item];
    /// The items, mutably.
    fn items_mut(&mut self) -> &mut [Self::Item];
    /// A row of the same length whose item `i` is `item(i)`.
    fn build<M>(&self, item: impl Fn(usize) -> M) -> Self::Of<M>;
}

/// A square matrix, row by row, of the size of a row `R`: `[[N; D]; D]` for arrays, `Vec<Vec<N>>` for vectors.
pub type Matrix<R, N> = <R as Row>::Of<<R as Row>::Of<N>>;

/// The square matrix of the size of `row` with entries `entry(i, j)`.
pub(crate) fn matrix<R: Row, N>(row: &R, entry: impl Fn(usize, usize) -> N) -> Matrix<R, N> {
    row.build(|i| row.build(|j| entry(i, j)))
}

impl<N, const D: usize> Row for [N; D] {
    type Item = N;
    type Of<M> = [M; D];

    #[inline(always)]
    fn items(&self) -> &[N] {
        self
    }
    #[inline(always)]
    fn items_mut(&mut self) -> &mut [N] {
        self
    }
    #[inline(always)]
    fn build<M>(&self, item: impl Fn(usize) -> M) -> [M; D] {
        std::array::from_fn(item)
    }
}

impl<N> Row for Vec<N> {
    type Item = N;
    type Of<M> = Vec<M>;

    #[inline(always)]
    fn items(&self) -> &[N] {
        self
    }
    #[inline(always)]
    fn items_mut(&mut self) -> &mut [N] {
        self
    }
    #[inline(always)]
    fn build<M>(&self, item: impl Fn(usize) -> M) -> Vec<M> {
        (0..self.len()).map(item).collect()
    }
}
