//! Points whose number of coordinates is only known at run time.

use super::{Coordinates, State, weighed};
use crate::number::{Number, Tolerance, Value};

/// The common number of coordinates.
///
/// # Panics
/// If the numbers differ.
#[track_caller]
#[inline(always)]
fn common<N>(what: &str, a: &[N], b: &[N]) -> usize {
    assert!(a.len() == b.len(), "{what}: states of {} and {} coordinates", a.len(), b.len());
    a.len()
}

/// # Panics
/// If there are no coordinates.
#[track_caller]
#[inline(always)]
fn first<N>(x: &[N]) -> &N {
    x.first().expect("a state of an ODE has coordinates, and this vector has none")
}

impl<N: Number> Value for Vec<N> {
    #[inline(always)]
    fn frozen(&self) -> Self {
        let mut still = self.clone();
        for i in 0..self.len() {
            still[i] = self[i].frozen();
        }
        still
    }
    fn values(&self) -> Vec<f64> {
        super::sample_by_sample(self)
    }
}

// Plain loops, as for arrays.
impl<N: Number> State for Vec<N> {
    type Time = N;

    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for i in 0..common("plus", self, other) {
            sum[i] = self[i].clone() + &other[i];
        }
        sum
    }
    #[inline(always)]
    fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        for i in 0..common("minus", self, other) {
            difference[i] = self[i].clone() - &other[i];
        }
        difference
    }
    #[inline(always)]
    fn negated(&self) -> Self {
        let mut negative = self.clone();
        for i in 0..self.len() {
            negative[i] = -self[i].clone();
        }
        negative
    }
    #[inline(always)]
    fn scaled(&self, by: &N) -> Self {
        let mut multiple = self.clone();
        for i in 0..self.len() {
            multiple[i] = self[i].clone() * by;
        }
        multiple
    }
    /// # Panics
    /// If there are no coordinates: there is then no scalar from which to take the product's shape.
    #[inline(always)]
    fn dot(&self, other: &Self) -> N {
        let mut total = first(self).clone() * first(other);
        for i in 1..common("dot", self, other) {
            total = total + self[i].clone() * &other[i];
        }
        total
    }
    /// # Panics
    /// If there are no coordinates, as for [`dot`](State::dot).
    #[inline(always)]
    fn time(&self, t: f64) -> N {
        first(self).constant(t)
    }
    fn dimension(&self) -> usize {
        self.len()
    }
    #[inline(always)]
    fn choose(mask: &N::Mask, a: &Self, b: &Self) -> Self {
        let mut chosen = b.clone();
        for i in 0..common("choose", a, b) {
            chosen[i] = N::select(mask, &a[i], &b[i]);
        }
        chosen
    }
    /// # Panics
    /// If there are no coordinates, as for [`dot`](State::dot).
    #[inline(always)]
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> N {
        for other in [from, to] {
            common("error_norm", self, other);
        }
        first(self);
        N::error_norm(self, from, to, tolerance)
    }
    #[inline(always)]
    fn advanced(&self, by: &N, weights: &[f64], rates: &[Self]) -> Self {
        let Some(first) = weights.iter().position(|&w| w != 0.0) else { return self.clone() };
        let rates = &rates[..weights.len()];
        let mut end = self.clone();
        for rate in rates {
            common("advanced", self, rate);
        }
        for i in 0..self.len() {
            end[i] = weighed(rates, weights, first, i) * by + &self[i];
        }
        end
    }
}

impl<N: Number, const D: usize> Coordinates<D> for Vec<N> {
    fn split(&self) -> [N; D] {
        let found = self.len();
        self.clone().try_into().unwrap_or_else(|_| panic!("a state of {D} coordinates has shape [{D}], not [{found}]"))
    }
    fn join(coordinates: [N; D]) -> Self {
        coordinates.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dual, FlowMap, Norm, QuasiRandom, exact::CouplingFlow, verify_flow};

    #[test]
    fn operations_agree_with_points_bit_for_bit() {
        let (a, b, c, by) = ([1.0, -2.0, 0.3], [0.7, 0.1, -5.0], [3.0, 1e-3, 0.0], 0.3);
        let [x, y, z] = [a, b, c].map(Vec::from);
        assert_eq!((x.plus(&y), x.minus(&y)), (a.plus(&b).into(), a.minus(&b).into()));
        assert_eq!((x.negated(), x.scaled(&by)), (a.negated().into(), a.scaled(&by).into()));
        assert_eq!((x.dot(&y), x.norm(), x.largest(), x.values()), (a.dot(&b), a.norm(), a.largest(), a.values()));
        assert_eq!((x.time(0.5), x.dimension(), x.frozen()), (0.5, 3, x.clone()));
        assert_eq!([true, false].map(|mask| State::choose(&mask, &x, &y)), [x.clone(), y.clone()]);
        for norm in [Norm::RootMeanSquare, Norm::Maximum] {
            let tolerance = Tolerance::each(1e-3, &[1e-6, 1e-3, 1.0]).unwrap().in_norm(norm);
            assert_eq!(x.error_norm(&y, &z, &tolerance), a.error_norm(&b, &c, &tolerance));
        }
        for weights in [[0.2, 0.0, 1.7], [0.0, 0.5, 0.0], [0.0; 3]] {
            let expected = a.advanced(&by, &weights, &[b, c, a]);
            assert_eq!(x.advanced(&by, &weights, &[y.clone(), z.clone(), x.clone()]), Vec::from(expected));
        }
    }

    #[test]
    fn errors_of_tangents_count_as_for_points() {
        let tolerance = Tolerance::new(1e-3, 1e-6).unwrap();
        let numbers = |values: [f64; 2], tangents: [f64; 2]| [0, 1].map(|i| Dual::new(values[i], tangents[i]));
        let [e, x, y] =
            [([1e-4, 0.0], [1e-3, 2e-2]), ([1.0, 2.0], [0.3, 0.1]), ([1.5, 1.0], [0.2, 0.4])].map(|(v, d)| numbers(v, d));
        let found = e.to_vec().error_norm(&x.to_vec(), &y.to_vec(), &tolerance);
        assert_eq!(found, e.error_norm(&x, &y, &tolerance));
    }

    #[test]
    fn fixed_formulas_take_vectors() {
        let flow = CouplingFlow::<3>::random(4, 11).unwrap();
        let cases = QuasiRandom::new([-1.0, 1.0], vec![[-1.0, 1.0]; 3]).unwrap().cases::<f64>(32);
        assert!(verify_flow(&flow, cases).holds(1e-12));
        let end = flow.carry([0.0, 1.0], &vec![0.1, 0.2, 0.3]);
        assert_eq!(end, flow.carry([0.0, 1.0], &[0.1, 0.2, 0.3]));
    }

    #[test]
    #[should_panic(expected = "plus: states of 2 and 1 coordinates")]
    fn adding_another_length() {
        let _ = vec![1.0, 2.0].plus(&vec![1.0]);
    }

    #[test]
    #[should_panic(expected = "this vector has none")]
    fn a_state_without_coordinates() {
        let _ = Vec::<f64>::new().time(0.0);
    }
}
