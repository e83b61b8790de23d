//! An `Array2` as a state: a batch of points, one in each row.

use super::{Element, NdMask, NdTensor};
use crate::{
    Coordinates, DynCoordinates, State, Tensor, Tolerance, Value,
    tensor::common::{self, check_equal, check_scaled},
};
use ndarray::{Array2, Ix2, Zip};

/// The batch in an array of its own rank.
fn batch<F: Element>(x: NdTensor<F>) -> Array2<F> {
    x.into_array().into_dimensionality::<Ix2>().expect("a batch of points has two axes")
}

/// `f` of both batches, entry by entry; never one row for all, as ndarray's operators would.
#[track_caller]
fn zipped<F: Element>(what: &str, a: &Array2<F>, b: &Array2<F>, f: impl Fn(F, F) -> F) -> Array2<F> {
    check_equal(what, a.shape(), b.shape());
    Zip::from(a).and(b).map_collect(|&a, &b| f(a, b))
}

/// The factor of each row of a batch of this shape.
#[track_caller]
fn factors<F: Element>(by: &NdTensor<F>, shape: &[usize]) -> impl Iterator<Item = F> {
    check_scaled(shape, by.shape());
    by.slice_of().iter().copied().cycle()
}

impl<F: Element> Value for Array2<F> {
    fn frozen(&self) -> Self {
        self.clone()
    }
    fn values(&self) -> Vec<f64> {
        self.iter().map(|x| x.into_f64()).collect()
    }
}

impl<F: Element> State for Array2<F> {
    type Time = NdTensor<F>;

    fn plus(&self, other: &Self) -> Self {
        zipped("plus", self, other, |a, b| a + b)
    }
    fn minus(&self, other: &Self) -> Self {
        zipped("minus", self, other, |a, b| a - b)
    }
    fn negated(&self) -> Self {
        self.mapv(|x| -x)
    }
    fn scaled(&self, by: &NdTensor<F>) -> Self {
        let mut product = self.clone();
        for (mut row, factor) in product.outer_iter_mut().zip(factors(by, self.shape())) {
            row.mapv_inplace(|x| x * factor);
        }
        product
    }
    fn dot(&self, other: &Self) -> NdTensor<F> {
        NdTensor::from(zipped("dot", self, other, |a, b| a * b)).sum(1..2)
    }
    fn dimension(&self) -> usize {
        self.ncols()
    }
    fn choose(mask: &NdMask, a: &Self, b: &Self) -> Self {
        batch(State::choose(mask, &NdTensor::from(a.view()), &NdTensor::from(b.view())))
    }
    fn error_norm(&self, from: &Self, to: &Self, tolerance: &Tolerance) -> NdTensor<F> {
        let [error, from, to] = [self, from, to].map(|x| NdTensor::from(x.view()));
        error.error_norm(&from, &to, tolerance)
    }
    fn advanced(&self, by: &NdTensor<F>, weights: &[f64], rates: &[Self]) -> Self {
        // in the order of tensors: the rates are summed up before they are scaled
        let mut sum: Option<Self> = None;
        for (&weight, rate) in weights.iter().zip(rates).filter(|(weight, _)| **weight != 0.0) {
            check_equal("advanced", self.shape(), rate.shape());
            let weight = F::from_f64(weight);
            match &mut sum {
                None => sum = Some(rate.mapv(|rate| rate * weight)),
                Some(sum) => sum.zip_mut_with(rate, |sum, &rate| *sum += rate * weight),
            }
        }
        let Some(mut end) = sum else { return self.clone() };
        for ((mut row, x), factor) in end.outer_iter_mut().zip(self.outer_iter()).zip(factors(by, self.shape())) {
            row.zip_mut_with(&x, |sum, &x| *sum = *sum * factor + x);
        }
        end
    }
}

impl<F: Element, const D: usize> Coordinates<D> for Array2<F> {
    fn split(&self) -> [NdTensor<F>; D] {
        assert!(self.ncols() == D, "a state of {D} coordinates has shape [batch, {D}], not {:?}", self.shape());
        std::array::from_fn(|j| NdTensor::from(self.column(j)))
    }
    fn join(coordinates: [NdTensor<F>; D]) -> Self {
        batch(common::join(&coordinates))
    }
}

impl<F: Element> DynCoordinates for Array2<F> {
    type Row = Vec<NdTensor<F>>;

    fn coordinates(&self) -> Vec<NdTensor<F>> {
        self.columns().into_iter().map(NdTensor::from).collect()
    }
    fn with_coordinates(&self, coordinates: Vec<NdTensor<F>>) -> Self {
        check_equal("with_coordinates", &[self.ncols()], &[coordinates.len()]);
        batch(common::join(&coordinates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, Dual, FlowMap, Norm, Number, QuasiRandom, Report, exact::CouplingFlow, verify};
    use ndarray::array;

    const ROWS: usize = 32;

    /// Starts, ends and points, one in each row.
    fn cases<F: Element>() -> (NdTensor<F>, NdTensor<F>, Array2<F>) {
        let cases: Vec<Case<[F; 3]>> = QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 3]).unwrap().cases(ROWS).collect();
        let times = |time: fn(&Case<[F; 3]>) -> F| NdTensor::new(cases.iter().map(time).collect(), &[ROWS]).unwrap();
        (times(|c| c.s), times(|c| c.t), Array2::from_shape_fn((ROWS, 3), |(i, j)| cases[i].x[j]))
    }

    fn tensor<F: Element>(x: &Array2<F>) -> NdTensor<F> {
        NdTensor::from(x.view())
    }

    /// A time of each row's own, and one time for all.
    fn times() -> [NdTensor<f64>; 2] {
        [cases().1, NdTensor::new(vec![0.7], &[]).unwrap()]
    }

    #[test]
    fn batches_and_tensors_agree_bit_for_bit() {
        let flow = CouplingFlow::<3>::random(4, 11).unwrap();
        let (s, _, x) = cases();
        for t in times() {
            assert_eq!(tensor(&flow.flow(&s, &t, &x)), flow.flow(&s, &t, &tensor(&x)));
            let (still, moving) = (Dual::constant(s.clone()), Dual::new(t.clone(), t.constant(1.0)));
            let found = flow.flow(&still, &moving, &Dual::new(x.clone(), x.negated()));
            let expected = flow.flow(&still, &moving, &Dual::new(tensor(&x), tensor(&x).negated()));
            assert_eq!((&tensor(found.value()), &tensor(found.tangent())), (expected.value(), expected.tangent()));
        }
    }

    #[test]
    fn operations_agree_with_tensors_bit_for_bit() {
        let (s, _, x) = cases::<f64>();
        let y = x.mapv(|x| (3.0 * x).sin());
        let (a, b) = (tensor(&x), tensor(&y));
        assert_eq!(tensor(&x.plus(&y)), a.plus(&b));
        assert_eq!(tensor(&x.minus(&y)), a.minus(&b));
        assert_eq!(tensor(&x.negated()), a.negated());
        assert_eq!((State::dot(&x, &y), State::norm(&x)), (State::dot(&a, &b), State::norm(&a)));
        let mask = s.less(&s.constant(0.0));
        assert_eq!(tensor(&Array2::choose(&mask, &x, &y)), State::choose(&mask, &a, &b));
        for norm in [Norm::RootMeanSquare, Norm::Maximum] {
            let tolerance = Tolerance::each(1e-3, &[1e-6, 1e-3, 1.0]).unwrap().in_norm(norm);
            assert_eq!(x.error_norm(&y, &x, &tolerance), a.error_norm(&b, &a, &tolerance));
        }
        for by in times() {
            assert_eq!(tensor(&x.scaled(&by)), a.scaled(&by));
            let expected = a.advanced(&by, &[0.3, 0.0, -1.2], &[b.clone(), a.clone(), a.clone()]);
            assert_eq!(tensor(&x.advanced(&by, &[0.3, 0.0, -1.2], &[y.clone(), x.clone(), x.clone()])), expected);
        }
    }

    #[test]
    fn an_exact_flow_verifies_in_both_precisions() {
        fn report<F: Element>() -> Report {
            let flow = CouplingFlow::<3>::random(4, 11).unwrap();
            let (s, t, x) = cases::<F>();
            verify(&flow, &flow, [Case { s, t, x }])
        }
        let double = report::<f64>();
        assert!(double.holds(1e-12) && double.lines.iter().all(|line| line.cases == ROWS), "{double}");
        let single = report::<f32>();
        assert!(single.holds(1e-4) && !single.holds(1e-9), "{single}");
    }

    #[test]
    fn layouts_and_empty_batches() {
        let x = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let transposed = array![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]].reversed_axes();
        let by = NdTensor::new(vec![1.0, 10.0, 100.0], &[3]).unwrap();
        assert_eq!(transposed.values(), x.values());
        assert_eq!(transposed.scaled(&by), x.scaled(&by));
        assert_eq!(State::dot(&transposed, &x), State::dot(&x, &x));
        assert_eq!(Coordinates::<2>::split(&transposed), x.split());
        let none = Array2::<f64>::zeros((0, 2));
        assert_eq!(none.scaled(&NdTensor::new(vec![], &[0]).unwrap()), none);
        assert_eq!(none.scaled(&NdTensor::new(vec![2.0], &[]).unwrap()), none);
    }

    #[test]
    #[should_panic(expected = "a state of 3 coordinates has shape [batch, 3], not [4, 2]")]
    fn splitting_another_width() {
        let _: [NdTensor<f64>; 3] = Array2::zeros((4, 2)).split();
    }

    #[test]
    #[should_panic(expected = "plus: shapes [4, 2] and [1, 2] differ")]
    fn rows_are_not_spread() {
        let _ = Array2::<f64>::zeros((4, 2)).plus(&Array2::zeros((1, 2)));
    }

    #[test]
    #[should_panic(expected = "a state of shape [4, 2] takes times of shape [] or [batch], not [3]")]
    fn times_of_another_batch() {
        let _ = Array2::<f64>::zeros((4, 2)).scaled(&NdTensor::new(vec![1.0; 3], &[3]).unwrap());
    }

    #[test]
    #[should_panic(expected = "advanced: shapes [4, 2] and [3, 2] differ")]
    fn rates_of_another_batch() {
        let (x, by) = (Array2::<f64>::zeros((4, 2)), NdTensor::new(vec![1.0], &[]).unwrap());
        let _ = x.advanced(&by, &[1.0], &[Array2::zeros((3, 2))]);
    }
}
