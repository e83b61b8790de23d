//! Eigenvalues of Hermitian matrices.

use crate::{Num, Number};

/// Number of sweeps, far more than small matrices need: the cyclic method converges quadratically, and so do its derivatives.
const SWEEPS: usize = 8;

/// A complex number by its real and imaginary parts.
type Complex<N> = [Num<N>; 2];

/// The eigenvalues, from the smallest to the largest, of a Hermitian matrix whose eigenvalues differ.
///
/// Jacobi's method with a fixed number of cyclic sweeps. Every rotation is a smooth function of the matrix, even where the
/// entry that it removes is already zero, so that derivatives pass through.
///
/// Reference: G. H. Golub, C. F. Van Loan, Matrix Computations, section 8.5.
pub(in crate::exact) fn eigenvalues<N: Number>(mut matrix: Vec<Vec<Complex<N>>>) -> Vec<Num<N>> {
    let size = matrix.len();
    for _ in 0..SWEEPS {
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, p, q);
            }
        }
    }
    sorted((0..size).map(|i| matrix[i][i][0].clone()).collect())
}

/// The unitary rotation in the plane of `p` and `q` that makes their entry zero.
fn rotate<N: Number>(matrix: &mut [Vec<Complex<N>>], p: usize, q: usize) {
    let entry = matrix[p][q].clone();
    let zero = entry.each_ref().map(|part| part.constant(0.0));
    let square = &entry[0] * &entry[0] + &entry[1] * &entry[1];
    let gap = &matrix[q][q][0] - &matrix[p][p][0];
    // the tangent of the angle, not above 1, is |entry| factor
    let root = (&gap * &gap + 4.0 * &square).sqrt();
    let factor = 2.0 / (&gap + gap.lt(0.0).select(-&root, &root));
    let shift = square * &factor;
    let cos = 1.0 / (1.0 + &shift * &factor).sqrt();
    let [re, im] = entry.map(|part| part * &factor * &cos);
    for r in (0..matrix.len()).filter(|r| ![p, q].contains(r)) {
        let ([a, b], [c, d]) = (&matrix[r][p], &matrix[r][q]);
        // cos h_rp - conj(sin) h_rq and cos h_rq + sin h_rp
        let first = [&cos * a - (&re * c + &im * d), &cos * b - (&re * d - &im * c)];
        let second = [&cos * c + (&re * a - &im * b), &cos * d + (&re * b + &im * a)];
        for (column, [re, im]) in [(p, first), (q, second)] {
            matrix[column][r] = [re.clone(), -&im];
            matrix[r][column] = [re, im];
        }
    }
    matrix[p][p][0] -= &shift;
    matrix[q][q][0] += shift;
    matrix[p][q] = zero.clone();
    matrix[q][p] = zero;
}

/// Sorts in ascending order, sample by sample.
fn sorted<N: Number>(mut values: Vec<Num<N>>) -> Vec<Num<N>> {
    for end in (1..values.len()).rev() {
        for i in 0..end {
            (values[i], values[i + 1]) = (values[i].min(&values[i + 1]), values[i].max(&values[i + 1]));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;

    #[test]
    fn known_eigenvalues() {
        // [[2, i], [-i, 2]]
        let found =
            eigenvalues(vec![vec![[2.0, 0.0].map(Num), [0.0, 1.0].map(Num)], vec![[0.0, -1.0].map(Num), [2.0, 0.0].map(Num)]]);
        assert!((found[0].0 - 1.0).abs() < 1e-15 && (found[1].0 - 3.0_f64).abs() < 1e-15, "{found:?}");
        // the second difference with four points: 2 - 2 cos(k π/5)
        let entry = |i: usize, j: usize| {
            [
                if i == j {
                    2.0
                } else if i.abs_diff(j) == 1 {
                    -1.0
                } else {
                    0.0
                },
                0.0_f64,
            ]
            .map(Num)
        };
        let found = eigenvalues((0..4).map(|i| (0..4).map(|j| entry(i, j)).collect()).collect());
        for (k, value) in found.iter().enumerate() {
            let expected = 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / 5.0).cos();
            assert!((value.0 - expected).abs() < 1e-14, "{found:?}");
        }
    }

    /// `[[x, i], [-i, -x]]` has `±√(x² + 1)`, even where the off-diagonal entry, here `x i`, is zero.
    #[test]
    fn derivatives() {
        let nested = |x: f64| Num(Dual::new(Dual::new(x, 1.0), Dual::constant(1.0)));
        // the entries a + bi, in units of `re` and `im`
        let matrix = |re: &Num<_>, im: &Num<_>| {
            let rows = [[[1.0, 0.0], [0.0, 1.0]], [[0.0, -1.0], [-1.0, 0.0]]];
            rows.map(|row| row.map(|[a, b]| [a * re, b * im]).to_vec()).to_vec()
        };
        let one = nested(0.75).constant(1.0);
        let found = eigenvalues(matrix(&nested(0.75), &one));
        assert!((found[1].0.value().tangent() - 0.6).abs() < 1e-15 && (found[1].0.tangent().tangent() - 0.512).abs() < 1e-15);
        let found = eigenvalues(matrix(&one, &nested(0.0)));
        assert!(found[1].0.value().tangent().abs() < 1e-15 && (found[1].0.tangent().tangent() - 1.0).abs() < 1e-15);
    }
}
