//! States as lists of coordinates.

use super::State;
use crate::number::{Dual, Matrix, Number, Row, matrix};

/// States that split into a list of coordinates, as needed by an [ODE whose dimension is only known at run time](crate::DynOde)
/// and by implicit solvers.
///
/// Implemented by all states except images; see [`Coordinates`](super::Coordinates) for a number of coordinates known to the
/// compiler.
///
/// ```
/// use flowmap::{Dual, DynCoordinates};
/// let moving = Dual::new(vec![1.0, 2.0], vec![0.0, 1.0]);
/// assert_eq!(moving.coordinates()[1], Dual::new(2.0, 1.0));
/// assert_eq!(moving.with_coordinates(moving.coordinates()), moving);
/// ```
pub trait DynCoordinates: State {
    /// The type that holds the coordinates: an array if the compiler knows their number, otherwise a vector.
    type Row: Row<Item = Self::Time>;

    /// The coordinates.
    fn coordinates(&self) -> Self::Row;
    /// The state of this form with these coordinates.
    ///
    /// # Panics
    /// If their number differs from that of this state.
    #[must_use]
    fn with_coordinates(&self, coordinates: Self::Row) -> Self;
}

/// # Panics
/// If the numbers differ.
#[track_caller]
fn check(found: usize, expected: usize) {
    assert!(found == expected, "{found} coordinates for a state of {expected}");
}

/// The state in the form of `like` with coordinates made of these items, one by one.
///
/// # Panics
/// If their number differs from that of the coordinates.
#[track_caller]
pub(crate) fn filled<X: DynCoordinates, M>(like: &X, items: &[M], coordinate: impl Fn(&M) -> X::Time) -> X {
    let mut coordinates = like.coordinates();
    check(items.len(), coordinates.items().len());
    for (place, item) in coordinates.items_mut().iter_mut().zip(items) {
        *place = coordinate(item);
    }
    like.with_coordinates(coordinates)
}

/// The unit vectors of all coordinates, in the form of `x`.
pub(crate) fn directions<X: DynCoordinates>(x: &X) -> Vec<X> {
    let coordinates = x.coordinates();
    let direction = |j: usize| {
        let mut direction = coordinates.build(|i| coordinates.items()[i].constant(f64::from(u8::from(i == j))));
        filled(x, direction.items_mut(), Clone::clone)
    };
    (0..coordinates.items().len()).map(direction).collect()
}

/// The matrix, row by row, of the linear map `image` of directions at `x`.
pub(crate) fn matrix_of<X: DynCoordinates>(x: &X, image: impl Fn(&X) -> X) -> Matrix<X::Row, X::Time> {
    let columns: Vec<X::Row> = directions(x).iter().map(|v| image(v).coordinates()).collect();
    matrix(&x.coordinates(), |i, j| columns[j].items()[i].clone())
}

impl<N: Number, const D: usize> DynCoordinates for [N; D] {
    type Row = Self;

    #[inline(always)]
    fn coordinates(&self) -> Self {
        self.clone()
    }
    #[inline(always)]
    fn with_coordinates(&self, coordinates: Self) -> Self {
        coordinates
    }
}

impl<N: Number> DynCoordinates for Vec<N> {
    type Row = Self;

    #[inline(always)]
    fn coordinates(&self) -> Self {
        self.clone()
    }
    #[inline(always)]
    fn with_coordinates(&self, coordinates: Vec<N>) -> Self {
        check(coordinates.len(), self.len());
        coordinates
    }
}

impl<X: DynCoordinates> DynCoordinates for Dual<X> {
    type Row = <X::Row as Row>::Of<Dual<X::Time>>;

    fn coordinates(&self) -> Self::Row {
        let values = self.value().coordinates();
        let tangents = self.moving().map(X::coordinates);
        let tangent = |i: usize| tangents.as_ref().map(|tangents| tangents.items()[i].clone());
        values.build(|i| Dual::from_parts(values.items()[i].clone(), tangent(i)))
    }
    fn with_coordinates(&self, coordinates: Self::Row) -> Self {
        let coordinates = coordinates.items();
        let tangent = |c: &Dual<X::Time>| c.moving().cloned().unwrap_or_else(|| c.value().constant(0.0));
        let tangent = coordinates.iter().any(|c| c.moving().is_some()).then(|| filled(self.value(), coordinates, tangent));
        Self::from_parts(filled(self.value(), coordinates, |c| c.value().clone()), tangent)
    }
}

impl<A: DynCoordinates, B: DynCoordinates<Time = A::Time>> DynCoordinates for (A, B) {
    type Row = Vec<A::Time>;

    fn coordinates(&self) -> Vec<A::Time> {
        [self.0.coordinates().items(), self.1.coordinates().items()].concat()
    }
    fn with_coordinates(&self, coordinates: Vec<A::Time>) -> Self {
        let (first, second) = coordinates.split_at(self.0.dimension().min(coordinates.len()));
        (filled(&self.0, first, Clone::clone), filled(&self.1, second, Clone::clone))
    }
}
