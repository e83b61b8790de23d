//! The fully connected layer.

use super::{INITIALIZATION, Param, module};
use crate::{Real, Tensor, random::stream};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

module! {
    /// A fully connected layer `x W + b` with a weight of shape `[in, out]` and a bias of shape `[out]`.
    #[derive(Clone, Debug)]
    pub struct Linear<P> {
        /// `W`, of shape `[in, out]`.
        pub weight: Param<P>,
        /// `b`, of shape `[out]`.
        pub bias: Param<P>,
    }
}

impl<P: Tensor<Primal = P>> Linear<P> {
    /// A layer of this many inputs and outputs with LeCun's initialization: weights from a normal distribution of variance
    /// `1 / in`, cut off at two standard deviations and rescaled to that variance; bias zero.
    ///
    /// ```
    /// use flowmap::{Cpu, Tensor, nn::Linear};
    /// let layer: Linear<Cpu> = Linear::new([2, 3], 1);
    /// let x = Cpu::from_slice(&[0.5; 8], &[4, 2]);
    /// assert_eq!(layer.apply(&x).shape(), [4, 3]);
    /// ```
    pub fn new(sizes: [usize; 2], seed: u64) -> Self
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), sizes, seed)
    }

    /// The same on this device.
    pub fn new_on(device: &P::Device, [inputs, outputs]: [usize; 2], seed: u64) -> Self {
        Self::drawn(inputs, outputs, device, &mut stream(seed, INITIALIZATION))
    }

    /// With the weight times `gain`: 0 for the last layer of a branch, which then begins as nothing.
    ///
    /// ```
    /// use flowmap::{Cpu, Tensor, nn::Linear};
    /// let last: Linear<Cpu> = Linear::new([2, 3], 1).with_gain(0.0);
    /// assert_eq!(last.apply(&Cpu::from_slice(&[0.5; 2], &[1, 2])).to_vec(), [0.0; 3]);
    /// ```
    #[must_use]
    pub fn with_gain(self, gain: f64) -> Self {
        Self { weight: Param(self.weight.scale(gain)), ..self }
    }

    /// The same with a generator.
    pub(crate) fn drawn(inputs: usize, outputs: usize, device: &P::Device, rng: &mut dyn Rng) -> Self {
        // the standard deviation of a standard normal variable that is cut off at ±2
        const CUT: f64 = 0.879_625_661_034_239_8;
        let scale = (1.0 / inputs as f64).sqrt() / CUT;
        let mut draw = || loop {
            let z: f64 = StandardNormal.sample(rng);
            if z.abs() <= 2.0 {
                return P::Real::from_f64(z * scale);
            }
        };
        let weight: Vec<_> = (0..inputs * outputs).map(|_| draw()).collect();
        let bias = vec![P::Real::default(); outputs];
        let tensor = |values: &[P::Real], shape: &[usize]| Param(P::from_slice_on(device, values, shape));
        Self { weight: tensor(&weight, &[inputs, outputs]), bias: tensor(&bias, &[outputs]) }
    }
}

impl<P> Linear<P> {
    /// `x W + b` on the last axis.
    pub fn apply<T: Tensor<Primal = P>>(&self, x: &T) -> T {
        x.linear(&self.weight, Some(&self.bias))
    }
}
