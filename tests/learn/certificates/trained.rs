//! Networks, and the losses that they are trained by.

use super::{Model, Point, SLACK, draws, lipschitz, standard};
use flowmap::{
    AverageVelocityMap, FlowMap, Tensor, VelocityField,
    backend::ndarray::NdTensor,
    certificate::{BoundKind, Certifier, LipschitzBound, MatchingExcess, certify},
    distribution::{Distribution, Normal},
    exact::Gaussian,
    field,
    interpolant::Linear,
    learn::{Independent, Settings, Trainer},
    nn::{Mlp, MlpShape},
    random::stream,
    rhs_jacobian,
};

/// Where noise and data are `N(0, I)` and `N(m, C)`, and a velocity that is off by a constant.
#[test]
fn the_excess_is_the_loss_without_the_conditional_variance() {
    let model = Gaussian::new(Linear, [[0.0]; 2], [[[1.0]], [[4.0]]]).unwrap();
    let shifted = field(|t: &f64, x: &[f64; 1]| [model.velocity(t, x)[0] + 0.3]);
    let mut rows = vec![0.0; 2 * 4000];
    standard().draw_rows(&mut stream(4, 4), &mut rows);
    let pairs = rows.as_chunks::<2>().0.iter().map(|&[x0, x1]| ([x0], [2.0 * x1]));
    let found = MatchingExcess::of(&shifted, &model, &Linear, pairs).unwrap();
    assert!((found.excess.value - 0.09).abs() < 1e-12);
    assert!(found.mixed.value.abs() < 4.0 * found.mixed.standard_error, "{found:?}");
    assert!((found.loss.value - found.conditional_variance.value - 0.09).abs() < 4.0 * found.mixed.standard_error);
    // Var(x1 - x0) - Cov²/Var = 4 / ((1-t)² + 4t²), whose mean over t is 2 (π/2) = π
    let variance = found.conditional_variance;
    assert!((variance.value - std::f64::consts::PI).abs() < 4.0 * variance.standard_error, "{variance:?}");
    // the bound is on the distance of both flows
    let l = (0..=100).map(|k| model_slope(&model, f64::from(k) / 100.0)).fold(f64::MIN, f64::max);
    let bound = found.bound(l, 0.99).unwrap();
    assert!(bound > 0.3 && bound < 10.0, "{bound}");
    assert!(found.bound(f64::NAN, 0.99).is_err() && found.bound(1.0, 1.0).is_err() && found.bound(1e300, 0.9).is_err());
    assert!(MatchingExcess::of(&shifted, &model, &Linear, []).is_err());
    let hole = field(|_: &f64, _: &[f64; 1]| [f64::NAN]);
    assert!(MatchingExcess::of(&hole, &model, &Linear, [([0.0], [1.0]), ([1.0], [0.0])]).is_err());
}

fn model_slope(model: &Gaussian<1, Linear>, t: f64) -> f64 {
    rhs_jacobian(model, &t, &[0.0])[0][0]
}

/// A network that learned, by self-distillation, the flow from `N(0, I)` to the data of a Gaussian problem.
fn trained(objective: &str) -> (AverageVelocityMap<Mlp<NdTensor<f64>>>, Model) {
    let data = [[1.5, 0.4], [0.4, 0.6]];
    let exact = Gaussian::new(Linear, [[0.0; 2], [1.0, -0.5]], [[[1.0, 0.0], [0.0, 1.0]], data]).unwrap();
    let corner = 0.4 / 1.5_f64.sqrt();
    let factor = [1.5_f64.sqrt(), 0.0, corner, (0.6 - corner * corner).sqrt()];
    let distribution = Normal::with_factor(vec![1.0, -0.5], &factor).unwrap();
    let settings = Settings {
        objective: objective.parse().unwrap(),
        batch: 256,
        learning_rate: 1e-2,
        averages: vec![],
        seed: 1,
        ..Settings::default()
    };
    let network: Mlp<NdTensor<f64>> = Mlp::new(&MlpShape::new(2, 32, 2), 1).unwrap();
    let mut trainer = Trainer::new(network, Independent::new(standard(), distribution).unwrap(), settings).unwrap();
    for _ in 0..300 {
        trainer.step().unwrap();
    }
    (AverageVelocityMap(trainer.model().clone()), exact)
}

fn batch(points: &[Point]) -> NdTensor<f64> {
    NdTensor::from_slice(points.as_flattened(), &[points.len(), 2])
}

#[test]
fn bounds_hold_for_trained_maps() {
    ["lsd", "esd", "psd-m"].into_iter().for_each(bounds_hold_for_a_map_trained_by);
}

fn bounds_hold_for_a_map_trained_by(objective: &str) {
    let (map, exact) = trained(objective);
    let starts = batch(&draws(&standard(), 1000, 6));
    // as the flow map of the field that is known: a certificate
    let certifier = Certifier::new([0.0, 1.0], LipschitzBound::at(lipschitz(exact, 1.0))).unwrap();
    let known = certifier.certify_against(&exact, &map, &exact, [starts.clone()]).unwrap();
    println!("a map trained by {objective} and the field that it should have:\n{known}");
    assert!(known.holds(SLACK), "{known}");
    assert!(known.bounds().iter().all(|(_, bound)| bound.kind == BoundKind::Certificate));
    assert!(known.error.value < 0.5 && known.tightness(&known.lagrangian) < 20.0, "{known}");
    // as that of its own diagonal: L can only be estimated
    let own = certify(&map, &map, [starts]).unwrap();
    println!("the same, and its own diagonal:\n{own}");
    assert!(own.holds(SLACK) && own.lagrangian.kind == BoundKind::Estimate, "{own}");

    // the map's samples and the data: by its own diagonal and the excess, in two steps
    let pairs = {
        let x0 = draws(&standard(), 1000, 7);
        let x1: Vec<Point> = draws(&standard(), 1000, 8).iter().map(|x| exact.flow(&0.0, &1.0, x)).collect();
        [(batch(&x0), batch(&x1))]
    };
    let excess = MatchingExcess::of(&map, &exact, &Linear, pairs).unwrap();
    println!("{excess:?}");
    assert!(excess.loss.value > 10.0 * excess.excess.value, "the loss is nearly all conditional variance: {excess:?}");
    assert!(excess.mixed.value.abs() < 4.0 * excess.mixed.standard_error, "{excess:?}");
    let most = own.profile.iter().map(|moment| moment.lipschitz).fold(f64::MIN, f64::max);
    let total = own.lagrangian.upper + excess.bound(most, 0.99).unwrap();
    println!("W2 between samples and data: at most {total:.3}, of fitted Gaussians {:.3}", known.w2.unwrap());
    assert!(known.w2.unwrap() <= total && known.error.value <= total);
}

#[test]
fn single_precision() {
    let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 16, 2), 3).unwrap();
    let map = AverageVelocityMap(network);
    let rows: Vec<f32> = draws(&standard(), 100, 9).as_flattened().iter().map(|&x| x as f32).collect();
    let report = certify(&map, &map, [NdTensor::from_slice(&rows, &[100, 2])]).unwrap();
    assert!(report.holds(1e-4), "{report}");
    assert!(report.tolerance.is_some_and(|tolerance| tolerance > 1e-6), "{report}");
}
