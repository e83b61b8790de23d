//! Dropout.

use crate::{Real, Tensor, random::stream};
use rand::Rng;

/// Sets each activation to 0 with probability `rate`, and scales the others by `1 / (1 - rate)`: only while it has a seed.
///
/// Source: N. Srivastava et al., Dropout, Journal of Machine Learning Research 15 (2014).
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    rate: f64,
    seed: Option<u64>,
}

impl Dropout {
    /// Switched off.
    pub fn new(rate: f64) -> Self {
        Self { rate, seed: None }
    }

    /// Takes the next seed; a layer of rate 0 takes none.
    pub fn reseed(&mut self, seed: &mut dyn FnMut() -> Option<u64>) {
        self.seed = if self.rate > 0.0 { seed() } else { None };
    }

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
        x.clone() * T::from_slice(&x.device(), &mask[..count], x.shape())
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::backend::ndarray::NdTensor;

    #[test]
    fn as_many_are_left_out_as_was_asked_for_and_the_mean_stays() {
        let ones = NdTensor::<f64>::from_slice(&(), &[1.0; 100_001], &[100_001]);
        let mut dropout = Dropout::new(0.13);
        assert_eq!(dropout.apply(ones.clone()), ones, "nothing without a seed");
        dropout.reseed(&mut || Some(5));
        let dropped = dropout.apply(ones.clone()).to_vec();
        let out = dropped.iter().filter(|&&v| v == 0.0).count() as f64 / 100_001.0;
        let mean = dropped.iter().sum::<f64>() / 100_001.0;
        assert!((out - 0.13).abs() < 0.005 && (mean - 1.0).abs() < 0.005, "{out} are left out, the mean is {mean}");
        assert_eq!(dropout.apply(ones.clone()).to_vec(), dropped, "a function of the seed");
        dropout.reseed(&mut || Some(6));
        assert_ne!(dropout.apply(ones.clone()).to_vec(), dropped);
        dropout.reseed(&mut || None);
        assert_eq!(dropout.apply(ones.clone()), ones, "switched off");
        Dropout::new(0.0).reseed(&mut || panic!("nothing to seed"));
    }
}
