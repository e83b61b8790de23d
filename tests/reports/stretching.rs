//! Finite-time Lyapunov exponents and densities, at points of rest too, where values say nothing about errors of derivatives.

use crate::runs::{MANY, METHODS, ode, within};
use flowmap::{
    Error, FiniteDifferences, FlowMap, Number, Ode, State, VelocityField,
    analysis::{Grid, ScalarField, ftle},
    exact::Affine,
    likelihood::{
        ByAugmentedOde, ByDivergence, ByJacobian, Density, ExactTrace, Pushforward, StandardNormal, VolumeChange, WithDivergence,
    },
    nalgebra::DVector,
    solver::{DOP853, DOPRI5},
};
use std::f64::consts::{PI, TAU};

ode!(Gyre, 2, |t, [x, y]| {
    let swing = t.scale(0.628).sin().scale(0.25);
    let lean = swing.scale(-2.0).shift(1.0);
    let (f, slope) = (((swing.clone() * x) + &lean) * x, (swing * x).scale(2.0) + lean);
    let (across, up) = (f.scale(PI), y.scale(PI));
    [(across.sin() * up.cos()).scale(-0.1 * PI), (across.cos() * up.sin() * slope).scale(0.1 * PI)]
});

/// Starts at time 0, where they are at time 12, and the exponent.
const GYRE: [([f64; 2], [f64; 2], f64); 4] = [
    ([1.2, 0.1], [1.234_175_642_673_601_6, 0.917_419_750_354_213_4], 0.129_619_196_359_406_2),
    ([0.5, 0.3], [1.951_025_690_874_799_6, 0.254_105_484_057_811_4], 0.189_898_463_581_577_76),
    ([1.0, 0.5], [0.475_669_339_175_069_5, 0.797_084_047_866_551_3], 0.091_817_872_761_986_88),
    ([0.02, 0.02], [0.926_014_783_460_114_4, 0.998_362_521_719_396_8], 0.275_911_298_863_005_7),
];

/// The double gyre keeps areas, so that neighbours part as much backward from the image as forward from the start;
/// OpenDrift/opendrift#1269.
#[test]
fn the_exponent_backward_from_the_image_is_that_forward_from_the_start() {
    for method in METHODS {
        let map = within(1e-9, 1e-9)(method).of(Gyre.field());
        for (start, image, expected) in GYRE {
            crate::runs::close(method.name, &map.flow(&0.0, &12.0, &start), &image, [0.0, 10.0 * MANY * 1e-9]);
            let forward = ftle(&map, &0.0, &12.0, &start).unwrap();
            let backward = ftle(&map, &12.0, &0.0, &image).unwrap();
            crate::runs::close(method.name, &[forward, backward], &[expected; 2], [0.0, MANY * 1e-9]);
        }
    }
    let plain = FiniteDifferences::<_, [f64; 2]>::new(within(1e-12, 1e-12)(DOP853).of(Gyre.field()));
    for (start, image, expected) in GYRE {
        let [forward, backward] = [ftle(&plain, &0.0, &12.0, &start), ftle(&plain, &12.0, &0.0, &image)].map(Result::unwrap);
        crate::runs::close("differences", &[forward, backward], &[expected; 2], [0.0, 1e-6]);
    }
}

/// A picture has across first: cell `(i, j)` is that of `centre(i, j)`.
#[test]
fn a_picture_of_exponents_has_its_cells_where_they_belong() {
    let map = within(1e-6, 1e-9)(DOPRI5).of(Gyre.field());
    let grid = Grid::new([[0.0, 2.0], [0.0, 1.0]], [6, 3]).unwrap();
    for [s, t] in [[0.0, 12.0], [12.0, 0.0]] {
        let exponent = |x: [f64; 2]| ftle(&map, &s, &t, &x).unwrap();
        let picture = ScalarField::sample(grid, exponent);
        for (i, j) in (0..6).flat_map(|i| (0..3).map(move |j| (i, j))) {
            assert_eq!(picture.at(i, j), exponent([(i as f64 + 0.5) / 3.0, (j as f64 + 0.5) / 3.0]));
        }
    }
}

/// The exponent of a linear system from where it rests and from elsewhere, by every method.
fn parts(matrix: [[f64; 2]; 2], times: &[f64], absolute: f64, expected: impl Fn(f64) -> f64) {
    let system = Affine::new(matrix, [0.0; 2]).unwrap();
    for method in METHODS {
        let map = within(1e-6, absolute)(method).of(system.field());
        for &time in times {
            for start in [[0.0, 0.0], [0.5, -0.25]] {
                let found = ftle(&map, &0.0, &time, &start).unwrap();
                // errors of stretches add up over the time, and the exponent is divided by it
                let what = format!("{} from {start:?} for {time}", method.name);
                crate::runs::close(&what, &[found], &[expected(time)], [0.0, MANY * 1e-6]);
            }
        }
    }
}

/// `x' = 0.3 x, y' = -0.3 y`, the shear `x' = 2y` and a rotation; github jtuhtan/LCS2D.
#[test]
fn saddles_shears_and_rotations_part_neighbours_as_in_closed_form() {
    parts([[0.3, 0.0], [0.0, -0.3]], &[5.0, -5.0, 40.0, 100.0, -100.0], 1e-9, |_| 0.3);
    parts([[0.0, 2.0], [0.0, 0.0]], &[5.0, -5.0, 100.0], 1e-9, |time| time.abs().asinh() / time.abs());
    parts([[0.0, -1.0], [1.0, 0.0]], &[5.0, -5.0, 100.0], 1e-9, |_| 0.0);
    let still = within(1e-6, 1e-9)(DOPRI5).of(Affine::new([[0.3, 0.0], [0.0, -0.3]], [0.0; 2]).unwrap().field());
    assert!(matches!(ftle(&still, &1.0, &1.0, &[0.0, 0.0]), Err(Error::Invalid { .. })));
}

/// A sibling of jtuhtan/LCS2D: a sink and a source at rest for long.
#[test]
fn sinks_and_sources_at_rest_have_their_rates() {
    parts([[0.3, 0.0], [0.0, 0.1]], &[5.0, 50.0, 150.0], 1e-9, |_| 0.3);
    parts([[-0.3, 0.0], [0.0, -0.5]], &[5.0, 30.0], 1e-9, |_| -0.3);
    // smaller than any absolute tolerance
    parts([[-0.3, 0.0], [0.0, -0.5]], &[50.0, 200.0], 0.0, |_| -0.3);
    parts([[-0.3, 0.0], [0.0, -0.5]], &[-50.0, -150.0], 1e-9, |_| 0.5);
}

/// A sibling of jtuhtan/LCS2D: a pendulum at rest on top, where neighbours part like `cosh t`; the exponent is that of the saddle
/// with the eigenvalues 1 and -1, whose axes are orthogonal.
#[test]
fn a_pendulum_on_top_parts_neighbours_though_it_rests() {
    ode!(OnTop, 2, |_t, [angle, speed]| [speed.clone(), angle.sin()]);
    for method in METHODS {
        let map = within(1e-6, 1e-9)(method).of(OnTop.field());
        for time in [2.0, 10.0, 25.0, -10.0] {
            crate::runs::close(method.name, &[ftle(&map, &0.0, &time, &[0.0, 0.0]).unwrap()], &[1.0], [0.0, MANY * 1e-6]);
        }
    }
}

/// `x' = 3t² x` in any number of dimensions.
#[derive(Clone, Copy)]
struct Cubed;

impl<X: State> VelocityField<X> for Cubed {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        x.scaled(&(t.clone() * t).scale(3.0))
    }
}

/// The normal distribution in the plane, carried from time 0 to 1: a normal distribution of deviation e.
fn is_carried(what: &str, map: impl VolumeChange<[f64; 2]>) {
    let e = 1.0_f64.exp();
    let distribution = Pushforward::new(StandardNormal, &map, [0.0, 1.0]).unwrap();
    for (x, expected) in [
        ([0.0, 0.0], -3.837_877_066_409_345_5),
        ([e, 2.0 * e], -6.337_877_066_409_345_5),
        ([1e-3, 0.0], -TAU.ln() - 2.0 - 0.5e-6 / e / e),
    ] {
        let found = distribution.try_log_density(&x).unwrap();
        assert!((found - expected).abs() < MANY * 1e-8 * 3.0, "{what} at {x:?}: {found} for {expected}");
        let (y, carried) = distribution.try_carried(&x.map(|c| c / e)).unwrap();
        assert!(y.minus(&x).norm() < MANY * 1e-8 * 10.0, "{what}: {y:?}");
        assert!((carried - expected).abs() < MANY * 1e-8 * 3.0, "{what} at {x:?}: {carried} for {expected}");
    }
    // there and back
    let [(_, there), (_, back)] = [[0.0, 1.0], [1.0, 0.0]].map(|[s, t]| map.try_flow_and_log_det(&s, &t, &[0.0, 0.0]).unwrap());
    assert!((there - 2.0).abs() < MANY * 1e-8 && (back + 2.0).abs() < MANY * 1e-8, "{what}: {there} {back}");
}

/// The likelihood of `N(0, 1)` in the plane under `x' = 3t² x`; facebookresearch/flow_matching#28,
/// atong01/conditional-flow-matching#129.
#[test]
fn a_log_density_is_right_at_rest_and_elsewhere_however_volumes_are_found() {
    for method in METHODS {
        let solver = within(1e-8, 1e-8)(method);
        is_carried(method.name, ByJacobian(solver.clone().of(Cubed)));
        is_carried(method.name, ByDivergence::new(solver.clone().of(Cubed), Cubed, ExactTrace));
        is_carried(method.name, ByAugmentedOde(solver.of(WithDivergence::new(Cubed, ExactTrace))));
    }
}

/// A thousand dimensions: the density itself is below every float.
#[test]
fn log_densities_in_a_thousand_dimensions_are_finite() {
    let map = within(1e-8, 1e-8)(DOPRI5).of(Cubed);
    let distribution = Pushforward::new(StandardNormal, ByDivergence::new(map, Cubed, ExactTrace), [0.0, 1.0]).unwrap();
    let found: f64 = distribution.try_log_density(&DVector::zeros(1000)).unwrap();
    assert!((found + 1_918.938_533_204_672_7).abs() < 1e-9, "{found}");
}
