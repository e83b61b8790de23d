//! What training learns, against a flow map in closed form.
//!
//! Noise `N(0, I)` goes to a rotated normal distribution with standard deviations 0.4 and 1.5: [`Gaussian`] is the exact answer
//! for every `X_{s,t}` and `b_t`. Errors are root mean squares over fresh draws, as shares of a size: of a map, of the target's
//! root mean square standard deviation `√(tr C1 / d)`; of a velocity, of the exact velocity's root mean square.

use flowmap::{
    AverageVelocityMap, FlowMap, Tensor, TimeGrid, VelocityField,
    backend::ndarray::NdTensor,
    distribution::{Distribution, Normal},
    exact::Gaussian,
    interpolant::{Interpolant, Linear},
    learn::{Annealing, Context, Distillation, Independent, Settings, Trainer},
    nn::{Mlp, MlpShape},
    random::stream,
    sample,
};

type Network = Mlp<NdTensor<f32>>;

const STD: [f64; 2] = [0.4, 1.5];
const ANGLE: f64 = 0.6;
/// Draws that an error is measured on: their scatter changes an error by a few hundredths of itself.
const DRAWS: usize = 20_000;

/// The covariance of the target.
fn covariance() -> [[f64; 2]; 2] {
    let ([a, b], (sin, cos)) = (STD.map(|s| s * s), ANGLE.sin_cos());
    let mixed = (a - b) * sin * cos;
    [[a * cos * cos + b * sin * sin, mixed], [mixed, a * sin * sin + b * cos * cos]]
}

fn target() -> Normal {
    let [[a, b], [_, c]] = covariance();
    let corner = b / a.sqrt();
    Normal::with_factor(vec![0.0; 2], &[a.sqrt(), 0.0, corner, (c - corner * corner).sqrt()]).unwrap()
}

fn exact() -> Gaussian<2, Linear> {
    Gaussian::new(Linear, [[0.0; 2]; 2], [[[1.0, 0.0], [0.0, 1.0]], covariance()]).unwrap()
}

/// The network that `steps` steps by `objective` make, after a falling learning rate.
fn learned(objective: &str, batch: usize, steps: u64) -> Network {
    let settings = Settings {
        objective: objective.parse().unwrap(),
        batch,
        diagonal: 0.5,
        learning_rate: 1e-2,
        schedule: Annealing::Cosine { steps },
        averages: vec![],
        seed: 1,
        ..Settings::default()
    };
    let coupling = Independent::new(Normal::standard(2).unwrap(), target()).unwrap();
    let network = Mlp::new(&MlpShape::new(2, 32, 3), 1).unwrap();
    let mut trainer = Trainer::new(network, coupling, settings).unwrap();
    for _ in 0..steps {
        trainer.step().unwrap();
    }
    trainer.model().clone()
}

/// `n` draws.
fn draws(distribution: &Normal, n: usize, number: u64) -> Vec<[f64; 2]> {
    let mut rows = vec![0.0; 2 * n];
    distribution.draw_rows(&mut stream(977, number), &mut rows);
    rows.as_chunks().0.to_vec()
}

fn squares(differences: impl Iterator<Item = [f64; 2]>) -> f64 {
    differences.map(|[x, y]| x * x + y * y).sum()
}

fn difference(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

/// The error of `X_{0,1}`, in `steps` steps, as a share of the target's size.
fn map_error(network: &Network, steps: usize) -> f64 {
    let noise = Normal::standard(2).unwrap();
    let grid = TimeGrid::uniform([0.0, 1.0], steps).unwrap();
    let found = sample::draw::<NdTensor<f32>>(&AverageVelocityMap(network), &grid, &noise, DRAWS, 977);
    let ends = draws(&noise, DRAWS, 0).into_iter().map(|x| exact().flow(&0.0, &1.0, &x));
    let square = squares(found.as_chunks().0.iter().zip(ends).map(|(&a, b)| difference(a, b)));
    let size = (STD[0] * STD[0] + STD[1] * STD[1]) / 2.0;
    (square / DRAWS as f64 / size).sqrt()
}

/// The error of `v_{t,t}` at uniform times and points of the distribution at that time, as a share of the velocity's size.
fn velocity_error(network: &Network) -> f64 {
    let times = (0..DRAWS).map(|k| (k as f64 + 0.5) / DRAWS as f64);
    let ends = draws(&Normal::standard(2).unwrap(), DRAWS, 1).into_iter().zip(draws(&target(), DRAWS, 2));
    let points: Vec<_> = times.zip(ends).map(|(t, (x0, x1))| (t, Linear.point(&t, &x0, &x1))).collect();
    let velocities: Vec<_> = points.iter().map(|(t, x)| exact().velocity(t, x)).collect();

    let flat: Vec<_> = points.iter().flat_map(|(_, x)| x.map(|x| x as f32)).collect();
    let times: Vec<_> = points.iter().map(|(t, _)| *t as f32).collect();
    let times = NdTensor::from_slice(&times, &[DRAWS]);
    let found = AverageVelocityMap(network).velocity(&times, &NdTensor::from_slice(&flat, &[DRAWS, 2])).to_vec();
    let pairs = found.as_chunks().0.iter().zip(&velocities);
    let square = squares(pairs.map(|(&[x, y], &b): (&[f32; 2], _)| difference([x.into(), y.into()], b)));
    (square / squares(velocities.into_iter())).sqrt()
}

/// The root mean square residual of `objective` at pairs of times `s < t`, spread evenly, and points of the distribution at `s`.
fn residual(network: &Network, objective: &str) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let ends = draws(&Normal::standard(2).unwrap(), DRAWS, 3).into_iter().zip(draws(&target(), DRAWS, 4));
    let (mut s, mut t, mut x) = (vec![], vec![], vec![]);
    for (k, (x0, x1)) in ends.enumerate() {
        let (a, b) = ((k as f64 + 0.5) / DRAWS as f64, (k as f64 * GOLDEN).fract());
        x.extend(Linear.point(&a.min(b), &x0, &x1).map(|x| x as f32));
        s.push(a.min(b) as f32);
        t.push(a.max(b) as f32);
    }
    let [s, t] = [s, t].map(|times| NdTensor::from_slice(&times, &[DRAWS]));
    let x = NdTensor::from_slice(&x, &[DRAWS, 2]);
    let objective: Distillation = objective.parse().unwrap();
    let residual = objective.residual(&Context::new(network, &s, &t, &x)).unwrap().to_vec();
    (squares(residual.as_chunks().0.iter().map(|&[x, y]| [x.into(), y.into()])) / DRAWS as f64).sqrt()
}

#[test]
#[ignore = "trains for half a minute; the CI script runs it"]
fn the_lagrangian_objective_learns_the_exact_flow_map() {
    let network = learned("lsd", 1024, 8000);
    let [map, velocity] = [map_error(&network, 1), velocity_error(&network)];
    println!("lsd: map {map:.4}, velocity {velocity:.4}");
    assert!(map < 0.04, "the map is off by {map}");
    assert!(velocity < 0.04, "the velocity is off by {velocity}");
}

/// Shorter trainings: an objective must bring its own residual to less than half of what flow matching alone leaves, and the map
/// within `bound` of the exact one.
#[test]
#[ignore = "trains for half a minute; the CI script runs it"]
fn the_other_objectives_reduce_their_residuals() {
    let diagonal = learned("fm", 512, 3000);
    for (objective, bound) in [("esd", 0.1), ("psd-m", 0.15)] {
        let network = learned(objective, 512, 3000);
        let [before, after] = [&diagonal, &network].map(|network| residual(network, objective));
        let [without, map] = [&diagonal, &network].map(|network| map_error(network, 1));
        println!("{objective}: residual {before:.4} to {after:.4}, map {without:.4} to {map:.4}");
        assert!(after < before / 2.0, "the residual of {objective} is {after}, without it {before}");
        assert!(map < bound, "the map by {objective} is off by {map}");
    }
}
