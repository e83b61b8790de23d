//! Projective Riccati equations in several dimensions.

use super::{
    ExactFlow, alive, exact_flow,
    expm::{Rows, exponential},
    matrix_of,
    setting::finite,
};
use crate::{Error, Num, Number, Ode, Result};

/// The projective Riccati equation with constant coefficients, in any dimension: its flow maps are projective transformations.
///
/// Let `M = e^(τ [[B, a], [-c, 0]])` with `τ = t - s`, in blocks.
///
/// - velocity: `b(x) = a + B x + x (c·x)`
/// - flow: `(M₁₁ x + M₁₂) / (M₂₁ x + M₂₂)`
/// - Jacobian: `(M₁₁ - X M₂₁) / (M₂₁ x + M₂₂)` with the flow `X`
/// - domain: a positive denominator from `s` to `t`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time
///
/// A denominator that has changed its sign may change it back. The time interval is therefore covered in steps of at most the
/// inverse of the largest row sum of the matrix, a third of the time that the fastest oscillation takes for half a turn; this
/// also keeps numbers from overflowing.
///
/// ```
/// use flowmap::{FlowMap, exact::ProjectiveRiccati};
/// // x' = 1 + x²: the tangent
/// let tangent = ProjectiveRiccati::new([1.0], [[0.0]], [1.0])?;
/// assert!((tangent.flow(&0.0, &1.5, &[0.0])[0] - 1.5_f64.tan()).abs() < 1e-12);
/// let error = tangent.try_flow(&0.0, &9.0, &[0.0_f64]).unwrap_err(); // gone at π/2
/// assert!(error.to_string().contains("blows up at time 1.57079632679"));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: W. T. Reid, Riccati Differential Equations, chapter 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProjectiveRiccati<const D: usize> {
    constant: [f64; D],
    linear: [[f64; D]; D],
    quadratic: [f64; D],
}

/// The projective transformation of one step, applied to one point.
struct Step<N, const D: usize> {
    end: [Num<N>; D],
    denominator: Num<N>,
}

impl<const D: usize> ProjectiveRiccati<D> {
    /// With the constant `a`, the matrix `B`, row by row, and the vector `c` of the quadratic term.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless every entry is finite.
    pub fn new(constant: [f64; D], linear: [[f64; D]; D], quadratic: [f64; D]) -> Result<Self> {
        finite("constant term", &constant)?;
        finite("linear term", linear.as_flattened())?;
        finite("quadratic term", &quadratic)?;
        Ok(Self { constant, linear, quadratic })
    }

    /// The matrix `[[B, a], [-c, 0]]`, row by row.
    fn generator(&self) -> Rows<f64> {
        let above = (0..D).map(|i| self.linear[i].iter().chain([&self.constant[i]]).copied().collect());
        above.chain([self.quadratic.iter().map(|c| -c).chain([0.0]).collect()]).collect()
    }

    /// The number of steps, one for a whole batch, and the matrix of a step.
    fn steps<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> (usize, Rows<Num<N>>) {
        let (generator, duration) = (self.generator(), t - s);
        let norm = generator.iter().map(|row| row.iter().map(|entry| entry.abs()).sum()).fold(0.0, f64::max);
        let longest = duration.0.values().into_iter().map(f64::abs).fold(0.0, f64::max);
        // an infinite duration leads nowhere: one step gives its NaNs
        let count = if (norm * longest).is_finite() { (norm * longest).ceil().max(1.0) } else { 1.0 };
        let step = duration / count;
        let matrix = generator.iter().map(|row| row.iter().map(|&entry| entry * &step).collect()).collect();
        (count as usize, exponential(matrix))
    }
}

impl<N: Number, const D: usize> Step<N, D> {
    fn new(matrix: &Rows<Num<N>>, x: &[Num<N>; D]) -> Self {
        let image = |row: &[Num<N>]| row.iter().zip(x).fold(row[D].clone(), |sum, (m, x)| sum + m * x);
        let denominator = alive(image(&matrix[D]));
        Self { end: std::array::from_fn(|i| image(&matrix[i]) / &denominator), denominator }
    }
}

impl<const D: usize> Ode<D> for ProjectiveRiccati<D> {
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let product = |row: &[f64; D]| row.iter().zip(x).fold(x[0].constant(0.0), |sum, (c, x)| sum + *c * x);
        std::array::from_fn(|i| self.constant[i] + product(&self.linear[i]) + &x[i] * product(&self.quadratic))
    }
}

impl<const D: usize> ExactFlow<D> for ProjectiveRiccati<D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let (count, matrix) = self.steps(s, t);
        (0..count).fold(x.clone(), |x, _| Step::new(&matrix, &x).end)
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let (count, matrix) = self.steps(s, t);
        let mut x = x.clone();
        let mut rows = matrix_of(s, <[Num<N>; D]>::clone);
        for _ in 0..count {
            let Step { end, denominator } = Step::new(&matrix, &x);
            let slope = |i: usize, j: usize| (&matrix[i][j] - &matrix[D][j] * &end[i]) / &denominator;
            rows = std::array::from_fn(|i| {
                std::array::from_fn(|j| (0..D).fold(x[i].constant(0.0), |sum, k| sum + slope(i, k) * &rows[k][j]))
            });
            x = end;
        }
        rows
    }

    fn domain(&self, s: f64, t: f64, x: &[f64; D]) -> Result<()> {
        let (count, _) = self.steps(&Num(s), &Num(t));
        let time = |step: f64| s + step / count as f64 * (t - s);
        let mut x = x.map(Num);
        for k in 0..count {
            let start = time(k as f64);
            let arrives = |end: f64| Step::new(&self.steps(&Num(start), &Num(end)).1, &x).denominator.0 > 0.0;
            if !arrives(time((k + 1) as f64)) {
                // to full precision: the interval is halved once per digit
                let (mut alive, mut gone) = (start, time((k + 1) as f64));
                for _ in 0..f64::MANTISSA_DIGITS {
                    let middle = 0.5 * (alive + gone);
                    if arrives(middle) { alive = middle } else { gone = middle }
                }
                return Err(Error::BlowUp { from: s, to: t, time: gone });
            }
            x = Step::new(&self.steps(&Num(start), &Num(time((k + 1) as f64))).1, &x).end;
        }
        Ok(())
    }
}

exact_flow!(ProjectiveRiccati<D>, D, [const D: usize]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::testing::close};

    #[test]
    fn without_a_quadratic_term_it_is_affine() {
        let (constant, linear) = ([0.3, -1.0], [[0.2, 1.0], [-0.5, 0.1]]);
        let affine = crate::exact::Affine::new(linear, constant).unwrap();
        let flow = ProjectiveRiccati::new(constant, linear, [0.0; 2]).unwrap();
        let expected: [f64; 2] = affine.flow(&0.5, &3.0, &[1.0, 2.0]);
        close(&flow.flow(&0.5, &3.0, &[1.0, 2.0]), &expected, 1e-13);
    }

    #[test]
    fn lines_go_to_lines() {
        let flow = ProjectiveRiccati::new([0.3, -0.2], [[0.2, 1.0], [-0.5, 0.1]], [0.4, -0.3]).unwrap();
        let [a, b, c] = [-1.0, 0.2, 1.0].map(|x| -> [f64; 2] { flow.flow(&0.0, &1.0, &[x, 0.5 - 0.7 * x]) });
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        assert!(area.abs() < 1e-15 && (c[0] - a[0]).abs() > 0.5, "{area}");
    }

    #[test]
    fn past_a_blow_up_there_is_nothing_even_where_the_denominator_is_positive_again() {
        // x₁' = 1 + x₁², x₂' = x₁ x₂: tan and its cosine's inverse
        let flow = ProjectiveRiccati::new([1.0, 0.0], [[0.0; 2]; 2], [1.0, 0.0]).unwrap();
        close(&flow.flow(&0.0, &1.0, &[0.0, 2.0]), &[1.0_f64.tan(), 2.0 / 1.0_f64.cos()], 1e-14);
        for t in [2.0, 4.0, 7.0, -7.0_f64] {
            let end: [f64; 2] = flow.flow(&0.0, &t, &[0.0, 2.0]);
            assert!(end.iter().all(|x| x.is_nan()), "{t}");
            match flow.try_flow(&0.0, &t, &[0.0, 2.0]) {
                Err(Error::BlowUp { time, .. }) => assert!((time - t.signum() * std::f64::consts::FRAC_PI_2).abs() < 1e-14),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(ProjectiveRiccati::new([f64::NAN], [[0.0]], [0.0]).is_err());
        assert!(ProjectiveRiccati::new([0.0], [[f64::INFINITY]], [0.0]).is_err());
        assert!(ProjectiveRiccati::new([0.0], [[0.0]], [f64::NAN]).is_err());
    }
}
