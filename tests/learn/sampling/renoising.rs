//! Noise leads from the distribution at one time to the distribution at an earlier one.

use super::{at, check_moments, paths, rows};
use flowmap::{
    Tensor, Value,
    distribution::{Distribution, Normal},
    interpolant::{Interpolant, Linear, Path, Trigonometric},
    random::stream,
    sample::Renoising,
};

#[test]
fn the_marginal_at_a_time_becomes_that_at_an_earlier_one() {
    const DRAWS: usize = 40_000;
    let (noise, data) = (Normal::new(vec![0.7], 1.3).unwrap(), Normal::new(vec![-2.0], 0.5).unwrap());
    let [mut x0, mut x1] = [(); 2].map(|()| vec![0.0; DRAWS]);
    noise.draw_rows(&mut stream(1, 0), &mut x0);
    data.draw_rows(&mut stream(1, 1), &mut x1);
    for path in paths() {
        for [from, to] in [[1.0, 0.5], [0.8, 0.3], [0.6, 0.599], [0.4, 0.0], [1.0, 0.9]] {
            let [from, to] = [from, to].map(|share| at(&path, share));
            let what = format!("{path:?} from {from} to {to}");
            let x: Vec<_> = x0.iter().zip(&x1).map(|(x0, x1)| path.point(&from, &[*x0], &[*x1])[0]).collect();
            let back = Renoising::between(&path, from, to).unwrap();
            let found = back.apply(&rows(&x, 1), &noise, &mut stream(2, 0)).values();
            let [alpha, beta] = path.shares(&to);
            let variance = (1.3 * alpha).powi(2) + (0.5 * beta).powi(2);
            check_moments(&what, found.iter().copied(), 0.7 * alpha - 2.0 * beta, variance);
            // the share of the data is what it is at that time: so is the distribution given the data
            let covariance =
                found.iter().zip(&x1).map(|(x, x1)| (x - 0.7 * alpha + 2.0 * beta) * (x1 + 2.0)).sum::<f64>() / DRAWS as f64;
            let error = ((variance * 0.25 + (0.25 * beta).powi(2)) / DRAWS as f64).sqrt();
            assert!((covariance - 0.25 * beta).abs() < 4.5 * error, "{what}: {covariance} against {} ± {error}", 0.25 * beta);
        }
    }
}

#[test]
fn a_time_is_left_as_it_is_by_no_noise() {
    for path in paths() {
        let back = Renoising::between(&path, at(&path, 0.6), at(&path, 0.6)).unwrap();
        assert_eq!([back.kept(), back.added()], [1.0, 0.0], "{path:?}");
        let x = rows(&[0.3, -1.7], 1);
        assert_eq!(back.apply(&x, &Normal::new(vec![3.0], 1.0).unwrap(), &mut stream(1, 0)).to_vec(), x.to_vec());
    }
}

#[test]
fn ways_that_lead_nowhere_are_refused() {
    let refused = |path: Path, from, to, why: &str| {
        let message = Renoising::between(&path, from, to).unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    };
    let preserving: Path = "vp".parse().unwrap();
    for path in [Path::Linear, Path::Trigonometric, preserving] {
        let middle = at(&path, 0.5);
        for outside in [-0.1, 5.1, f64::NAN, f64::INFINITY] {
            refused(path, outside, middle, "not on the path");
            refused(path, middle, outside, "not on the path");
        }
        refused(path, middle, at(&path, 0.6), "less noisy");
        refused(path, middle, at(&path, 0.5 + 1e-9), "less noisy");
    }
    refused(preserving, 5.0, 1.0, "not on the path"); // where its rates are infinite
    refused(Path::Linear, 0.0, 0.0, "no data");
    refused(Path::Trigonometric, 0.0, 0.5, "no data");
    // where no data are left, new noise is all
    let all = Renoising::between(&Linear, 0.5, 0.0).unwrap();
    assert_eq!([all.kept(), all.added()], [0.0, 1.0]);
    assert!(Renoising::between(&Trigonometric, 1.0, 0.0).is_ok());
}

#[test]
fn each_row_has_noise_of_its_own_and_coordinates_at_rest_have_none() {
    let back = Renoising::between(&Linear, 0.9, 0.3).unwrap();
    let x: Vec<f64> = (0..40).map(|k| f64::from(k).sin()).collect();
    let noise = Normal::with_factor(vec![1.0, 2.0], &[2.0, 0.0, 1.0, 0.5]).unwrap();
    let whole = back.apply(&rows(&x, 4), &noise, &mut stream(3, 1)).to_vec();
    let mut rng = stream(3, 1);
    let parts: Vec<f64> = x.chunks(12).flat_map(|part| back.apply(&rows(part, 4), &noise, &mut rng).to_vec()).collect();
    assert_eq!(whole, parts);
    for (x, y) in x.chunks(4).zip(whole.chunks(4)) {
        assert_eq!(x[2..], y[2..]);
        assert!(x[0] != y[0] && x[1] != y[1]);
    }
}

#[test]
#[should_panic(expected = "noise of 3 coordinates for a state of shape [1, 2]")]
fn noise_that_is_wider_than_the_state_is_a_mistake() {
    let back = Renoising::between(&Linear, 0.9, 0.3).unwrap();
    back.apply(&rows(&[0.0; 2], 2), &Normal::standard(3).unwrap(), &mut stream(1, 0));
}
