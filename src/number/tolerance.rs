//! Error tolerances of adaptive solvers.

use super::{Number, Real, larger};
use crate::{Error, Result};
use num_traits::Float;
use std::sync::Arc;

/// The error that a step of an adaptive solver may make: `|e_i| ≤ a_i + r max(|x_i|, |y_i|)` for a step from `x` to `y`.
///
/// `r` is the relative tolerance, `a_i` the absolute one: one for all coordinates or one for each. A [norm](Norm) combines the
/// quotients of both sides; its value must be below 1.
///
/// # Tangents
/// For [duals](crate::Dual), every tangent is held to the same tolerance, each direction by itself, and the largest of all
/// these sizes counts: a derivative is then as accurate as the solution, even where values are at rest and would let steps grow
/// without limit. A tangent's absolute tolerance is the smaller of `a_i`, taken as a number without a unit, and `r`, times the
/// largest coordinate of its direction: a direction twice as long takes the same steps. [`of_values`](Self::of_values) turns
/// this off. Gradients on a [`Tape`](crate::Tape) are not known during a solve, and do not count.
///
/// # Choosing tolerances
/// Only the error of a single step is bounded; the ODE propagates the errors of all steps to the end. As a rule of thumb,
/// choose a tolerance of a tenth to a hundredth of the error wanted at the end, and compare with a second solve at a tenth of
/// that. With an absolute tolerance of 0 every coordinate keeps its relative one down to the smallest normal number of its
/// type.
///
/// ```
/// use flowmap::{State, Tolerance};
/// let tolerance = Tolerance::new(1e-3, 1e-6)?;
/// let (x, y) = ([1.0_f64, 0.0], [2.0, 0.0]);
/// let size = [4e-3, 0.0].error_norm(&x, &y, &tolerance); // twice what is allowed, in one coordinate of two
/// assert!((size - 2.0_f64.sqrt()).abs() < 1e-2);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, section II.4.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerance {
    relative: f64,
    absolute: Absolute,
    norm: Norm,
    /// Whether errors of tangents count.
    tangents: bool,
}

/// Absolute tolerances; copying them does not allocate.
#[derive(Clone, Debug, PartialEq)]
enum Absolute {
    /// One value for all coordinates.
    One(f64),
    /// One for each.
    Each(Arc<[f64]>),
}

/// The norm that combines the errors of the coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Norm {
    /// The root mean square.
    #[default]
    RootMeanSquare,
    /// The maximum.
    Maximum,
}

impl Default for Tolerance {
    /// `1e-6` relative, `1e-9` absolute.
    fn default() -> Self {
        Self { relative: 1e-6, absolute: Absolute::One(1e-9), norm: Norm::default(), tangents: true }
    }
}

impl Tolerance {
    /// The same tolerances for every coordinate.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite, neither is negative, and one of them is positive.
    pub fn new(relative: f64, absolute: f64) -> Result<Self> {
        Self::each(relative, &[absolute])
    }

    /// An absolute tolerance for each coordinate (of a batch: of each sample).
    ///
    /// ```
    /// use flowmap::Tolerance;
    /// let positions_and_speeds = Tolerance::each(1e-6, &[1e-9, 1e-3])?;
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`new`](Self::new), for each; also if there is none.
    pub fn each(relative: f64, absolute: &[f64]) -> Result<Self> {
        let allowed = |x: f64| x >= 0.0 && x.is_finite();
        if !allowed(relative) {
            return Err(Error::invalid("relative tolerance", format!("{relative} is not a finite number of 0 or more")));
        }
        if absolute.is_empty() {
            return Err(Error::invalid("absolute tolerance", "there is none; give one for all coordinates, or one for each"));
        }
        if let Some(bad) = absolute.iter().find(|a| !allowed(**a) || (**a == 0.0 && relative == 0.0)) {
            let reason = format!("{bad} is not a finite number of 0 or more, or is 0 together with a relative tolerance of 0");
            return Err(Error::invalid("absolute tolerance", reason));
        }
        Ok(Self { relative, ..Self::default() }.part(absolute))
    }

    /// With these absolute tolerances, at least one.
    pub(crate) fn part(&self, absolute: &[f64]) -> Self {
        let absolute = match absolute {
            [one] => Absolute::One(*one),
            each => Absolute::Each(each.into()),
        };
        Self { absolute, ..self.clone() }
    }

    /// With another norm.
    #[must_use]
    pub fn in_norm(self, norm: Norm) -> Self {
        Self { norm, ..self }
    }

    /// Ignores the errors of tangents: a solve on duals then takes the same steps as one on values.
    #[must_use]
    pub fn of_values(self) -> Self {
        Self { tangents: false, ..self }
    }

    /// The relative tolerance.
    pub fn relative(&self) -> f64 {
        self.relative
    }

    /// The absolute tolerances: one for all coordinates, or one for each.
    pub fn absolute(&self) -> &[f64] {
        match &self.absolute {
            Absolute::One(one) => std::slice::from_ref(one),
            Absolute::Each(each) => each,
        }
    }

    /// The norm of the errors.
    pub fn norm_kind(&self) -> Norm {
        self.norm
    }

    /// Whether errors of tangents count.
    pub fn counts_tangents(&self) -> bool {
        self.tangents
    }

    /// The size of a tangent's error. `measure` finds it in units of the direction's size between two points with these largest
    /// coordinates, so that it does not depend on the direction's length.
    #[inline(always)]
    pub(crate) fn of_tangents<N: Number>(&self, from: &N, to: &N, measure: impl FnOnce(&N, &Self) -> N) -> N {
        let [least, epsilon] = [N::Real::min_positive_value(), N::Real::epsilon()].map(Real::into_f64);
        // a size whose reciprocal is a float: anything smaller has lost its digits; where it is 0, tangents may be large
        let (size, zero) = (larger(from, to), from.constant(0.0));
        let size = N::select(&zero.less(&size), &size.max(&from.constant(least / epsilon)), &from.constant(1.0));
        // no coarser than the relative tolerance of the largest coordinate, no finer than its rounding errors
        let coarsest = if self.relative > 0.0 { self.relative } else { f64::INFINITY };
        let in_units = |a: &f64| f64::max(f64::min(*a, coarsest), epsilon);
        let absolute = match &self.absolute {
            Absolute::One(one) => Absolute::One(in_units(one)),
            Absolute::Each(each) => Absolute::Each(each.iter().map(in_units).collect()),
        };
        measure(&size.recip(), &Self { absolute, ..self.clone() })
    }

    /// A factor for values with this largest coordinate: added to tangents of size 1, the product keeps the sizes of
    /// second-order tangents above their rounding errors. Where second derivatives vanish they are only rounding errors, for
    /// which no step is short enough.
    #[inline(always)]
    pub(crate) fn grain<N: Number>(&self, largest: &N) -> N {
        let [least, epsilon] = [N::Real::min_positive_value(), N::Real::epsilon()].map(Real::into_f64);
        let share = (100.0 * epsilon / self.relative.max(epsilon)).min(1e-3);
        let (size, zero) = (largest.frozen(), largest.constant(0.0));
        let some = size.constant(least / epsilon).less(&size);
        N::select(&some, &N::select(&some, &size, &size.constant(1.0)).recip().scale(share), &zero)
    }

    /// With it, the size of a state is its largest coordinate.
    pub(crate) const UNIT: Self = Self { relative: 0.0, absolute: Absolute::One(1.0), norm: Norm::Maximum, tangents: false };

    /// The absolute tolerance of coordinate `i` of `count`; the smallest normal number of type `R` instead of 0: an error of 0
    /// then has size 0.
    ///
    /// # Panics
    /// If there are several, and not `count`.
    #[inline(always)]
    pub(crate) fn floor<R: Real>(&self, i: usize, count: usize) -> f64 {
        let absolute = match &self.absolute {
            Absolute::One(one) => *one,
            Absolute::Each(each) => {
                assert!(
                    each.len() == count,
                    "there are {} absolute tolerances for {count} coordinates; give one for all, or one for each",
                    each.len()
                );
                each[i]
            }
        };
        absolute.max(R::min_positive_value().into_f64())
    }

    /// The norm of `error` over the coordinates of a step between `from` and `to`, by their values: [`State::error_norm`] for
    /// points of floats.
    ///
    /// [`State::error_norm`]: crate::State::error_norm
    ///
    /// # Panics
    /// If there are no coordinates, or a different number of absolute tolerances than coordinates.
    #[inline(always)]
    pub fn norm<N: Number>(&self, error: &[N], from: &[N], to: &[N]) -> N {
        let count = error.len();
        let mut total: Option<N> = None;
        for i in 0..count {
            let size = from[i].abs().max(&to[i].abs());
            // a step that ends at infinity has no finite error: infinity minus itself is NaN
            let error = error[i].clone() + (to[i].clone() - &to[i]);
            let quotient = error / size.scale(self.relative).shift(self.floor::<N::Real>(i, count));
            total = Some(match (self.norm, total) {
                (Norm::RootMeanSquare, None) => quotient.clone() * &quotient,
                (Norm::RootMeanSquare, Some(sum)) => sum + quotient.clone() * &quotient,
                (Norm::Maximum, None) => quotient.abs(),
                (Norm::Maximum, Some(largest)) => larger(&largest, &quotient.abs()),
            });
        }
        let total = total.expect("a state of an ODE has coordinates");
        match self.norm {
            Norm::RootMeanSquare => total.scale(1.0 / count as f64).sqrt(),
            Norm::Maximum => total,
        }
        .frozen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dual, State};

    type Once = Dual<f64>;
    type Twice = Dual<Once>;

    /// A number by its value, its tangents, and the tangent of a tangent.
    fn number([value, inner, outer, both]: [f64; 4]) -> Twice {
        Dual::new(Dual::new(value, inner), Dual::new(outer, both))
    }

    #[test]
    fn errors_of_tangents_count_at_every_depth_and_for_every_kind_of_state() {
        let tolerance = Tolerance::new(1e-3, 1e-6).unwrap();
        let at_rest = [[0.0, 0.3, -0.2, 0.1], [0.0, -0.1, 0.2, 0.4]].map(number);
        for part in 0..4 {
            let error = std::array::from_fn(|k| f64::from(u8::from(k == part)) * 1e-4);
            let error = [number(error), number([0.0; 4])];
            let of_points = *error.error_norm(&at_rest, &at_rest, &tolerance).value().value();
            // a tangent of .3, .2 or .4 may err by 1e-6 of the largest and 1e-3 of its own; a value of 0 by 1e-6
            let allowed = [1e-6, 3.003e-4, 2.002e-4, 1.004e-4][part];
            assert!((of_points - 1e-4 / allowed / 2.0_f64.sqrt()).abs() < 1e-10 / allowed, "{part}: {of_points}");
            assert_eq!(*error.error_norm(&at_rest, &at_rest, &tolerance.clone().of_values()).value().value() > 0.0, part == 0);
        }
    }

    #[test]
    fn points_of_duals_and_duals_of_points_have_one_norm() {
        let tolerance = Tolerance::each(1e-3, &[1e-6, 1e-2]).unwrap();
        let [error, from, to] = [[1e-4, -2e-3, 5e-4, 1e-5], [1.0, 2.0, 0.0, 0.1], [1.1, 1.9, 0.5, 0.0]];
        let points = [error, from, to].map(|[x, y, dx, dy]| [Once::new(x, dx), Once::new(y, dy)]);
        let duals = [error, from, to].map(|[x, y, dx, dy]| Dual::new([x, y], [dx, dy]));
        let of_points = points[0].error_norm(&points[1], &points[2], &tolerance);
        let of_duals = duals[0].error_norm(&duals[1], &duals[2], &tolerance);
        assert!(of_points.moving().is_none() && of_duals.moving().is_none(), "sizes of steps are constants");
        assert!((of_points.value() - of_duals.value()).abs() < 1e-12, "{of_points:?}, {of_duals:?}");
    }
}
