//! Implicit methods, on duals of points.

use crate::{
    cases::{Case, Problem, cases},
    judge::{Meter, judge},
    paths::{Course, Solves},
    solvers::{Choice, Steps, fine},
};
use flowmap::{
    Dual, FlowMap, Tolerance,
    solver::{Adaptive, DOPRI5, Save, Solution, Solver, Stiff},
};
use proptest::{prelude::*, sample::select, test_runner::TestCaseResult};

type Point = [Dual<f64>; 2];

impl Solves<Point> for Stiff {
    fn path(&self, problem: &Problem<Dual<f64>>, save: &Save) -> Solution<Point> {
        self.solve(&problem.field(), problem.s(), problem.t(), &problem.x(), save).unwrap()
    }
    fn flow(&self, problem: &Problem<Dual<f64>>) -> Point {
        self.clone().of(problem.field()).flow(problem.s(), problem.t(), &problem.x())
    }
    fn adaptive(&self) -> Option<&Adaptive> {
        None
    }
}

/// The tolerance that is asked for.
const TOLERANCE: f64 = 1e-9;

/// What errors add up to: implicit methods of low order take hundreds of steps, whose errors have one sign.
const REACHED: f64 = 1e-7;

fn everything_is_right(case: &Case, solver: &Stiff) -> TestCaseResult {
    let rows = case.problems::<Dual<f64>>(1);
    let course = Course::<Point, _> { case, problem: &rows[0], solver };
    let ends = course.ends()?;
    // as smooth between the ends of steps as a method of order 5
    let as_if = Choice { method: DOPRI5, steps: Steps::Adaptive(REACHED), longest: f64::INFINITY };
    judge(&rows, &course.every_state(&ends)?, &Meter { solver: as_if, ends: &ends })
}

fn implicit() -> impl Strategy<Value = Stiff> {
    let tolerance = Tolerance::new(TOLERANCE, TOLERANCE).unwrap();
    select(vec![Stiff::bdf(), Stiff::tr_bdf2(), Stiff::esdirk34()]).prop_map(move |solver| solver.tolerance(tolerance.clone()))
}

proptest! {
    #![proptest_config(crate::config(5))]
    #[test]
    fn implicit_methods(case in cases(fine()), solver in implicit()) {
        // slopes between the ends of steps come from differences of states, of which short steps leave few digits
        let span = case.longest_span(1);
        prop_assume!(span == 0.0 || span > 1e-3);
        everything_is_right(&case, &solver)?;
    }
}
