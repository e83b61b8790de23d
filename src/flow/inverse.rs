//! Inverses of flow maps.

use super::FlowMap;
use crate::{Result, state::State};

/// The inverse of a flow map at fixed times, as a map of states: `X_{s,t}^{-1} = X_{t,s}`.
///
/// As a [`FlowMap`] it swaps its times.
///
/// ```
/// use flowmap::{FlowMap, Inverse, exact::Rotation};
/// let turn = Rotation::new(1.0)?;
/// let x = turn.flow(&0.0, &1.0, &[1.0_f64, 0.0]);
/// let back = Inverse(turn).flow(&0.0, &1.0, &x);
/// assert!((back[0] - 1.0).abs() < 1e-15 && back[1].abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Inverse<M>(pub M);

impl<X: State, M: FlowMap<X>> FlowMap<X> for Inverse<M> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.0.flow(t, s, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        self.0.try_flow(t, s, x)
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        self.0.flow_each(t, s, states)
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        self.0.try_flow_each(t, s, states)
    }
}
