//! Lion.

use super::{Optimizer, Parameter, Step, check_decays};
use crate::{Number, Result, Tensor};
use serde::{Deserialize, Serialize};

/// Lion: the sign of a mean gradient.
///
/// `x ← x - rate sign(β₁ m + (1-β₁) g)`, `m ← β₂ m + (1-β₂) g`. Every weight moves by the rate, which should therefore be three
/// to ten times smaller than Adam's.
///
/// Source: X. Chen et al., Symbolic Discovery of Optimization Algorithms, arXiv 2302.06675.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lion {
    /// The decays of the mean that decides, and of the mean that is kept, in `[0, 1)`: 0.9 and 0.99.
    pub betas: [f64; 2],
}

impl Default for Lion {
    fn default() -> Self {
        Self { betas: [0.9, 0.99] }
    }
}

impl Lion {
    pub(super) fn checked(&self) -> Result<()> {
        check_decays("betas of Lion", &self.betas)
    }
}

impl<T: Tensor<Primal = T>> Optimizer<T> for Lion {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn begin(&self, _name: &str, value: &T) -> Vec<(&'static str, T)> {
        vec![("mean", value.constant(0.0))]
    }
    fn update(&self, Parameter { value, gradient, state: mean, .. }: Parameter<'_, T>, step: &Step) {
        step.decay(value);
        let g = gradient.scale(step.gradient_scale);
        let [decides, kept] = self.betas.map(|beta| mean[0].clone().lerp(&g, 1.0 - beta));
        *value = sign(&decides).scale_onto(-step.rate, value.clone());
        mean[0] = kept;
    }
    fn check(&self) -> Result<()> {
        self.checked()
    }
}

/// 1, -1 or, for 0, 0.
fn sign<N: Number>(x: &N) -> N {
    let [zero, one] = [0.0, 1.0].map(|c| x.constant(c));
    N::select(&zero.less(x), &one, &N::select(&x.less(&zero), &x.constant(-1.0), &zero))
}
