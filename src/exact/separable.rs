//! Time changes of autonomous flows.

use super::{
    Affine, Blowup, DampedOscillator, Drift, ExactFlow, LogarithmicGrowth, Logistic, MichaelisMenten, OverdampedPendulum,
    Pitchfork, Riccati, Rotation, exact_flow,
};
use crate::{Error, Num, Number, Ode, Result};

/// An exact flow whose velocity does not depend on time.
///
/// ```
/// use flowmap::{Num, exact::{Logistic, TimeIndependent}};
/// // at rest at one time is at rest at all times
/// fn rests_at<F: TimeIndependent<1>>(x: f64, flow: &F) -> bool {
///     flow.rhs(&Num(0.0), &[Num(x)]) == [Num(0.0)]
/// }
/// let growth = Logistic::new(1.0, 10.0)?;
/// assert!(rests_at(0.0, &growth) && rests_at(10.0, &growth) && !rests_at(5.0, &growth));
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait TimeIndependent<const D: usize>: ExactFlow<D> {}

impl TimeIndependent<1> for Blowup {}
impl TimeIndependent<1> for LogarithmicGrowth {}
impl TimeIndependent<1> for Logistic {}
impl TimeIndependent<1> for MichaelisMenten {}
impl TimeIndependent<1> for OverdampedPendulum {}
impl TimeIndependent<1> for Pitchfork {}
impl TimeIndependent<1> for Riccati {}
impl TimeIndependent<2> for DampedOscillator {}
impl TimeIndependent<2> for Rotation {}
impl<const D: usize> TimeIndependent<D> for Affine<D> {}

/// An autonomous flow with time replaced by a clock `θ(t)` of varying speed: on the line, every separable equation
/// `x' = g(t) h(x)` with `g = θ'`.
///
/// With `Y_τ`, the flow map of `x' = c(x)` over a duration `τ`:
///
/// - velocity: `b_t(x) = θ'(t) c(x)`
/// - flow: `Y_τ(x)` with `τ = θ(t) - θ(s)`
/// - Jacobian: `∇Y_τ(x)`
/// - domain: that of `Y`; blow-up times are converted by the clock
///
/// ```
/// use flowmap::{FlowMap, exact::{Drift, Riccati, Separable}};
/// // x' = (2 + cos t) (1 + x²)
/// let clock = Drift::new([2.0], [1.0], 1.0, [0.0])?;
/// let flow = Separable::new(Riccati::new([1.0, 0.0, 1.0])?, clock)?;
/// let theta = |t: f64| 2.0 * t + t.sin();
/// let end = flow.flow(&0.1, &0.5, &[0.2]);
/// assert!((end[0] - (0.2_f64.atan() + theta(0.5) - theta(0.1)).tan()).abs() < 1e-12);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: E. L. Ince, Ordinary Differential Equations, section 2.11, for separable equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Separable<E, const D: usize> {
    flow: E,
    clock: Drift<1>,
}

impl<const D: usize, E: TimeIndependent<D>> Separable<E, D> {
    /// Runs `flow` on a clock that advances by the drift. The clock may run backward, but must not reverse.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the clock's velocity is zero or changes its sign.
    pub fn new(flow: E, clock: Drift<1>) -> Result<Self> {
        let [slowest, fastest] = clock.extremes(0);
        if slowest * fastest <= 0.0 {
            let reason = format!("its velocity varies from {slowest} to {fastest}; give a clock that never stands still");
            return Err(Error::invalid("clock", reason));
        }
        Ok(Self { flow, clock })
    }

    /// The autonomous flow.
    pub fn inner(&self) -> &E {
        &self.flow
    }

    /// `θ(t) - θ(s)`.
    fn elapsed<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Num<N> {
        let [elapsed] = self.clock.displacement(&s.0, &t.0);
        Num(elapsed)
    }

    /// The time, after or before `s`, at which the clock has advanced by `reading`.
    fn time(&self, s: f64, reading: f64) -> f64 {
        let [near, far] = self.clock.extremes(0).map(|velocity| reading / velocity);
        let (mut early, mut late) = (s + near.min(far), s + near.max(far));
        let clockwise = self.clock.extremes(0)[0] > 0.0;
        // halved until no float lies between
        loop {
            let middle = 0.5 * (early + late);
            if middle <= early || middle >= late {
                return middle;
            }
            if (self.elapsed(&Num(s), &Num(middle)).0 < reading) == clockwise { early = middle } else { late = middle }
        }
    }
}

impl<const D: usize, E: TimeIndependent<D>> Ode<D> for Separable<E, D> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let [rate] = self.clock.rate(&t.0).map(Num);
        self.flow.rhs(t, x).map(|velocity| &rate * velocity)
    }
}

impl<const D: usize, E: TimeIndependent<D>> ExactFlow<D> for Separable<E, D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let elapsed = self.elapsed(s, t);
        self.flow.solution(&elapsed.constant(0.0), &elapsed, x)
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let elapsed = self.elapsed(s, t);
        self.flow.derivative(&elapsed.constant(0.0), &elapsed, x)
    }

    fn domain(&self, s: f64, t: f64, x: &[f64; D]) -> Result<()> {
        self.flow.domain(0.0, self.elapsed(&Num(s), &Num(t)).0, x).map_err(|error| match error {
            Error::BlowUp { time, .. } => Error::BlowUp { from: s, to: t, time: self.time(s, time) },
            other => other,
        })
    }
}

exact_flow!(Separable<E, D>, D, [const D: usize, E: TimeIndependent<D>]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn blow_up_times_are_those_of_the_clock() {
        for (mean, s, t, x) in [(1.5, 0.3, 9.0, 0.5), (1.5, 0.3, -9.0, -2.0), (-1.5, 0.3, 9.0, -0.5), (-1.5, 0.3, -9.0, 0.7)] {
            let clock = Drift::new([mean], [1.2], 2.0, [0.4]).unwrap();
            let flow = Separable::new(Blowup, clock).unwrap();
            match flow.try_flow(&s, &t, &[x]) {
                Err(Error::BlowUp { from, to, time }) => {
                    assert_eq!([from, to], [s, t]);
                    let [elapsed] = clock.displacement(&s, &time);
                    assert!((elapsed * x - 1.0).abs() < 1e-14, "{time}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_clock_that_turns_back_is_refused() {
        // the solution could blow up, and the formula continue beyond
        for amplitude in [1.0, -2.0] {
            let clock = Drift::new([1.0], [amplitude], 1.0, [0.0]).unwrap();
            assert!(Separable::new(Blowup, clock).unwrap_err().to_string().contains("stands still"));
        }
    }
}
