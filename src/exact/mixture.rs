//! The probability flow from noise to a Gaussian mixture, on the line.

use super::{
    ExactFlow, exact_flow,
    setting::{finite, not_negative, positive},
    special::{
        normal::{ln_cdf, ln_density, ln_sum_exp},
        root::safe_newton,
    },
    sum,
};
use crate::{Error, Num, Number, Ode, Result, Value, interpolant::Interpolant};

/// The probability flow of an [interpolant](crate::interpolant) `α_t x0 + β_t x1` on the line, from `x0 ~ N(0, 1)` to a
/// Gaussian mixture `x1 ~ Σ w_k N(m_k, σ_k²)` or, with `σ_k = 0`, to data points: a known solution against which to test
/// generative models.
///
/// The distribution at time `t` is again a mixture: of `N(β_t m_k, v_k²)` with `v_k² = α_t² + β_t² σ_k²`. Let `ρ_t` be its
/// density and `F_t` its distribution function.
///
/// - velocity: `b_t(x) = Σ π_k (β'_t m_k + (v'_k/v_k) (x - β_t m_k))`, with the posterior probabilities `π_k` of the components
///   given `x`: the mean of `α'_t x0 + β'_t x1`, conditioned on the interpolant passing `x`
/// - flow: `F_t⁻¹ ∘ F_s`, since on the line a flow keeps the order of points
/// - Jacobian: `ρ_s(x) / ρ_t(X)`
/// - domain: the whole line; times where every `v_k > 0`: with data points, only times before the end
///
/// ```
/// use flowmap::{FlowMap, exact::{Component, Mixture}, interpolant::Linear};
/// let two = [-2.0, 2.0].map(|mean| Component { weight: 0.5, mean, deviation: 0.3 });
/// let model = Mixture::new(Linear, two.to_vec())?;
/// // what lies below the median of the noise goes to the left component: its own median is the noise's first quartile
/// let end = model.flow(&0.0, &1.0, &[-0.674_489_750_196_082_f64]);
/// assert!((end[0] + 2.0).abs() < 1e-10);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, Stochastic interpolants, arXiv 2303.08797, for the velocity; F.
/// Santambrogio, Optimal Transport for Applied Mathematicians, chapter 2, for the flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture<I> {
    interpolant: I,
    components: Vec<Component>,
}

/// One Gaussian of a [`Mixture`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// `w_k`, in any unit: a mixture normalizes by their sum.
    pub weight: f64,
    /// `m_k`.
    pub mean: f64,
    /// `σ_k`; 0 for a data point.
    pub deviation: f64,
}

/// The distribution at one time.
struct Distribution<N> {
    ln_weights: Vec<f64>,
    centers: Vec<Num<N>>,
    widths: Vec<Num<N>>,
}

impl<I: Interpolant> Mixture<I> {
    /// With these components.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there is a component, all numbers are finite, weights positive and deviations not negative.
    pub fn new(interpolant: I, components: Vec<Component>) -> Result<Self> {
        if components.is_empty() {
            return Err(Error::invalid("components", "there are none; give at least one"));
        }
        for component in &components {
            positive("weight", component.weight)?;
            finite("mean", &[component.mean])?;
            not_negative("deviation", component.deviation)?;
        }
        let sum: f64 = components.iter().map(|c| c.weight).sum();
        let share = |c: Component| Component { weight: c.weight / sum, ..c };
        Ok(Self { interpolant, components: components.into_iter().map(share).collect() })
    }

    /// From noise to data points of equal weight: the flow of the perfect denoiser of a data set, whose velocity is a softmax
    /// over the points.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there is a point and all are finite.
    ///
    /// ```
    /// use flowmap::{FlowMap, exact::Mixture, interpolant::Linear};
    /// let model = Mixture::empirical(Linear, &[-1.0, 0.5, 2.0])?;
    /// let nearly = model.flow(&0.0, &0.999, &[0.1])[0];
    /// assert!((nearly - 0.5_f64).abs() < 0.01); // the middle one of three
    /// assert!(model.try_flow(&0.0, &1.0, &[0.1]).is_err());
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn empirical(interpolant: I, points: &[f64]) -> Result<Self> {
        let components = points.iter().map(|&mean| Component { weight: 1.0, mean, deviation: 0.0 });
        Self::new(interpolant, components.collect())
    }

    /// The interpolant.
    pub fn interpolant(&self) -> &I {
        &self.interpolant
    }

    /// The components; their weights sum to 1.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// `ln ρ_t(x)`, the logarithm of the density of the distribution at time `t`.
    ///
    /// ```
    /// use flowmap::{exact::{Component, Mixture}, interpolant::Linear};
    /// let model = Mixture::new(Linear, vec![Component { weight: 1.0, mean: 3.0, deviation: 0.5 }])?;
    /// let at_the_mean: f64 = model.log_density(&1.0, &[3.0]);
    /// assert!((at_the_mean + (0.5 * std::f64::consts::TAU.sqrt()).ln()).abs() < 1e-15);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn log_density<N: Number>(&self, t: &N, [x]: &[N; 1]) -> N {
        self.distribution(&Num::from(t)).ln_density(&Num::from(x)).0
    }

    fn distribution<N: Number>(&self, t: &Num<N>) -> Distribution<N> {
        let (alpha, beta) = (self.interpolant.alpha(t), self.interpolant.beta(t));
        let width = |c: &Component| {
            let end = &beta * c.deviation;
            (&alpha * &alpha + &end * &end).sqrt()
        };
        Distribution {
            ln_weights: self.components.iter().map(|c| c.weight.ln()).collect(),
            centers: self.components.iter().map(|c| &beta * c.mean).collect(),
            widths: self.components.iter().map(width).collect(),
        }
    }
}

impl<N: Number> Distribution<N> {
    /// The standardized `x` in each component.
    fn scores(&self, x: &Num<N>) -> Vec<Num<N>> {
        self.centers.iter().zip(&self.widths).map(|(center, width)| (x - center) / width).collect()
    }

    /// The logarithm of each component's density at `x`.
    fn ln_densities(&self, x: &Num<N>) -> Vec<Num<N>> {
        let terms = self.scores(x).into_iter().zip(&self.widths).zip(&self.ln_weights);
        terms.map(|((score, width), &ln_weight)| ln_weight + ln_density(&score) - width.ln()).collect()
    }

    /// `ln ρ(x)`.
    fn ln_density(&self, x: &Num<N>) -> Num<N> {
        ln_sum_exp(&self.ln_densities(x))
    }

    /// `ln F(x)` and `ln(1 - F(x))`.
    fn ln_tails(&self, x: &Num<N>) -> [Num<N>; 2] {
        let scores = self.scores(x);
        [1.0, -1.0].map(|side| {
            let terms = scores.iter().zip(&self.ln_weights).map(|(score, &ln_weight)| ln_weight + ln_cdf(&(side * score)));
            ln_sum_exp(&terms.collect::<Vec<_>>())
        })
    }

    fn frozen(&self) -> Self {
        let frozen = |values: &[Num<N>]| values.iter().map(Num::frozen).collect();
        Self { ln_weights: self.ln_weights.clone(), centers: frozen(&self.centers), widths: frozen(&self.widths) }
    }

    /// The point below which this distribution has as much probability as `start` has below `x`.
    ///
    /// It equates the logarithms of the probability of the thinner tail: the other one has lost its digits to rounding.
    fn quantile(&self, start: &Self, x: &Num<N>) -> Num<N> {
        let tails = start.ln_tails(x);
        let below = tails[0].lt(&tails[1]);
        let newton = |distribution: &Self, tails: &[Num<N>; 2], y: &Num<N>| {
            let [lower, upper] = distribution.ln_tails(y);
            let excess = below.select(&lower - &tails[0], &tails[1] - &upper);
            let slope = (distribution.ln_density(y) - below.select(lower, upper)).exp();
            (y - &excess / slope, excess)
        };
        let (still, still_tails) = (self.frozen(), [tails[0].frozen(), tails[1].frozen()]);
        let [low, high] = still.bracket(&start.frozen().scores(&x.frozen()));
        let root = safe_newton(low, high, |y| newton(&still, &still_tails, y));
        // one Newton step on live values gives the first derivative, two give the first three
        let (near, _) = newton(self, &tails, &root);
        newton(self, &tails, &near).0
    }

    /// A bracket for the point whose probability below equals that of the scored point in its own distribution: over all
    /// components, the lowest point with the smallest score, and the highest point with the largest.
    fn bracket(&self, scores: &[Num<N>]) -> [Num<N>; 2] {
        [Number::min, Number::max].map(|extreme: fn(&Num<N>, &Num<N>) -> Num<N>| {
            let extreme = |a: Num<N>, b: Num<N>| extreme(&a, &b);
            let score = scores.iter().cloned().reduce(extreme).expect("a mixture has a component");
            let points = self.centers.iter().zip(&self.widths).map(|(center, width)| center + &score * width);
            points.reduce(extreme).expect("a mixture has a component")
        })
    }
}

impl<I: Interpolant> Ode<1> for Mixture<I> {
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        let (alpha, beta) = (self.interpolant.alpha(t), self.interpolant.beta(t));
        let [alpha_rate, beta_rate] = self.interpolant.rates(t);
        let distribution = self.distribution(t);
        let ln_densities = distribution.ln_densities(x);
        let ln_density = ln_sum_exp(&ln_densities);
        let terms = self.components.iter().zip(ln_densities).zip(distribution.centers.iter().zip(&distribution.widths));
        let velocities = terms.map(|((component, own), (center, width))| {
            let half_rate = &alpha * &alpha_rate + &beta * &beta_rate * component.deviation.powi(2); // of v²
            let stretch = half_rate / (width * width);
            let posterior = (own - &ln_density).exp();
            posterior * (&beta_rate * component.mean + stretch * (x - center))
        });
        [sum(velocities)]
    }
}

impl<I: Interpolant> ExactFlow<1> for Mixture<I> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.distribution(t).quantile(&self.distribution(s), x)]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        let (start, end) = (self.distribution(s), self.distribution(t));
        [[(start.ln_density(x) - end.ln_density(&end.quantile(&start, x))).exp()]]
    }

    fn domain(&self, s: f64, t: f64, _x: &[f64; 1]) -> Result<()> {
        for time in [s, t] {
            if self.distribution(&Num(time)).widths.iter().any(|width| !(width.0 > 0.0 && width.0.is_finite())) {
                let [start, end] = self.interpolant.span();
                let reason = format!(
                    "there is no density at {time}; take times in [{start}, {end}], before the end if there are data points"
                );
                return Err(Error::invalid("time", reason));
            }
        }
        Ok(())
    }
}

exact_flow!(Mixture<I>, 1, [I: Interpolant]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap, VelocityField,
        interpolant::{Linear, Trigonometric, VariancePreserving},
    };

    fn two() -> Mixture<Linear> {
        let left = Component { weight: 3.0, mean: -1.5, deviation: 0.4 };
        let right = Component { weight: 1.0, mean: 2.0, deviation: 0.7 };
        Mixture::new(Linear, vec![left, right]).unwrap()
    }

    #[test]
    fn one_component_is_a_gaussian_flow() {
        let model = Mixture::new(Trigonometric, vec![Component { weight: 2.0, mean: 3.0, deviation: 0.5 }]).unwrap();
        for x in [-40.0, -1.0, 0.0, 2.0, 30.0_f64] {
            assert!((model.flow(&0.0, &1.0, &[x])[0] - (3.0 + 0.5 * x)).abs() < 1e-14 * (1.0 + x.abs()), "{x}");
        }
    }

    #[test]
    fn it_carries_the_distribution_function() {
        let cdf = |z: f64| 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        for x in [-3.0, -0.5, 0.0, 0.5, 0.7, 1.0, 3.0] {
            let [y] = two().flow(&0.0, &1.0, &[x]);
            assert!((0.75 * cdf((y + 1.5) / 0.4) + 0.25 * cdf((y - 2.0) / 0.7) - cdf(x)).abs() < 1e-15, "{x}: {y}");
        }
    }

    #[test]
    fn the_tails_keep_their_digits() {
        // beyond 9 deviations probabilities round to 1, beyond 38 to 0; the round trip must not
        for x in [-60.0_f64, -12.0, -8.0, 8.0, 12.0, 60.0] {
            let [y] = two().flow(&0.0, &1.0, &[x]);
            let [back] = two().flow(&1.0, &0.0, &[y]);
            assert!((back - x).abs() < 1e-13 * x.abs(), "{x} to {y} to {back}");
        }
        // far up, only the wider component counts: its quantile, corrected for its weight
        let [y] = two().flow(&0.0, &1.0, &[60.0_f64]);
        assert!((y - (2.0 + 0.7 * (60.0 - 4.0_f64.ln() / 60.0))).abs() < 1e-4, "{y}");
    }

    #[test]
    fn the_velocity_of_data_points_is_that_of_the_softmax_denoiser() {
        let points = [-1.0, 0.3, 2.0];
        let (t, x) = (0.4_f64, 0.25);
        let weights = points.map(|p| (-0.5 * ((x - t * p) / (1.0 - t)).powi(2)).exp());
        let mean = (0..3).map(|k| weights[k] * points[k]).sum::<f64>() / weights.iter().sum::<f64>();
        let model = Mixture::empirical(Linear, &points).unwrap();
        assert!((model.velocity(&t, &[x])[0] - (mean - x) / (1.0 - t)).abs() < 1e-14);
    }

    #[test]
    fn times_without_a_density_are_refused() {
        let points = Mixture::empirical(Linear, &[0.0, 1.0]).unwrap();
        assert!(points.try_flow(&1.0, &0.5, &[0.0]).unwrap_err().to_string().contains("no density at 1"));
        assert!(two().try_flow(&1.0, &0.0, &[0.3]).is_ok());
        let model = Mixture::new(VariancePreserving::default(), two().components).unwrap();
        assert!(model.flow(&0.0, &5.1, &[0.0_f64])[0].is_nan() && model.try_flow(&0.0, &5.1, &[0.0]).is_err());
    }

    #[test]
    fn the_distribution_at_every_time_is_the_sum_over_components() {
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        for (t, x) in [(0.0_f64, 0.3_f64), (0.4, -1.0), (1.0, 1.7)] {
            let width = |deviation: f64| (1.0 - t).hypot(t * deviation);
            let part = |mean: f64, deviation: f64| density((x - t * mean) / width(deviation)) / width(deviation);
            let expected = 0.75 * part(-1.5, 0.4) + 0.25 * part(2.0, 0.7);
            assert!((two().log_density(&t, &[x]) - expected.ln()).abs() < 1e-14);
        }
    }

    #[test]
    fn what_is_no_mixture_is_refused() {
        assert!(Mixture::empirical(Linear, &[]).is_err() && Mixture::empirical(Linear, &[f64::NAN]).is_err());
        let good = Component { weight: 1.0, mean: 0.0, deviation: 1.0 };
        let refused = |bad| Mixture::new(Linear, vec![good, bad]).is_err();
        assert!(refused(Component { weight: 0.0, ..good }) && refused(Component { mean: f64::INFINITY, ..good }));
        assert!(refused(Component { deviation: -1.0, ..good }));
    }
}
