//! Transport by mixing two densities.

use super::{ExactFlow, exact_flow, setting::finite};
use crate::{Error, Num, Number, Ode, Result};

/// The flow on the line along which one logistic distribution fades into another: at time `t` it has the density
/// `ρ_t = (1 - t) ρ0 + t ρ1` and the distribution function `F_t = (1 - t) F0 + t F1`.
///
/// The logistic distribution around `m` has `F(x) = 1 / (1 + e^(m - x))`. The density falls around one centre and grows around
/// the other, so points between them move fast.
///
/// - velocity: `b_t(x) = (F0(x) - F1(x)) / ρ_t(x)`
/// - flow: `F_t⁻¹ ∘ F_s`; the inverse solves a quadratic equation for `e^-x`
/// - Jacobian: `ρ_s(x) / ρ_t(X)`
/// - domain: the whole line, times in `[0, 1]`
///
/// ```
/// use flowmap::{FlowMap, exact::DensityMixing};
/// let fade = DensityMixing::new([-1.0, 3.0])?;
/// assert!((fade.flow(&0.0, &1.0, &[0.5])[0] - 4.5_f64).abs() < 1e-14); // the same shape, further on
/// assert!((fade.flow(&0.0, &0.5, &[-1.0])[0] - -1.0_f64).abs() > 1.0);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: B. Dacorogna, J. Moser, On a partial differential equation involving the Jacobian determinant, Ann. Inst. Henri
/// Poincaré C 7(1), 1990, for the flow that mixes densities, in any dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DensityMixing {
    middle: f64,
    /// `e^(m - middle)` of both distributions: the inverse of each other.
    odds: [f64; 2],
}

impl DensityMixing {
    /// From the logistic distribution around `centers[0]` to the one around `centers[1]`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite and less than 200 apart; beyond that, the probability between them underflows.
    pub fn new(centers: [f64; 2]) -> Result<Self> {
        finite("center", &centers)?;
        let half = 0.5 * (centers[1] - centers[0]);
        if half.abs() >= 100.0 {
            return Err(Error::invalid(
                "centers",
                format!("{} and {} are too far apart; take a distance below 200", centers[0], centers[1]),
            ));
        }
        Ok(Self { middle: 0.5 * centers[0] + 0.5 * centers[1], odds: [(-half).exp(), half.exp()] })
    }

    /// `e^(middle - x)`.
    fn height<N: Number>(&self, x: &Num<N>) -> Num<N> {
        (self.middle - x).exp()
    }

    /// `1 + A y` for the odds `A` of both distributions.
    fn factors<N: Number>(&self, y: &Num<N>) -> [Num<N>; 2] {
        self.odds.map(|odds| 1.0 + odds * y)
    }

    /// `ρ_t / y`, times the square of both factors.
    fn weight<N: Number>(&self, t: &Num<N>, [first, second]: &[Num<N>; 2]) -> Num<N> {
        (1.0 - t) * (self.odds[0] * second.powi(2)) + t * (self.odds[1] * first.powi(2))
    }

    /// `F_t / (1 - F_t)` at `x`: a quotient of sums of positive terms, accurate in both tails.
    fn ratio<N: Number>(&self, t: &Num<N>, x: &Num<N>) -> Num<N> {
        let y = self.height(x);
        let [first, second] = self.factors(&y);
        let below = (1.0 - t) * &second + t * &first;
        let above = (1.0 - t) * (self.odds[0] * second) + t * (self.odds[1] * first);
        below / (above * y)
    }

    /// The point at which `F_t / (1 - F_t)` is `ratio`.
    fn quantile<N: Number>(&self, t: &Num<N>, ratio: &Num<N>) -> Num<N> {
        // r y² + 2 b y - 1 = 0
        let share = |first: f64, second: f64| (1.0 - t) * first + t * second;
        let [first, second] = self.odds;
        let b = (ratio * share(first, second) - share(second, first)) / 2.0;
        let root = (&b * &b + ratio).sqrt();
        // the form of the positive solution that does not cancel
        let falls = b.lt(0.0);
        let size = falls.select(-&b, &b) + root;
        let y = falls.select(&size / ratio, 1.0 / &size);
        self.middle - y.ln()
    }

    /// `ρ_t(x)`.
    fn density<N: Number>(&self, t: &Num<N>, x: &Num<N>) -> Num<N> {
        let y = self.height(x);
        let factors = self.factors(&y);
        self.weight(t, &factors) * y / (&factors[0] * &factors[1]).powi(2)
    }
}

impl Ode<1> for DensityMixing {
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let factors = self.factors(&self.height(x));
        [(self.odds[1] - self.odds[0]) * (&factors[0] * &factors[1]) / self.weight(t, &factors)]
    }
}

impl ExactFlow<1> for DensityMixing {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.quantile(t, &self.ratio(s, x))]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let end = self.quantile(t, &self.ratio(s, x));
        [[self.density(s, x) / self.density(t, &end)]]
    }

    fn domain(&self, s: f64, t: f64, _x: &[f64; 1]) -> Result<()> {
        match [s, t].into_iter().find(|time| !(0.0..=1.0).contains(time)) {
            Some(time) => Err(Error::invalid("time", format!("there is no distribution at {time}; take times in [0, 1]"))),
            None => Ok(()),
        }
    }
}

exact_flow!(DensityMixing, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn it_carries_the_distribution_function() {
        let fade = DensityMixing::new([1.0, -2.0]).unwrap();
        let cdf = |t: f64, x: f64| (1.0 - t) / (1.0 + (1.0 - x).exp()) + t / (1.0 + (-2.0 - x).exp());
        for x in [-4.0, -1.0, 0.0, 3.0] {
            let [y] = fade.flow(&0.2, &0.7, &[x]);
            assert!((cdf(0.7, y) - cdf(0.2, x)).abs() < 1e-15, "{x}: {y}");
        }
    }

    #[test]
    fn the_tails_keep_their_digits() {
        let fade = DensityMixing::new([-1.0, 1.0]).unwrap();
        for x in [-300.0, -40.0, 40.0, 300.0] {
            let [y] = fade.flow(&0.25, &1.0, &[x]);
            let [back] = fade.flow(&1.0, &0.25, &[y]);
            assert!((back - x).abs() < 1e-14 * f64::abs(x), "{x} to {y} to {back}");
        }
    }

    #[test]
    fn times_without_a_distribution_and_settings_without_meaning_are_refused() {
        let fade = DensityMixing::new([-1.0, 1.0]).unwrap();
        assert!(fade.try_flow(&0.0, &1.1, &[0.0]).unwrap_err().to_string().contains("no distribution at 1.1"));
        assert!(DensityMixing::new([0.0, 200.0]).is_err() && DensityMixing::new([f64::NAN, 0.0]).is_err());
    }
}
