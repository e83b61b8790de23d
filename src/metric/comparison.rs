//! Distances of samples from real data, each next to that of real data from real data.

use std::fmt;

use super::{
    Features, Kid, Moments, Subsets, Wasserstein, frechet, kid,
    of_matrices::{choose, gather},
    sliced_wasserstein,
};
use crate::{Error, Result, data::Points, random::stream};

/// The settings of [`compare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Protocol {
    /// Those of [`kid`]; at most half the rows of a side, because subsets of all rows do not differ.
    pub subsets: Subsets,
    /// The directions of [`sliced_wasserstein`].
    pub directions: usize,
}

/// 100 subsets of 1000 rows, 500 directions.
impl Default for Protocol {
    fn default() -> Self {
        Self { subsets: Subsets::default(), directions: 500 }
    }
}

/// A distance of the samples from real data, and its floor, the same distance between real data.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WithFloor<T> {
    /// Between real rows and samples.
    pub score: T,
    /// Between the same real rows and as many other real rows as samples.
    pub floor: T,
}

/// The result of [`compare`], and its settings. As text, a small table.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Comparison {
    /// The [name](Features::name) of the features.
    pub features: String,
    /// The dimension of the features.
    pub dimension: usize,
    /// The rows on each side of each distance.
    pub rows: usize,
    /// The directions of the sliced distances.
    pub directions: usize,
    /// The seed of everything that was drawn.
    pub seed: u64,
    /// The squared Fréchet distance.
    pub frechet: WithFloor<f64>,
    /// The kernel distance.
    pub kid: WithFloor<Kid>,
    /// The sliced Wasserstein distances.
    pub sliced: WithFloor<Wasserstein>,
}

/// The distances of `samples` from `real` data, each with its floor.
///
/// The floor is the distance between two halves of the real data that share no row, `A` and `B`. The score is the distance
/// between `A` and as many samples, `C`. All three have `h = min(n/2, m)` rows for `n` real rows and `m` samples, chosen at
/// random. So score and floor have the same bias, that of the Fréchet and the sliced distances for `h` rows, and *for perfect
/// samples the same distribution*: their score is as often below the floor as above. A score well above is the samples' fault;
/// one well below means that the samples repeat real rows, as those of a network that memorized its data, or that the seed was
/// lucky: try another.
///
/// Published numbers of these names usually use all rows of both sets, as [`frechet`] and [`kid`] do. They are comparable with
/// others of as many rows, but not with those here.
///
/// ```
/// use flowmap::{data::Points, distribution::{Distribution, Normal}, metric::{Protocol, RawFeatures, Subsets, compare}};
/// use flowmap::random::stream;
/// let draws = |std: f64, n: usize, seed: u64| {
///     let mut rows = vec![0.0; 2 * n];
///     Normal::new(vec![0.0; 2], std)?.draw_rows(&mut stream(seed, 0), &mut rows);
///     Points::new(rows, 2)
/// };
/// let (real, good, bad) = (draws(1.0, 2000, 1)?, draws(1.0, 1000, 2)?, draws(1.2, 1000, 3)?);
/// let protocol = Protocol { subsets: Subsets { count: 20, size: 200 }, directions: 50 };
/// let of_good = compare(&real, &good, &RawFeatures(2), &protocol, 1)?;
/// let of_bad = compare(&real, &bad, &RawFeatures(2), &protocol, 1)?;
/// assert!(of_good.frechet.score < 0.03 && of_bad.frechet.score > 0.03, "{of_good}{of_bad}");
/// assert_eq!(of_good.frechet.floor, of_bad.frechet.floor);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if the sets have different dimensions or the features do not fit; [`Error::Invalid`] if there are fewer than
/// 4 real rows or 2 samples, features are not finite, the protocol is out of range, or a distance overflows.
pub fn compare(
    real: &Points,
    samples: &Points,
    features: &(impl Features + ?Sized),
    protocol: &Protocol,
    seed: u64,
) -> Result<Comparison> {
    super::common_dimension(real, samples)?;
    let rows = (real.len() / 2).min(samples.len());
    if rows < 2 {
        let reason = format!("{} real rows and {} samples; give at least 4 and 2", real.len(), samples.len());
        return Err(Error::invalid("rows", reason));
    }
    // the last streams: the distances use those from 0 up
    let halves = choose(&mut stream(seed, u64::MAX), real.len(), 2 * rows);
    let chosen = choose(&mut stream(seed, u64::MAX - 1), samples.len(), rows);
    let of = |points: &Points, which: &[usize]| features.try_features(&Points::new(gather(points, which), points.dimension())?);
    let (a, b, c) = (of(real, &halves[..rows])?, of(real, &halves[rows..])?, of(samples, &chosen)?);

    let moments = Moments::of(&a)?;
    let frechet = |other: &Points| frechet(&moments, &Moments::of(other)?);
    let subsets = Subsets { size: protocol.subsets.size.min((rows / 2).max(2)), ..protocol.subsets };
    let kid = |other: &Points| kid(&a, other, subsets, seed);
    let sliced = |other: &Points| sliced_wasserstein(&a, other, protocol.directions, seed);
    Ok(Comparison {
        features: features.name(),
        dimension: features.dimension(),
        rows,
        directions: protocol.directions,
        seed,
        frechet: WithFloor { score: frechet(&c)?, floor: frechet(&b)? },
        kid: WithFloor { score: kid(&c)?, floor: kid(&b)? },
        sliced: WithFloor { score: sliced(&c)?, floor: sliced(&b)? },
    })
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, score: String, floor: String| writeln!(f, "{name:<20} {score:>22} {floor:>22}");
        let number = |x: f64| format!("{x:.3e}");
        let kid = |kid: Kid| format!("{:.3e} ± {:.1e}", kid.mean, kid.standard_error);
        line("distance", "score".into(), "floor".into())?;
        line("Fréchet, squared", number(self.frechet.score), number(self.frechet.floor))?;
        line("kernel (KID)", kid(self.kid.score), kid(self.kid.floor))?;
        line("sliced Wasserstein 1", number(self.sliced.score.w1), number(self.sliced.floor.w1))?;
        line("sliced Wasserstein 2", number(self.sliced.score.w2), number(self.sliced.floor.w2))?;
        let Subsets { count, size } = self.kid.score.subsets;
        let (rows, features, dimension) = (self.rows, &self.features, self.dimension);
        writeln!(f, "{rows} rows a side; features '{features}' of dimension {dimension};")?;
        writeln!(f, "{count} subsets of {size} rows; {} directions; seed {}", self.directions, self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{
        RawFeatures,
        testing::{map, normal, on_threads},
    };

    const QUICK: Protocol = Protocol { subsets: Subsets { count: 5, size: 40 }, directions: 20 };

    #[test]
    fn perfect_samples_score_below_the_floor_as_often_as_above() {
        let mut below = [0; 3];
        for seed in 0..100 {
            let comparison =
                compare(&normal(80, 3, 0.0, seed), &normal(60, 3, 0.0, seed + 1000), &RawFeatures(3), &QUICK, seed).unwrap();
            below[0] += u32::from(comparison.frechet.score < comparison.frechet.floor);
            below[1] += u32::from(comparison.kid.score.mean < comparison.kid.floor.mean);
            below[2] += u32::from(comparison.sliced.score.w2 < comparison.sliced.floor.w2);
        }
        // 50 ± 5
        assert!(below.iter().all(|n| n.abs_diff(50) < 18), "{below:?}");
    }

    #[test]
    fn bad_samples_score_above_the_floor() {
        let real = normal(400, 3, 0.0, 1);
        let bad = compare(&real, &normal(300, 3, 0.8, 2), &RawFeatures(3), &QUICK, 1).unwrap();
        assert_eq!((bad.rows, bad.dimension, bad.features.as_str(), bad.seed), (200, 3, "raw", 1));
        assert!(bad.frechet.score > 5.0 * bad.frechet.floor, "{bad}");
        assert!(bad.kid.score.mean > 5.0 * bad.kid.floor.mean, "{bad}");
        assert!(bad.sliced.score.w1 > 2.0 * bad.sliced.floor.w1, "{bad}");
        // fewer samples: all sides shrink
        let few = compare(&real, &normal(30, 3, 0.8, 2), &RawFeatures(3), &QUICK, 1).unwrap();
        assert_eq!((few.rows, few.kid.floor.subsets.size), (30, 15));
    }

    #[test]
    fn samples_that_repeat_real_rows_score_below_the_floor() {
        let mut sums = [0.0; 2];
        for seed in 0..30 {
            let real = normal(100, 3, 0.0, seed);
            let comparison = compare(&real, &real, &RawFeatures(3), &QUICK, seed).unwrap();
            sums[0] += comparison.frechet.score;
            sums[1] += comparison.frechet.floor;
        }
        assert!(sums[0] < 0.75 * sums[1], "{sums:?}");
    }

    #[test]
    fn stores_and_shows_what_it_found() {
        let run = || compare(&normal(50, 2, 0.0, 1), &normal(20, 2, 0.1, 2), &RawFeatures(2), &QUICK, 7).unwrap();
        let comparison = on_threads(1, run);
        assert_eq!(on_threads(3, run), comparison);
        let json = serde_json::to_string(&comparison).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), comparison);
        let text = comparison.to_string();
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.contains("20 rows a side; features 'raw' of dimension 2;"), "{text}");
        assert!(text.contains("5 subsets of 10 rows; 20 directions; seed 7"), "{text}");
        assert!(text.lines().take(5).all(|line| line.chars().count() == 66), "{text}");
    }

    #[test]
    fn bad_arguments() {
        let points = |n, d| normal(n, d, 0.0, 1);
        assert!(compare(&points(3, 2), &points(9, 2), &RawFeatures(2), &QUICK, 1).is_err());
        assert!(compare(&points(9, 2), &points(1, 2), &RawFeatures(2), &QUICK, 1).is_err());
        assert!(compare(&points(9, 2), &points(9, 3), &RawFeatures(2), &QUICK, 1).is_err());
        assert!(compare(&points(9, 2), &points(9, 2), &RawFeatures(3), &QUICK, 1).is_err());
        assert!(compare(&points(9, 2), &points(9, 2), &RawFeatures(2), &Protocol { directions: 0, ..QUICK }, 1).is_err());
        // the least that is enough, and images that are all alike
        assert!(compare(&points(4, 2), &points(2, 2), &RawFeatures(2), &QUICK, 1).is_ok());
        let flat = map(&points(9, 2), |_| vec![1.0, 0.0]);
        let comparison = compare(&flat, &flat, &RawFeatures(2), &QUICK, 1).unwrap();
        assert_eq!((comparison.frechet.score, comparison.sliced.floor.w2), (0.0, 0.0));
    }
}
