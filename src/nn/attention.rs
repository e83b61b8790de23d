//! Attention between tokens.

use super::{INITIALIZATION, Linear, RmsNorm, module};
use crate::{Error, Result, Tensor, Transpose, random::stream};

/// Scaled dot-product attention, `softmax(q kᵀ/√d) v`: for queries `[batch, m, d]`, keys `[batch, n, d]` and values
/// `[batch, n, e]`, a mean of the values for each query, `[batch, m, e]`.
///
/// ```
/// use flowmap::{Cpu, Tensor, nn::attend};
/// let query = Cpu::from_slice(&[100.0, 0.0], &[1, 1, 2]);
/// let keys = Cpu::from_slice(&[1.0, 0.0, 0.0, 1.0], &[1, 2, 2]);
/// let values = Cpu::from_slice(&[5.0, 7.0], &[1, 2, 1]);
/// assert_eq!(attend(&query, &keys, &values).to_vec(), [5.0]); // that of the first key
/// ```
///
/// Source: A. Vaswani et al., Attention Is All You Need, arXiv 1706.03762, equation 1.
///
/// # Panics
/// If the shapes do not fit, or there are no keys.
pub fn attend<T: Tensor>(query: &T, key: &T, value: &T) -> T {
    let products = T::batch_matmul(query, Transpose::No, key, Transpose::Yes);
    let scores = products.scale(1.0 / (query.shape()[2] as f64).sqrt());
    T::batch_matmul(&scores.softmax(), Transpose::No, value, Transpose::No)
}

module! {
    /// Self-attention with several heads between the tokens of each sample, `[batch, tokens, width]`:
    /// `W_o [attend(W_q x, W_k x, W_v x)]` with biases, where each head attends in `width / heads` coordinates of its own.
    ///
    /// ```
    /// use flowmap::{Cpu, Tensor, nn::Attention};
    /// let attention: Attention<Cpu> = Attention::new(8, 2, 1)?.with_norms();
    /// let x = Cpu::from_slice(&[0.5; 2 * 3 * 8], &[2, 3, 8]);
    /// assert_eq!(attention.apply(&x).shape(), x.shape());
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// Source: A. Vaswani et al., Attention Is All You Need, arXiv 1706.03762, section 3.2.2.
    #[derive(Clone, Debug)]
    pub struct Attention<P> {
        /// `W_q`.
        pub query: Linear<P>,
        /// `W_k`.
        pub key: Linear<P>,
        /// `W_v`.
        pub value: Linear<P>,
        /// `W_o`.
        pub output: Linear<P>,
        query_norm: Option<RmsNorm<P>>,
        key_norm: Option<RmsNorm<P>>,
    }
    keeps {
        heads: usize,
    }
}

impl<P: Tensor<Primal = P>> Attention<P> {
    /// For tokens of this width, with [`Linear`] layers initialized as by [`Linear::new`].
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are no heads, no coordinates, or the width is not a multiple of the number of heads.
    pub fn new(width: usize, heads: usize, seed: u64) -> Result<Self>
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), width, heads, seed)
    }

    /// The same on this device.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_on(device: &P::Device, width: usize, heads: usize, seed: u64) -> Result<Self> {
        if width == 0 || heads == 0 || !width.is_multiple_of(heads) {
            let reason =
                format!("tokens of width {width} cannot be divided between {heads} heads; take a multiple of their number");
            return Err(Error::invalid("attention", reason));
        }
        let mut rng = stream(seed, INITIALIZATION);
        let [query, key, value, output] = std::array::from_fn(|_| Linear::drawn(width, width, device, &mut rng));
        Ok(Self { query, key, value, output, query_norm: None, key_norm: None, heads })
    }

    /// With the queries and keys of each head normalized, which bounds the scores and keeps large models stable.
    ///
    /// Source: A. Henry et al., Query-Key Normalization for Transformers, arXiv 2010.04245; here by [`RmsNorm`].
    #[must_use]
    pub fn with_norms(self) -> Self {
        let width = self.query.bias.shape()[0] / self.heads;
        let norm = || Some(RmsNorm::new_on(&self.query.bias.device(), width));
        Self { query_norm: norm(), key_norm: norm(), ..self }
    }
}

impl<P: Tensor> Attention<P> {
    /// What each token finds at the others and itself.
    ///
    /// # Panics
    /// If `x` does not have the shape `[batch, tokens, width]`, or there are no tokens.
    pub fn apply<T: Tensor<Primal = P>>(&self, x: &T) -> T {
        let &[batch, tokens, width] = x.shape() else {
            panic!("attention: shape {:?} is not that of tokens, [batch, tokens, width]", x.shape())
        };
        let (heads, size) = (self.heads, width / self.heads);
        // a head is a sample of its own
        let apart = |layer: &Linear<P>, norm: &Option<RmsNorm<P>>| {
            let parts = layer.apply(x).reshape(&[batch, tokens, heads, size]).permute(&[0, 2, 1, 3]);
            let parts = parts.reshape(&[batch * heads, tokens, size]);
            norm.as_ref().map_or(parts.clone(), |norm| norm.apply(&parts))
        };
        let (query, key) = (apart(&self.query, &self.query_norm), apart(&self.key, &self.key_norm));
        let found = attend(&query, &key, &apart(&self.value, &None));
        let together = found.reshape(&[batch, heads, tokens, size]).permute(&[0, 2, 1, 3]).reshape(x.shape());
        self.output.apply(&together)
    }
}
