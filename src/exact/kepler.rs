//! The Kepler problem.

use super::{ExactFlow, exact_flow, setting::positive, special::kepler::eccentric_change};
use crate::{Error, Num, Number, Ode, Result};
use std::f64::consts::TAU;

/// The planar Kepler problem on elliptic orbits: a body attracted by a fixed centre with the gravitational parameter `μ`.
///
/// The state is `(x, y, v, w)`: position `r` and velocity `r'`. Let `1/a = 2/|r| - |r'|²/μ`, `n² = μ/a³`, and `E` the change of
/// the eccentric anomaly, the solution of Kepler's equation
/// `n (t - s) = E - (1 - |r|/a) sin E + (r·r'/√(μ a)) (1 - cos E)`.
///
/// - velocity: `b(r, r') = (r', -μ r / |r|³)`
/// - flow: `(f r + g r', f' r + g' r')` with `f = 1 - (a/|r|)(1 - cos E)`, `g = (r·r' a/μ) (1 - cos E) + |r| √(a/μ) sin E` and
///   their time derivatives
/// - Jacobian: symplectic, with determinant 1; computed by forward mode
/// - domain: elliptic orbits, that is `|r'|² < 2μ/|r|`, with angular momentum; all times, any number of revolutions
///
/// ```
/// use flowmap::{FlowMap, exact::Kepler};
/// let circle = Kepler::new(1.0)?;
/// let quarter = circle.flow(&0.0, &std::f64::consts::FRAC_PI_2, &[1.0, 0.0, 0.0, 1.0]);
/// for (found, expected) in quarter.iter().zip([0.0, 1.0, -1.0, 0.0_f64]) {
///     assert!((found - expected).abs() < 1e-15);
/// }
/// assert!(circle.try_flow(&0.0, &1.0, &[1.0_f64, 0.0, 0.0, 1.5]).is_err()); // fast enough to escape
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: R. H. Battin, An Introduction to the Mathematics and Methods of Astrodynamics, sections 3.6 and 4.3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kepler {
    parameter: f64,
}

impl Kepler {
    /// With the gravitational parameter `μ`: the gravitational constant times the mass.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive and finite.
    pub fn new(parameter: f64) -> Result<Self> {
        positive("gravitational parameter", parameter)?;
        Ok(Self { parameter })
    }
}

impl Ode<4> for Kepler {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, v, w]: &[Num<N>; 4]) -> [Num<N>; 4] {
        let distance = (x * x + y * y).sqrt();
        let pull = -self.parameter / distance.powi(3);
        [v.clone(), w.clone(), &pull * x, pull * y]
    }
}

impl ExactFlow<4> for Kepler {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, y, v, w]: &[Num<N>; 4]) -> [Num<N>; 4] {
        let mu = self.parameter;
        let distance = (x * x + y * y).sqrt();
        let speed = (v * v + w * w) / mu;
        let radial = (x * v + y * w) / mu.sqrt();
        let axis = 1.0 / (2.0 / &distance - speed);
        // NaN for parabolas and hyperbolas
        let root = axis.sqrt();
        let share = &distance / &axis;
        // e cos E and e sin E at the start
        let (cosine, sine) = (1.0 - &share, &radial / &root);
        let motion = mu.sqrt() / (&axis * &root);
        let mean = motion * (t - s);
        let revolutions = (&mean / TAU + 0.5).floor();
        let mean = mean - TAU * revolutions;
        let change = eccentric_change(&mean, &cosine, &sine);
        let sin = change.sin();
        let versine = 2.0 * (change / 2.0).sin().powi(2); // 1 - cos E
        let f = 1.0 - &versine / share;
        let g = (&radial * &axis * &versine + &distance * &root * &sin) / mu.sqrt();
        // |r| at the end
        let end = &distance + (&axis - &distance) * &versine + radial * &root * &sin;
        let f_rate = -mu.sqrt() * (root * sin) / (&end * distance);
        let g_rate = 1.0 - axis * versine / end;
        [&f * x + &g * v, f * y + g * w, &f_rate * x + &g_rate * v, f_rate * y + g_rate * w]
    }

    fn domain(&self, _s: f64, _t: f64, [x, y, v, w]: &[f64; 4]) -> Result<()> {
        let (speed, escape) = (v.hypot(*w), (2.0 * self.parameter / x.hypot(*y)).sqrt());
        if x * w - y * v == 0.0 {
            return Err(Error::invalid("start state", "the body falls into the centre; give it angular momentum"));
        }
        if speed < escape {
            return Ok(());
        }
        Err(Error::invalid(
            "start state",
            format!("the speed {speed} is not below {escape}, at which the body escapes; start slower"),
        ))
    }
}

exact_flow!(Kepler, 4);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::testing::{close, symplectic},
    };

    /// From the pericentre with the eccentricity `e`, as in the DETEST set.
    fn pericentre(e: f64) -> [f64; 4] {
        [1.0 - e, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt()]
    }

    #[test]
    fn ends_of_detest_problems_d1_d2_d5() {
        let kepler = Kepler::new(1.0).unwrap();
        for (e, expected) in [
            (0.1, [0.219_883_535_200_839_67, 0.942_707_684_634_181_3, -0.978_765_984_105_817_6, 0.328_797_799_096_203_6]),
            (0.3, [-0.177_702_735_714_041_16, 0.946_778_471_990_589_3, -1.030_294_163_192_969_6, 0.121_107_489_005_395_22]),
            (0.9, [-1.295_266_250_987_574_3, 0.400_393_896_379_232_2, -0.677_539_092_470_756_6, -0.127_083_815_427_818_63]),
        ] {
            close(&kepler.flow(&0.0, &20.0, &pericentre(e)), &expected, 1e-13);
        }
    }

    #[test]
    fn a_hundred_revolutions_lead_back() {
        // a = μ = 4: the speeds are those for a = μ = 1
        let period = 2.0 * std::f64::consts::PI * 4.0;
        let [x, y, v, w] = pericentre(0.9);
        let start = [4.0 * x, 4.0 * y, v, w];
        close(&Kepler::new(4.0).unwrap().flow(&1.0, &(1.0 + 100.0 * period), &start), &start, 1e-10);
    }

    #[test]
    fn energy_angular_momentum_and_laplace_vector_stay() {
        let invariants = |[x, y, v, w]: [f64; 4]| {
            let (r, spin) = (x.hypot(y), x * w - y * v);
            [0.5 * (v * v + w * w) - 1.0 / r, spin, w * spin - x / r, -v * spin - y / r]
        };
        let start = [0.7, -0.4, 0.3, 0.9];
        for t in [-30.0, -1.0, 2.0, 50.0] {
            let end = Kepler::new(1.0).unwrap().flow(&0.0, &t, &start);
            close(&invariants(end), &invariants(start), 1e-13);
        }
    }

    #[test]
    fn the_jacobian_is_symplectic() {
        for e in [0.0, 0.5, 0.9] {
            symplectic(&Kepler::new(1.0).unwrap().jacobian(&0.0, &4.0, &pericentre(e)), 1e-11);
        }
    }

    #[test]
    fn what_is_no_ellipse_is_refused() {
        let kepler = Kepler::new(1.0).unwrap();
        for start in [[1.0, 0.0, 0.0, 1.5], [1.0, 0.0, 0.0, 2.0_f64.sqrt()], [1.0, 1.0, 0.5, 0.5], [0.0, 0.0, 1.0, 0.0]] {
            assert!(matches!(kepler.try_flow(&0.0, &1.0, &start), Err(Error::Invalid { what: "start state", .. })), "{start:?}");
        }
        assert!(kepler.flow(&0.0, &1.0, &[1.0, 0.0, 0.0, 1.5]).iter().all(|x: &f64| x.is_nan()));
        assert!(Kepler::new(0.0).is_err() && Kepler::new(f64::NAN).is_err());
    }
}
