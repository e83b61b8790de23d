//! A small diffusion transformer, written as a user would write it.

use flowmap::{
    Activation::{Gelu, Silu},
    AverageVelocity, Result, Tensor, module,
    nn::{Attention, LayerNorm, Linear, Param, waves},
};

module! {
    /// Attention and a perceptron, each beside a shortcut and behind a normalization that times modulate.
    #[derive(Clone)]
    pub struct Block<P> {
        times: Linear<P>,
        norms: Vec<LayerNorm<P>>,
        attention: Attention<P>,
        wide: Linear<P>,
        narrow: Linear<P>,
    }
}

module! {
    /// Tokens are patches of neighbouring coordinates.
    #[derive(Clone)]
    pub struct Transformer<P> {
        input: Linear<P>,
        places: Param<P>,
        times: Linear<P>,
        blocks: Vec<Block<P>>,
        norm: LayerNorm<P>,
        output: Linear<P>,
    }
}

impl<P: Tensor<Primal = P>> Transformer<P> {
    pub fn new_on(device: &P::Device, tokens: usize, patch: usize, width: usize) -> Result<Self> {
        let linear = |sizes, seed| Linear::new_on(device, sizes, seed);
        let norm = || LayerNorm::new_on(device, width);
        let block = |seed| -> Result<Block<P>> {
            Ok(Block {
                times: linear([width, 2 * width], seed).with_gain(0.0),
                norms: vec![norm(), norm()],
                attention: Attention::new_on(device, width, 2, seed + 1)?.with_norms(),
                wide: linear([width, 2 * width], seed + 2),
                narrow: linear([2 * width, width], seed + 3),
            })
        };
        Ok(Self {
            input: linear([patch, width], 1),
            places: linear([tokens, width], 2).weight,
            times: linear([16, width], 3),
            blocks: vec![block(10)?, block(20)?],
            norm: norm(),
            output: linear([width, patch], 4).with_gain(0.0),
        })
    }
}

impl<P: Tensor> Block<P> {
    fn apply<T: Tensor<Primal = P>>(&self, x: &T, times: &T) -> T {
        let (batch, width) = (x.shape()[0], x.shape()[2]);
        let told = self.times.apply(times).reshape(&[batch, 2, width]);
        let [scale, shift] = [0, 1].map(|k| told.slice(1, k..k + 1).broadcast(x.shape()));
        let modulated = |norm: &LayerNorm<P>, x: &T| norm.apply(x) * scale.shift(1.0) + &shift;
        let x = self.attention.apply(&modulated(&self.norms[0], x)) + x;
        self.narrow.apply(&self.wide.apply(&modulated(&self.norms[1], &x)).activate(Gelu)) + x
    }
}

impl<T: Tensor> AverageVelocity<T> for Transformer<T::Primal> {
    fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
        let (batch, tokens) = (x.shape()[0], self.places.shape()[0]);
        let tokens = self.input.apply(&x.reshape(&[batch, tokens, x.shape()[1] / tokens]));
        let places = T::from_primal(&self.places).broadcast(tokens.shape());
        let times = T::concat(&[s, t].map(|u| waves(u, batch, [1.0, 4.0], 4)), 1);
        let times = self.times.apply(&times).activate(Silu);
        let features = self.blocks.iter().fold(tokens + places, |h, block| block.apply(&h, &times));
        self.output.apply(&self.norm.apply(&features)).reshape(x.shape())
    }
}
