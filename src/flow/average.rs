//! Average velocities: the form in which networks learn flow maps.

use super::FlowMap;
use crate::{field::VelocityField, state::State};

/// The average velocity `v_{s,t}` along a trajectory, with `X_{s,t}(x) = x + (t - s) v_{s,t}(x)`.
///
/// Networks learn it because `X_{s,s} = id` then holds by construction, and `v_{t,t}` is the velocity field itself (arXiv
/// 2505.18825, section 2). [`AverageVelocityMap`] makes it a [`FlowMap`] and a [`VelocityField`].
pub trait AverageVelocity<X: State> {
    /// The average velocity `v_{s,t}(x)`.
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X;

    /// The logarithm `w_{s,t}` of the squared residual expected at these times, one number for each sample of `x`, if a network
    /// learns it: with the loss `e^{-w} |r|² + w`, times with large residuals do not dominate the others. `None`, the default,
    /// weighs all times equally.
    ///
    /// Source: arXiv 2505.18825, appendix on experiments; A. Kendall, Y. Gal, R. Cipolla, arXiv 1705.07115.
    fn log_loss(&self, _s: &X::Time, _t: &X::Time, _x: &X) -> Option<X::Time> {
        None
    }
}

impl<X: State, V: AverageVelocity<X> + ?Sized> AverageVelocity<X> for &V {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).average_velocity(s, t, x)
    }
    fn log_loss(&self, s: &X::Time, t: &X::Time, x: &X) -> Option<X::Time> {
        (**self).log_loss(s, t, x)
    }
}

impl<X: State, V: AverageVelocity<X> + ?Sized> AverageVelocity<X> for Box<V> {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).average_velocity(s, t, x)
    }
    fn log_loss(&self, s: &X::Time, t: &X::Time, x: &X) -> Option<X::Time> {
        (**self).log_loss(s, t, x)
    }
}

/// The flow map `x + (t - s) v_{s,t}(x)` and the velocity field `v_{t,t}` of an [`AverageVelocity`].
///
/// ```
/// use flowmap::{AverageVelocity, AverageVelocityMap, FlowMap, VelocityField};
/// struct Drift; // dx/dt = 2t: the average velocity over [s, t] is s + t
/// impl AverageVelocity<[f64; 1]> for Drift {
///     fn average_velocity(&self, s: &f64, t: &f64, _x: &[f64; 1]) -> [f64; 1] { [s + t] }
/// }
/// assert_eq!(AverageVelocityMap(Drift).flow(&1.0, &3.0, &[0.0]), [8.0]);
/// assert_eq!(AverageVelocityMap(Drift).velocity(&3.0, &[0.0]), [6.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AverageVelocityMap<V>(pub V);

impl<X: State, V: AverageVelocity<X>> AverageVelocity<X> for AverageVelocityMap<V> {
    fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.0.average_velocity(s, t, x)
    }
    fn log_loss(&self, s: &X::Time, t: &X::Time, x: &X) -> Option<X::Time> {
        self.0.log_loss(s, t, x)
    }
}

impl<X: State, V: AverageVelocity<X>> FlowMap<X> for AverageVelocityMap<V> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        x.plus(&self.0.average_velocity(s, t, x).scaled(&(t.clone() - s)))
    }
}

impl<X: State, V: AverageVelocity<X>> VelocityField<X> for AverageVelocityMap<V> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.0.average_velocity(t, t, x)
    }
}
