//! The Toda lattice of two particles.

use super::{ExactFlow, exact_flow};
use crate::{Num, Number, Ode};

/// The relative motion of two Toda particles, or Liouville's mechanics: a particle reflected by an exponential wall.
///
/// Let `E = p²/2 + e^q` be the energy, `k = √(2E)`, and `u = k (t - s) / 2`.
///
/// - velocity: `b(q, p) = (p, -e^q)`
/// - flow: `q - 2 ln(cosh u - (p/k) sinh u)` and `k (p - k tanh u) / (k - p tanh u)`; that is `ln E - 2 ln cosh` and `-k tanh`
///   of `k/2` times the time since the reflection
/// - Jacobian: symplectic, with determinant 1; computed by forward mode
/// - domain: all of the plane, all times
///
/// ```
/// use flowmap::{FlowMap, exact::Toda};
/// let [q, p] = Toda.flow(&0.0, &10.0, &[0.0, 0.0]); // released at the wall with E = 1
/// assert!((p + 2.0_f64.sqrt()).abs() < 1e-5 && (q + 2.0_f64.sqrt() * 10.0 - 4.0_f64.ln()).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: M. Toda, Theory of Nonlinear Lattices, chapter 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Toda;

impl Ode<2> for Toda {
    fn rhs<N: Number>(&self, _t: &Num<N>, [q, p]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [p.clone(), -q.exp()]
    }
}

impl ExactFlow<2> for Toda {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [q, p]: &[Num<N>; 2]) -> [Num<N>; 2] {
        let wall = q.exp();
        let speed = (p * p + 2.0 * &wall).sqrt();
        let time = &speed * (t - s) / 2.0;
        // 1 - p/k and 1 + p/k, whose product is 2 e^q / k², which gives the one that would cancel
        let (forward, later) = (p.gt(0.0), time.gt(0.0));
        let high = 1.0 + forward.select(p, -p) / &speed;
        let low = 2.0 * wall / (&speed * &speed * &high);
        // cosh u - (p/k) sinh u = ((1 - p/k) e^u + (1 + p/k) e^-u) / 2, with the larger exponential factored out
        let (ahead, behind) = (forward.select(&low, &high), forward.select(&high, &low));
        let (lead, trail) = (later.select(&ahead, &behind), later.select(&behind, &ahead));
        let reach = later.select(&time, -&time);
        let trail = trail * (-2.0 * &reach).exp();
        let sum = &lead + &trail;
        let end = (trail - lead) / &sum * speed;
        [q - 2.0 * (reach + (sum / 2.0).ln()), later.select(&end, -&end)]
    }
}

exact_flow!(Toda, 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::testing::{close, symplectic},
    };

    #[test]
    fn released_at_the_wall() {
        // E = 2, k = 2: q = ln 2 - 2 ln cosh t, p = -2 tanh t
        for t in [-3.0, 0.4, 1.5_f64] {
            let expected = [2.0_f64.ln() - 2.0 * t.cosh().ln(), -2.0 * t.tanh()];
            close(&Toda.flow(&0.0, &t, &[2.0_f64.ln(), 0.0]), &expected, 1e-14);
            close(&Toda.flow(&t, &0.0, &expected), &[2.0_f64.ln(), 0.0], 1e-13);
        }
    }

    #[test]
    fn from_far_away_it_comes_back_with_the_opposite_momentum() {
        let [q, p] = Toda.flow(&0.0, &60.0, &[-60.0, 2.0]);
        // E = 2: far from the wall ln cosh u is |u| - ln 2
        close(&[q, p], &[2.0 * 8.0_f64.ln() - 60.0, -2.0], 1e-12);
        let [q, p] = Toda.flow(&0.0, &1e6, &[1.0, 0.0]);
        assert!(q < -1e6 && (p + (2.0 * 1.0_f64.exp()).sqrt()).abs() < 1e-14);
    }

    #[test]
    fn energy_and_area_stay() {
        let energy = |[q, p]: [f64; 2]| 0.5 * p * p + q.exp();
        for start in [[0.0, 0.0], [-2.0, 1.5], [1.0, -2.0]] {
            for t in [-2.0, 0.5, 4.0] {
                let end = Toda.flow(&0.0, &t, &start);
                assert!((energy(end) - energy(start)).abs() < 1e-13);
                symplectic(&Toda.jacobian(&0.0, &t, &start), 1e-11);
            }
        }
    }
}
