//! Every exact flow against everything that is known of exact flows.
//!
//! One table, [`flows!`] at the end, lists the flows; each line of it runs the whole suite on random flows, times and points.
//!
//! The bound of an identity is `max(1e-9, 100 eps κ)` relative in `f64`, and `100 eps κ` in `f32`, which has no digits to
//! give away. `κ` is the condition number of what the identity computes: how much a relative change of its inputs, and of
//! what passes from one step to the next, changes the result. It is measured by forward mode, in `f64`, case by case.

use flowmap::{
    Case, Dual, Error, FlowMap, Real, Report, State, Value, VelocityField,
    backend::ndarray::NdTensor,
    characterization::Eulerian,
    exact::{
        Blowup, ExactFlow, Gaussian, Logistic, Pitchfork, Riccati, jacobian_of,
        strategy::{self, Typical, cases, covariance, with_case},
    },
    interpolant::{Interpolant, Linear, Trigonometric, VariancePreserving},
    nalgebra::SMatrix,
    verify,
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{TestCaseResult, TestRunner},
};

/// The flow map and the field on the states that the suite uses.
trait On<X: State>: FlowMap<X> + VelocityField<X> {}
impl<X: State, F: FlowMap<X> + VelocityField<X>> On<X> for F {}

/// What the suite asks of a flow in `D` dimensions: a trait object, so that the suite is compiled once for each dimension.
trait Tested<const D: usize>:
    On<[f64; D]>
    + On<Dual<[f64; D]>>
    + On<[f32; D]>
    + On<Dual<[f32; D]>>
    + On<[Dual<f64>; D]>
    + On<Dual<[Dual<f64>; D]>>
    + On<NdTensor<f64>>
    + On<Dual<NdTensor<f64>>>
{
    fn closed_jacobian(&self, s: f64, t: f64, x: &[f64; D]) -> [[f64; D]; D];
    fn is_alive(&self, s: f64, t: f64, x: &[f64; D]) -> bool;
}
impl<const D: usize, F> Tested<D> for F
where
    F: Typical<D>
        + On<[f64; D]>
        + On<Dual<[f64; D]>>
        + On<[f32; D]>
        + On<Dual<[f32; D]>>
        + On<[Dual<f64>; D]>
        + On<Dual<[Dual<f64>; D]>>
        + On<NdTensor<f64>>
        + On<Dual<NdTensor<f64>>>,
{
    fn closed_jacobian(&self, s: f64, t: f64, x: &[f64; D]) -> [[f64; D]; D] {
        self.jacobian(&s, &t, x)
    }
    fn is_alive(&self, s: f64, t: f64, x: &[f64; D]) -> bool {
        self.domain(s, t, x).is_ok()
    }
}

/// Where the golden share of the time is over: the meeting point of the first case that [`verify`] is given.
const SHARE: f64 = 0.618_033_988_749_895;

/// `Σ |input| |∂f/∂input| / max(1, |f|)` over the two times and the coordinates.
fn condition<const D: usize>(
    s: f64,
    t: f64,
    x: &[f64; D],
    f: impl Fn(&Dual<f64>, &Dual<f64>, &[Dual<f64>; D]) -> [Dual<f64>; D],
) -> f64 {
    let moved = |input: usize| {
        let dual = |i: usize, value: f64| Dual::new(value, if i == input { value } else { 0.0 });
        f(&dual(0, s), &dual(1, t), &std::array::from_fn(|i| dual(i + 2, x[i])))
    };
    let size = moved(0).map(|y| *y.value()).norm().max(1.0);
    let tangent = |y: Dual<f64>| y.moving().copied().unwrap_or(0.0);
    (0..D + 2).map(|input| moved(input).map(tangent).norm()).sum::<f64>() / size
}

/// The condition numbers of the identities, in the order of a [`Report`], and last that of going there and back.
fn conditions<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> [f64; 6] {
    let Case { s, t, x } = case;
    let u = s + SHARE * (t - s);
    let way = |s: &f64, t: &f64, x: &[f64; D]| condition(*s, *t, x, |s, t, x| flow.flow(s, t, x));
    let field = |t: &f64, x: &[f64; D]| condition(0.0, *t, x, |_, t, x| flow.velocity(t, x));
    let (middle, end): ([f64; D], [f64; D]) = (flow.flow(s, &u, x), flow.flow(s, t, x));
    [
        way(s, s, x),
        field(s, x),
        field(t, &end) * (1.0 + way(s, t, x)),
        condition(*s, *t, x, |s, t, x| Eulerian::transport(flow, flow, s, t, x)),
        way(&u, t, &middle) * (1.0 + way(s, &u, x)),
        way(t, s, &end) * (1.0 + way(s, t, x)),
    ]
    .map(|condition| condition.max(1.0))
}

fn bound(floor: f64, eps: f64, condition: f64) -> f64 {
    // a flow whose derivatives are wrong measures a wrong condition: it must not loosen its own bound without limit
    const CEILING: f64 = 1e7;
    floor.max(100.0 * eps * condition).min(100.0 * eps * CEILING).min(1e-2)
}

fn within(report: &Report, conditions: &[f64; 6], floor: f64, eps: f64) -> TestCaseResult {
    prop_assert_eq!(report.lines.len(), 5);
    for (line, &condition) in report.lines.iter().zip(conditions) {
        prop_assert!(line.cases == 1);
        prop_assert!(line.max <= bound(floor, eps, condition), "{} with condition {condition:.1e}:\n{report}", line.name);
    }
    Ok(())
}

fn identities<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    let report = verify(flow, flow, [case.clone()]);
    within(&report, &conditions(flow, case), 1e-9, f64::EPSILON)
}

fn identities_in_single_precision<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    let single = Case { s: case.s as f32, t: case.t as f32, x: case.x.map(|x| x as f32) };
    let report = verify(flow, flow, [single]);
    within(&report, &conditions(flow, case), 0.0, f32::EPSILON.into())
}

fn there_and_back<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    fn error<R: Real, const D: usize>(flow: &(impl On<[R; D]> + ?Sized), s: R, t: R, x: [R; D]) -> f64 {
        let back = flow.flow(&t, &s, &flow.flow(&s, &t, &x));
        let (error, size): (R, R) = (back.minus(&x).norm(), x.norm());
        error.into_f64() / size.into_f64().max(1.0)
    }
    let Case { s, t, x } = case;
    let condition = conditions(flow, case)[5];
    let double = error(flow, *s, *t, *x);
    prop_assert!(double <= bound(1e-9, f64::EPSILON, condition), "{double:.1e} with condition {condition:.1e}");
    let single = error(flow, *s as f32, *t as f32, x.map(|x| x as f32));
    prop_assert!(single <= bound(0.0, f32::EPSILON.into(), condition), "{single:.1e} in f32, condition {condition:.1e}");
    Ok(())
}

fn closed_jacobian<const D: usize>(flow: &dyn Tested<D>, case: &Case<[f64; D]>) -> TestCaseResult {
    let Case { s, t, x } = case;
    let (closed, forward) = (flow.closed_jacobian(*s, *t, x), jacobian_of(flow, s, t, x));
    // the condition of ∇X(x) e for each unit vector e would need one more derivative; that of the way is the same to a factor
    let condition = conditions(flow, case)[4];
    let size = forward.as_flattened().iter().fold(1.0_f64, |size, entry| size.max(entry.abs()));
    for (a, b) in closed.as_flattened().iter().zip(forward.as_flattened()) {
        prop_assert!((a - b).abs() <= bound(1e-9, f64::EPSILON, condition) * size, "{closed:?} against {forward:?}");
    }
    Ok(())
}

/// A batch goes where its points go, with a time for each and with one time for all; and it satisfies the identities.
fn batches<const D: usize>(flow: &dyn Tested<D>, cases: &[Case<[f64; D]>]) -> TestCaseResult {
    let n = cases.len();
    let tensor = |values: Vec<f64>, shape: &[usize]| NdTensor::new(values, shape).unwrap();
    let times = |time: fn(&Case<[f64; D]>) -> f64| tensor(cases.iter().map(time).collect(), &[n]);
    let points: Vec<f64> = cases.iter().flat_map(|case| case.x).collect();
    let own = Case { s: times(|c| c.s), t: times(|c| c.t), x: tensor(points.clone(), &[n, D]) };
    let condition = cases.iter().flat_map(|case| conditions(flow, case)).fold(1.0, f64::max);
    let tolerance = bound(1e-9, f64::EPSILON, condition);
    let report = verify(flow, flow, [own.clone()]);
    prop_assert!(report.lines.iter().all(|line| line.cases == n) && report.holds(tolerance), "{report}");
    // the flow of the first case, with its times, also carries the others that live as long
    let first = &cases[0];
    let alive: Vec<_> = cases.iter().filter(|case| flow.is_alive(first.s, first.t, &case.x)).collect();
    let x = tensor(alive.iter().flat_map(|case| case.x).collect(), &[alive.len(), D]);
    let shared = Case { s: tensor(vec![first.s], &[]), t: tensor(vec![first.t], &[]), x };
    let ends = |case: &Case<NdTensor<f64>>| flow.flow(&case.s, &case.t, &case.x).values();
    let velocities = |case: &Case<NdTensor<f64>>| flow.velocity(&case.t, &case.x).values();
    let expected = |points: &[(f64, f64, [f64; D])]| -> (Vec<f64>, Vec<f64>) {
        let ends = points.iter().flat_map(|(s, t, x)| -> [f64; D] { flow.flow(s, t, x) }).collect();
        (ends, points.iter().flat_map(|(_, t, x)| -> [f64; D] { flow.velocity(t, x) }).collect())
    };
    let own_points: Vec<_> = cases.iter().map(|c| (c.s, c.t, c.x)).collect();
    let shared_points: Vec<_> = alive.iter().map(|c| (first.s, first.t, c.x)).collect();
    for (batch, points) in [(&own, own_points), (&shared, shared_points)] {
        let (end, velocity) = expected(&points);
        for (found, expected) in [(ends(batch), end), (velocities(batch), velocity)] {
            prop_assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(&expected) {
                prop_assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} in the batch, {b} alone");
            }
        }
    }
    Ok(())
}

/// One thing wrong with a flow.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The map's value is off by a factor.
    Value,
    /// The way that the map goes is: `X_{s,s} = id` holds.
    Displacement,
    /// A sign in the map: it runs backward. It still is a semigroup, and its own inverse's.
    Backward,
    /// The field is off by a factor.
    Speed,
    /// A sign in the field.
    Sign,
}

struct Faulty<'a, F: ?Sized>(&'a F, Fault);

impl<X: State, F: FlowMap<X> + ?Sized> FlowMap<X> for Faulty<'_, F> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        use flowmap::Number;
        let end = || self.0.flow(s, t, x);
        let factor = s.constant(1.001);
        match self.1 {
            Fault::Value => end().scaled(&factor),
            Fault::Displacement => x.plus(&end().minus(x).scaled(&factor)),
            Fault::Backward => self.0.flow(t, s, x),
            Fault::Speed | Fault::Sign => end(),
        }
    }
}

impl<X: State, F: VelocityField<X> + ?Sized> VelocityField<X> for Faulty<'_, F> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        use flowmap::Number;
        let velocity = self.0.velocity(t, x);
        match self.1 {
            Fault::Speed => velocity.scaled(&t.constant(1.001)),
            Fault::Sign => velocity.negated(),
            Fault::Value | Fault::Displacement | Fault::Backward => velocity,
        }
    }
}

/// 16 flows of a deterministic draw: a flow drawn at random may be so slow that no fault shows.
fn faults_are_caught<const D: usize, F: Tested<D> + Typical<D>>(flows: impl Strategy<Value = F>) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..16 {
        let flow = flows.new_tree(&mut runner).unwrap().current();
        let cases = vec(cases(&flow), 8).new_tree(&mut runner).unwrap().current();
        faults_show(&flow, &format!("{flow:?}"), &cases);
    }
}

fn faults_show<const D: usize>(flow: &dyn Tested<D>, name: &str, cases: &[Case<[f64; D]>]) {
    let report = verify(flow, flow, cases.to_vec());
    assert!(report.holds(1e-9), "{name}\n{report}");
    for fault in [Fault::Value, Fault::Displacement, Fault::Backward, Fault::Speed, Fault::Sign] {
        // where a backward map runs into a blow-up its residual is infinite, and counts as found
        let report = verify(&Faulty(flow, fault), &Faulty(flow, fault), cases.to_vec());
        assert!(!report.holds(1e-5), "{fault:?} in {name} went unnoticed\n{report}");
    }
}

macro_rules! flows {
    ($($name:ident: $flows:expr;)*) => {
        /// What the table lists.
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        $(
        mod $name {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(256))]

                #[test]
                fn identities((flow, case) in with_case($flows)) {
                    super::identities(&flow, &case)?;
                }
                #[test]
                fn identities_in_single_precision((flow, case) in with_case($flows)) {
                    super::identities_in_single_precision(&flow, &case)?;
                }
                #[test]
                fn there_and_back((flow, case) in with_case($flows)) {
                    super::there_and_back(&flow, &case)?;
                }
                #[test]
                fn batches((flow, cases) in $flows.prop_flat_map(|flow| { let cases = vec(cases(&flow), 1..8); (Just(flow), cases) })) {
                    super::batches(&flow, &cases)?;
                }
                #[test]
                fn closed_jacobian((flow, case) in with_case($flows)) {
                    super::closed_jacobian(&flow, &case)?;
                }
            }

            #[test]
            fn faults_are_caught() {
                super::faults_are_caught($flows);
            }
        }
        )*
    };
}

flows! {
    blowup: strategy::blowup();
    linear: strategy::linear();
    logistic: strategy::logistic();
    rotation: strategy::rotation();
    affine_in_1_dimension: strategy::affine::<1>();
    affine_in_4_dimensions: strategy::affine::<4>();
    coupling_in_2_dimensions: strategy::coupling::<2>();
    coupling_in_5_dimensions: strategy::coupling::<5>();
    gaussian_linear: strategy::gaussian::<3, _>(Linear);
    gaussian_trigonometric: strategy::gaussian::<3, _>(Trigonometric);
    gaussian_variance_preserving: strategy::gaussian::<3, _>(VariancePreserving::default());

    // on the line
    bernoulli: strategy::bernoulli();
    cubic_decay: Just(Pitchfork::new(0.0, 0.5).unwrap());
    drift_in_2_dimensions: strategy::drift::<2>();
    michaelis_menten: strategy::michaelis_menten();
    pitchfork: strategy::pitchfork();
    prothero_robinson: strategy::prothero_robinson();
    quadratic_drag: strategy::quadratic_drag();
    quintic_tube: strategy::quintic_tube();
    riccati: strategy::riccati();
    separable_exponential: strategy::time_changed(strategy::logarithmic_growth());
    separable_sine: strategy::time_changed(strategy::overdamped_pendulum());
    separable_tangent: strategy::time_changed(Just(Riccati::new([1.0, 0.0, 1.0]).unwrap()));
    time_changed_rotation: strategy::time_changed(strategy::rotation());

    // linear systems
    charged_particle: strategy::charged_particle();
    damped_oscillator: strategy::damped_oscillator();
    rodrigues: strategy::rodrigues();
    shear: strategy::shear();
    turning_in_2_dimensions: strategy::turning::<2>();

    // transport of quantiles
    density_mixing: strategy::density_mixing();
    empirical: strategy::empirical(Linear);
    mixture_linear: strategy::mixture(Linear);
    mixture_variance_preserving: strategy::mixture(VariancePreserving::default());

    // special Gaussian flows
    correlated: strategy::correlated::<1, _>(Linear);
    diagonal_gaussian_trigonometric: strategy::diagonal_gaussian::<3, _>(Trigonometric);
    dirac: strategy::dirac::<2, _>(Linear);
    latent_noise: strategy::latent_noise::<2, _>(Linear);
    rank_one: strategy::rank_one::<3, _>(Linear);

    // nonlinear, several dimensions
    abc_shear: strategy::abc_shear();
    calogero_moser_of_2: strategy::calogero_moser::<4>();
    calogero_moser_of_3: strategy::calogero_moser::<6>();
    duffing: strategy::duffing();
    geodesic: strategy::geodesic();
    hopf: strategy::hopf();
    kepler: strategy::kepler();
    kuramoto_pair: strategy::kuramoto_pair();
    pendulum: strategy::pendulum();
    point_vortices: strategy::point_vortices();
    projective_riccati: strategy::projective_riccati::<2>();
    radial: strategy::radial::<3>();
    rigid_body: strategy::rigid_body();
    slow_manifold: strategy::slow_manifold();
    taylor_green: strategy::taylor_green();
    toda: strategy::toda();
}

/// `J C_s Jᵀ = C_t` and `ln det J = (ln det C_t - ln det C_s) / 2`, with covariances from their definition.
fn carries_the_law<I: Interpolant + Clone>(path: I, laws: [[[f64; 3]; 3]; 2], shares: [f64; 2]) -> TestCaseResult {
    let [start, end] = path.span();
    let [s, t] = shares.map(|share| start + share * (end - start));
    let matrix = |rows: &[[f64; 3]; 3]| SMatrix::<f64, 3, 3>::from_fn(|i, j| rows[i][j]);
    let law = |t: &f64| matrix(&laws[0]) * path.alpha(t).powi(2) + matrix(&laws[1]) * path.beta(t).powi(2);
    let flow = Gaussian::new(path.clone(), [[0.5, -1.0, 2.0], [1.0, 0.0, -3.0]], laws).unwrap();
    let jacobian = matrix(&flow.jacobian(&s, &t, &[0.0; 3]));
    let carried = jacobian * law(&s) * jacobian.transpose();
    prop_assert!((carried - law(&t)).norm() <= 1e-12 * (1.0 + jacobian.norm().powi(2)) * law(&s).norm());
    let expected = 0.5 * (law(&t).determinant().ln() - law(&s).determinant().ln());
    prop_assert!((jacobian.determinant().ln() - expected).abs() < 1e-9);
    prop_assert!((matrix(&flow.covariance(&t)) - law(&t)).norm() <= 1e-13 * law(&t).norm().max(1.0));
    let mean = flow.flow(&s, &t, &flow.mean(&s));
    prop_assert!(mean.minus(&flow.mean(&t)).norm() < 1e-13);
    Ok(())
}

/// The solution is there until shortly before `time`, and gone shortly after, in whichever direction that is.
fn ends_at<F: Tested<1>>(flow: &F, s: f64, x: f64, time: f64) -> TestCaseResult {
    let at = |share: f64| s + share * (time - s);
    prop_assert!(flow.try_flow(&s, &at(0.999), &[x]).is_ok());
    prop_assert!(flow.flow(&s, &at(1.001), &[x])[0].is_nan());
    match flow.try_flow(&s, &at(1.001), &[x]) {
        Err(Error::BlowUp { from, to, time: found }) => {
            prop_assert_eq!([from, to], [s, at(1.001)]);
            prop_assert!((found - time).abs() <= 1e-12 * (1.0 + time.abs()), "{found} for {time}");
        }
        other => prop_assert!(false, "{other:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn gaussian_flows_carry_the_law(laws in [covariance(), covariance()], shares in [0.0..=1.0, 0.0..=1.0]) {
        carries_the_law(Linear, laws, shares)?;
        carries_the_law(Trigonometric, laws, shares)?;
        carries_the_law(VariancePreserving::default(), laws, shares)?;
    }

    #[test]
    fn blow_up_times(s in -1.0..1.0, size in 0.1..10.0_f64, sign in prop::bool::ANY) {
        let x = if sign { size } else { -size };
        ends_at(&Blowup, s, x, s + 1.0 / x)?;
    }

    #[test]
    fn blow_up_times_of_logistic_growth(s in -1.0..1.0, rate in 0.1..3.0_f64, excess in 0.1..10.0_f64, signs: [bool; 2]) {
        let rate = if signs[0] { rate } else { -rate };
        let flow = Logistic::new(rate, 2.0).unwrap();
        // 1 - K/x is (1 + a)/a for x = -aK and a/(1 + a) for x = (1 + a)K
        let grown = f64::ln((1.0 + excess) / excess) / rate;
        if signs[1] {
            ends_at(&flow, s, -2.0 * excess, s + grown)?;
        } else {
            ends_at(&flow, s, 2.0 * (1.0 + excess), s - grown)?;
        }
    }
}

/// Flows that the table must not lose: the scalar ones, linear systems, transport of quantiles, Gaussian probability flows,
/// nonlinear ones in several dimensions.
const EXPECTED: [&[&str]; 5] = [
    &[
        "linear",
        "drift",
        "prothero_robinson",
        "logistic",
        "blowup",
        "riccati",
        "bernoulli",
        "pitchfork",
        "cubic_decay",
        "separable_tangent",
        "separable_sine",
        "separable_exponential",
        "quintic_tube",
        "quadratic_drag",
        "michaelis_menten",
        "time_changed",
    ],
    &["affine", "shear", "damped_oscillator", "rotation", "rodrigues", "charged_particle", "turning"],
    &["density_mixing", "mixture", "empirical"],
    &[
        "gaussian_linear",
        "gaussian_trigonometric",
        "gaussian_variance_preserving",
        "diagonal_gaussian",
        "correlated",
        "latent_noise",
        "rank_one",
        "dirac",
    ],
    &[
        "abc_shear",
        "calogero_moser",
        "coupling",
        "duffing",
        "geodesic",
        "hopf",
        "kepler",
        "kuramoto_pair",
        "pendulum",
        "point_vortices",
        "projective_riccati",
        "radial",
        "rigid_body",
        "slow_manifold",
        "taylor_green",
        "toda",
    ],
];

#[test]
fn no_flow_is_missing() {
    // a table may list a flow in several dimensions, or along several interpolants
    let is_tested = |name: &str| {
        let variants = TESTED.iter().filter_map(|line| line.strip_prefix(name));
        variants.into_iter().any(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    for name in EXPECTED.concat() {
        assert!(is_tested(name), "{name} has no line in the table of flows");
    }
    assert!(!is_tested("double_gyre") && !is_tested("kuramoto_pai"), "the look-up finds everything");
}
