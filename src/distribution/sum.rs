//! The sum of two independent draws.

use super::{Distribution, check_length};
use crate::{Error, Layout, Result};
use rand::Rng;

/// The distribution of the sum of two independent draws, their convolution: for example data with noise, or a thickened
/// attractor.
///
/// ```
/// use flowmap::{distribution::{Distribution, Normal, Sum, Uniform}, random::stream};
/// let side = Uniform::new(&[[0.0, 1.0], [2.0, 2.0]])?;
/// let distribution = Sum::new(side, Normal::new(vec![0.0; 2], 0.01)?)?;
/// let mut x = [9.0; 2];
/// distribution.draw(&mut stream(1, 0), &mut x);
/// assert!(x[1] != 2.0 && (x[1] - 2.0).abs() < 0.1);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sum<A, B> {
    first: A,
    second: B,
}

impl<A: Distribution, B: Distribution> Sum<A, B> {
    /// Adds a draw of `second` to each draw of `first`.
    ///
    /// # Errors
    /// [`Error::Shape`] if their dimensions differ.
    pub fn new(first: A, second: B) -> Result<Self> {
        let (expected, found) = (vec![first.dimension()], vec![second.dimension()]);
        if expected != found {
            return Err(Error::Shape { what: "distribution to be added".into(), expected, found });
        }
        Ok(Self { first, second })
    }
}

impl<A: Distribution, B: Distribution> Distribution for Sum<A, B> {
    /// That of the draw of which more coordinates move.
    fn layout(&self) -> Layout {
        let [first, second] = [self.first.layout(), self.second.layout()];
        if first.moving >= second.moving { first } else { second }
    }
    fn fingerprint(&self) -> String {
        format!("{} plus {}", self.first.fingerprint(), self.second.fingerprint())
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        check_length(x, self.dimension());
        let mut added = vec![0.0; x.len()];
        self.first.draw(rng, x);
        self.second.draw(rng, &mut added);
        x.iter_mut().zip(added).for_each(|(x, y)| *x += y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::{
        Normal, Uniform,
        tests::{draws, kolmogorov_smirnov},
    };

    #[test]
    fn two_uniform_draws_make_a_triangle() {
        let side = |low: f64| Uniform::new(&[[low, low + 1.0]]).unwrap();
        let distribution = Sum::new(side(0.0), side(2.0)).unwrap();
        let triangle = |x: f64| {
            let y = (x - 2.0).clamp(0.0, 2.0);
            if y < 1.0 { y * y / 2.0 } else { 1.0 - (2.0 - y).powi(2) / 2.0 }
        };
        assert!(kolmogorov_smirnov(draws(&distribution, 4000), triangle) < 1.95);
        // both have a say in what it is called
        assert_ne!(distribution.fingerprint(), Sum::new(side(0.0), side(3.0)).unwrap().fingerprint());
        assert_ne!(distribution.fingerprint(), Sum::new(side(1.0), side(2.0)).unwrap().fingerprint());
    }

    #[test]
    fn coordinates_must_be_as_many() {
        let error = Sum::new(Normal::standard(2).unwrap(), Normal::standard(3).unwrap()).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
}
