//! Log-densities along flow maps, where they are known: on Gaussian problems and mixtures, by every way to the determinant, and
//! learned.

use flowmap::{
    AverageVelocityMap, Dual, FlowMap, Number, State, Tensor, Tolerance, Value, Var,
    backend::ndarray::NdTensor,
    distribution::{Constants, Distribution, Normal},
    exact::{Component, CouplingFlow, DiagonalGaussian, Gaussian, Mixture, Rotation},
    flow_map,
    interpolant::Linear,
    learn::{Annealing, FromField, FromTeacher, Independent, Settings, TeacherNetwork, TimePairs, Trainer},
    likelihood::{
        ByAugmentedOde, ByDivergence, ByJacobian, Density, Directions, DivergenceHead, ExactTrace, Hutchinson, InRows, LogDet,
        OneStep, Pushforward, StandardNormal, VolumeChange, WithDivergence, log_density,
    },
    nn::{Mlp, MlpShape},
    random::stream,
    solver::{Adaptive, DOP853},
    statistics::Estimate,
};

type Batch = NdTensor<f64>;

fn tensor(values: &[f64], shape: &[usize]) -> Batch {
    NdTensor::new(values.to_vec(), shape).unwrap()
}

fn time(t: f64) -> Batch {
    tensor(&[t], &[])
}

fn gaussian() -> Gaussian<2, Linear> {
    Gaussian::new(Linear, [[0.0; 2], [1.0, -0.5]], [[[1.0, 0.0], [0.0, 1.0]], [[1.5, 0.4], [0.4, 0.6]]]).unwrap()
}

fn mixture() -> Mixture<Linear> {
    let left = Component { weight: 3.0, mean: -1.5, deviation: 0.4 };
    let right = Component { weight: 1.0, mean: 2.0, deviation: 0.7 };
    Mixture::new(Linear, vec![left, right]).unwrap()
}

const POINTS: [[f64; 2]; 4] = [[0.3, -0.2], [1.5, 0.5], [-0.7, -1.1], [4.0, 2.0]];

#[test]
fn gaussian_flows_by_every_way_to_the_determinant() {
    let model = gaussian();
    let solver = || Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-12, 1e-12).unwrap());
    type Way = (&'static str, Box<dyn VolumeChange<[f64; 2]>>, f64);
    let ways: [Way; 3] = [
        ("Jacobian", Box::new(ByJacobian(model)), 1e-13),
        ("divergence", Box::new(ByDivergence::new(model, model, ExactTrace)), 1e-10),
        ("solver", Box::new(ByAugmentedOde(solver().of(WithDivergence::new(model, ExactTrace)))), 1e-9),
    ];
    for (way, map, tolerance) in ways {
        for times in [[0.0, 1.0], [1.0, 0.0], [0.3, 0.6], [0.5, 0.5]] {
            let base = log_density(|x: &[f64; 2]| model.log_density(&times[0], x));
            let distribution = Pushforward::new(base, &map, times).unwrap();
            for y in &POINTS {
                let (found, expected) = (distribution.try_log_density(y).unwrap(), model.log_density(&times[1], y));
                assert!((found - expected).abs() < tolerance * (1.0 + expected.abs()), "{way} {times:?}: {found} and {expected}");
                let (end, carried) = distribution.try_carried(y).unwrap();
                let expected = model.log_density(&times[1], &end);
                assert!((carried - expected).abs() < tolerance * (1.0 + expected.abs()), "{way} {times:?}, carried");
            }
        }
    }
}

#[test]
fn mixtures_know_their_density_at_every_time() {
    let model = mixture();
    for times in [[0.0, 1.0], [0.0, 0.4], [1.0, 0.2]] {
        let base = log_density(|x: &[f64; 1]| model.log_density(&times[0], x));
        let exact = Pushforward::new(&base, ByJacobian(&model), times).unwrap();
        let along = Pushforward::new(&base, ByDivergence::new(&model, &model, ExactTrace).panels(8).unwrap(), times).unwrap();
        for y in [-2.5, -1.4, 0.1, 1.0, 3.0] {
            let expected = model.log_density(&times[1], &[y]);
            assert!((exact.try_log_density(&[y]).unwrap() - expected).abs() < 1e-11, "{times:?} at {y}");
            assert!((along.try_log_density(&[y]).unwrap() - expected).abs() < 1e-8, "{times:?} at {y}, along the map");
        }
    }
}

#[test]
fn a_turn_and_no_time_leave_densities_as_they_are() {
    let turn = Rotation::new(2.0).unwrap();
    for point in &POINTS {
        let base = StandardNormal.log_density(point);
        for times in [[0.0, 1.3], [0.4, 0.4]] {
            let distribution = Pushforward::new(StandardNormal, ByJacobian(turn), times).unwrap();
            assert!((distribution.log_density(point) - base).abs() < 1e-14);
        }
    }
}

#[test]
fn batches_agree_with_points() {
    let model = gaussian();
    let batch = tensor(POINTS.as_flattened(), &[4, 2]);
    let distribution = Pushforward::new(StandardNormal, ByJacobian(model), [0.0, 1.0]).unwrap();
    let along = Pushforward::new(StandardNormal, ByDivergence::new(model, model, ExactTrace), [0.0, 1.0]).unwrap();
    let solver = Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-11, 1e-11).unwrap());
    let solved = ByAugmentedOde(solver.of(WithDivergence::new(model, ExactTrace)));
    let solved = Pushforward::new(StandardNormal, solved, [0.0, 1.0]).unwrap();
    let found = [&distribution as &dyn Density<Batch>, &along, &solved]
        .map(|distribution| distribution.try_log_density(&batch).unwrap().to_vec());
    for (k, point) in POINTS.iter().enumerate() {
        let expected = model.log_density(&1.0, point);
        assert!(found.iter().all(|found| (found[k] - expected).abs() < 1e-8), "{k}: {found:?} and {expected}");
    }
    // rows with times of their own
    let (s, t) = (tensor(&[0.0, 0.1, 0.2, 0.3], &[4]), tensor(&[1.0, 0.9, 0.1, 0.3], &[4]));
    let (_, log_det) = ByDivergence::new(model, model, ExactTrace).flow_and_log_det(&s, &t, &batch);
    for (k, point) in POINTS.iter().enumerate() {
        let alone = ByDivergence::new(model, model, ExactTrace);
        let (_, expected) = alone.flow_and_log_det(&s.to_vec()[k], &t.to_vec()[k], point);
        assert!((log_det.to_vec()[k] - expected).abs() < 1e-13);
    }
}

#[test]
fn the_score_is_the_derivative() {
    let distribution = Pushforward::new(StandardNormal, ByJacobian(mixture()), [0.0, 1.0]).unwrap();
    for y in [-1.2, 0.3, 1.9] {
        let score = *distribution.log_density(&Dual::new([y], [1.0])).tangent();
        let at = |y: f64| mixture().log_density(&1.0, &[y]);
        let slope = (at(y + 1e-5) - at(y - 1e-5)) / 2e-5;
        assert!((score - slope).abs() < 1e-7 * (1.0 + slope.abs()), "{y}: {score} and {slope}");
    }
}

#[test]
fn random_directions_are_right_on_average_and_their_errors_honest() {
    let flow = CouplingFlow::<3>::random(3, 31).unwrap();
    let x = [0.3, -0.4, 1.0];
    let (_, exact) = ByJacobian(&flow).flow_and_log_det(&0.2, &0.9, &x);
    let rows = 1500;
    let batch = tensor(&x.repeat(rows), &[rows, 3]);
    let map = |seed| ByDivergence::new(&flow, &flow, Hutchinson::new(4, seed).unwrap());
    let found = map(1).estimate(&time(0.2), &time(0.9), &batch).unwrap();
    let values: Vec<f64> = found.iter().map(|sample| sample.estimate.value).collect();
    let mean = Estimate::mean(&values);
    assert!(mean.standard_error > 0.0 && (mean.value - exact).abs() < 4.0 * mean.standard_error, "{mean:?} and {exact}");
    let square = |sample: &LogDet| (sample.estimate.value - exact).powi(2) - sample.estimate.standard_error.powi(2);
    let excess = Estimate::mean(&found.iter().map(square).collect::<Vec<_>>());
    assert!(excess.value.abs() < 3.0 * excess.standard_error, "{excess:?}");
    // which would notice an error that is a tenth too small
    assert!(excess.standard_error < 0.07 * mean.standard_error.powi(2) * rows as f64, "{excess:?} and {mean:?}");
    // one sample, many seeds
    let one = tensor(&x, &[1, 3]);
    let seeds: Vec<f64> = (0..150).map(|seed| map(seed).flow_and_log_det(&time(0.2), &time(0.9), &one).1.to_vec()[0]).collect();
    let mean = Estimate::mean(&seeds);
    assert!((mean.value - exact).abs() < 4.0 * mean.standard_error, "{mean:?} and {exact}");
    // what is reported is what is used
    let (_, used) = map(1).flow_and_log_det(&time(0.2), &time(0.9), &batch);
    assert!(used.to_vec().iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-13));
}

#[test]
fn solvers_take_random_directions() {
    // for a field whose coordinates do not meet, every direction of signs is exact
    let model = DiagonalGaussian::new(Linear, [[0.0; 2], [1.0, -1.0]], [[1.0; 2], [0.5, 2.0]]).unwrap();
    let solver = Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-11, 1e-11).unwrap());
    let solved = ByAugmentedOde(solver.of(WithDivergence::new(model, Hutchinson::new(1, 3).unwrap())));
    let distribution = Pushforward::new(Normal::standard(2).unwrap(), solved, [0.0, 1.0]).unwrap();
    let found = distribution.try_log_density(&tensor(POINTS.as_flattened(), &[4, 2])).unwrap().to_vec();
    for (found, point) in found.into_iter().zip(&POINTS) {
        assert!((found - model.log_density(&1.0, point)).abs() < 1e-8);
    }
}

#[test]
fn the_determinant_of_a_network() {
    let network: Mlp<Batch> = Mlp::new(&MlpShape::new(2, 16, 2), 1).unwrap();
    let (map, batch) = (AverageVelocityMap(network), tensor(POINTS.as_flattened(), &[4, 2]));
    let (end, exact) = ByJacobian(&map).flow_and_log_det(&time(0.0), &time(0.5), &batch);
    assert_eq!(end, map.flow(&time(0.0), &time(0.5), &batch));
    // the Jacobian by central differences
    let h = 1e-5;
    for (k, point) in POINTS.iter().enumerate() {
        let at = |point: [f64; 2]| map.flow(&time(0.0), &time(0.5), &tensor(&point, &[1, 2])).to_vec();
        let column = |j: usize| {
            let [ahead, behind] = [h, -h].map(|h| at(std::array::from_fn(|i| point[i] + if i == j { h } else { 0.0 })));
            [0, 1].map(|i| (ahead[i] - behind[i]) / (2.0 * h))
        };
        let ([a, c], [b, d]) = (column(0), column(1));
        assert!((exact.to_vec()[k] - (a * d - b * c).abs().ln()).abs() < 1e-8);
    }
}

/// From noise to a distribution whose coordinates are correlated.
fn target() -> Gaussian<2, Linear> {
    Gaussian::new(Linear, [[0.0; 2], [1.0, -0.5]], [[[1.0, 0.0], [0.0, 1.0]], [[0.4, 0.1], [0.1, 0.6]]]).unwrap()
}

fn settings(objective: &str, steps: u64) -> Settings {
    Settings {
        objective: objective.parse().unwrap(),
        times: TimePairs::BothWays,
        batch: 64,
        diagonal: 0.25,
        learning_rate: 2e-2,
        schedule: Annealing::Cosine { steps },
        averages: Vec::new(),
        ..Settings::default()
    }
}

/// The root mean square error of log-densities at draws of the target, and their spread.
fn errors(distribution: &dyn Density<NdTensor<f32>>) -> [f64; 2] {
    let exact = target();
    let mut rows = vec![0.0; 2 * 500];
    Normal::standard(2).unwrap().draw_rows(&mut stream(9, 0), &mut rows);
    let points: Vec<[f64; 2]> = rows.as_chunks::<2>().0.iter().map(|x| exact.flow(&0.0, &1.0, x)).collect();
    let expected: Vec<f64> = points.iter().map(|y| exact.log_density(&1.0, y)).collect();
    let values: Vec<f32> = points.as_flattened().iter().map(|&y| y as f32).collect();
    let found = distribution.try_log_density(&NdTensor::from_slice(&values, &[500, 2])).unwrap().values();
    let square = |f: &dyn Fn(usize) -> f64| ((0..500).map(|k| f(k).powi(2)).sum::<f64>() / 500.0).sqrt();
    let mean = expected.iter().sum::<f64>() / 500.0;
    [square(&|k| found[k] - expected[k]), square(&|k| expected[k] - mean)]
}

/// What a head learns of the target's field, with its divergence along these directions.
fn learned<E>(directions: E, objective: &str) -> [f64; 2]
where
    E: Directions<NdTensor<f32>> + Directions<Var<NdTensor<f32>>> + Clone + Send + Sync,
{
    let steps = 2000;
    let states = Constants::new(Normal::new(vec![0.5, -0.25], 1.0).unwrap(), vec![0.0]).unwrap();
    let source = FromField::new(InRows(WithDivergence::new(target(), directions)), states, [0.0, 1.0]).unwrap();
    let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(3, 32, 2), 1).unwrap();
    let mut trainer = Trainer::new(DivergenceHead::new(network), source, settings(objective, steps)).unwrap();
    for _ in 0..steps {
        trainer.step().unwrap();
    }
    errors(&Pushforward::new(StandardNormal, OneStep(AverageVelocityMap(trainer.model())), [0.0, 1.0]).unwrap())
}

#[test]
fn a_head_learns_log_densities_in_one_evaluation() {
    let [error, spread] = learned(ExactTrace, "lmd");
    assert!(error < 0.1 && spread > 1.0, "{error} of {spread}");
}

#[test]
fn a_head_learns_from_random_directions() {
    let [error, spread] = learned(Hutchinson::new(1, 5).unwrap().by_state(), "lmd:paper");
    assert!(error < 0.15 && spread > 1.0, "{error} of {spread}");
}

#[test]
fn a_head_learns_from_a_teacher() {
    let distribution = || Normal::new(vec![1.0, -0.5], 0.5).unwrap();
    let coupling = Independent::new(Normal::standard(2).unwrap(), distribution()).unwrap();
    let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 16, 1), 1).unwrap();
    let mut matching = Trainer::new(network, coupling, settings("fm", 50)).unwrap();
    for _ in 0..50 {
        matching.step().unwrap();
    }
    let teacher = TeacherNetwork::new(matching.model().clone());
    let with = |distribution: Normal| Constants::new(distribution, vec![0.0]).unwrap();
    let rows = Independent::new(with(Normal::standard(2).unwrap()), with(distribution())).unwrap();
    let source = FromTeacher::new(InRows(WithDivergence::new(&teacher, ExactTrace)), rows);
    let head: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(3, 16, 1), 2).unwrap();
    let mut trainer = Trainer::new(DivergenceHead::new(head), source, settings("lmd", 300)).unwrap();
    let first = trainer.step().unwrap().residual;
    let last = (0..299).map(|_| trainer.step().unwrap().residual).last().unwrap();
    assert!(last < 0.1 * first, "{first} to {last}");
}

#[test]
fn what_has_no_density_is_refused() {
    let model = gaussian();
    assert!(Pushforward::new(StandardNormal, ByJacobian(model), [0.0, f64::NAN]).is_err());
    let distribution = Pushforward::new(StandardNormal, ByJacobian(model), [0.0, 1.0]).unwrap();
    assert!(distribution.try_log_density(&[f64::NAN, 0.0]).is_err() && distribution.try_carried(&[f64::NAN, 0.0]).is_err());
    // no distribution at time 1: all points are one
    let collapse = flow_map(|s: &Dual<f64>, t: &Dual<f64>, x: &Dual<[f64; 2]>| x.scaled(&((t.clone() - s).shift(-1.0) * s)));
    let distribution = Pushforward::new(StandardNormal, ByJacobian(collapse), [0.0, 1.0]).unwrap();
    assert!(matches!(distribution.try_carried(&[1.0, 1.0]), Err(flowmap::Error::Folded { .. })));
}

#[test]
#[should_panic(expected = "a state of 2 coordinates has shape [batch, 2], not [1, 3]")]
fn states_of_another_dimension() {
    ByJacobian(gaussian()).flow_and_log_det(&time(0.0), &time(1.0), &tensor(&[0.0; 3], &[1, 3]));
}
