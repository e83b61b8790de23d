//! Batches: every row is solved as if it were alone.

use crate::fields::{ADAPTIVE, DRIVEN, DrivenField, adaptive};
use flowmap::{
    Dual, FlowMap, Tensor, Value,
    backend::ndarray::NdTensor,
    exact::Blowup,
    solver::{DOPRI5, FixedSteps, RK4, Save, Solution, Solver, Status},
};

type Batch = NdTensor<f64>;

fn column(values: &[f64]) -> Batch {
    NdTensor::from_slice(values, &[values.len()])
}

fn states(rows: &[[f64; 2]]) -> Batch {
    NdTensor::from_slice(rows.as_flattened(), &[rows.len(), 2])
}

/// A row: from where to where, and the state.
#[derive(Clone, Copy)]
struct Row {
    s: f64,
    t: f64,
    x: [f64; 2],
}

const fn row(s: f64, t: f64, x: [f64; 2]) -> Row {
    Row { s, t, x }
}

/// Spans of their own lengths and directions, one without length.
const ROWS: [Row; 7] = [
    row(0.0, 5.0, [1.0, 0.5]),
    row(2.0, -3.0, [0.2, -0.7]),
    row(1.0, 1.0, [9.0, 9.0]),
    row(-4.0, 9.0, [2.5, 1.5]),
    row(0.0, 1e-12, [0.1, 0.2]),
    row(3.0, 0.0, [-1.0, 2.0]),
    row(0.0, 40.0, [3.1, 0.0]),
];
/// Rows that cannot be solved.
const BAD: [Row; 3] = [row(0.0, 1.0, [f64::NAN, 0.0]), row(0.0, f64::INFINITY, [1.0, 0.0]), row(f64::NAN, 1.0, [1.0, 0.0])];

fn solve(solver: &impl Solver<Batch, DrivenField>, rows: &[Row], save: &Save) -> Solution<Batch> {
    let times = |f: fn(&Row) -> f64| column(&rows.iter().map(f).collect::<Vec<_>>());
    solver.solve(&DRIVEN, &times(|r| r.s), &times(|r| r.t), &states(&rows.iter().map(|r| r.x).collect::<Vec<_>>()), save).unwrap()
}

/// The bits of a row's state.
fn bits(x: &Batch, row: usize) -> [u64; 2] {
    let values = x.to_vec();
    [values[2 * row].to_bits(), values[2 * row + 1].to_bits()]
}

fn rows_do_not_know_of_each_other(solver: &impl Solver<Batch, DrivenField>) {
    let alone = ROWS.map(|row| solve(solver, &[row], &Save::End));
    // in other orders, beside bad rows, many times over
    let mut reversed = ROWS;
    reversed.reverse();
    let batches = [ROWS.to_vec(), reversed.to_vec(), [&BAD[..], &ROWS, &BAD].concat(), [ROWS; 9].concat()];
    for batch in batches {
        let together = solve(solver, &batch, &Save::End);
        for (i, row) in batch.iter().enumerate() {
            let twin = ROWS.iter().position(|r| r.x == row.x && r.s == row.s && r.t == row.t);
            match twin {
                Some(k) => {
                    assert_eq!(bits(together.end(), i), bits(alone[k].end(), 0), "row {k} at {i} of {}", batch.len());
                    assert_eq!(together.statuses()[i], alone[k].statuses()[0]);
                }
                None => assert_eq!(together.statuses()[i], Status::NotFinite, "row {i}"),
            }
        }
    }
}

#[test]
fn a_row_is_the_same_to_the_last_bit_whatever_is_beside_it() {
    for method in ADAPTIVE {
        rows_do_not_know_of_each_other(&adaptive(method, 1e-4));
    }
    rows_do_not_know_of_each_other(&FixedSteps::new(RK4, 20).unwrap());
}

#[test]
fn rows_agree_with_points() {
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-6);
        let batch = solve(&solver, &ROWS, &Save::End);
        let mut taken = [0, 0];
        for (i, Row { s, t, x }) in ROWS.iter().enumerate() {
            let point = solver.solve(&DRIVEN, s, t, x, &Save::End).unwrap();
            let statistics = point.statistics();
            taken = [taken[0] + statistics.accepted, taken[1] + statistics.rejected];
            let found = &batch.end().to_vec()[2 * i..2 * i + 2];
            let error = point.end().iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 1e-9, "{}, row {i}: {error:e}", method.name);
        }
        let statistics = batch.statistics();
        assert_eq!([statistics.accepted, statistics.rejected], taken, "{}: as many steps as the points", method.name);
    }
}

#[test]
fn rows_that_blow_up_stop_by_themselves() {
    let solver = adaptive(DOPRI5, 1e-9);
    let start = |values: &[f64]| NdTensor::from_slice(values, &[values.len(), 1]);
    let values = [1.0, -1.0, 0.25, 2.0, 0.0];
    let (zero, end) = (column(&[0.0]).reshape(&[]), column(&[1.5]).reshape(&[]));
    let path = solver.solve(&Blowup, &zero, &end, &start(&values), &Save::End).unwrap();
    let (stuck, done) = (Status::StepTooSmall, Status::Finished);
    assert_eq!(path.statuses(), [stuck, done, done, stuck, done]);
    assert_eq!(path.status(), stuck, "the first failure");
    for (i, x) in values.into_iter().enumerate() {
        let alone = solver.solve(&Blowup, &zero, &end, &start(&[x]), &Save::End).unwrap();
        assert_eq!(alone.end().to_vec()[0].to_bits(), path.end().to_vec()[i].to_bits(), "from {x}");
        assert_eq!(alone.end_time().values()[0], path.end_time().values()[i]);
    }
    let flow = solver.clone().of(Blowup).flow(&zero, &end, &start(&values)).to_vec();
    assert_eq!(flow.iter().map(|x| x.is_nan()).collect::<Vec<_>>(), [true, false, false, true, false]);
    assert!(solver.of(Blowup).try_flow(&zero, &end, &start(&values)).unwrap_err().to_string().contains("stopped at time"));
}

#[test]
fn one_time_for_all_rows_is_that_time_for_each() {
    let solver = adaptive(DOPRI5, 1e-6);
    let x = states(&ROWS.map(|r| r.x));
    let scalar = |c: f64| NdTensor::from_slice(&[c], &[]);
    for save in [Save::End, Save::Steps, Save::Dense, Save::At(vec![1.0, 0.5, 2.0])] {
        let one = solver.solve(&DRIVEN, &scalar(0.5), &scalar(2.0), &x, &save).unwrap();
        let each = solver.solve(&DRIVEN, &column(&[0.5; 7]), &column(&[2.0; 7]), &x, &save).unwrap();
        assert_eq!(one.end().to_vec(), each.end().to_vec());
        assert_eq!(
            one.states().iter().map(Tensor::to_vec).collect::<Vec<_>>(),
            each.states().iter().map(Tensor::to_vec).collect::<Vec<_>>()
        );
        if save == Save::Dense {
            assert_eq!(one.at(&scalar(1.25)).to_vec(), each.at(&column(&[1.25; 7])).to_vec());
        }
    }
}

/// Spans that overlap, in both directions; the times lie in all of them.
#[test]
fn save_times_are_served_row_by_row_in_both_directions() {
    let rows = [
        row(0.0, 5.0, [1.0, 0.5]),
        row(6.0, -3.0, [0.2, -0.7]),
        row(0.0, 9.0, [2.5, 1.5]),
        row(5.0, 0.0, [-1.0, 2.0]),
        row(-1.0, 5.5, [3.1, 0.0]),
    ];
    let times = vec![4.0, 0.0, 2.5, 2.5, 5.0, 0.3, 1.0];
    for method in ADAPTIVE {
        let solver = adaptive(method, 1e-6);
        let batch = solve(&solver, &rows, &Save::At(times.clone()));
        let dense = solve(&solver, &rows, &Save::Dense);
        assert_eq!(batch.states().len(), times.len());
        for (time, state) in times.iter().zip(batch.states()) {
            let looked_up = dense.at(&column(&[*time; 5]));
            for (i, Row { s, t, x }) in rows.iter().enumerate() {
                let point = solver.solve(&DRIVEN, s, t, x, &Save::At(vec![*time])).unwrap();
                for found in [state, &looked_up] {
                    let found = &found.to_vec()[2 * i..2 * i + 2];
                    let error = point.states()[0].iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(error < 1e-9, "{}, row {i} at {time}: {error:e}", method.name);
                }
            }
        }
    }
}

#[test]
fn a_row_without_a_way_has_its_state_at_its_time() {
    let rows = [row(0.0, 2.0, [1.0, 0.5]), row(1.0, 1.0, [7.0, 8.0]), row(1.0, -1.0, [2.0, 3.0])];
    let batch = solve(&adaptive(DOPRI5, 1e-6), &rows, &Save::At(vec![1.0]));
    let values = batch.states()[0].to_vec();
    assert_eq!(values[2..], [7.0, 8.0, 2.0, 3.0]);
    assert!(values[0].is_finite());
    let dense = solve(&adaptive(DOPRI5, 1e-6), &rows, &Save::Dense);
    assert_eq!(dense.at(&column(&[1.0; 3])).to_vec()[2..], [7.0, 8.0, 2.0, 3.0]);
}

#[test]
fn dense_output_of_a_batch_is_a_flow_map_with_a_derivative_in_time() {
    let rows = [row(0.0, 5.0, [1.0, 0.5]), row(5.0, -3.0, [0.2, -0.7])];
    let solver = adaptive(DOPRI5, 1e-6);
    let path = solve(&solver, &rows, &Save::Dense);
    let (s, t) = (column(&[0.0, 5.0]), column(&[1.7, 0.4]));
    let start = path.at(&s);
    let moved = path.flow(&Dual::constant(s), &Dual::new(t.clone(), column(&[1.0, 1.0])), &Dual::constant(start));
    for (i, Row { s, t: end, x }) in rows.iter().enumerate() {
        let point = solver.solve(&DRIVEN, s, end, x, &Save::Dense).unwrap();
        let time = t.values()[i];
        let expected = point.flow(&Dual::constant(*s), &Dual::new(time, 1.0), &Dual::constant(*x));
        for j in 0..2 {
            assert!((moved.value().to_vec()[2 * i + j] - expected.value()[j]).abs() < 1e-9);
            assert!((moved.tangent().to_vec()[2 * i + j] - expected.tangent()[j]).abs() < 1e-7);
        }
    }
    let outside = path.at(&column(&[5.5, 5.5])).to_vec();
    assert!(outside.iter().all(|x| x.is_nan()), "{outside:?}");
}

#[test]
fn attempts_are_counted_row_by_row() {
    // a row that needs many steps, beside one that needs few: the limit is met by the first alone
    let rows = [row(0.0, 400.0, [1.0, 0.5]), row(0.0, 0.5, [0.2, -0.7])];
    let path = solve(&adaptive(DOPRI5, 1e-6).max_steps(20), &rows, &Save::End);
    assert_eq!(path.statuses(), [Status::TooManySteps, Status::Finished]);
}
