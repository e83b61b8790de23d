//! Error bounds from norms of residuals.

use super::BoundKind;
use crate::quadrature::Rule;
use crate::statistics::Estimate;

/// A bound on the root mean square error of a flow map, and its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bound {
    /// The bound, for the distribution from which the samples are drawn.
    pub estimate: Estimate,
    /// The difference of the two quadrature rules, Kronrod's of 15 points and Gauss's of 7 inside it: much larger than the
    /// error of the first, if the residual and `L` are smooth in time.
    pub quadrature: f64,
    /// `value + z · standard error + quadrature`, with `z` from the report's confidence.
    pub upper: f64,
    /// Whether it rests on an estimated Lipschitz constant.
    pub kind: BoundKind,
}

impl Bound {
    fn new(estimate: Estimate, quadrature: f64, z: f64, kind: BoundKind) -> Self {
        Self { estimate, quadrature, upper: estimate.above(z) + quadrature, kind }
    }

    /// The bound, allowing for this error of the exponent `∫ L`.
    pub(super) fn allowing_for(self, exponent: f64) -> Self {
        let more = self.estimate.value * exponent.exp_m1();
        Self { quadrature: self.quadrature + more, upper: self.upper + more, ..self }
    }
}

/// Norms of an identity's residual for each sample, at each node of a [`Rule`].
pub(super) struct Residuals {
    /// `|X_{r,r}(x) - x|`: at `r = s` for the Lagrangian identity, at `r = t` for the Eulerian one.
    pub defect: Vec<f64>,
    /// Indexed by node, then by sample.
    pub norms: Vec<Vec<f64>>,
}

impl Residuals {
    pub fn new(nodes: usize) -> Self {
        Self { defect: Vec::new(), norms: vec![Vec::new(); nodes] }
    }

    /// Weights each by the factor by which it can grow until the end.
    pub fn weighed(&self, defect: f64, norms: &[f64]) -> Self {
        let by = |factor: f64, values: &[f64]| values.iter().map(|x| factor * x).collect();
        let nodes = norms.iter().zip(&self.norms);
        Self { defect: by(defect, &self.defect), norms: nodes.map(|(&factor, values)| by(factor, values)).collect() }
    }

    /// `RMS|R_r|` at each node.
    pub fn profile(&self) -> Vec<f64> {
        self.norms.iter().map(|norms| Estimate::rms(norms).value).collect()
    }

    /// The norms at all nodes for one sample.
    pub fn of_sample(&self, i: usize) -> Vec<f64> {
        self.norms.iter().map(|norms| norms[i]).collect()
    }

    /// `defect + ∫ |R_r| dr` for each sample.
    pub fn along_paths(&self, rule: &Rule) -> Vec<f64> {
        self.each(|i| self.defect[i] + rule.integral(&self.of_sample(i)))
    }

    fn each(&self, f: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.defect.len()).map(f).collect()
    }

    /// `RMS(defect + ∫ |R_r| dr)`.
    pub fn pathwise(&self, rule: &Rule, z: f64, kind: BoundKind) -> Bound {
        let differences = self.each(|i| rule.difference(&self.of_sample(i)));
        Bound::new(Estimate::rms(&self.along_paths(rule)), Estimate::rms(&differences).value, z, kind)
    }

    /// `RMS(defect) + ∫ RMS|R_r| dr`.
    ///
    /// The standard error is that of its linearization, sample by sample, so that residuals of one sample at neighbouring times
    /// may depend on each other.
    pub fn by_minkowski(&self, rule: &Rule, z: f64, kind: BoundKind) -> Bound {
        let (start, profile) = (Estimate::rms(&self.defect).value, self.profile());
        let share = |x: f64, rms: f64| if rms > 0.0 { 0.5 * (x * x / rms - rms) } else { 0.0 };
        let influence = self.each(|i| {
            let along: Vec<f64> = self.norms.iter().zip(&profile).map(|(norms, &rms)| share(norms[i], rms)).collect();
            share(self.defect[i], start) + rule.integral(&along)
        });
        let estimate =
            Estimate { value: start + rule.integral(&profile), standard_error: Estimate::mean(&influence).standard_error };
        Bound::new(estimate, rule.difference(&profile), z, kind)
    }

    /// `RMS(defect) + (|t - s| ∫ E|R_r|² dr)^(1/2)`.
    pub fn by_cauchy(&self, rule: &Rule, z: f64, kind: BoundKind) -> Bound {
        let length: f64 = rule.weights.iter().sum();
        let squares: Vec<f64> = self.profile().iter().map(|rms| length * rms * rms).collect();
        let along = self.each(|i| length * rule.integral(&self.of_sample(i).into_iter().map(|x| x * x).collect::<Vec<_>>()));
        let (root, end) = (Estimate::mean(&along).sqrt(), Estimate::rms(&self.defect));
        let quadrature = (root.value * root.value + rule.difference(&squares)).sqrt() - root.value;
        let estimate = Estimate { value: root.value + end.value, standard_error: root.standard_error + end.standard_error };
        Bound::new(estimate, quadrature, z, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRM: BoundKind = BoundKind::Certificate;

    /// Residuals `c_i (1 + r)` on `[0, 2]`, where all three bounds have closed forms.
    fn residuals(rule: &Rule, sizes: &[f64]) -> Residuals {
        let norms = rule.nodes.iter().map(|r| sizes.iter().map(|c| c * (1.0 + r)).collect()).collect();
        Residuals { defect: vec![0.5; sizes.len()], norms }
    }

    #[test]
    fn closed_forms() {
        let rule = Rule::new([0.0, 2.0], 2);
        let residuals = residuals(&rule, &[3.0, 4.0, 0.0]);
        let size = (25.0_f64 / 3.0).sqrt();
        let near = |bound: Bound, expected: f64| {
            assert!((bound.estimate.value - expected).abs() < 1e-13, "{bound:?} and {expected}");
            assert!(bound.quadrature < 1e-13);
            assert!((bound.upper - bound.estimate.above(2.0)).abs() < 1e-13);
        };
        let paths = [0.5 + 12.0, 0.5 + 16.0, 0.5].map(|g: f64| g * g);
        near(residuals.pathwise(&rule, 2.0, FIRM), (paths.iter().sum::<f64>() / 3.0).sqrt());
        near(residuals.by_minkowski(&rule, 2.0, FIRM), 0.5 + size * 4.0);
        near(residuals.by_cauchy(&rule, 2.0, FIRM), 0.5 + size * (2.0 * 26.0 / 3.0_f64).sqrt());
    }

    #[test]
    fn standard_errors_are_those_of_the_norms() {
        // the same at all times: every bound is a multiple of one root mean square
        let rule = Rule::new([1.0, 0.0], 1);
        let sizes: Vec<f64> = (0..50).map(|k| (f64::from(k) * 0.7).sin().abs()).collect();
        let mut residuals = residuals(&rule, &sizes);
        residuals.defect.fill(0.0);
        let unit = Estimate::rms(&sizes).standard_error;
        let cubes = (7.0 / 3.0_f64).sqrt();
        for (bound, factor) in [
            (residuals.pathwise(&rule, 1.0, FIRM), 1.5),
            (residuals.by_minkowski(&rule, 1.0, FIRM), 1.5),
            (residuals.by_cauchy(&rule, 1.0, FIRM), cubes),
        ] {
            assert!((bound.estimate.standard_error / (factor * unit) - 1.0).abs() < 1e-12);
        }
    }
}
