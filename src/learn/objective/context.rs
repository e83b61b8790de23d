//! What an objective is given.

use crate::{AverageVelocity, Dual, State, VelocityField};
use std::fmt;

/// An average velocity that has derivatives: it takes duals, too.
pub trait Differentiable<X: State>: AverageVelocity<X> + AverageVelocity<Dual<X>> {}

impl<X: State, V: AverageVelocity<X> + AverageVelocity<Dual<X>> + ?Sized> Differentiable<X> for V {}

/// Everything that an [`Objective`](super::Objective) may use: the network, the samples, and what is known of their ODE.
///
/// ```
/// use flowmap::{AverageVelocity, Number, State, exact::PeriodicGrowth, learn::{Context, Distillation}};
/// struct Still;
/// impl<X: State> AverageVelocity<X> for Still {
///     fn average_velocity(&self, _: &X::Time, _: &X::Time, x: &X) -> X { x.minus(x) }
/// }
/// let decay = PeriodicGrowth::new(-1.0)?;
/// let context = Context { field: Some(&decay), ..Context::new(&Still, &0.0, &1.0, &[2.0]) };
/// let residual = Distillation::LMD.residual(&context).unwrap();
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone)]
pub struct Context<'a, X: State> {
    /// The network; gradients flow to its parameters.
    pub live: &'a dyn Differentiable<X>,
    /// The network with constant parameters, for stopped terms.
    pub fixed: &'a dyn Differentiable<X>,
    /// The first moving average of the network, with constant parameters.
    pub average: Option<&'a dyn Differentiable<X>>,
    /// The start of each interval of time.
    pub s: &'a X::Time,
    /// The end of each interval of time.
    pub t: &'a X::Time,
    /// A number for each sample that is uniform on `[0, 1]`: the share of the time at which two steps meet, for example.
    pub share: &'a X::Time,
    /// The states at `s`.
    pub x: &'a X,
    /// Steps taken before this one.
    pub step: u64,
    /// The velocity field `b`.
    pub field: Option<&'a dyn VelocityField<X>>,
    /// A map that is accurate where `|t - s|` is at most `reach`, by its average velocity.
    pub short: Option<&'a dyn AverageVelocity<X>>,
    /// The longest time for which `short` is accurate.
    pub reach: f64,
    /// The velocities of the samples, `I'_s`.
    pub velocity: Option<X>,
}

impl<'a, X: State> Context<'a, X> {
    /// A network, live and fixed, at these times and states, of which nothing else is known. The share is `s`.
    #[must_use]
    pub fn new(network: &'a dyn Differentiable<X>, s: &'a X::Time, t: &'a X::Time, x: &'a X) -> Self {
        Self {
            live: network,
            fixed: network,
            average: None,
            s,
            t,
            share: s,
            x,
            step: 0,
            field: None,
            short: None,
            reach: 0.0,
            velocity: None,
        }
    }
}

impl<X: State> fmt::Debug for Context<'_, X> {
    /// Shows what is given, since fields and networks cannot be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut known = f.debug_struct("Context");
        known.field("step", &self.step).field("average", &self.average.is_some()).field("field", &self.field.is_some());
        known.field("short", &self.short.is_some()).field("reach", &self.reach).field("velocity", &self.velocity.is_some());
        known.finish()
    }
}
