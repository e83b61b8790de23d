//! Assertions shared by the tests of flows.

/// Asserts equality coordinate by coordinate, to `tolerance` absolutely.
pub(super) fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance, "{found:?} for {expected:?}");
    }
}

/// Asserts `Jᵀ Ω J = Ω` for coordinates given as all positions, then all momenta; in the plane, that the determinant is 1.
pub(super) fn symplectic<const D: usize>(jacobian: &[[f64; D]; D], tolerance: f64) {
    let half = D / 2;
    for i in 0..D {
        for j in 0..D {
            let form: f64 =
                (0..half).map(|k| jacobian[k][i] * jacobian[k + half][j] - jacobian[k + half][i] * jacobian[k][j]).sum();
            let expected = f64::from(i8::from(i + half == j) - i8::from(j + half == i));
            assert!((form - expected).abs() <= tolerance, "entry {i}, {j} of the form is {form} and not {expected}");
        }
    }
}
