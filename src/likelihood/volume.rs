//! Volume change of flow maps.

use crate::{
    Dual, DynCoordinates, Error, FlowMap, Result, State, Value,
    analysis::{linearized, sign_and_log_det},
    flow::finite,
};

/// A flow map `X_{s,t}` with its volume change: `ln |det ∇X_{s,t}|`.
///
/// | implementation | method | cost |
/// |---|---|---|
/// | [`ByJacobian`] | elimination in the Jacobian | `d` evaluations of the map, for few dimensions |
/// | [`ByDivergence`](super::ByDivergence) | quadrature of `tr ∇b` along the map | map and field at a dozen times |
/// | [`ByAugmentedOde`](super::ByAugmentedOde) | `l' = tr ∇b`, solved along with the ODE | a solver |
/// | `OneStep` | learned by a network | one evaluation |
pub trait VolumeChange<X: State> {
    /// `X_{s,t}(x)` and `ln |det ∇X_{s,t}(x)|`: NaN outside the map's domain, `-∞` where its Jacobian is singular.
    fn flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> (X, X::Time);

    /// Like [`flow_and_log_det`](Self::flow_and_log_det), or the reason why there is no result.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where the end or the logarithm is not finite; [`Error::Folded`] where volumes vanish; some maps
    /// report more, such as [`Error::BlowUp`].
    fn try_flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<(X, X::Time)> {
        let (end, log_det) = self.flow_and_log_det(s, t, x);
        checked::<X>(s, t, finite(s, t, end)?, log_det)
    }
}

/// `end` and `log_det`, or an error if they are not finite for some sample.
pub(super) fn checked<X: State>(s: &X::Time, t: &X::Time, end: X, log_det: X::Time) -> Result<(X, X::Time)> {
    match log_det.values().iter().position(|log| !log.is_finite()) {
        None => Ok((end, log_det)),
        Some(k) if log_det.values()[k] == f64::NEG_INFINITY => Err(folded::<X>(s, t, k)),
        Some(k) => Err(Error::NotFinite { what: "the flow map's change of volumes", from: at(s, k), to: at(t, k) }),
    }
}

fn folded<X: State>(s: &X::Time, t: &X::Time, sample: usize) -> Error {
    Error::Folded { from: at(s, sample), to: at(t, sample) }
}

/// The time of a sample, which may be shared by all.
fn at(t: &impl Value, sample: usize) -> f64 {
    let times = t.values();
    times.get(sample.min(times.len().max(1) - 1)).copied().unwrap_or(f64::NAN)
}

impl<X: State, M: VolumeChange<X> + ?Sized> VolumeChange<X> for &M {
    fn flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> (X, X::Time) {
        (**self).flow_and_log_det(s, t, x)
    }
    fn try_flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<(X, X::Time)> {
        (**self).try_flow_and_log_det(s, t, x)
    }
}

impl<X: State, M: VolumeChange<X> + ?Sized> VolumeChange<X> for Box<M> {
    fn flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> (X, X::Time) {
        (**self).flow_and_log_det(s, t, x)
    }
    fn try_flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<(X, X::Time)> {
        (**self).try_flow_and_log_det(s, t, x)
    }
}

/// Any flow map in few dimensions `D`, with the determinant of its [Jacobian](crate::analysis::jacobian): exact to rounding,
/// even if the map is not the flow map of a field. On points, lanes, batches and duals of these.
///
/// It takes `D` evaluations on duals. For a map that does not run on duals, use
/// [`FiniteDifferences`](crate::FiniteDifferences).
///
/// ```
/// use flowmap::{exact::Affine, likelihood::{ByJacobian, VolumeChange}};
/// let map = ByJacobian(Affine::new([[0.3, 2.0], [-1.0, 0.5]], [1.0, 0.0])?);
/// let (_, log_det) = map.try_flow_and_log_det(&0.0, &2.0, &[1.0, 1.0])?;
/// assert!((log_det - 2.0 * 0.8_f64).abs() < 1e-14); // time times trace
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByJacobian<M>(pub M);

impl<X, M> VolumeChange<X> for ByJacobian<M>
where
    X: DynCoordinates,
    M: FlowMap<Dual<X>>,
{
    fn flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> (X, X::Time) {
        let (end, jacobian) = linearized(&self.0, s, t, x);
        (end, sign_and_log_det(jacobian).1)
    }

    /// # Errors
    /// As the trait; [`Error::Folded`] also where the determinant is negative: a flow preserves orientation.
    fn try_flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<(X, X::Time)> {
        let (end, jacobian) = linearized(&self.0, s, t, x);
        let (sign, log_det) = sign_and_log_det(jacobian);
        let all_finite = |x: &dyn Fn() -> Vec<f64>| x().iter().all(|x| x.is_finite());
        if !(all_finite(&|| end.values()) && all_finite(&|| log_det.values())) {
            // the map's own error is the most precise
            let [s, t] = [s, t].map(|time| Dual::constant(time.clone()));
            self.0.try_flow(&s, &t, &Dual::constant(x.clone()))?;
        }
        let (end, log_det) = checked(s, t, finite(s, t, end)?, log_det)?;
        match sign.values().iter().position(|sign| *sign < 0.0) {
            Some(k) => Err(folded::<X>(s, t, k)),
            None => Ok((end, log_det)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Coordinates, Lanes, Number,
        exact::{Affine, Blowup, CouplingFlow},
        flow_map,
    };

    #[test]
    fn lanes_and_points_agree() {
        let flow = CouplingFlow::<2>::random(3, 31).unwrap();
        let points = [[0.3, -0.2], [1.0, 0.5], [-0.7, 0.1], [0.0, 0.9]];
        let x: [Lanes<f64, 4>; 2] = std::array::from_fn(|i| Lanes::from(points.map(|p| p[i])));
        let (end, log_det) = ByJacobian(&flow).flow_and_log_det(&Lanes::splat(0.2), &Lanes::splat(0.9), &x);
        for (k, point) in points.iter().enumerate() {
            let alone = ByJacobian(&flow).flow_and_log_det(&0.2, &0.9, point);
            assert!((log_det.lane(k) - alone.1).abs() < 1e-14 && (end[0].lane(k) - alone.0[0]).abs() < 1e-14);
        }
    }

    #[test]
    fn folded_maps_are_refused() {
        // the fold x -> x² has a Jacobian that is singular at 0 and negative below it
        let fold =
            ByJacobian(flow_map(|_: &Dual<f64>, _: &Dual<f64>, x: &Dual<[f64; 1]>| Dual::join(x.split().map(|x| x.clone() * x))));
        assert_eq!(fold.try_flow_and_log_det(&0.0, &1.0, &[0.5]).unwrap(), ([0.25], 0.0));
        for x in [0.0, -0.5] {
            let error = fold.try_flow_and_log_det(&0.25, &1.0, &[x]).unwrap_err();
            assert!(matches!(error, Error::Folded { from: 0.25, to: 1.0 }), "{error}");
        }
        assert_eq!(fold.flow_and_log_det(&0.0, &1.0, &[0.0]).1, f64::NEG_INFINITY);
        let projection = ByJacobian(flow_map(|_: &Dual<f64>, _: &Dual<f64>, x: &Dual<[f64; 2]>| {
            let [x, y] = x.split();
            Dual::join([x, y.constant(0.0)])
        }));
        assert!(matches!(projection.try_flow_and_log_det(&0.0, &1.0, &[1.0, 1.0]), Err(Error::Folded { .. })));
    }

    #[test]
    fn maps_that_do_not_get_there_say_why() {
        let error = ByJacobian(Blowup).try_flow_and_log_det(&0.0, &2.0, &[1.0]).unwrap_err();
        assert!(matches!(error, Error::BlowUp { .. }), "{error}");
        let affine = ByJacobian(Affine::new([[1.0]], [0.0]).unwrap());
        for (s, t, x) in [(f64::NAN, 1.0, 1.0), (0.0, f64::INFINITY, 1.0), (0.0, 1.0, f64::NAN)] {
            assert!(matches!(affine.try_flow_and_log_det(&s, &t, &[x]), Err(Error::NotFinite { .. })));
        }
        // a value without a derivative
        let root = ByJacobian(flow_map(|_: &Dual<f64>, _: &Dual<f64>, x: &Dual<[f64; 1]>| {
            Dual::join(x.split().map(|x| Number::sqrt(&x)))
        }));
        assert!(matches!(root.try_flow_and_log_det(&0.0, &1.0, &[0.0]), Err(Error::NotFinite { .. })));
    }

    #[test]
    fn no_time_no_change() {
        let flow = CouplingFlow::<3>::random(3, 5).unwrap();
        let x = [0.1, 0.2, 0.3];
        let (end, log_det) = ByJacobian(&flow).try_flow_and_log_det(&0.7, &0.7, &x).unwrap();
        assert!(end.minus(&x).norm() < 1e-15 && log_det.abs() < 1e-15);
    }
}
