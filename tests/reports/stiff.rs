//! Stiff problems, chemistry, and growth until the floats are full.

#[cfg(feature = "diffsol")]
use crate::runs::implicit;
use crate::runs::{Found, MANY, ode, solved, solved_in_single, within};
#[cfg(feature = "diffsol")]
use flowmap::solver::{Save, Solver};
use flowmap::{Num, Number, Ode, exact::Affine, solver::Status};

#[cfg(feature = "diffsol")]
ode!(Robertson, 3, |_t, [a, b, c]| {
    let (first, third) = (-0.04 * a + 1e4 * (b * c), 3e7 * (b * b));
    [first.clone(), -(first + &third), third]
});

/// Robertson's reaction to 1e11; SciML/OrdinaryDiffEq.jl#4019, #4197.
#[cfg(feature = "diffsol")]
#[test]
fn a_reaction_that_ends_after_1e11_seconds_keeps_its_mass_and_its_bounds() {
    let expected = [
        (4e5, [4.938_274_521e-3, 1.984_994_088e-8, 0.995_061_705_6]),
        (4e8, [5.207_702_104e-6, 2.083_091_559e-11, 0.999_994_792_3]),
        (1e11, [2.083_340_15e-8, 8.333_360_77e-14, 0.999_999_979_17]),
    ];
    for (relative, absolute) in [(1e-9, 1e-12), (1e-6, 1e-9)] {
        for (name, solver) in implicit(relative, absolute) {
            if name == "TR-BDF2" && relative < 1e-6 {
                continue; // its order is too low for that
            }
            for (time, end) in expected {
                let path = solver.solve(&Robertson.field(), &0.0, &time, &[1.0, 0.0, 0.0], &Save::End).unwrap();
                assert_eq!(path.status(), Status::Finished, "{name} to {time:e}");
                crate::runs::close(
                    &format!("{name} at {relative} to {time:e}"),
                    path.end(),
                    &end,
                    [MANY * relative, MANY * absolute],
                );
                assert!((path.end().iter().sum::<f64>() - 1.0).abs() < 1e-10, "{name}: {:?}", path.end());
            }
        }
    }
    // at loose tolerances the second coordinate is far below the absolute one, and a wrong sign of it would grow without bound
    for (relative, absolute) in [(1e-3, 1e-6), (1e-4, 1e-4), (1e-6, 1e-6), (1e-9, 1e-6)] {
        for (name, solver) in implicit(relative, absolute) {
            for (time, end) in expected {
                let path = solver.solve(&Robertson.field(), &0.0, &time, &[1.0, 0.0, 0.0], &Save::End).unwrap();
                assert_eq!(path.status(), Status::Finished, "{name} to {time:e}");
                let allowed = [MANY * relative, MANY * absolute];
                crate::runs::close(&format!("{name} at {relative}, {absolute} to {time:e}"), path.end(), &end, allowed);
            }
        }
    }
}

/// A sibling of SciML/OrdinaryDiffEq.jl#4019: `a ⇌ b`, a million times faster there than back, `a = 1/1000001` in the end.
#[cfg(feature = "diffsol")]
#[test]
fn a_fast_equilibrium_stays_where_it_is() {
    let reaction = Affine::new([[-1e6, 1.0], [1e6, -1.0]], [0.0; 2]).unwrap();
    for (name, solver) in implicit(1e-8, 1e-11) {
        for time in [1.0, 1e5, 1e11] {
            let path = solver.solve(&reaction, &0.0, &time, &[1.0, 0.0], &Save::End).unwrap();
            assert_eq!(path.status(), Status::Finished, "{name}");
            crate::runs::close(name, path.end(), &[1.0 / 1_000_001.0, 1e6 / 1_000_001.0], [MANY * 1e-8, MANY * 1e-11]);
        }
    }
}

// `X' = Xⁿ/(Kⁿ + Xⁿ) - d X`, NaN where `X < 0`.
ode!(Hill, 1, |_t, [x]| {
    const N: f64 = 2.516_325_550_321_411_7;
    let power = x.powf(N);
    let rate = &power / (&power + 9.087_101_071_878_903_f64.powf(N)) - 4.638_316_464_318_106 * x;
    [x.lt(0.0).select(f64::NAN, rate)]
});

/// A concentration that decays to 1e-41 and must not get negative; SciML/Catalyst.jl#1195.
#[test]
fn a_concentration_that_decays_to_nothing_does_not_get_lost_below_zero() {
    for absolute in [1e-9, 1e-6, 1e-3] {
        for (time, end) in
            [(1.0, 0.001_934_886_877_799_002_5), (2.0, 1.871_803_917_542_493_4e-5), (5.0, 1.694_628_923_564_127_6e-11)]
        {
            for found in solved(within(1e-6, absolute), Hill, [0.0, time], [0.2]) {
                found.ends_at([end], [MANY * 1e-6, MANY * absolute]);
            }
        }
        for found in solved(within(1e-6, absolute), Hill, [0.0, 20.0], [0.2]) {
            found.ends_at([0.0], [0.0, 1e-8_f64.max(absolute)]);
            assert!(found.state[0] >= 0.0, "{found:?}");
        }
        #[cfg(feature = "diffsol")]
        for (name, solver) in implicit(1e-6, absolute) {
            for (time, end) in [(1.0, 0.001_934_886_877_799_002_5), (20.0, 1e-41)] {
                let path = solver.solve(&Hill.field(), &0.0, &time, &[0.2], &Save::End).unwrap();
                assert_eq!(path.status(), Status::Finished, "{name}, {absolute}");
                crate::runs::close(name, path.end(), &[end], [MANY * 1e-6, MANY * absolute]);
            }
        }
    }
    for found in solved_in_single(within(1e-5, 1e-6), Hill, [0.0, 20.0], [0.2]) {
        found.ends_at([0.0], [0.0, 1e-6]);
    }
}

/// A sibling of SciML/Catalyst.jl#1195: `x' = -x^1.5`, `x = 1/(1 + t/2)²`, NaN where `x < 0`.
#[test]
fn a_power_law_decay_stays_positive() {
    ode!(Slow, 1, |_t, [x]| [-(x * x.sqrt())]);
    for absolute in [1e-9, 1e-6, 1e-3] {
        for found in solved(within(1e-6, absolute), Slow, [0.0, 2e4], [1.0]) {
            found.ends_at([1.0 / (10_001.0 * 10_001.0)], [0.0, MANY * absolute]);
            assert!(found.state[0] >= 0.0, "{found:?}");
        }
    }
}

/// `y' = A y + (5 cos t - ⅓ sin t, -C cos t + ⅓ sin t)`.
#[derive(Clone, Copy)]
struct Forced(f64);

impl Ode<2> for Forced {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [a, b]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let (sine, cosine) = (t.sin() / 3.0, t.cos());
        [9.0 * a + 24.0 * b + 5.0 * &cosine - &sine, -24.0 * a - 51.0 * b - self.0 * cosine + sine]
    }
}

/// The same, its homogeneous part by [`Affine`].
#[derive(Clone, Copy)]
struct ByHand(Affine<2>);

impl Ode<2> for ByHand {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, y: &[Num<N>; 2]) -> [Num<N>; 2] {
        let [a, b] = self.0.rhs(t, y);
        let sine = t.sin() / 3.0;
        [a + 5.0 * t.cos() - &sine, b - 9.0 * t.cos() + sine]
    }
}

/// A stiff system of a textbook, as it stands there and as a user typed it; sdwfrost/liblsoda#10.
#[test]
fn a_textbook_system_is_solved_as_typed() {
    let cases = [
        (9.0, 1.0, [0.279_674_905_358_441_11, -0.229_887_836_990_577_16]),
        (9.0, 10.0, [-0.279_690_509_691_963_66, 0.279_690_509_692_057_24]),
        (95.0, 0.1, [-1.715_510_906_894_531_5, -1.431_420_222_820_574]),
        (95.0, 1.0, [-12.156_154_142_314_852, 4.749_826_661_500_984_2]),
        (95.0, 10.0, [16.018_204_617_666_955, -5.989_472_741_202_311_8]),
    ];
    let start = [4.0 / 3.0, 2.0 / 3.0];
    for (c, time, end) in cases {
        for found in solved(within(1e-6, 1e-9), Forced(c), [0.0, time], start) {
            found.ends_at(end, [MANY * 1e-6, MANY * 1e-6]);
        }
        for found in solved_in_single(within(1e-5, 1e-6), Forced(c), [0.0, time], start) {
            found.ends_at(end, [MANY * 1e-5, MANY * 1e-5]);
        }
        #[cfg(feature = "diffsol")]
        for (name, solver) in implicit(1e-6, 1e-9) {
            let path = solver.solve(&Forced(c).field(), &0.0, &time, &start, &Save::End).unwrap();
            assert_eq!(path.status(), Status::Finished, "{name}");
            crate::runs::close(name, path.end(), &end, [MANY * 1e-6, MANY * 1e-6]);
        }
    }
    let affine = ByHand(Affine::new([[9.0, 24.0], [-24.0, -51.0]], [0.0; 2]).unwrap());
    for found in solved(within(1e-6, 1e-9), affine, [0.0, 1.0], start) {
        found.ends_at(cases[0].2, [MANY * 1e-6, MANY * 1e-6]);
    }
}

/// What grows at this `rate` stops where the floats are full, and says that something is not finite or that steps get too small.
/// Its velocity and the terms of a step's sums are some ten thousand times as large, and so full before.
fn overflows<const D: usize>(found: &Found<D>, at: f64, rate: f64) {
    assert!(matches!(found.status, Status::NotFinite | Status::StepTooSmall), "{found:?}");
    assert!((at - 1e5_f64.ln() / rate..=1.001 * at).contains(&found.time), "{found:?}");
}

/// `y1' = y2, y2' = -30 y1 + 120 y2` from (10, 0) to beyond the largest number; SciML/ODE.jl#81.
#[test]
fn growth_is_right_until_the_floats_are_full_and_then_the_solve_stops() {
    let growth = Affine::new([[0.0, 1.0], [-30.0, 120.0]], [0.0; 2]).unwrap();
    for (time, end) in [(1.0, -2.128_239_949_700_056_1e50), (5.0, -2.260_314_406_013_568_7e258)] {
        let patient = |method| within(1e-8, 1e-9)(method).max_steps(2_000_000);
        for found in solved(patient, growth, [0.0, time], [10.0, 0.0]) {
            // errors add up over as many times as y grows by e
            found.ends_at([end, 119.749_476_985_158_62 * end], [10.0 * 120.0 * time * 1e-8, 0.0]);
        }
        #[cfg(feature = "diffsol")]
        for (name, solver) in &implicit(1e-9, 1e-9)[..2] {
            let path = solver.solve(&growth, &0.0, &time, &[10.0, 0.0], &Save::End).unwrap();
            assert_eq!(path.status(), Status::Finished, "{name}");
            crate::runs::close(name, &path.end()[..1], &[end], [100.0 * 120.0 * time * 1e-9, 0.0]);
        }
    }
    for found in solved(within(1e-6, 1e-9), growth, [0.0, 10.0], [10.0, 0.0]) {
        overflows(&found, 5.919_543_499_338_446, 120.0);
    }
    for found in solved_in_single(within(1e-5, 1e-6), growth, [0.0, 10.0], [10.0, 0.0]) {
        overflows(&found, 0.7332, 120.0);
    }
    #[cfg(feature = "diffsol")]
    for (name, solver) in implicit(1e-6, 1e-9) {
        let path = solver.solve(&growth, &0.0, &10.0, &[10.0, 0.0], &Save::End).unwrap();
        assert!(!path.status().is_success() && *path.end_time() < 5.93, "{name}: {path:?}");
    }
}

/// A sibling of SciML/ODE.jl#81: `y' = 200 y` from 1 fills the floats at `t = ln(1.8e308)/200`, from 1e-300 later.
#[test]
fn exponential_growth_stops_at_the_largest_number() {
    let growth = Affine::new([[200.0]], [0.0]).unwrap();
    for start in [1.0, 1e-300, -1e100] {
        for found in solved(within(1e-6, 0.0), growth, [0.0, 10.0], [start]) {
            overflows(&found, (f64::MAX.ln() - f64::ln(start.abs())) / 200.0, 200.0);
        }
    }
}
