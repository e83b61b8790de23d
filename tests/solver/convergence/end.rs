//! The end of a solve, and its Jacobian by dual numbers: both have the order of the method.
//!
//! The dual of a Runge-Kutta step is the same step for the ODE together with its variational equation, for which the order
//! conditions are the same.

use super::flows::{self, Visitor, Way, converge, distance, is_near, order};
use flowmap::{
    FlowMap, Pointwise,
    analysis::jacobian,
    exact::ExactFlow,
    solver::{FixedSteps, METHODS, Tableau},
};

/// Of a method.
struct Orders(Tableau);

impl Visitor for Orders {
    fn visit<const D: usize, E: ExactFlow<D>>(&self, way: &Way<Pointwise<E, D>, D>) -> Option<String> {
        let Way { flow, s, t, .. } = way;
        let method = self.0;
        let map = |n| FixedSteps::new(method, n).unwrap().of(flow);
        let end_error = |n: u32, x: &[f64; D]| {
            let exact: [f64; D] = flow.flow(s, t, x);
            distance(&map(n).flow(s, t, x), &exact)
        };
        let jacobian_error = |n: u32, x: &[f64; D]| {
            let exact = flow.0.jacobian(s, t, x);
            let size = distance(exact.as_flattened(), [[0.0; D]; D].as_flattened()).max(1.0);
            distance(jacobian(&map(n), s, t, x).as_flattened(), exact.as_flattened()) / size
        };
        let end = order(|n| way.over_starts(|x| end_error(n, x)));
        let jacobian = order(|n| way.over_starts(|x| jacobian_error(n, x)));
        let line = format!("{:<16} order {} in {D} dimensions: end {end:.2}, Jacobian {jacobian:.2}", method.name, method.order);
        println!("{line}");
        let nominal = f64::from(method.order);
        let holds = is_near(end, nominal) && is_near(jacobian, nominal);
        (!holds).then_some(line)
    }
}

#[test]
fn ends_and_jacobians_converge_with_the_order_of_the_method() {
    converge(METHODS.into_iter().filter(|method| method.order < 5).map(Orders), flows::each);
}

#[test]
fn the_same_for_methods_of_high_order() {
    converge(METHODS.into_iter().filter(|method| method.order >= 5).map(Orders), flows::each_long);
}
