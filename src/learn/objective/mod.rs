//! Objectives: what a network is trained by off the diagonal.

mod alpha_flow;
mod context;
mod distillation;
mod goal;
mod mean_flow;
mod names;
mod needs;

pub use alpha_flow::{Alpha, AlphaFlow};
pub use context::{Context, Differentiable};
pub use distillation::Distillation;
pub use goal::Goal;
pub use mean_flow::{Anchor, MeanFlow, Tangent};
pub use names::{Identity, StopGradient, Teacher};
pub use needs::Needs;

use crate::{Result, Tensor, Var};

/// What a network is trained by off the diagonal: residuals whose squares are to be small.
///
/// The [`Distillation`]s are this library's. Yours can combine them with each other, and with any
/// [characterization](crate::characterization):
///
/// ```
/// use flowmap::{Tensor, Var, learn::{Context, Distillation, Needs, Objective, Term}};
/// /// Two identities at once.
/// struct Mix;
/// const PARTS: [(Distillation, f64); 2] = [(Distillation::LSD, 0.7), (Distillation::PSD_M, 0.3)];
///
/// impl<T: Tensor<Primal = T>> Objective<T> for Mix {
///     fn name(&self) -> String {
///         "0.7 lsd + 0.3 psd-m".into()
///     }
///     fn needs(&self) -> Needs {
///         PARTS[0].0.needs() | PARTS[1].0.needs()
///     }
///     fn terms(&self, context: &Context<'_, Var<T>>) -> Vec<Term<Var<T>>> {
///         let term = |(part, weight): &(Distillation, f64)| Some(Term { weight: *weight, residual: part.residual(context)? });
///         PARTS.iter().filter_map(term).collect()
///     }
/// }
/// ```
pub trait Objective<T: Tensor<Primal = T>>: Send + Sync {
    /// Identifies it with its settings: a checkpoint of another objective is rejected.
    fn name(&self) -> String;

    /// What it needs besides the network.
    fn needs(&self) -> Needs;

    /// Whether there are residuals off the diagonal; flow matching has none, and all samples are on it.
    fn pairs(&self) -> bool {
        true
    }

    /// Whether its numbers are in their ranges; called when a trainer is made.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if not.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The residuals, each of the shape of the states: at least one, where there are [pairs](Self::pairs).
    fn terms(&self, context: &Context<'_, Var<T>>) -> Vec<Term<Var<T>>>;
}

/// A part of an objective: a residual, whose squares count by a weight.
#[derive(Clone, Debug)]
pub struct Term<X> {
    /// The weight of this term.
    pub weight: f64,
    /// The residual.
    pub residual: X,
}

impl<X> Term<X> {
    /// A term of weight 1.
    pub fn new(residual: X) -> Self {
        Self { weight: 1.0, residual }
    }
}
