#[cfg(doc)]
use crate::distribution::Checkerboard;
use crate::{Error, Result};

/// The Kullback-Leibler divergence from the [`Checkerboard`] to the histogram of samples, by two procedures.
///
/// Neither is 0 for perfect samples: report it next to the score of as many draws from [`Checkerboard`] itself.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Kl {
    /// The published procedure: 50x50 bins on `[-1, 1]²`, midpoint quadrature of `p ln(p / q)` with `p = 1/2` at the centres of
    /// the kept squares; empty bins are skipped. The bins straddle the edges of the squares, and skipped bins flatter samples
    /// that miss whole squares (with no sample inside, the sum is 0). 64,000 perfect samples score 0.066 ± 0.002.
    pub paper: f64,
    /// 32x32 bins, eight to the side of a square, with half a count added to each and to the outside: finite for any samples, and
    /// mass outside counts against them. 64,000 perfect samples score 0.0081 ± 0.0002.
    pub aligned: f64,
}

/// Both scores of `samples` against the [`Checkerboard`].
///
/// With the count `H` of each bin and `n` samples: `paper = Σ ½ ln(½ / q) a` over kept bins with `H > 0`, `q = H / (n a)`,
/// `a = (2/50)²`; `aligned = Σ p ln(p / q)` over kept bins, `p = 1/512`, `q = (H + ½) / (n + ½ (32² + 1))`.
/// A bin holds its lower edge, the last one also its upper; samples outside `[-1, 1]²`, or not finite, are in no bin.
///
/// ```
/// use flowmap::{distribution::{Checkerboard, Distribution}, metric::checkerboard_kl, random::stream};
/// let mut rows = vec![0.0; 2 * 64_000];
/// Checkerboard.draw_rows(&mut stream(1, 0), &mut rows);
/// let floor = checkerboard_kl(rows.as_chunks().0)?;
/// assert!((floor.paper - 0.066).abs() < 0.006 && (floor.aligned - 0.0081).abs() < 0.001);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if there are no samples.
///
/// Reference: `paper` is the measure of arXiv 2505.18825, table 1.
pub fn checkerboard_kl(samples: &[[f64; 2]]) -> Result<Kl> {
    if samples.is_empty() {
        return Err(Error::invalid("samples", "there are none; give at least one, and 64,000 to compare with published scores"));
    }
    Ok(Kl { paper: paper(samples), aligned: aligned(samples) })
}

fn paper(samples: &[[f64; 2]]) -> f64 {
    const BINS: usize = 50;
    let area = (2.0 / BINS as f64).powi(2);
    // the square that holds the centre of bin k: floor((k + 1/2) 4 / 50), in whole numbers
    let kept = kept(BINS, |k| (2 * k + 1) * 2 / BINS);
    let density = histogram(samples, BINS).into_iter().map(|count| count / samples.len() as f64 / area);
    density.zip(kept).filter(|(q, kept)| *kept && *q > 0.0).map(|(q, _)| 0.5 * (0.5 / q).ln()).sum::<f64>() * area
}

fn aligned(samples: &[[f64; 2]]) -> f64 {
    const BINS: usize = 32;
    let kept = kept(BINS, |k| k * 4 / BINS);
    let p = 2.0 / (BINS * BINS) as f64;
    let total = samples.len() as f64 + 0.5 * (BINS * BINS + 1) as f64;
    let share = histogram(samples, BINS).into_iter().map(|count| (count + 0.5) / total);
    share.zip(kept).filter(|(_, kept)| *kept).map(|(q, _)| p * (p / q).ln()).sum()
}

/// For each bin, whether it belongs to a kept square.
fn kept(bins: usize, square: impl Fn(usize) -> usize) -> Vec<bool> {
    (0..bins * bins).map(|k| (square(k / bins) + square(k % bins)).is_multiple_of(2)).collect()
}

/// Counts on `bins x bins` equal bins of `[-1, 1]²`, as `numpy.histogram2d` counts.
fn histogram(samples: &[[f64; 2]], bins: usize) -> Vec<f64> {
    // the edges as numpy.linspace rounds them, so that samples on an edge fall on the same side
    let step = 2.0 / bins as f64;
    let edges: Vec<f64> = (0..bins).map(|k| k as f64 * step - 1.0).chain([1.0]).collect();
    let bin = |x: f64| {
        let inside = (-1.0..=1.0).contains(&x);
        inside.then(|| (edges.partition_point(|edge| *edge <= x) - 1).min(bins - 1))
    };
    let mut counts = vec![0.0; bins * bins];
    for [x, y] in samples {
        if let (Some(i), Some(j)) = (bin(*x), bin(*y)) {
            counts[i * bins + j] += 1.0;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        distribution::{Checkerboard, Distribution},
        random::stream,
    };

    /// `numpy.histogram2d` 2.4.6 and the functions `kl50` and `kl(32)` of the JAX peer, on the same points.
    #[test]
    fn agrees_with_numpy() {
        let square = |x: f64| ((x + 1.0) * 2.0).floor();
        let point = |k: i32| {
            let x = 2.2 * ((f64::from(k) * 0.754_877_666_246_692_7) % 1.0) - 1.1;
            let y = 2.2 * ((f64::from(k) * 0.569_840_290_998_053_2) % 1.0) - 1.1;
            let keep = k % 5 == 0 || (square(x) + square(y)).rem_euclid(2.0) == 0.0;
            [x, if keep { y } else { y - 0.5 }]
        };
        let kl = checkerboard_kl(&(0..5000).map(point).collect::<Vec<_>>()).unwrap();
        assert!((kl.paper - 0.505_886_719_400_447_8).abs() < 1e-14, "{kl:?}");
        assert!((kl.aligned - 0.451_367_194_902_196).abs() < 1e-14, "{kl:?}");
    }

    #[test]
    fn edges_fall_where_numpy_puts_them() {
        let lattice: Vec<_> = (0..81).map(|k| [-1.0 + f64::from(k / 9) / 4.0, -1.0 + f64::from(k % 9) / 4.0]).collect();
        let kl = checkerboard_kl(&lattice).unwrap();
        assert!((kl.paper - -0.089_755_549_360_464_19).abs() < 1e-14, "{kl:?}");
        assert!((kl.aligned - 0.752_884_957_391_659_4).abs() < 1e-14, "{kl:?}");
    }

    #[test]
    fn what_is_not_finite_is_outside() {
        let inside: Vec<_> = (0..100).map(|k| [f64::from(k) / 50.0 - 1.0, 0.1]).collect();
        let with = |x: [f64; 2]| checkerboard_kl(&[inside.as_slice(), &[x]].concat()).unwrap();
        let outside = with([3.0, 0.0]);
        for x in [[f64::NAN, 0.0], [0.0, f64::INFINITY], [f64::NEG_INFINITY, f64::NAN]] {
            assert_eq!(with(x), outside);
        }
        assert!(checkerboard_kl(&[]).is_err());
    }

    #[test]
    fn perfect_samples_score_the_floor() {
        let mut rows = vec![0.0; 2 * 64_000];
        let mut sum = [0.0; 2];
        for seed in 0..10 {
            Checkerboard.draw_rows(&mut stream(seed, 0), &mut rows);
            let kl = checkerboard_kl(rows.as_chunks().0).unwrap();
            sum[0] += kl.paper / 10.0;
            sum[1] += kl.aligned / 10.0;
        }
        assert!((sum[0] - 0.0663).abs() < 0.002 && (sum[1] - 0.00805).abs() < 0.0003, "{sum:?}");
    }
}
