//! Magnitude-preserving weights, of which only the direction matters.

use crate::{Activation::Silu, ImageTensor, Number, Real, Tensor, Window, nn::Module};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// The weight of a magnitude-preserving layer: only its direction matters, separately for each output.
///
/// Of shape `[in, out]`, or `[height, width, in, out]` for convolutions. It is used as `w_o / (√(mean w_o²) + ε) / √fan-in`,
/// `ε = 1e-4`: uncorrelated inputs of mean square 1 give outputs of mean square 1.
#[derive(Clone, Debug)]
pub struct Weight<P> {
    direction: P,
}

impl<P> Module<P> for Weight<P> {
    type With<Q> = Weight<Q>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Weight<Q>, E> {
        Ok(Weight { direction: f("direction", &self.direction)? })
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        f("direction", &mut self.direction);
    }
    /// Only the direction matters; without this weights would grow, and learn more and more slowly.
    fn after_step(&mut self)
    where
        P: Tensor<Primal = P>,
    {
        self.direction = normalized(&self.direction);
    }
}

const EPSILON: f64 = 1e-4;

impl<P: Tensor<Primal = P>> Weight<P> {
    /// From the standard normal distribution.
    pub fn new(shape: &[usize], device: &P::Device, rng: &mut dyn Rng) -> Self {
        let mut draw = || P::Real::from_f64(StandardNormal.sample(&mut *rng));
        let values: Vec<_> = (0..shape.iter().product()).map(|_| draw()).collect();
        Self { direction: P::from_slice_on(device, &values, shape) }
    }
}

/// A weight normalized to mean square 1 for each output, as after each training step.
fn normalized<P: Tensor>(weight: &P) -> P {
    let shape = weight.shape();
    let (outputs, rest) = shape.split_last().expect("weights have two axes or more");
    let fan: usize = rest.iter().product();
    let flat = weight.reshape(&[fan, *outputs]);
    let size = (flat.clone() * &flat).sum(0..1).scale(1.0 / fan as f64).sqrt().shift(EPSILON);
    (flat / size.expand(0, &[fan])).reshape(shape)
}

impl<P: Tensor> Weight<P> {
    /// The weight as used, normalized.
    fn scaled(&self) -> P {
        let shape = self.direction.shape();
        let fan: usize = shape[..shape.len() - 1].iter().product();
        normalized(&self.direction).scale(1.0 / (fan as f64).sqrt())
    }

    /// `x W` on the last axis.
    pub fn linear<T: Tensor<Primal = P>>(&self, x: &T) -> T {
        x.linear(&self.scaled(), None)
    }

    /// The convolution with a kernel of odd size.
    pub fn conv<T: ImageTensor<Primal = P>>(&self, x: &T) -> T {
        x.conv2d(&self.scaled(), None, Window::same(self.direction.shape()[0]))
    }
}

/// SiLU, scaled to mean square 1 for standard normal inputs.
pub fn silu<T: Tensor>(x: &T) -> T {
    x.activate(Silu).scale(1.0 / 0.596)
}

/// `(1-λ) a + λ b`, scaled to the mean square of its parts, if they are uncorrelated.
pub fn blend<T: Number>(a: &T, b: &T, share: f64) -> T {
    let rest = 1.0 - share;
    let size = (rest * rest + share * share).sqrt();
    a.scale(rest / size) + b.scale(share / size)
}

/// The channels of `a` and `b`, concatenated and scaled to equal weight, whatever their numbers.
pub fn side_by_side<T: Tensor>(a: &T, b: &T) -> T {
    let axis = a.shape().len() - 1;
    let [m, n] = [a, b].map(|x| x.shape()[axis] as f64);
    let [to_a, to_b] = [m, n].map(|own| ((m + n) / 2.0 / own).sqrt());
    T::concat(&[a.scale(to_a), b.scale(to_b)], axis)
}
