//! Autonomous flow maps, from a map known in a window of times.

use super::FlowMap;
use crate::{Number, Result, state::State};

/// A flow map that always restarts at time `start`: `X_{s,t} = Y_{start, start + t - s}` with the inner map `Y`.
///
/// It is the flow map of an autonomous field whose map `Y` is only known in a window of times, such as a network trained on
/// `[0, 1]`. It can then be followed for any time, in steps that fit into the window. For a field of period `T` it is right for
/// times `s` that are whole periods from `start`.
///
/// ```
/// use flowmap::{Autonomous, FlowMap, Restriction, exact::Rotation};
/// let known = Restriction::new(Rotation::new(1.0)?, [0.0, 1.0])?;
/// let map = Autonomous { map: known, start: 0.0 };
/// assert_eq!(map.flow(&41.5, &42.0, &[1.0, 0.0]), known.flow(&0.0, &0.5, &[1.0, 0.0]));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: V. I. Arnold, Ordinary Differential Equations, section 1: for an autonomous field, `X_{s,t}` depends only on
/// `t - s`.
#[derive(Clone, Copy, Debug)]
pub struct Autonomous<M> {
    /// The map `Y`.
    pub map: M,
    /// The time at which `Y` starts.
    pub start: f64,
}

impl<M> Autonomous<M> {
    fn times<N: Number>(&self, s: &N, t: &N) -> [N; 2] {
        [s.constant(self.start), (t.clone() - s).shift(self.start)]
    }
}

impl<X: State, M: FlowMap<X>> FlowMap<X> for Autonomous<M> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let [s, t] = self.times(s, t);
        self.map.flow(&s, &t, x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        let [s, t] = self.times(s, t);
        self.map.try_flow(&s, &t, x)
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        let [s, t] = self.times(s, t);
        self.map.flow_each(&s, &t, states)
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        let [s, t] = self.times(s, t);
        self.map.try_flow_each(&s, &t, states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{QuasiRandom, Restriction, exact::Hopf, verify};

    #[test]
    fn a_window_is_enough_for_all_times() {
        let field = Hopf::new(1.0, 2.0, 0.5).unwrap();
        let map = Autonomous { map: Restriction::new(field, [-1.0, 1.0]).unwrap(), start: 0.0 };
        let report = verify(&map, &field, QuasiRandom::new([70.0, 70.9], [[0.5, 1.0]; 2]).unwrap().cases::<f64>(64));
        assert!(report.holds(1e-12), "{report}");
        assert!(map.try_flow(&0.0, &1.5, &[1.0, 0.0]).unwrap_err().to_string().contains("[-1, 1]"));
    }
}
