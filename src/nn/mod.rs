//! Neural networks: named parameters, and the average velocities built from them.
//!
//! A network is a struct over the type `P` of its parameters. It is a [`Module`], which names them, and an [`AverageVelocity`] on
//! every tensor `T` whose [`Primal`](Tensor::Primal) is `P`. That makes it a [`Model`]: the same code runs on plain tensors, on
//! duals, on a tape, and on duals on a tape. Your own network:
//!
//! ```
//! use flowmap::{AverageVelocity, Tensor, backend::ndarray::NdTensor, nn::{Model, Module}};
//!
//! /// `v_{s,t}(x) = x W`
//! #[derive(Clone)]
//! struct Matrix<P> { weight: P }
//!
//! impl<P> Module<P> for Matrix<P> {
//!     type With<Q> = Matrix<Q>;
//!     fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Matrix<Q>, E> {
//!         Ok(Matrix { weight: f("weight", &self.weight)? })
//!     }
//!     fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
//!         f("weight", &mut self.weight);
//!     }
//! }
//!
//! impl<T: Tensor> AverageVelocity<T> for Matrix<T::Primal> {
//!     fn average_velocity(&self, _s: &T, _t: &T, x: &T) -> T {
//!         x.linear(&self.weight, None)
//!     }
//! }
//!
//! fn can_be_trained<T: Tensor<Primal = T>>(_: &impl Model<T>) {}
//! can_be_trained(&Matrix { weight: NdTensor::<f32>::from_slice(&(), &[0.0; 4], &[2, 2]) });
//! ```

mod conv;
mod edm;
mod embedding;
mod linear;
mod mlp;
mod module;
mod rest;
mod unet;

pub use conv::Conv;
pub(crate) use edm::normalized;
pub use edm::{EdmShape, EdmUNet};
pub use embedding::waves;
pub use linear::Linear;
pub use mlp::{Mlp, MlpShape};
pub(crate) use module::module;
pub use unet::{UNet, UNetShape};

use crate::{AverageVelocity, Dual, Tape, Tensor, Var, tensor::common};

/// Parameters of type `P`, each with a name: one traversal serves gradients, optimizers, averages and files.
///
/// Names are paths such as `layers.0.weight`; every traversal visits the same parameters in the same order.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, nn::{Mlp, MlpShape, Module}};
/// let mlp: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 16, 1), 1, &())?;
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

    /// Visits every parameter of which only the direction matters, separately for each output, the last axis. The trainer
    /// normalizes them to mean square 1 after each step.
    fn visit_directions(&mut self, _f: &mut dyn FnMut(&mut P)) {}

    /// Gives each dropout layer a seed; with `None`, the initial state, it drops nothing. The trainer gives seeds on the diagonal
    /// only: elsewhere a network is compared with itself, and must be one function.
    fn drop_out(&mut self, _seed: &mut dyn FnMut() -> Option<u64>) {}

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
/// use flowmap::{backend::ndarray::NdTensor, nn::{Mlp, MlpShape, parameter_count}};
/// let paper: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 512, 5), 1, &())?;
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
