//! Products of independent flow maps.

use super::FlowMap;
use crate::{Result, field::VelocityField, state::Pair};

/// Two independent flow maps, or two fields, on the [`Pair`] of their states.
///
/// - flow: `X_{s,t}(x, y) = (first_{s,t}(x), second_{s,t}(y))`
/// - velocity: `(first_t(x), second_t(y))`
/// - Jacobian: block diagonal, with the Jacobians of both parts
/// - domain: the pairs of states from both domains
///
/// Both parts have the same times. For three or more parts, nest pairs.
///
/// ```
/// use flowmap::{FlowMap, Product, exact::{Blowup, Rotation}};
/// let map = Product(Rotation::new(std::f64::consts::PI)?, Blowup);
/// let (x, y) = map.flow(&0.0, &1.0, &([1.0_f64, 0.0], [0.5]));
/// assert!((x[0] + 1.0).abs() < 1e-15 && y == [1.0]);
/// assert!(map.try_flow(&0.0, &1.0, &([1.0, 0.0], [1.5])).is_err(), "the second part blows up");
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Product<M, N>(pub M, pub N);

impl<P: Pair, M: FlowMap<P::First>, N: FlowMap<P::Second>> FlowMap<P> for Product<M, N> {
    fn flow(&self, s: &P::Time, t: &P::Time, x: &P) -> P {
        let (first, second) = x.parts();
        P::pair(self.0.flow(s, t, &first), self.1.flow(s, t, &second))
    }
    fn try_flow(&self, s: &P::Time, t: &P::Time, x: &P) -> Result<P> {
        let (first, second) = x.parts();
        Ok(P::pair(self.0.try_flow(s, t, &first)?, self.1.try_flow(s, t, &second)?))
    }
    fn flow_each(&self, s: &P::Time, t: &P::Time, states: &[P]) -> Vec<P> {
        let (first, second): (Vec<_>, Vec<_>) = states.iter().map(P::parts).unzip();
        let both = self.0.flow_each(s, t, &first).into_iter().zip(self.1.flow_each(s, t, &second));
        both.map(|(first, second)| P::pair(first, second)).collect()
    }
    fn try_flow_each(&self, s: &P::Time, t: &P::Time, states: &[P]) -> Result<Vec<P>> {
        let (first, second): (Vec<_>, Vec<_>) = states.iter().map(P::parts).unzip();
        let both = self.0.try_flow_each(s, t, &first)?.into_iter().zip(self.1.try_flow_each(s, t, &second)?);
        Ok(both.map(|(first, second)| P::pair(first, second)).collect())
    }
}

impl<P: Pair, A: VelocityField<P::First>, B: VelocityField<P::Second>> VelocityField<P> for Product<A, B> {
    fn velocity(&self, t: &P::Time, x: &P) -> P {
        let (first, second) = x.parts();
        P::pair(self.0.velocity(t, &first), self.1.velocity(t, &second))
    }
    fn stops(&self, s: &P::Time, t: &P::Time) -> Vec<P::Time> {
        let mut stops = self.0.stops(s, t);
        stops.extend(self.1.stops(s, t));
        stops
    }
    fn jvp(&self, t: &P::Time, x: &P, v: &P) -> P {
        let ((first, second), (v, w)) = (x.parts(), v.parts());
        P::pair(self.0.jvp(t, &first, &v), self.1.jvp(t, &second, &w))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, Dual, QuasiRandom, State, exact::CouplingFlow, exact::PeriodicGrowth, verify};

    type Point = ([f64; 2], [f64; 1]);

    fn cases() -> impl Iterator<Item = Case<Point>> {
        let cases = QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 3]).unwrap().cases(128);
        cases.map(|Case { s, t, x: [x, y, z] }| Case { s, t, x: ([x, y], [z]) })
    }

    fn product() -> Product<CouplingFlow<2>, PeriodicGrowth> {
        Product(CouplingFlow::random(3, 23).unwrap(), PeriodicGrowth::new(0.8).unwrap())
    }

    #[test]
    fn it_is_the_flow_of_both_fields() {
        let report = verify(&product(), &product(), cases());
        assert!(report.holds(1e-12), "{report}");
    }

    #[test]
    fn and_on_duals_and_of_products() {
        let moving =
            cases().map(|Case { s, t, x }| Case { s: Dual::new(s, 0.5), t: Dual::constant(t), x: Dual::new(x, x.negated()) });
        let report = verify(&product(), &product(), moving);
        assert!(report.holds(1e-12), "{report}");
        let nested = Product(product(), PeriodicGrowth::new(-2.0).unwrap());
        let report = verify(&nested, &nested, cases().map(|Case { s, t, x }| Case { s, t, x: (x, x.1) }));
        assert!(report.holds(1e-12), "{report}");
    }

    #[test]
    fn a_wrong_part_is_found_out_on_either_side() {
        let Product(first, second) = product();
        let report = verify(&product(), &Product(first, PeriodicGrowth::new(0.9).unwrap()), cases());
        assert!(report.line("Lagrangian").unwrap().max > 0.01, "{report}");
        let report = verify(&product(), &Product(CouplingFlow::<2>::random(3, 24).unwrap(), second), cases());
        assert!(report.line("Eulerian").unwrap().max > 0.1, "{report}");
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn batches_go_where_their_points_go() {
        use crate::{Value, backend::ndarray::NdTensor};
        let cases: Vec<_> = cases().take(8).collect();
        let tensor = |values: Vec<f64>, shape: &[usize]| NdTensor::new(values, shape).unwrap();
        let column = |f: fn(&Case<Point>) -> f64| tensor(cases.iter().map(f).collect(), &[8]);
        let (s, t) = (column(|c| c.s), column(|c| c.t));
        let x = tensor(cases.iter().flat_map(|c| c.x.0).collect(), &[8, 2]);
        let y = tensor(cases.iter().flat_map(|c| c.x.1).collect(), &[8, 1]);
        let case = Case { s: s.clone(), t: t.clone(), x: (x, y) };
        let expected: Vec<f64> = cases.iter().flat_map(|c| product().flow(&c.s, &c.t, &c.x).values()).collect();
        for (found, expected) in product().flow(&s, &t, &case.x).values().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-14);
        }
        let report = verify(&product(), &product(), [case]);
        assert!(report.holds(1e-12) && report.lines.iter().all(|line| line.cases == 8), "{report}");
    }
}
