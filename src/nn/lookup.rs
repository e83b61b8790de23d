//! A learned vector for each class.

use super::{INITIALIZATION, Linear, Param, module};
use crate::{Mask, Tensor, random::stream};

module! {
    /// A learned vector for each class, looked up by the index of the class.
    ///
    /// ```
    /// use flowmap::{Cpu, Tensor, nn::{Embedding, Param}};
    /// let embedding = Embedding { table: Param(Cpu::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2])) };
    /// let classes = Cpu::from_slice(&[2.0, 0.0, -1.0], &[3]);
    /// assert_eq!(embedding.apply(&classes).to_vec(), [5.0, 6.0, 1.0, 2.0, 0.0, 0.0]); // -1 is no class
    /// let codes = Cpu::from_slice(&[0.0, 1.0, 0.0], &[1, 3]);
    /// assert_eq!(embedding.of_codes(&codes).to_vec(), [3.0, 4.0]);
    /// ```
    #[derive(Clone, Debug)]
    pub struct Embedding<P> {
        /// The vectors, one in each row: shape `[classes, width]`.
        pub table: Param<P>,
    }
}

impl<P: Tensor<Primal = P>> Embedding<P> {
    /// Vectors of this width from the standard normal distribution, cut off at two standard deviations and rescaled to variance 1:
    /// the initialization of [`Linear::new`] for an input of which one coordinate is not 0.
    pub fn new(classes: usize, width: usize, seed: u64) -> Self
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), classes, width, seed)
    }

    /// The same on this device.
    pub fn new_on(device: &P::Device, classes: usize, width: usize, seed: u64) -> Self {
        let Linear::<P> { weight, .. } = Linear::drawn(1, classes * width, device, &mut stream(seed, INITIALIZATION));
        Self { table: Param(weight.reshape(&[classes, width])) }
    }
}

impl<P: Tensor> Embedding<P> {
    /// The vectors of classes given by their indices, counted from 0: `[…]` to `[…, width]`. A number that is no index of a class,
    /// such as -1, gives zeros, for no class. Nothing is differentiated with respect to an index.
    pub fn apply<T: Tensor<Primal = P>>(&self, indices: &T) -> T {
        let (indices, classes) = (indices.frozen(), self.table.shape()[0]);
        let numbers: Vec<f64> = (0..classes).map(|k| k as f64).collect();
        let numbers = T::from_doubles_on(&indices.device(), &numbers, &[classes]).expand(0, indices.shape());
        let indices = indices.expand(indices.shape().len(), &[classes]);
        let other = indices.less(&numbers).or(&numbers.less(&indices));
        let is_number = indices.less(&indices.constant(classes as f64));
        let codes = T::select(&other.not().and(&is_number), &indices.constant(1.0), &indices.constant(0.0));
        self.of_codes(&codes)
    }

    /// The vectors of classes given by their codes, as states of this library hold them: `Σ_k c_k e_k`, from `[…, classes]` to
    /// `[…, width]`. A code has a 1 at the class and zeros elsewhere, or zeros alone for no class.
    ///
    /// # Panics
    /// If the codes have another length.
    pub fn of_codes<T: Tensor<Primal = P>>(&self, codes: &T) -> T {
        codes.linear(&self.table, None)
    }
}
