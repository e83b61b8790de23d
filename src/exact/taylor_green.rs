//! The decaying Taylor-Green vortices in the plane.

use super::{
    ExactFlow, exact_flow,
    setting::not_negative,
    special::{elliptic::Jacobi, integrals::Growth},
};
use crate::{Num, Number, Ode, Result};

/// Particles in the two-dimensional Taylor-Green vortices, an exact solution of the Navier-Stokes equations: incompressible,
/// non-linear and non-autonomous.
///
/// Let `T = ∫_s^t e^(-2ν σ) dσ`, and `sn`, `cn`, `dn` Jacobi's elliptic functions of `-T` with the parameter
/// `m = 1 - sin²x sin²y`. The stream function `sin x sin y` is constant along a trajectory.
///
/// - velocity: `b_t(x, y) = e^(-2ν t) (sin x cos y, -cos x sin y)`
/// - flow: `x` is the angle of `(cos x cn dn + sin²x cos y sn, sin x (dn - cos x cos y sn cn))` and `y` that of
///   `(cos y cn - cos x sn dn, sin y (sin²x + cos²x cn²))`, both followed continuously, by the addition theorem
/// - Jacobian: of determinant 1; computed by forward mode
/// - domain: all of the plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::TaylorGreen};
/// let vortices = TaylorGreen::new(0.1)?;
/// let [x, y] = vortices.flow(&0.0, &3.0, &[0.5_f64, 1.0]);
/// assert!((x.sin() * y.sin() - 0.5_f64.sin() * 1.0_f64.sin()).abs() < 1e-15); // it stays on its stream line
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: G. I. Taylor, A. E. Green, Mechanism of the production of small eddies from large ones, Proc. R. Soc. A 158, 1937.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaylorGreen {
    viscosity: f64,
}

impl TaylorGreen {
    /// With the kinematic viscosity `ν`; 0 for steady vortices.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is finite and not negative.
    pub fn new(viscosity: f64) -> Result<Self> {
        not_negative("viscosity", viscosity)?;
        Ok(Self { viscosity })
    }

    /// `e^(-2ν t)`.
    fn strength<N: Number>(&self, t: &Num<N>) -> Num<N> {
        (-2.0 * self.viscosity * t).exp()
    }
}

/// `angle`, moved by less than half a turn to the angle of the point `(cos, sin)`.
fn carried<N: Number>(angle: &Num<N>, [cos0, sin0]: [&Num<N>; 2], [cos, sin]: [Num<N>; 2]) -> Num<N> {
    angle + (&sin * cos0 - &cos * sin0).atan2(cos * cos0 + sin * sin0)
}

impl Ode<2> for TaylorGreen {
    fn rhs<N: Number>(&self, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let strength = self.strength(t);
        [&strength * x.sin() * y.cos(), -strength * x.cos() * y.sin()]
    }
}

impl ExactFlow<2> for TaylorGreen {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let decay = Growth::new(-2.0 * self.viscosity, &(t - s));
        let phase = -(self.strength(s) * decay.sum / decay.start).in_form_of(x);
        let ([cos_x, sin_x], [cos_y, sin_y]) = ([x.cos(), x.sin()], [y.cos(), y.sin()]);
        // neither the parameter nor its complement cancels
        let m = cos_x.powi(2) + (&sin_x * &cos_y).powi(2);
        let complement = (&sin_x * &sin_y).powi(2);
        let Jacobi { sn, cn, dn, .. } = Jacobi::new(&phase, &m, &complement);
        let end_x = [&cos_x * &cn * &dn + sin_x.powi(2) * &cos_y * &sn, &sin_x * (&dn - &cos_x * &cos_y * &sn * &cn)];
        let end_y = [&cos_y * &cn - &cos_x * &sn * &dn, &sin_y * (sin_x.powi(2) + (&cos_x * &cn).powi(2))];
        [carried(x, [&cos_x, &sin_x], end_x), carried(y, [&cos_y, &sin_y], end_y)]
    }
}

exact_flow!(TaylorGreen, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::{
            special::elliptic::quarter_period,
            testing::{close, symplectic},
        },
    };
    use std::f64::consts::PI;

    #[test]
    fn a_particle_comes_round_after_a_period() {
        // sin²x sin²y = 1/4
        let start = [PI / 6.0, PI / 2.0];
        let period = 4.0 * quarter_period(&Num(0.25)).0;
        let vortices = TaylorGreen::new(0.0).unwrap();
        close(&vortices.flow(&0.0, &period, &start), &start, 1e-13);
        close(&vortices.flow(&0.0, &(-2.5 * period), &start), &[PI - start[0], start[1]], 1e-13);
        // with viscosity it takes longer; below one time constant of the decay it never gets there
        let nu = 0.5 / (2.0 * period);
        let time = -(1.0 - 2.0 * nu * period).ln() / (2.0 * nu);
        close(&TaylorGreen::new(nu).unwrap().flow(&0.0, &time, &start), &start, 1e-13);
    }

    #[test]
    fn every_cell_is_a_mirror_image() {
        let vortices = TaylorGreen::new(0.05).unwrap();
        let [x, y] = vortices.flow(&0.5, &4.0, &[0.4, 1.1]);
        close(&vortices.flow(&0.5, &4.0, &[-0.4, 1.1]), &[-x, y], 1e-14);
        close(&vortices.flow(&0.5, &4.0, &[0.4, -1.1]), &[x, -y], 1e-14);
        close(&vortices.flow(&0.5, &4.0, &[0.4 + 6.0 * PI, 1.1 - 4.0 * PI]), &[x + 6.0 * PI, y - 4.0 * PI], 1e-13);
    }

    #[test]
    fn centres_and_walls() {
        let vortices = TaylorGreen::new(0.0).unwrap();
        close(&vortices.flow(&0.0, &9.0, &[PI / 2.0, PI / 2.0]), &[PI / 2.0, PI / 2.0], 1e-14);
        // along the wall y = 0 the particle moves towards the corner as tan(x/2) e^t
        let [x, y] = vortices.flow(&0.0, &2.0, &[0.3, 0.0]);
        close(&[x, y], &[2.0 * (0.15_f64.tan() * 2.0_f64.exp()).atan(), 0.0], 1e-14);
        let [along, across] = vortices.jacobian(&0.0, &2.0, &[0.0_f64, 0.0]);
        close(&[along[0], across[1], along[1], across[0]], &[2.0_f64.exp(), (-2.0_f64).exp(), 0.0, 0.0], 1e-13);
    }

    #[test]
    fn the_jacobian_has_determinant_1() {
        let vortices = TaylorGreen::new(0.1).unwrap();
        for start in [[0.3, 0.2], [1.0, 2.0], [-2.0, 0.5], [1e-6, 1.0], [3.0, 3.1]] {
            for t in [-3.0, 0.5, 4.0] {
                symplectic(&vortices.jacobian(&0.0, &t, &start), 1e-10);
            }
        }
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        assert!(TaylorGreen::new(-0.1).is_err() && TaylorGreen::new(f64::NAN).is_err());
    }
}
