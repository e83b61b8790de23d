//! Adam and its rectified form.

use super::{Optimizer, Parameter, Step, check_decays};
use crate::{AdamStep, Error, Result, Tensor};
use serde::{Deserialize, Serialize};

/// Adam: the mean gradient over the root of the mean square.
///
/// With a [weight decay](crate::learn::Settings::weight_decay), which does not enter the moments, it is AdamW.
///
/// Source: D. Kingma, J. Ba, arXiv 1412.6980; I. Loshchilov, F. Hutter, Decoupled Weight Decay Regularization, arXiv 1711.05101;
/// L. Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, arXiv 1908.03265.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// The decays of the mean and of the mean square, in `[0, 1)`: 0.9 and 0.999. A smaller second one, such as 0.99, forgets
    /// large gradients sooner.
    pub betas: [f64; 2],
    /// The number added to the root of the mean square, positive: 1e-8.
    pub epsilon: f64,
    /// Whether the denominator enters only once its variance is known (RAdam): a warm-up without settings.
    pub rectified: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { betas: [0.9, 0.999], epsilon: 1e-8, rectified: false }
    }
}

impl Adam {
    /// Rectified Adam.
    #[must_use]
    pub fn rectified() -> Self {
        Self { rectified: true, ..Self::default() }
    }

    /// The scalars of a step.
    ///
    /// ```
    /// use flowmap::learn::{Adam, Step};
    /// let step = |number| Step::new(number, 1e-3);
    /// assert!(Adam::rectified().scalars(&step(0)).second_correction.is_none()); // not yet adaptive
    /// assert!(Adam::rectified().scalars(&step(9)).second_correction.is_some());
    /// ```
    #[must_use]
    pub fn scalars(&self, step: &Step) -> AdamStep {
        let n = (step.number + 1) as f64;
        let [b1, b2] = self.betas.map(|b| b.powf(n));
        let adaptive = Some(1.0 / (1.0 - b2));
        let (rate, second_correction) = if self.rectified {
            let longest = 2.0 / (1.0 - self.betas[1]) - 1.0;
            let length = longest - 2.0 * n * b2 / (1.0 - b2);
            let shape = |r: f64| (r - 4.0) * (r - 2.0) / r;
            if length >= 5.0 { (step.rate * (shape(length) / shape(longest)).sqrt(), adaptive) } else { (step.rate, None) }
        } else {
            (step.rate, adaptive)
        };
        AdamStep {
            rate,
            betas: self.betas,
            epsilon: self.epsilon,
            first_correction: 1.0 / (1.0 - b1),
            second_correction,
            gradient_scale: step.gradient_scale,
        }
    }

    pub(super) fn checked(&self) -> Result<()> {
        check_decays("betas of Adam", &self.betas)?;
        if self.rectified && self.betas[1] <= 2.0 / 3.0 {
            let reason = format!("the second is {}; rectified Adam needs more than 2/3", self.betas[1]);
            return Err(Error::invalid("betas of Adam", reason));
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(Error::invalid("epsilon of Adam", format!("{} is not a positive number", self.epsilon)));
        }
        Ok(())
    }
}

impl<T: Tensor<Primal = T>> Optimizer<T> for Adam {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn begin(&self, _name: &str, value: &T) -> Vec<(&'static str, T)> {
        ["first", "second"].map(|moment| (moment, value.constant(0.0))).into()
    }
    fn update(&self, Parameter { value, gradient, state, .. }: Parameter<'_, T>, step: &Step) {
        step.decay(value);
        value.adam(state.try_into().expect("Adam begins with two moments"), gradient, self.scalars(step));
    }
    fn check(&self) -> Result<()> {
        self.checked()
    }
}
