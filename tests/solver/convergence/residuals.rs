//! The residuals of the identities of a flow map, for numerical ones with `n` equal steps of length `h = (t - s)/n`.
//!
//! All of them have the order of the method:
//! - the Lagrangian and the Eulerian residual because the map of `n` equal steps is a smooth function of `s`, `t` and `x`
//!   that is off by `h^p e(s, t, x) + O(h^(p+1))` with a smooth `e`; derivatives of it are off by as much;
//! - the semigroup residual because either side is off by `O(h^p)`, with the steps of the two ways being shorter.
//!
//! The tangent at `t = s` is exact: all rates of steps without length are `b_s(x)`, and weights sum up to 1.

use super::flows::{self, Visitor, Way, converge, is_near, order};
use flowmap::{
    Pointwise, State,
    characterization::{Characterization, Eulerian, Lagrangian, Semigroup, Tangent},
    exact::ExactFlow,
    solver::{DOPRI5, FixedSteps, RK4, Tableau},
};

struct Orders(Tableau);

impl Visitor for Orders {
    fn visit<const D: usize, E: ExactFlow<D>>(&self, way: &Way<Pointwise<E, D>, D>) -> Option<String> {
        let Way { flow, s, t, .. } = way;
        let method = self.0;
        let map = |n| FixedSteps::new(method, n).unwrap().of(flow);
        let lagrangian = order(|n| way.over_starts(|x| Lagrangian.residual(&map(n), flow, s, t, x).norm()));
        let eulerian = order(|n| way.over_starts(|x| Eulerian.residual(&map(n), flow, s, t, x).norm()));
        let halves = Semigroup::new(0.5).unwrap();
        let semigroup = order(|n| way.over_starts(|x| halves.residual(&map(n), flow, s, t, x).norm()));
        let tangent = way.over_starts(|x| Tangent.residual(&map(3), flow, s, t, x).norm());
        let orders = [lagrangian, eulerian, semigroup];
        let line = format!("{} in {D} dimensions: {orders:.2?}, tangent {tangent:.0e}", method.name);
        println!("{line}");
        let holds = orders.iter().all(|found| is_near(*found, f64::from(method.order))) && tangent < 1e-13;
        (!holds).then_some(line)
    }
}

#[test]
fn residuals_of_rk4_converge_with_the_order_of_the_method() {
    converge([Orders(RK4)], flows::each);
}

#[test]
fn residuals_of_dopri5_converge_with_the_order_of_the_method() {
    converge([Orders(DOPRI5)], flows::each_long);
}
