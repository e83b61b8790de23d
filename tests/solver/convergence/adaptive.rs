//! Adaptive steps: errors follow the tolerance.

use super::flows::{self, Visitor, Way, converge, distance};
use flowmap::{
    FlowMap, Pointwise, Tolerance,
    exact::ExactFlow,
    solver::{Adaptive, BOGACKI_SHAMPINE, DOP853, DOPRI5, HEUN, MIDPOINT, TSIT5, Tableau},
};

struct Proportional {
    method: Tableau,
    /// Exponents of ten of the tolerances, the coarsest and the finest.
    decades: [i32; 2],
}

impl Visitor for Proportional {
    fn visit<const D: usize, E: ExactFlow<D>>(&self, way: &Way<Pointwise<E, D>, D>) -> Option<String> {
        let Way { flow, s, t, .. } = way;
        let error = |exponent: i32| {
            let tolerance = 10.0_f64.powi(exponent);
            let solver = Adaptive::new(self.method).unwrap().tolerance(Tolerance::new(tolerance, tolerance).unwrap());
            let map = solver.of(flow);
            way.over_starts(|x| {
                let exact: [f64; D] = flow.flow(s, t, x);
                distance(&map.flow(s, t, x), &exact)
            })
        };
        let [coarse, fine] = self.decades;
        let factor = (error(coarse) / error(fine)).powf(1.0 / f64::from(coarse - fine));
        let line = format!("{:<16} in {D} dimensions: errors shrink {factor:.1} times a decade", self.method.name);
        println!("{line}");
        let holds = (5.0..20.0).contains(&factor);
        (!holds).then_some(line)
    }
}

#[test]
fn errors_shrink_by_about_ten_with_every_decade_of_the_tolerance() {
    let ranges =
        [(MIDPOINT, -3, -7), (HEUN, -3, -7), (BOGACKI_SHAMPINE, -3, -9), (DOPRI5, -4, -11), (TSIT5, -4, -11), (DOP853, -5, -12)];
    converge(ranges.map(|(method, coarse, fine)| Proportional { method, decades: [coarse, fine] }), flows::each);
}
