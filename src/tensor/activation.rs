//! Elementwise nonlinearities of the form `x σ(p(x))`.

use crate::Number;

/// A smooth activation function `f(x) = x σ(p(x))` with the logistic function `σ` and an odd polynomial `p`.
///
/// | value | `p(x)` | reference |
/// |---|---|---|
/// | [`Gelu`](Activation::Gelu) | `√(8/π) (x + 0.044715 x³)` | Hendrycks and Gimpel, arXiv 1606.08415: the tanh form, exactly |
/// | [`Silu`](Activation::Silu) | `x` | Elfwing, Uchibe and Doya, arXiv 1702.03118 |
///
/// The recipes below are generic over [`Number`]; backends fuse them into one pass.
///
/// ```
/// use flowmap::Activation;
/// assert_eq!(Activation::Silu.value(&0.0), 0.0);
/// assert!((Activation::Gelu.slope(&0.0) - 0.5_f64).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Activation {
    /// The Gaussian error linear unit, in its tanh form.
    Gelu,
    /// The sigmoid linear unit, also called swish.
    Silu,
}

impl Activation {
    /// `(a, b)` of `p(x) = a x + b x³`.
    #[inline(always)]
    pub(crate) fn inner(self) -> (f64, f64) {
        match self {
            // √(8/π) and √(8/π) · 0.044715
            Self::Gelu => (1.595_769_121_605_731, 0.071_354_816_272_600_25),
            Self::Silu => (1.0, 0.0),
        }
    }

    /// `f(x)`.
    pub fn value<N: Number>(self, x: &N) -> N {
        sigmoid(&self.parts(x).0) * x
    }

    /// `f'(x) = σ + x σ(1-σ) p'`.
    pub fn slope<N: Number>(self, x: &N) -> N {
        let (p, dp, _) = self.parts(x);
        let s = sigmoid(&p);
        let q = s.clone() * sigmoid(&-p); // 1 - σ, without cancellation
        s + q * x * dp
    }

    /// `f''(x) = σ(1-σ) (2 p' + x (1-2σ) p'² + x p'')`.
    pub fn curvature<N: Number>(self, x: &N) -> N {
        let (p, dp, ddp) = self.parts(x);
        let s = sigmoid(&p);
        let q = s.clone() * sigmoid(&-p); // 1 - σ, without cancellation
        let turn = s.scale(-2.0).shift(1.0) * &dp * &dp + ddp;
        q * (dp.scale(2.0) + turn * x)
    }

    /// `p`, `p'` and `p''`.
    fn parts<N: Number>(self, x: &N) -> (N, N, N) {
        let (a, b) = self.inner();
        let square = x.clone() * x;
        (square.scale(b).shift(a) * x, square.scale(3.0 * b).shift(a), x.scale(6.0 * b))
    }
}

fn sigmoid<N: Number>(x: &N) -> N {
    (-x.clone()).exp().shift(1.0).recip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    #[test]
    fn slope_and_curvature_are_the_derivatives() {
        for f in [Activation::Gelu, Activation::Silu] {
            for x in [-6.0, -1.3, 0.0, 0.4, 2.0, 9.0_f64] {
                let moving = Dual::new(x, 1.0);
                assert!((f.value(&moving).tangent() - f.slope(&x)).abs() < 1e-14);
                assert!((f.slope(&moving).tangent() - f.curvature(&x)).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn gelu_is_the_tanh_form() {
        for x in [-3.0, -0.5, 1.0, 4.0_f64] {
            let tanh = ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh();
            assert!((Activation::Gelu.value(&x) - 0.5 * x * (1.0 + tanh)).abs() < 1e-15);
        }
    }
}
