//! MeanFlow, with what later papers do for its variance.

use super::{Context, Needs, Objective, Term};
use crate::{Dual, Error, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

/// MeanFlow with a controlled tangent: a regression on the velocity of the sample, whose derivative follows a velocity with less
/// variance.
///
/// ```text
/// r = v_{s,t}(I_s) - (t-s) sg(∂_s v + ∇v ṽ) - I'_s,   ṽ = (1-β) I'_s + β v_{s,s}(I_s)
/// ```
///
/// The velocity of the sample is a right target, but a noisy tangent. With the control `β = 0`, the default, this is MeanFlow,
/// with `β = 1` its [improved](Self::improved) form. `v_{s,s}` may be that of the moving average. An [`Anchor`] adds a term
/// near the diagonal, [`Tangent`] limits what the derivative can do.
///
/// Source: Z. Geng et al., Mean Flows for One-step Generative Modeling, arXiv 2505.13447; Improved Mean Flows, arXiv 2512.02012;
/// the control and the anchor are those of arXiv 2605.09235.
///
/// ```
/// use flowmap::{AverageVelocity, backend::ndarray::NdTensor, Tensor, learn::{Context, MeanFlow}};
/// /// `X_{s,t}(x) = x + t² - s²`.
/// struct Rising;
/// impl<T: Tensor> AverageVelocity<T> for Rising {
///     fn average_velocity(&self, s: &T, t: &T, x: &T) -> T { x.constant(1.0).scaled(&(s.clone() + t)) }
/// }
/// let time = |t: f64| NdTensor::from_slice(&[t], &[1]);
/// let point = |x: f64| NdTensor::from_slice(&[x], &[1, 1]);
/// let (s, t, x) = (time(0.2), time(0.7), point(3.0));
/// let context = Context { velocity: Some(point(0.4)), ..Context::new(&Rising, &s, &t, &x) }; // b_s = 2 s
/// assert!(MeanFlow::default().residual(&context).to_vec()[0].abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeanFlow {
    /// The share `β` of the network's own velocity in the tangent, in `[0, 1]`.
    pub control: f64,
    /// Whether that velocity is of the first moving average, not of the network as it is.
    pub averaged: bool,
    /// A term near the diagonal.
    pub anchor: Option<Anchor>,
    /// Limits of the derivative.
    pub tangent: Tangent,
}

/// The term `λ |v_{s,s+δ}(I_s) - I'_s|²` with `δ` uniform between two lengths, and at most `t - s`: it holds short maps to the
/// velocity. It is biased by half a derivative times `δ`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The weight `λ`.
    pub weight: f64,
    /// The shortest and the longest time `δ`.
    pub lengths: [f64; 2],
}

/// Limits of `g = v_{s,t} - I'_s - (t-s)(∂_s v + ∇v ṽ)`, along which `v_{s,t}` is trained.
///
/// First the derivative in it is multiplied by `min(1, k / warm_up)` at step `k`; then `g` becomes `g / (rms(g) + normalize)`
/// sample by sample; then each coordinate is clamped to `[-clamp, clamp]`. The last two also move the minimum, unless `g` is
/// symmetric about 0 there: then its mean stays 0.
///
/// Source: C. Lu, Y. Song, Simplifying, stabilizing and scaling continuous-time consistency models, arXiv 2410.11081 (warm-up of
/// 10,000 steps, normalization by 0.1); FACM, arXiv 2507.03738 (clamp to 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tangent {
    /// The steps until the derivative counts fully; 0 for none.
    pub warm_up: u64,
    /// The constant of the normalization, if there is one.
    pub normalize: Option<f64>,
    /// The largest value of a coordinate, if there is one.
    pub clamp: Option<f64>,
}

impl Tangent {
    /// The share of the derivative at step `k`.
    fn share(&self, k: u64) -> f64 {
        if k >= self.warm_up { 1.0 } else { k as f64 / self.warm_up as f64 }
    }

    /// Whether `g` has limits.
    fn limits(&self) -> bool {
        self.normalize.is_some() || self.clamp.is_some()
    }

    /// `g` within its limits.
    fn limited<X: Tensor>(&self, g: X) -> X {
        let g = match self.normalize {
            None => g,
            Some(constant) => {
                let coordinates = g.shape().last().copied().unwrap_or(1);
                let rms = g.dot(&g).scale(1.0 / coordinates as f64).sqrt();
                g.scaled(&rms.shift(constant).recip())
            }
        };
        match self.clamp {
            None => g,
            Some(most) => g.min(&g.constant(most)).max(&g.constant(-most)),
        }
    }
}

impl MeanFlow {
    /// With the network's own velocity in the derivative: improved MeanFlow, arXiv 2512.02012.
    #[must_use]
    pub fn improved() -> Self {
        Self { control: 1.0, ..Self::default() }
    }

    /// Its name with its numbers.
    pub(super) fn described(&self) -> String {
        let Self { control, averaged, anchor, tangent } = self;
        format!("mean-flow control {control:?} averaged {averaged} anchor {anchor:?} {tangent:?}")
    }

    /// What it needs besides the network.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let own = self.control > 0.0;
        Needs { velocity: true, start_derivative: true, diagonal: own, average: own && self.averaged, ..Needs::default() }
    }

    /// The residual `r`.
    ///
    /// # Panics
    /// If the context lacks the velocity of the sample, or an average that is asked for.
    pub fn residual<X: Tensor>(&self, context: &Context<'_, X>) -> X {
        let Context { s, t, x, live, fixed, .. } = *context;
        let velocity = sample(context);
        let along = if self.control == 0.0 {
            velocity.clone()
        } else {
            let known =
                if self.averaged { context.average.expect("a moving average, which this objective follows") } else { fixed };
            velocity.scale(1.0 - self.control) + known.average_velocity(s, s, x).scale(self.control)
        };
        // v_{s,t} and ∂_s v + ∇v ṽ at once
        let constant = |x: &X| Dual::constant(x.clone());
        let moved = Dual::new(s.clone(), s.constant(1.0));
        let both: Dual<X> = fixed.average_velocity(&moved, &constant(t), &Dual::new(x.clone(), along));
        let rate = both.tangent().scaled(&(t.clone() - s)).scale(self.tangent.share(context.step));
        let v = both.value();
        let target = if self.tangent.limits() {
            v.minus(&self.tangent.limited(v.minus(velocity).minus(&rate)))
        } else {
            velocity.plus(&rate)
        };
        live.average_velocity(s, t, x).minus(&target.frozen())
    }

    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the first that is not.
    pub fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("mean flow", reason));
        if !(0.0..=1.0).contains(&self.control) {
            return invalid(format!("a control of {}; it is a share in [0, 1]", self.control));
        }
        if self.averaged && self.control == 0.0 {
            return invalid("an average that a control of 0 does not use; set the control, or averaged to false".into());
        }
        if let Some(Anchor { weight, lengths: [shortest, longest] }) = self.anchor
            && !(weight > 0.0 && weight.is_finite() && shortest >= 0.0 && shortest <= longest && longest.is_finite())
        {
            let reason = format!("an anchor of weight {weight} over {shortest} to {longest}; both are positive, in order");
            return invalid(reason);
        }
        let positive = |what: &str, value: Option<f64>| match value {
            Some(value) if !(value > 0.0 && value.is_finite()) => invalid(format!("{what} {value}; it is positive and finite")),
            _ => Ok(()),
        };
        positive("the constant of the normalization is", self.tangent.normalize)?;
        positive("the clamp is", self.tangent.clamp)
    }
}

impl<T: Tensor<Primal = T>> Objective<T> for MeanFlow {
    fn name(&self) -> String {
        self.described()
    }
    fn needs(&self) -> Needs {
        self.needs()
    }
    fn check(&self) -> Result<()> {
        self.check()
    }
    fn terms(&self, context: &Context<'_, Var<T>>) -> Vec<Term<Var<T>>> {
        let mut terms = vec![Term::new(self.residual(context))];
        if let Some(anchor) = self.anchor {
            terms.push(Term { weight: anchor.weight, residual: anchor.residual(context) });
        }
        terms
    }
}

impl Anchor {
    /// `v_{s,s+δ}(I_s) - I'_s`, with the share of the context between the two lengths.
    ///
    /// # Panics
    /// If the context lacks the velocity of the sample.
    pub fn residual<X: Tensor>(&self, context: &Context<'_, X>) -> X {
        let Context { s, t, share, x, .. } = *context;
        let [shortest, longest] = self.lengths;
        let length = share.scale(longest - shortest).shift(shortest);
        let near = (t.clone() - s).min(&length).max(&(-length));
        context.live.average_velocity(s, &(s.clone() + &near), x).minus(sample(context))
    }
}

/// The velocity of the sample.
fn sample<'a, X: Tensor>(context: &'a Context<'_, X>) -> &'a X {
    context.velocity.as_ref().expect("the velocity of a sample, from which this objective learns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused() {
        let with = |control, averaged, anchor, tangent| MeanFlow { control, averaged, anchor, tangent };
        let (none, limits) = (None, Tangent::default());
        let anchor = |weight, lengths| Some(Anchor { weight, lengths });
        let refused = [
            with(1.1, false, none, limits),
            with(f64::NAN, false, none, limits),
            with(0.0, true, none, limits),
            with(0.0, false, anchor(0.0, [0.0, 0.1]), limits),
            with(0.0, false, anchor(0.5, [0.2, 0.1]), limits),
            with(0.0, false, anchor(0.5, [-0.1, 0.1]), limits),
            with(0.0, false, none, Tangent { normalize: Some(0.0), ..limits }),
            with(0.0, false, none, Tangent { clamp: Some(f64::NAN), ..limits }),
        ];
        assert!(refused.iter().all(|objective| objective.check().is_err()));
        let most = with(1.0, true, anchor(0.5, [1e-4, 1e-2]), Tangent { warm_up: 10, normalize: Some(0.1), clamp: Some(1.0) });
        assert!(most.check().is_ok() && MeanFlow::default().check().is_ok());
    }

    #[test]
    fn the_derivative_warms_up() {
        let limits = Tangent { warm_up: 10, ..Tangent::default() };
        assert_eq!([0, 5, 10, 99].map(|k| limits.share(k)), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(Tangent::default().share(0), 1.0);
    }
}
