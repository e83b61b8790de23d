//! Dropout.

use super::Module;
use crate::{Error, Real, Result, Tensor, random::stream};
use rand::Rng;

/// A layer that sets each activation to 0 with probability `rate`, and scales the others by `1 / (1 - rate)`: only in training,
/// by a mask that is a function of its seed.
///
/// ```
/// use flowmap::{Tensor, backend::ndarray::NdTensor, nn::{Dropout, Module}};
/// let ones = NdTensor::<f64>::from_slice(&[1.0; 1000], &[1000]);
/// let mut dropout = Dropout::new(0.5)?;
/// assert_eq!(dropout.apply(ones.clone()), ones);
/// Module::<()>::set_training(&mut dropout, &mut || Some(7));
/// assert!(dropout.apply(ones).to_vec().iter().all(|&x| x == 0.0 || x == 2.0));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: N. Srivastava et al., Dropout, Journal of Machine Learning Research 15 (2014).
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    rate: f64,
    seed: Option<u64>,
}

impl Dropout {
    /// Switched off.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the rate is in `[0, 1)`.
    pub fn new(rate: f64) -> Result<Self> {
        if (0.0..1.0).contains(&rate) {
            return Ok(Self { rate, seed: None });
        }
        Err(Error::invalid("dropout rate", format!("{rate} is not in [0, 1)")))
    }

    /// The activations, some of them 0.
    pub fn apply<T: Tensor>(&self, x: T) -> T {
        let Some(seed) = self.seed else { return x };
        // 16 random bits for each activation: rates in steps of 1/65536
        let threshold = (self.rate * 65536.0).round() as u64;
        let kept = T::Real::from_f64(1.0 / (1.0 - threshold as f64 / 65536.0));
        let count: usize = x.shape().iter().product();
        let mut rng = stream(seed, 0);
        let mut mask = Vec::with_capacity(count.next_multiple_of(4));
        while mask.len() < count {
            let bits = rng.next_u64();
            let left_out = |k: u64| (bits >> (16 * k)) & 0xffff < threshold;
            mask.extend((0..4).map(|k| if left_out(k) { T::Real::default() } else { kept }));
        }
        x.clone() * T::from_slice_on(&x.device(), &mask[..count], x.shape())
    }
}

impl<P> Module<P> for Dropout {
    type With<Q> = Self;

    fn try_map<Q, E>(&self, _f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self, E> {
        Ok(*self)
    }
    fn architecture(&self) -> serde_json::Value {
        serde_json::json!({ "Dropout": { "rate": self.rate } })
    }
    fn visit_mut(&mut self, _f: &mut dyn FnMut(&str, &mut P)) {}
    /// A layer of rate 0 takes no seed.
    fn set_training(&mut self, seeds: &mut dyn FnMut() -> Option<u64>) {
        self.seed = if self.rate > 0.0 { seeds() } else { None };
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::backend::ndarray::NdTensor;

    #[test]
    fn as_many_are_left_out_as_was_asked_for_and_the_mean_stays() {
        let ones = NdTensor::<f64>::from_slice(&[1.0; 100_001], &[100_001]);
        let mut dropout = Dropout::new(0.13).unwrap();
        assert_eq!(dropout.apply(ones.clone()), ones, "nothing without a seed");
        Module::<()>::set_training(&mut dropout, &mut || Some(5));
        let dropped = dropout.apply(ones.clone()).to_vec();
        let out = dropped.iter().filter(|&&v| v == 0.0).count() as f64 / 100_001.0;
        let mean = dropped.iter().sum::<f64>() / 100_001.0;
        assert!((out - 0.13).abs() < 0.005 && (mean - 1.0).abs() < 0.005, "{out} are left out, the mean is {mean}");
        assert_eq!(dropout.apply(ones.clone()).to_vec(), dropped, "a function of the seed");
        Module::<()>::set_training(&mut dropout, &mut || Some(6));
        assert_ne!(dropout.apply(ones.clone()).to_vec(), dropped);
        Module::<()>::set_training(&mut dropout, &mut || None);
        assert_eq!(dropout.apply(ones.clone()), ones, "switched off");
        Module::<()>::set_training(&mut Dropout::new(0.0).unwrap(), &mut || panic!("nothing to seed"));
        assert!([-0.1, 1.0, f64::NAN].into_iter().all(|rate| Dropout::new(rate).is_err()));
    }
}
