//! Guidance by a reward against its ODE in closed form.

use super::{Batch, check_moments, rows};
use flowmap::{
    AverageVelocityMap, Error, FlowMap, Layout, Number, Tensor, TimeGrid, Var,
    backend::ndarray::NdTensor,
    distribution::{Constants, Normal},
    exact::DiagonalGaussian,
    flow_map,
    interpolant::{Linear, Trigonometric},
    nn::{Mlp, MlpShape, Model},
    sample::{self, LookAhead},
};
use std::f64::consts::FRAC_PI_2;

type Taped = Var<Batch>;

const MEAN: f64 = 1.5;
const DEVIATION: f64 = 0.7;

fn model() -> DiagonalGaussian<1, Linear> {
    DiagonalGaussian::new(Linear, [[0.0], [MEAN]], [[1.0], [DEVIATION]]).unwrap()
}

fn grid(steps: usize) -> TimeGrid {
    TimeGrid::uniform([0.0, 1.0], steps).unwrap()
}

fn linear(x: &Taped) -> Taped {
    x.sum(1..2).scale(1.3)
}

/// `-k/2 (x - c)²` with `k = 1.2` and `c = 3`.
fn quadratic(x: &Taped) -> Taped {
    x.shift(-3.0).powi(2).sum(1..2).scale(-0.6)
}

/// The foreseen end `y` obeys `y' = a σ²/g(t) r'(y)`, and the integral of `1/g` over the path is `π/2σ`.
#[test]
fn steps_approach_the_guided_ode() {
    const STRENGTH: f64 = 0.9;
    let starts = [-1.0, 0.2, 2.5];
    let all = STRENGTH * DEVIATION * FRAC_PI_2;
    let ends = starts.map(|x| MEAN + DEVIATION * x);
    let exact = [ends.map(|y| y + 1.3 * all), ends.map(|y| 3.0 + (y - 3.0) * (-1.2 * all).exp())];
    for (reward, exact) in [linear as fn(&Taped) -> Taped, quadratic].into_iter().zip(exact) {
        let error = |steps| {
            let guided = LookAhead::new(reward, |_| STRENGTH);
            let found = guided.follow(&model(), &grid(steps), &rows(&starts, 1), 1).unwrap().to_vec();
            found.iter().zip(exact).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
        };
        // the midpoint of 1/g lies so that its ends differ by much: the first order is seen
        let [coarse, fine] = [error(100), error(200)];
        let order = (coarse / fine).log2();
        assert!((order - 1.0).abs() < 0.03 && fine < 0.01, "order {order}, {coarse} to {fine}");
    }
}

/// With the variance of the path as strength, a linear reward gives the tilted distribution: normal distributions move by
/// `σ² r'`.
#[test]
fn linear_rewards_of_normal_data_give_the_tilted_distribution() {
    const DRAWS: usize = 20_000;
    let guided = LookAhead::new(linear, |t: f64| model().variance(&t)[0]);
    let found = guided.draw(&model(), &grid(8), &Normal::standard(1).unwrap(), DRAWS, 3).unwrap();
    check_moments("tilted", found.iter().copied(), MEAN + 1.3 * DEVIATION * DEVIATION, DEVIATION * DEVIATION);
}

#[test]
fn a_strength_that_changes_counts_at_the_start_of_each_step() {
    // on the circle of unit variance each step moves the end by its length times the strength
    let model = DiagonalGaussian::new(Trigonometric, [[0.0]; 2], [[1.0]; 2]).unwrap();
    let guided = LookAhead::new(linear, |t: f64| if t < 0.5 { 2.0 } else { 0.0 });
    let times = TimeGrid::new(vec![0.0, 0.2, 0.6, 1.0]).unwrap();
    let found = guided.follow(&model, &times, &rows(&[0.3], 1), 1).unwrap().to_vec()[0];
    assert!((found - (0.3 + 1.3 * 2.0 * 0.6)).abs() < 1e-14, "{found}");
}

fn network<T: Tensor<Primal = T, Device = ()>>(shape: MlpShape) -> Mlp<T> {
    Mlp::new(&shape, 3).unwrap()
}

#[test]
fn without_strength_samples_are_those_of_the_grid_bit_for_bit() {
    let network: Mlp<NdTensor<f32>> = network(MlpShape::new(2, 16, 2));
    let noise = Normal::standard(2).unwrap();
    let plain = sample::draw::<NdTensor<f32>>(&AverageVelocityMap(&network), &grid(3), &noise, 5000, 7);
    let nothing = |_: &Var<NdTensor<f32>>| -> Var<NdTensor<f32>> { panic!("a reward that counts nothing is not asked for") };
    let map = AverageVelocityMap(network.off_tape());
    assert_eq!(LookAhead::new(nothing, |_| 0.0).draw(&map, &grid(3), &noise, 5000, 7).unwrap(), plain);
    // a reward that does not depend on the sample
    let constant = |x: &Var<NdTensor<f32>>| Var::constant(x.sum(1..2).constant(2.0).value().clone());
    assert_eq!(LookAhead::new(constant, |_| 1.0).draw(&map, &grid(3), &noise, 5000, 7).unwrap(), plain);
}

/// `sin(2x) + x y` of the end.
fn curved<T: Tensor>(x: &T) -> T {
    let [x, y] = [0, 1].map(|i| x.slice(1, i..i + 1).sum(1..2));
    x.scale(2.0).sin() + x * y
}

#[test]
fn the_gradient_is_that_of_differences() {
    const H: f64 = 1e-5;
    let network: Mlp<Batch> = network(MlpShape::new(2, 16, 2));
    let (map, taped) = (AverageVelocityMap(&network), AverageVelocityMap(network.off_tape()));
    let starts = [0.3, -0.8, 1.1, 0.4, -0.5, 0.0];
    let (x, times) = (rows(&starts, 2), TimeGrid::new(vec![0.2, 0.9]).unwrap());
    let reward = |starts: &[f64]| curved(&times.follow(&map, &rows(starts, 2))).to_vec();
    let mut expected = starts;
    for k in 0..6 {
        let [mut up, mut down] = [starts; 2];
        up[k] += H;
        down[k] -= H;
        expected[k] += 0.5 * 0.7 * (reward(&up)[k / 2] - reward(&down)[k / 2]) / (2.0 * H);
    }
    let found = LookAhead::new(curved::<Taped>, |_| 0.5).follow(&taped, &times, &x, 2).unwrap().to_vec();
    let expected = times.follow(&map, &rows(&expected, 2)).to_vec();
    let moved = times.follow(&map, &x).to_vec();
    for ((found, expected), still) in found.iter().zip(expected).zip(moved) {
        assert!((found - expected).abs() < 1e-9 && (found - still).abs() > 1e-3, "{found}, {expected}, {still}");
    }
}

#[test]
fn classes_do_not_move_towards_the_reward() {
    let network: Mlp<Batch> = network(MlpShape::new(Layout::new(2).with_conditions(2), 16, 2));
    let noise = Constants::new(Normal::standard(2).unwrap(), vec![1.0, 0.3]).unwrap();
    let guided = LookAhead::new(curved::<Taped>, |_| 1.0);
    let found = guided.draw(&AverageVelocityMap(network.off_tape()), &grid(3), &noise, 50, 1).unwrap();
    assert!(found.as_chunks::<4>().0.iter().all(|row| row[2..] == [1.0, 0.3]), "{found:?}");
    let plain = sample::draw::<Batch>(&AverageVelocityMap(&network), &grid(3), &noise, 50, 1);
    assert!(found.iter().zip(&plain).all(|(a, b)| (a == b) == (*a == 1.0 || *a == 0.3)));
}

#[test]
fn rewards_that_are_no_numbers_are_refused() {
    let follow = |reward: fn(&Taped) -> Taped, strength: f64| {
        LookAhead::new(reward, move |_| strength).follow(&model(), &grid(2), &rows(&[0.0, 1.0], 1), 1).unwrap_err()
    };
    let not_finite = |reward, part: &str| match follow(reward, 1.0) {
        Error::NotFinite { what, from: 0.0, to: 1.0 } => assert!(what.contains(part), "{what}"),
        other => panic!("{other}"),
    };
    not_finite(|x| x.sum(1..2).shift(-1.6).ln(), "reward of"); // of one row
    not_finite(|x| x.sum(1..2).exp().scale(1e308).exp(), "reward of");
    not_finite(|x| x.sum(1..2).shift(-MEAN).powi(2).sqrt(), "gradient"); // at the root of zero
    assert!(matches!(follow(|x| x.clone(), 1.0), Error::Shape { .. }));
    assert!(matches!(follow(|x| x.sum(0..2), 1.0), Error::Shape { .. }));
    for strength in [f64::NAN, f64::INFINITY] {
        assert!(follow(linear, strength).to_string().contains("strength"));
    }
    let wider = LookAhead::new(linear, |_| 1.0).follow(&model(), &grid(2), &rows(&[0.0], 1), 2).unwrap_err();
    assert!(wider.to_string().contains("[1, 1]"), "{wider}");
    // a map that is not finite is seen by its reward
    let broken = flow_map(|_: &Taped, _: &Taped, x: &Taped| x.scale(f64::NAN));
    assert!(LookAhead::new(linear, |_| 1.0).follow(&broken, &grid(2), &rows(&[0.0], 1), 1).is_err());
}

#[test]
fn the_reward_rises_whichever_way_time_runs() {
    let model = model();
    let reversed =
        flow_map(move |s: &Taped, t: &Taped, x: &Taped| model.flow(&(-s.clone()).shift(1.0), &(-t.clone()).shift(1.0), x));
    let guided = LookAhead::new(linear, |_| 1.0);
    let forward = guided.follow(&model, &grid(4), &rows(&[0.4], 1), 1).unwrap();
    let backward =
        guided.follow(&reversed, &TimeGrid::new(vec![1.0, 0.75, 0.5, 0.25, 0.0]).unwrap(), &rows(&[0.4], 1), 1).unwrap();
    assert_eq!(forward.to_vec(), backward.to_vec());
    assert!(forward.to_vec()[0] > MEAN + DEVIATION * 0.4 + 0.5);
}
