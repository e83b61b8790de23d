//! Every exact flow against everything that is known of exact flows.
//!
//! One table, [`flows!`], lists the flows; each line of it runs the whole suite on random flows, times and points.

#[path = "../common/mod.rs"]
mod common;
mod drawn;
mod faults;
mod particular;
mod pictures;
mod suite;

use flowmap::{
    exact::{Pitchfork, Riccati, strategy},
    interpolant::{Linear, Trigonometric, VariancePreserving},
};
use proptest::prelude::Just;

macro_rules! flows {
    ($($name:ident: $flows:expr;)*) => {
        /// What the table lists.
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        $(
        mod $name {
            use super::*;

            #[test]
            fn identities() {
                drawn::each(drawn::objects($flows), suite::identities);
            }
            #[test]
            fn identities_in_single_precision() {
                drawn::each(drawn::objects($flows), suite::identities_in_single_precision);
            }
            #[test]
            fn there_and_back() {
                drawn::each(drawn::objects($flows), suite::there_and_back);
            }
            #[test]
            fn closed_jacobian() {
                drawn::each(drawn::objects($flows), suite::closed_jacobian);
            }
            #[test]
            fn batches() {
                drawn::batches(drawn::objects($flows), suite::batches);
            }

            #[test]
            fn faults_are_caught() {
                faults::are_caught(drawn::objects($flows));
            }
            #[test]
            fn picture() {
                pictures::check(stringify!($name), || pictures::draw(drawn::objects($flows)));
            }
        }
        )*
    };
}

flows! {
    blowup: strategy::blowup();
    periodic_growth: strategy::periodic_growth();
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

/// Flows that the table must not lose: the scalar ones, linear systems, transport of quantiles, Gaussian probability flows,
/// nonlinear ones in several dimensions.
const EXPECTED: [&[&str]; 5] = [
    &[
        "periodic_growth",
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

#[test]
fn every_picture_is_that_of_a_flow() {
    for name in pictures::names() {
        assert!(TESTED.contains(&name.as_str()), "no line in the table of flows checks the picture of {name}");
    }
}
