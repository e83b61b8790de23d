//! Step size controllers.

use crate::{
    Error, Result,
    number::{Mask, Number},
};

/// Chooses step sizes from the sizes of errors, in units of the tolerance.
///
/// With the error `r_n` of this step and `r_(n-1)`, `r_(n-2)` of the two before, and with `k` one more than the order of the
/// estimate, an accepted step is followed by one that is `safety · r_n^(-β₁/k) r_(n-1)^(-β₂/k) r_(n-2)^(-β₃/k)` times as long;
/// a rejected one is repeated with `safety · r_n^(-1/k)` times its length; both within limits.
///
/// [`integral`](Self::integral) (I) control reacts only to this error, and is the cheapest where steps are smooth.
/// [`proportional_integral`](Self::proportional_integral) (PI) control, the default, avoids the oscillations and rejected steps
/// of I control where stability limits the step size. [`new`](Self::new) takes any coefficients (PID).
///
/// ```
/// use flowmap::solver::{Adaptive, Controller, DOPRI5};
/// let smooth = Adaptive::new(DOPRI5)?.controller(Controller::new(0.7, -0.4, 0.0)?.limits(0.1, 5.0)?);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, section IV.2; G. Söderlind, Digital filters in
/// adaptive time-stepping, ACM Transactions on Mathematical Software 29 (2003).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Controller {
    coefficients: [f64; 3],
    safety: f64,
    shrink: f64,
    grow: f64,
}

/// Of 0.8 to 0.9, the best value for the Lorenz system, a mixture's probability flow and Arenstorf's orbit: fewer rejected
/// steps make up for slightly shorter ones.
const SAFETY: f64 = 0.82;

/// In later steps, errors below 1e-4 count as this much, in logarithms: one step that was exact by chance says little.
const SMALLEST_LOG: f64 = -9.210_340_371_976_182;

impl Default for Controller {
    fn default() -> Self {
        Self::proportional_integral()
    }
}

impl Controller {
    /// With coefficients `β₁`, `β₂`, `β₃`; the last two are the memory of earlier errors.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless they are finite, and their sum and the first are positive.
    pub fn new(first: f64, second: f64, third: f64) -> Result<Self> {
        let coefficients = [first, second, third];
        let sum: f64 = coefficients.iter().sum();
        if !(sum > 0.0 && sum.is_finite() && first > 0.0) {
            let reason =
                format!("of the coefficients {coefficients:?} the sum or the first is not positive: errors would let steps grow");
            return Err(Error::invalid("controller", reason));
        }
        Ok(Self { coefficients, ..Self::integral() })
    }

    /// I control: `β = (1, 0, 0)`.
    pub const fn integral() -> Self {
        Self { coefficients: [1.0, 0.0, 0.0], safety: SAFETY, shrink: 0.2, grow: 10.0 }
    }

    /// PI control with the coefficients of DOPRI5, `β = (0.85, -0.2, 0)`, whose safety factor is 0.9.
    pub const fn proportional_integral() -> Self {
        Self { coefficients: [0.85, -0.2, 0.0], ..Self::integral() }
    }

    /// PID control with the coefficients of Söderlind's filter H312, `β = (1/18, 1/9, 1/18)`, which smooths the steps of rough
    /// problems.
    pub const fn filter() -> Self {
        Self { coefficients: [1.0 / 18.0, 1.0 / 9.0, 1.0 / 18.0], ..Self::integral() }
    }

    /// With step sizes that change at least by the factor `shrink` and at most by `grow`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `0 < shrink < 1 < grow`.
    pub fn limits(self, shrink: f64, grow: f64) -> Result<Self> {
        if !(0.0 < shrink && shrink < 1.0 && 1.0 < grow && grow.is_finite()) {
            return Err(Error::invalid("step size limits", format!("0 < {shrink} < 1 < {grow} does not hold")));
        }
        Ok(Self { shrink, grow, ..self })
    }

    /// With a safety factor, by which every step is shorter than the error would allow.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it lies in `(0, 1]`.
    pub fn safety(self, safety: f64) -> Result<Self> {
        if !(0.0 < safety && safety <= 1.0) {
            return Err(Error::invalid("safety factor", format!("{safety} is not in (0, 1]")));
        }
        Ok(Self { safety, ..self })
    }

    /// The logarithms from which the factors are computed, for an estimate of order `k - 1`.
    pub(super) fn gains(&self, k: f64) -> Gains {
        let [first, second, third] = self.coefficients.map(|c| -c / k);
        Gains { first, second, third, again: -1.0 / k, safety: self.safety.ln(), shrink: self.shrink.ln(), grow: self.grow.ln() }
    }
}

/// The coefficients of a controller, ready for use: factors are computed as logarithms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gains {
    first: f64,
    second: f64,
    third: f64,
    again: f64,
    safety: f64,
    shrink: f64,
    grow: f64,
}

impl Gains {
    /// The factor for the step size after an error of size `ratio`; a NaN shrinks it as far as allowed.
    #[inline(always)]
    pub fn factor<N: Number>(&self, memory: &mut Memory<N>, ratio: &N, accepted: &N::Mask) -> N {
        let zero = ratio.constant(0.0);
        let now = ratio.max(&ratio.constant(1e-10)).ln();
        let mut rise = now.scale(self.first) + memory.last.scale(self.second);
        if self.third != 0.0 {
            rise = rise + memory.before.scale(self.third);
            memory.before = N::select(accepted, &memory.last, &memory.before);
        }
        // grow again only after a step that was accepted at the first attempt
        let limit = N::select(&memory.rejected, &zero, &ratio.constant(self.grow));
        // this order keeps NaN
        let fall = zero.min(&now.scale(self.again).shift(self.safety));
        let log = N::select(accepted, &rise.shift(self.safety).min(&limit), &fall);
        memory.last = N::select(accepted, &now.max(&ratio.constant(SMALLEST_LOG)), &memory.last);
        memory.rejected = accepted.not();
        // comparisons with NaN are false: they give the lowest factor
        let lowest = ratio.constant(self.shrink);
        N::select(&lowest.less(&log), &log, &lowest).exp()
    }
}

/// The controller's memory of previous steps: logarithms of their errors.
#[derive(Clone, Debug)]
pub(super) struct Memory<N: Number> {
    pub last: N,
    pub before: N,
    /// The longest step that is not probed, after a step that left room for a much longer one; none otherwise.
    pub unprobed: Option<N>,
    /// Where the last attempt was rejected.
    pub rejected: N::Mask,
}

impl<N: Number> Memory<N> {
    /// The memory as if steps with the smallest errors that count had preceded; in the shape of `time`.
    #[inline(always)]
    pub fn new(time: &N) -> Self {
        let last = time.constant(SMALLEST_LOG);
        Self { before: last.clone(), unprobed: None, rejected: last.less(&last), last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_those_of_dopri5() {
        let control = Controller::default().gains(5.0);
        let mut memory = Memory::new(&0.0);
        let first: f64 = control.factor(&mut memory, &0.5, &true);
        let expected = SAFETY * 0.5_f64.powf(-0.17) * 1e-4_f64.powf(0.04);
        assert!((first - expected).abs() < 1e-14, "{first} against {expected}");
        let second = control.factor(&mut memory, &0.25, &true);
        let expected = SAFETY * 0.25_f64.powf(-0.17) * 0.5_f64.powf(0.04);
        assert!((second - expected).abs() < 1e-14, "{second} against {expected}");
        let rejected = control.factor(&mut memory, &32.0, &false);
        assert!((rejected - 0.5 * SAFETY).abs() < 1e-14, "{rejected}");
        assert_eq!(control.factor(&mut memory, &1e-6, &true), 1.0, "no growth after a rejected step");
        assert!(control.factor(&mut memory, &1e-6, &true) > 5.0);
    }

    #[test]
    fn limits_hold_and_nan_shrinks() {
        let control = Controller::integral().limits(0.25, 4.0).unwrap().gains(5.0);
        let mut memory = Memory::new(&0.0);
        let mut factor = |ratio: f64| control.factor(&mut memory, &ratio, &(ratio < 1.0));
        assert!((factor(0.0) - 4.0).abs() < 1e-14);
        for ratio in [1e30, f64::INFINITY, f64::NAN] {
            assert!((factor(ratio) - 0.25).abs() < 1e-15);
        }
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(Controller::new(0.0, 0.0, 0.0).is_err() && Controller::new(f64::NAN, 1.0, 1.0).is_err());
        for (shrink, grow) in [(0.0, 2.0), (1.0, 2.0), (0.5, 1.0), (0.5, f64::INFINITY), (f64::NAN, 2.0)] {
            assert!(Controller::integral().limits(shrink, grow).is_err());
        }
        assert!(Controller::integral().safety(0.0).is_err() && Controller::integral().safety(1.5).is_err());
    }
}
