//! Random flows with random cases. The flows come as trait objects: what runs and shrinks the cases is compiled once for each
//! dimension.

use crate::{common, suite::Tested};
use flowmap::{
    Case,
    exact::strategy::{Typical, cases, with_case},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{TestCaseResult, TestRunner},
};
use std::rc::Rc;

type Flow<const D: usize> = Rc<dyn Tested<D>>;
type Batch<const D: usize> = [Case<[f64; D]>];

/// Each of these flows with one case.
pub fn each<const D: usize, F: Tested<D> + Typical<D>>(
    flows: impl Strategy<Value = F> + 'static,
    check: fn(&dyn Tested<D>, &Case<[f64; D]>) -> TestCaseResult,
) {
    let drawn = with_case(flows).prop_map(|(flow, case)| (Rc::new(flow) as Flow<D>, case)).boxed();
    judge(&drawn, &|flow, case| check(flow, case));
}

/// Each of these flows with up to seven cases.
pub fn batches<const D: usize, F: Tested<D> + Typical<D>>(
    flows: impl Strategy<Value = F> + 'static,
    check: fn(&dyn Tested<D>, &Batch<D>) -> TestCaseResult,
) {
    let batch = |flow: F| vec(cases(&flow), 1..8).prop_map(move |cases| (Rc::new(flow.clone()) as Flow<D>, cases));
    let drawn = flows.prop_flat_map(batch).boxed();
    judge(&drawn, &|flow, cases| check(flow, cases));
}

fn judge<const D: usize, C: std::fmt::Debug>(
    drawn: &BoxedStrategy<(Flow<D>, C)>,
    check: &dyn Fn(&dyn Tested<D>, &C) -> TestCaseResult,
) {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(common::cases(256, 8)));
    runner.run(drawn, |(flow, case)| check(&*flow, &case)).unwrap_or_else(|error| panic!("{error}"));
}
