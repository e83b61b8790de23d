use super::*;
use crate::{
    Autonomous, AverageVelocity, AverageVelocityMap, Coordinates, FiniteDifferences, Num, Number, Ode, Restriction, Tolerance,
    exact::{Affine, Blowup, Hopf},
    flow_map,
    solver::{Adaptive, DOP853},
};
use std::f64::consts::TAU;

fn close<const D: usize>(a: &[f64; D], b: [f64; D], tolerance: f64) {
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance), "{a:?} and {b:?}");
}

fn precise<const D: usize, O: Ode<D>>(ode: O, tolerance: f64) -> impl FlowMap<[f64; D]> + FlowMap<Dual<[f64; D]>> {
    Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(tolerance, tolerance).unwrap()).of(ode.field())
}

/// `x = R(t) y`, with `y_1' = (0.3 + cos t) y_1`, `y_2' = (-0.5 + sin 2t) y_2` and the rotation `R` by the angle `3t`: exponents
/// 0.3 and -0.5.
struct Turning;

fn turned<N: Number>(angle: &N, [x, y]: [N; 2]) -> [N; 2] {
    let (cos, sin) = (angle.cos(), angle.sin());
    [cos.clone() * &x - sin.clone() * &y, sin * x + cos * y]
}

impl<X: Coordinates<2>> FlowMap<X> for Turning {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let [a, b] = turned(&s.scale(-3.0), x.split());
        let tau = t.clone() - s;
        let first = tau.scale(0.3) + t.sin() - s.sin();
        let second = tau.scale(-0.5) - t.scale(2.0).cos().scale(0.5) + s.scale(2.0).cos().scale(0.5);
        X::join(turned(&t.scale(3.0), [a * first.exp(), b * second.exp()]))
    }
}

#[test]
fn a_linear_field_has_the_real_parts_of_its_eigenvalues() {
    let steps = Steps::new(0.0, 0.5, 1000).unwrap().after(100);
    let diagonal = Affine::new([[-1.0, 0.0], [0.0, 2.0]], [0.0; 2]).unwrap();
    let spectrum = lyapunov_spectrum(&diagonal, &steps, &[0.0, 0.0]).unwrap();
    close(spectrum.exponents(), [2.0, -1.0], 1e-13);
    close(&spectrum.standard_errors(), [0.0; 2], 1e-13);
    // eigenvalues 0.1 ± 2i and -1, in a skew basis
    let spiral = Affine::new([[0.1, -2.0, 1.0], [2.0, 0.1, 0.5], [0.0, 0.0, -1.0]], [0.0; 3]).unwrap();
    let spectrum = lyapunov_spectrum(&spiral, &steps, &[0.0; 3]).unwrap();
    close(spectrum.exponents(), [0.1, 0.1, -1.0], 1e-12);
    // backward in time, all signs are reversed
    let back = Steps::new(0.0, -0.5, 1000).unwrap().after(100);
    close(lyapunov_spectrum(&spiral, &back, &[0.0; 3]).unwrap().exponents(), [1.0, -0.1, -0.1], 1e-12);
}

#[test]
fn fields_that_depend_on_time() {
    // whole periods
    let steps = Steps::new(1.0, TAU / 8.0, 800).unwrap().after(80);
    let spectrum = lyapunov_spectrum(&Turning, &steps, &[1.0, 2.0]);
    // the point grows without bound, but not beyond floats
    let spectrum: LyapunovSpectrum<[f64; 2]> = spectrum.unwrap();
    close(spectrum.exponents(), [0.3, -0.5], 1e-12);
    // within a period the rates vary, and the error estimate shows it
    assert!(spectrum.standard_errors().iter().all(|error| (1e-4..0.1).contains(error)), "{:?}", spectrum.standard_errors());
}

/// σ = 10, ρ = 28, β = 8/3.
struct Lorenz;

impl Ode<3> for Lorenz {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
    }
}

#[test]
fn lorenz_attractor() {
    let map = precise(Lorenz, 1e-9);
    let steps = Steps::new(0.0, 0.5, 1200).unwrap().after(40);
    let spectrum = lyapunov_spectrum(&map, &steps, &[1.0, 1.0, 20.0]).unwrap();
    // J. C. Sprott, Chaos and Time-Series Analysis, 2003, table A.5
    let known = [0.9056, 0.0, -14.5723];
    let errors = spectrum.standard_errors();
    for i in 0..3 {
        let miss = (spectrum.exponents()[i] - known[i]).abs();
        assert!(miss < 4.0 * errors[i] + 2e-3, "{:?} ± {errors:?}", spectrum.exponents());
        assert!(errors[i] < 0.05);
    }
    assert!((spectrum.sum() + 41.0 / 3.0).abs() < 1e-6, "{}", spectrum.sum());
    assert!((spectrum.kaplan_yorke_dimension() - 2.0621).abs() < 2e-3);
    let last = spectrum.running().last().unwrap();
    assert!((last.0 - 600.0).abs() < 1e-9 && last.1 == *spectrum.exponents());
}

/// Hénon and Heiles: `H = (p² + q² + x² + y²)/2 + x² y - y³/3`.
struct HenonHeiles;

impl Ode<4> for HenonHeiles {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, p, q]: &[Num<N>; 4]) -> [Num<N>; 4] {
        [p.clone(), q.clone(), -x - 2.0 * x * y, y * y - x * x - y]
    }
}

#[test]
fn exponents_of_a_hamiltonian_come_in_pairs() {
    let map = precise(HenonHeiles, 1e-10);
    // energy 1/8
    let start = [0.0, 0.1, 0.490_578_570_509_558_6, 0.0];
    let spectrum = lyapunov_spectrum(&map, &Steps::new(0.0, 1.0, 500).unwrap().after(50), &start).unwrap();
    let [a, b, c, d] = *spectrum.exponents();
    assert!(spectrum.sum().abs() < 1e-7, "{}", spectrum.sum());
    assert!((a + d).abs() < 0.01 && (b + c).abs() < 0.01, "{:?}", spectrum.exponents());
}

#[test]
fn every_kind_of_map_and_point() {
    let field = Hopf::new(1.0, 3.0, 0.5).unwrap();
    let steps = Steps::new(0.0, 0.5, 100).unwrap().after(50);
    let x = [0.6, 0.0];
    let expected = *lyapunov_spectrum(&field, &steps, &x).unwrap().exponents();
    close(&expected, [0.0, -2.0], 1e-12);
    let boxed: Box<dyn FlowMap<Dual<[f64; 2]>>> = Box::new(field);
    assert_eq!(lyapunov_spectrum(boxed.as_ref(), &steps, &x).unwrap().exponents(), &expected);
    let windowed = Autonomous { map: Restriction::new(field, [0.0, 0.5 + 1e-9]).unwrap(), start: 0.0 };
    close(lyapunov_spectrum(&windowed, &steps, &x).unwrap().exponents(), expected, 1e-12);
    let plain = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, x: &[f64; 2]| field.flow(s, t, x)));
    close(lyapunov_spectrum(&plain, &steps, &x).unwrap().exponents(), expected, 1e-8);
    close(lyapunov_spectrum(&field, &steps, &[0.6_f32, 0.0]).unwrap().exponents(), expected, 1e-4);

    /// The average velocity of `x' = -x`.
    struct Decay;
    impl<X: Coordinates<2>> AverageVelocity<X> for Decay {
        fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
            let tau = t.clone() - s;
            x.scaled(&((-tau.clone()).exp_m1() / tau))
        }
    }
    close(lyapunov_spectrum(&AverageVelocityMap(Decay), &steps, &[1.0, 0.5]).unwrap().exponents(), [-1.0; 2], 1e-13);
}

#[cfg(feature = "nalgebra")]
#[test]
fn vectors() {
    let field = Hopf::new(1.0, 3.0, 0.5).unwrap();
    let steps = Steps::new(0.0, 0.5, 100).unwrap();
    let vector = nalgebra::DVector::from_vec(vec![0.6, 0.0]);
    let of_vector = lyapunov_spectrum(&field, &steps, &vector).unwrap();
    assert_eq!(of_vector.exponents()[..], lyapunov_spectrum(&field, &steps, &[0.6, 0.0]).unwrap().exponents()[..]);
}

fn spectrum<const D: usize>(exponents: [f64; D]) -> LyapunovSpectrum<[f64; D]> {
    LyapunovSpectrum { exponents, batches: vec![Batch { duration: 2.0, rates: exponents }] }
}

#[test]
fn kaplan_yorke_dimensions() {
    assert_eq!(spectrum([-1.0, -2.0]).kaplan_yorke_dimension(), 0.0);
    assert_eq!(spectrum([0.0, -2.0]).kaplan_yorke_dimension(), 1.0);
    assert_eq!(spectrum([1.0, 0.0, -4.0]).kaplan_yorke_dimension(), 2.25);
    assert_eq!(spectrum([1.0, 0.0, -1.0]).kaplan_yorke_dimension(), 3.0);
    assert_eq!(spectrum([1.0]).kaplan_yorke_dimension(), 1.0);
}

#[test]
fn standard_errors_are_those_of_batch_means() {
    let batches = [1.0, 2.0, 6.0].map(|rate| Batch { duration: 1.0, rates: [rate] });
    let spectrum = LyapunovSpectrum { exponents: [3.0], batches: batches.to_vec() };
    assert_eq!(spectrum.standard_errors(), [(14.0_f64 / 6.0).sqrt()]);
    assert_eq!(spectrum.running().collect::<Vec<_>>(), [(1.0, [1.0]), (2.0, [1.5]), (3.0, [3.0])]);
    assert_eq!(super::tests::spectrum([1.0]).standard_errors(), [f64::INFINITY]);
    let decay = Affine::new([[-1.0]], [0.0]).unwrap();
    for count in [1, 2, 3, 5, 10, 101] {
        let found: LyapunovSpectrum<[f64; 1]> =
            lyapunov_spectrum(&decay, &Steps::new(0.0, 0.25, count).unwrap(), &[1.0]).unwrap();
        close(found.exponents(), [-1.0], 1e-14);
        assert!((found.running().last().unwrap().0 - 0.25 * f64::from(count)).abs() < 1e-12);
    }
}

#[test]
fn errors_say_why() {
    for (start, length, count) in [(f64::NAN, 1.0, 1), (0.0, 0.0, 1), (0.0, f64::INFINITY, 1), (0.0, 1.0, 0)] {
        assert!(Steps::new(start, length, count).is_err());
    }
    let steps = Steps::new(0.0, 0.5, 10).unwrap();
    let error = lyapunov_spectrum(&Blowup, &steps, &[1.0]).unwrap_err();
    assert!(matches!(error, Error::BlowUp { .. }), "{error}");
    let saddle = Affine::new([[0.0, 1.0], [1.0, 0.0]], [0.0; 2]).unwrap();
    assert!(matches!(lyapunov_spectrum(&saddle, &steps, &[f64::NAN, 0.0]), Err(Error::NotFinite { .. })));
    // stretches e^±40 at once
    let error = lyapunov_spectrum(&saddle, &Steps::new(0.0, 40.0, 3).unwrap(), &[0.0; 2]).unwrap_err();
    assert!(error.to_string().contains("shorter steps"), "{error}");
    let constant = flow_map(|_: &Dual<f64>, _: &Dual<f64>, _: &Dual<[f64; 1]>| Dual::constant([1.0]));
    assert!(lyapunov_spectrum(&constant, &steps, &[1.0]).is_err());
}
