//! Many ODEs at once: as each by itself.

use flowmap::{
    FlowMap, Num, Number, Ode, ParametricOde, Tolerance,
    exact::{CouplingFlow, Rotation},
    solver::{Adaptive, BOGACKI_SHAMPINE, DOP853, DOPRI5, End, Ensemble, Save, Solver, Start, Status, TSIT5},
};

/// Van der Pol's oscillator, stiffer or less stiff.
struct VanDerPol;

impl ParametricOde<2, 1> for VanDerPol {
    #[inline(always)]
    fn rhs_with<N: Number>(&self, _t: &Num<N>, [x, v]: &[Num<N>; 2], [mu]: &[Num<N>; 1]) -> [Num<N>; 2] {
        [v.clone(), mu.clone() * (-(x.clone() * x)).shift(1.0) * v - x]
    }
}

/// Starts of many kinds: other parameters, spans and directions.
fn starts() -> Vec<Start<[f64; 2], [f64; 1]>> {
    let one = |k: usize| {
        let k = k as f64;
        Start {
            from: k.sin(),
            to: 3.0 * (2.0 * k).cos(),
            state: [2.0 * (3.0 * k).cos(), (5.0 * k).sin()],
            parameters: [0.5 + (7.0 * k).sin()],
        }
    };
    (0..1500).map(one).collect()
}

fn tight() -> Adaptive {
    Adaptive::new(DOPRI5).unwrap().tolerance(Tolerance::new(1e-8, 1e-10).unwrap())
}

fn bits<const D: usize>(end: &End<[f64; D]>) -> (u64, [u64; D], Status, u32, u32) {
    (end.time.to_bits(), end.state.map(f64::to_bits), end.status, end.accepted, end.rejected)
}

#[test]
fn every_trajectory_ends_as_by_itself() {
    for method in [BOGACKI_SHAMPINE, DOPRI5, TSIT5, DOP853] {
        let solver = Adaptive::new(method).unwrap();
        let starts = starts();
        let ends = Ensemble::new(solver.clone()).solve(&VanDerPol, &starts);
        for (start, end) in starts.iter().zip(&ends).step_by(17) {
            let field = VanDerPol.with(start.parameters);
            let alone = solver.solve(&field, &start.from, &start.to, &start.state, &Save::End).unwrap();
            assert_eq!(end.status, alone.status());
            assert!((end.time - alone.end_time()).abs() < 1e-6);
            if end.status != Status::Finished {
                // backward in time, and outside the limit cycle, it blows up
                assert!(start.to < start.from && end.status == Status::StepTooSmall);
                continue;
            }
            assert_eq!(end.time, start.to);
            // the lanes' exponential, which step sizes are computed with, is an ulp from the standard library's
            let statistics = alone.statistics();
            assert!(statistics.accepted.abs_diff(end.accepted.into()) <= 1, "{statistics:?}, {end:?}");
            for (a, b) in alone.end().iter().zip(end.state) {
                assert!((a - b).abs() < 1e-8, "{}: {a} by itself, {b} among others", method.name);
            }
        }
    }
}

#[test]
fn ends_do_not_depend_on_the_others_to_the_last_bit() {
    let starts = starts();
    let ensemble = Ensemble::new(tight());
    let ends = ensemble.solve(&VanDerPol, &starts);
    for (from, to) in [(0, 1), (5, 7), (3, 30), (100, 900), (700, 1500)] {
        let part = ensemble.solve(&VanDerPol, &starts[from..to]);
        assert!(part.iter().zip(&ends[from..to]).all(|(a, b)| bits(a) == bits(b)), "{from}..{to}");
    }
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let again = pool.install(|| ensemble.solve(&VanDerPol, &starts));
        assert!(again.iter().zip(&ends).all(|(a, b)| bits(a) == bits(b)), "{threads} threads");
    }
}

#[test]
fn failures_stay_alone_and_say_why() {
    /// Blows up at time 1/x; in the second coordinate, NaN from time 1 on if it is negative.
    struct Trouble;
    impl Ode<2> for Trouble {
        #[inline(always)]
        fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
            let bad = flowmap::Mask::and(&t.constant(1.0).less(t), &y.less(&y.constant(0.0)));
            [x.clone() * x, Num::select(&bad, &y.constant(f64::NAN), &y.constant(0.0))]
        }
    }
    let good: Vec<_> =
        (0..50).map(|k| Start { from: 0.0, to: 2.0, state: [0.009 * f64::from(k), 1.0], parameters: [] }).collect();
    let ensemble = Ensemble::new(tight().max_steps(5000));
    let alone = ensemble.solve(&Trouble, &good);
    let bad = [
        (Start { from: 0.0, to: 2.0, state: [1.0, 1.0], parameters: [] }, Status::StepTooSmall, 1.0),
        (Start { from: 0.0, to: 2.0, state: [0.1, -1.0], parameters: [] }, Status::NotFinite, 1.0),
        (Start { from: 0.0, to: 2.0, state: [f64::NAN, 1.0], parameters: [] }, Status::NotFinite, 0.0),
        (Start { from: 0.0, to: f64::INFINITY, state: [0.1, 1.0], parameters: [] }, Status::NotFinite, 0.0),
        (Start { from: 0.0, to: f64::NAN, state: [0.1, 1.0], parameters: [] }, Status::NotFinite, 0.0),
        (Start { from: 1.0, to: 1.0, state: [0.1, 1.0], parameters: [] }, Status::Finished, 1.0),
    ];
    let mut mixed = Vec::new();
    for (k, start) in good.iter().enumerate() {
        mixed.push(*start);
        mixed.push(bad[k % bad.len()].0);
    }
    let ends = ensemble.solve(&Trouble, &mixed);
    for (k, end) in alone.iter().enumerate() {
        assert_eq!(end.status, Status::Finished);
        assert_eq!(bits(&ends[2 * k]), bits(end), "trajectory {k}");
        let (start, status, time) = bad[k % bad.len()];
        let failed = ends[2 * k + 1];
        assert_eq!(failed.status, status, "{start:?}");
        assert!((failed.time - time).abs() < 1e-6, "{start:?} {failed:?}");
        let message = failed.success(&start).err().map(|e| e.to_string());
        assert_eq!(message.is_none(), status == Status::Finished, "{message:?}");
    }
    let few = Ensemble::new(tight().max_steps(3)).solve(&Trouble, &good[40..]);
    assert!(few.iter().all(|end| end.status == Status::TooManySteps && end.accepted + end.rejected == 3));
}

#[test]
fn nothing_comes_of_nothing() {
    assert!(Ensemble::new(tight()).solve(&VanDerPol, &[] as &[Start<[f64; 2], [f64; 1]>]).is_empty());
}

#[test]
fn ends_are_as_exact_as_asked_for_in_both_precisions() {
    let (turn, flow) = (Rotation::new(1.3).unwrap(), CouplingFlow::<3>::random(3, 7).unwrap());
    let starts = |k: usize| {
        let x = |i: usize| ((3 * k + i) as f64).sin();
        (x(0), 2.0 * x(1), [x(2), x(3), x(4)])
    };
    let double: Vec<_> = (0..200).map(starts).map(|(s, t, x)| Start { from: s, to: t, state: x, parameters: [] }).collect();
    for (start, end) in double.iter().zip(Ensemble::new(tight()).solve(&flow, &double)) {
        let exact: [f64; 3] = flow.flow(&start.from, &start.to, &start.state);
        assert!(exact.iter().zip(end.state).all(|(a, b)| (a - b).abs() < 1e-6 * (1.0 + a.abs())), "{start:?}");
    }
    let single: Vec<_> = double
        .iter()
        .map(|s| Start { from: s.from as f32, to: s.to as f32, state: [s.state[0] as f32, s.state[1] as f32], parameters: [] })
        .collect();
    let solver = Adaptive::new(DOPRI5).unwrap().tolerance(Tolerance::new(1e-5, 1e-6).unwrap());
    for (start, end) in single.iter().zip(Ensemble::new(solver).solve(&turn, &single)) {
        let exact: [f32; 2] = turn.flow(&start.from, &start.to, &start.state);
        assert!(end.status == Status::Finished && exact.iter().zip(end.state).all(|(a, b)| (a - b).abs() < 1e-4), "{start:?}");
    }
}

#[test]
fn evaluations_are_counted() {
    let starts: Vec<_> =
        (0..9).map(|k| Start { from: 0.0, to: 1.0, state: [1.0, 0.1 * f64::from(k)], parameters: [1.0] }).collect();
    for method in [DOPRI5, DOP853] {
        let solver = Adaptive::new(method).unwrap();
        let ensemble = Ensemble::new(solver.clone());
        for (start, end) in starts.iter().zip(ensemble.solve(&VanDerPol, &starts)) {
            let alone = solver.solve(&VanDerPol.with([1.0]), &start.from, &start.to, &start.state, &Save::End).unwrap();
            assert_eq!(end.evaluations, alone.statistics().evaluations, "{end:?}");
        }
    }
    let fields = Rotation::new(1.0).unwrap().field();
    let path = Adaptive::new(DOPRI5).unwrap().solve(&fields, &0.0, &1.0, &[1.0, 0.0], &Save::End).unwrap();
    assert!(path.statistics().evaluations > 2);
}

#[test]
fn spans_without_length_cost_one_step_and_a_start_that_is_no_number_fails() {
    let start = |x| Start { from: 1.0, to: 1.0, state: [x, 0.0], parameters: [1.0] };
    let ends = Ensemble::new(tight()).solve(&VanDerPol, &[start(2.0), start(f64::NAN)]);
    let alone = tight().solve(&VanDerPol.with([1.0]), &1.0, &1.0, &[2.0, 0.0], &Save::End).unwrap();
    assert_eq!((ends[0].status, ends[0].state), (Status::Finished, [2.0, 0.0]));
    assert_eq!(ends[0].evaluations, alone.statistics().evaluations);
    assert_eq!(ends[1].status, Status::NotFinite);
}
