//! What cannot be judged.

use super::{Point, draws, standard};
use flowmap::{
    Error, FiniteDifferences, FlowMap,
    certificate::{Certificate, Certifier, LipschitzBound},
    exact::{Blowup, Rotation},
    field, flow_map,
};

#[test]
fn what_cannot_be_judged_is_refused() {
    let turn = Rotation::new(1.0).unwrap();
    let starts = || draws(&standard(), 40, 1);
    let good = || Certifier::new([0.0, 1.0], LipschitzBound::constant(0.0)).unwrap();
    let invalid = |result: Result<Certificate, Error>, part: &str| match result {
        Err(error @ Error::Invalid { .. }) => assert!(error.to_string().contains(part), "{error}"),
        other => panic!("{part}: {other:?}"),
    };
    for bad in [[0.5, 0.5], [0.0, f64::NAN], [f64::INFINITY, 0.0], [-1e308, 1e308]] {
        assert!(matches!(Certifier::new(bad, LipschitzBound::constant(0.0)), Err(Error::Invalid { .. })));
    }
    assert!(good().panels(0).is_err() && good().panels(1001).is_err());
    assert!([0.4, 1.0, f64::NAN].iter().all(|&p| good().confidence(p).is_err()));
    assert!([0.0, -1.0, f64::NAN].iter().all(|&r| good().tolerance(r).is_err()));
    invalid(good().certify(&turn, &turn, Vec::<Point>::new()), "there are 0");
    invalid(good().certify(&turn, &turn, starts()[..29].to_vec()), "there are 29");
    invalid(good().certify(&turn, &turn, [[f64::NAN, 0.0]; 40]), "a coordinate is NaN");
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let certifier = Certifier::new([0.0, 1.0], LipschitzBound::constant(bad)).unwrap();
        invalid(certifier.certify(&turn, &turn, starts()), "one-sided Lipschitz constant");
    }
    let wrong = Rotation::new(1.1).unwrap();
    let huge = Certifier::new([0.0, 1.0], LipschitzBound::constant(1e4)).unwrap();
    invalid(huge.certify(&wrong, &turn, starts()), "take times closer together");
    // points without coordinates are no samples
    let nothing = field(|_: &f64, x: &[f64; 0]| *x);
    let empty = FiniteDifferences::new(flow_map(|_: &f64, _: &f64, x: &[f64; 0]| *x));
    invalid(good().certify(&empty, &nothing, [[]; 40]), "there are 0");
    // a map, and a derivative, that are not finite
    let hole = FiniteDifferences::new(flow_map(
        move |s: &f64, t: &f64, x: &Point| {
            if x[0] > 1.0 { [f64::NAN; 2] } else { turn.flow(s, t, x) }
        },
    ));
    assert!(matches!(good().certify(&hole, &turn, starts()), Err(Error::NotFinite { .. })));
    let kink = flow_map(|_: &f64, t: &f64, x: &Point| if *t > 0.5 { [x[0] / 0.0, 0.0] } else { *x });
    assert!(matches!(good().certify(&FiniteDifferences::new(kink), &turn, starts()), Err(Error::NotFinite { .. })));
    // solutions that do not exist for so long
    let early = Certifier::new([0.0, 2.0], LipschitzBound::constant(0.0)).unwrap();
    let ends = || (0..40).map(|k| [1.0 + f64::from(k)]);
    assert!(matches!(early.certify(&Blowup, &Blowup, ends()), Err(Error::BlowUp { .. })));
    let still = FiniteDifferences::new(flow_map(|_: &f64, _: &f64, x: &[f64; 1]| *x));
    assert!(matches!(early.certify(&still, &Blowup, ends()), Err(Error::Stopped { .. })));
    assert!(matches!(early.certify_against(&Blowup, &still, &Blowup, ends()), Err(Error::BlowUp { .. })));
}
