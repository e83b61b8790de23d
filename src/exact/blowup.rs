//! Blow-up in finite time.

use super::{ExactFlow, alive, exact_flow};
use crate::{Error, Num, Number, Ode, Result};

/// The scalar ODE `x' = x²`, whose solutions blow up in finite time.
///
/// - velocity: `b(x) = x²`
/// - flow: `x / (1 - x (t - s))`
/// - Jacobian: `(1 - x (t - s))^-2`
/// - domain: `x (t - s) < 1`; outside, [`FlowMap::flow`](crate::FlowMap::flow) is NaN and
///   [`FlowMap::try_flow`](crate::FlowMap::try_flow) names the blow-up time `s + 1/x`
///
/// ```
/// use flowmap::{FlowMap, exact::Blowup};
/// assert_eq!(Blowup.flow(&0.0, &0.5, &[1.0]), [2.0]);
/// assert!(Blowup.flow(&0.0, &1.5, &[1.0_f64])[0].is_nan());
/// let error = Blowup.try_flow(&0.0, &1.5, &[1.0_f64]).unwrap_err();
/// assert!(error.to_string().contains("blows up at time 1"));
/// ```
///
/// Reference: E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, chapter I.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blowup;

/// `1 - x (t - s)`, NaN after the blow-up.
fn denominator<N: Number>(s: &Num<N>, t: &Num<N>, x: &Num<N>) -> Num<N> {
    alive(1.0 - x * (t - s))
}

impl Ode<1> for Blowup {
    fn rhs<N: Number>(&self, _t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [x * x]
    }
}

impl ExactFlow<1> for Blowup {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [x / denominator(s, t, x)]
    }

    fn derivative<N: Number>(&self, s: &Num<N>, t: &Num<N>, [x]: &[Num<N>; 1]) -> [[Num<N>; 1]; 1] {
        [[denominator(s, t, x).powi(-2)]]
    }

    fn domain(&self, s: f64, t: f64, [x]: &[f64; 1]) -> Result<()> {
        if x * (t - s) < 1.0 { Ok(()) } else { Err(Error::BlowUp { from: s, to: t, time: s + 1.0 / x }) }
    }
}

exact_flow!(Blowup, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowMap;

    #[test]
    fn blow_up_times_in_both_directions() {
        for (s, t, x, expected) in [(1.0_f64, 2.0, 2.0_f64, 1.5), (1.0, 0.0, -4.0, 0.75), (-1.0, -0.5, 2.0, -0.5)] {
            assert!(Blowup.flow(&s, &t, &[x])[0].is_nan());
            match Blowup.try_flow(&s, &t, &[x]) {
                Err(Error::BlowUp { time, .. }) => assert_eq!(time, expected),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(Blowup.try_flow(&1.0, &-1.0, &[2.0]).unwrap(), [0.4], "backward there is no blow-up from x > 0");
    }

    #[test]
    fn a_start_that_is_no_number_is_not_called_a_blow_up() {
        assert!(matches!(Blowup.try_flow(&0.0, &1.0, &[f64::NAN]), Err(Error::NotFinite { .. })));
    }
}
