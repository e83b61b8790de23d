//! Time scales from 1e-300 to 1e30, and times at which states are saved.

use crate::runs::{MANY, METHODS, Mirrored, path, solved, solved_in_single, within};
use flowmap::{
    Error, FlowMap, Num, Number, Ode,
    exact::Affine,
    solver::{EULER, FixedSteps, Save, Solver},
};

/// `y' = -y / τ`.
#[derive(Clone, Copy)]
struct Decay(f64);

impl Ode<1> for Decay {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [y]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [-y / self.0]
    }
}

/// `y' = -y/τ` from 0 to τ, by Euler's method in 1000 steps and adaptively; patrick-kidger/diffrax#632, #657.
#[test]
fn a_decay_is_the_same_on_every_scale_of_time() {
    for scale in [1.0, 1e-9, 1e-11, 1e-30, 1e-300, 1e30, 1e300] {
        let euler = FixedSteps::new(EULER, 1000).unwrap();
        let forward = euler.of(Decay(scale).field()).flow(&0.0, &scale, &[1.0])[0];
        let backward = euler.of(Mirrored(Decay(scale), -1.0).field()).flow(&0.0, &-scale, &[1.0])[0];
        for found in [forward, backward] {
            assert!((found - 0.367_695_424_770_964_04).abs() < 1e-13, "{scale}: {found}");
        }
        for found in solved(within(1e-6, 1e-9), Decay(scale), [0.0, scale], [1.0]) {
            found.ends_at([0.367_879_441_171_442_33], [MANY * 1e-6, 0.0]);
        }
    }
    for scale in [1e-9, 1e-30, 1e30] {
        let euler = FixedSteps::new(EULER, 1000).unwrap().of(Decay(scale).field());
        assert!((euler.flow(&0.0_f32, &(scale as f32), &[1.0])[0] - 0.367_695_42).abs() < 1e-4);
        for found in solved_in_single(within(1e-5, 1e-6), Decay(scale), [0.0, scale], [1.0]) {
            found.ends_at([0.367_879_44], [MANY * 1e-5, 0.0]);
        }
    }
}

/// `x' = rate x`.
fn linear(rate: f64) -> Affine<1> {
    Affine::new([[rate]], [0.0]).unwrap()
}

/// `u' = 1.01 u` to 5.99e-7, saved at every 1e-7; SciML/DifferentialEquations.jl#206.
#[test]
fn no_save_time_is_left_out_of_a_short_span() {
    let expected = [
        0.500_000_050_500_002_6,
        0.500_000_101_000_010_2,
        0.500_000_151_500_022_9,
        0.500_000_202_000_040_8,
        0.500_000_252_500_063_8,
    ];
    for method in METHODS {
        let times: Vec<f64> = (1..=5).map(|k| 1e-7 * f64::from(k)).collect();
        let saved = path(&within(1e-6, 1e-9)(method), linear(1.01), [0.0, 5.99e-7], [0.5], &Save::At(times));
        let states: Vec<f64> = saved.states().iter().map(|x| x[0]).collect();
        assert_eq!(states.len(), 5, "{}", method.name);
        crate::runs::close(method.name, &states, &expected, [1e-15, 0.0]);
        crate::runs::close(method.name, saved.end(), &[0.500_000_302_495_091_5], [1e-15, 0.0]);
    }
}

/// Save times that are repeated, or next to each other: SciML/OrdinaryDiffEq.jl#273, Nicholaswogan/numbalsoda#7,
/// ben-cassese/jorbit#85.
#[test]
fn repeated_save_times_give_their_state_each_time() {
    let times = vec![0.5, 0.5_f64.next_up(), 0.5, 1.0, 1.0];
    for method in METHODS {
        let solver = within(1e-9, 1e-9)(method);
        let still = path(&solver, linear(0.0), [0.0, 1.0], [3.0], &Save::At(times.clone()));
        assert_eq!(still.states(), [[3.0]; 5]);
        let saved = path(&solver, linear(1.0), [0.0, 1.0], [1.0], &Save::At(times.clone()));
        assert_eq!(saved.times(), times);
        let expected: Vec<f64> = times.iter().map(|time| time.exp()).collect();
        crate::runs::close(method.name, saved.states().as_flattened(), &expected, [MANY * 1e-9, 0.0]);
    }
}

/// `u' = u` to 0.3, saved at `0.1 k`, whose last is 0.30000000000000004; ryansmcgee/seirsplus#11, juntang-zhuang/torch_ACA#3.
#[test]
fn a_save_time_one_rounding_beyond_the_end_is_the_end() {
    for method in METHODS {
        for sign in [1.0, -1.0] {
            let times = (0..=3).map(|k| sign * 0.1 * f64::from(k)).collect();
            let solver = within(1e-6, 1e-9)(method);
            let saved = solver.solve(&linear(sign).field(), &0.0, &(0.3 * sign), &[1.0], &Save::At(times)).unwrap();
            assert_eq!((saved.states().len(), saved.states().last()), (4, Some(saved.end())));
            crate::runs::close(method.name, saved.end(), &[1.349_858_807_576_003_2], [MANY * 1e-6, 0.0]);
        }
    }
}

/// A sibling of ryansmcgee/seirsplus#11: grids `h k` of many lengths and counts, in both directions; times that are far beyond
/// the end stay errors which name both.
#[test]
fn grids_of_multiples_are_accepted_up_to_one_rounding() {
    let solver = within(1e-6, 1e-9)(METHODS[0]);
    let mut beyond = 0;
    for (h, parts) in [
        (0.1, 10.0),
        (0.2, 5.0),
        (0.01, 100.0),
        (0.05, 20.0),
        (0.7, 10.0 / 7.0),
        (1.0 / 3.0, 3.0),
        (1e-3, 1e3),
        (1.1, 10.0 / 11.0),
    ] {
        for count in 1..=100_u32 {
            let end = f64::from(count) / parts;
            let last = h * f64::from(count);
            if last > end.next_up() {
                continue;
            }
            beyond += usize::from(last > end);
            for sign in [1.0, -1.0] {
                let times = (0..=count).map(|k| sign * h * f64::from(k)).collect();
                let saved = solver.solve(&linear(0.1).field(), &0.0, &(sign * end), &[1.0], &Save::At(times));
                let saved = saved.unwrap_or_else(|error| panic!("{count} times {h}: {error}"));
                assert_eq!(saved.states().len(), count as usize + 1, "{count} times {h}");
                if last >= end {
                    assert_eq!(saved.states().last(), Some(saved.end()), "{count} times {h}");
                }
            }
        }
    }
    assert!(beyond > 30, "{beyond}");
    for outside in [0.3 + 1e-12, 0.300_000_1, 1.0, -1e-12] {
        let refused = solver.solve(&linear(1.0).field(), &0.0, &0.3, &[1.0], &Save::At(vec![outside]));
        let Err(Error::Invalid { reason, .. }) = refused else { panic!("{outside} was accepted") };
        assert!(reason.contains("0.3") && reason.contains(&outside.to_string()), "{reason}");
    }
}

/// `y' = -y` to 1 in single precision, saved at every tenth; srenevey/ode-solvers#35.
#[test]
fn a_grid_in_single_precision_reaches_the_end() {
    let sums = std::iter::successors(Some(0.0_f32), |sum| Some(sum + 0.1)).take(11);
    for times in [(0..=10).map(|k| 0.1 * f64::from(k)).collect::<Vec<_>>(), sums.map(f64::from).collect()] {
        for method in METHODS {
            let solver = within(1e-3, 1e-6)(method);
            let saved = solver.solve(&linear(-1.0).field(), &0.0_f32, &1.0, &[1.0], &Save::At(times.clone())).unwrap();
            assert_eq!((saved.states().len(), saved.states().last(), saved.end_time()), (11, Some(saved.end()), &1.0));
            assert!((saved.end()[0] - 0.367_879_44).abs() < 1e-3, "{}: {:?}", method.name, saved.end());
        }
    }
}
