//! Time changes of flow maps.

use super::{FlowMap, between};
use crate::{
    Result,
    field::VelocityField,
    number::{Dual, Mask, Num, Number},
    state::State,
};

/// A clock: a smooth function of time, `θ(t)`, over any [`Number`]: duals give its derivative.
///
/// ```
/// use flowmap::{Clock, Num, Number};
/// struct Days;
/// impl Clock for Days {
///     fn at<N: Number>(&self, hours: &Num<N>) -> Num<N> { hours / 24.0 }
/// }
/// assert_eq!(Days.at(&Num(36.0)).0, 1.5);
/// ```
pub trait Clock {
    /// `θ(t)`.
    fn at<N: Number>(&self, t: &Num<N>) -> Num<N>;
    /// The times between `s` and `t` at which the clock shows `theta`, sample by sample; NaN for samples of a batch that have
    /// none.
    ///
    /// By default they are searched between neighbours of 65 times: a clock that reverses more often should override this.
    fn times<N: Number>(&self, theta: &Num<N>, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        search(self, &theta.0, &s.0, &t.0).into_iter().map(Num).collect()
    }
}

/// Number of parts of a time span; in each of them, the clock is assumed to be monotone.
const PARTS: u32 = 64;

fn grid<N: Number>(s: &N, t: &N) -> Vec<N> {
    let [s, t] = [s, t].map(N::frozen);
    (0..=PARTS).map(|k| between(&s, &t, f64::from(k) / f64::from(PARTS))).collect()
}

/// The reading of the clock at `t`.
fn at<N: Number>(clock: &(impl Clock + ?Sized), t: &N) -> N {
    clock.at(&Num::from(t)).0
}

fn search<N: Number>(clock: &(impl Clock + ?Sized), theta: &N, s: &N, t: &N) -> Vec<N> {
    let goal = theta.frozen();
    let below = |t: &N| at(clock, t).less(&goal);
    let mut found = Vec::new();
    for ends in grid(s, t).windows(2) {
        let [mut a, mut b] = [ends[0].clone(), ends[1].clone()];
        let low = below(&a);
        let crossed = low.and(&below(&b).not()).or(&low.not().and(&below(&b)));
        if !crossed.any() {
            continue;
        }
        for _ in 0..60 {
            let middle = between(&a, &b, 0.5);
            let here = below(&middle);
            let same = low.and(&here).or(&low.not().and(&here.not()));
            (a, b) = (N::select(&same, &middle, &a), N::select(&same, &b, &middle));
        }
        // a Newton step, which gives the derivative by the reading and by the clock's parameters
        let (shown, rate) = at(clock, &Dual::new(b.clone(), b.constant(1.0))).into_parts();
        let rate = rate.unwrap_or_else(|| shown.constant(0.0)).frozen();
        // where the clock stands still, a stop has no derivative and stays in place
        let (zero, one) = (rate.constant(0.0), rate.constant(1.0));
        let ticks = crossed.and(&rate.less(&zero).or(&zero.less(&rate)));
        let moved = (theta.clone() - &goal - (shown.clone() - shown.frozen())) / N::select(&ticks, &rate, &one);
        let moved = N::select(&ticks, &moved, &zero);
        found.push(N::select(&crossed, &(b.clone() + moved), &b.constant(f64::NAN)));
    }
    found
}

impl<C: Clock> Clock for &C {
    fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
        (**self).at(t)
    }
    fn times<N: Number>(&self, theta: &Num<N>, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        (**self).times(theta, s, t)
    }
}

/// A flow map, or its field, with time replaced by a [`Clock`] `θ`.
///
/// - flow: `X_{θ(s),θ(t)}(x)`
/// - velocity: `θ'(t) b_{θ(t)}(x)`, with `θ'` by forward mode
/// - domain: that of `X` at the times `θ(t)`; `θ` need not increase: where it reverses, solutions go back along their
///   trajectories
///
/// Errors of [`FlowMap::try_flow`] report the times `θ(t)`, which are those of `X`.
///
/// ```
/// use flowmap::{Clock, FlowMap, Num, Number, QuasiRandom, TimeChange, exact::Affine, verify};
/// // decay in the dark alone, which comes and goes: θ(t) = t + sin t
/// struct Night;
/// impl Clock for Night {
///     fn at<N: Number>(&self, t: &Num<N>) -> Num<N> { t + t.sin() }
/// }
/// let decay = TimeChange { of: Affine::new([[-1.0]], [0.0])?, clock: Night };
/// assert!((decay.flow(&0.0, &2.0, &[1.0])[0] - (-2.0 - 2.0_f64.sin()).exp()).abs() < 1e-15);
/// let report = verify(&decay, &decay, QuasiRandom::new([-3.0, 3.0], [[-1.0, 1.0]])?.cases::<f64>(64));
/// assert!(report.holds(1e-12), "{report}");
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: V. I. Arnold, Ordinary Differential Equations, chapter 1, for equations with separable variables, which are
/// autonomous ones with another clock.
#[derive(Clone, Copy, Debug)]
pub struct TimeChange<M, C> {
    /// The flow map `X`, or the field `b`.
    pub of: M,
    /// The clock `θ`.
    pub clock: C,
}

impl<M, C: Clock> TimeChange<M, C> {
    /// The reading of the clock, and its rate.
    fn shown<N: Number>(&self, t: &N) -> (N, N) {
        let (time, rate) = at(&self.clock, &Dual::new(t.clone(), t.constant(1.0))).into_parts();
        // a clock without a tangent stands still
        let rate = rate.unwrap_or_else(|| time.constant(0.0));
        (time, rate)
    }
}

impl<X: State, M: FlowMap<X>, C: Clock> FlowMap<X> for TimeChange<M, C> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.of.flow(&at(&self.clock, s), &at(&self.clock, t), x)
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        self.of.try_flow(&at(&self.clock, s), &at(&self.clock, t), x)
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        self.of.flow_each(&at(&self.clock, s), &at(&self.clock, t), states)
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        self.of.try_flow_each(&at(&self.clock, s), &at(&self.clock, t), states)
    }
}

impl<X: State, B: VelocityField<X>, C: Clock> VelocityField<X> for TimeChange<B, C> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        let (time, rate) = self.shown(t);
        self.of.velocity(&time, x).scaled(&rate)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        let shown: Vec<X::Time> = grid(s, t).iter().map(|t| at(&self.clock, t)).collect();
        let first = shown[0].clone();
        let [low, high] = shown.iter().fold([first.clone(), first], |[low, high], at| [low.min(at), high.max(at)]);
        let [s, t] = [s, t].map(Num::from);
        let shown = self.of.stops(&low, &high);
        shown.into_iter().flat_map(|theta| self.clock.times(&Num(theta), &s, &t)).map(|stop| stop.0).collect()
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        let (time, rate) = self.shown(t);
        self.of.jvp(&time, x, v).scaled(&rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Case, QuasiRandom, Report,
        exact::{CouplingFlow, PeriodicGrowth},
        field, verify,
    };

    /// Reverses twice in `[-2, 2]`.
    struct Swing;
    impl Clock for Swing {
        fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
            t.powi(3) / 4.0 - t / 2.0
        }
    }

    struct Stopped;
    impl Clock for Stopped {
        fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
            t.constant(0.3)
        }
    }

    fn flow() -> CouplingFlow<3> {
        CouplingFlow::random(4, 3).unwrap()
    }

    fn cases() -> impl Iterator<Item = Case<[f64; 3]>> {
        QuasiRandom::new([-2.0, 2.0], [[-1.0, 1.0]; 3]).unwrap().cases(128)
    }

    fn report(clock: impl Clock) -> Report {
        let map = TimeChange { of: flow(), clock };
        verify(&map, &map, cases())
    }

    #[test]
    fn it_is_the_flow_of_its_field() {
        assert!(report(Swing).holds(1e-12), "{}", report(Swing));
        assert!(report(Stopped).holds(1e-12), "{}", report(Stopped));
    }

    #[test]
    fn and_on_duals() {
        let map = TimeChange { of: flow(), clock: Swing };
        let moving = cases().map(|Case { s, t, x }| Case {
            s: Dual::new(s, 0.5),
            t: Dual::constant(t),
            x: Dual::new(x, [1.0, -1.0, 2.0]),
        });
        let report = verify(&map, &map, moving);
        assert!(report.holds(1e-12), "{report}");
    }

    #[test]
    fn a_field_without_the_clocks_rate_is_found_out() {
        let map = TimeChange { of: flow(), clock: Swing };
        let forgotten = field(|t: &f64, x: &[f64; 3]| flow().velocity(&at(&Swing, t), x));
        let report = verify(&map, &forgotten, cases());
        for line in ["tangent", "Lagrangian", "Eulerian"] {
            assert!(report.line(line).unwrap().max > 0.1, "{report}");
        }
        assert!(report.line("semigroup").unwrap().max < 1e-12, "{report}");
    }

    #[test]
    fn growth_at_a_rate_that_changes_is_growth_by_another_clock() {
        struct Sine;
        impl Clock for Sine {
            fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
                t.sin()
            }
        }
        let (growth, linear) = (crate::exact::Affine::new([[0.7]], [0.0]).unwrap(), PeriodicGrowth::new(0.7).unwrap());
        let map = TimeChange { of: growth, clock: &Sine };
        for (s, t) in [(0.0, 2.0), (1.0, -4.0)] {
            let (a, b): ([f64; 1], [f64; 1]) = (map.flow(&s, &t, &[1.5]), linear.flow(&s, &t, &[1.5]));
            assert!((a[0] - b[0]).abs() < 1e-14);
            assert!((map.velocity(&t, &b)[0] - linear.velocity(&t, &b)[0]).abs() < 1e-14);
        }
    }
}
