//! The excess of a flow matching loss: its part that can still be learned.

use crate::{
    Error, Result, State, Value, VelocityField,
    interpolant::Interpolant,
    quadrature::Rule,
    statistics::{Estimate, normal_quantile},
};

/// The flow matching loss of a velocity, split into its minimum and the excess above it.
///
/// For the mean `b_t(x) = E[I'_t | I_t = x]` and any other velocity `v`,
///
/// `E|v_t(I_t) - I'_t|² = E|v_t(I_t) - b_t(I_t)|² + E|I'_t - b_t(I_t)|²`:
///
/// the loss is the excess plus the conditional variance. The latter does not depend on `v`, so the loss never reaches 0, and
/// only the excess bounds an error.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MatchingExcess {
    /// `E|v - I'|²`, over the pairs and over times uniform on the interpolant's span.
    pub loss: Estimate,
    /// `E|I' - b|²`, the smallest possible loss.
    pub conditional_variance: Estimate,
    /// `E|v - b|²`.
    pub excess: Estimate,
    /// The loss minus the two others, `2 E (v - b)·(b - I')`: 0 up to its standard error, if `b` is the conditional mean.
    pub mixed: Estimate,
    /// The difference of the two quadrature rules over time, for the excess.
    pub quadrature: f64,
    /// `|t - s|` of the span.
    pub duration: f64,
}

impl MatchingExcess {
    /// Measures it on pairs `(x0, x1)` of noise and data: points, or batches of them, at the 30 nodes of two panels of
    /// quadrature over the interpolant's span.
    ///
    /// ```
    /// use flowmap::{certificate::MatchingExcess, exact::DiagonalGaussian, field, interpolant::Linear};
    /// // from N(0, 1) to N(0, 1), both drawn by a lattice here
    /// let model = DiagonalGaussian::new(Linear, [[0.0]; 2], [[1.0]; 2])?;
    /// let normal = |k: usize, by: f64| { let u = (0.5 + k as f64 * by) % 1.0; (u / (1.0 - u)).ln() / 1.7 };
    /// let pairs = (1..1000).map(|k| ([normal(k, 0.7549)], [normal(k, 0.5698)]));
    /// let still = field(|_: &f64, _: &[f64; 1]| [0.0]);
    /// let found = MatchingExcess::of(&still, &model, &Linear, pairs)?;
    /// assert!(found.excess.value < 0.5 && found.loss.value > 1.5);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] where there are fewer than two pairs, or a velocity is not finite.
    ///
    /// Source: arXiv 2505.18825, the bounds on `W_2`, in which `ε` holds this excess and not the loss.
    pub fn of<X, V, B>(
        velocity: &V,
        exact: &B,
        interpolant: &impl Interpolant,
        pairs: impl IntoIterator<Item = (X, X)>,
    ) -> Result<Self>
    where
        X: State,
        V: VelocityField<X> + ?Sized,
        B: VelocityField<X> + ?Sized,
    {
        let rule = Rule::new(interpolant.span(), 2);
        let duration: f64 = rule.weights.iter().sum();
        // for each sample: its loss, conditional variance, and excess at each node
        let mut samples: Vec<[Vec<f64>; 3]> = Vec::new();
        for (x0, x1) in pairs.into_iter().filter(|(x0, _)| !x0.values().is_empty()) {
            let first = samples.len();
            for node in &rule.nodes {
                let t = x0.time(*node);
                let (x, rate) = (interpolant.point(&t, &x0, &x1), interpolant.velocity(&t, &x0, &x1));
                let (v, b) = (velocity.velocity(&t, &x), exact.velocity(&t, &x));
                let squares = [v.minus(&rate), b.minus(&rate), v.minus(&b)].map(|e| e.dot(&e).values());
                samples.resize_with(first + squares[0].len(), Default::default);
                for (sample, k) in samples[first..].iter_mut().zip(0..) {
                    (0..3).for_each(|part: usize| sample[part].push(squares[part][k]));
                }
            }
        }
        let means = |of: &dyn Fn(&[f64; 3]) -> f64| {
            let mean = |sample: &[Vec<f64>; 3]| of(&[0, 1, 2].map(|part: usize| rule.integral(&sample[part]) / duration));
            Estimate::mean(&samples.iter().map(mean).collect::<Vec<_>>())
        };
        let node_mean = |k: usize| samples.iter().map(|sample| sample[2][k]).sum::<f64>() / samples.len() as f64;
        let found = Self {
            loss: means(&|[loss, _, _]| *loss),
            conditional_variance: means(&|[_, variance, _]| *variance),
            excess: means(&|[_, _, excess]| *excess),
            mixed: means(&|[loss, variance, excess]| loss - variance - excess),
            quadrature: rule.difference(&(0..rule.nodes.len()).map(node_mean).collect::<Vec<_>>()) / duration,
            duration,
        };
        if samples.len() < 2 {
            return Err(Error::invalid("pairs", format!("there are {}; draw at least 2, better some thousands", samples.len())));
        }
        if ![found.loss, found.conditional_variance, found.excess].iter().all(|e| e.standard_error.is_finite()) {
            return Err(Error::invalid("velocities", "one is not finite within the interpolant's span; check both fields"));
        }
        Ok(found)
    }

    /// A bound on the root mean square distance, at the end, between the flows of `v` and of `b` from equal starts: with `T`
    /// the duration and `L` a one-sided Lipschitz constant of `v` for all times,
    ///
    /// `(max(1, e^{(1+2L) T}) T · excess)^(1/2)`.
    ///
    /// The result is its upper end at this confidence. Added to a [bound](super::Certificate) on the distance of a map from the
    /// flow of `v`, it bounds `W_2` between the map's samples and the data; for `T = 1`, and both the excess and the squared
    /// residual at most `ε`, this is the paper's `W_2² ≤ 4 e^{1+2L} ε`.
    ///
    /// ```
    /// # use flowmap::{certificate::MatchingExcess, exact::DiagonalGaussian, interpolant::Linear};
    /// let model = DiagonalGaussian::new(Linear, [[0.0]; 2], [[1.0]; 2])?;
    /// let found = MatchingExcess::of(&model, &model, &Linear, [([0.5], [1.0]), ([-0.5], [0.3])])?;
    /// assert_eq!(found.bound(1.0, 0.99)?, 0.0);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `L` and the bound are finite and the confidence is at least 1/2 and below 1.
    ///
    /// Source: arXiv 2505.18825, the bounds on `W_2`; Gronwall's inequality for `|X^v - X^b|²`.
    pub fn bound(&self, lipschitz: f64, confidence: f64) -> Result<f64> {
        if !(lipschitz.is_finite() && (0.5..1.0).contains(&confidence)) {
            let reason =
                format!("{lipschitz} at confidence {confidence}; give a finite constant, and a confidence from 0.5 to below 1");
            return Err(Error::invalid("one-sided Lipschitz constant", reason));
        }
        let growth = ((1.0 + 2.0 * lipschitz) * self.duration).max(0.0).exp();
        let excess = self.excess.above(normal_quantile(confidence)) + self.quadrature;
        let bound = (growth * self.duration * excess).sqrt();
        if bound.is_finite() {
            Ok(bound)
        } else {
            Err(Error::invalid("bound", "it overflows: the Lipschitz constant is too large"))
        }
    }
}
