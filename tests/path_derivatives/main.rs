//! Every state that a path gives has the right value and the right derivatives, however it was computed and kept.
//!
//! Random ODEs with closed forms, solvers, spans and directions; every way of saving; every kind of state. The closed forms run
//! on the same numbers as the solvers: one formula has the value and the derivatives by the start, its time, the parameters and
//! the time of the state.
//!
//! The time of a state is what it says: the state at time `T` is `X_{s,T}(x)`, where `T` is a constant for [`Save::At`], moves
//! with the steps for [`Save::Steps`], is what was asked for in [`Solution::at`], and is the end `t` for [`Solution::end`].
//!
//! [`Save::At`]: flowmap::solver::Save::At
//! [`Save::Steps`]: flowmap::solver::Save::Steps
//! [`Solution::at`]: flowmap::solver::Solution::at
//! [`Solution::end`]: flowmap::solver::Solution::end

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod ensembles;
mod events;
mod families;
mod judge;
mod numbers;
mod paths;
mod planted;
mod reverse;
mod solvers;
#[cfg(feature = "diffsol")]
mod stiff;

use cases::{Case, SampleOf, cases, packed};
use flowmap::{Coordinates, Dual, Lanes, backend::ndarray::NdTensor, nalgebra::SVector};
use judge::{Meter, judge};
use numbers::Packed;
use paths::{Course, looked_up};
use proptest::{prelude::*, test_runner::TestCaseResult};

/// The cases of one kind of state, of 250 together; 40 times as many in a thorough run.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases: common::cases(40 * cases, 40), failure_persistence: None, ..ProptestConfig::default() }
}

/// Everything that one solver gives on one kind of state.
fn all_is_right<X: Coordinates<2, Time: Packed>>(case: &Case) -> TestCaseResult {
    let rows = case.problems::<SampleOf<X>>(X::Time::ROWS);
    let problem = packed(&rows);
    let solver = case.solver.solver(case.longest_span(X::Time::ROWS));
    let course = Course::<X, _> { case, problem: &problem, solver: &solver };
    let ends = course.ends()?;
    let meter = Meter { solver: case.solver, ends: &ends };
    judge(&rows, &course.every_state(&ends)?, &meter)?;
    let still: Vec<_> = rows.iter().map(cases::Problem::still).collect();
    judge(&still, &looked_up(&course, &ends)?, &meter)
}

macro_rules! kinds {
    ($($name:ident: $state:ty, $solvers:ident, $cases:expr;)*) => {
        $(
            proptest! {
                #![proptest_config(config($cases))]
                #[test]
                fn $name(case in cases(solvers::$solvers())) {
                    all_is_right::<$state>(&case)?;
                }
            }
        )*
    };
}

kinds! {
    dual_points: Dual<[f64; 2]>, all, 90;
    dual_vectors: Dual<SVector<f64, 2>>, all, 99;
    dual_tensors: Dual<NdTensor<f64>>, all, 3;
    points_of_dual_lanes: [Dual<Lanes<f64, 4>>; 2], all, 30;
    points_of_duals_of_duals: [Dual<Dual<f64>>; 2], fine, 30;
}
