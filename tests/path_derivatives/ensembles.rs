//! Ensembles end where every start leads by itself.

use crate::{
    cases::{Case, Problem, cases},
    families::Family,
    judge::{Meter, judge},
    paths::{Ends, Seen},
    solvers,
};
use flowmap::{
    Num, Number, ParametricOde,
    solver::{Ensemble, Start},
};
use proptest::{prelude::*, test_runner::TestCaseResult};

/// One family: an ensemble has one ODE.
#[derive(Clone, Copy)]
struct Only(Family);

impl ParametricOde<2, 2> for Only {
    fn rhs_with<N: Number>(&self, t: &Num<N>, x: &[Num<N>; 2], p: &[Num<N>; 2]) -> [Num<N>; 2] {
        self.0.rhs_with(t, x, p)
    }
    fn stops_with<N: Number>(&self, s: &Num<N>, t: &Num<N>, p: &[Num<N>; 2]) -> Vec<Num<N>> {
        self.0.stops_with(s, t, p)
    }
}

fn ends_are_right(case: &Case) -> TestCaseResult {
    let rows = case.problems::<f64>(4);
    let solvers::Steps::Adaptive(tolerance) = case.solver.steps else { unreachable!("{case:?}") };
    let ensemble = Ensemble::new(case.solver.adaptive(tolerance));
    let start = |row: &Problem<f64>| {
        let [from, to, x, y, p, q] = row.inputs;
        Start { from, to, state: [x, y], parameters: [p, q] }
    };
    // more than there are lanes: those that end make room for others
    let rows: Vec<_> = rows.iter().cycle().take(50).collect();
    let starts: Vec<_> = rows.iter().map(|row| start(row)).collect();
    let found = ensemble.solve(&Only(case.family), &starts);
    for (row, end) in rows.iter().zip(found) {
        prop_assert!(end.status.is_success(), "{row:?}: {}", end.status);
        prop_assert_eq!(end.time, row.inputs[1]);
        let ends: Ends = vec![vec![row.inputs[0], row.inputs[1]]];
        let meter = Meter { solver: case.solver, ends: &ends };
        judge(std::slice::from_ref(row), &[Seen::own("an ensemble", &end.time, &end.state)], &meter)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::config(20))]
    #[test]
    fn ensembles(case in cases(solvers::controlled())) {
        ends_are_right(&case)?;
    }
}
