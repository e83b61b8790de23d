//! The uniform distribution on a checkerboard.

use rand::{Rng, RngExt};

use super::{Distribution, check_length};
use crate::Layout;

/// The uniform distribution on the kept squares of a 4x4 checkerboard.
///
/// - support: the eight squares `[-1 + i/2, -1/2 + i/2) x [-1 + j/2, -1/2 + j/2)` of `[-1, 1)^2` with `i + j` even
/// - density: `1/2` there, 0 elsewhere
/// - each marginal is uniform on `[-1, 1)`: mean 0, standard deviation [`Checkerboard::STD`]; the covariance of the two is `1/16`
///
/// ```
/// use flowmap::{distribution::{Checkerboard, Distribution}, random::stream};
/// let mut x = [0.0; 2];
/// Checkerboard.draw(&mut stream(1, 0), &mut x);
/// assert!(Checkerboard::keeps(x));
/// ```
///
/// Reference: the two-dimensional target of arXiv 2505.18825, section 4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkerboard;

impl Checkerboard {
    /// The standard deviation of each coordinate, `1/√3`.
    pub const STD: f64 = 0.577_350_269_189_625_8;

    /// Whether a point lies in a kept square.
    ///
    /// ```
    /// use flowmap::distribution::Checkerboard;
    /// assert!(Checkerboard::keeps([-0.9, -0.9]) && !Checkerboard::keeps([-0.9, -0.4]) && !Checkerboard::keeps([1.1, 0.2]));
    /// ```
    #[must_use]
    pub fn keeps([x, y]: [f64; 2]) -> bool {
        let square = |x: f64| ((x + 1.0) * 2.0).floor();
        let inside = |x: f64| (-1.0..1.0).contains(&x);
        inside(x) && inside(y) && (square(x) + square(y)) % 2.0 == 0.0
    }
}

impl Distribution for Checkerboard {
    fn layout(&self) -> Layout {
        2.into()
    }

    fn fingerprint(&self) -> String {
        "checkerboard".into()
    }

    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        check_length(x, 2);
        let square = rng.random_range(0..8_u32);
        let i = square / 2;
        let j = 2 * (square % 2) + i % 2;
        for (x, corner) in x.iter_mut().zip([i, j]) {
            *x = (f64::from(corner) + rng.random::<f64>()) / 2.0 - 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{draws, kolmogorov_smirnov},
        *,
    };

    #[test]
    fn value_stability() {
        assert_eq!(
            draws(&Checkerboard, 2),
            [-0.6805269237813811, -0.5420817523168747, -0.4581811189652134, -0.20200463282172276]
        );
    }

    #[test]
    fn support_and_squares() {
        let mut count = [[0_u32; 4]; 4];
        for x in draws(&Checkerboard, 80_000).as_chunks::<2>().0 {
            assert!(Checkerboard::keeps(*x), "{x:?}");
            count[((x[0] + 1.0) * 2.0) as usize][((x[1] + 1.0) * 2.0) as usize] += 1;
        }
        for (i, row) in count.iter().enumerate() {
            for (j, &n) in row.iter().enumerate() {
                let expected = if (i + j) % 2 == 0 { 10_000.0 } else { 0.0 };
                assert!((f64::from(n) - expected).abs() < 400.0, "square ({i}, {j}) has {n}");
            }
        }
    }

    #[test]
    fn marginals_and_covariance() {
        let rows = draws(&Checkerboard, 100_000);
        for axis in 0..2 {
            let sample: Vec<f64> = rows.iter().skip(axis).step_by(2).copied().collect();
            let variance = sample.iter().map(|x| x * x).sum::<f64>() / sample.len() as f64;
            assert!((variance.sqrt() - Checkerboard::STD).abs() < 0.005);
            assert!(kolmogorov_smirnov(sample, |x| (x + 1.0) / 2.0) < 1.95);
        }
        let covariance = rows.as_chunks::<2>().0.iter().map(|[x, y]| x * y).sum::<f64>() / 1e5;
        assert!((covariance - 0.0625).abs() < 0.005);
    }
}
