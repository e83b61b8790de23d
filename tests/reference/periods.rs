//! Periods, found by events.

use crate::problems::{Problem, adaptive, distance, oscillators, reference};
use flowmap::solver::{DOP853, DOPRI5, Event, Save, Status, TSIT5, Tableau};

/// Where an orbit crosses a section, and how long it takes to be there again.
struct Orbit {
    problem: Problem<oscillators::Oscillator, 2>,
    name: &'static str,
    /// Zero on the section.
    section: fn(&[f64; 2]) -> f64,
    rises: bool,
}

/// Van der Pol: where the oscillator turns back; the Brusselator: where `x` rises through 1; Lotka and Volterra: where the prey
/// rises through its equilibrium 3.
fn orbits() -> [Orbit; 3] {
    [
        Orbit { problem: oscillators::VAN_DER_POL, name: "vdP mu=1", section: |[_, v]| *v, rises: false },
        Orbit { problem: oscillators::BRUSSELATOR, name: "Brusselator A=1,B=3", section: |[x, _]| x - 1.0, rises: true },
        Orbit {
            problem: oscillators::LOTKA_VOLTERRA,
            name: "LV (1.5,1,3,1) orbit through (1,1)",
            section: |[x, _]| x - 3.0,
            rises: true,
        },
    ]
}

fn periods_are_found(method: Tableau, tolerances: &[f64]) {
    for &tolerance in tolerances {
        for Orbit { problem, name, section, rises } in orbits() {
            let period = reference(&format!("{name} PERIOD"))[0];
            let state: [f64; 2] = reference(&format!("{name} section state")).try_into().unwrap();
            // on the section, not 1e-37 beside it: that would be a crossing
            let state = state.map(|x| if x.abs() < 1e-30 { 0.0 } else { x });
            let event = Event::new(move |_: &f64, x: &[f64; 2]| section(x));
            let event = if rises { event.rising() } else { event.falling() };
            let end = 1.5 * period;
            let path =
                adaptive(method, tolerance).solve_until(&problem.field(), &0.0, &end, &state, &Save::End, &[event]).unwrap();
            assert_eq!(path.status(), Status::Finished);
            assert_eq!(path.crossings().len(), 1, "{name} crosses its section once in one and a half periods");
            let crossing = &path.crossings()[0];
            let (late, off) = ((crossing.time - period).abs() / tolerance, distance(&crossing.state, &state) / tolerance);
            println!("{:<8} {tolerance:.0e} period {late:>8.2} state {off:>8.2}  {name}", method.name);
            assert!(late < 100.0 && off < 100.0, "{name}, {} {tolerance:.0e}: {late} and {off} tolerances", method.name);
            assert!(section(&crossing.state).abs() < 1e-13, "{name}: {:e}", section(&crossing.state));
        }
    }
}

#[test]
fn dopri5_finds_periods_to_its_tolerance() {
    periods_are_found(DOPRI5, &[1e-6, 1e-9, 1e-12]);
}

#[test]
fn tsit5_finds_periods_to_its_tolerance() {
    periods_are_found(TSIT5, &[1e-6, 1e-9, 1e-12]);
}

#[test]
fn dop853_finds_periods_to_its_tolerance() {
    periods_are_found(DOP853, &[1e-6, 1e-9, 1e-12]);
}
