//! Routes lead to the distribution of the data, and errors on the way are forgotten as much as they should be.

use super::{AnyPath, Batch, at, check_moments, moments, paths, rows};
use flowmap::{
    AverageVelocityMap, FlowMap, Tensor, TimeGrid,
    backend::ndarray::NdTensor,
    data::Images,
    distribution::{Constants, Distribution, Normal, Uniform},
    exact::DiagonalGaussian,
    flow_map,
    interpolant::{Interpolant, Linear, Path},
    learn::Conditional,
    nn::{Mlp, MlpShape},
    random::stream,
    sample::{self, Leg, Restart, Route},
};

const MEANS: [[f64; 2]; 2] = [[0.0; 2], [1.0, -2.0]];
const DEVIATIONS: [[f64; 2]; 2] = [[1.0; 2], [0.5, 1.5]];

fn target<I: Interpolant>(path: I) -> DiagonalGaussian<2, I> {
    DiagonalGaussian::new(path, MEANS, DEVIATIONS).unwrap()
}

fn grid(path: &impl Interpolant, steps: usize) -> TimeGrid {
    TimeGrid::uniform(path.span(), steps).unwrap()
}

fn routes(path: &AnyPath) -> Vec<(String, Route)> {
    let restart = |a, b, rounds| Restart { interval: [at(path, a), at(path, b)], rounds };
    let gammas = [0.0, 0.3, 0.8, 1.0].map(|gamma| (format!("gamma {gamma}"), Route::gamma(path, &grid(path, 4), gamma).unwrap()));
    let restarts = [vec![restart(0.4, 0.75, 3)], vec![restart(0.0, 0.6, 1), restart(0.5, 1.0, 2), restart(0.7, 1.0, 1)]];
    let restarts = restarts.map(|r| (format!("{r:?}"), Route::restarting(path, &grid(path, 4), &r).unwrap()));
    gammas.into_iter().chain(restarts).collect()
}

#[test]
fn by_an_exact_map_every_route_leads_to_the_data() {
    const DRAWS: usize = 20_000;
    for path in paths() {
        // where the variance explodes, the start is noise about the data
        let mean = MEANS[1].map(|m| m * path.shares(&path.span()[0])[1]);
        let variances = target(path).variance(&path.span()[0]);
        let noise = Normal::with_factor(mean.to_vec(), &[variances[0].sqrt(), 0.0, 0.0, variances[1].sqrt()]).unwrap();
        let mut start = vec![0.0; 2 * DRAWS];
        noise.draw_rows(&mut stream(11, 0), &mut start);
        let end = path.span()[1];
        let variances = target(path).variance(&end);
        for (name, route) in routes(&path) {
            let what = format!("{path:?} by {name}");
            let found = route.follow(&target(path), &rows(&start, 2), &Normal::standard(2).unwrap(), 12).to_vec();
            for i in 0..2 {
                check_moments(&what, found.iter().copied().skip(i).step_by(2), MEANS[1][i] * path.shares(&end)[1], variances[i]);
            }
            let mixed =
                found.as_chunks::<2>().0.iter().map(|[x, y]| (x - MEANS[1][0]) * (y - MEANS[1][1])).sum::<f64>() / DRAWS as f64;
            assert!(mixed.abs() < 4.5 * (variances[0] * variances[1] / DRAWS as f64).sqrt(), "{what}: covariance {mixed}");
        }
    }
}

#[test]
fn without_gamma_a_route_is_the_grid_bit_for_bit() {
    let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 16, 2), 3).unwrap();
    let (map, noise) = (AverageVelocityMap(&network), Normal::standard(2).unwrap());
    for times in [vec![0.0, 0.3, 0.4, 1.0], vec![1.0, 0.5, 0.0]] {
        let grid = TimeGrid::new(times).unwrap();
        let route = Route::gamma(&Linear, &grid, 0.0).unwrap();
        assert_eq!(route, Route::from(&grid));
        let plain = sample::draw::<NdTensor<f32>>(&map, &grid, &noise, 5000, 7);
        assert_eq!(route.draw::<NdTensor<f32>>(&map, &noise, 5000, 7).unwrap(), plain);
    }
}

#[test]
fn gamma_leads_as_far_beyond_each_time_as_it_says() {
    let grid = TimeGrid::new(vec![0.0, 0.2, 0.6, 1.0]).unwrap();
    for gamma in [0.25, 0.9, 1.0] {
        let route = Route::gamma(&Linear, &grid, gamma).unwrap();
        assert_eq!((route.steps(), route.legs().len()), (3, 5));
        let quieter = (1.0_f64 - gamma * gamma).sqrt();
        for (leg, t) in [(0, 0.2), (2, 0.6)] {
            let Leg::Flow([_, beyond]) = route.legs()[leg] else { panic!("{route:?}") };
            // (1 - τ)/τ = share (1 - t)/t
            let expected = 1.0 / (1.0 + quieter * (1.0 - t) / t);
            assert!((beyond - expected).abs() < 1e-15, "{beyond} and {expected}");
            let Leg::Renoise(back) = route.legs()[leg + 1] else { panic!("{route:?}") };
            // of the noise at t, a share γ² of the variance is fresh
            assert!((back.added() - gamma * (1.0 - t)).abs() < 1e-15, "{back:?}");
        }
        assert_eq!(route.legs()[4], Leg::Flow([0.6, 1.0]));
    }
    // a path that ends before all noise is gone
    let path: Path = "vp".parse().unwrap();
    let route = Route::gamma(&path, &TimeGrid::new(vec![0.0, 3.0, 4.999]).unwrap(), 1.0).unwrap();
    assert_eq!(route.legs()[0], Leg::Flow([0.0, 4.999]));
}

#[test]
fn a_restart_goes_to_and_fro() {
    let restarts = [Restart { interval: [0.2, 0.6], rounds: 2 }];
    let route = Route::restarting(&Linear, &TimeGrid::uniform([0.0, 1.0], 2).unwrap(), &restarts).unwrap();
    let flows: Vec<_> = route.legs().iter().map(|leg| if let Leg::Flow(times) = leg { Some(*times) } else { None }).collect();
    let round = [None, Some([0.2, 0.5]), Some([0.5, 0.6])];
    let expected = [&[Some([0.0, 0.5]), Some([0.5, 0.6])][..], &round, &round, &[Some([0.6, 1.0])]].concat();
    assert_eq!((flows, route.steps()), (expected, 7));
    let grid = TimeGrid::uniform([0.0, 1.0], 2).unwrap();
    assert_eq!(Route::restarting(&Linear, &grid, &[]).unwrap(), Route::from(&grid));
}

/// Where an error of the mean that arises on legs that start before `until` is led to by the rest of the route.
fn carried_error(model: &DiagonalGaussian<1, Linear>, route: &Route, until: f64, bias: f64) -> f64 {
    let deviation = |t: f64| model.variance(&t)[0].sqrt();
    route.legs().iter().fold(0.0, |error, leg| match leg {
        Leg::Flow([s, t]) => error * deviation(*t) / deviation(*s) + if *s < until { bias } else { 0.0 },
        Leg::Renoise(back) => error * back.kept(),
    })
}

/// A map that is wrong early: what it does wrong is forgotten by noise, round by round, and the more the larger gamma is.
#[test]
fn errors_are_forgotten_as_much_as_they_should_be() {
    const DRAWS: usize = 20_000;
    let (until, bias) = (0.1, 0.6);
    let model = DiagonalGaussian::new(Linear, [[0.0], [1.0]], [[1.0], [0.8]]).unwrap();
    let wrong = flow_map(|s: &Batch, t: &Batch, x: &Batch| {
        let bias = if s.to_vec()[0] < until { bias } else { 0.0 };
        let x: Batch = model.flow(s, t, x);
        flowmap::Number::shift(&x, bias)
    });
    let grid = TimeGrid::uniform([0.0, 1.0], 4).unwrap();
    let restarting = |rounds| match rounds {
        0 => Route::from(&grid),
        _ => Route::restarting(&Linear, &grid, &[Restart { interval: [0.3, 0.8], rounds }]).unwrap(),
    };
    let gammas = [0.0, 0.4, 0.7, 1.0].map(|gamma| Route::gamma(&Linear, &grid, gamma).unwrap());
    for family in [[0, 1, 2, 4].map(restarting), gammas] {
        let mut last = f64::INFINITY;
        for route in family {
            let expected = carried_error(&model, &route, until, bias);
            let found = route.draw::<Batch>(&wrong, &Normal::standard(1).unwrap(), DRAWS, 5).unwrap();
            let [mean, variance] = moments(found.iter().copied());
            let error = (variance / DRAWS as f64).sqrt();
            assert!((mean - 1.0 - expected).abs() < 4.5 * error, "{mean}, expected {} ± {error}: {route:?}", 1.0 + expected);
            assert!(expected < 0.95 * last, "{expected} after {last}: {route:?}");
            last = expected;
        }
        assert!(last < 0.1);
    }
}

#[test]
fn rows_do_not_depend_on_how_many_are_drawn() {
    let noise = Normal::standard(2).unwrap();
    for (name, route) in routes(&AnyPath::Named(Path::Linear)) {
        let draw = |count, seed| route.draw::<Batch>(&target(Linear), &noise, count, seed).unwrap();
        let many = draw(5000, 3); // more than are computed at a time
        assert_eq!(many[..20], draw(10, 3), "{name}");
        assert_eq!(many, draw(5000, 3), "{name}");
        assert_ne!(many[..20], draw(10, 4), "{name}");
        assert_ne!(many[..8192], many[many.len() - 8192..], "{name}");
    }
}

/// The map of the first coordinate alone; those behind are classes.
fn beside_classes(s: &Batch, t: &Batch, x: &Batch) -> Batch {
    let model = DiagonalGaussian::new(Linear, [[0.0], [1.0]], [[1.0], [0.8]]).unwrap();
    Batch::concat(&[model.flow(s, t, &x.slice(1, 0..1)), x.slice(1, 1..x.shape()[1])], 1)
}

#[test]
fn classes_get_no_noise() {
    let images = Images::new(vec![0, 255], [1, 1, 1], Some(vec![0, 2])).unwrap();
    let coupling = Conditional::new(Normal::standard(1).unwrap(), images, 0.1).unwrap().with_guidance([1.0, 3.0]).unwrap();
    let noise = coupling.noise(Some(2), 1.7).unwrap();
    for (name, route) in routes(&AnyPath::Named(Path::Linear)) {
        let found = route.draw::<Batch>(&flow_map(beside_classes), &noise, 4000, 3).unwrap();
        assert!(found.as_chunks::<5>().0.iter().all(|row| row[1..] == [0.0, 0.0, 1.0, 1.7]), "{name}");
        check_moments(&name, found.iter().copied().step_by(5), 1.0, 0.64);
    }
}

#[test]
fn noise_that_cannot_be_renewed_is_refused() {
    let uniform = Uniform::new(&[[-1.0, 1.0]; 2]).unwrap();
    let grid = TimeGrid::uniform([0.0, 1.0], 3).unwrap();
    let draw = |route: &Route, distribution: &dyn Distribution| route.draw::<Batch>(&target(Linear), distribution, 10, 1);
    let route = Route::gamma(&Linear, &grid, 0.5).unwrap();
    assert!(draw(&route, &uniform).unwrap_err().to_string().contains("normal"));
    assert!(draw(&route, &Constants::new(Uniform::new(&[[0.0, 1.0]]).unwrap(), vec![1.0]).unwrap()).is_err());
    assert!(draw(&Route::from(&grid), &uniform).is_ok());
}

#[test]
fn routes_that_lead_nowhere_are_refused() {
    let grid = TimeGrid::uniform([0.0, 1.0], 3).unwrap();
    let gamma = |times: &[f64], gamma| Route::gamma(&Linear, &TimeGrid::new(times.to_vec()).unwrap(), gamma);
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(gamma(&[0.0, 1.0], bad).unwrap_err().to_string().contains("gamma"));
    }
    for times in [&[1.0, 0.5, 0.0][..], &[0.0, 0.5, 1.5, 2.0], &[-2.0, -1.0, 0.5], &[-1.0, 0.5, 1.0]] {
        assert!(gamma(times, 0.5).unwrap_err().to_string().contains("ascend within"), "{times:?}");
        assert!(Route::restarting(&Linear, &TimeGrid::new(times.to_vec()).unwrap(), &[]).is_err(), "{times:?}");
    }
    let restarting = |interval, rounds| Route::restarting(&Linear, &grid, &[Restart { interval, rounds }]);
    for interval in [[0.5, 0.5], [0.8, 0.2], [-0.1, 0.5], [0.5, 1.1], [f64::NAN, 0.5], [0.1, f64::NAN]] {
        assert!(restarting(interval, 1).unwrap_err().to_string().contains("restart"), "{interval:?}");
    }
    assert!(restarting([0.2, 0.8], 0).is_err());
    assert!(restarting([0.2, 0.8], u32::MAX).unwrap_err().to_string().contains("more than"));
    let long = TimeGrid::uniform([0.0, 1.0], 1_000_000).unwrap();
    assert!(Route::gamma(&Linear, &long, 0.5).unwrap_err().to_string().contains("more than"));
}
