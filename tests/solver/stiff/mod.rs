//! Methods for stiff problems against reference values of 24 digits, exact solutions, and problems without a solution.

mod problems;

use flowmap::{
    Case, Dual, Error, FlowMap, Num, Number, Ode, QuasiRandom, Tolerance, VelocityField,
    analysis::jacobian,
    exact::{Blowup, Logistic, Rotation},
    nalgebra::Vector2,
    solver::{Save, Solver, Status, Stiff},
    verify,
};
use problems::{HIRES_END, Hires, ProtheroRobinson, ROBERTSON_EARLY, ROBERTSON_LATE, Robertson, VAN_DER_POL_END, VanDerPol};

fn methods() -> [(&'static str, Stiff); 3] {
    [("BDF", Stiff::bdf()), ("ESDIRK34", Stiff::esdirk34()), ("TR-BDF2", Stiff::tr_bdf2())]
}

/// The largest error at the end, in units of `relative (scale_i + |x_i|)`, and the steps.
fn error<const D: usize>(
    solver: &Stiff,
    ode: impl Ode<D>,
    [s, t]: [f64; 2],
    x: [f64; D],
    scale: [f64; D],
    relative: f64,
    end: [f64; D],
) -> (f64, u64) {
    let tolerance = Tolerance::each(relative, &scale.map(|size| size * relative)).unwrap();
    let path = solver.clone().tolerance(tolerance).max_steps(1_000_000).solve(&ode.field(), &s, &t, &x, &Save::End).unwrap();
    let path = path.success().unwrap_or_else(|e| panic!("{solver:?} at {relative}: {e}"));
    let size = |i: usize| relative * (scale[i] + end[i].abs());
    let largest = (0..D).map(|i| (path.end()[i] - end[i]).abs() / size(i)).fold(0.0, f64::max);
    (largest, path.statistics().accepted)
}

/// Asks BDF, ESDIRK34 and TR-BDF2 for these relative tolerances each.
fn check<const D: usize>(asked: [&[f64]; 3], ode: impl Ode<D>, span: [f64; 2], x: [f64; D], scale: [f64; D], end: [f64; D]) {
    for ((name, solver), asked) in methods().into_iter().zip(asked) {
        for &relative in asked {
            let (size, steps) = error(&solver, &ode, span, x, scale, relative, end);
            assert!(size < 100.0, "{name} at {relative}: the error is {size} times the tolerance after {steps} steps");
        }
    }
}

#[test]
fn hires() {
    // with methods of order 2 and 3, the errors of many steps add up to more below these
    let asked: [&[f64]; 3] = [&[1e-6, 1e-9, 1e-12], &[1e-4, 1e-6], &[1e-4]];
    let start = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057];
    check(asked, Hires, [0.0, 321.8122], start, [1e-4; 8], HIRES_END);
}

#[test]
fn robertson() {
    for (t, end) in [(0.3, ROBERTSON_EARLY), (40.0, ROBERTSON_LATE)] {
        let asked: [&[f64]; 3] = [&[1e-6, 1e-9, 1e-12], &[1e-6, 1e-9, 1e-12], &[1e-6, 1e-8]];
        check(asked, Robertson, [0.0, t], [1.0, 0.0, 0.0], [1.0, 1e-5, 1.0], end);
    }
}

#[test]
fn van_der_pol() {
    let asked: [&[f64]; 3] = [&[1e-6, 1e-9, 1e-12], &[1e-6, 1e-9], &[1e-6, 1e-8]];
    check(asked, VanDerPol, [0.0, 2.0], [2.0, -0.66], [1.0; 2], VAN_DER_POL_END);
}

#[test]
fn prothero_robinson() {
    let asked = [&[1e-4, 1e-6, 1e-8, 1e-9, 1e-10, 1e-12][..]; 3];
    let (s, t) = (0.5_f64, 10.0_f64);
    // on the smooth solution, and off it, where e^(λ (t-s)) is over at once
    for start in [s.sin(), 2.0] {
        check(asked, ProtheroRobinson(-1e6), [s, t], [start], [1.0], [t.sin()]);
    }
}

#[test]
fn steps_follow_the_solution_and_not_the_stiffness() {
    let steps = |rate: f64| error(&Stiff::bdf(), ProtheroRobinson(rate), [0.0, 10.0], [0.0], [1.0], 1e-6, [10_f64.sin()]).1;
    assert!(steps(-1e6) < 2 * steps(-1.0), "{} steps, {} steps", steps(-1e6), steps(-1.0));
}

fn precise(solver: Stiff) -> Stiff {
    solver.tolerance(Tolerance::new(1e-7, 1e-7).unwrap())
}

/// A hundred times that tolerance.
const BOUND: f64 = 1e-5;

#[test]
fn backward_in_time() {
    let growth = Logistic::new(1.0, 10.0).unwrap();
    for (name, solver) in methods() {
        let map = precise(solver.clone()).of(growth);
        let (back, exact) = (map.flow(&3.0, &-1.0, &[8.0])[0], growth.flow(&3.0, &-1.0, &[8.0])[0]);
        assert!((back / exact - 1.0).abs() < BOUND, "{name}: {back}, {exact}");
        // backward in time, what grows is stiff
        let end = precise(solver).of(ProtheroRobinson(1e6).field()).flow(&10.0, &0.5, &[2.0])[0];
        assert!((end - 0.5_f64.sin()).abs() < BOUND, "{name}: {end}");
    }
}

#[test]
fn no_way_to_go() {
    let map = Stiff::bdf().of(Robertson.field());
    let x = [1.0, 0.1, 0.0];
    assert_eq!(map.try_flow(&2.0, &2.0, &x).unwrap(), x);
    // but with a velocity in the end time
    let moving = map.flow(&Dual::constant(2.0), &Dual::new(2.0, 1.0), &Dual::constant(x));
    assert_eq!(moving.value(), &x);
    let rate = Robertson.field().velocity(&2.0, &x);
    for i in 0..3 {
        assert!((moving.tangent()[i] - rate[i]).abs() <= 1e-5 * rate[i].abs(), "{:?}, {rate:?}", moving.tangent());
    }
    // spans far below 1, and far from 0
    let turn = Rotation::new(1.0).unwrap();
    for (s, length) in [(0.0, 1e-300), (1.0, 1e-15), (1e9, 1e-3), (1e9, -1e-3)] {
        let (s, t) = (s, s + length);
        let (end, exact) = (Stiff::bdf().of(turn).try_flow(&s, &t, &[1.0, 0.0]).unwrap(), turn.flow(&s, &t, &[1.0, 0.0]));
        assert!((end[1] - exact[1]).abs() <= 1e-4 * exact[1].abs(), "{length}: {end:?}, {exact:?}");
    }
}

#[test]
fn vectors_are_points() {
    let map = Stiff::esdirk34().of(VanDerPol.field());
    let (point, vector) = (map.flow(&0.0, &1.0, &[2.0, -0.66]), map.flow(&0.0, &1.0, &Vector2::new(2.0, -0.66)));
    assert_eq!(point, [vector[0], vector[1]]);
}

#[test]
fn derivatives_in_times_and_start() {
    let growth = Logistic::new(1.0, 10.0).unwrap();
    let (s, t, x) = (Dual::new(0.5, 0.3), Dual::new(2.0, -0.7), Dual::new([1.0], [2.0]));
    let second = |number: Dual<f64>| Dual::new(number, Dual::constant(1.0));
    for (name, solver) in methods() {
        let map = precise(solver).of(growth);
        let (found, exact) = (map.flow(&s, &t, &x), growth.flow(&s, &t, &x));
        assert!(
            (found.tangent()[0] - exact.tangent()[0]).abs() < BOUND * (1.0 + exact.tangent()[0].abs()),
            "{name}: {found:?}, {exact:?}"
        );
        let (s, t, x) = (Dual::constant(s.clone()), second(t.clone()), [second(Dual::new(1.0, 2.0))]);
        let (found, exact) = (map.flow(&s, &t, &x), growth.flow(&s, &t, &x));
        let (found, exact) = (found[0].tangent().tangent(), exact[0].tangent().tangent());
        assert!((found - exact).abs() < BOUND * (1.0 + exact.abs()), "{name}: second derivatives {found}, {exact}");
    }
}

#[test]
fn derivatives_of_a_stiff_flow_map() {
    // the columns of the Jacobian sum up to 1: mass is conserved; and the error of differences is theirs
    let map = Stiff::bdf().tolerance(Tolerance::each(1e-9, &[1e-11, 1e-15, 1e-11]).unwrap()).of(Robertson.field());
    let x = [0.9, 2e-5, 0.1];
    let jacobian = jacobian(&map, &0.0, &10.0, &x);
    for j in 0..3 {
        let sum = jacobian[0][j] + jacobian[1][j] + jacobian[2][j];
        assert!((sum - 1.0).abs() < 1e-9, "{jacobian:?}");
        let h = [1e-3, 1e-6, 1e-3][j];
        let moved = |h: f64| map.flow(&0.0, &10.0, &std::array::from_fn(|i| if i == j { x[i] + h } else { x[i] }));
        let difference = (moved(h)[0] - moved(-h)[0]) / (2.0 * h);
        assert!((difference - jacobian[0][j]).abs() < 1e-3, "column {j}: {difference}, {jacobian:?}");
    }
}

#[test]
fn all_characterizations_hold() {
    let lattice = QuasiRandom::new([0.0, 0.5], [[1.5, 2.0], [-1.0, -0.5]]).unwrap();
    for (name, solver) in methods() {
        let map = solver.tolerance(Tolerance::new(1e-8, 1e-8).unwrap()).of(VanDerPol.field());
        // forward alone: backward in time its solutions blow up
        let cases = lattice.cases(40).filter(|case: &Case<[f64; 2]>| case.s <= case.t);
        let report = verify(&map, &map, cases);
        // a velocity is wrong by the error of the state times the Jacobian, which is of size 300
        assert!(report.holds(300.0 * 100.0 * 1e-8), "{name}: {report}");
    }
}

#[test]
fn states_on_the_way() {
    let growth = Logistic::new(1.0, 10.0).unwrap();
    let span = [4.0, -1.0];
    let times = vec![-1.0, 4.0, 2.0, 3.21, -0.9, 3.999];
    for (name, solver) in methods() {
        let solve = |save: &Save| precise(solver.clone()).solve(&growth, &span[0], &span[1], &[9.0], save).unwrap();
        let path = solve(&Save::At(times.clone()));
        assert_eq!(path.times(), times);
        let dense = solve(&Save::Dense);
        for (t, x) in times.iter().zip(path.states()) {
            let exact = growth.flow(&span[0], t, &[9.0]);
            assert!((x[0] - exact[0]).abs() < BOUND * exact[0].max(1.0), "{name} at {t}: {x:?}, {exact:?}");
            assert_eq!(dense.at(t), *x, "{name} at {t}");
        }
        let steps = solve(&Save::Steps);
        assert_eq!(steps.states().len() as u64, steps.statistics().accepted + 1);
        assert_eq!((steps.times().last(), steps.states().last()), (Some(&span[1]), Some(solve(&Save::End).end())));
        for (t, x) in steps.times().iter().zip(steps.states()) {
            assert_eq!(dense.at(t), *x, "{name} at {t}");
        }
        let outside = precise(solver.clone()).solve(&ProtheroRobinson(-1.0).field(), &0.0, &1.0, &[0.0], &Save::At(vec![2.0]));
        assert!(matches!(outside, Err(Error::Invalid { .. })));
    }
}

/// `√x - 1`, which has no value once `x` is below 0, where it leads.
struct Falling;
impl Ode<1> for Falling {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [x.sqrt() - 1.0]
    }
}

struct NotANumber;
impl Ode<2> for NotANumber {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [f64::NAN * x, y.clone()]
    }
}

/// How far `solver` comes, and why no farther.
fn failure<const D: usize>(solver: &Stiff, ode: impl Ode<D>, s: f64, t: f64, x: [f64; D]) -> (f64, Status) {
    let map = solver.clone().of(ode.field());
    assert!(map.flow(&s, &t, &x).iter().all(|x| x.is_nan()));
    match map.try_flow(&s, &t, &x) {
        Err(Error::Stopped { time, status, .. }) => (time, status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_are_errors() {
    for (name, solver) in methods() {
        let (time, status) = failure(&solver, Blowup, 0.0, 2.0, [1.0]);
        assert!((time - 1.0).abs() < 1e-3 && status == Status::StepTooSmall, "{name}: {status} at {time}");
        let (time, status) = failure(&solver, Falling, 0.0, 10.0, [0.5]);
        // the way to 0 from 1/2 takes -2 (√x + ln(1 - √x)) at x = 1/2
        let over = -2.0 * (0.5_f64.sqrt() + (1.0 - 0.5_f64.sqrt()).ln());
        assert!((time - over).abs() < 1e-3 && status == Status::NotFinite, "{name}: {status} at {time}, {over}");
        assert_eq!(failure(&solver, NotANumber, 0.0, 1.0, [1.0, 1.0]), (0.0, Status::NotFinite));
        assert_eq!(failure(&solver, VanDerPol, 0.0, 1.0, [f64::NAN, 1.0]), (0.0, Status::NotFinite));
        for (s, t) in [(0.0, f64::INFINITY), (0.0, f64::NAN), (f64::NEG_INFINITY, 0.0), (-1e308, 1e308)] {
            assert_eq!(failure(&solver, VanDerPol, s, t, [2.0, -0.66]).1, Status::NotFinite, "{name}");
        }
        let (time, status) = failure(&solver.clone().max_steps(20), VanDerPol, 0.0, 2.0, [2.0, -0.66]);
        assert!(time > 0.0 && time < 2.0 && status == Status::TooManySteps, "{name}: {status} at {time}");
        assert_eq!(failure(&solver.max_steps(0), VanDerPol, 0.0, 2.0, [2.0, -0.66]), (0.0, Status::TooManySteps));
    }
}

#[test]
fn a_path_that_ends_early_is_there_up_to_its_end() {
    let path = Stiff::bdf().solve(&Blowup, &0.0, &2.0, &[1.0], &Save::At(vec![0.5, 1.5])).unwrap();
    assert_eq!((path.status(), path.times()), (Status::StepTooSmall, &[0.5][..]));
    assert!((path.states()[0][0] - 2.0).abs() < 1e-4);
    assert!(matches!(path.success(), Err(Error::Stopped { .. })));
}

#[test]
fn the_largest_error_counts_in_its_norm() {
    use flowmap::Norm;
    let steps = |norm| {
        let tolerance = Tolerance::new(1e-6, 1e-8).unwrap().in_norm(norm);
        Stiff::bdf()
            .tolerance(tolerance)
            .solve(&Hires.field(), &0.0, &321.8122, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057], &Save::End)
            .unwrap()
            .statistics()
            .accepted
    };
    assert!(steps(Norm::Maximum) > steps(Norm::RootMeanSquare));
}
