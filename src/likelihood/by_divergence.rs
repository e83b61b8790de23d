//! Volume change along a flow map, by quadrature of the divergence.

use super::{
    Directions, VolumeChange,
    directions::{by_sample, estimate, quadratic_forms, trace},
};
use crate::{
    Dual, Error, FlowMap, Number, Result, State, Value, VelocityField,
    quadrature::Rule,
    solver::{Stride, Walk},
    statistics::Estimate,
};

/// A flow map in any dimension, with its determinant from Liouville's formula:
///
/// - `ln |det ∇X_{s,t}(x)| = ∫_s^t tr ∇b_r(X_{s,r}(x)) dr`
///
/// Every point of the trajectory is one evaluation of the map from the start, so a learned map needs no solver: the integral
/// uses Kronrod's rule of 15 points. The traces come from [`Directions`], the same at all times. Where the map is only
/// approximately the flow map of the field, the determinant is as inexact as the map.
///
/// ```
/// use flowmap::{exact::Logistic, likelihood::{ByDivergence, ByJacobian, ExactTrace, VolumeChange}};
/// let growth = Logistic::new(2.0, 1.0)?;
/// let (_, log_det) = ByDivergence::new(growth, growth, ExactTrace).flow_and_log_det(&0.0, &1.5, &[0.1_f64]);
/// let (_, exact) = ByJacobian(growth).flow_and_log_det(&0.0, &1.5, &[0.1]);
/// assert!((log_det - exact).abs() < 1e-12);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: V. I. Arnold, Mathematical Methods of Classical Mechanics, section 16; arXiv 1810.01367 for random directions.
#[derive(Clone, Debug)]
pub struct ByDivergence<M, B, E> {
    map: M,
    field: B,
    directions: E,
    panels: u32,
    /// The rule of a panel, on `[0, 1]`.
    rule: Rule,
}

/// `ln |det ∇X_{s,t}(x)|` for a sample, with its errors.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogDet {
    /// The number; its standard error is over random directions: 0 where nothing is random, NaN for a single direction.
    pub estimate: Estimate,
    /// The difference of Kronrod's rule and Gauss's of 7 points inside it: much larger than the error of the first, if the
    /// divergence is smooth in time.
    pub quadrature: f64,
}

impl<M, B, E> ByDivergence<M, B, E> {
    /// For `map`, the flow map of `field`, with one panel of 15 times.
    ///
    /// A network that has learned a map is its own field: pass it twice, by reference.
    pub fn new(map: M, field: B, directions: E) -> Self {
        Self { map, field, directions, panels: 1, rule: Rule::new([0.0, 1.0], 1) }
    }

    /// With `panels` panels of 15 times, for long time intervals. A panel that contains a [stop](VelocityField::stops) of the
    /// field is cut in two there.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are 1 to 1000.
    pub fn panels(self, panels: u32) -> Result<Self> {
        if (1..=1000).contains(&panels) {
            return Ok(Self { panels, ..self });
        }
        Err(Error::invalid("panels", format!("{panels} is not between 1 and 1000")))
    }

    /// The panels, on each of which the field is smooth.
    fn walk<X: State>(&self, s: &X::Time, t: &X::Time, x: &X) -> Walk<X::Time>
    where
        B: VelocityField<Dual<X>>,
    {
        let form = x.dot(x).frozen();
        let [s, t] = [s, t].map(|time| time.clone().in_form_of(&form));
        let stops = self.field.stops(&Dual::constant(s.clone()), &Dual::constant(t.clone()));
        Walk::new(stops.iter().map(|stop| stop.value().clone()).collect(), &s, &t, self.panels)
    }

    /// Returns the volume change for each sample, with its errors.
    ///
    /// ```
    /// use flowmap::{backend::ndarray::NdTensor, exact::Affine, likelihood::{ByDivergence, Hutchinson}};
    /// let flow = Affine::new([[0.3, 0.1], [-0.2, 0.5]], [1.0, 0.0])?;
    /// let map = ByDivergence::new(&flow, &flow, Hutchinson::new(100, 7)?);
    /// let time = |t| NdTensor::<f64>::new(vec![t], &[]).unwrap();
    /// let [found] = map.estimate(&time(0.0), &time(2.0), &NdTensor::new(vec![1.0, 0.0], &[1, 2])?)?[..] else { panic!() };
    /// assert!((found.estimate.value - 1.6).abs() < 4.0 * found.estimate.standard_error);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of the map; [`Error::NotFinite`] where a divergence is not finite.
    pub fn estimate<X>(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<Vec<LogDet>>
    where
        X: State,
        M: FlowMap<X>,
        B: VelocityField<Dual<X>>,
        E: Directions<X>,
    {
        let directions = self.directions.directions(x);
        let (mut panels, mut lengths) = (Vec::new(), Vec::new());
        for Stride { start, length, .. } in self.walk(s, t, x) {
            let mut nodes = Vec::with_capacity(self.rule.nodes.len());
            for &node in &self.rule.nodes {
                let r = start.clone() + length.scale(node);
                let way = self.map.try_flow(s, &r, x)?;
                nodes.push(by_sample(&quadratic_forms(&self.field, &r, &way, &directions).1));
            }
            panels.push(nodes);
            lengths.push(length.values());
        }
        let [starts, ends] = [s.values(), t.values()];
        let of_sample = |i: usize| {
            let at = |times: &[f64]| times[i.min(times.len() - 1)];
            let (mut integrals, mut quadrature) = (vec![0.0; directions.len()], 0.0);
            for (nodes, lengths) in panels.iter().zip(&lengths) {
                let length = at(lengths);
                for (k, integral) in integrals.iter_mut().enumerate() {
                    let values: Vec<f64> = nodes.iter().map(|node| node[i][k]).collect();
                    *integral += length * self.rule.integral(&values);
                }
                let traces: Vec<f64> = nodes.iter().map(|node| estimate::<X, E>(&node[i]).value).collect();
                quadrature += length.abs() * self.rule.difference(&traces);
            }
            let found = LogDet { estimate: estimate::<X, E>(&integrals), quadrature };
            let not_finite = Error::NotFinite { what: "the field's divergence", from: at(&starts), to: at(&ends) };
            if found.estimate.value.is_finite() { Ok(found) } else { Err(not_finite) }
        };
        (0..panels[0][0].len()).map(of_sample).collect()
    }
}

impl<X, M, B, E> VolumeChange<X> for ByDivergence<M, B, E>
where
    X: State,
    M: FlowMap<X>,
    B: VelocityField<Dual<X>>,
    E: Directions<X>,
{
    fn flow_and_log_det(&self, s: &X::Time, t: &X::Time, x: &X) -> (X, X::Time) {
        let directions = self.directions.directions(x);
        let mut log_det = x.dot(x).constant(0.0);
        for Stride { start, length, .. } in self.walk(s, t, x) {
            let at = |(&node, &weight): (&f64, &f64)| {
                let r = start.clone() + length.scale(node);
                let way = self.map.flow(s, &r, x);
                trace::<X, E>(quadratic_forms(&self.field, &r, &way, &directions).1).scale(weight)
            };
            let mean = self.rule.nodes.iter().zip(&self.rule.weights).map(at).reduce(|sum, term| sum + term);
            log_det = log_det + mean.expect("a rule has nodes") * length;
        }
        (self.map.flow(s, t, x), log_det)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exact::{Blowup, CouplingFlow, DiagonalGaussian, Rotation},
        field,
        interpolant::Linear,
        likelihood::{ByJacobian, ExactTrace},
    };

    #[test]
    fn it_is_the_determinant_of_the_jacobian_in_both_directions() {
        let flow = CouplingFlow::<3>::random(3, 31).unwrap();
        let x = [0.3, -0.4, 1.0];
        for (s, t) in [(0.2, 0.9), (0.9, 0.2), (0.0, -1.0), (0.5, 0.5)] {
            let by_divergence = ByDivergence::new(&flow, &flow, ExactTrace);
            let (end, found) = by_divergence.try_flow_and_log_det(&s, &t, &x).unwrap();
            let (expected_end, expected) = ByJacobian(&flow).flow_and_log_det(&s, &t, &x);
            assert!((found - expected).abs() < 1e-12 && end.minus(&expected_end).norm() < 1e-14, "from {s} to {t}");
            let [estimate] = by_divergence.estimate(&s, &t, &x).unwrap()[..] else { panic!("one sample") };
            assert!((estimate.estimate.value - found).abs() < 1e-14 && estimate.estimate.standard_error == 0.0);
            assert!((found - expected).abs() <= estimate.quadrature + 1e-14);
        }
    }

    #[test]
    fn the_quadrature_says_what_it_does_not_see() {
        // a waist of a hundredth of the deviation at the ends
        let narrow = DiagonalGaussian::new(Linear, [[0.0]; 2], [[1.0]; 2]).unwrap().correlated([-0.9998]).unwrap();
        let expected = 0.5 * narrow.variance::<f64>(&0.5)[0].ln();
        let error = |panels: u32| {
            let map = ByDivergence::new(narrow, narrow, ExactTrace).panels(panels).unwrap();
            let found = map.estimate(&0.0, &0.5, &[1.0]).unwrap()[0];
            let error = (found.estimate.value - expected).abs();
            assert!(error < found.quadrature + 1e-12, "{panels}: {error} and {}", found.quadrature);
            error
        };
        assert!(error(1) > 1e-3 && error(60) < 1e-10, "{} {}", error(1), error(60));
    }

    #[test]
    fn no_volume_changes_where_there_is_no_divergence() {
        let turn = Rotation::new(3.0).unwrap();
        assert_eq!(ByDivergence::new(turn, turn, ExactTrace).flow_and_log_det(&0.0, &1.0, &[1.0, 2.0]).1, 0.0);
    }

    #[test]
    fn derivatives_are_those_of_the_exact_determinant() {
        let flow = CouplingFlow::<2>::random(3, 31).unwrap();
        let (x, d) = (Dual::new([0.3, -0.4], [1.0, -0.7]), Dual::new(0.9, 0.3));
        let (s, map) = (Dual::constant(0.2), ByDivergence::new(&flow, &flow, ExactTrace));
        let (found, expected) = (map.flow_and_log_det(&s, &d, &x).1, ByJacobian(&flow).flow_and_log_det(&s, &d, &x).1);
        assert!((found.tangent() - expected.tangent()).abs() < 1e-10 && found.tangent().abs() > 1e-3);
    }

    #[test]
    fn panels_are_cut_at_stops_and_differ_by_them() {
        use crate::{
            Num, ParametricOde,
            solver::{Adaptive, DOP853},
        };
        /// `x' = -x`, and `2x` from a time on.
        struct Switch;
        impl ParametricOde<1, 1> for Switch {
            fn rhs_with<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1], [switch]: &[Num<N>; 1]) -> [Num<N>; 1] {
                [t.lt(switch).select(-x, 2.0 * x)]
            }
            fn stops_with<N: Number>(&self, _: &Num<N>, _: &Num<N>, [switch]: &[Num<N>; 1]) -> Vec<Num<N>> {
                vec![switch.clone()]
            }
        }
        for (s, t) in [(0.0, 1.0), (1.0, 0.0)] {
            let map = Adaptive::new(DOP853).unwrap().of(Switch.with([1.0 / 3.0]));
            let field = Switch.with([Dual::constant(1.0 / 3.0)]);
            let by_divergence = ByDivergence::new(map, &field, ExactTrace);
            let sign = t - s;
            let (_, found) = by_divergence.flow_and_log_det(&s, &t, &[0.5]);
            assert!((found - sign).abs() < 1e-14, "{found}");
            let [found] = by_divergence.estimate(&s, &t, &[0.5]).unwrap()[..] else { panic!("one sample") };
            assert!((found.estimate.value - sign).abs() < 1e-14 && found.quadrature < 1e-14, "{found:?}");
            // a later switch: 3 less for each unit of time
            let moving = [Dual::new(1.0 / 3.0, 1.0)];
            let map = Adaptive::new(DOP853).unwrap().of(Switch.with(moving.clone()));
            let field = Switch.with(moving.map(Dual::constant));
            let [s, t] = [s, t].map(Dual::constant);
            let (_, found) = ByDivergence::new(map, field, ExactTrace).flow_and_log_det(&s, &t, &Dual::constant([0.5]));
            assert!((found.tangent() + 3.0 * sign).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_integrated_is_refused() {
        let blowup = ByDivergence::new(Blowup, Blowup, ExactTrace);
        assert!(matches!(blowup.estimate(&0.0, &2.0, &[1.0]), Err(Error::BlowUp { .. })));
        assert!(blowup.try_flow_and_log_det(&0.0, &2.0, &[1.0]).is_err());
        assert!(matches!(blowup.try_flow_and_log_det(&0.0, &0.5, &[f64::NAN]), Err(Error::NotFinite { .. })));
        let turn = Rotation::new(1.0).unwrap();
        let hole = field(|_: &Dual<f64>, x: &Dual<[f64; 2]>| Dual::new(*x.value(), [f64::NAN; 2]));
        let map = ByDivergence::new(turn, hole, ExactTrace);
        assert!(map.estimate(&0.0, &1.0, &[1.0, 0.0]).unwrap_err().to_string().contains("divergence"));
        assert!(matches!(map.try_flow_and_log_det(&0.0, &1.0, &[1.0, 0.0]), Err(Error::NotFinite { .. })));
        assert!(ByDivergence::new(turn, turn, ExactTrace).panels(0).is_err());
    }
}
