//! Neural networks: named parameters, and the average velocities built from them.
//!
//! A network is a struct over the type `P` of its parameters. It is a [`Module`], which names them, and an [`AverageVelocity`] on
//! every tensor `T` whose [`Primal`](Tensor::Primal) is `P`. That makes it a [`Model`]: the same code runs on plain tensors, on
//! duals, on a tape, and on duals on a tape. The macro [`module!`](crate::module!) declares your own; it has an example.
//!
//! | what | where |
//! |---|---|
//! | networks | [`Mlp`], [`UNet`], [`EdmUNet`]; [`Endpoint`] makes their output the end of the path |
//! | layers | [`Linear`], [`Conv`], [`Attention`], [`LayerNorm`], [`RmsNorm`], [`Embedding`], [`Dropout`], the smallest: [`Param`] |
//! | functions | [`attend`]; [`waves`] embeds times, [`with_times`] puts them in front of states |

mod attention;
mod conv;
mod dropout;
mod edm;
mod embedding;
mod endpoint;
mod linear;
mod lookup;
mod mlp;
mod module;
mod normalization;
mod unet;

pub use crate::module;
pub use attention::{Attention, attend};
pub use conv::Conv;
pub use dropout::Dropout;
pub use edm::{EdmShape, EdmUNet};
pub use embedding::{waves, with_times};
pub use endpoint::Endpoint;
pub use linear::Linear;
pub use lookup::Embedding;
pub use mlp::{Mlp, MlpShape};
pub use module::Param;
#[doc(hidden)]
pub use module::{described, kept, path};
pub use normalization::{LayerNorm, RmsNorm};
pub use unet::{UNet, UNetShape};

use crate::{AverageVelocity, Dual, Tape, Tensor, Var, tensor::common};

/// Parameters of type `P`, each with a name: one traversal serves gradients, optimizers, averages and files.
///
/// Names are paths such as `layers.0.weight`; every traversal visits the same parameters in the same order.
///
/// ```
/// use flowmap::{Cpu, nn::{Mlp, MlpShape, Module}};
/// let mlp: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 16, 1), 1)?;
/// let mut names = Vec::new();
/// mlp.visit(&mut |name, _| names.push(name.to_string()));
/// assert_eq!(names, ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Module<P> {
    /// The same module with parameters of another type.
    type With<Q>: Module<Q>;

    /// Applies `f` to every parameter, and returns the module of the results.
    ///
    /// # Errors
    /// The first error of `f`.
    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self::With<Q>, E>;

    /// What determines the network besides its parameters, such as its activation; a checkpoint of another architecture is
    /// rejected.
    fn architecture(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// Visits every parameter, to change it.
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P));

    /// What follows each training step, such as normalizing weights of which only the direction matters.
    fn after_step(&mut self)
    where
        P: Tensor<Primal = P>,
    {
    }

    /// Switches to training and back: each layer that behaves differently in training, such as dropout, takes a seed of its own;
    /// `None`, the initial state, switches back. The trainer gives seeds on the diagonal only: elsewhere a network is compared
    /// with itself, and must be one function.
    fn set_training(&mut self, _seeds: &mut dyn FnMut() -> Option<u64>) {}

    /// Applies `f` to every parameter, and returns the module of the results.
    fn map<Q>(&self, f: &mut dyn FnMut(&str, &P) -> Q) -> Self::With<Q> {
        let Ok(image) = self.try_map(&mut |name, p| Ok::<_, std::convert::Infallible>(f(name, p)));
        image
    }

    /// Visits every parameter.
    fn visit(&self, f: &mut dyn FnMut(&str, &P)) {
        self.map(&mut |name, p| f(name, p));
    }
}

/// The stream of random numbers that initial weights come from; steps use the streams from 0 up.
pub(crate) const INITIALIZATION: u64 = u64::MAX;

/// The most parameters: 16 GiB in single precision, of which training holds several copies.
const MOST_PARAMETERS: usize = 1 << 32;

/// The total size of a module's parameters.
///
/// ```
/// use flowmap::{Cpu, nn::{Mlp, MlpShape, parameter_count}};
/// let paper: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 512, 5), 1)?;
/// assert_eq!(parameter_count(&paper), 1_054_210);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn parameter_count<T: Tensor>(module: &impl Module<T>) -> usize {
    let mut count = 0;
    module.visit(&mut |_, p| count += common::size(p.shape()));
    count
}

/// A network that can be trained: named parameters on a backend `T`, and an average velocity there, on duals, and on a tape.
///
/// Implemented for every [`Module`] that has them, never by hand.
pub trait Model<T: Tensor<Primal = T>>:
    Module<T, With<T> = Self, With<Var<T>> = Self::OnTape> + AverageVelocity<T> + AverageVelocity<Dual<T>> + Clone
{
    /// The network whose parameters are variables.
    type OnTape: Module<Var<T>> + AverageVelocity<Var<T>> + AverageVelocity<Dual<Var<T>>>;

    /// The network with its parameters as variables on a tape: gradients flow to them.
    fn on_tape(&self, tape: &Tape<T>) -> Self::OnTape {
        self.map(&mut |_, p| tape.leaf(p.clone()))
    }

    /// The network with its parameters as constants: no gradients flow to them.
    fn off_tape(&self) -> Self::OnTape {
        self.map(&mut |_, p| Var::constant(p.clone()))
    }
}

impl<T, M> Model<T> for M
where
    T: Tensor<Primal = T>,
    M: Module<T, With<T> = M> + AverageVelocity<T> + AverageVelocity<Dual<T>> + Clone,
    M::With<Var<T>>: AverageVelocity<Var<T>> + AverageVelocity<Dual<Var<T>>>,
{
    type OnTape = M::With<Var<T>>;
}
