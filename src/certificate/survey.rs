//! Evaluations along a slice: residuals, end points and Lipschitz constants.

use super::{OneSidedLipschitz, bound::Residuals};
use crate::{
    Dual, Error, FlowMap, Result, State, Value, VelocityField,
    characterization::{Characterization, Eulerian, Lagrangian},
    quadrature::Rule,
};

/// The map under test, its field, the exact flow and the Lipschitz constant.
pub(super) struct Subject<'a, M: ?Sized, B: ?Sized, F: ?Sized, L> {
    pub map: &'a M,
    pub field: &'a B,
    /// The exact flow map of the field.
    pub exact: &'a F,
    pub lipschitz: &'a L,
    pub times: [f64; 2],
}

/// The raw data of the report, sample by sample.
#[cfg_attr(not(all(feature = "train", feature = "nalgebra")), allow(dead_code, reason = "distances between the ends"))]
pub(super) struct Survey {
    pub dimension: usize,
    /// Row by row; so are the ends of the map and the exact ones.
    pub starts: Vec<f64>,
    pub ends: Vec<f64>,
    pub exact_ends: Vec<f64>,
    /// `|X_{s,t}(x) - x_t|`.
    pub errors: Vec<f64>,
    pub lagrangian: Residuals,
    pub eulerian: Residuals,
    /// `L` at each node.
    pub rates: Vec<f64>,
}

impl Survey {
    pub fn new(nodes: usize) -> Self {
        Self {
            dimension: 0,
            starts: Vec::new(),
            ends: Vec::new(),
            exact_ends: Vec::new(),
            errors: Vec::new(),
            lagrangian: Residuals::new(nodes),
            eulerian: Residuals::new(nodes),
            rates: vec![f64::NEG_INFINITY; nodes],
        }
    }

    /// Evaluates the slice for the samples of `x`.
    pub fn add<X, M, B, F, L>(&mut self, subject: &Subject<M, B, F, L>, rule: &Rule, x: &X) -> Result<()>
    where
        X: State,
        M: FlowMap<X> + FlowMap<Dual<X>> + ?Sized,
        B: VelocityField<X> + ?Sized,
        F: FlowMap<X> + ?Sized,
        L: OneSidedLipschitz<X, B>,
    {
        let starts = x.values();
        // a point without coordinates has no norm from which to take the shape of a time
        if starts.is_empty() {
            return Ok(());
        }
        let [from, to] = subject.times;
        if let Some(bad) = starts.iter().find(|x| !x.is_finite()) {
            return Err(Error::invalid("samples", format!("a coordinate is {bad}; draw finite points")));
        }
        let (s, t) = (x.time(from), x.time(to));
        self.check_dimension(x.dimension())?;

        // first, because the map's own error is the most precise
        let end = subject.map.try_flow(&s, &t, x)?;
        let defect = subject.map.try_flow(&s, &s, x)?.minus(x);
        extend(&mut self.lagrangian.defect, &defect, [from, from])?;
        let (mut last, mut exact) = (s.clone(), x.clone());
        for (k, &node) in rule.nodes.iter().enumerate() {
            let r = x.time(node);
            exact = subject.exact.try_flow(&last, &r, &exact)?;
            let (end, derivative) = Lagrangian::end_derivative(subject.map, &s, &r, x);
            let residual = derivative.minus(&subject.field.velocity(&r, &end));
            extend(&mut self.lagrangian.norms[k], &residual, [from, node])?;
            let residual = Eulerian.residual(subject.map, subject.field, &r, &t, &exact);
            extend(&mut self.eulerian.norms[k], &residual, [node, to])?;
            for seen in [&end, &exact] {
                let rate = subject.lipschitz.rate(subject.field, (to - from).signum(), &r, seen);
                if !rate.is_finite() {
                    let reason = format!("it is {rate} at time {node}; give a finite one, or another field");
                    return Err(Error::invalid("one-sided Lipschitz constant", reason));
                }
                self.rates[k] = self.rates[k].max(rate);
            }
            last = r;
        }
        exact = subject.exact.try_flow(&last, &t, &exact)?;
        extend(&mut self.eulerian.defect, &subject.map.try_flow(&t, &t, &exact)?.minus(&exact), [to, to])?;
        extend(&mut self.errors, &end.minus(&exact), [from, to])?;
        self.starts.extend(starts);
        self.ends.extend(end.values());
        self.exact_ends.extend(exact.values());
        Ok(())
    }

    fn check_dimension(&mut self, found: usize) -> Result<()> {
        if self.errors.is_empty() {
            self.dimension = found;
        }
        if found == self.dimension {
            return Ok(());
        }
        Err(Error::Shape { what: "a sample".into(), expected: vec![self.dimension], found: vec![found] })
    }
}

/// Adds the norm of each sample's residual.
fn extend<X: State>(norms: &mut Vec<f64>, residual: &X, [from, to]: [f64; 2]) -> Result<()> {
    let found = residual.norm().values();
    if found.iter().any(|norm| !norm.is_finite()) {
        return Err(Error::NotFinite { what: "the flow map, its derivative or the field", from, to });
    }
    norms.extend(found);
    Ok(())
}
