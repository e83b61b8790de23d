//! Uniform drift, with a velocity that depends on time only.

use super::{
    ExactFlow, exact_flow, matrix_of,
    setting::{finite, positive},
};
use crate::{Num, Number, Ode, Result};
use std::array::from_fn;

/// Drift: the same velocity everywhere, oscillating around a mean.
///
/// - velocity: `b_t(x) = a + c cos(ω t + φ)`, coordinate by coordinate
/// - flow: `x + a (t - s) + (c/ω) (sin(ω t + φ) - sin(ω s + φ))`
/// - Jacobian: the identity
/// - domain: the whole space, all times
///
/// ```
/// use flowmap::{FlowMap, exact::Drift};
/// use std::f64::consts::{FRAC_PI_2, PI};
/// // an inertial oscillation in a current along x: the amplitude's phases are a quarter apart
/// let eddy = Drift::new([0.5, 0.0], [1.0, 1.0], 1.0, [0.0, FRAC_PI_2])?;
/// let end = eddy.flow(&0.0, &(2.0 * PI), &[3.0, 4.0]);
/// assert!((end[0] - (3.0 + PI)).abs() < 1e-14 && (end[1] - 4.0_f64).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: C. N. Fabbroni, Numerical simulations of passive tracers dispersion in the sea, thesis, Bologna 2009, for the
/// moving eddy of the example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift<const D: usize> {
    mean: [f64; D],
    amplitude: [f64; D],
    frequency: f64,
    phase: [f64; D],
}

impl<const D: usize> Drift<D> {
    /// With the mean velocity `a`, and the amplitude `c`, angular frequency `ω` and phase `φ` of the oscillation around it.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless all are finite and the frequency is positive; a constant drift has
    /// amplitude 0.
    pub fn new(mean: [f64; D], amplitude: [f64; D], frequency: f64, phase: [f64; D]) -> Result<Self> {
        finite("mean velocity", &mean)?;
        finite("amplitude", &amplitude)?;
        positive("frequency", frequency)?;
        finite("phase", &phase)?;
        Ok(Self { mean, amplitude, frequency, phase })
    }

    /// The velocity at time `t`.
    ///
    /// ```
    /// use flowmap::exact::Drift;
    /// assert_eq!(Drift::new([0.5], [1.0], 2.0, [0.0])?.rate(&0.0), [1.5]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn rate<N: Number>(&self, t: &N) -> [N; D] {
        let t = Num::from(t);
        from_fn(|i| self.rate_of(i, &t).0)
    }

    /// `a + c cos(ω t + φ)` of coordinate `i`.
    fn rate_of<N: Number>(&self, i: usize, t: &Num<N>) -> Num<N> {
        self.mean[i] + self.amplitude[i] * (self.frequency * t + self.phase[i]).cos()
    }

    /// The displacement from time `s` to time `t`.
    ///
    /// ```
    /// use flowmap::exact::Drift;
    /// let way = Drift::new([0.5], [1.0], 2.0, [0.0])?.displacement(&0.0, &1.0);
    /// assert!((way[0] - (0.5 + 0.5 * 2.0_f64.sin())).abs() < 1e-15);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    pub fn displacement<N: Number>(&self, s: &N, t: &N) -> [N; D] {
        let (s, t) = (Num::from(s), Num::from(t));
        let duration = &t - &s;
        // the difference of two sines as a product, which does not cancel
        let swing = 2.0 * (self.frequency * &duration / 2.0).sin() / self.frequency;
        let middle = self.frequency * (t + s) / 2.0;
        let way = |i: usize| self.mean[i] * &duration + self.amplitude[i] * (&middle + self.phase[i]).cos() * &swing;
        from_fn(|i| way(i).0)
    }

    /// The smallest and the largest velocity of coordinate `i`.
    pub(super) fn extremes(&self, i: usize) -> [f64; 2] {
        let size = self.amplitude[i].abs();
        [self.mean[i] - size, self.mean[i] + size]
    }
}

impl<const D: usize> Ode<D> for Drift<D> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        from_fn(|i| self.rate_of(i, t).in_form_of(&x[i]))
    }
}

impl<const D: usize> ExactFlow<D> for Drift<D> {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let way = self.displacement(&s.0, &t.0).map(Num);
        from_fn(|i| &x[i] + &way[i])
    }

    fn derivative<N: Number>(&self, s: &Num<N>, _t: &Num<N>, _x: &[Num<N>; D]) -> [[Num<N>; D]; D] {
        matrix_of(s, Clone::clone)
    }
}

exact_flow!(Drift<D>, D, [const D: usize]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn slow_oscillations_keep_their_digits() {
        // over a short time, a slow oscillation is a constant velocity
        let drift = Drift::new([0.0], [3.0], 1e-12, [0.0]).unwrap();
        assert_eq!(drift.flow(&0.0, &2.0, &[1.0]), [7.0]);
    }

    #[test]
    fn settings_without_meaning_are_refused() {
        let new = |mean, amplitude, frequency, phase| Drift::new([mean], [amplitude], frequency, [phase]);
        assert!(new(f64::NAN, 1.0, 1.0, 0.0).is_err() && new(0.0, f64::INFINITY, 1.0, 0.0).is_err());
        assert!(new(0.0, 1.0, 0.0, 0.0).is_err() && new(0.0, 1.0, 1.0, f64::NAN).is_err());
    }
}
