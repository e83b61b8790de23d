//! Lyapunov exponents and stroboscopic maps.

use crate::runs::{METHODS, Mirrored, ode, within};
use flowmap::{
    Dual, Ode, Result, State,
    analysis::{LyapunovSpectrum, ReturnMap, Steps, Stroboscopic, lyapunov_spectrum},
    exact::Affine,
    flow_map,
    solver::{DOP853, DOPRI5},
};
use std::f64::consts::TAU;

/// `x' = -x` in the plane, for long after it has got to 0; JuliaDynamics/ChaosTools.jl#111.
#[test]
fn a_decay_has_its_exponents_though_nothing_is_left_of_the_state() {
    let decay = Affine::new([[-1.0, 0.0], [0.0, -1.0]], [0.0; 2]).unwrap();
    for method in METHODS {
        let solver = within(1e-9, 1e-9)(method);
        let count = if method == DOPRI5 { 100_000 } else { 10_000 };
        let forward =
            lyapunov_spectrum(&solver.clone().of(decay.field()), &Steps::new(0.0, 0.1, count).unwrap().after(50), &[0.5, 0.5]);
        let backward = lyapunov_spectrum(
            &solver.of(Mirrored(decay, -1.0).field()),
            &Steps::new(0.0, -0.1, count / 10).unwrap().after(50),
            &[0.5, 0.5],
        );
        for spectrum in [forward.unwrap(), backward.unwrap()] {
            // of a step of 0.1
            crate::runs::close(method.name, spectrum.exponents(), &[-1.0; 2], [0.0, 10.0 * 1e-9 / 0.1]);
            assert!(spectrum.standard_errors().iter().all(|error| *error < 1e-7), "{:?}", spectrum.standard_errors());
        }
    }
}

/// A sibling of JuliaDynamics/ChaosTools.jl#111: `x' = -x/2, y' = -3y` and a source, from their points of rest.
#[test]
fn points_of_rest_have_the_exponents_of_their_matrix() {
    for (rates, sorted) in [([-0.5, -3.0], [-0.5, -3.0]), ([0.3, 1.5], [1.5, 0.3]), ([-1.0, 2.0], [2.0, -1.0])] {
        let system = Affine::new([[rates[0], 0.0], [0.0, rates[1]]], [0.0; 2]).unwrap();
        for method in METHODS {
            let map = within(1e-8, 1e-9)(method).of(system.field());
            let spectrum = lyapunov_spectrum(&map, &Steps::new(0.0, 1.0, 1000).unwrap(), &[0.0, 0.0]).unwrap();
            crate::runs::close(method.name, spectrum.exponents(), &sorted, [0.0, 100.0 * 1e-8]);
        }
    }
}

/// The maps `x ↦ 0.9 x` and `x ↦ 0`; JuliaDynamics/ChaosTools.jl#111.
#[test]
fn a_map_to_one_point_has_no_exponents_and_says_so() {
    let shrinks = |factor: f64| {
        let map = flow_map(move |_: &Dual<f64>, _: &Dual<f64>, x: &Dual<[f64; 2]>| x.scaled(&Dual::constant(factor)));
        lyapunov_spectrum(&map, &Steps::new(0.0, 1.0, 10_000).unwrap().after(5), &[0.5, 0.5])
    };
    crate::runs::close("0.9 x", shrinks(0.9).unwrap().exponents(), &[-0.105_360_515_657_826_28; 2], [1e-14, 0.0]);
    assert!(shrinks(0.0).is_err());
}

ode!(Lorenz, 3, |_t, [x, y, z]| [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]);

fn lorenz(step: f64, count: u32) -> Result<LyapunovSpectrum<[f64; 3]>> {
    let map = within(1e-9, 1e-9)(DOP853).of(Lorenz.field());
    lyapunov_spectrum(&map, &Steps::new(0.0, step, count)?.after(30), &[1.0, 1.0, 20.0])
}

/// Lorenz' system (10, 28, 8/3): 0.9056, 0, -14.5723, of which the sum is known exactly; JuliaDynamics/DynamicalSystems.jl#4,
/// CSchoel/nolds#24.
#[test]
fn the_second_exponent_of_lorenz_system_is_zero() {
    for (step, count) in [(1.0, 1600), (0.1, 16_000)] {
        let spectrum = lorenz(step, count).unwrap();
        let (found, errors) = (spectrum.exponents(), spectrum.standard_errors());
        for (i, expected) in [0.9056, 0.0, -14.5723].into_iter().enumerate() {
            assert!((found[i] - expected).abs() < 4.0 * errors[i] + 5e-4 && errors[i] < 0.02, "{found:?} {errors:?}");
        }
        assert!((spectrum.sum() + 41.0 / 3.0).abs() < 100.0 * 1e-9 / step * 15.0, "{}", spectrum.sum());
    }
    // stretches e^155 apart
    assert!(lorenz(10.0, 10).is_err());
}

ode!(Duffing, 2, |t, [x, v]| [v.clone(), 0.3 * t.cos() + x - x.powi(3) - 0.2 * v]);

/// `x'' = 0.3 cos t + x - x³ - 0.2 x'`, by time and by period; JuliaDynamics/ChaosTools.jl#301.
#[test]
fn the_exponents_of_the_strobed_oscillator_are_those_of_the_flow_times_its_period() {
    let map = within(1e-9, 1e-9)(DOP853).of(Duffing.field());
    let spectrum = lyapunov_spectrum(&map, &Steps::new(0.0, TAU, 3000).unwrap().after(50), &[0.1, 0.25]).unwrap();
    let (first, error) = (spectrum.exponents()[0], spectrum.standard_errors()[0]);
    assert!((first - 0.158).abs() < 4.0 * error + 1e-3 && error < 0.005, "{first} {error}");
    assert!((spectrum.sum() + 0.2).abs() < 1e-6, "{}", spectrum.sum());
    // once a period: the strobed map as a map from k to k + 1
    let strobe = Stroboscopic::new(&map, 0.0, TAU).unwrap();
    let strobed = flow_map(move |_: &Dual<f64>, _: &Dual<f64>, x: &Dual<[f64; 2]>| strobe.image(x).unwrap().unwrap());
    let spectrum = lyapunov_spectrum(&strobed, &Steps::new(0.0, 1.0, 3000).unwrap().after(50), &[0.1, 0.25]).unwrap();
    assert!((spectrum.sum() + 0.2 * TAU).abs() < 1e-5, "{}", spectrum.sum());
    let (first, error) = (spectrum.exponents()[0], spectrum.standard_errors()[0]);
    assert!((first - 0.992).abs() < 4.0 * error + 6e-3, "{first} {error}");
}

/// A sibling of JuliaDynamics/ChaosTools.jl#301: a damped oscillator under a push, `x'' = -x - 0.4 x' + cos 3t`, whose
/// multipliers are known.
#[test]
fn the_exponents_of_a_linear_oscillator_are_half_its_damping() {
    ode!(Damped, 2, |t, [x, v]| [v.clone(), (3.0 * t).cos() - x - 0.4 * v]);
    for method in METHODS {
        let map = within(1e-8, 1e-9)(method).of(Damped.field());
        let spectrum = lyapunov_spectrum(&map, &Steps::new(0.0, TAU / 3.0, 400).unwrap().after(50), &[0.1, 0.25]).unwrap();
        assert!((spectrum.sum() + 0.4).abs() < 1e-5, "{}: {}", method.name, spectrum.sum());
        crate::runs::close(method.name, spectrum.exponents(), &[-0.2; 2], [0.0, 5e-3]);
    }
}
