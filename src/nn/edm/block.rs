//! The blocks of the magnitude-preserving U-Net.

use super::weight::{Weight, blend, silu};
use crate::{
    ImageTensor, Normalization, Tensor,
    nn::{Dropout, Param, attend, module},
};
use rand::Rng;

/// The weight of a branch in the sum with its input.
const SHARE: f64 = 0.3;

/// Whether a block is in the encoder or in the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Kind {
    /// On the way down: channels are changed and normalized first.
    Encoder,
    /// On the way up: channels are changed outside the branch.
    Decoder,
}

/// The change of resolution before a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Resolution {
    /// Unchanged.
    Same,
    /// Half as many pixels per side.
    Half,
    /// Twice as many.
    Double,
}

/// The sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub kind: Kind,
    pub resolution: Resolution,
    /// Channels in and out.
    pub channels: [usize; 2],
    /// Heads of attention; 0 for none.
    pub heads: usize,
    /// The size of the embedding.
    pub embedding: usize,
    /// The dropout rate in training.
    pub dropout: f64,
}

module! {
    /// A residual block, with attention where there are heads.
    #[derive(Clone, Debug)]
    pub struct Block<P> {
        gain: Param<P>,
        first: Weight<P>,
        time: Weight<P>,
        second: Weight<P>,
        skip: Option<Weight<P>>,
        attention: Option<Attention<P>>,
        dropout: Dropout,
    }
    keeps {
        kind: Kind,
        resolution: Resolution,
    }
}

impl<P: Tensor<Primal = P>> Block<P> {
    pub fn new(plan: Plan, device: &P::Device, rng: &mut dyn Rng) -> Self {
        let [inputs, outputs] = plan.channels;
        let inside = if plan.kind == Kind::Encoder { outputs } else { inputs };
        Self {
            gain: Param(P::from_slice_on(device, &[P::Real::default()], &[])),
            first: Weight::new(&[3, 3, inside, outputs], device, rng),
            time: Weight::new(&[plan.embedding, outputs], device, rng),
            second: Weight::new(&[3, 3, outputs, outputs], device, rng),
            skip: (inputs != outputs).then(|| Weight::new(&[inputs, outputs], device, rng)),
            attention: (plan.heads > 0).then(|| Attention::new(outputs, plan.heads, device, rng)),
            kind: plan.kind,
            resolution: plan.resolution,
            dropout: Dropout::new(plan.dropout).expect("shapes with another rate are refused"),
        }
    }
}

impl<P: Tensor> Block<P> {
    pub fn apply<T: ImageTensor<Primal = P>>(&self, x: &T, times: &T) -> T {
        let x = match self.resolution {
            Resolution::Same => x.clone(),
            Resolution::Half => x.downsample(2),
            Resolution::Double => x.upsample(2),
        };
        let other_channels = |x: &T| self.skip.as_ref().map_or(x.clone(), |skip| skip.linear(x));
        let x = if self.kind == Kind::Encoder { other_channels(&x).normalize(Normalization::pixels()) } else { x };
        let modulation = (self.time.linear(times) * T::from_primal(&self.gain)).shift(1.0);
        let branch = silu(&self.first.conv(&silu(&x)).scale_channels(&modulation));
        let branch = self.second.conv(&self.dropout.apply(branch));
        let x = if self.kind == Kind::Decoder { other_channels(&x) } else { x };
        let sum = blend(&x, &branch, SHARE);
        self.attention.as_ref().map_or(sum.clone(), |attention| attention.apply(&sum))
    }
}

module! {
    /// Cosine attention between the pixels of an image: queries, keys and values are normalized.
    #[derive(Clone, Debug)]
    struct Attention<P> {
        input: Weight<P>,
        output: Weight<P>,
    }
    keeps {
        heads: usize,
    }
}

impl<P: Tensor<Primal = P>> Attention<P> {
    fn new(channels: usize, heads: usize, device: &P::Device, rng: &mut dyn Rng) -> Self {
        let input = Weight::new(&[channels, 3 * channels], device, rng);
        Self { input, output: Weight::new(&[channels, channels], device, rng), heads }
    }
}

impl<P: Tensor> Attention<P> {
    fn apply<T: ImageTensor<Primal = P>>(&self, x: &T) -> T {
        let [n, height, width, channels] = x.shape() else { unreachable!("blocks pass images on") };
        let (pixels, size) = (height * width, channels / self.heads);
        let all = self.input.linear(&x.reshape(&[*n, pixels, *channels]));
        let part = |k: usize| all.slice(2, k * size..(k + 1) * size).normalize(Normalization::pixels());
        let heads: Vec<T> = (0..self.heads)
            .map(|head| {
                let [query, key, value] = [0, 1, 2].map(|kind| part(kind * self.heads + head));
                attend(&query, &key, &value)
            })
            .collect();
        let found = self.output.linear(&T::concat(&heads, 2)).reshape(x.shape());
        blend(x, &found, SHARE)
    }
}
