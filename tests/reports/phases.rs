//! Many events inside one long step of a smooth solution.

use crate::runs::{MANY, watched, within};
use flowmap::{
    exact::Affine,
    solver::{Event, Status},
};
use std::f64::consts::TAU;

type Line = [f64; 1];

/// `x' = rate`.
fn steady(rate: f64) -> Affine<1> {
    Affine::new([[0.0]], [rate]).unwrap()
}

/// What is watched, in both directions of crossing.
fn both<'a>(value: impl Fn(&f64, &Line) -> f64 + Copy + Send + Sync + 'a) -> Vec<Event<'a, Line>> {
    vec![Event::new(value).rising(), Event::new(value).falling()]
}

/// `offset, offset + 1, …` times the period, as long as they are before the end.
fn times(offset: f64, period: f64, end: f64) -> Vec<f64> {
    (0..).map(|k| (f64::from(k) + offset) * period).take_while(|time| *time < end).collect()
}

/// `y' = 1`, watched for `cos t + 0.9`, to 20 and to -20; SciML/DifferentialEquations.jl#1087.
#[test]
fn successive_events_are_found_forward_and_backward() {
    let dips = [2.690_565_841_793_530_8, 8.973_751_148_973_117, 15.256_936_456_152_704];
    let rises = [3.592_619_465_386_055_7, 9.875_804_772_565_642, 16.158_990_079_745_229];
    for end in [20.0, -20.0_f64] {
        for found in watched(within(1e-6, 1e-9), steady(1.0), [0.0, end], [0.0], |s: f64| both(move |t, _| (s * t).cos() + 0.9)) {
            found.ends_at([end], [1e-14, 0.0]);
            found.happens_at(0, &rises.map(|time| end.signum() * time), 1e-13);
            found.happens_at(1, &dips.map(|time| end.signum() * time), 1e-13);
        }
        for found in watched(within(1e-6, 1e-9), steady(1.0), [0.0, end], [0.0], |s: f64| {
            both(move |t, _| (s * t).cos() + 0.9).into_iter().map(Event::terminal).collect()
        }) {
            assert!(found.status == Status::Event(1) && (found.time.abs() - dips[0]).abs() < 1e-13, "{found:?}");
        }
    }
}

/// A sibling of SciML/DifferentialEquations.jl#1087: `cos t + c` is negative for a tenth of the time and less.
#[test]
fn short_dips_below_zero_are_found() {
    for (c, end) in [(0.95, 60.0), (0.8, 200.0), (0.5, 300.0)] {
        let dip = f64::acos(-c) / TAU;
        for found in watched(within(1e-6, 1e-9), steady(1.0), [0.0, end], [0.0], |s: f64| both(move |t, _| (s * t).cos() + c)) {
            found.happens_at(1, &times(dip, TAU, end), 1e-12);
            found.happens_at(0, &times(1.0 - dip, TAU, end), 1e-12);
        }
    }
}

/// A phase at 160 MHz, `u' = 2π 160e6`, watched for `sin u` and for `(u mod 2π) - π`, to 105 ns;
/// SciML/DifferentialEquations.jl#912.
#[test]
fn every_period_of_a_fast_phase_is_seen_though_one_step_goes_over_all() {
    const PERIOD: f64 = 6.25e-9;
    let phase = steady(TAU / PERIOD);
    for end in [1.05e-7, 4.9e-8, 9.9e-8] {
        let events = |_: f64| {
            let sine = |_: &f64, [u]: &Line| u.sin();
            let sawtooth = |_: &f64, [u]: &Line| u.rem_euclid(TAU) - 0.5 * TAU;
            [both(sine), both(sawtooth)].into_iter().flatten().collect()
        };
        for found in watched(within(1e-6, 1e-9), phase, [0.0, end], [0.0], events) {
            let (whole, half) = (times(1.0, PERIOD, end), times(0.5, PERIOD, end));
            found.happens_at(0, &whole, 1e-22);
            found.happens_at(1, &half, 1e-22);
            found.happens_at(2, &half, 1e-22);
            found.happens_at(3, &whole, 1e-22);
        }
    }
}

/// A sibling of SciML/DifferentialEquations.jl#912: a span of exactly 16 periods, and others that are a whole number of periods,
/// of which points at equal distances see nothing.
#[test]
fn whole_numbers_of_periods_hide_nothing() {
    for (period, count) in [(6.25e-9, 16.0), (6.25e-9, 4.0), (0.125, 8.0), (1.0, 12.0), (1e6, 32.0)] {
        let end = period * count;
        for shift in [0.3, 1.0, 2.5] {
            let events = |s: f64| {
                let of_state = both(move |_, [u]| (u + shift).sin());
                let of_time = both(move |t, _| (TAU * s * t / period + shift).sin());
                of_state.into_iter().chain(of_time).collect()
            };
            for found in watched(within(1e-6, 1e-9), steady(TAU / period), [0.0, end], [0.0], events) {
                let (rises, falls) = (times(1.0 - shift / TAU, period, end), times(0.5 - shift / TAU, period, end));
                for event in [0, 2] {
                    found.happens_at(event, &rises, 1e-14 * end);
                    found.happens_at(event + 1, &falls, 1e-14 * end);
                }
            }
        }
    }
}

/// A sibling of SciML/DifferentialEquations.jl#912: a phase that turns back, `u = 40 sin t`, in single precision.
#[test]
fn events_of_a_phase_that_turns_back_are_found_in_single_precision() {
    let turn = Affine::new([[0.0, 1.0], [-1.0, 0.0]], [0.0; 2]).unwrap();
    for found in
        watched(within(1e-5, 1e-6), turn, [0.0, 3.0], [0.0, 40.0], |_| vec![Event::new(|_: &f32, u: &[f32; 2]| u[0].sin())])
    {
        // up through π, 2π, … 12π, and down again
        let up = (1..=12).map(|k| f64::asin(0.5 * TAU * f64::from(k) / 40.0));
        let expected: Vec<f64> = up.clone().chain(up.rev().map(|time| 0.5 * TAU - time)).filter(|time| *time < 3.0).collect();
        found.happens_at(0, &expected, MANY * 1e-5);
    }
}

/// A sibling of SciML/DifferentialEquations.jl#912: hundreds of periods in one step, in single precision.
#[test]
fn hundreds_of_periods_in_a_step_are_seen_in_single_precision() {
    for count in [150.0, 400.0, 900.0] {
        for found in watched(within(1e-5, 1e-6), steady(count), [0.0, 1.0], [0.0], |_| {
            vec![Event::new(|_: &f32, u: &[f32; 1]| (std::f32::consts::TAU * u[0]).sin()).rising()]
        }) {
            // the last is within rounding of the end
            assert!((found.times(0).len() as f64 - count).abs() <= 1.0, "{}: {} of {count}", found.by, found.times(0).len());
            for (k, time) in found.times(0).iter().enumerate() {
                assert!((time - (k + 1) as f64 / count).abs() < 1e-6, "{}: {time} is not number {k}", found.by);
            }
        }
    }
}
