//! Flow maps restricted to an interval of times.

use super::FlowMap;
use crate::{
    Error, Result,
    field::VelocityField,
    number::{Mask, Number},
    state::State,
};

/// A flow map or a field restricted to the times `low ≤ t ≤ high`: `X_{s,t}` for both times in the interval, NaN otherwise.
///
/// The inner map is never evaluated at other times, not even for the samples of a batch that are out of bounds: it need not be
/// defined there. An end of the interval may be infinite.
///
/// ```
/// use flowmap::{FlowMap, Restriction, exact::Rotation};
/// let day = Restriction::new(Rotation::new(1.0)?, [0.0, 24.0])?;
/// assert!(day.flow(&0.0, &24.0, &[1.0_f64, 0.0])[0].is_finite());
/// assert!(day.flow(&0.0, &25.0, &[1.0_f64, 0.0])[0].is_nan());
/// assert!(day.try_flow(&0.0, &25.0, &[1.0, 0.0]).unwrap_err().to_string().contains("25 is not in [0, 24]"));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Restriction<M> {
    map: M,
    interval: [f64; 2],
}

impl<M> Restriction<M> {
    /// Restricts `map` to times from `low` to `high`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `low < high`.
    pub fn new(map: M, [low, high]: [f64; 2]) -> Result<Self> {
        if low < high {
            return Ok(Self { map, interval: [low, high] });
        }
        Err(Error::invalid("interval", format!("[{low}, {high}] is empty; give two different times, the earlier first")))
    }

    /// The earliest and the latest time.
    pub fn interval(&self) -> [f64; 2] {
        self.interval
    }

    /// Where `t` is in the interval and finite.
    fn holds<N: Number>(&self, t: &N) -> N::Mask {
        let [before, low, high, after] =
            [f64::NEG_INFINITY, self.interval[0], self.interval[1], f64::INFINITY].map(|end| t.constant(end));
        // NaN is neither below nor above anything
        let finite = before.less(t).and(&t.less(&after));
        finite.and(&t.less(&low).or(&high.less(t)).not())
    }

    /// `t` where the interval `holds` it, elsewhere one of the interval's own times.
    fn admitted<N: Number>(&self, t: &N, holds: &N::Mask) -> N {
        let refuge = self.interval.into_iter().find(|end| end.is_finite()).unwrap_or(0.0);
        N::select(holds, t, &t.constant(refuge))
    }

    fn check<N: Number>(&self, t: &N) -> Result<()> {
        if !self.holds(t).not().any() {
            return Ok(());
        }
        let [low, high] = self.interval;
        let outside = t.values().into_iter().find(|t| !(t.is_finite() && (low..=high).contains(t))).unwrap_or(f64::NAN);
        let reason = format!("{outside} is not in [{low}, {high}], the interval to which the flow map is restricted");
        Err(Error::invalid("time", reason))
    }
}

/// `x` where the mask is true, NaN elsewhere.
fn only<X: State>(mask: &<X::Time as Number>::Mask, t: &X::Time, x: &X) -> X {
    X::choose(mask, x, &x.scaled(&t.constant(f64::NAN)))
}

impl<X: State, M: FlowMap<X>> FlowMap<X> for Restriction<M> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let (from, to) = (self.holds(s), self.holds(t));
        let end = self.map.flow(&self.admitted(s, &from), &self.admitted(t, &to), x);
        only(&from.and(&to), t, &end)
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        let (from, to) = (self.holds(s), self.holds(t));
        let ends = self.map.flow_each(&self.admitted(s, &from), &self.admitted(t, &to), states);
        ends.iter().map(|end| only(&from.and(&to), t, end)).collect()
    }
    /// # Errors
    /// [`Error::Invalid`] with the interval and a time outside it; the errors of the inner map.
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        self.check(s)?;
        self.check(t)?;
        self.map.try_flow(s, t, x)
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        self.check(s)?;
        self.check(t)?;
        self.map.try_flow_each(s, t, states)
    }
}

impl<X: State, B: VelocityField<X>> VelocityField<X> for Restriction<B> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        let holds = self.holds(t);
        only(&holds, t, &self.map.velocity(&self.admitted(t, &holds), x))
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.map.stops(&self.admitted(s, &self.holds(s)), &self.admitted(t, &self.holds(t)))
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        let holds = self.holds(t);
        only(&holds, t, &self.map.jvp(&self.admitted(t, &holds), x, v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Case, Dual, QuasiRandom,
        characterization::{Characterization, Lagrangian},
        exact::CouplingFlow,
        flow_map, verify,
    };

    fn restricted() -> Restriction<CouplingFlow<2>> {
        Restriction::new(CouplingFlow::random(3, 7).unwrap(), [-0.5, 1.0]).unwrap()
    }

    #[test]
    fn it_is_the_flow_inside_ends_included_and_no_flow_outside() {
        let lattice = |times| QuasiRandom::new(times, [[-1.0, 1.0]; 2]).unwrap();
        let map = restricted();
        let report = verify(&map, &map, lattice([-0.5, 1.0]).cases::<f64>(128));
        assert!(report.holds(1e-12), "{report}");
        let corners = [[-0.5, 1.0], [1.0, -0.5], [1.0, 1.0]].map(|[s, t]| Case { s, t, x: [0.3, -0.8] });
        let report = verify(&map, &map, corners);
        assert!(report.holds(1e-12), "{report}");
        let report = verify(&map, &map, lattice([-0.6, 1.0]).cases::<f64>(128));
        assert!(report.lines.iter().all(|line| line.max == f64::INFINITY), "{report}");
    }

    #[test]
    fn the_end_of_the_interval_has_derivatives() {
        let (map, free) = (restricted(), CouplingFlow::<2>::random(3, 7).unwrap());
        let (s, t, x) = (-0.5, 1.0, [0.3, -0.8]);
        assert_eq!(Lagrangian::end_derivative(&map, &s, &t, &x), Lagrangian::end_derivative(&free, &s, &t, &x));
        let residual: [f64; 2] = Lagrangian.residual(&map, &free, &s, &t, &x);
        assert!(residual.norm() < 1e-14);
    }

    #[test]
    fn the_map_is_not_asked_outside() {
        let strict = flow_map(|s: &f64, t: &f64, x: &[f64; 1]| {
            assert!([s, t].iter().all(|t| (2.0..=3.0).contains(*t)), "asked from {s} to {t}");
            *x
        });
        for interval in [[2.0, 3.0], [2.0, f64::INFINITY], [f64::NEG_INFINITY, 3.0]] {
            let map = Restriction::new(&strict, interval).unwrap();
            assert_eq!(map.flow(&2.5, &2.75, &[7.0]), [7.0]);
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(map.flow(&2.5, &bad, &[7.0])[0].is_nan() && map.flow(&bad, &2.5, &[7.0])[0].is_nan());
                assert!(map.try_flow(&2.5, &bad, &[7.0]).unwrap_err().to_string().contains("interval"));
            }
        }
        let end = restricted().flow(&Dual::constant(0.0), &Dual::constant(9.0), &Dual::new([7.0, 0.0], [1.0, 0.0]));
        assert!(f64::is_nan(end.value()[0]) && f64::is_nan(end.tangent()[0]));
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn samples_of_a_batch_are_restricted_one_by_one() {
        use crate::{Value, backend::ndarray::NdTensor, exact::PeriodicGrowth};
        let tensor = |values: &[f64], shape: &[usize]| NdTensor::new(values.to_vec(), shape).unwrap();
        let map = Restriction::new(PeriodicGrowth::new(1.0).unwrap(), [0.0, 1.0]).unwrap();
        let (s, x) = (tensor(&[0.0], &[]), tensor(&[1.0, 1.0, 1.0], &[3, 1]));
        let end = map.flow(&s, &tensor(&[0.5, 1.5, 1.0], &[3]), &x).values();
        assert_eq!([end[0], end[2]], [0.5_f64, 1.0].map(|t| t.sin().exp()));
        assert!(end[1].is_nan());
        let error = map.try_flow(&s, &tensor(&[0.5, 1.5, 1.0], &[3]), &x).unwrap_err().to_string();
        assert!(error.contains("1.5 is not in [0, 1]"), "{error}");
        assert!(map.flow(&tensor(&[-1.0], &[]), &s, &x).values().iter().all(|x| x.is_nan()), "one time for all");
    }

    #[test]
    fn empty_intervals_are_refused() {
        for bad in [[1.0, 1.0], [1.0, 0.0], [f64::NAN, 1.0], [0.0, f64::NAN]] {
            assert!(Restriction::new((), bad).is_err());
        }
    }
}
