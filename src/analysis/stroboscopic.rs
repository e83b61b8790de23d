//! Stroboscopic maps: a flow sampled once per period.

use super::ReturnMap;
use crate::{Error, Number, Result, flow::FlowMap, state::State};

/// The stroboscopic map `x ↦ X_{s, s+T}(x)`: where a flow takes points in the time `T`, usually the period of its field.
///
/// Iterated, it is the flow of a field of period `T` at the times `s + k T`; its fixed points are periodic orbits, stable if
/// the eigenvalues of [`jacobian`](super::jacobian)`(map, &s, &(s + T), x)`, the Floquet multipliers, lie inside the unit
/// circle. States of any kind: points, batches, duals.
///
/// ```
/// use flowmap::{analysis::{ReturnMap, Stroboscopic}, exact::Rotation};
/// let third = Stroboscopic::new(Rotation::new(1.0)?, 0.0, std::f64::consts::TAU / 3.0)?;
/// let orbit = third.orbit([1.0_f64, 0.0]).take(3).collect::<flowmap::Result<Vec<_>>>()?;
/// assert!((orbit[2][0] - 1.0).abs() < 1e-15 && orbit[2][1].abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// The image is an error where the map's is. Source: J. Guckenheimer, P. Holmes, Nonlinear Oscillations, Dynamical Systems, and
/// Bifurcations of Vector Fields, section 1.5.
#[derive(Clone, Copy, Debug)]
pub struct Stroboscopic<M> {
    map: M,
    start: f64,
    period: f64,
}

impl<M> Stroboscopic<M> {
    /// The map from time `start` over `period`, which may be negative.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite and the period is not lost in the rounding of the start time.
    pub fn new(map: M, start: f64, period: f64) -> Result<Self> {
        let end = start + period;
        if end.is_finite() && end != start {
            return Ok(Self { map, start, period });
        }
        Err(Error::invalid(
            "period",
            format!("from time {start}, {period} is not a period; give finite numbers, and a period that is not 0"),
        ))
    }
}

impl<X: State, M: FlowMap<X>> ReturnMap<X> for Stroboscopic<M> {
    fn image(&self, x: &X) -> Result<Option<X>> {
        // times of the same shape as the state's own
        let time = x.dot(x);
        self.map.try_flow(&time.constant(self.start), &time.constant(self.start + self.period), x).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Dual, Num, Number, Ode, Tolerance, VelocityField,
        analysis::jacobian,
        exact::Blowup,
        solver::{Adaptive, DOP853},
    };
    use std::f64::consts::TAU;

    /// `x'' + 0.2 x' - x + x³ = a cos t`.
    struct Duffing(f64);

    impl Ode<2> for Duffing {
        fn rhs<N: Number>(&self, t: &Num<N>, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
            [v.clone(), x - x.powi(3) - 0.2 * v + self.0 * t.cos()]
        }
    }

    fn map(push: f64) -> impl FlowMap<[f64; 2]> + FlowMap<Dual<[f64; 2]>> + VelocityField<[f64; 2]> {
        Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-12, 1e-12).unwrap()).of(Duffing(push).field())
    }

    #[test]
    fn a_weakly_pushed_duffing_oscillator_settles_into_the_period_of_the_push() {
        let map = map(0.1);
        let strobe = Stroboscopic::new(&map, 0.0, TAU).unwrap();
        let orbit: Vec<[f64; 2]> = strobe.orbit([1.2, 0.0]).take(45).collect::<Result<_>>().unwrap();
        let [.., before, last] = orbit[..] else { unreachable!() };
        assert!(before.minus(&last).norm() < 1e-10, "{before:?} {last:?}");
        // in the well where it began, and not at an equilibrium
        assert!(last[0] > 0.5 && last.minus(&[1.0, 0.0]).norm() > 1e-2);
        // Liouville's formula gives the determinant for a friction of 0.2
        let [[a, b], [c, d]] = jacobian(&map, &0.0, &TAU, &last);
        assert!((a * d - b * c - (-0.2 * TAU).exp()).abs() < 1e-10);
    }

    #[test]
    fn iterates_are_the_flow_at_whole_periods() {
        let map = map(0.3);
        let orbit: Vec<[f64; 2]> =
            Stroboscopic::new(&map, 0.5, TAU).unwrap().orbit([0.1, 0.2]).take(3).collect::<Result<_>>().unwrap();
        let direct = map.flow(&0.5, &(0.5 + 3.0 * TAU), &[0.1, 0.2]);
        assert!(orbit[2].minus(&direct).norm() < 1e-8);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn batches_and_duals() {
        use crate::{Value, backend::ndarray::NdTensor, exact::Rotation};
        let quarter = Stroboscopic::new(Rotation::new(1.0).unwrap(), 3.0, TAU / 4.0).unwrap();
        let batch = NdTensor::new(vec![1.0, 0.0, 0.0, 2.0], &[2, 2]).unwrap();
        let image: NdTensor<f64> = quarter.image(&batch).unwrap().unwrap();
        assert!(image.values().iter().zip([0.0, 1.0, -2.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-14));
        let image = quarter.image(&Dual::new([1.0, 0.0], [0.0, 1.0])).unwrap().unwrap();
        assert!(image.tangent().minus(&[-1.0, 0.0]).norm() < 1e-14);
    }

    #[test]
    fn errors_say_why() {
        for [start, period] in [[0.0, 0.0], [f64::NAN, 1.0], [0.0, f64::INFINITY], [1e300, 1.0]] {
            assert!(Stroboscopic::new((), start, period).is_err());
        }
        let orbit: Vec<_> = Stroboscopic::new(Blowup, 0.0, 0.4).unwrap().orbit([1.0]).collect();
        assert_eq!(orbit.len(), 3, "1, 1/0.6, 1/0.2, and then beyond every bound");
        assert!(matches!(orbit[2], Err(Error::BlowUp { .. })));
    }
}
