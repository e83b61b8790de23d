//! States: the points moved by an ODE.

mod dynamic;
mod pair;
mod together;
mod vector;

pub use dynamic::DynCoordinates;
pub(crate) use dynamic::{directions, filled, matrix_of};
pub use pair::Pair;
pub(crate) use together::Together;

use crate::number::{Dual, Num, Number, Row, Tolerance, Value, larger, sum};

/// A point of a vector space, or a batch of points, whose scalars are times.
///
/// Implemented by
///
/// | state | time |
/// |---|---|
/// | `[N; D]` and `Vec<N>` for every [`Number`] `N` | `N` |
/// | nalgebra's `SVector` and `DVector`, ndarray's `Array1`: a point | the float |
/// | ndarray's `Array2`: a batch of points, one in each row | a tensor of shape `[batch]`, each sample with its own, or `[]`, one for all |
/// | tensors of shape `[batch, …]` | the same |
/// | a pair `(A, B)` of states with the same times | theirs |
/// | [`Dual`] of any state | `Dual` of its time |
///
/// ```
/// use flowmap::State;
/// let x = [3.0, 4.0];
/// assert_eq!(x.plus(&x.scaled(&0.5)), [4.5, 6.0]);
/// assert_eq!(x.norm(), 5.0);
/// ```
pub trait State: Value {
    /// The scalars: times and the coefficients of linear combinations.
    type Time: Number;

    /// `self + other`.
    #[must_use]
    fn plus(&self, other: &Self) -> Self;
    /// `self - other`.
    #[must_use]
    fn minus(&self, other: &Self) -> Self;
    /// `-self`.
    #[must_use]
    fn negated(&self) -> Self;
    /// `by self`; each sample of a batch has its own factor.
    #[must_use]
    fn scaled(&self, by: &Self::Time) -> Self;
    /// The Euclidean inner product, sample by sample.
    fn dot(&self, other: &Self) -> Self::Time;
    /// The time `t` in the form of this state's times: for each sample of a batch, without a derivative.
    ///
    /// ```
    /// use flowmap::{Dual, State};
    /// assert_eq!(Dual::constant([3.0, 4.0]).time(0.5), Dual::constant(0.5));
    /// ```
    fn time(&self, t: f64) -> Self::Time {
        self.dot(self).constant(t)
    }
    /// The number of coordinates of a sample.
    ///
    /// ```
    /// use flowmap::State;
    /// assert_eq!([3.0, 4.0].dimension(), 2);
    /// ```
    fn dimension(&self) -> usize {
        self.values().len() / self.dot(self).values().len().max(1)
    }
    /// The Euclidean norm, sample by sample; it has no derivative at 0, where duals give NaN.
    fn norm(&self) -> Self::Time {
        self.dot(self).sqrt()
    }
    /// `a` where the mask is true, `b` elsewhere, sample by sample; a NaN in the branch that is not chosen does not spread.
    #[must_use]
    fn choose(mask: &<Self::Time as Number>::Mask, a: &Self, b: &Self) -> Self;
    /// The size of `self`, an error, in units of what `tolerance` allows between `from` and `to`, sample by sample: see
    /// [`Tolerance`]. A constant. For duals, the largest size of values and tangents.
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> Self::Time;
    /// The largest absolute value of a coordinate, sample by sample. A constant; it neither overflows nor underflows.
    fn largest(&self) -> Self::Time {
        self.error_norm(self, self, &Tolerance::UNIT)
    }
    /// `self + by Σ_j weights_j rates_j`: the end of a Runge-Kutta step. Rates of weight 0 are not read.
    #[must_use]
    fn advanced(&self, by: &Self::Time, weights: &[f64], rates: &[Self]) -> Self {
        let weighted = weights.iter().zip(rates).filter(|(w, _)| **w != 0.0).map(|(w, rate)| rate.scaled(&by.constant(*w)));
        match weighted.reduce(|sum, next| sum.plus(&next)) {
            None => self.clone(),
            Some(sum) => sum.scaled(by).plus(self),
        }
    }
}

/// States that can be split into `D` coordinates and joined again, as needed by coordinatewise formulas ([`Ode`](crate::Ode),
/// [`exact`](crate::exact) flows).
///
/// A tensor or an array of shape `[batch, D]` has `D` coordinates of shape `[batch]`. Vectors and tensors whose size is only
/// known at run time implement it for every `D`; [`split`](Self::split) panics if they do not have `D` coordinates.
///
/// ```
/// use flowmap::{Coordinates, Dual};
/// let moving = Dual::new([1.0, 2.0], [0.0, 1.0]);
/// assert_eq!(moving.split()[1], Dual::new(2.0, 1.0));
/// ```
pub trait Coordinates<const D: usize>: DynCoordinates {
    /// The coordinates.
    ///
    /// # Panics
    /// If the state's size is only known at run time and it does not have `D` coordinates; the message has both shapes.
    fn split(&self) -> [Self::Time; D];
    /// The state with these coordinates.
    fn join(coordinates: [Self::Time; D]) -> Self;

    /// The state whose coordinates are a formula of those of this one.
    ///
    /// ```
    /// use flowmap::Coordinates;
    /// assert_eq!([3.0, 4.0].through(|[x, y]| [x + y, 0.5 * x]), [7.0, 1.5]);
    /// ```
    #[must_use]
    #[inline(always)]
    fn through(&self, formula: impl FnOnce(&[Num<Self::Time>; D]) -> [Num<Self::Time>; D]) -> Self {
        Self::join(formula(&self.split().map(Num)).map(|coordinate| coordinate.0))
    }
}

impl<N: Number, const D: usize> Value for [N; D] {
    #[inline(always)]
    fn frozen(&self) -> Self {
        std::array::from_fn(|i| self[i].frozen())
    }
    fn values(&self) -> Vec<f64> {
        sample_by_sample(self)
    }
}

/// The values of all coordinates, sample by sample; a coordinate that all samples share is repeated for each.
fn sample_by_sample<N: Number>(coordinates: &[N]) -> Vec<f64> {
    let coordinates: Vec<Vec<f64>> = coordinates.iter().map(Value::values).collect();
    let samples = coordinates.iter().map(Vec::len).max().unwrap_or(0);
    let sample = |i: usize| coordinates.iter().filter_map(move |c| c.get(i.min(c.len().max(1) - 1)).copied());
    (0..samples).flat_map(sample).collect()
}

// Plain loops: inside a region compiled for wider SIMD instructions, a closure that is not inlined runs without them.
impl<N: Number, const D: usize> State for [N; D] {
    type Time = N;

    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for i in 0..D {
            sum[i] = self[i].clone() + &other[i];
        }
        sum
    }
    #[inline(always)]
    fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        for i in 0..D {
            difference[i] = self[i].clone() - &other[i];
        }
        difference
    }
    #[inline(always)]
    fn negated(&self) -> Self {
        let mut negative = self.clone();
        for i in 0..D {
            negative[i] = -self[i].clone();
        }
        negative
    }
    #[inline(always)]
    fn scaled(&self, by: &N) -> Self {
        let mut multiple = self.clone();
        for i in 0..D {
            multiple[i] = self[i].clone() * by;
        }
        multiple
    }
    /// # Panics
    /// If `D` is 0: there is then no scalar from which to take the product's shape.
    #[inline(always)]
    fn dot(&self, other: &Self) -> N {
        let mut total = self[0].clone() * &other[0];
        for i in 1..D {
            total = total + self[i].clone() * &other[i];
        }
        total
    }
    /// # Panics
    /// If `D` is 0, as for [`dot`](State::dot).
    #[inline(always)]
    fn time(&self, t: f64) -> N {
        self[0].constant(t)
    }
    fn dimension(&self) -> usize {
        D
    }
    #[inline(always)]
    fn choose(mask: &N::Mask, a: &Self, b: &Self) -> Self {
        let mut chosen = b.clone();
        for i in 0..D {
            chosen[i] = N::select(mask, &a[i], &b[i]);
        }
        chosen
    }
    /// # Panics
    /// If `D` is 0, as for [`dot`](State::dot).
    #[inline(always)]
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> N {
        N::error_norm(self, from, to, tolerance)
    }
    #[allow(clippy::needless_range_loop, reason = "what an iterator might not inline would not be vectorized")]
    #[inline(always)]
    fn advanced(&self, by: &N, weights: &[f64], rates: &[Self]) -> Self {
        let Some(first) = weights.iter().position(|&w| w != 0.0) else { return self.clone() };
        let rates = &rates[..weights.len()];
        let mut end = self.clone();
        if size_of::<N>() <= 16 {
            // all coordinates together fill a register or two
            let mut sum = rates[first].clone();
            for i in 0..D {
                sum[i] = sum[i].scale(weights[first]);
            }
            for j in first + 1..weights.len() {
                if weights[j] != 0.0 {
                    for i in 0..D {
                        sum[i] = rates[j][i].scale_onto(weights[j], sum[i].clone());
                    }
                }
            }
            for i in 0..D {
                end[i] = sum[i].clone() * by + &self[i];
            }
        } else {
            // each coordinate fills one: the same sums, coordinate by coordinate
            for i in 0..D {
                end[i] = weighed(rates, weights, first, i) * by + &self[i];
            }
        }
        end
    }
}

/// `Σ_j weights_j rates_j` in coordinate `i`, starting from the `first` weight that is not 0.
#[allow(clippy::needless_range_loop, reason = "what an iterator might not inline would not be vectorized")]
#[inline(always)]
fn weighed<N: Number, R: Row<Item = N>>(rates: &[R], weights: &[f64], first: usize, i: usize) -> N {
    let mut sum = rates[first].items()[i].scale(weights[first]);
    for j in first + 1..weights.len() {
        if weights[j] != 0.0 {
            sum = rates[j].items()[i].scale_onto(weights[j], sum);
        }
    }
    sum
}

impl<N: Number, const D: usize> Coordinates<D> for [N; D] {
    #[inline(always)]
    fn split(&self) -> [N; D] {
        self.clone()
    }
    #[inline(always)]
    fn join(coordinates: [N; D]) -> Self {
        coordinates
    }
}

impl<X: State> State for Dual<X> {
    type Time = Dual<X::Time>;

    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        let tangent = sum(self.moving().cloned(), other.moving().cloned(), |a, b| a.plus(&b));
        Self::from_parts(self.value().plus(other.value()), tangent)
    }
    #[inline(always)]
    fn minus(&self, other: &Self) -> Self {
        let tangent = match (self.moving(), other.moving()) {
            (Some(a), Some(b)) => Some(a.minus(b)),
            (a, None) => a.cloned(),
            (None, Some(b)) => Some(b.negated()),
        };
        Self::from_parts(self.value().minus(other.value()), tangent)
    }
    #[inline(always)]
    fn negated(&self) -> Self {
        self.map_linear(X::negated)
    }
    #[inline(always)]
    fn scaled(&self, by: &Self::Time) -> Self {
        let stretched = self.moving().map(|d| d.scaled(by.value()));
        let turned = by.moving().map(|d| self.value().scaled(d));
        Self::from_parts(self.value().scaled(by.value()), sum(stretched, turned, |a, b| a.plus(&b)))
    }
    fn dot(&self, other: &Self) -> Self::Time {
        let left = self.moving().map(|d| d.dot(other.value()));
        let right = other.moving().map(|d| self.value().dot(d));
        Dual::from_parts(self.value().dot(other.value()), sum(left, right, |a, b| a + b))
    }
    fn time(&self, t: f64) -> Self::Time {
        Dual::constant(self.value().time(t))
    }
    fn dimension(&self) -> usize {
        self.value().dimension()
    }
    #[inline(always)]
    fn choose(mask: &<Self::Time as Number>::Mask, a: &Self, b: &Self) -> Self {
        let tangent = match (a.moving(), b.moving()) {
            (None, None) => None,
            (da, db) => {
                let zero = || a.value().minus(a.value());
                let [da, db] = [da, db].map(|d| d.cloned().unwrap_or_else(zero));
                Some(X::choose(mask, &da, &db))
            }
        };
        Self::from_parts(X::choose(mask, a.value(), b.value()), tangent)
    }
    #[inline(always)]
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> Self::Time {
        let of_values = self.value().error_norm(from.value(), to.value(), tolerance);
        let tangents = [self, from, to].map(Dual::moving);
        if !tolerance.counts_tangents() || tangents.iter().all(Option::is_none) {
            return Dual::constant(of_values);
        }
        let at_rest = self.value().minus(self.value()).frozen();
        let grain = tolerance.grain(&from.value().largest());
        let values = [from, to].map(|x| x.value().scaled(&grain));
        let [error, from, to] = tangents.map(|tangent| tangent.unwrap_or(&at_rest));
        let of_tangents = tolerance.of_tangents(&from.largest(), &to.largest(), |units, tolerance| {
            let [error, from, to] = [error, from, to].map(|x| x.scaled(units));
            error.error_norm(&from.plus(&values[0]), &to.plus(&values[1]), tolerance)
        });
        Dual::constant(larger(&of_values, &of_tangents))
    }
}

impl<X: Coordinates<D>, const D: usize> Coordinates<D> for Dual<X> {
    fn split(&self) -> [Dual<X::Time>; D] {
        match self.moving() {
            None => self.value().split().map(Dual::constant),
            Some(tangent) => {
                let mut tangents = tangent.split().into_iter();
                self.value().split().map(|x| Dual::from_parts(x, tangents.next()))
            }
        }
    }
    fn join(coordinates: [Dual<X::Time>; D]) -> Self {
        let moves = coordinates.iter().any(|c| c.moving().is_some());
        let tangent = moves.then(|| {
            X::join(std::array::from_fn(|i| {
                coordinates[i].moving().cloned().unwrap_or_else(|| coordinates[i].value().constant(0.0))
            }))
        });
        Self::from_parts(X::join(coordinates.map(|c| c.into_parts().0)), tangent)
    }
}

/// The value and the tangent of a dual; a missing tangent is zero.
pub(crate) fn value_and_tangent<X: State>(x: Dual<X>) -> (X, X) {
    let (value, tangent) = x.into_parts();
    let tangent = tangent.unwrap_or_else(|| value.minus(&value));
    (value, tangent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dual_states_agree_with_points_of_duals() {
        let x = Dual::new([1.0, -2.0], [0.5, 0.25]);
        let y = Dual::new([0.3, 4.0], [-1.0, 2.0]);
        let c = Dual::new(1.5, -0.5);
        let pairs = [
            (x.plus(&y).split(), x.split().plus(&y.split())),
            (x.minus(&y).split(), x.split().minus(&y.split())),
            (x.scaled(&c).split(), x.split().scaled(&c)),
        ];
        for (a, b) in pairs {
            assert_eq!(a, b);
        }
        assert!((x.norm().tangent() - x.split().norm().tangent()).abs() < 1e-15);
        let tiny = Dual::new([3.0, 4.0], [1e-12, 0.0]);
        assert!((tiny.norm().tangent() / 0.6e-12 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn absent_tangents_stay_absent_or_change_sign() {
        let still = Dual::constant([1.0, 2.0]);
        let moving = Dual::new([1.0, 2.0], [3.0, 4.0]);
        assert_eq!(still.plus(&still).moving(), None);
        assert_eq!(still.minus(&moving).tangent(), &[-3.0, -4.0]);
        assert_eq!(Dual::<[f64; 2]>::join(still.split()), still);
    }
}
