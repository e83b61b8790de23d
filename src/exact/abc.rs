//! The Arnold-Beltrami-Childress flow, reduced to a shear.

use super::{ExactFlow, exact_flow, setting::finite};
use crate::{Num, Number, Ode, Result};

/// The ABC flow with `B = C = 0`: layers that slide over each other, in a direction that turns with the height.
///
/// Let `τ = t - s`.
///
/// - velocity: `b(x, y, z) = (A sin z, A cos z, 0)`
/// - flow: `(x + A τ sin z, y + A τ cos z, z)`
/// - Jacobian: `[[1, 0, A τ cos z], [0, 1, -A τ sin z], [0, 0, 1]]`
/// - domain: all of space, all times
///
/// With all three coefficients the ABC flow is chaotic and has no closed form.
///
/// ```
/// use flowmap::{FlowMap, exact::AbcShear};
/// let end = AbcShear::new(2.0)?.flow(&0.0, &3.0, &[1.0, 1.0, 0.0]);
/// assert_eq!(end, [1.0, 7.0, 0.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: T. Dombre et al., Chaotic streamlines in the ABC flows, J. Fluid Mech. 167, 1986.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AbcShear {
    amplitude: f64,
}

impl AbcShear {
    /// With the amplitude `A`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless it is finite.
    pub fn new(amplitude: f64) -> Result<Self> {
        finite("amplitude", &[amplitude])?;
        Ok(Self { amplitude })
    }
}

impl Ode<3> for AbcShear {
    fn rhs<N: Number>(&self, _t: &Num<N>, [_, _, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        [self.amplitude * z.sin(), self.amplitude * z.cos(), z.constant(0.0)]
    }
}

impl ExactFlow<3> for AbcShear {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
        let way = self.amplitude * (t - s);
        [x + &way * z.sin(), y + way * z.cos(), z.clone()]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [_, _, z]: &[Num<N>; 3]) -> [[Num<N>; 3]; 3] {
        let way = self.amplitude * (t - s);
        let fixed = |c| z.constant(c);
        [[fixed(1.0), fixed(0.0), &way * z.cos()], [fixed(0.0), fixed(1.0), -way * z.sin()], [fixed(0.0), fixed(0.0), fixed(1.0)]]
    }
}

exact_flow!(AbcShear, 3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlowMap, exact::testing::close};

    #[test]
    fn layers_slide() {
        let (sin, cos) = 0.7_f64.sin_cos();
        let flow = AbcShear::new(-1.5).unwrap();
        close(&flow.flow(&1.0, &3.0, &[0.2, 0.3, 0.7]), &[0.2 - 3.0 * sin, 0.3 - 3.0 * cos, 0.7], 1e-15);
    }

    #[test]
    fn an_infinite_amplitude_is_refused() {
        assert!(AbcShear::new(f64::INFINITY).is_err());
    }
}
