//! What is known of some flows beside the identities: how they carry distributions, and when they end.

use flowmap::{
    Error, FlowMap, State,
    exact::{Blowup, ExactFlow, Gaussian, Logistic, strategy::covariance},
    interpolant::{Interpolant, Linear, Trigonometric, VariancePreserving},
    nalgebra::SMatrix,
};
use proptest::{prelude::*, test_runner::TestCaseResult};

/// `J C_s Jᵀ = C_t` and `ln det J = (ln det C_t - ln det C_s) / 2`, with covariances from their definition.
fn carries_the_distribution<I: Interpolant + Clone>(
    path: I,
    distributions: [[[f64; 3]; 3]; 2],
    shares: [f64; 2],
) -> TestCaseResult {
    let [start, end] = path.span();
    let [s, t] = shares.map(|share| start + share * (end - start));
    let matrix = |rows: &[[f64; 3]; 3]| SMatrix::<f64, 3, 3>::from_fn(|i, j| rows[i][j]);
    let distribution = |t: &f64| {
        let [alpha, beta] = path.shares(t);
        matrix(&distributions[0]) * alpha.powi(2) + matrix(&distributions[1]) * beta.powi(2)
    };
    let flow = Gaussian::new(path.clone(), [[0.5, -1.0, 2.0], [1.0, 0.0, -3.0]], distributions).unwrap();
    let jacobian = matrix(&flow.jacobian(&s, &t, &[0.0; 3]));
    let carried = jacobian * distribution(&s) * jacobian.transpose();
    prop_assert!((carried - distribution(&t)).norm() <= 1e-12 * (1.0 + jacobian.norm().powi(2)) * distribution(&s).norm());
    let expected = 0.5 * (distribution(&t).determinant().ln() - distribution(&s).determinant().ln());
    prop_assert!((jacobian.determinant().ln() - expected).abs() < 1e-9);
    prop_assert!((matrix(&flow.covariance(&t)) - distribution(&t)).norm() <= 1e-13 * distribution(&t).norm().max(1.0));
    let mean = flow.flow(&s, &t, &flow.mean(&s));
    prop_assert!(mean.minus(&flow.mean(&t)).norm() < 1e-13);
    Ok(())
}

/// The solution is there until shortly before `time`, and gone shortly after, in whichever direction that is.
fn ends_at(flow: &impl FlowMap<[f64; 1]>, s: f64, x: f64, time: f64) -> TestCaseResult {
    let at = |share: f64| s + share * (time - s);
    prop_assert!(flow.try_flow(&s, &at(0.999), &[x]).is_ok());
    prop_assert!(flow.flow(&s, &at(1.001), &[x])[0].is_nan());
    match flow.try_flow(&s, &at(1.001), &[x]) {
        Err(Error::BlowUp { from, to, time: found }) => {
            prop_assert_eq!([from, to], [s, at(1.001)]);
            prop_assert!((found - time).abs() <= 1e-12 * (1.0 + time.abs()), "{found} for {time}");
        }
        other => prop_assert!(false, "{other:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::common::cases(256, 8)))]

    #[test]
    fn gaussian_flows_carry_the_distribution(distributions in [covariance(), covariance()], shares in [0.0..=1.0, 0.0..=1.0]) {
        carries_the_distribution(Linear, distributions, shares)?;
        carries_the_distribution(Trigonometric, distributions, shares)?;
        carries_the_distribution(VariancePreserving::default(), distributions, shares)?;
    }

    #[test]
    fn blow_up_times(s in -1.0..1.0, size in 0.1..10.0_f64, sign in prop::bool::ANY) {
        let x = if sign { size } else { -size };
        ends_at(&Blowup, s, x, s + 1.0 / x)?;
    }

    #[test]
    fn blow_up_times_of_logistic_growth(s in -1.0..1.0, rate in 0.1..3.0_f64, excess in 0.1..10.0_f64, signs: [bool; 2]) {
        let rate = if signs[0] { rate } else { -rate };
        let flow = Logistic::new(rate, 2.0).unwrap();
        // 1 - K/x is (1 + a)/a for x = -aK and a/(1 + a) for x = (1 + a)K
        let grown = f64::ln((1.0 + excess) / excess) / rate;
        if signs[1] {
            ends_at(&flow, s, -2.0 * excess, s + grown)?;
        } else {
            ends_at(&flow, s, 2.0 * (1.0 + excess), s - grown)?;
        }
    }
}
