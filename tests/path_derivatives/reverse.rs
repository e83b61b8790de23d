//! Gradients on a tape are the derivatives in all directions at once.
//!
//! A tape has no part in the error control: steps are kept short.

use crate::{
    cases::{Case, Problem, cases, packed},
    judge::{Meter, judge},
    numbers::Packed,
    paths::{Checked, Course, Ends, Seen},
    solvers,
};
use flowmap::{Dual, Number, Tape, Var, backend::ndarray::NdTensor};
use proptest::{prelude::*, test_runner::TestCaseResult};

type Floats = NdTensor<f64>;
type Taped = Var<Floats>;

const ROWS: usize = <Taped as Packed>::ROWS;

/// Solves on a fresh tape; one of the things seen, with its values and gradients of its time and of its coordinates by input `i`.
struct Recorded<'a> {
    case: &'a Case,
    rows: &'a [Problem<f64>],
}

impl Recorded<'_> {
    /// With the ends of the steps, and the tape's variables.
    fn every_state<T>(&self, then: impl FnOnce(&Tape<Floats>, &[Taped; 6], &Ends, Vec<Seen<[Taped; 2]>>) -> T) -> Checked<T> {
        let tape = Tape::new();
        let problem = packed::<Floats>(self.rows).map(|input| tape.leaf(input));
        let solver = self.case.solver.solver(self.case.longest_span(ROWS));
        let course = Course::<[Taped; 2], _> { case: self.case, problem: &problem, solver: &solver };
        let ends = course.ends()?;
        let seen = course.every_state(&ends)?;
        Ok(then(&tape, &problem.inputs, &ends, seen))
    }

    /// The gradients by all inputs of the time of what was seen as number `index`, of its first or its second coordinate.
    fn gradients(&self, index: usize, part: usize) -> Checked<[Floats; 6]> {
        self.every_state(|tape, inputs, _, seen| {
            let Seen { time, state: [x, y], .. } = &seen[index];
            // on the tape, also where nothing moves
            let y = [time, x, y][part].clone() + inputs[0].scale(0.0);
            let mut gradients = tape.gradients(&y);
            inputs.each_ref().map(|input| gradients.take(input).unwrap_or_else(|| Floats::still(&[0.0; ROWS])))
        })
    }
}

/// All derivatives of some of what was seen.
fn gradients_are_right(case: &Case, picks: [f64; 2]) -> TestCaseResult {
    let rows = case.problems::<f64>(ROWS);
    let recorded = Recorded { case, rows: &rows };
    let (ends, seen) = recorded.every_state(|_, _, ends, seen| (ends.clone(), seen))?;
    let meter = Meter { solver: case.solver, ends: &ends };
    for pick in picks {
        let index = ((pick * seen.len() as f64) as usize).min(seen.len() - 1);
        let Seen { what, time, state, own } = &seen[index];
        let [of_time, of_x, of_y] = [0, 1, 2].map(|part| recorded.gradients(index, part));
        let (of_time, of_x, of_y) = (of_time?, of_x?, of_y?);
        for i in 0..6 {
            let along = |k: usize| if k == i { 1.0 } else { 0.0 };
            let moving = |row: &Problem<f64>| {
                let inputs = std::array::from_fn(|k| Dual::new(row.inputs[k], along(k)));
                Problem { family: row.family, inputs }
            };
            let rows: Vec<_> = rows.iter().map(moving).collect();
            let dual = |value: &Taped, gradient: &[Floats; 6]| Dual::new(value.value().clone(), gradient[i].clone());
            let seen =
                Seen { what, time: dual(time, &of_time), state: [dual(&state[0], &of_x), dual(&state[1], &of_y)], own: *own };
            judge(&rows, &[seen], &meter)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::config(3))]
    #[test]
    fn gradients(case in cases(solvers::short()), picks in proptest::array::uniform2(0.0..1.0)) {
        gradients_are_right(&case, picks)?;
    }
}
