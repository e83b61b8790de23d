//! Layers that normalize rows, and learn the size of each coordinate.

use super::{Param, module};
use crate::{Normalization, Result, Tensor};

module! {
    /// Layer normalization of the last axis, `g (x - μ)/σ + b`: `μ` is the mean of a row and `σ` the root of its variance plus
    /// `ε = 1e-5`, see [`Normalization::layer`].
    ///
    /// ```
    /// use flowmap::{Cpu, Tensor, nn::LayerNorm};
    /// let layer: LayerNorm<Cpu> = LayerNorm::new(2);
    /// let y = layer.apply(&Cpu::from_slice(&[1.0, 3.0, 10.0, 30.0], &[2, 2])).to_vec();
    /// assert!(y.iter().zip([-1.0, 1.0, -1.0, 1.0]).all(|(y, expected)| (y - expected).abs() < 1e-4));
    /// ```
    ///
    /// Source: J. L. Ba, J. R. Kiros, G. E. Hinton, Layer Normalization, arXiv 1607.06450, equation 4.
    #[derive(Clone, Debug)]
    pub struct LayerNorm<P> {
        /// `g`, of shape `[width]`; 1 at first.
        pub gain: Param<P>,
        /// `b`, of shape `[width]`; 0 at first.
        pub bias: Param<P>,
    }
    keeps {
        epsilon: f64,
    }
}

module! {
    /// Root mean square normalization of the last axis, `g x/σ`: `σ` is the root of the mean square of a row plus `ε = 1e-6`,
    /// see [`Normalization::root_mean_square`].
    ///
    /// ```
    /// use flowmap::{Cpu, Tensor, nn::RmsNorm};
    /// let layer: RmsNorm<Cpu> = RmsNorm::new(2);
    /// let y = layer.apply(&Cpu::from_slice(&[1.0, 7.0], &[1, 2])).to_vec();
    /// assert!((y[0] - 0.2).abs() < 1e-6 && (y[1] - 1.4).abs() < 1e-6);
    /// ```
    ///
    /// Source: B. Zhang, R. Sennrich, Root Mean Square Layer Normalization, arXiv 1910.07467, equation 4.
    #[derive(Clone, Debug)]
    pub struct RmsNorm<P> {
        /// `g`, of shape `[width]`; 1 at first.
        pub gain: Param<P>,
    }
    keeps {
        epsilon: f64,
    }
}

impl<P: Tensor<Primal = P>> LayerNorm<P> {
    /// For rows of this width.
    pub fn new(width: usize) -> Self
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), width)
    }

    /// The same on this device.
    pub fn new_on(device: &P::Device, width: usize) -> Self {
        let [gain, bias] = [1.0, 0.0].map(|value| constants(device, value, width));
        Self { gain, bias, epsilon: Normalization::layer().epsilon }
    }
}

impl<P: Tensor<Primal = P>> RmsNorm<P> {
    /// For rows of this width.
    pub fn new(width: usize) -> Self
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), width)
    }

    /// The same on this device.
    pub fn new_on(device: &P::Device, width: usize) -> Self {
        Self { gain: constants(device, 1.0, width), epsilon: Normalization::root_mean_square().epsilon }
    }
}

impl<P> LayerNorm<P> {
    /// Sets `ε`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is a positive number.
    pub fn with_epsilon(self, epsilon: f64) -> Result<Self> {
        Ok(Self { epsilon: Normalization::layer().with_epsilon(epsilon)?.epsilon, ..self })
    }

    /// The rows of `x`, normalized.
    ///
    /// # Panics
    /// If `x` has rows of another width.
    pub fn apply<T: Tensor<Primal = P>>(&self, x: &T) -> T {
        let how = Normalization { epsilon: self.epsilon, ..Normalization::layer() };
        x.normalize(how) * for_each_row(&self.gain, x) + for_each_row(&self.bias, x)
    }
}

impl<P> RmsNorm<P> {
    /// Sets `ε`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is a positive number.
    pub fn with_epsilon(self, epsilon: f64) -> Result<Self> {
        Ok(Self { epsilon: Normalization::root_mean_square().with_epsilon(epsilon)?.epsilon, ..self })
    }

    /// The rows of `x`, normalized.
    ///
    /// # Panics
    /// If `x` has rows of another width.
    pub fn apply<T: Tensor<Primal = P>>(&self, x: &T) -> T {
        let how = Normalization { epsilon: self.epsilon, ..Normalization::root_mean_square() };
        x.normalize(how) * for_each_row(&self.gain, x)
    }
}

fn constants<P: Tensor>(device: &P::Device, value: f64, width: usize) -> Param<P> {
    Param(P::from_doubles_on(device, &vec![value; width], &[width]))
}

/// A parameter beside each row of `x`.
fn for_each_row<T: Tensor>(parameter: &Param<T::Primal>, x: &T) -> T {
    // no broadcast: rows of another width are refused
    T::from_primal(parameter).expand(0, &x.shape()[..x.shape().len() - 1])
}
