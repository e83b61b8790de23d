//! The report of a certificate.

use super::Bound;
use crate::statistics::Estimate;
use std::fmt;

/// The report of [`certify`](super::certify) on `X_{s,t}`. Displays as a table.
///
/// All bounds are on the same number, the root mean square of `|X_{s,t}(x) - x_t|` with `x_t` on the exact flow of the field.
/// It also bounds the Wasserstein distance `W_2` between the distributions of `X_{s,t}(x)` and of `x_t`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Certificate {
    /// The times `[s, t]`.
    pub times: [f64; 2],
    /// The number of samples.
    pub samples: usize,
    /// The confidence of the `upper` ends of the bounds.
    pub confidence: f64,
    /// The relative tolerance of the solver, if one computed the exact flow. Errors not well above it are the solver's.
    pub tolerance: Option<f64>,
    /// `∫_s^t L |dr|`: errors at `s` grow at most by its exponential.
    pub growth: f64,
    /// The error itself: `RMS|X_{s,t}(x) - x_t|`.
    pub error: Estimate,
    /// `W_2` between Gaussians fitted to the end points of both flows, with the features `train` and `nalgebra`: a lower bound
    /// on the distance between the distributions themselves (M. Gelbrich, Math. Nachr. 147, 1990), up to the scatter of the
    /// samples; the error is an upper bound.
    pub w2: Option<f64>,
    /// `RMS ∫ e^{∫_r^t L} |R_r(x)| dr`, with the Lagrangian residual: Gronwall's inequality path by path, the sharpest of the
    /// three.
    pub pathwise: Bound,
    /// `∫ e^{∫_r^t L} RMS|R_r| dr`, with the Lagrangian residual.
    pub lagrangian: Bound,
    /// `(|t - s| ∫ E|R_r|² dr)^(1/2)`, with the Eulerian residual on the exact flow. It needs no Lipschitz constant.
    pub eulerian: Bound,
    /// The samples with the largest bounds on their own errors, the largest first.
    pub worst: Vec<WorstPoint>,
    /// The residuals along the trajectories, at the nodes of the quadrature.
    pub profile: Vec<Moment>,
}

/// The residuals at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Moment {
    /// `r`, between `s` and `t`.
    pub time: f64,
    /// `RMS|R_r|` of the Lagrangian residual at `(s, r)`.
    pub lagrangian: f64,
    /// `RMS|R_r|` of the Eulerian residual at `(r, t)`.
    pub eulerian: f64,
    /// `L(r)`, as given or as estimated.
    pub lipschitz: f64,
}

/// A sample with one of the largest bounds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WorstPoint {
    /// The coordinates of the start.
    pub x: Vec<f64>,
    /// The time `r` at which `e^{∫_r^t L} |R_r(x)|` is largest.
    pub time: f64,
    /// `|R_r(x)|` then, with the Lagrangian residual.
    pub residual: f64,
    /// `∫ e^{∫_r^t L} |R_r(x)| dr`, which bounds this sample's error.
    pub bound: f64,
    /// The error itself.
    pub error: f64,
}

impl Certificate {
    /// The bounds by name: pathwise, Lagrangian, Eulerian.
    pub fn bounds(&self) -> [(&'static str, &Bound); 3] {
        [("pathwise", &self.pathwise), ("Lagrangian", &self.lagrangian), ("Eulerian", &self.eulerian)]
    }

    /// Whether every bound's upper end is at least the measured error, up to `slack`.
    ///
    /// This detects a given Lipschitz constant that is too small, and a wrong exact flow. Errors of the solver and rounding
    /// need some slack.
    pub fn holds(&self, slack: f64) -> bool {
        self.bounds().iter().all(|(_, bound)| self.error.value <= bound.upper + slack)
    }

    /// The bound divided by the error: 1 for a sharp bound, not finite where the error is 0.
    pub fn tightness(&self, bound: &Bound) -> f64 {
        bound.estimate.value / self.error.value
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [s, t] = self.times;
        write!(f, "X from {s} to {t}, {} samples, confidence {}, ∫ L = {:.4}, ", self.samples, self.confidence, self.growth)?;
        match self.tolerance {
            Some(tolerance) => writeln!(f, "against a solver of tolerance {tolerance:.0e}")?,
            None => writeln!(f, "against a given flow")?,
        }
        writeln!(f, "{:<12} {:>10} {:>10} {:>10} {:>10} {:>9}", "", "value", "± error", "quadrature", "upper", "× error")?;
        let Estimate { value, standard_error } = self.error;
        writeln!(f, "{:<12} {value:>10.3e} {standard_error:>10.1e}", "RMS error")?;
        if let Some(w2) = self.w2 {
            writeln!(f, "{:<12} {w2:>10.3e}", "fitted W2")?;
        }
        for (name, bound) in self.bounds() {
            let Estimate { value, standard_error } = bound.estimate;
            write!(f, "{name:<12} {value:>10.3e} {standard_error:>10.1e} {:>10.1e} ", bound.quadrature)?;
            writeln!(f, "{:>10.3e} {:>9.3}   {}", bound.upper, self.tightness(bound), bound.kind)?;
        }
        for WorstPoint { x, time, residual, bound, error } in &self.worst {
            let shown: Vec<_> = x.iter().take(4).map(|c| format!("{c:.4}")).collect();
            let rest = if x.len() > 4 { ", …" } else { "" };
            write!(f, "worst: x = ({}{rest}), residual {residual:.2e} at time {time:.3}, ", shown.join(", "))?;
            writeln!(f, "bound {bound:.2e}, error {error:.2e}")?;
        }
        Ok(())
    }
}
