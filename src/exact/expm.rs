//! The matrix exponential.

use crate::{Num, Number};

/// The matrix exponential `e^M`, row by row, over any [`Number`].
///
/// Scaling and squaring: the Taylor polynomial of degree 16 of `M / 2^j`, squared `j` times, with `j` such that the scaled
/// matrix has row sums of at most 1/2. The truncation error of the polynomial is then below `1e-19`, and below `1e-16` after
/// two derivatives. What remains is rounding, about `2^j eps` relative to `|e^(M/2^j)|^(2^j)`: for normal matrices that is
/// `|M| eps`.
///
/// A polynomial instead of a Padé quotient, because a batch of numbers cannot choose pivots sample by sample. For the same
/// reason one `j` serves a whole batch: the largest that any of its samples needs.
///
/// ```
/// use flowmap::exact::expm;
/// let quarter = std::f64::consts::FRAC_PI_2;
/// let turn = expm(&[[0.0, -quarter], [quarter, 0.0]]);
/// assert!(turn[0][0].abs() < 1e-15 && (turn[1][0] - 1.0).abs() < 1e-15);
/// ```
///
/// Reference: C. Moler, C. Van Loan, Nineteen dubious ways to compute the exponential of a matrix, twenty-five years later,
/// SIAM Review 45(1), 2003, method 3.
pub fn expm<const D: usize, N: Number>(matrix: &[[N; D]; D]) -> [[N; D]; D] {
    matrix_exponential(matrix.each_ref().map(|row| row.each_ref().map(Num::from))).map(|row| row.map(|x| x.0))
}

/// [`expm`] for use in formulas.
pub(super) fn matrix_exponential<const D: usize, N: Number>(matrix: [[Num<N>; D]; D]) -> [[Num<N>; D]; D] {
    let exponential = exponential(matrix.map(Vec::from).into());
    std::array::from_fn(|i| std::array::from_fn(|j| exponential[i][j].clone()))
}

/// A square matrix by rows, of a size unknown to the type: [`Affine`](super::Affine) needs `D + 1`.
pub(super) type Rows<X> = Vec<Vec<X>>;

/// [`expm`] of a matrix of any size.
pub(super) fn exponential<N: Number>(matrix: Rows<Num<N>>) -> Rows<Num<N>> {
    let squarings = squarings(&matrix);
    let mut power = taylor(&scaled(&matrix, 0.5_f64.powi(squarings)));
    for _ in 0..squarings {
        power = product(&power, &power);
    }
    power
}

/// The number of halvings after which the row sums are at most 1/2, in every sample of a batch.
fn squarings<N: Number>(matrix: &Rows<Num<N>>) -> i32 {
    let largest = |entry: &Num<N>| entry.0.values().into_iter().map(f64::abs).fold(0.0, f64::max);
    let norm = matrix.iter().map(|row| row.iter().map(largest).sum()).fold(0.0, f64::max);
    // an infinite matrix has no exponential: without squarings, NaN results sooner
    if norm > 0.5 && norm.is_finite() { (2.0 * norm).log2().ceil() as i32 } else { 0 }
}

/// `1 + M + M²/2! + … + M¹⁶/16!`, in six products: Horner's rule in `M⁴`, each coefficient a cubic in `M`.
fn taylor<N: Number>(m: &Rows<Num<N>>) -> Rows<Num<N>> {
    let m2 = product(m, m);
    let m3 = product(&m2, m);
    let m4 = product(&m2, &m2);
    let inverse_factorial = |k: usize| (1..=k).fold(1.0, |f, i| f / i as f64);
    let cubic = |k: usize| -> Rows<Num<N>> {
        let [c0, c1, c2, c3] = std::array::from_fn(|i| inverse_factorial(k + i));
        let entry = |i: usize, j: usize| {
            let powers = c1 * &m[i][j] + (c2 * &m2[i][j] + c3 * &m3[i][j]);
            if i == j { c0 + powers } else { powers }
        };
        (0..m.len()).map(|i| (0..m.len()).map(|j| entry(i, j)).collect()).collect()
    };
    let mut sum = plus(cubic(12), &scaled(&m4, inverse_factorial(16)));
    for k in [8, 4, 0] {
        sum = plus(cubic(k), &product(&m4, &sum));
    }
    sum
}

fn scaled<N: Number>(m: &Rows<Num<N>>, c: f64) -> Rows<Num<N>> {
    m.iter().map(|row| row.iter().map(|x| c * x).collect()).collect()
}

fn plus<N: Number>(a: Rows<Num<N>>, b: &Rows<Num<N>>) -> Rows<Num<N>> {
    a.into_iter().zip(b).map(|(a, b)| a.into_iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn product<N: Number>(a: &Rows<Num<N>>, b: &Rows<Num<N>>) -> Rows<Num<N>> {
    let entry = |row: &[Num<N>], j: usize| {
        let first = &row[0] * &b[0][j];
        row[1..].iter().zip(&b[1..]).fold(first, |sum, (x, other)| sum + x * &other[j])
    };
    a.iter().map(|row| (0..b.len()).map(|j| entry(row, j)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    #[test]
    fn nilpotent_matrices_have_exact_exponentials() {
        let shear = [[0.0, 2.0, 1.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0]];
        assert_eq!(expm(&shear), [[1.0, 2.0, 5.0], [0.0, 1.0, 4.0], [0.0, 0.0, 1.0]]);
    }

    #[test]
    fn scalars_over_many_magnitudes() {
        for x in [-300.0_f64, -20.0, -1.0, -1e-9, 0.0, 1e-300, 0.3, 5.0, 300.0] {
            let [[found]] = expm(&[[x]]);
            assert!((found / x.exp() - 1.0).abs() <= 4.0 * f64::EPSILON * x.abs().max(1.0), "e^{x}: {found}");
        }
    }

    #[test]
    fn single_precision() {
        let [[found, _], _] = expm(&[[3.0_f32, 0.0], [0.0, -3.0]]);
        assert!((found / 3.0_f32.exp() - 1.0).abs() < 8.0 * f32::EPSILON);
    }

    #[test]
    fn derivatives_of_a_noncommuting_family() {
        // d/dt e^(A + t B) at 0 is ∫₀¹ e^((1-σ)A) B e^(σA) dσ, by Simpson's rule
        let (a, b) = ([[0.1, 1.3], [-0.4, 0.2]], [[0.0, 0.7], [1.1, -0.5]]);
        let moving = std::array::from_fn(|i| std::array::from_fn(|j| Dual::new(a[i][j], b[i][j])));
        let found: [[Dual<f64>; 2]; 2] = expm(&moving);
        let part = |share: f64| expm(&a.map(|row| row.map(|x: f64| x * share)));
        let rows = |m: [[f64; 2]; 2]| m.map(|row| row.map(Num).to_vec()).to_vec();
        let steps = 512;
        let mut integral = [[0.0; 2]; 2];
        for k in 0..=steps {
            let share = k as f64 / steps as f64;
            let weight = if k == 0 || k == steps { 1.0 } else { (2 + 2 * (k % 2)) as f64 };
            let value = product(&product(&rows(part(1.0 - share)), &rows(b)), &rows(part(share)));
            for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                integral[i][j] += weight * value[i][j].0 / (3 * steps) as f64;
            }
        }
        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            assert!((found[i][j].tangent() - integral[i][j]).abs() < 1e-9, "{i} {j}");
        }
    }

    #[test]
    fn no_exponential_of_what_is_not_finite() {
        assert!(expm(&[[f64::NAN, 0.0], [0.0, 1.0]])[0][0].is_nan());
        assert!(!expm(&[[f64::INFINITY, 0.0], [0.0, 1.0]])[0][0].is_finite());
    }

    #[cfg(feature = "nalgebra")]
    #[test]
    fn agrees_with_nalgebra() {
        use crate::exact::coupling::SplitMix64;
        let mut random = SplitMix64::new(7);
        for size in [0.01, 0.4, 3.0, 20.0] {
            for _ in 0..64 {
                let m: [[f64; 4]; 4] = std::array::from_fn(|_| std::array::from_fn(|_| size * random.symmetric()));
                let expected = nalgebra::SMatrix::<f64, 4, 4>::from_fn(|i, j| m[i][j]).exp();
                let found = nalgebra::SMatrix::<f64, 4, 4>::from_fn(|i, j| expm(&m)[i][j]);
                assert!((found - expected).norm() <= 1e-14 * (1.0 + 4.0 * size) * expected.norm(), "{size}");
            }
        }
    }
}
