//! The uniform distribution on a box.

use super::{Distribution, check_length};
use crate::random::checksum;
use crate::{Error, Layout, Result};
use rand::{Rng, RngExt};

/// The uniform distribution on a box.
///
/// ```
/// use flowmap::{distribution::{Distribution, Uniform}, random::stream};
/// let distribution = Uniform::new(&[[0.0, 1.0], [-3.0, -2.0]])?;
/// let mut x = [9.0; 2];
/// distribution.draw(&mut stream(1, 0), &mut x);
/// assert!((0.0..1.0).contains(&x[0]) && (-3.0..-2.0).contains(&x[1]));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Uniform {
    sides: Vec<[f64; 2]>,
}

impl Uniform {
    /// The uniform distribution on the product of these intervals.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none, or one is not finite or descending. A side may be a single point.
    pub fn new(sides: &[[f64; 2]]) -> Result<Self> {
        if sides.is_empty() {
            return Err(Error::invalid("box", "it has no sides; give an interval for each coordinate"));
        }
        let bad = sides.iter().position(|&[low, high]| !(low <= high && (high - low).is_finite()));
        match bad {
            None => Ok(Self { sides: sides.to_vec() }),
            Some(k) => {
                Err(Error::invalid("box", format!("side {k} is {:?}; give finite intervals, the lower end first", sides[k])))
            }
        }
    }
}

impl Distribution for Uniform {
    fn layout(&self) -> Layout {
        self.sides.len().into()
    }
    fn fingerprint(&self) -> String {
        format!("box {:08x}", checksum(self.sides.as_flattened()))
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        check_length(x, self.dimension());
        for (x, [low, high]) in x.iter_mut().zip(&self.sides) {
            *x = low + (high - low) * rng.random::<f64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::tests::{draws, kolmogorov_smirnov};

    #[test]
    fn each_coordinate_is_uniform() {
        let rows = draws(&Uniform::new(&[[2.0, 5.0], [-1.0, 1.0]]).unwrap(), 4000);
        let column = |k| rows.iter().skip(k).step_by(2).copied().collect::<Vec<_>>();
        assert!(kolmogorov_smirnov(column(0), |x| (x - 2.0) / 3.0) < 1.95);
        assert!(kolmogorov_smirnov(column(1), |x| (x + 1.0) / 2.0) < 1.95);
    }

    #[test]
    fn what_is_no_box_is_refused() {
        for sides in [&[][..], &[[1.0, 0.0]], &[[0.0, f64::INFINITY]], &[[f64::NAN, 1.0]]] {
            assert!(Uniform::new(sides).is_err(), "{sides:?}");
        }
    }
}
