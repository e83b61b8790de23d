//! Spans far from 1, times far from 0, long orbits, layers.

use crate::runs::{MANY, METHODS, ode, path, solved, solved_in_single, watched, within};
use flowmap::{
    Num, Number, Ode, field,
    solver::{BOGACKI_SHAMPINE, Event, Save, Solver, Status},
};
use std::cell::Cell;

/// `y' = 2y` between two times, NaN outside.
#[derive(Clone, Copy)]
struct Only([f64; 2]);

impl Ode<1> for Only {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [y]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [(t.lt(self.0[0]) | t.gt(self.0[1])).select(f64::NAN, 2.0 * y)]
    }
}

/// `y' = 2y`, which is not defined outside the span; scipy/scipy#17341, #9198, jax-ml/jax#3437, patrick-kidger/diffrax#566.
#[test]
fn the_velocity_is_not_asked_for_outside_the_span() {
    for start in [0.0, -20.0, 7.0] {
        let span = [start, start + 1e-4];
        let end = (2.0 * (span[1] - span[0])).exp();
        for found in solved(within(1e-6, 1e-9), Only(span), span, [1.0]) {
            found.ends_at([end], [1e-12, 0.0]);
        }
        let (least, most) = (Cell::new(f64::INFINITY), Cell::new(f64::NEG_INFINITY));
        let recorded = field(|t: &f64, [y]: &[f64; 1]| {
            least.set(least.get().min(*t));
            most.set(most.get().max(*t));
            [2.0 * y]
        });
        for (method, save) in METHODS.into_iter().flat_map(|m| [(m, Save::Dense), (m, Save::At(vec![span[0], span[1]]))]) {
            for [s, t] in [span, [span[1], span[0]]] {
                let path = within(1e-6, 1e-9)(method).solve(&recorded, &s, &t, &[1.0], &save).unwrap();
                assert_eq!(path.status(), Status::Finished, "{}", method.name);
            }
        }
        assert_eq!([least.get(), most.get()], span);
    }
    for found in solved_in_single(within(1e-5, 1e-6), Only([0.0, f64::from(1e-4_f32)]), [0.0, 1e-4], [1.0]) {
        found.ends_at([1.000_200_02], [1e-6, 0.0]);
    }
}

ode!(Radial, 2, |t, [p, q]| {
    let r = t.exp();
    let v = 10.0 * &r / (&r * &r + 0.05) - 11.0 / &r;
    [&r * q, -2.0 * ((-0.2 - v) * p + q / &r) * &r]
});

/// The radial Schrödinger equation on `r = e^t`, from -17 to 2; scipy/scipy#8848.
#[test]
fn an_exponential_grid_is_followed_from_its_start() {
    let expected = [
        (-10.0, [0.999_501_139_205_343_2, -10.996_336_947_535_669]),
        (-5.0, [0.927_704_237_132_109_7, -10.461_385_110_210_904]),
        (0.0, [-0.047_639_179_429_534_72, 0.151_622_008_924_495_74]),
        (1.0, [0.048_406_792_175_459_145, 0.006_777_118_213_953_834]),
        (2.0, [0.033_412_240_850_743_687, 0.001_657_239_256_475_219]),
    ];
    for (relative, absolute) in [(1e-5, 1e-8), (1e-9, 1e-12)] {
        let solver = |method| within(relative, absolute)(method).step_limits(0.0, 0.03).unwrap();
        for (time, end) in expected {
            for found in solved(solver, Radial, [-17.0, time], [1.0, -11.0]) {
                found.ends_at(end, [MANY * relative, MANY * relative]);
            }
        }
        for method in METHODS {
            let saved = path(&solver(method), Radial, [-17.0, 2.0], [1.0, -11.0], &Save::At(expected.map(|e| e.0).to_vec()));
            for (state, (_, end)) in saved.states().iter().zip(expected) {
                crate::runs::close(method.name, state, &end, [MANY * relative, MANY * relative]);
            }
        }
    }
}

ode!(Layer, 1, |_t, [c]| [1e50 / c]);

/// `c' = 1e50/c` from a million: a layer of 5e-39 seconds, which the clock can tell at 0 and not at 1; scipy/scipy#11698.
#[test]
fn a_layer_that_the_clock_cannot_tell_is_no_wrong_end() {
    for (end, expected) in [(1.0, 2.0_f64.sqrt() * 1e25), (2.0, 2e25)] {
        for found in solved(within(1e-6, 1e-9), Layer, [0.0, end], [1e6]) {
            found.ends_at([expected], [MANY * 1e-6, 0.0]);
        }
    }
    for found in solved(within(1e-6, 1e-9), Layer, [1.0, 2.0], [1e6]) {
        assert!(found.status == Status::StepTooSmall && found.time == 1.0, "{found:?}");
    }
    for found in solved_in_single(within(1e-5, 1e-6), Layer, [0.0, 1.0], [1e6]) {
        assert_eq!(found.status, Status::NotFinite, "{found:?}");
    }
}

/// `y' = 1/(t - pole)`.
#[derive(Clone, Copy)]
struct Pole(f64);

impl Ode<1> for Pole {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, _: &[Num<N>; 1]) -> [Num<N>; 1] {
        [1.0 / (t - self.0)]
    }
}

/// `y' = 1/(t - 1)` from five ticks beyond 1, and `y' = 1/t` from 1e-15; llnl/sundials#44.
#[test]
fn a_start_five_ticks_from_a_pole_is_followed_or_refused() {
    for found in solved(within(1e-6, 1e-9), Pole(1.0), [1.0 + 1e-15, 1.0 + 1000.0 * 1e-15], [0.0]) {
        if found.status == Status::Finished {
            found.ends_at([6.803_283_257_385_426], [MANY * 1e-6, 0.0]);
        } else {
            assert_eq!(found.status, Status::StepTooSmall, "{found:?}");
        }
    }
    for (from, to) in [(1e-15, 1e-12), (1e-300, 1e-297), (1e-3, 1.0)] {
        for found in solved(within(1e-6, 1e-9), Pole(0.0), [from, to], [0.0]) {
            found.ends_at([6.907_755_278_982_137], [MANY * 1e-6, 0.0]);
        }
    }
}

ode!(Centre, 2, |_t, [x, y]| [y * y - x * x - 256.0, -2.0 * (x * y)]);

/// `x' = -x² + y² - a², y' = -2xy` about its centre with the period π/16; patrick-kidger/diffrax#702.
#[test]
fn five_thousand_turns_about_a_centre_keep_what_they_should() {
    let (start, kept) = ([0.0, 17.6], 32.145_454_545_454_545);
    let tolerance = 1e-8;
    let early =
        [(1.0, [0.910_547_339_295_190_2, 17.298_886_123_110_666]), (10.0, [-0.712_101_091_223_160_2, 17.423_828_312_379_696])];
    for (time, end) in early {
        for found in solved(within(tolerance, tolerance), Centre, [0.0, time], start) {
            // errors grow by each of the turns
            found.ends_at(end, [0.0, MANY * tolerance * 17.6 * time * 16.0 / std::f64::consts::PI]);
        }
    }
    for method in METHODS.into_iter().filter(|method| *method != BOGACKI_SHAMPINE) {
        let solver = within(tolerance, tolerance)(method).max_steps(1_000_000);
        let found = path(&solver, Centre, [0.0, 1000.0], start, &Save::End);
        let [x, y] = *found.end();
        let bound = MANY * tolerance * 5093.0 * 17.6;
        crate::runs::close(method.name, &[x, y], &[-0.434_822_802_148_324_7, 17.536_793_908_575_16], [0.0, bound]);
        assert!(((x * x + y * y + 256.0) / y - kept).abs() < bound, "{}", method.name);
    }
}

/// The same with too few steps: it is not stiff, and nothing may say so.
#[test]
fn a_long_quiet_orbit_is_not_called_stiff() {
    for found in solved(|method| within(1e-8, 1e-8)(method).max_steps(2000), Centre, [0.0, 1000.0], [0.0, 17.6]) {
        assert_eq!(found.status, Status::TooManySteps, "{found:?}");
        assert!(!found.status.to_string().contains("stiff"), "{}", found.status);
    }
}

// `a' = -1/(4 T a³)` with `T = 1e9`: circles that shrink to a point at `T`.
ode!(Inspiral, 1, |_t, [a]| [-0.25e-9 / a.powi(3)]);

/// Contact at `a = a_c` in years, from 0 and from 1e10; POSYDON-code/POSYDON#795, #805, #809, #810, #814,
/// Nicholaswogan/numbalsoda#7.
#[test]
fn an_inspiral_ends_at_contact_however_late_it_begins() {
    const T: f64 = 1e9;
    for start in [0.0, 1e10] {
        for found in solved(within(1e-9, 1e-9), Inspiral, [start, start + 0.9 * T], [1.0]) {
            found.ends_at([0.562_341_325_190_349_1], [MANY * 1e-9, 0.0]);
        }
        for (contact, after) in [(0.1, 999_900_000.0), (0.01, 999_999_990.0), (0.001, 999_999_999.999)] {
            let event = |_| vec![Event::new(move |_: &f64, [a]: &[f64; 1]| a - contact).terminal()];
            for found in watched(within(1e-6, 1e-9), Inspiral, [start, start + 2.0 * T], [1.0], event) {
                assert_eq!(found.status, Status::Event(0), "a = {contact}: {found:?}");
                assert!((found.state[0] - contact).abs() < 1e-9, "{found:?}");
                assert!((found.time - start - after).abs() < 10.0 * 1e-6 * T, "{found:?}");
            }
        }
        for found in solved(within(1e-6, 1e-9), Inspiral, [start, start + 2.0 * T], [1.0]) {
            assert_eq!(found.status, Status::StepTooSmall, "{found:?}");
            assert!((found.time - start - T).abs() < 10.0 * 1e-6 * T, "{found:?}");
        }
    }
    let event = |_| vec![Event::new(|_: &f64, [a]: &[f64; 1]| a - 1e-4).terminal()];
    for found in watched(within(1e-6, 1e-9), Inspiral, [1e10, 1e10 + 2.0 * T], [1.0], event) {
        assert!(matches!(found.status, Status::Event(0) | Status::StepTooSmall), "{found:?}");
    }
}
