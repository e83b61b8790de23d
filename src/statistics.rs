//! Means of samples, with their standard errors.

/// A number estimated from samples, with its standard error.
///
/// ```
/// use flowmap::statistics::Estimate;
/// let mean = Estimate::mean(&[1.0, 2.0, 3.0]);
/// assert_eq!(mean.value, 2.0);
/// assert!((mean.standard_error - (1.0_f64 / 3.0).sqrt()).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// The standard deviation that the estimate would have over repeated samples.
    pub standard_error: f64,
}

impl Estimate {
    /// The mean of independent numbers: NaN for none; its standard error is NaN for fewer than two.
    pub fn mean(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - value) * (x - value)).sum();
        Self { value, standard_error: (squares / (n * (n - 1.0))).sqrt() }
    }

    /// The root mean square `√(mean x²)`, with a standard error by the delta method: that of the mean square, times the
    /// derivative of the root.
    ///
    /// ```
    /// use flowmap::statistics::Estimate;
    /// assert_eq!(Estimate::rms(&[3.0, -3.0, 3.0]).value, 3.0);
    /// assert_eq!(Estimate::rms(&[0.0, 0.0]).standard_error, 0.0);
    /// ```
    pub fn rms(values: &[f64]) -> Self {
        let squares: Vec<f64> = values.iter().map(|x| x * x).collect();
        Self::mean(&squares).sqrt()
    }

    /// The square root, by the delta method; for 0, both numbers are 0.
    #[must_use]
    pub fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        Self { value, standard_error: if value > 0.0 { 0.5 * self.standard_error / value } else { 0.0 } }
    }

    /// The upper confidence bound `value + z · standard error`: not below the true number with probability `Φ(z)`, if there are
    /// enough samples for the mean to be normally distributed.
    pub fn above(&self, z: f64) -> f64 {
        self.value + z * self.standard_error
    }
}

/// `z` with `Φ(z) = probability`, for probabilities from 1/2 to below 1.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    let above = |z: f64| 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if above(middle) > 1.0 - probability { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_quantiles() {
        for (probability, z) in
            [(0.5, 0.0), (0.95, 1.644_853_626_951_472_2), (0.99, 2.326_347_874_040_841), (0.999, 3.090_232_306_167_813)]
        {
            assert!((normal_quantile(probability) - z).abs() < 1e-12, "{probability}");
        }
    }

    #[test]
    fn the_error_of_a_root_mean_square_by_its_definition() {
        let x = [1.0, -2.0, 0.5, 3.0, 0.0];
        let (found, squares) = (Estimate::rms(&x), Estimate::mean(&x.map(|x| x * x)));
        assert!((found.value * found.value - squares.value).abs() < 1e-14);
        assert!((found.standard_error * 2.0 * found.value - squares.standard_error).abs() < 1e-14);
        assert!((found.above(2.0) - found.value - 2.0 * found.standard_error).abs() < 1e-15);
    }
}
