//! Frames of directions that stay orthonormal while a flow carries them.

/// As many orthonormal directions as coordinates.
pub(super) type Frame = Vec<Vec<f64>>;

/// The coordinate directions.
pub(super) fn standard(dimension: usize) -> Frame {
    (0..dimension).map(|j| (0..dimension).map(|i| f64::from(u8::from(i == j))).collect()).collect()
}

/// The factorization `V = QR` of the vectors `V`: the vectors of `Q`, and the logarithms of the positive diagonal of `R`.
/// Gram-Schmidt: each vector loses its components along those before it, twice, because rounding spoils the first pass.
///
/// `None` where a vector is zero, or depends on those before it up to rounding.
pub(super) fn orthonormal(mut vectors: Frame) -> Option<(Frame, Vec<f64>)> {
    let dimension = vectors.len();
    let mut logarithms = vec![0.0; dimension];
    for (j, logarithm) in logarithms.iter_mut().enumerate() {
        let (done, rest) = vectors.split_at_mut(j);
        let vector = &mut rest[0];
        // the squares of the vector itself may overflow or underflow
        let size = vector.iter().fold(0.0, |most: f64, c| most.max(c.abs()));
        vector.iter_mut().for_each(|c| *c /= size);
        let before = dot(vector, vector).sqrt();
        for direction in done.iter().chain(&*done) {
            let along = dot(direction, vector);
            vector.iter_mut().zip(direction).for_each(|(c, d)| *c -= along * d);
        }
        let length = dot(vector, vector).sqrt();
        if length.is_nan() || length <= 8.0 * dimension as f64 * f64::EPSILON * before {
            return None;
        }
        vector.iter_mut().for_each(|c| *c /= length);
        *logarithm = size.ln() + length.ln();
    }
    Some((vectors, logarithms))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors<const D: usize>(rows: [[f64; D]; D]) -> Frame {
        rows.map(Vec::from).into()
    }

    #[test]
    fn factors_multiply_to_what_was_there() {
        let vectors = [[1.0, 2.0, -0.5], [0.3, -1.0, 4.0], [1.0, 1.0, 1.0]];
        let (frame, logarithms) = orthonormal(self::vectors(vectors)).unwrap();
        for (j, vector) in vectors.iter().enumerate() {
            for (k, direction) in frame.iter().enumerate() {
                assert!((dot(&frame[j], direction) - f64::from(u8::from(j == k))).abs() < 1e-15);
                // R is upper triangular
                let entry = dot(direction, vector);
                assert!(if k > j { entry.abs() < 1e-15 } else { k < j || (entry.ln() - logarithms[j]).abs() < 1e-15 });
            }
        }
    }

    #[test]
    fn nearly_dependent_vectors_still_give_orthogonal_ones() {
        let tiny = 1e-10;
        let (frame, logarithms) = orthonormal(vectors([[1.0, tiny, 0.0], [1.0, 0.0, tiny], [1.0, 0.0, 0.0]])).unwrap();
        for j in 0..3 {
            for k in 0..j {
                assert!(dot(&frame[j], &frame[k]).abs() < 1e-15);
            }
        }
        // the volume is tiny²
        assert!((logarithms.iter().sum::<f64>() - 2.0 * f64::ln(tiny)).abs() < 1e-5);
    }

    #[test]
    fn sizes_may_be_beyond_the_root_of_the_largest_number() {
        let (_, logarithms) = orthonormal(vectors([[1e300, 1e300], [0.0, 1e-300]])).unwrap();
        let expected = [1e300_f64.ln() + 0.5 * 2.0_f64.ln(), 1e-300_f64.ln() - 0.5 * 2.0_f64.ln()];
        assert!(logarithms.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn dependent_vectors_are_refused() {
        for bad in [
            [[1.0, 2.0], [2.0, 4.0]],
            [[0.0, 0.0], [1.0, 0.0]],
            [[1.0, 0.0], [f64::NAN, 1.0]],
            [[f64::INFINITY, 0.0], [0.0, 1.0]],
        ] {
            assert!(orthonormal(vectors(bad)).is_none());
        }
        assert_eq!(orthonormal(standard(3)), Some((standard(3), vec![0.0; 3])));
    }
}
