//! The property can fail: faults that are planted are found.

use crate::{
    cases::{Case, Problem, SampleOf, cases, packed},
    judge::{Meter, judge},
    paths::{Course, Seen, Solves},
    solvers::{Any, Steps, fine},
};
use flowmap::{
    Dual, Number, State, Tolerance, Value, VelocityField,
    solver::{Adaptive, Save, Solution, Solver},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{TestCaseResult, TestRunner},
};

type Point = Dual<[f64; 2]>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The tangent of a state that was saved at the end counts twice.
    DoubledTangent,
    /// The state moves with the start alone.
    StillEnd,
    /// The velocity's jumps are not named.
    DroppedStop,
    /// Asked at a stop, the velocity is that of the other side.
    OtherLimit,
    /// Values alone control the steps.
    ErrorsOfValues,
}

/// A solver with a fault.
struct Faulty {
    solver: Any,
    fault: Option<Fault>,
}

/// A field with a fault.
struct Changed<B> {
    field: B,
    fault: Option<Fault>,
}

impl<X: State, B: VelocityField<X>> VelocityField<X> for Changed<B> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        // more than what a step keeps from a stop
        let ahead = if self.fault == Some(Fault::OtherLimit) { 1e-12 } else { 0.0 };
        self.field.velocity(&t.shift(ahead), x)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        if self.fault == Some(Fault::DroppedStop) { Vec::new() } else { self.field.stops(s, t) }
    }
}

impl Solves<Point> for Faulty {
    fn path(&self, problem: &Problem<Dual<f64>>, save: &Save) -> Solution<Point> {
        let field = Changed { field: problem.field(), fault: self.fault };
        self.solver.solve(&field, problem.s(), problem.t(), &problem.x(), save).unwrap()
    }
    fn flow(&self, problem: &Problem<Dual<f64>>) -> Point {
        self.path(problem, &Save::End).end().clone()
    }
    fn adaptive(&self) -> Option<&Adaptive> {
        None
    }
}

/// What the property says to the fault.
fn verdict(case: &Case, fault: Option<Fault>) -> TestCaseResult {
    let rows = case.problems::<SampleOf<Point>>(1);
    let problem = packed(&rows);
    let solver = match (case.solver.steps, fault) {
        (Steps::Adaptive(tolerance), Some(Fault::ErrorsOfValues)) => {
            let of_values = Tolerance::new(tolerance, tolerance).unwrap().of_values();
            Any::Adaptive(case.solver.adaptive(tolerance).tolerance(of_values))
        }
        _ => case.solver.solver(case.longest_span(1)),
    };
    let solver = Faulty { solver, fault };
    let course = Course::<Point, _> { case, problem: &problem, solver: &solver };
    let ends = course.ends()?;
    let mut seen = course.every_state(&ends)?;
    for Seen { what, time, state, .. } in &mut seen {
        match fault {
            Some(Fault::DoubledTangent) if *what == "At" && time.value() == problem.t().value() => {
                *state = state.plus(&state.minus(&state.frozen()));
            }
            Some(Fault::StillEnd) if *what == "flow" => {
                let moved = time.moving().copied().unwrap_or(0.0);
                let speed = problem.field().velocity(time, state).value().map(|c| c * moved);
                *state = state.minus(&Dual::new([0.0; 2], speed));
            }
            _ => {}
        }
    }
    judge(&rows, &seen, &Meter { solver: case.solver, ends: &ends })
}

#[test]
fn faults_that_are_planted_are_found() {
    let mut runner = TestRunner::deterministic();
    let cases: Vec<Case> = (0..150).map(|_| cases(fine()).new_tree(&mut runner).unwrap().current()).collect();
    let refused = |fault| cases.iter().filter(|case| verdict(case, fault).is_err()).count();
    assert_eq!(refused(None), 0);
    use Fault::{DoubledTangent, DroppedStop, ErrorsOfValues, OtherLimit, StillEnd};
    for fault in [DoubledTangent, StillEnd, DroppedStop, OtherLimit, ErrorsOfValues] {
        assert!(refused(Some(fault)) > 0, "{fault:?} is not found");
    }
}
