//! Quasi-random test cases, spread evenly without a random number generator.

use super::Case;
use crate::{Error, Real, Result, Row, State};

/// An infinite sequence of times and points, spread evenly in a box: a Kronecker sequence.
///
/// The `k`-th case takes the fractional parts of `1/2 + k/g, 1/2 + k/g², …` where `g^(d+1) = g + 1`; in few dimensions, the
/// first `n` of them cover the box more evenly than random points, for any `n`. Both time directions occur.
///
/// ```
/// use flowmap::QuasiRandom;
/// let cases: Vec<_> = QuasiRandom::new([0.0, 2.0], [[-1.0, 1.0], [5.0, 6.0]])?.cases::<f64>(100).collect();
/// assert_eq!(cases.len(), 100);
/// assert!(cases.iter().all(|c| c.s <= 2.0 && c.x[0] >= -1.0 && c.x[1] >= 5.0));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct QuasiRandom<S> {
    times: [f64; 2],
    sides: S,
}

impl<S: Row<Item = [f64; 2]>> QuasiRandom<S> {
    /// Takes both times from `times` and coordinate `i` from `sides[i]`: an array, or a vector for points that are vectors.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless every interval is finite and in order.
    pub fn new(times: [f64; 2], sides: S) -> Result<Self> {
        for [low, high] in sides.items().iter().copied().chain([times]) {
            if !(low <= high && low.is_finite() && high.is_finite()) {
                return Err(Error::invalid(
                    "interval",
                    format!("[{low}, {high}] is not an interval; give two finite numbers, the smaller first"),
                ));
            }
        }
        Ok(Self { times, sides })
    }

    /// The first `n` cases.
    pub fn cases<R: Real>(self, n: usize) -> impl Iterator<Item = Case<S::Of<R>>> + Clone
    where
        S: Clone,
        S::Of<R>: State<Time = R>,
    {
        let dimension = self.sides.items().len() as f64;
        let g = (0..64).fold(2.0_f64, |g, _| (1.0 + g).powf(1.0 / (dimension + 3.0)));
        (1..=n).map(move |k| {
            let coordinate = |i: i32, [low, high]: [f64; 2]| {
                let share = (0.5 + k as f64 * g.powi(-i)).fract();
                R::from_f64(low + share * (high - low))
            };
            Case {
                s: coordinate(1, self.times),
                t: coordinate(2, self.times),
                x: self.sides.build(|i| coordinate(i as i32 + 3, self.sides.items()[i])),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_spread_evenly() {
        let cases: Vec<_> = QuasiRandom::new([0.0, 1.0], [[0.0, 1.0]]).unwrap().cases::<f64>(1000).collect();
        for part in 0..10 {
            let inside = |x: f64| (x * 10.0) as usize == part;
            for count in [cases.iter().filter(|c| inside(c.s)).count(), cases.iter().filter(|c| inside(c.x[0])).count()] {
                assert!((95..=105).contains(&count), "{count} of 1000 in a tenth of the interval");
            }
        }
        assert!(cases.iter().filter(|c| c.s < c.t).count() > 400);
    }

    #[test]
    fn bad_boxes_are_refused() {
        for bad in [[1.0, 0.0], [0.0, f64::INFINITY], [f64::NAN, 1.0]] {
            assert!(QuasiRandom::new([0.0, 1.0], [bad]).is_err());
            assert!(QuasiRandom::new(bad, [[0.0, 1.0]]).is_err());
        }
    }
}
