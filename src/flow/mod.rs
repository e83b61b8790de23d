//! Flow maps, which carry points along an ODE, and operations that combine them into new flow maps.

mod autonomous;
mod average;
mod composition;
mod conjugation;
mod inverse;
mod product;
mod projection;
mod restriction;
mod scaling;
mod time_change;
mod time_grid;

pub use autonomous::Autonomous;
pub use average::{AverageVelocity, AverageVelocityMap};
pub use composition::Composition;
pub(crate) use composition::{between, check_fraction};
pub use conjugation::{Conjugation, Diffeomorphism};
pub use inverse::Inverse;
pub use product::Product;
pub use projection::{Invariant, Projection};
pub use restriction::Restriction;
pub use scaling::Scaling;
pub use time_change::{Clock, TimeChange};
pub use time_grid::TimeGrid;
#[cfg(feature = "train")]
pub(crate) use time_grid::pairs;

use crate::{Error, Result, number::Value, state::State};

/// A flow map `X_{s,t}`: carries a state from time `s` to time `t`, in either direction of time.
///
/// For the flow map of `dx/dt = b_t(x)`, `X_{s,t}(x_s) = x_t` along every solution. The
/// [characterizations](crate::characterization) test whether a given map is that one.
///
/// ```
/// use flowmap::{FlowMap, exact::Rotation};
/// let turn = Rotation::new(std::f64::consts::PI)?;
/// let half = turn.flow(&0.0, &1.0, &[1.0_f64, 0.0]);
/// assert!((half[0] + 1.0).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait FlowMap<X: State> {
    /// `X_{s,t}(x)`; NaN outside the map's domain.
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X;

    /// `X_{s,t}(x)`, or the reason why it does not exist.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where the result is not finite; some maps report more, such as [`Error::BlowUp`] with the time
    /// beyond which no solution exists.
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        finite(s, t, self.flow(s, t, x))
    }
    /// `X_{s,t}(x)` between two plain times, for any kind of state; NaN outside the map's domain.
    ///
    /// ```
    /// use flowmap::{Dual, FlowMap, exact::Rotation};
    /// let turn = Rotation::new(std::f64::consts::PI)?;
    /// assert!((turn.carry([0.0, 1.0], &[1.0_f64, 0.0])[0] + 1.0).abs() < 1e-15);
    /// let moving = turn.carry([0.0, 1.0], &Dual::new([1.0_f32, 0.0], [0.0, 1.0]));
    /// assert!((moving.tangent()[1] + 1.0).abs() < 1e-6);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    fn carry(&self, [s, t]: [f64; 2], x: &X) -> X {
        self.flow(&x.time(s), &x.time(t), x)
    }
    /// Like [`carry`](Self::carry), or the reason why there is no result.
    ///
    /// # Errors
    /// The errors of [`try_flow`](Self::try_flow).
    fn try_carry(&self, [s, t]: [f64; 2], x: &X) -> Result<X> {
        self.try_flow(&x.time(s), &x.time(t), x)
    }
    /// `X_{s,t}(x)` for each of these states. An explicit solver takes the same steps for all. The columns of a Jacobian start
    /// at states that differ only in their tangents, so they then belong to one map, and determinants and volumes are as exact
    /// as entries. By default each state is carried by itself; a map that wraps another passes the states on.
    ///
    /// ```
    /// use flowmap::{Dual, FlowMap, exact::Pendulum, solver::{Adaptive, DOPRI5}};
    /// let map = Adaptive::new(DOPRI5)?.of(Pendulum::new(1.0)?);
    /// let starts = [[1.0, 0.0], [0.0, 1.0]].map(|direction| Dual::new([0.5_f64, 0.1], direction));
    /// let ends = map.flow_each(&Dual::constant(0.0), &Dual::constant(10.0), &starts);
    /// // the flow of a pendulum keeps areas, its entries are right to 1e-4
    /// let [[a, c], [b, d]] = [*ends[0].tangent(), *ends[1].tangent()];
    /// assert!((a * d - b * c - 1.0).abs() < 1e-4);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        states.iter().map(|x| self.flow(s, t, x)).collect()
    }
    /// Like [`flow_each`](Self::flow_each), or the reason why there is no result.
    ///
    /// # Errors
    /// The errors of [`try_flow`](Self::try_flow).
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        states.iter().map(|x| self.try_flow(s, t, x)).collect()
    }
}

/// `x`, or an error if a sample is not finite.
pub(crate) fn finite<X: State>(s: &X::Time, t: &X::Time, x: X) -> Result<X> {
    let values = x.values();
    match values.iter().position(|r| !r.is_finite()) {
        None => Ok(x),
        Some(position) => {
            let row = position / (values.len() / x.dot(&x).values().len().max(1)).max(1);
            let at = |t: &X::Time| {
                let times = t.values();
                times[row.min(times.len() - 1)]
            };
            Err(Error::NotFinite { what: "the flow map's value", from: at(s), to: at(t) })
        }
    }
}

impl<X: State, M: FlowMap<X> + ?Sized> FlowMap<X> for &M {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).flow(s, t, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        (**self).try_flow(s, t, x)
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        (**self).flow_each(s, t, states)
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        (**self).try_flow_each(s, t, states)
    }
}

impl<X: State, M: FlowMap<X> + ?Sized> FlowMap<X> for Box<M> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (**self).flow(s, t, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        (**self).try_flow(s, t, x)
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        (**self).flow_each(s, t, states)
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        (**self).try_flow_each(s, t, states)
    }
}

/// A closure `|s, t, x| …` as a [`FlowMap`], see [`flow_map`].
#[derive(Clone, Copy, Debug)]
pub struct Map<F>(F);

/// Turns a closure `|s, t, x| …` on one type of state into a [`FlowMap`].
///
/// ```
/// use flowmap::{FlowMap, flow_map};
/// let decay = flow_map(|s: &f64, t: &f64, x: &[f64; 1]| [x[0] * (s - t).exp()]);
/// assert_eq!(decay.flow(&1.0, &1.0, &[5.0]), [5.0]);
/// ```
pub fn flow_map<X: State, F: Fn(&X::Time, &X::Time, &X) -> X>(map: F) -> Map<F> {
    Map(map)
}

impl<X: State, F: Fn(&X::Time, &X::Time, &X) -> X> FlowMap<X> for Map<F> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        (self.0)(s, t, x)
    }
}
