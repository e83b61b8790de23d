//! Radial blow-up in finite time.

use super::{ExactFlow, alive, exact_flow, sum};
use crate::{Error, Num, Number, Ode, Result};

/// The radial field that grows with the cube of the distance, in any dimension.
///
/// Let `τ = t - s` and `E = 1 - 2 |x|² τ`.
///
/// - velocity: `b(x) = |x|² x`
/// - flow: `x / √E`
/// - Jacobian: `(1 + (2τ/E) x xᵀ) / √E`
/// - domain: `2 |x|² τ < 1`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time `s + 1 / 2|x|²`
///
/// ```
/// use flowmap::{FlowMap, exact::Radial};
/// let end = Radial::<2>.flow(&0.0, &0.375, &[0.6, 0.8]);
/// assert!((end[0] - 1.2_f64).abs() < 1e-15 && (end[1] - 1.6).abs() < 1e-15);
/// assert!(Radial::<2>.try_flow(&0.0, &0.5, &[0.6_f64, 0.8]).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: J. K. Hale, Ordinary Differential Equations, chapter I.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Radial<const D: usize>;

/// `|x|²`.
fn square<N: Number, const D: usize>(x: &[Num<N>; D]) -> Num<N> {
    sum(x.iter().map(|x| x * x))
}

/// `E`, NaN after the blow-up.
fn denominator<N: Number, const D: usize>(s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> Num<N> {
    alive(1.0 - 2.0 * square(x) * (t - s))
}

impl<const D: usize> Ode<D> for Radial<D> {
    /// # Panics
    /// If `D` is 0.
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let square = square(x);
        std::array::from_fn(|i| &square * &x[i])
    }
}

impl<const D: usize> ExactFlow<D> for Radial<D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let root = denominator(s, t, x).sqrt();
        std::array::from_fn(|i| &x[i] / &root)
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        let denominator = denominator(s, t, x);
        let root = denominator.sqrt();
        let pull = 2.0 * (t - s) / denominator;
        std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                let bend = &pull * &x[i] * &x[j];
                (if i == j { 1.0 + bend } else { bend }) / &root
            })
        })
    }

    fn domain(&self, s: f64, t: f64, x: &[f64; D]) -> Result<()> {
        if denominator(&Num(s), &Num(t), &x.map(Num)).0 > 0.0 {
            return Ok(());
        }
        Err(Error::BlowUp { from: s, to: t, time: s + 0.5 / square(&x.map(Num)).0 })
    }
}

exact_flow!(Radial<D>, D, [const D: usize]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn blow_up_times() {
        match Radial::<3>.try_flow(&1.0, &2.0, &[2.0, -1.0, 2.0]) {
            Err(Error::BlowUp { time, .. }) => assert_eq!(time, 1.0 + 1.0 / 18.0),
            other => panic!("{other:?}"),
        }
        assert!(Radial::<3>.flow(&1.0, &2.0, &[2.0_f64, -1.0, 2.0]).iter().all(|x| x.is_nan()));
        assert!(Radial::<3>.try_flow(&2.0, &-1e9, &[2.0, -1.0, 2.0]).is_ok(), "backward there is none");
        assert_eq!(Radial::<2>.try_flow(&0.0, &1e9, &[0.0, 0.0]).unwrap(), [0.0, 0.0]);
    }
}
