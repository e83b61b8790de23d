use super::*;
use crate::{Case, Dual, FlowMap, QuasiRandom, exact::Rotation, verify};
use proptest::prelude::*;

/// The number of floats between `a` and `b`; 0 for two NaN.
fn ulps(a: f64, b: f64) -> u64 {
    let place = |x: f64| if x.is_sign_negative() { -(x.abs().to_bits() as i64) } else { x.to_bits() as i64 };
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0,
        (false, false) => place(a).abs_diff(place(b)),
        _ => u64::MAX,
    }
}

/// The bits; all NaN give the same.
fn bits(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

type Four = Lanes<f64, 4>;

/// A function of a number, compiled into the region in which it is called.
trait Function {
    const NAME: &'static str;
    /// The ulps by which lanes may differ from the standard library.
    const ULPS: u64;
    fn at<N: Number>(x: &N) -> N;
}

/// Calls `$test::<F>($x)` for every function `F`.
macro_rules! for_each_function {
    ($test:ident($x:expr)) => {
        for_each_function!($test, $x,
            exp 1, exp_m1 2, ln 1, ln_1p 1, sin 2, cos 2, tan 5, sinh 3, cosh 2, tanh 5,
            recip 0, sqrt 0, abs 0, floor 0, atan 0, erf 0
        )
    };
    ($test:ident, $x:expr, $($name:ident $ulps:literal),*) => {$({
        struct Tested;
        impl Function for Tested {
            const NAME: &'static str = stringify!($name);
            const ULPS: u64 = $ulps;
            #[inline(always)]
            fn at<N: Number>(x: &N) -> N {
                x.$name()
            }
        }
        $test::<Tested>($x);
    })*};
}

fn agrees_with_the_standard_library<F: Function>(x: f64) {
    let (found, expected) = (F::at(&Four::splat(x)).lane(1), F::at(&x));
    assert!(ulps(found, expected) <= F::ULPS, "{}({x:e}): {found:e} instead of {expected:e}", F::NAME);
    if expected == 0.0 {
        assert_eq!(bits(found), bits(expected), "{}({x:e}): the sign of 0", F::NAME);
    }
}

fn single_precision_agrees_with_the_standard_library<F: Function>(x: f32) {
    let (found, expected) = (F::at(&Lanes::<f32, 4>::splat(x)).lane(1), F::at(&x));
    // as many f64 apart
    let spaced = |x: f32| f64::from_bits(x.abs().to_bits().into()).copysign(x.into());
    let near = (found.is_nan() && expected.is_nan()) || ulps(spaced(found), spaced(expected)) <= F::ULPS.max(1);
    assert!(near, "{}({x:e}_f32): {found:e} instead of {expected:e}", F::NAME);
}

fn neighbours_play_no_part<F: Function>(x: [f64; 4]) {
    let together = F::at(&Lanes::from(x));
    for (i, x) in x.into_iter().enumerate() {
        for neighbour in [x, f64::NAN, 1e30] {
            let mut alone = Four::splat(neighbour);
            alone.set_lane(i, x);
            assert_eq!(bits(together.lane(i)), bits(F::at(&alone).lane(i)), "{}({x:e})", F::NAME);
        }
    }
}

#[cfg(feature = "ndarray")]
fn regions_give_the_same_bits<F: Function>(x: [f64; 4]) {
    struct InRegion<F>(Four, std::marker::PhantomData<F>);
    impl<F: Function> pulp::NullaryFnOnce for InRegion<F> {
        type Output = Four;
        #[inline(always)]
        fn call(self) -> Four {
            F::at(&self.0)
        }
    }
    let x = Lanes::from(x);
    let (inside, outside) = (pulp::Arch::new().dispatch(InRegion::<F>(x, std::marker::PhantomData)), F::at(&x));
    assert_eq!(inside.to_array().map(bits), outside.to_array().map(bits), "{}({x:?})", F::NAME);
}

/// Arbitrary bits, and numbers of common sizes.
fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![any::<u64>().prop_map(f64::from_bits), -1e5..1e5, -750.0..750.0, -3.0..3.0, Just(0.0), Just(-0.0), 0.9..1.1]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn functions_agree_with_the_standard_library(x in any_float()) {
        for_each_function!(agrees_with_the_standard_library(x));
        for_each_function!(single_precision_agrees_with_the_standard_library(x as f32));
    }

    #[test]
    fn lanes_do_not_see_each_other(x in [any_float(), any_float(), any_float(), any_float()]) {
        for_each_function!(neighbours_play_no_part(x));
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn results_do_not_depend_on_the_instructions(x in [any_float(), any_float(), any_float(), any_float()]) {
        for_each_function!(regions_give_the_same_bits(x));
    }

    #[test]
    fn operators_are_those_of_floats(x in any_float(), y in any_float()) {
        let [a, b] = [x, y].map(Four::splat);
        let pairs = [(a + b, x + y), (a - b, x - y), (a * b, x * y), (a / b, x / y), (-a, -x), (a.atan2(&b), x.atan2(y))];
        for (lanes, float) in pairs {
            prop_assert_eq!(bits(lanes.lane(3)), bits(float));
        }
        prop_assert_eq!(a.less(&b).lane(3), x < y);
    }

    #[test]
    fn powers(x in 0.01..100.0, c in -8.0..8.0, n in -20..20) {
        let x: f64 = x;
        let [root, whole] = [Number::powf(&Four::splat(x), c).lane(0), Number::powi(&Four::splat(x), n).lane(0)];
        // about an ulp of the logarithm and of its multiple, which are absolute errors in the exponent, and one of the
        // exponential
        prop_assert!((root / x.powf(c) - 1.0).abs() < f64::EPSILON * (2.0 + 1.5 * (c * x.ln()).abs()));
        // one rounding per factor
        prop_assert!((whole / x.powf(n.into()) - 1.0).abs() < f64::EPSILON * (1.0 + f64::from(n.abs())));
    }
}

#[test]
fn limits_of_the_exponential_and_the_logarithm() {
    for x in [f64::MAX, f64::INFINITY, 709.79, 709.78, -745.13, -745.14, f64::MIN, f64::NEG_INFINITY, f64::NAN] {
        for_each_function!(agrees_with_the_standard_library(x));
    }
    for x in [0.0, -0.0, -5e-324, 5e-324, 1e-310, f64::MIN_POSITIVE, -1.0, 1.0, 1.0 - f64::EPSILON / 2.0, 1.0 + f64::EPSILON] {
        for_each_function!(agrees_with_the_standard_library(x));
    }
    // far from 0, the scalar function reduces the argument
    for x in [1e5, 100_000.1, -1e6, 1e22, 6_381_956_970_095_103.0 * 2.0_f64.powi(797)] {
        for_each_function!(agrees_with_the_standard_library(x));
    }
    // multiples of π/2, where little remains of x
    for k in 1..60_000 {
        let x = f64::from(k) * std::f64::consts::FRAC_PI_2;
        for_each_function!(agrees_with_the_standard_library, x, sin 2, cos 2);
    }
}

#[test]
fn masks() {
    let (a, b) = (LaneMask::from([true, true, false, false]), LaneMask::from([true, false, true, false]));
    assert_eq!(a.and(&b), LaneMask::from([true, false, false, false]));
    assert_eq!(a.or(&b), LaneMask::from([true, true, true, false]));
    assert_eq!(a.not(), LaneMask::from([false, false, true, true]));
    assert!(a.any() && !LaneMask::from([false; 4]).any());
    assert!(a.lane(1) && !a.lane(2));
    let (x, nan) = (Four::from([1.0, 2.0, 3.0, 4.0]), Four::splat(f64::NAN));
    assert_eq!(Lanes::select(&x.less(&Lanes::splat(2.5)), &x, &Lanes::splat(0.0)), Lanes::from([1.0, 2.0, 0.0, 0.0]));
    assert_eq!(Lanes::select(&nan.less(&x), &nan, &x), x);
    assert_eq!(x.max(&Lanes::splat(2.5)).values(), [2.5, 2.5, 3.0, 4.0]);
    assert_eq!(x.min(&Lanes::splat(2.5)).values(), [1.0, 2.0, 2.5, 2.5]);
}

/// States of lanes and their duals are ordinary states: a flow in closed form holds on all lanes.
#[test]
fn a_flow_holds_on_lanes() {
    let flow = Rotation::new(0.7).unwrap();
    let one_by_one: Vec<_> = QuasiRandom::new([-1.0, 2.0], [[-2.0, 2.0]; 2]).unwrap().cases::<f64>(64).collect();
    let cases = one_by_one.chunks_exact(4).map(|four| {
        let side_by_side = |of: fn(&Case<[f64; 2]>) -> f64| Four::from(std::array::from_fn(|i| of(&four[i])));
        Case { s: side_by_side(|c| c.s), t: side_by_side(|c| c.t), x: [side_by_side(|c| c.x[0]), side_by_side(|c| c.x[1])] }
    });
    let report = verify(&flow, &flow, cases);
    assert!(report.holds(1e-14), "{report}");
    // a derivative, lane by lane
    let angle = Dual::new(Four::from([0.0, 0.5, 1.0, 1.5]), Four::splat(1.0));
    let [_, end] = flow.flow(&Dual::constant(Four::splat(0.0)), &angle, &[1.0, 0.0].map(|c| Dual::constant(Four::splat(c))));
    for i in 0..4 {
        let time = angle.value().lane(i);
        assert!((end.tangent().lane(i) - 0.7 * (0.7 * time).cos()).abs() < 1e-15);
    }
}

#[test]
fn multiples_are_added_with_one_rounding() {
    let (x, y) = (Lanes::from([0.1_f64, -3.0, 1e300, 7.0]), Lanes::from([0.3, 2.0, -1e300, 1.0]));
    let found = x.scale_onto(1.7, y);
    for i in 0..4 {
        assert_eq!(found.lane(i).to_bits(), x.lane(i).mul_add(1.7, y.lane(i)).to_bits());
    }
    assert_eq!(Number::scale_onto(&0.5, 3.0, 1.0), 2.5);
}
