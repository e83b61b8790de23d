//! Random flows with random cases. The flows come as trait objects: what runs and shrinks the cases is compiled once for each
//! dimension.

use crate::{common, suite::Tested};
use flowmap::{Case, exact::strategy::Typical};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{TestCaseResult, TestRunner},
};
use std::rc::Rc;

type Flow<const D: usize> = Rc<dyn Tested<D>>;
type Batch<const D: usize> = [Case<[f64; D]>];

/// These flows as trait objects.
pub fn objects<const D: usize, F>(flows: impl Strategy<Value = F> + 'static) -> BoxedStrategy<Flow<D>>
where
    F: Tested<D> + Typical<D>,
{
    flows.prop_map(|flow| Rc::new(flow) as Flow<D>).boxed()
}

/// Each of these flows with one case.
pub fn each<const D: usize>(flows: BoxedStrategy<Flow<D>>, check: fn(&dyn Tested<D>, &Case<[f64; D]>) -> TestCaseResult) {
    judge(&flows.prop_flat_map(|flow| (Just(flow.clone()), flow.cases())), |flow, case| check(flow, case));
}

/// Each of these flows with up to seven cases.
pub fn batches<const D: usize>(flows: BoxedStrategy<Flow<D>>, check: fn(&dyn Tested<D>, &Batch<D>) -> TestCaseResult) {
    judge(&flows.prop_flat_map(|flow| (Just(flow.clone()), vec(flow.cases(), 1..8))), |flow, cases| check(flow, cases));
}

fn judge<const D: usize, C: std::fmt::Debug>(
    drawn: &impl Strategy<Value = (Flow<D>, C)>,
    check: impl Fn(&dyn Tested<D>, &C) -> TestCaseResult,
) {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(common::cases(256, 8)));
    runner.run(drawn, |(flow, case)| check(&*flow, &case)).unwrap_or_else(|error| panic!("{error}"));
}
