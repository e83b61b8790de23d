//! Log-densities of distributions.

use crate::{Error, Number, Result, State, Value};

/// A distribution with a density `ρ`, given by its logarithm.
///
/// A batch has one number for each sample. A density of [`Dual`](crate::Dual)s has derivatives: `∇ ln ρ` is the score.
///
/// ```
/// use flowmap::{Dual, likelihood::{Density, StandardNormal}};
/// let moving = Dual::new([3.0, 4.0], [1.0, 0.0]);
/// let score = *StandardNormal.log_density(&moving).tangent();
/// assert_eq!(score, -3.0); // -x, along the first coordinate
/// ```
pub trait Density<X: State> {
    /// `ln ρ(x)`: `-∞` where the density is 0, NaN where it is not defined.
    fn log_density(&self, x: &X) -> X::Time;

    /// `ln ρ(x)`, or the reason why it is not defined.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a coordinate is not finite, or a logarithm is NaN or `+∞`, with the sample; some densities
    /// report more. A density of 0 is no error.
    fn try_log_density(&self, x: &X) -> Result<X::Time> {
        if let Some(bad) = x.values().iter().find(|x| !x.is_finite()) {
            return Err(Error::invalid("state", format!("a coordinate is {bad}; give finite coordinates")));
        }
        let log = self.log_density(x);
        match log.values().iter().position(|log| log.is_nan() || *log == f64::INFINITY) {
            None => Ok(log),
            Some(k) => {
                let reason = format!("it is {} at sample {k}; the distribution may have no density there", log.values()[k]);
                Err(Error::invalid("log-density", reason))
            }
        }
    }
}

impl<X: State, P: Density<X> + ?Sized> Density<X> for &P {
    fn log_density(&self, x: &X) -> X::Time {
        (**self).log_density(x)
    }
    fn try_log_density(&self, x: &X) -> Result<X::Time> {
        (**self).try_log_density(x)
    }
}

impl<X: State, P: Density<X> + ?Sized> Density<X> for Box<P> {
    fn log_density(&self, x: &X) -> X::Time {
        (**self).log_density(x)
    }
    fn try_log_density(&self, x: &X) -> Result<X::Time> {
        (**self).try_log_density(x)
    }
}

/// The standard normal distribution `N(0, I)`, on states of any kind and dimension `d`.
///
/// - `ln ρ(x) = -|x|²/2 - (d/2) ln 2π`
///
/// ```
/// use flowmap::likelihood::{Density, StandardNormal};
/// let peak = StandardNormal.log_density(&[0.0, 0.0]);
/// assert_eq!(peak, -std::f64::consts::TAU.ln());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardNormal;

impl<X: State> Density<X> for StandardNormal {
    fn log_density(&self, x: &X) -> X::Time {
        x.dot(x).scale(-0.5).shift(-0.5 * x.dimension() as f64 * std::f64::consts::TAU.ln())
    }
}

/// A closure as a [`Density`], see [`log_density`].
#[derive(Clone, Copy, Debug)]
pub struct LogDensity<F>(F);

/// Turns a closure `|x| …` on one type of state, which returns `ln ρ(x)`, into a [`Density`].
///
/// ```
/// use flowmap::likelihood::{Density, log_density};
/// let decay = log_density(|[x]: &[f64; 1]| if *x < 0.0 { f64::NEG_INFINITY } else { -x });
/// assert_eq!(decay.try_log_density(&[2.0])?, -2.0);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn log_density<X: State, F: Fn(&X) -> X::Time>(f: F) -> LogDensity<F> {
    LogDensity(f)
}

impl<X: State, F: Fn(&X) -> X::Time> Density<X> for LogDensity<F> {
    fn log_density(&self, x: &X) -> X::Time {
        (self.0)(x)
    }
}

#[cfg(feature = "train")]
mod normal {
    use super::Density;
    use crate::{Number, Tensor, distribution::Normal};

    /// # Panics
    /// If `D` is not the distribution's dimension.
    impl<N: Number, const D: usize> Density<[N; D]> for Normal {
        fn log_density(&self, x: &[N; D]) -> N {
            self.ln_density(x)
        }
    }

    /// ```
    /// use flowmap::{distribution::Normal, likelihood::Density};
    /// let distribution = Normal::with_factor(vec![1.0, 2.0], &[2.0, 0.0, 1.0, 0.5])?; // det L = 1
    /// assert!((distribution.log_density(&[1.0, 2.0]) + std::f64::consts::TAU.ln()).abs() < 1e-15);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `x` does not have the shape `[batch, d]`, where `d` is the distribution's dimension.
    impl<T: Tensor> Density<T> for Normal {
        fn log_density(&self, x: &T) -> T {
            let &[rows, d] = x.shape() else { panic!("states of shape {:?}; they are [batch, d]", x.shape()) };
            let columns: Vec<T> = (0..d).map(|i| x.slice(1, i..i + 1).reshape(&[rows])).collect();
            self.ln_density(&columns)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_density_is_an_error() {
        let message = |density: &dyn Density<[f64; 1]>, x: f64| density.try_log_density(&[x]).unwrap_err().to_string();
        assert!(message(&StandardNormal, f64::NAN).contains("a coordinate is NaN"));
        assert!(message(&StandardNormal, f64::INFINITY).contains("a coordinate is inf"));
        let root = log_density(|[x]: &[f64; 1]| x.sqrt().ln());
        assert!(message(&root, -1.0).contains("sample 0"));
        assert_eq!(root.try_log_density(&[0.0]).unwrap(), f64::NEG_INFINITY);
        assert!(message(&Box::new(log_density(|_: &[f64; 1]| f64::INFINITY)), 1.0).contains("inf"));
    }

    #[cfg(all(feature = "train", feature = "ndarray"))]
    #[test]
    fn normal_distributions_on_points_and_batches() {
        use crate::{backend::ndarray::NdTensor, distribution::Normal};
        let distribution = Normal::with_factor(vec![1.0, -2.0], &[2.0, 0.0, 0.3, 0.5]).unwrap();
        let points = [[0.3, 1.0], [-1.0, 2.5], [4.0, 0.0]];
        let batch = NdTensor::new(points.concat(), &[3, 2]).unwrap();
        let found = distribution.log_density(&batch).values();
        for (found, point) in found.into_iter().zip(&points) {
            assert!((found - distribution.log_density(point)).abs() < 1e-14);
        }
        let round = Normal::standard(2).unwrap();
        let (a, b) = (round.log_density(&batch).values(), StandardNormal.log_density(&batch).values());
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-14));
        let point = Normal::new(vec![0.0], 0.0).unwrap();
        assert!(point.try_log_density(&[0.0]).unwrap_err().to_string().contains("no density"));
    }

    #[cfg(feature = "train")]
    #[test]
    #[should_panic(expected = "a distribution of 3 coordinates cannot take a state of 2")]
    fn states_of_another_dimension() {
        crate::distribution::Normal::standard(3).unwrap().log_density(&[0.0, 0.0]);
    }
}
