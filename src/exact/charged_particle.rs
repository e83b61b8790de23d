//! A charged particle in uniform electric and magnetic fields.

use super::{
    ExactFlow, exact_flow, matrix_of,
    rodrigues::{cross, direction, length, sine_and_versine},
    setting::{finite, positive},
};
use crate::{Num, Number, Ode, Result};
use std::array::from_fn;

/// A charged particle in uniform electric and magnetic fields, in six dimensions: position `x` and velocity `v`. It gyrates
/// about the magnetic field, drifts perpendicular to both fields, and is accelerated along the magnetic one.
///
/// Fields are in units of the particle's ratio of mass to charge. Let `u = e × b / |b|²` be the drift, `ω = |b|` the gyration
/// frequency, `n = b / ω`, `e∥` and `v∥` the parts along `b`, `w = v - v∥ - u` the gyrating part, `τ = t - s` and `θ = ω τ`.
///
/// - velocity: `b(x, v) = (v, e + v × b)`
/// - flow: `x + (v∥ + u) τ + e∥ τ²/2 + (sin(θ) w + (1 - cos θ) w × n) / ω` for the position,
///   `v∥ + u + e∥ τ + cos(θ) w + sin(θ) w × n` for the velocity
/// - Jacobian: the same without `e`, the same everywhere
/// - domain: the whole space, all times
///
/// ```
/// use flowmap::{FlowMap, exact::ChargedParticle};
/// // from rest, fields across each other: after a whole gyration it has drifted across both
/// let particle = ChargedParticle::new([1.0, 0.0, 0.0], [0.0, 0.0, 2.0])?;
/// let end = particle.flow(&0.0, &std::f64::consts::PI, &[0.0_f64; 6]);
/// assert!((end[1] + 0.5 * std::f64::consts::PI).abs() < 1e-15 && end[0].abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: J. D. Jackson, Classical Electrodynamics, sections 12.2 and 12.3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChargedParticle {
    electric: [f64; 3],
    magnetic: [f64; 3],
}

impl ChargedParticle {
    /// With the fields `e` and `b`, both multiplied by charge over mass.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless all entries are finite and the magnetic field is not zero.
    pub fn new(electric: [f64; 3], magnetic: [f64; 3]) -> Result<Self> {
        finite("electric field", &electric)?;
        finite("magnetic field", &magnetic)?;
        positive("strength of the magnetic field", length(&magnetic))?;
        Ok(Self { electric, magnetic })
    }

    /// `u`.
    fn drift(&self) -> [f64; 3] {
        cross(&self.electric, &direction(&self.magnetic).map(Num)).map(|u| u.0 / length(&self.magnetic))
    }

    /// `a∥`.
    fn along<N: Number>(&self, a: &[Num<N>; 3]) -> [Num<N>; 3] {
        let n = direction(&self.magnetic);
        let component = n[0] * &a[0] + n[1] * &a[1] + n[2] * &a[2];
        n.map(|n| n * &component)
    }

    /// The flow of a charge with this drift and this acceleration along the magnetic field.
    fn moved<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 6], drift: &[f64; 3], push: &[f64; 3]) -> [Num<N>; 6] {
        let velocity = velocity_of(x);
        let frequency = length(&self.magnetic);
        let duration = t - s;
        let angle = frequency * &duration;
        let ([sine, versine], cosine) = (sine_and_versine(&angle), angle.cos());
        let half_square = &duration * &duration / 2.0;
        let along = self.along(&velocity);
        let gyrating: [Num<N>; 3] = from_fn(|i| &velocity[i] - &along[i] - drift[i]);
        // w × n
        let pulled = cross(&direction(&self.magnetic), &gyrating).map(|component| -component);
        let steady: [Num<N>; 3] = from_fn(|i| &along[i] + drift[i]);
        from_fn(|k| {
            let i = k % 3;
            if k < 3 {
                let circle = (&sine * &gyrating[i] + &versine * &pulled[i]) / frequency;
                circle + &steady[i] * &duration + push[i] * &half_square + &x[i]
            } else {
                let circle = &cosine * &gyrating[i] + &sine * &pulled[i];
                circle + push[i] * &duration + &steady[i]
            }
        })
    }
}

/// `v`.
fn velocity_of<N: Number>(x: &[Num<N>; 6]) -> [Num<N>; 3] {
    from_fn(|i| x[i + 3].clone())
}

impl Ode<6> for ChargedParticle {
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; 6]) -> [Num<N>; 6] {
        // b × v
        let turn = cross(&self.magnetic, &velocity_of(x));
        from_fn(|k| if k < 3 { x[k + 3].clone() } else { self.electric[k - 3] - &turn[k - 3] })
    }
}

impl ExactFlow<6> for ChargedParticle {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 6]) -> [Num<N>; 6] {
        self.moved(s, t, x, &self.drift(), &self.along(&self.electric.map(Num)).map(|e| e.0))
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, _x: &[Num<N>; 6]) -> [[Num<N>; 6]; 6] {
        matrix_of(s, |axis| self.moved(s, t, axis, &[0.0; 3], &[0.0; 3]))
    }
}

exact_flow!(ChargedParticle, 6);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::Affine};

    #[test]
    fn an_affine_system_like_any_other() {
        let (e, b) = ([0.3, -1.0, 0.7], [0.5, 1.1, -0.8]);
        let mut matrix = [[0.0; 6]; 6];
        for i in 0..3 {
            matrix[i][i + 3] = 1.0;
            let (j, k) = ((i + 1) % 3, (i + 2) % 3);
            (matrix[i + 3][j + 3], matrix[i + 3][k + 3]) = (b[k], -b[j]);
        }
        let offset = [0.0, 0.0, 0.0, e[0], e[1], e[2]];
        let x = [1.0, -0.5, 0.2, 0.4, 2.0, -1.3];
        let expected = Affine::new(matrix, offset).unwrap().flow(&0.3, &2.0, &x);
        let found = ChargedParticle::new(e, b).unwrap().flow(&0.3, &2.0, &x);
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 8e-14, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn a_magnetic_field_does_no_work() {
        let end = ChargedParticle::new([0.0; 3], [0.1, -2.0, 0.4]).unwrap().flow(&0.0, &7.0, &[0.0, 0.0, 0.0, 1.0, 2.0, 2.0]);
        assert!((end[3] * end[3] + end[4] * end[4] + end[5] * end[5] - 9.0_f64).abs() < 1e-13);
    }

    #[test]
    fn without_a_magnetic_field_nothing_gyrates() {
        assert!(ChargedParticle::new([1.0; 3], [0.0; 3]).unwrap_err().to_string().contains("magnetic"));
        assert!(
            ChargedParticle::new([f64::NAN; 3], [1.0; 3]).is_err() && ChargedParticle::new([1.0; 3], [f64::INFINITY; 3]).is_err()
        );
    }
}
