//! The layout of rows.

use crate::Tensor;
use std::ops::Range;

/// What the coordinates of a state are, in this order: those that move along a flow, and those at rest, which keep their values.
///
/// ```text
/// moving | classes | scale | conditions
/// ```
///
/// - *classes*: one number for each class, 1 for that of the sample and 0 for the others; all are 0 if no class is told;
/// - *scale*: that of [guidance](crate::learn::Guidance);
/// - *conditions*: whatever else a network should know, such as the parameters of an ODE.
///
/// [Distributions](crate::distribution::Distribution), [couplings](crate::learn::Coupling) and [sources](crate::learn::Source) say
/// which layout their rows have; networks, samplers and guidance use it. A number is the layout of that many moving coordinates.
///
/// ```
/// use flowmap::{Layout, Tensor, backend::ndarray::NdTensor};
/// let layout = Layout::new(2).with_classes(3).with_scale();
/// assert_eq!((layout.dimension(), layout.class_columns(), layout.scale_column()), (6, 2..5, Some(5)));
/// let x = NdTensor::<f64>::from_slice(&[0.3, -0.2, 0.0, 1.0, 0.0, 1.5], &[1, 6]);
/// assert_eq!(layout.moving_part(&x).to_vec(), [0.3, -0.2]);
/// let moving = NdTensor::from_slice(&[7.0, 8.0], &[1, 2]);
/// assert_eq!(layout.velocity(moving, &x).to_vec(), [7.0, 8.0, 0.0, 0.0, 0.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Layout {
    /// The number of coordinates that move.
    pub moving: usize,
    /// The number of classes; 0 for states without.
    pub classes: usize,
    /// Whether states have a scale of guidance.
    pub scale: bool,
    /// The number of other conditions.
    pub conditions: usize,
}

impl From<usize> for Layout {
    fn from(moving: usize) -> Self {
        Self::new(moving)
    }
}

impl Layout {
    /// All coordinates move.
    pub const fn new(moving: usize) -> Self {
        Self { moving, classes: 0, scale: false, conditions: 0 }
    }

    /// With this many classes.
    #[must_use]
    pub const fn with_classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }

    /// With a scale of guidance.
    #[must_use]
    pub const fn with_scale(self) -> Self {
        Self { scale: true, ..self }
    }

    /// With this many other conditions.
    #[must_use]
    pub const fn with_conditions(self, conditions: usize) -> Self {
        Self { conditions, ..self }
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.moving.saturating_add(self.at_rest())
    }

    /// The number of coordinates at rest.
    pub fn at_rest(&self) -> usize {
        self.classes.saturating_add(usize::from(self.scale)).saturating_add(self.conditions)
    }

    /// The columns of classes.
    pub fn class_columns(&self) -> Range<usize> {
        self.moving..self.moving + self.classes
    }

    /// The column of the scale of guidance.
    pub fn scale_column(&self) -> Option<usize> {
        self.scale.then_some(self.moving + self.classes)
    }

    /// The columns of other conditions.
    pub fn condition_columns(&self) -> Range<usize> {
        self.dimension() - self.conditions..self.dimension()
    }

    /// The coordinates of rows that move: shape `[batch, moving]`.
    ///
    /// # Panics
    /// If `x` does not have the shape `[batch, dimension]`.
    pub fn moving_part<T: Tensor>(&self, x: &T) -> T {
        self.assert_fits(x);
        if self.at_rest() == 0 { x.clone() } else { x.slice(1, 0..self.moving) }
    }

    /// The coordinates of rows at rest, if there are any: shape `[batch, at_rest]`.
    ///
    /// # Panics
    /// If `x` does not have the shape `[batch, dimension]`.
    pub fn at_rest_part<T: Tensor>(&self, x: &T) -> Option<T> {
        self.assert_fits(x);
        (self.at_rest() > 0).then(|| x.slice(1, self.moving..self.dimension()))
    }

    /// Rows of these moving coordinates, with the coordinates of `x` at rest.
    ///
    /// # Panics
    /// If `moving` does not have the shape `[batch, moving]`, or `x` not the shape `[batch, dimension]`.
    pub fn with_moving<T: Tensor>(&self, moving: T, x: &T) -> T {
        self.joined(moving, self.at_rest_part(x))
    }

    /// The velocity of rows `x`: `moving` for the coordinates that move, and 0 for the others.
    ///
    /// # Panics
    /// If `moving` does not have the shape `[batch, moving]`, or `x` not the shape `[batch, dimension]`.
    pub fn velocity<T: Tensor>(&self, moving: T, x: &T) -> T {
        self.joined(moving, self.at_rest_part(x).map(|rest| rest.constant(0.0)))
    }

    fn joined<T: Tensor>(&self, moving: T, at_rest: Option<T>) -> T {
        assert_eq!(moving.shape()[1..], [self.moving], "the moving part of rows with {} moving coordinates", self.moving);
        match at_rest {
            None => moving,
            Some(at_rest) => T::concat(&[moving, at_rest], 1),
        }
    }

    fn assert_fits<T: Tensor>(&self, x: &T) {
        let fits = matches!(x.shape(), [_, columns] if *columns == self.dimension());
        assert!(fits, "rows of shape {:?} do not have the layout [batch, {}]: {self:?}", x.shape(), self.dimension());
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::backend::ndarray::NdTensor;

    fn rows(values: &[f64], columns: usize) -> NdTensor<f64> {
        NdTensor::from_slice(values, &[values.len() / columns, columns])
    }

    #[test]
    fn columns_follow_each_other() {
        let all = Layout::new(2).with_classes(3).with_scale().with_conditions(4);
        assert_eq!((all.dimension(), all.at_rest()), (10, 8));
        assert_eq!((all.class_columns(), all.scale_column(), all.condition_columns()), (2..5, Some(5), 6..10));
        let none = Layout::from(3);
        assert_eq!((none.dimension(), none.at_rest(), none.scale_column()), (3, 0, None));
        assert!(none.class_columns().is_empty() && none.condition_columns().is_empty());
    }

    #[test]
    fn parts_join_to_the_rows_they_came_from() {
        let layout = Layout::new(2).with_conditions(1);
        let x = rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
        assert_eq!(layout.with_moving(layout.moving_part(&x), &x), x);
        assert_eq!(layout.at_rest_part(&x).unwrap().to_vec(), [3.0, 6.0]);
        assert_eq!(layout.velocity(layout.moving_part(&x), &x).to_vec(), [1.0, 2.0, 0.0, 4.0, 5.0, 0.0]);
        let all = Layout::new(3);
        assert!(all.at_rest_part(&x).is_none());
        assert_eq!(all.velocity(x.clone(), &x), x);
    }

    #[test]
    #[should_panic(expected = "[1, 2] do not have the layout [batch, 3]")]
    fn rows_of_another_layout_are_refused() {
        let _ = Layout::new(2).with_conditions(1).moving_part(&rows(&[1.0, 2.0], 2));
    }

    #[test]
    #[should_panic(expected = "2 moving coordinates")]
    fn velocities_of_another_layout_are_refused() {
        let x = rows(&[1.0, 2.0, 3.0], 3);
        let _ = Layout::new(2).with_conditions(1).velocity(x.clone(), &x);
    }
}
