//! Push-forward of distributions by flow maps.

use super::{Density, VolumeChange};
use crate::{Error, Result, State};

/// The push-forward of a distribution by `X_{s,t}`: the distribution at time `t` of points that have the distribution `ρ_s` at
/// time `s` and follow the flow.
///
/// - `ln ρ_t(y) = ln ρ_s(X_{t,s}(y)) + ln |det ∇X_{t,s}(y)|`
/// - along a trajectory: `ln ρ_t(X_{s,t}(x)) = ln ρ_s(x) - ln |det ∇X_{s,t}(x)|`
///
/// The first needs the map from `t` to `s`, the second ([`carried`](Self::carried)) only from `s` to `t`: a map learned in one
/// direction gives samples with their densities.
///
/// ```
/// use flowmap::{exact::Affine, likelihood::{ByJacobian, Density, Pushforward, StandardNormal}};
/// // dx/dt = x makes N(0, 1) a normal distribution of deviation e^t
/// let distribution = Pushforward::new(StandardNormal, ByJacobian(Affine::new([[1.0]], [0.0])?), [0.0, 2.0])?;
/// let peak = distribution.try_log_density(&[0.0])?;
/// assert!((peak - (-0.5 * std::f64::consts::TAU.ln() - 2.0)).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Instead of [`ByJacobian`](super::ByJacobian), use a closed form, `ByDivergence`, a solver or a network: see
/// [`VolumeChange`].
///
/// Reference: R. T. Q. Chen, Y. Rubanova, J. Bettencourt, D. Duvenaud, Neural ordinary differential equations, arXiv 1806.07366.
#[derive(Clone, Copy, Debug)]
pub struct Pushforward<P, M> {
    base: P,
    map: M,
    times: [f64; 2],
}

impl<P, M> Pushforward<P, M> {
    /// The push-forward of `base`, the distribution at time `s`, by `map` to time `t`, with `times = [s, t]` in either order.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the times are finite.
    pub fn new(base: P, map: M, times: [f64; 2]) -> Result<Self> {
        match times.iter().find(|t| !t.is_finite()) {
            None => Ok(Self { base, map, times }),
            Some(bad) => Err(Error::invalid("time", format!("{bad} is not finite"))),
        }
    }

    /// The distribution at time `s`.
    pub fn base(&self) -> &P {
        &self.base
    }

    /// The flow map.
    pub fn map(&self) -> &M {
        &self.map
    }

    /// `X_{s,t}(x)`, and `ln ρ_t` there.
    ///
    /// ```
    /// use flowmap::{exact::Affine, likelihood::{ByJacobian, Density, Pushforward, StandardNormal}};
    /// let distribution = Pushforward::new(StandardNormal, ByJacobian(Affine::new([[1.0]], [0.5])?), [0.0, 2.0])?;
    /// let (y, log_density) = distribution.carried(&[0.3_f64]);
    /// assert!((log_density - distribution.log_density(&y)).abs() < 1e-14);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn carried<X: State>(&self, x: &X) -> (X, X::Time)
    where
        P: Density<X>,
        M: VolumeChange<X>,
    {
        let [s, t] = self.times(x);
        let (y, log_det) = self.map.flow_and_log_det(&s, &t, x);
        (y, self.base.log_density(x) - log_det)
    }

    /// Like [`carried`](Self::carried), or the reason why there is no result.
    ///
    /// # Errors
    /// The errors of [`VolumeChange::try_flow_and_log_det`] and [`Density::try_log_density`].
    pub fn try_carried<X: State>(&self, x: &X) -> Result<(X, X::Time)>
    where
        P: Density<X>,
        M: VolumeChange<X>,
    {
        let [s, t] = self.times(x);
        let base = self.base.try_log_density(x)?;
        let (y, log_det) = self.map.try_flow_and_log_det(&s, &t, x)?;
        Ok((y, base - log_det))
    }

    fn times<X: State>(&self, x: &X) -> [X::Time; 2] {
        self.times.map(|t| x.time(t))
    }
}

impl<X: State, P: Density<X>, M: VolumeChange<X>> Density<X> for Pushforward<P, M> {
    fn log_density(&self, y: &X) -> X::Time {
        let [s, t] = self.times(y);
        let (x, log_det) = self.map.flow_and_log_det(&t, &s, y);
        self.base.log_density(&x) + log_det
    }

    /// # Errors
    /// The errors of [`VolumeChange::try_flow_and_log_det`] from `t` to `s`, and those of the base distribution there.
    fn try_log_density(&self, y: &X) -> Result<X::Time> {
        let [s, t] = self.times(y);
        let (x, log_det) = self.map.try_flow_and_log_det(&t, &s, y)?;
        Ok(self.base.try_log_density(&x)? + log_det)
    }
}
