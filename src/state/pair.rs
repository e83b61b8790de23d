//! Pairs of states: the state of a system with two parts.

use super::State;
use crate::number::{Dual, Norm, Number, Tolerance, Value, larger};

/// States of two parts with the same times: pairs `(A, B)`, and [`Dual`]s of pairs, which split into two duals.
///
/// ```
/// use flowmap::{Dual, Pair};
/// let moving = Dual::new(([1.0, 2.0], [3.0]), ([0.0, 1.0], [5.0]));
/// let (first, second) = moving.parts();
/// assert_eq!((first, second), (Dual::new([1.0, 2.0], [0.0, 1.0]), Dual::new([3.0], [5.0])));
/// ```
pub trait Pair: State {
    /// The first part.
    type First: State<Time = Self::Time>;
    /// The second part.
    type Second: State<Time = Self::Time>;
    /// Both parts.
    fn parts(&self) -> (Self::First, Self::Second);
    /// The state with these parts.
    fn pair(first: Self::First, second: Self::Second) -> Self;
}

impl<A: State, B: State<Time = A::Time>> Pair for (A, B) {
    type First = A;
    type Second = B;
    fn parts(&self) -> (A, B) {
        self.clone()
    }
    fn pair(first: A, second: B) -> Self {
        (first, second)
    }
}

impl<P: Pair> Pair for Dual<P> {
    type First = Dual<P::First>;
    type Second = Dual<P::Second>;
    fn parts(&self) -> (Self::First, Self::Second) {
        let (first, second) = self.value().parts();
        let (d_first, d_second) = self.moving().map(P::parts).unzip();
        (Dual::from_parts(first, d_first), Dual::from_parts(second, d_second))
    }
    fn pair(first: Self::First, second: Self::Second) -> Self {
        let ((a, da), (b, db)) = (first.into_parts(), second.into_parts());
        let tangent = match (da, db) {
            (None, None) => None,
            // one part is constant, the other has a tangent
            (da, db) => Some(P::pair(da.unwrap_or_else(|| a.minus(&a)), db.unwrap_or_else(|| b.minus(&b)))),
        };
        Self::from_parts(P::pair(a, b), tangent)
    }
}

/// The number of samples.
fn rows<X: State>(x: &X) -> usize {
    x.dot(x).values().len()
}

impl<A: State, B: State<Time = A::Time>> Value for (A, B) {
    fn frozen(&self) -> Self {
        (self.0.frozen(), self.1.frozen())
    }
    fn values(&self) -> Vec<f64> {
        let (first, second) = (self.0.values(), self.1.values());
        let rows = rows(&self.0).max(1);
        let row = |values: &[f64], k: usize| {
            let width = values.len() / rows;
            values[k * width..(k + 1) * width].to_vec()
        };
        (0..rows).flat_map(|k| [row(&first, k), row(&second, k)].concat()).collect()
    }
}

impl<A: State, B: State<Time = A::Time>> State for (A, B) {
    type Time = A::Time;

    fn plus(&self, other: &Self) -> Self {
        (self.0.plus(&other.0), self.1.plus(&other.1))
    }
    fn minus(&self, other: &Self) -> Self {
        (self.0.minus(&other.0), self.1.minus(&other.1))
    }
    fn negated(&self) -> Self {
        (self.0.negated(), self.1.negated())
    }
    fn scaled(&self, by: &A::Time) -> Self {
        (self.0.scaled(by), self.1.scaled(by))
    }
    fn dot(&self, other: &Self) -> A::Time {
        self.0.dot(&other.0) + self.1.dot(&other.1)
    }
    fn time(&self, t: f64) -> A::Time {
        self.0.time(t)
    }
    fn dimension(&self) -> usize {
        self.0.dimension() + self.1.dimension()
    }
    fn choose(mask: &<A::Time as Number>::Mask, a: &Self, b: &Self) -> Self {
        (A::choose(mask, &a.0, &b.0), B::choose(mask, &a.1, &b.1))
    }
    /// The norm over the coordinates of both parts. Absolute tolerances for each coordinate are first those of the first part,
    /// then those of the second.
    ///
    /// # Panics
    /// If there are several absolute tolerances, but not as many as coordinates.
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> A::Time {
        let [m, n] = [self.0.dimension(), self.1.dimension()];
        let [first, second] = apart(tolerance, m, n);
        let a = self.0.error_norm(&from.0, &to.0, &first);
        let b = self.1.error_norm(&from.1, &to.1, &second);
        match tolerance.norm_kind() {
            Norm::RootMeanSquare => {
                let [m, n] = [m, n].map(|count| count as f64);
                (a.powi(2).scale(m / (m + n)) + b.powi(2).scale(n / (m + n))).sqrt()
            }
            Norm::Maximum => larger(&a, &b),
        }
    }
}

/// The tolerances of the first `m` coordinates and of the other `n`.
fn apart(tolerance: &Tolerance, m: usize, n: usize) -> [Tolerance; 2] {
    let absolute = tolerance.absolute();
    if absolute.len() == 1 {
        return [tolerance.clone(), tolerance.clone()];
    }
    let count = m + n;
    assert!(
        absolute.len() == count,
        "there are {} absolute tolerances for {count} coordinates; give one for all, or one for each",
        absolute.len()
    );
    let (first, second) = absolute.split_at(m);
    [tolerance.part(first), tolerance.part(second)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [f64; 3] = [1.0, -2.0, 0.25];
    const B: [f64; 3] = [0.5, 8.0, -1.0];

    fn pair([x, y, z]: [f64; 3]) -> ([f64; 2], [f64; 1]) {
        ([x, y], [z])
    }

    #[test]
    fn a_pair_is_the_point_with_the_coordinates_of_both() {
        let (a, b) = (pair(A), pair(B));
        assert_eq!(a.plus(&b), pair(A.plus(&B)));
        assert_eq!(a.minus(&b), pair(A.minus(&B)));
        assert_eq!(a.negated(), pair(A.negated()));
        assert_eq!(a.scaled(&0.3), pair(A.scaled(&0.3)));
        assert_eq!((a.dot(&b), a.norm(), a.values()), (A.dot(&B), A.norm(), A.values()));
        assert_eq!([true, false].map(|mask| State::choose(&mask, &a, &b)), [a, b]);
        assert_eq!(a.advanced(&0.5, &[2.0], &[b]), pair(A.advanced(&0.5, &[2.0], &[B])));
    }

    #[test]
    fn errors_are_measured_over_both_parts() {
        let (a, b) = (pair(A), pair(B));
        for norm in [Norm::RootMeanSquare, Norm::Maximum] {
            for absolute in [&[1e-3][..], &[1e-3, 1.0, 1e-6]] {
                let tolerance = Tolerance::each(1e-2, absolute).unwrap().in_norm(norm);
                let (found, expected) = (a.error_norm(&b, &a, &tolerance), A.error_norm(&B, &A, &tolerance));
                assert!((found / expected - 1.0).abs() < 1e-15, "{found} and {expected}");
            }
            let tolerance = Tolerance::default().in_norm(norm);
            for bad in 0..3 {
                let mut error = A;
                error[bad] = f64::NAN;
                assert!(pair(error).error_norm(&b, &b, &tolerance).is_nan());
            }
        }
    }

    #[test]
    #[should_panic(expected = "there are 2 absolute tolerances for 3 coordinates")]
    fn tolerances_of_another_number_of_coordinates() {
        pair(A).error_norm(&pair(B), &pair(B), &Tolerance::each(0.0, &[1.0, 1.0]).unwrap());
    }

    #[test]
    fn duals_come_apart_and_together() {
        let still = Dual::constant(pair(A));
        let moving = Dual::new(pair(A), pair(B));
        for x in [&still, &moving] {
            let (first, second) = x.parts();
            assert_eq!(&Dual::<([f64; 2], [f64; 1])>::pair(first, second), x);
        }
        assert_eq!(still.parts().1.moving(), None);
        let half = Dual::<([f64; 2], [f64; 1])>::pair(Dual::constant([1.0, 2.0]), Dual::new([3.0], [4.0]));
        assert_eq!(half.tangent(), &([0.0, 0.0], [4.0]));
        let twice = Dual::new(moving.clone(), moving.clone());
        assert_eq!(twice.parts().0.tangent(), &moving.parts().0);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn values_of_batches_come_sample_by_sample() {
        use crate::backend::ndarray::NdTensor;
        let tensor = |values: &[f64], shape: &[usize]| NdTensor::new(values.to_vec(), shape).unwrap();
        let x = (tensor(&[1.0, 2.0, 10.0, 20.0], &[2, 2]), tensor(&[3.0, 30.0], &[2, 1]));
        assert_eq!(x.values(), [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        let none = (tensor(&[], &[0, 2]), tensor(&[], &[0, 1]));
        assert!(none.values().is_empty());
        let tolerance = Tolerance::each(0.0, &[1.0, 2.0, 30.0]).unwrap().in_norm(Norm::Maximum);
        assert_eq!(x.error_norm(&x, &x, &tolerance).values(), [1.0, 10.0]);
    }
}
