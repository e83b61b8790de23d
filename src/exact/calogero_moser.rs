//! The Calogero-Moser system: particles on a line that repel each other with the inverse cube of their distance.

use super::{ExactFlow, exact_flow, running, setting::positive, special::hermitian::eigenvalues, still, sum};
use crate::{Error, Num, Number, Ode, Result};
use std::array::from_fn;

/// The Calogero-Moser system of `N = D/2` particles on a line, with positions and momenta `(q₁, …, q_N, p₁, …, p_N)`.
///
/// - velocity: `q_i' = p_i`, `p_i' = 2g² Σ_j (q_i - q_j)^-3`
/// - flow: the positions are the eigenvalues of the Hermitian matrix `Q + (t - s) L` with `Q = diag q`, `L_ii = p_i` and
///   `L_ij = i g / (q_i - q_j)`, in the order of the particles, which never pass each other; the momenta are their time
///   derivatives
/// - Jacobian: symplectic, with determinant 1; computed by forward mode
/// - domain: particles at different places, all times
///
/// ```
/// use flowmap::{FlowMap, exact::CalogeroMoser};
/// // two particles: the square of their distance is d² + (4g²/d²) τ² when they are released from rest
/// let end = CalogeroMoser::<4>::new(0.5)?.flow(&0.0, &1.0, &[0.0, 1.0, 0.0, 0.0]);
/// assert!((end[1] - end[0] - 2.0_f64.sqrt()).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: J. Moser, Three integrable Hamiltonian systems connected with isospectral deformations, Adv. Math. 16, 1975;
/// M. A. Olshanetsky, A. M. Perelomov, Classical integrable finite-dimensional systems related to Lie algebras, Phys. Rep. 71,
/// 1981, for the eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalogeroMoser<const D: usize> {
    coupling: f64,
}

impl<const D: usize> CalogeroMoser<D> {
    /// With the coupling `g`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `g` is positive and finite and `D` even and not 0.
    pub fn new(coupling: f64) -> Result<Self> {
        if D == 0 || !D.is_multiple_of(2) {
            return Err(Error::invalid(
                "dimension",
                format!("{D} is not an even number of at least 2: each particle has a position and a momentum"),
            ));
        }
        positive("coupling", coupling)?;
        Ok(Self { coupling })
    }
}

impl<const D: usize> Ode<D> for CalogeroMoser<D> {
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let (q, p) = x.split_at(D / 2);
        let force = |i: usize| {
            let others = (0..q.len()).filter(|&j| j != i);
            let terms = others.map(|j| (&q[i] - &q[j]).powi(-3));
            2.0 * self.coupling.powi(2) * terms.fold(q[i].constant(0.0), |sum, term| sum + term)
        };
        from_fn(|i| if i < p.len() { p[i].clone() } else { force(i - p.len()) })
    }
}

impl<const D: usize> ExactFlow<D> for CalogeroMoser<D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        // with time as a dual number, the tangents of the positions are the momenta
        let duration = (t - s).in_form_of(&x[0]);
        let time = running(&duration);
        let start = x.each_ref().map(still);
        let (q, p) = start.split_at(D / 2);
        let zero = q[0].constant(0.0);
        // Q + (t - s) L
        let entry = |i: usize, j: usize| {
            if i == j {
                return [&q[i] + &p[i] * &time, zero.clone()];
            }
            [zero.clone(), self.coupling / (&q[i] - &q[j]) * &time]
        };
        let matrix = (0..q.len()).map(|i| (0..q.len()).map(|j| entry(i, j)).collect()).collect();
        let ends = eigenvalues(matrix);
        // each particle keeps its place in the order
        let arrived = |i: usize| {
            let rank = sum(q.iter().map(|other| other.lt(&q[i]).select(1.0, 0.0)));
            let places = ends.iter().enumerate().skip(1);
            places.fold(ends[0].clone(), |end, (k, other)| rank.gt(k as f64 - 0.5).select(other, &end))
        };
        let (ends, rates): (Vec<N>, Vec<Option<N>>) = (0..q.len()).map(|i| arrived(i).0.into_parts()).unzip();
        let rates = rates.into_iter().map(|rate| rate.unwrap_or_else(|| duration.0.constant(0.0)));
        let mut coordinates = ends.into_iter().chain(rates).map(Num);
        from_fn(|_| coordinates.next().expect("a position and a momentum for each particle"))
    }

    fn domain(&self, _s: f64, _t: f64, x: &[f64; D]) -> Result<()> {
        let q = &x[..D / 2];
        let meeting = (0..q.len()).flat_map(|i| (0..i).map(move |j| (j, i))).find(|&(j, i)| q[i] == q[j]);
        match meeting {
            None => Ok(()),
            Some((j, i)) => {
                let reason = format!("particles {j} and {i} are both at {}; they need different places", q[i]);
                Err(Error::invalid("start state", reason))
            }
        }
    }
}

exact_flow!(CalogeroMoser<D>, D, [const D: usize]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FlowMap,
        exact::testing::{close, symplectic},
    };

    const START: [f64; 6] = [-1.0, 0.2, 1.5, 0.8, -0.3, -1.1];

    #[test]
    fn two_particles_have_a_closed_form() {
        // distance² = (d + v τ)² + 4 g² τ² / d², and the centre moves on
        let (d, v, g) = (0.7_f64, -1.3, 0.6);
        for t in [-2.0, 0.3, 3.0_f64] {
            let end = CalogeroMoser::<4>::new(g).unwrap().flow(&0.0, &t, &[1.0 + d, 1.0, v, 0.0]);
            let distance = ((d + v * t).powi(2) + 4.0 * (g * t / d).powi(2)).sqrt();
            let rate = ((d + v * t) * v + 4.0 * g * g * t / (d * d)) / distance;
            close(&[end[0] - end[1], end[2] - end[3]], &[distance, rate], 1e-14);
            close(&[end[0] + end[1], end[2] + end[3]], &[2.0 + d + v * t, v], 1e-14);
        }
    }

    #[test]
    fn energy_momentum_and_the_third_invariant_stay() {
        let g = 0.7;
        let invariants = |x: [f64; 6]| {
            let lax = |i: usize, j: usize| if i == j { [x[3 + i], 0.0] } else { [0.0, g / (x[i] - x[j])] };
            let times = |[a, b]: [f64; 2], [c, d]: [f64; 2]| [a * c - b * d, a * d + b * c];
            let mut traces = [0.0; 3];
            for i in 0..3 {
                traces[0] += lax(i, i)[0];
                for j in 0..3 {
                    let square = times(lax(i, j), lax(j, i));
                    traces[1] += square[0];
                    for k in 0..3 {
                        traces[2] += times(times(lax(i, j), lax(j, k)), lax(k, i))[0];
                    }
                }
            }
            traces
        };
        for t in [-2.0, 1.0, 5.0] {
            let end = CalogeroMoser::<6>::new(g).unwrap().flow(&0.0, &t, &START);
            close(&invariants(end), &invariants(START), 1e-11);
        }
    }

    #[test]
    fn particles_keep_their_names_and_the_form() {
        let flow = CalogeroMoser::<6>::new(0.7).unwrap();
        let end: [f64; 6] = flow.flow(&0.0, &1.5, &START);
        let order = [2, 0, 1, 5, 3, 4];
        close(&flow.flow(&0.0, &1.5, &order.map(|i| START[i])), &order.map(|i| end[i]), 1e-14);
        symplectic(&flow.jacobian(&0.0, &1.5, &START), 1e-11);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        assert!(CalogeroMoser::<3>::new(1.0).is_err() && CalogeroMoser::<4>::new(0.0).is_err());
        let error = CalogeroMoser::<4>::new(1.0).unwrap().try_flow(&0.0, &1.0, &[2.0, 2.0, 0.0, 1.0_f64]).unwrap_err();
        assert!(error.to_string().contains("particles 0 and 1"));
    }
}
