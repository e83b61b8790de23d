//! Several states that share their steps.

use super::State;
use crate::number::{Number, Tolerance, Value, larger};

/// States with common times, as one state: a solver takes the same steps for all, as short as the most demanding one needs.
#[derive(Clone, Debug)]
pub(crate) struct Together<X>(pub Vec<X>);

impl<X> Together<X> {
    fn each(&self, f: impl Fn(&X) -> X) -> Self {
        Self(self.0.iter().map(f).collect())
    }

    fn pairs(&self, other: &Self, f: impl Fn(&X, &X) -> X) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| f(a, b)).collect())
    }
}

impl<X: State> Value for Together<X> {
    fn frozen(&self) -> Self {
        self.each(X::frozen)
    }
    fn values(&self) -> Vec<f64> {
        self.0.iter().flat_map(X::values).collect()
    }
}

impl<X: State> State for Together<X> {
    type Time = X::Time;

    fn plus(&self, other: &Self) -> Self {
        self.pairs(other, X::plus)
    }
    fn minus(&self, other: &Self) -> Self {
        self.pairs(other, X::minus)
    }
    fn negated(&self) -> Self {
        self.each(X::negated)
    }
    fn scaled(&self, by: &X::Time) -> Self {
        self.each(|x| x.scaled(by))
    }
    fn dot(&self, other: &Self) -> X::Time {
        let products = self.0.iter().zip(&other.0).map(|(a, b)| a.dot(b));
        products.reduce(|sum, next| sum + next).expect("there is a state")
    }
    fn time(&self, t: f64) -> X::Time {
        self.0[0].time(t)
    }
    fn dimension(&self) -> usize {
        self.0.iter().map(X::dimension).sum()
    }
    fn choose(mask: &<X::Time as Number>::Mask, a: &Self, b: &Self) -> Self {
        a.pairs(b, |a, b| X::choose(mask, a, b))
    }
    /// The largest size of all states.
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> X::Time {
        let sizes = self.0.iter().zip(from.0.iter().zip(&to.0)).map(|(x, (from, to))| x.error_norm(from, to, tolerance));
        sizes.reduce(|a, b| larger(&a, &b)).expect("there is a state")
    }
    fn advanced(&self, by: &X::Time, weights: &[f64], rates: &[Self]) -> Self {
        let advance = |(k, x): (usize, &X)| {
            let rates: Vec<X> = rates.iter().take(weights.len()).map(|rate| rate.0[k].clone()).collect();
            x.advanced(by, weights, &rates)
        };
        Self(self.0.iter().enumerate().map(advance).collect())
    }
}
