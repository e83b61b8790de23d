//! A path as a flow map.

use crate::fields::{ADAPTIVE, DRIVEN, adaptive};
use flowmap::{
    Dual, FlowMap, State, VelocityField,
    characterization::{Characterization, InitialCondition, Lagrangian, Semigroup},
    solver::{DOP853, DOPRI5, FixedSteps, METHODS, Save, Solution, Solver},
};

const START: [f64; 2] = [1.0, 0.5];

fn path(span: [f64; 2]) -> Solution<[f64; 2]> {
    adaptive(DOPRI5, 1e-8).solve(&DRIVEN, &span[0], &span[1], &START, &Save::Dense).unwrap()
}

#[test]
fn a_path_is_a_flow_map_that_carries_its_own_states() {
    for span in [[0.0, 6.0], [2.0, -3.0]] {
        let path = path(span);
        for (s, t) in [(0.3, 1.9), (1.7, 0.1), (span[0], span[1]), (span[1], 1.0), (0.5, 0.5)] {
            let way = path.flow(&s, &t, &path.at(&s)).minus(&path.at(&t));
            assert!(way.norm() < 1e-15);
            let identity: [f64; 2] = InitialCondition.residual(&path, &(), &s, &t, &[7.0, -3.0]);
            assert_eq!(identity, [0.0, 0.0]);
            let semigroup: [f64; 2] = Semigroup::new(0.3).unwrap().residual(&path, &(), &s, &t, &[7.0, -3.0]);
            assert!(semigroup.norm() < 4e-15, "{semigroup:?}");
        }
    }
}

#[test]
fn its_derivative_in_time_is_that_of_the_polynomial() {
    let fixed = FixedSteps::new(DOP853, 9).unwrap().solve(&DRIVEN, &0.0, &6.0, &START, &Save::Dense).unwrap();
    for (path, span) in [(path([0.0, 6.0]), [0.0, 6.0]), (path([2.0, -3.0]), [2.0, -3.0]), (fixed, [0.0, 6.0])] {
        for i in 1..60 {
            let t = span[0] + (span[1] - span[0]) * (f64::from(i) + 0.123) / 61.0;
            let (_, slope) = Lagrangian::end_derivative(&path, &span[0], &t, &START);
            let h = 1e-5;
            // inside one piece: polynomials differ from one piece to the next
            let piece = path.pieces().iter().find(|p| (t - p.start()) * (t - p.end()) <= 0.0).unwrap();
            let difference = piece.at(&(t + h)).minus(&piece.at(&(t - h))).scaled(&(0.5 / h));
            let inside =
                (t + h - piece.start()) * (t + h - piece.end()) < 0.0 && (t - h - piece.start()) * (t - h - piece.end()) < 0.0;
            if inside {
                assert!(slope.minus(&difference).norm() < 1e-8, "at {t}: {slope:?} against {difference:?}");
            }
        }
    }
}

#[test]
fn both_ends_of_a_path_have_the_derivative_of_the_solution() {
    for span in [[0.0, 6.0], [2.0, -3.0]] {
        let path = path(span);
        for time in span {
            let (_, slope) = Lagrangian::end_derivative(&path, &span[0], &time, &START);
            let rate = DRIVEN.velocity(&time, &path.at(&time));
            assert!(slope.minus(&rate).norm() < 1e-12, "at {time}: {slope:?} against {rate:?}");
        }
    }
}

/// The defect of dense output: its order is that of dense output.
#[test]
fn the_lagrangian_residual_of_a_path_shrinks_with_its_steps() {
    for method in METHODS {
        let defect = |steps: u32| {
            let solver = FixedSteps::new(method, steps).unwrap();
            let path = solver.solve(&DRIVEN, &0.0, &6.0, &START, &Save::Dense).unwrap();
            let at = |i: u32| {
                let t = 6.0 * (f64::from(i) + 0.3) / 200.0;
                let (_, slope) = Lagrangian::end_derivative(&path, &0.0, &t, &START);
                slope.minus(&DRIVEN.velocity(&t, &path.at(&t))).norm()
            };
            (0..200).map(at).fold(0.0, f64::max)
        };
        let order = (defect(40) / defect(80)).log2();
        let nominal = f64::from(method.dense.order);
        assert!((order - nominal).abs() < 0.5, "{}: {order} against {nominal}", method.name);
    }
}

#[test]
fn outside_of_the_path_there_is_nothing() {
    let path = path([0.0, 6.0]);
    for bad in [-1e-12, 6.0_f64.next_up(), 100.0, f64::NAN, f64::INFINITY] {
        assert!(path.at(&bad)[0].is_nan(), "{bad}");
        assert!(path.flow(&1.0, &bad, &START)[0].is_nan() && path.flow(&bad, &1.0, &START)[0].is_nan(), "{bad}");
        let dual = path.flow(&Dual::constant(1.0), &Dual::new(bad, 1.0), &Dual::constant(START));
        assert!(dual.value()[0].is_nan(), "{bad}");
    }
    let end = adaptive(DOPRI5, 1e-6).solve(&DRIVEN, &0.0, &6.0, &START, &Save::End).unwrap();
    assert!(end.at(&3.0)[0].is_nan() && end.at(&f64::NAN)[0].is_nan(), "only the end was asked for");
    assert_eq!(end.at(&0.0), START);
}

#[test]
fn dense_output_agrees_with_a_finer_solve() {
    for method in ADAPTIVE {
        let coarse = adaptive(method, 1e-5).solve(&DRIVEN, &0.0, &6.0, &START, &Save::Dense).unwrap();
        let fine = adaptive(DOP853, 1e-12).of(DRIVEN);
        for i in 0..=100 {
            let t = 0.06 * f64::from(i);
            let exact: [f64; 2] = fine.flow(&0.0, &t, &START);
            let error = coarse.at(&t).minus(&exact).norm();
            assert!(error < 100.0 * 1e-5, "{} at {t}: {error:e}", method.name);
        }
    }
}
