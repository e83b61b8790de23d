//! Probability flows that collapse onto a line or a point.

use super::{ExactFlow, exact_flow, matrix_of, setting::finite, sum};
use crate::{Error, Num, Number, Ode, Result, interpolant::Interpolant};
use std::array::from_fn;

/// The probability flow of an [interpolant](crate::interpolant) `α_t x0 + β_t x1` from `x0 ~ N(0, 1)` to data on a line,
/// `x1 ~ N(m, d dᵀ)`, or, with `d = 0`, at one point: a model of the collapse onto data on a manifold.
///
/// Let `P` be the projection onto `d` and `g = α² + β² |d|²`.
///
/// - velocity: `b_t(x) = β'_t m + ((g'/2g) P + (α'/α) (1 - P)) (x - β_t m)`
/// - flow: `β_t m + ((g(t)/g(s))^(1/2) P + (α_t/α_s) (1 - P)) (x - β_s m)`
/// - Jacobian: `(g(t)/g(s))^(1/2) P + (α_t/α_s) (1 - P)`
/// - domain: the whole space, from times `s` where `α_s > 0`. At `α_t = 0` all has collapsed onto the line: the flow reaches
///   it, but has no inverse there
///
/// ```
/// use flowmap::{FlowMap, exact::RankOne, interpolant::Linear};
/// let line = RankOne::new(Linear, [1.0, 0.0], [0.0, 2.0])?;
/// assert_eq!(line.flow(&0.0, &1.0, &[5.0, 0.5]), [1.0, 1.0]);
/// let error = line.try_flow(&1.0, &0.0, &[1.0, 1.0]).unwrap_err();
/// assert!(error.to_string().contains("collapsed"));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, Stochastic interpolants, arXiv 2303.08797, for the velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankOne<const D: usize, I> {
    interpolant: I,
    mean: [f64; D],
    direction: [f64; D],
}

impl<const D: usize, I: Interpolant> RankOne<D, I> {
    /// To data with mean `m`, spread along `d`, whose length is the standard deviation.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all are finite, and `D` at least 1.
    pub fn new(interpolant: I, mean: [f64; D], direction: [f64; D]) -> Result<Self> {
        if D == 0 {
            return Err(Error::invalid("dimension", "0 is too small; take 1 or more"));
        }
        finite("mean", &mean)?;
        finite("direction", &direction)?;
        Ok(Self { interpolant, mean, direction })
    }

    /// To the single point `m`: a Dirac measure.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is finite, and `D` at least 1.
    ///
    /// ```
    /// use flowmap::{FlowMap, exact::RankOne, interpolant::Linear};
    /// let point = RankOne::dirac(Linear, [3.0, -1.0])?;
    /// assert_eq!(point.flow(&0.0, &0.5, &[1.0, 1.0]), [2.0, 0.0]); // half the way
    /// assert_eq!(point.flow(&0.0, &1.0, &[1.0, 1.0]), [3.0, -1.0]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn dirac(interpolant: I, mean: [f64; D]) -> Result<Self> {
        Self::new(interpolant, mean, [0.0; D])
    }

    /// The interpolant.
    pub fn interpolant(&self) -> &I {
        &self.interpolant
    }

    /// `|d|²`.
    fn variance(&self) -> f64 {
        self.direction.iter().map(|d| d * d).sum()
    }

    /// `(along P + off (1 - P)) a`.
    fn stretched<N: Number>(&self, a: &[Num<N>; D], along: &Num<N>, off: &Num<N>) -> [Num<N>; D] {
        let variance = self.variance();
        if variance == 0.0 {
            return from_fn(|i| off * &a[i]);
        }
        let component = sum(a.iter().zip(&self.direction).map(|(a, &d)| d / variance * a));
        from_fn(|i| {
            let on_line = &component * self.direction[i];
            along * &on_line + off * (&a[i] - &on_line)
        })
    }

    /// `α α̃ + β β̃ |d|²`, of which `g` is the square and `g'/2` the product with the rates.
    fn form<N: Number>(&self, [a, b]: &[Num<N>; 2], [p, q]: &[Num<N>; 2]) -> Num<N> {
        a * p + b * q * self.variance()
    }

    /// `(g(t)/g(s))^(1/2)` and `α_t/α_s`.
    fn stretches<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> [Num<N>; 2] {
        let (from, to) = (self.interpolant.shares(s), self.interpolant.shares(t));
        [(self.form(&to, &to) / self.form(&from, &from)).sqrt(), &to[0] / &from[0]]
    }
}

impl<const D: usize, I: Interpolant> Ode<D> for RankOne<D, I> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let (shares, rates) = (self.interpolant.shares(t), self.interpolant.rates(t));
        let along = self.form(&shares, &rates) / self.form(&shares, &shares);
        let ([alpha, beta], [alpha_rate, beta_rate]) = (shares, rates);
        let distance = from_fn(|i| &x[i] - &beta * self.mean[i]);
        let pull = self.stretched(&distance, &along, &(alpha_rate / alpha));
        from_fn(|i| &beta_rate * self.mean[i] + &pull[i])
    }
}

impl<const D: usize, I: Interpolant> ExactFlow<D> for RankOne<D, I> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let [from, to] = [s, t].map(|time| self.interpolant.beta(time));
        let [along, off] = self.stretches(s, t);
        let distance = from_fn(|i| &x[i] - &from * self.mean[i]);
        let stretched = self.stretched(&distance, &along, &off);
        from_fn(|i| &to * self.mean[i] + &stretched[i])
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let [along, off] = self.stretches(s, t);
        matrix_of(s, |axis| self.stretched(axis, &along, &off))
    }

    fn domain(&self, s: f64, t: f64, _x: &[f64; D]) -> Result<()> {
        let [from, to] = [s, t].map(|time| self.interpolant.alpha(&Num(time)).0);
        if from == 0.0 {
            let reason =
                format!("at {s} the distribution has collapsed onto the data: no flow starts there; take an earlier start");
            return Err(Error::invalid("time", reason));
        }
        if !(from > 0.0 && to >= 0.0) {
            return Err(Error::invalid(
                "time",
                format!("time {} is beyond the collapse onto the data; take times before it", if from > 0.0 { t } else { s }),
            ));
        }
        Ok(())
    }
}

exact_flow!(RankOne<D, I>, D, [const D: usize, I: Interpolant]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        interpolant::{Linear, VariancePreserving},
    };

    #[test]
    fn the_collapse_has_no_inverse() {
        let line = RankOne::new(Linear, [1.0, -1.0, 0.0], [0.6, 0.0, 0.8]).unwrap();
        let end: [f64; 3] = line.try_flow(&0.0, &1.0, &[1.0, 2.0, 3.0]).unwrap();
        // (1, 2, 3) has component 3 along d, which has length 1
        for (found, expected) in end.iter().zip([1.0 + 0.6 * 3.0, -1.0, 0.8 * 3.0]) {
            assert!((found - expected).abs() < 1e-15, "{end:?}");
        }
        let [[a, b, c], [d, e, f], [g, h, i]] = line.jacobian(&0.0, &1.0, &[0.0; 3]);
        assert!((a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)).abs() < 1e-16, "singular");
        assert!(matches!(line.try_flow(&1.0, &0.5, &end), Err(Error::Invalid { what: "time", .. })));
        assert!(line.flow(&1.0, &0.5, &end).iter().any(|x| !x.is_finite()));
        assert!(line.try_flow(&0.0, &1.5, &end).unwrap_err().to_string().contains("1.5 is beyond"));
    }

    #[test]
    fn towards_a_point_the_way_is_straight() {
        let point = RankOne::dirac(Linear, [2.0]).unwrap();
        // t m + (1 - t)/(1 - s) (x - s m)
        assert!((point.flow(&0.25, &0.75, &[1.1])[0] - (1.5 + (1.1 - 0.5) / 3.0)).abs() < 1e-15);
        assert!(RankOne::dirac(VariancePreserving::default(), [2.0]).unwrap().try_flow(&0.0, &5.1, &[0.0]).is_err());
    }

    #[test]
    fn infinite_settings_are_refused() {
        assert!(RankOne::new(Linear, [f64::NAN], [1.0]).is_err() && RankOne::new(Linear, [0.0], [f64::INFINITY]).is_err());
        assert!(RankOne::dirac(Linear, []).is_err());
    }
}
