//! Two point vortices in the plane.

use super::{ExactFlow, exact_flow, matrix_of, setting::finite};
use crate::{Error, Num, Number, Ode, Result};
use std::{array::from_fn, f64::consts::PI};

/// Two point vortices: they rotate about their centre of vorticity, or, with opposite circulations, travel side by side.
///
/// The state is `(x₁, y₁, x₂, y₂)`. Let `τ = t - s`, `r = z₁ - z₂` the vector from the second to the first, `J` the quarter
/// turn, `h = (Γ₁ + Γ₂) τ / 4π|r|²` half the angle of rotation and `R(φ)` the rotation by `φ`.
///
/// - velocity: `b = (Γ₂ J r, -Γ₁ J r) / 2π|r|²`
/// - flow: `(z₁ + Γ₂ w, z₂ - Γ₁ w)` with `w = (τ / 2π|r|²) (sin h / h) J R(h) r`, where `sin h / h = 1` for `Γ₁ + Γ₂ = 0`
/// - Jacobian: with `∇w = (τ / 2π|r|²) J ((sin h / h) R(h) - 2 R(2h) r rᵀ / |r|²)`
/// - domain: two vortices at different places, all times
///
/// ```
/// use flowmap::{FlowMap, exact::PointVortices};
/// let pair = PointVortices::new([1.0, -1.0])?;
/// let end = pair.flow(&0.0, &(2.0 * std::f64::consts::PI), &[0.0, 1.0, 0.0, 0.0]);
/// for (found, expected) in end.iter().zip([1.0, 1.0, 1.0, 0.0_f64]) {
///     assert!((found - expected).abs() < 1e-15); // side by side
/// }
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: P. K. Newton, The N-Vortex Problem, section 2.1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointVortices {
    circulations: [f64; 2],
}

/// Terms shared by the flow and its Jacobian.
struct Turn<N> {
    /// `r`.
    arm: [Num<N>; 2],
    /// `|r|²`.
    square: Num<N>,
    /// `τ / 2π|r|²`.
    reach: Num<N>,
    /// `h`.
    half: Num<N>,
    /// `(τ / 2π|r|²) sin h / h`.
    chord: Num<N>,
}

/// `J x`.
fn quarter_turn<N: Number>([x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
    [-y, x.clone()]
}

/// `c R(φ) x`.
fn rotated<N: Number>(c: &Num<N>, angle: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
    let (cos, sin) = (c * angle.cos(), c * angle.sin());
    [&cos * x - &sin * y, sin * x + cos * y]
}

impl PointVortices {
    /// With the circulations `Γ₁` and `Γ₂`, counter-clockwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are finite.
    pub fn new(circulations: [f64; 2]) -> Result<Self> {
        finite("circulations", &circulations)?;
        Ok(Self { circulations })
    }

    /// The factor that moves coordinate `i`: the circulation of the other vortex, with the sign of the arm from it.
    fn weight(&self, i: usize) -> f64 {
        let [first, second] = self.circulations;
        if i < 2 { second } else { -first }
    }

    fn turn<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x1, y1, x2, y2]: &[Num<N>; 4]) -> Turn<N> {
        let [x, y] = [x1 - x2, y1 - y2];
        let square = &x * &x + &y * &y;
        let reach = (t - s) / (2.0 * PI * &square);
        let total = self.circulations[0] + self.circulations[1];
        let half = 0.5 * total * &reach;
        let chord = if total == 0.0 { reach.clone() } else { 2.0 / total * half.sin() };
        Turn { arm: [x, y], square, reach, half, chord }
    }
}

impl Ode<4> for PointVortices {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x1, y1, x2, y2]: &[Num<N>; 4]) -> [Num<N>; 4] {
        let [x, y] = [x1 - x2, y1 - y2];
        let rate = 1.0 / (2.0 * PI * (&x * &x + &y * &y));
        let swirl = quarter_turn(&[x * &rate, y * rate]);
        from_fn(|i| self.weight(i) * &swirl[i % 2])
    }
}

impl ExactFlow<4> for PointVortices {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 4]) -> [Num<N>; 4] {
        let Turn { arm, half, chord, .. } = self.turn(s, t, x);
        let way = rotated(&chord, &half, &quarter_turn(&arm));
        from_fn(|i| &x[i] + self.weight(i) * &way[i % 2])
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 4]) -> [[Num<N>; 4]; 4] {
        let Turn { arm, square, reach, half, chord } = self.turn(s, t, x);
        let straight = matrix_of(&chord, |axis| rotated(&chord, &half, &quarter_turn(axis)));
        let bend = rotated(&(-2.0 * reach / square), &(2.0 * half), &quarter_turn(&arm));
        // ∇w
        let gradient: [[Num<N>; 2]; 2] = from_fn(|i| from_fn(|j| &straight[i][j] + &bend[i] * &arm[j]));
        from_fn(|i| {
            from_fn(|j| {
                // the arm grows with the first position, and shrinks with the second
                let sign = if j < 2 { 1.0 } else { -1.0 };
                f64::from(u8::from(i == j)) + sign * self.weight(i) * &gradient[i % 2][j % 2]
            })
        })
    }

    fn domain(&self, _s: f64, _t: f64, [x1, y1, x2, y2]: &[f64; 4]) -> Result<()> {
        if x1 == x2 && y1 == y2 {
            return Err(Error::invalid(
                "start state",
                format!("both vortices are at ({x1}, {y1}); they need different positions"),
            ));
        }
        Ok(())
    }
}

exact_flow!(PointVortices, 4);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::testing::close};

    #[test]
    fn equal_vortices_turn_about_their_middle() {
        // Ω = 2Γ / 2π d² = 1 for d = 2, Γ = 4π
        let pair = PointVortices::new([4.0 * PI; 2]).unwrap();
        let (sin, cos) = 0.7_f64.sin_cos();
        close(&pair.flow(&0.0, &0.7, &[1.0, 0.0, -1.0, 0.0]), &[cos, sin, -cos, -sin], 1e-14);
    }

    #[test]
    fn nearly_opposite_vortices_nearly_travel() {
        let start = [0.3, 1.0, -0.2, 0.1];
        let travel: [f64; 4] = PointVortices::new([1.0, -1.0]).unwrap().flow(&0.0, &5.0, &start);
        close(&PointVortices::new([1.0, -1.0 + 1e-12]).unwrap().flow(&0.0, &5.0, &start), &travel, 1e-11);
    }

    #[test]
    fn impulse_and_distance_stay() {
        let circulations = [1.5, -0.4];
        let sum = |x: [f64; 4]| {
            let impulse = |i: usize| circulations[0] * x[i] + circulations[1] * x[i + 2];
            [impulse(0), impulse(1), (x[0] - x[2]).hypot(x[1] - x[3])]
        };
        let start = [0.3, 1.0, -0.2, 0.1];
        for t in [-30.0, 2.0, 100.0] {
            close(&sum(PointVortices::new(circulations).unwrap().flow(&0.0, &t, &start)), &sum(start), 1e-13);
        }
    }

    #[test]
    fn vortices_at_one_place_are_refused() {
        let error = PointVortices::new([1.0, 1.0]).unwrap().try_flow(&0.0, &1.0, &[1.0, 2.0, 1.0, 2.0_f64]).unwrap_err();
        assert!(error.to_string().contains("(1, 2)"));
        assert!(PointVortices::new([1.0, f64::NAN]).is_err());
    }
}
