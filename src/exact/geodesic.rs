//! Geodesic flow on the sphere.

use super::{ExactFlow, exact_flow};
use crate::{Num, Number, Ode};

/// The geodesics of the sphere: a free particle on it, with position `q` and velocity `p` in space.
///
/// On the tangent bundle of the unit sphere, where `|q| = 1` and `q·p = 0`, `|q × p|²` is `|p|²`, and the field is
/// `(p, -|p|² q)`, whose solutions are great circles. Away from it, the field used here is an oscillator with the conserved
/// frequency `ω = |q × p|`: its flow keeps a closed form, so that rounding errors and derivatives across the sphere do no harm.
///
/// - velocity: `b(q, p) = (p, -|q × p|² q)`
/// - flow: `(q cos(ω τ) + p sin(ω τ)/ω, -ω q sin(ω τ) + p cos(ω τ))` with `τ = t - s`
/// - Jacobian: computed by forward mode
/// - domain: all of `R⁶`, all times; it is the geodesic flow only on the tangent bundle of the sphere, which it leaves
///   invariant
///
/// ```
/// use flowmap::{FlowMap, exact::Geodesic};
/// let quarter = std::f64::consts::FRAC_PI_2;
/// // from the pole to the equator
/// let end = Geodesic.flow(&0.0, &1.0, &[0.0, 0.0, 1.0, quarter, 0.0, 0.0]);
/// for (found, expected) in end.iter().zip([1.0, 0.0, 0.0, 0.0, 0.0, -quarter]) {
///     assert!((found - expected).abs() < 1e-15);
/// }
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: V. I. Arnold, Mathematical Methods of Classical Mechanics, section 17.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Geodesic;

/// `|q × p|²`.
fn square_of_product<N: Number>(x: &[Num<N>; 6]) -> Num<N> {
    let minor = |i: usize, j: usize| (&x[i] * &x[3 + j] - &x[j] * &x[3 + i]).powi(2);
    minor(1, 2) + minor(2, 0) + minor(0, 1)
}

impl Ode<6> for Geodesic {
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; 6]) -> [Num<N>; 6] {
        let square = square_of_product(x);
        std::array::from_fn(|i| if i < 3 { x[i + 3].clone() } else { -&square * &x[i - 3] })
    }
}

impl ExactFlow<6> for Geodesic {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; 6]) -> [Num<N>; 6] {
        let square = square_of_product(x);
        // without angular momentum, the path is a straight line
        let turns = square.gt(0.0);
        let frequency = turns.select(&square, 1.0).sqrt();
        let duration = (t - s).in_form_of(&square);
        let angle = &frequency * &duration;
        let cos = turns.select(angle.cos(), 1.0);
        let wave = turns.select(angle.sin() / frequency, duration); // sin(ω τ)/ω
        let back = square * &wave; // ω sin(ω τ)
        std::array::from_fn(|i| if i < 3 { &x[i] * &cos + &x[i + 3] * &wave } else { &x[i] * &cos - &back * &x[i - 3] })
    }
}

exact_flow!(Geodesic, 6);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, VelocityField, exact::testing::close};

    const START: [f64; 6] = [0.6, 0.0, 0.8, -0.8, 2.0, 0.6]; // |q| = 1, q·p = 0, |p| = √5

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn the_tangent_bundle_is_invariant_and_carries_the_geodesic_field() {
        for t in [-7.0, 0.3, 2.0] {
            let end = Geodesic.flow(&0.0, &t, &START);
            let (q, p) = end.split_at(3);
            close(&[dot(q, q), dot(q, p), dot(p, p)], &[1.0, 0.0, 5.0], 1e-13);
            let field = Geodesic.velocity(&0.0, &end);
            for i in 0..3 {
                close(&[field[i], field[i + 3]], &[p[i], -5.0 * q[i]], 1e-13);
            }
        }
    }

    #[test]
    fn great_circles_close() {
        let circle = 2.0 * std::f64::consts::PI / 5.0_f64.sqrt();
        close(&Geodesic.flow(&1.0, &(1.0 + circle), &START), &START, 1e-14);
        close(&Geodesic.flow(&1.0, &(1.0 - 2.5 * circle), &START), &START.map(|x| -x), 1e-13);
    }

    #[test]
    fn a_particle_at_rest_stays_and_may_be_pushed() {
        let rest = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(Geodesic.flow(&0.0, &3.0, &rest), rest);
        let jacobian = Geodesic.jacobian(&0.0, &3.0, &rest);
        assert_eq!([jacobian[0][3], jacobian[0][0], jacobian[3][3]], [3.0, 1.0, 1.0]);
    }

    #[test]
    fn the_jacobian_against_central_differences() {
        let (jacobian, h) = (Geodesic.jacobian(&0.0, &1.3, &START), 1e-5);
        for j in 0..6 {
            let moved = |by: f64| Geodesic.flow(&0.0, &1.3, &std::array::from_fn(|i| START[i] + if i == j { by } else { 0.0 }));
            let (up, down): ([f64; 6], [f64; 6]) = (moved(h), moved(-h));
            let quotients: [f64; 6] = std::array::from_fn(|i| (up[i] - down[i]) / (2.0 * h));
            close(&jacobian.map(|row| row[j]), &quotients, 1e-8);
        }
    }
}
