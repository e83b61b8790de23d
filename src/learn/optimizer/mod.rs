//! Optimizers: how a gradient changes a parameter.

mod adam;
mod lion;
mod muon;
mod soap;

pub use adam::Adam;
pub use lion::Lion;
pub use muon::Muon;
pub use soap::Soap;

use crate::{Error, Result, Tensor, learn::named::name_or_table, nn::Module};
use serde::{Deserialize, Serialize};

/// How a gradient changes a parameter: the tensors kept from step to step, and one step.
///
/// A [`Trainer`](super::Trainer) with your own optimizer stores its tensors in checkpoints by name, and resumes bit for bit:
///
/// ```
/// use flowmap::{Tensor, learn::{Optimizer, Parameter, Step}};
/// /// Gradient descent with momentum.
/// struct HeavyBall(f64);
/// impl<T: Tensor<Primal = T>> Optimizer<T> for HeavyBall {
///     fn name(&self) -> String {
///         format!("heavy ball {}", self.0)
///     }
///     fn begin(&self, _name: &str, value: &T) -> Vec<(&'static str, T)> {
///         vec![("velocity", value.constant(0.0))]
///     }
///     fn update(&self, Parameter { value, gradient, state, .. }: Parameter<'_, T>, step: &Step) {
///         step.decay(value);
///         state[0] = gradient.scale_onto(step.gradient_scale, state[0].scale(self.0));
///         *value = state[0].scale_onto(-step.rate, value.clone());
///     }
/// }
/// ```
pub trait Optimizer<T: Tensor<Primal = T>>: Send + Sync {
    /// Identifies it with its settings: a checkpoint of another optimizer is rejected.
    fn name(&self) -> String;

    /// The tensors that are kept for a parameter, by name, as they are before the first step.
    fn begin(&self, name: &str, value: &T) -> Vec<(&'static str, T)>;

    /// Takes one step: changes the value of a parameter and the tensors kept for it. [`Step::decay`] is the weight decay.
    fn update(&self, parameter: Parameter<'_, T>, step: &Step);

    /// Whether its numbers are in their ranges; called when a trainer is made.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A parameter of a network in one step of an [`Optimizer`].
#[derive(Debug)]
pub struct Parameter<'a, T> {
    /// The name, a path such as `layers.0.weight`.
    pub name: &'a str,
    /// The value, to be changed.
    pub value: &'a mut T,
    /// The gradient of the loss, before it is scaled.
    pub gradient: &'a T,
    /// The tensors kept for it, in the order of [`Optimizer::begin`].
    pub state: &'a mut [T],
}

/// What the parameters have in common in one step of an [`Optimizer`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The number of the step, from 0.
    pub number: u64,
    /// The learning rate.
    pub rate: f64,
    /// The weight decay: parameters fall by this, times the rate.
    pub weight_decay: f64,
    /// The factor of gradients, by which long ones are clipped.
    pub gradient_scale: f64,
}

impl Step {
    /// A step at this rate, without weight decay or clipping.
    #[must_use]
    pub fn new(number: u64, rate: f64) -> Self {
        Self { number, rate, weight_decay: 0.0, gradient_scale: 1.0 }
    }

    /// Applies the weight decay, `x ← (1 - rate decay) x`.
    pub fn decay<T: Tensor>(&self, value: &mut T) {
        let factor = self.rate * self.weight_decay;
        if factor > 0.0 {
            *value = value.scale(1.0 - factor);
        }
    }
}

/// The optimizers of this library, for [`Settings`](super::Settings). A file gives the name, or a table with numbers:
/// `optimizer = "muon"`, or `{ muon = { momentum = 0.9 } }`.
///
/// ```
/// use flowmap::learn::{Descent, Muon};
/// let muon: Descent = Muon { momentum: 0.9, ..Muon::default() }.into();
/// assert_eq!("muon".parse::<Descent>()?, Muon::default().into());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Descent {
    /// Adam, also rectified.
    Adam(Adam),
    /// Lion.
    Lion(Lion),
    /// Muon for matrices, Adam for the rest.
    Muon(Muon),
    /// SOAP for matrices, Adam for the rest.
    Soap(Soap),
}
name_or_table!(Descent);

impl Descent {
    fn chosen<T: Tensor<Primal = T>>(&self) -> &dyn Optimizer<T> {
        match self {
            Self::Adam(adam) => adam,
            Self::Lion(lion) => lion,
            Self::Muon(muon) => muon,
            Self::Soap(soap) => soap,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Adam(adam) => adam.checked(),
            Self::Lion(lion) => lion.checked(),
            Self::Muon(muon) => muon.checked(),
            Self::Soap(soap) => soap.checked(),
        }
    }

    /// A learning rate to begin with.
    ///
    /// ```
    /// use flowmap::learn::{Adam, Descent, Muon};
    /// assert_eq!([Descent::from(Adam::default()), Muon::default().into()].map(|d| d.usual_rate()), [1e-3, 3e-2]);
    /// ```
    #[must_use]
    pub fn usual_rate(&self) -> f64 {
        match self {
            Self::Adam(_) => 1e-3,
            Self::Lion(_) => 2e-4,
            Self::Muon(_) => 3e-2,
            Self::Soap(_) => 3e-3,
        }
    }
}

impl<T: Tensor<Primal = T>> Optimizer<T> for Descent {
    fn name(&self) -> String {
        self.chosen::<T>().name()
    }
    fn begin(&self, name: &str, value: &T) -> Vec<(&'static str, T)> {
        self.chosen().begin(name, value)
    }
    fn update(&self, parameter: Parameter<'_, T>, step: &Step) {
        self.chosen().update(parameter, step);
    }
    fn check(&self) -> Result<()> {
        self.check()
    }
}

/// `adam`, `radam`, `lion`, `muon`, `soap`, each with its default settings.
impl std::str::FromStr for Descent {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "adam" => Adam::default().into(),
            "radam" => Adam::rectified().into(),
            "lion" => Lion::default().into(),
            "muon" => Muon::default().into(),
            "soap" => Soap::default().into(),
            _ => {
                let reason = format!("'{name}' is unknown; choose one of adam, radam, lion, muon, soap");
                return Err(Error::invalid("optimizer", reason));
            }
        })
    }
}

macro_rules! one_of_them {
    ($($optimizer:ident),*) => {$(
        impl From<$optimizer> for Descent {
            fn from(optimizer: $optimizer) -> Self {
                Self::$optimizer(optimizer)
            }
        }
    )*};
}
one_of_them!(Adam, Lion, Muon, Soap);

/// The tensors that an optimizer keeps for all parameters of a network.
pub(super) struct Memory<T> {
    pub names: Vec<&'static str>,
    pub tensors: Vec<T>,
}

/// The memories of all parameters before the first step.
pub(super) fn begin<T: Tensor<Primal = T>>(optimizer: &dyn Optimizer<T>, network: &impl Module<T>) -> Vec<Memory<T>> {
    let mut all = Vec::new();
    network.visit(&mut |name, value| {
        let (names, tensors) = optimizer.begin(name, value).into_iter().unzip();
        all.push(Memory { names, tensors });
    });
    all
}

/// Updates all parameters of a network. `step` is a function of the parameter's name; a missing gradient is 0.
pub(super) fn update<T: Tensor<Primal = T>>(
    optimizer: &dyn Optimizer<T>,
    network: &mut impl Module<T>,
    memories: &mut [Memory<T>],
    gradients: &[Option<T>],
    step: impl Fn(&str) -> Step,
) {
    let mut parts = memories.iter_mut().zip(gradients);
    network.visit_mut(&mut |name, value| {
        let (memory, gradient) = parts.next().expect("memories and gradients were made from the same parameters");
        let zero = gradient.is_none().then(|| value.constant(0.0));
        let gradient = gradient.as_ref().or(zero.as_ref()).expect("one of the two");
        optimizer.update(Parameter { name, value, gradient, state: &mut memory.tensors }, &step(name));
    });
}

/// Checks decays of moments and momentum.
fn check_decays(what: &'static str, decays: &[f64]) -> Result<()> {
    match decays.iter().find(|decay| !(0.0..1.0).contains(*decay)) {
        None => Ok(()),
        Some(decay) => Err(Error::invalid(what, format!("{decay} is not in [0, 1)"))),
    }
}

/// Whether a part of a path of names is this one, which may have several parts: `layers.0` is in `layers.0.weight`, not in
/// `layers.01.weight`.
pub(super) fn is_within(name: &str, part: &str) -> bool {
    !part.is_empty() && format!(".{name}.").contains(&format!(".{part}."))
}

/// A parameter as a matrix, `[in, out]`: the kernel of a convolution, `[height, width, in, out]`, takes its fan-in as one side.
fn matrix_shape(shape: &[usize]) -> Option<[usize; 2]> {
    match shape {
        [] | [_] => None,
        [inputs @ .., outputs] => Some([inputs.iter().product(), *outputs]),
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests;
