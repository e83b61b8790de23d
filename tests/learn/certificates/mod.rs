//! Bounds on the error of flow maps, where the error is known: on Gaussian problems, and for trained networks.

use flowmap::{
    Dual, FiniteDifferences, FlowMap, Number,
    backend::ndarray::NdTensor,
    certificate::{
        BoundKind, Certificate, Certifier, LipschitzBound, LipschitzEstimate, certify, logarithmic_norm, residual_map,
    },
    characterization::Lagrangian,
    distribution::{Distribution, Normal},
    exact::{Affine, Gaussian},
    field, flow_map,
    interpolant::Linear,
    random::stream,
    rhs_jacobian,
};
use rand::{Rng, RngExt};

mod refusals;
mod trained;

type Model = Gaussian<2, Linear>;
type Point = [f64; 2];

/// What the solver of tolerance 1e-10 gets wrong, and rounding.
const SLACK: f64 = 1e-8;

/// `n` draws of a distribution on the plane.
fn draws(distribution: &impl Distribution, n: usize, seed: u64) -> Vec<Point> {
    let mut rows = vec![0.0; 2 * n];
    distribution.draw_rows(&mut stream(seed, 0), &mut rows);
    rows.as_chunks().0.to_vec()
}

fn standard() -> Normal {
    Normal::standard(2).unwrap()
}

/// A symmetric positive definite matrix `A Aᵀ + I/10`, and its Cholesky factor.
fn covariance(rng: &mut impl Rng) -> ([[f64; 2]; 2], [f64; 4]) {
    let [a, b, c, d] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
    let (xx, xy, yy): (f64, f64, f64) = (a * a + b * b + 0.1, a * c + b * d, c * c + d * d + 0.1);
    let corner = xy / xx.sqrt();
    ([[xx, xy], [xy, yy]], [xx.sqrt(), 0.0, corner, (yy - corner * corner).sqrt()])
}

/// A random problem, the distribution of its noise, and a distribution that is nearly its data's.
fn problem(seed: u64) -> (Model, Normal, Model) {
    let mut rng = stream(seed, 1);
    let [(noise, factor), (data, _)] = [covariance(&mut rng), covariance(&mut rng)];
    let means: [Point; 2] = std::array::from_fn(|_| std::array::from_fn(|_| rng.random_range(-1.5..1.5)));
    let near: Point = std::array::from_fn(|i| means[1][i] + rng.random_range(-0.1..0.1));
    let scale = rng.random_range(0.9..1.2);
    let distribution = Normal::with_factor(means[0].to_vec(), &factor).unwrap();
    let exact = Gaussian::new(Linear, means, [noise, data]).unwrap();
    let wrong = data.map(|row| row.map(|c| c * scale));
    (exact, distribution, Gaussian::new(Linear, [means[0], near], [noise, wrong]).unwrap())
}

/// The one-sided Lipschitz constant of an affine field: that of its matrix.
fn lipschitz(model: Model, sign: f64) -> impl Fn(f64) -> f64 {
    move |r| logarithmic_norm(&rhs_jacobian(&model, &r, &[0.0; 2]).map(|row| row.map(|a| sign * a)))
}

/// The exact map with a smooth bump that grows with the duration.
struct Bumped(Model, f64);

impl<X: flowmap::Coordinates<2>> FlowMap<X> for Bumped {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let end: X = self.0.flow(s, t, x);
        let ([x, y], [u, v]) = (x.split(), end.split());
        let size = (t.clone() - s).scale(self.1);
        let bump = (-(x.clone() * &x + y.clone() * &y).scale(0.5)).exp() * &size;
        X::join([u + bump * &(x + t).cos(), v + (y.scale(2.0) - s).sin() * &size])
    }
}

fn judged<M: FlowMap<Point> + FlowMap<Dual<Point>>>(exact: Model, map: &M, times: [f64; 2], starts: Vec<Point>) -> Certificate {
    let sign = (times[1] - times[0]).signum();
    let certifier = Certifier::new(times, LipschitzBound::at(lipschitz(exact, sign))).unwrap();
    certifier.certify_against(&exact, map, &exact, starts).unwrap()
}

/// The root mean square error on other samples than the report's.
fn error_elsewhere(exact: &Model, map: &impl FlowMap<Point>, [s, t]: [f64; 2], starts: &[Point]) -> f64 {
    let square = |x: &Point| {
        let (a, b): (Point, Point) = (map.flow(&s, &t, x), exact.flow(&s, &t, x));
        (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
    };
    (starts.iter().map(square).sum::<f64>() / starts.len() as f64).sqrt()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn bounds_hold_on_a_hundred_perturbed_gaussian_flows() {
    let mut ratios: [Vec<f64>; 3] = Default::default();
    for seed in 0..100 {
        let (exact, distribution, near) = problem(seed);
        let times = [[0.0, 1.0], [0.0, 0.6], [0.3, 0.9]][seed as usize % 3];
        let at_start = |x: Vec<Point>| -> Vec<Point> { x.iter().map(|x| exact.flow(&0.0, &times[0], x)).collect() };
        let starts = at_start(draws(&distribution, 400, seed));
        let size = 10.0_f64.powi(-(seed as i32 % 4));
        let report = match seed % 2 {
            0 => judged(exact, &Bumped(exact, size), times, starts),
            _ => judged(exact, &near, times, starts),
        };
        assert!(report.holds(SLACK), "seed {seed}: {report}");
        let others = at_start(draws(&distribution, 4000, seed + 1000));
        let error = match seed % 2 {
            0 => error_elsewhere(&exact, &Bumped(exact, size), times, &others),
            _ => error_elsewhere(&exact, &near, times, &others),
        };
        assert!(report.w2.unwrap() <= 1.01 * report.error.value, "seed {seed}: {report}");
        for ((name, bound), ratios) in report.bounds().into_iter().zip(&mut ratios) {
            assert_eq!(bound.kind, BoundKind::Certificate);
            assert!(report.error.value <= bound.estimate.value + bound.quadrature + SLACK, "{name}, seed {seed}: {report}");
            assert!(error <= bound.upper + SLACK, "{name}, seed {seed}: {error} elsewhere, {report}");
            ratios.push(report.tightness(bound));
        }
    }
    for (name, ratios) in ["pathwise", "Lagrangian", "Eulerian"].iter().zip(ratios) {
        let largest = ratios.iter().copied().fold(0.0, f64::max);
        let middle = median(ratios);
        println!("{name}: bound over error, median {middle:.3}, largest {largest:.3}");
        assert!(middle < 4.0, "{name}: {middle}");
    }
}

/// Without this the test above could not fail.
#[test]
fn promises_that_are_not_kept_break_most_bounds() {
    let broken = (0..20).filter(|&seed| {
        let (exact, distribution, near) = problem(seed);
        let certifier = Certifier::new([0.0, 1.0], LipschitzBound::at(move |r| lipschitz(exact, 1.0)(r) - 1.5)).unwrap();
        let report = certifier.certify_against(&exact, &near, &exact, draws(&distribution, 200, seed)).unwrap();
        assert!(report.eulerian.upper >= report.error.value, "this one needs no constant: {report}");
        !report.holds(SLACK)
    });
    let broken = broken.count();
    assert!(broken >= 10, "{broken} of 20");
}

#[test]
fn backwards_too() {
    for seed in 0..10 {
        let (exact, distribution, near) = problem(seed);
        let ends: Vec<Point> = draws(&distribution, 200, seed).iter().map(|x| exact.flow(&0.0, &0.9, x)).collect();
        let report = judged(exact, &near, [0.9, 0.2], ends);
        assert!(report.holds(SLACK) && report.error.value > 1e-3, "{report}");
    }
}

#[test]
fn an_exact_map_has_bounds_at_rounding_level() {
    for seed in 0..10 {
        let (exact, distribution, _) = problem(seed);
        let report = judged(exact, &exact, [0.0, 1.0], draws(&distribution, 100, seed));
        for (name, bound) in report.bounds() {
            assert!(bound.upper < 1e-11, "{name}: {report}");
        }
        // against the solver, the error is the solver's
        let solved = certify(&exact, &exact, draws(&distribution, 100, seed)).unwrap();
        assert!(solved.error.value < SLACK && solved.lagrangian.upper < 1e-11, "{solved}");
    }
}

#[test]
fn a_lipschitz_constant_that_is_too_small_is_found_out() {
    // neighbours part as e^t, so early residuals are worth e times as much at the end
    let grow = Affine::new([[1.0, 0.0], [0.0, 1.0]], [0.0; 2]).unwrap();
    let pushed = Affine::new([[1.0, 0.0], [0.0, 1.0]], [0.1, 0.0]).unwrap();
    let report = |l: f64| {
        let certifier = Certifier::new([0.0, 2.0], LipschitzBound::constant(l)).unwrap();
        certifier.certify_against(&grow, &pushed, &grow, draws(&standard(), 100, 1)).unwrap()
    };
    let (promised, broken) = (report(1.0), report(0.5));
    assert!(promised.holds(1e-12), "{promised}");
    assert!((promised.tightness(&promised.lagrangian) - 1.0).abs() < 1e-12, "nothing is lost here: {promised}");
    assert!(!broken.holds(1e-3), "{broken}");
    assert!(broken.eulerian.upper > broken.error.value, "this one needs no constant");
}

#[test]
fn a_map_that_is_not_the_identity_at_once_pays_for_it() {
    let still = field(|_: &f64, _: &Point| [0.0, 0.0]);
    let off = FiniteDifferences::new(flow_map(|_: &f64, _: &f64, [x, y]: &Point| [x + 0.3, *y]));
    let certifier = Certifier::new([0.0, 1.0], LipschitzBound::constant(0.0)).unwrap();
    let report = certifier.certify(&off, &still, draws(&standard(), 100, 1)).unwrap();
    for (name, bound) in report.bounds() {
        assert!((bound.estimate.value - 0.3).abs() < 1e-9, "{name}: {report}");
    }
}

#[test]
fn estimates_are_called_so_and_find_the_constant_of_a_linear_field() {
    let (exact, distribution, near) = problem(3);
    let report = certify(&near, &exact, draws(&distribution, 200, 3)).unwrap();
    assert_eq!([report.pathwise.kind, report.lagrangian.kind], [BoundKind::Estimate; 2]);
    assert_eq!(report.eulerian.kind, BoundKind::Certificate);
    let given = judged(exact, &near, [0.0, 1.0], draws(&distribution, 200, 3));
    assert!((report.growth - given.growth).abs() < 1e-12);
    assert!((report.lagrangian.upper / given.lagrangian.upper - 1.0).abs() < 1e-9);
    let text = report.to_string();
    assert!(text.contains("estimate") && text.contains("certificate") && text.contains("tolerance 1e-10"), "{text}");
    assert!(given.to_string().contains("against a given flow"));
}

#[test]
fn the_worst_points_are_the_worst() {
    let exact = problem(5).0;
    // a map that is wrong near one point only
    let dent = FiniteDifferences::new(flow_map(move |s: &f64, t: &f64, x: &Point| {
        let end: Point = exact.flow(s, t, x);
        let near = (-20.0 * ((x[0] - 0.5).powi(2) + (x[1] + 0.5).powi(2))).exp();
        [end[0] + 0.2 * (t - s) * near, end[1]]
    }));
    let certifier = Certifier::new([0.0, 1.0], LipschitzBound::at(lipschitz(exact, 1.0))).unwrap().worst(3);
    let report = certifier.certify_against(&exact, &dent, &exact, draws(&standard(), 2000, 5)).unwrap();
    assert_eq!(report.worst.len(), 3);
    for point in &report.worst {
        assert!((point.x[0] - 0.5).hypot(point.x[1] + 0.5) < 0.2, "{report}");
        assert!(point.error <= point.bound + 1e-7 && point.error > 0.05 && point.residual > 0.05, "{report}");
    }
    assert!(report.worst.is_sorted_by(|a, b| a.bound >= b.bound));
}

#[test]
fn batches_are_their_points() {
    let (exact, distribution, near) = problem(8);
    let starts = draws(&distribution, 60, 8);
    let rows = starts.chunks(20).map(|chunk| NdTensor::new(chunk.concat(), &[20, 2]).unwrap());
    let certifier = Certifier::new([0.0, 1.0], LipschitzEstimate).unwrap();
    let batches = certifier.certify_against(&exact, &near, &exact, rows.collect::<Vec<NdTensor<f64>>>()).unwrap();
    let points = certifier.certify_against(&exact, &near, &exact, starts).unwrap();
    assert_eq!(batches.samples, 60);
    for ((name, a), (_, b)) in batches.bounds().into_iter().zip(points.bounds()) {
        assert!((a.upper / b.upper - 1.0).abs() < 1e-12, "{name}: {batches} {points}");
    }
    assert_eq!(batches.worst[0].x.len(), 2);
    assert!((batches.worst[0].bound / points.worst[0].bound - 1.0).abs() < 1e-12);
}

#[test]
fn standard_errors_are_the_scatter_over_repetitions() {
    let (exact, distribution, _) = problem(11);
    let map = Bumped(exact, 0.5);
    let reports: Vec<_> = (0..60).map(|seed| judged(exact, &map, [0.0, 1.0], draws(&distribution, 200, 2000 + seed))).collect();
    for k in 0..3 {
        let values: Vec<f64> = reports.iter().map(|report| report.bounds()[k].1.estimate.value).collect();
        let mean = values.iter().sum::<f64>() / 60.0;
        let scatter = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 59.0).sqrt();
        let claimed = reports.iter().map(|report| report.bounds()[k].1.estimate.standard_error).sum::<f64>() / 60.0;
        assert!((0.65..1.5).contains(&(claimed / scatter)), "{}: {claimed} and {scatter}", reports[0].bounds()[k].0);
    }
}

#[test]
fn a_jump_of_the_lipschitz_constant_is_allowed_for() {
    let grow = Affine::new([[1.0, 0.0], [0.0, 1.0]], [0.0; 2]).unwrap();
    let pushed = Affine::new([[1.0, 0.0], [0.0, 1.0]], [0.1, 0.0]).unwrap();
    // 1 is enough, more is promised from 0.3 on
    let certifier = Certifier::new([0.0, 1.0], LipschitzBound::at(|r| if r < 0.3 { 1.0 } else { 2.0 })).unwrap();
    let report = certifier.certify_against(&grow, &pushed, &grow, draws(&standard(), 100, 1)).unwrap();
    assert!(report.lagrangian.quadrature > 1e-3 * report.lagrangian.estimate.value, "{report}");
    // 0.1 ∫_0^1 exp ∫_r^1 L dr
    let exact = 0.1 * ((1.4_f64.exp() - 1.0) / 2.0 + 1.4_f64.exp() * (0.3_f64.exp() - 1.0));
    assert!((report.lagrangian.estimate.value - exact).abs() < report.lagrangian.quadrature, "{exact} {report}");
}

#[test]
fn residuals_of_a_worse_map_are_larger_where_it_is_worse() {
    let (exact, distribution, _) = problem(2);
    let starts = draws(&distribution, 50, 2);
    // a bump of which the derivative is 0 for late starts
    let late = FiniteDifferences::new(flow_map(move |s: &f64, t: &f64, x: &Point| {
        let end: Point = exact.flow(s, t, x);
        if *s < 0.5 { [end[0] + 0.1 * (t - s), end[1]] } else { end }
    }));
    let map = residual_map(&Lagrangian, &late, &exact, &exact, &starts, [0.0, 1.0], 8).unwrap();
    assert!(map.at(1, 6) > 0.05 && map.at(5, 6) < 1e-6 && map.at(6, 1).is_nan());
}

#[cfg(feature = "plot")]
#[test]
fn residuals_become_a_picture() {
    use flowmap::plot::{ColourBar, Plane, heat_map};
    let (exact, distribution, near) = problem(2);
    let residuals = residual_map(&Lagrangian, &near, &exact, &exact, &draws(&distribution, 50, 2), [0.0, 1.0], 12).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("residuals.png");
    let plane = Plane { title: "residual", x: "s", y: "t" };
    heat_map(&path, &plane, &ColourBar { name: "RMS", range: None }, &residuals).unwrap();
    assert!(std::fs::metadata(path).unwrap().len() > 1000);
}

#[test]
fn reports_are_stored_and_come_back() {
    let (exact, distribution, near) = problem(9);
    let report = judged(exact, &near, [0.0, 1.0], draws(&distribution, 100, 9));
    let stored = serde_json::to_string(&report).unwrap();
    let back: Certificate = serde_json::from_str(&stored).unwrap();
    assert_eq!(report, back);
}
