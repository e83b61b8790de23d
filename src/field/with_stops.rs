//! Adds stop times to any field.

use super::{DynOde, Ode, VelocityField};
use crate::{
    Error, Result,
    number::{Num, Number},
    state::State,
};

/// A field, or an [`Ode`], with additional [stops](VelocityField::stops): for one that does not name its own, such as a
/// closure, a learned velocity or somebody else's ODE. Every solver and every combinator of fields honours them.
///
/// [`Adaptive::stops`](crate::solver::Adaptive::stops) does the same for one solver. Only stops that a field names itself can
/// have derivatives.
///
/// ```
/// use flowmap::{FlowMap, WithStops, field, solver::{FixedSteps, RK4}};
/// // a dose between two times
/// let dose = field(|t: &f64, _: &[f64; 1]| [if 0.3 < *t && *t < 0.45 { 2.0 } else { 0.0 }]);
/// let exact = WithStops::new(dose, [0.3, 0.45])?;
/// let end = FixedSteps::new(RK4, 1)?.of(exact).flow(&0.0, &1.0, &[0.0]);
/// assert!((end[0] - 0.3).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WithStops<B> {
    field: B,
    stops: Vec<f64>,
}

impl<B> WithStops<B> {
    /// Adds these times, in any order; duplicates and times outside a solve are allowed.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a time is NaN.
    pub fn new(field: B, stops: impl IntoIterator<Item = f64>) -> Result<Self> {
        Ok(Self { field, stops: in_order(stops)? })
    }

    /// The times, sorted.
    pub fn stops(&self) -> &[f64] {
        &self.stops
    }

    /// The field's own stops and these, in the shape of `s`.
    fn and<N: Number>(&self, own: Vec<N>, s: &N) -> Vec<N> {
        own.into_iter().chain(self.stops.iter().map(|&stop| s.constant(stop))).collect()
    }
}

/// Stop times, sorted, without duplicates.
pub(crate) fn in_order(times: impl IntoIterator<Item = f64>) -> Result<Vec<f64>> {
    let mut stops: Vec<f64> = times.into_iter().collect();
    if stops.iter().any(|t| t.is_nan()) {
        return Err(Error::invalid("stop time", "NaN is not a time; leave it out"));
    }
    stops.sort_by(f64::total_cmp);
    stops.dedup();
    Ok(stops)
}

impl<X: State, B: VelocityField<X>> VelocityField<X> for WithStops<B> {
    #[inline(always)]
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.field.velocity(t, x)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.and(self.field.stops(s, t), s)
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        self.field.jvp(t, x, v)
    }
}

impl<const D: usize, O: Ode<D>> Ode<D> for WithStops<O> {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        self.field.rhs(t, x)
    }
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        self.and(self.field.stops(s, t), s)
    }
}

impl<O: DynOde> DynOde for WithStops<O> {
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>> {
        self.field.rhs(t, x)
    }
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        self.and(self.field.stops(s, t), s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Ode,
        analysis::jacobian,
        field,
        solver::{Adaptive, DOPRI5, FixedSteps, RK4},
    };

    /// `x' = x`, and `-2x` between 1/3 and 1/2, without naming these stops.
    struct Silent;
    impl Ode<1> for Silent {
        fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
            [(t.gt(1.0 / 3.0) & t.lt(0.5)).select(-2.0 * x, x)]
        }
    }

    #[test]
    fn a_field_without_stops_gets_them_in_every_solver() {
        let exact = 0.5_f64.exp();
        let ode = || WithStops::new(Silent, [0.5, 7.0, 1.0 / 3.0, 0.5]).unwrap();
        assert_eq!(ode().stops(), [1.0 / 3.0, 0.5, 7.0]);
        let derivative = |error: f64, found: [[f64; 1]; 1]| assert!((found[0][0] - exact).abs() < error, "{found:?}");
        derivative(1e-7, jacobian(&FixedSteps::new(RK4, 100).unwrap().of(ode().field()), &0.0, &1.0, &[1.0]));
        derivative(1e-5, jacobian(&Adaptive::new(DOPRI5).unwrap().of(ode().field()), &0.0, &1.0, &[1.0]));
        #[cfg(feature = "diffsol")]
        derivative(1e-3, jacobian(&crate::solver::Stiff::bdf().of(ode().field()), &0.0, &1.0, &[1.0]));
    }

    #[test]
    fn they_are_added_to_those_that_a_field_has() {
        let both = WithStops::new(WithStops::new(field(|_: &f64, x: &[f64; 1]| *x), [1.0]).unwrap(), [2.0]).unwrap();
        assert_eq!(VelocityField::<[f64; 1]>::stops(&both, &0.0, &1.0), [1.0, 2.0]);
        assert!(WithStops::new(Silent, [f64::NAN]).is_err());
    }
}
