//! ODEs that run in SIMD lanes.
#![allow(clippy::needless_range_loop, reason = "what an iterator might not inline would run without the region's instructions")]

use crate::{
    DynParametricOde, Lanes, Num, ParametricOde, Real, Row,
    number::{unwrapped, wrapped},
};

/// The number of lanes: two registers of AVX-512 of `f64`, so that one computes while the other waits for its results.
pub const LANES: usize = 16;

/// States, numbers and parameters in lanes.
pub type Side<X> = Lanes<<X as Row>::Item, LANES>;
pub type States<X> = <X as Row>::Of<Side<X>>;
pub type Parameters<X, P> = <P as Row>::Of<Num<Side<X>>>;

/// An ODE that an [`Ensemble`](super::Ensemble) can solve from states `X` with parameters `P`: every [`ParametricOde`] from
/// arrays, and every [`DynParametricOde`] from vectors.
pub trait EnsembleOde<X: Row<Item: Real>, P: Row>: Sync {
    /// The velocity in all lanes.
    #[doc(hidden)]
    fn velocity(&self, t: &Side<X>, x: &States<X>, parameters: &Parameters<X, P>) -> States<X>;
    /// The stops of all lanes.
    #[doc(hidden)]
    fn stops(&self, s: &Side<X>, t: &Side<X>, parameters: &Parameters<X, P>) -> Vec<Side<X>>;
}

impl<F: Real, O: ParametricOde<D, P> + Sync, const D: usize, const P: usize> EnsembleOde<[F; D], [F; P]> for O {
    #[inline(always)]
    fn velocity(&self, t: &Lanes<F, LANES>, x: &[Lanes<F, LANES>; D], p: &[Num<Lanes<F, LANES>>; P]) -> [Lanes<F, LANES>; D] {
        unwrapped(self.rhs_with(&Num(*t), &wrapped(*x), p))
    }
    #[inline(always)]
    fn stops(&self, s: &Lanes<F, LANES>, t: &Lanes<F, LANES>, p: &[Num<Lanes<F, LANES>>; P]) -> Vec<Lanes<F, LANES>> {
        self.stops_with(&Num(*s), &Num(*t), p).into_iter().map(Num::into_inner).collect()
    }
}

impl<F: Real, O: DynParametricOde + Sync> EnsembleOde<Vec<F>, Vec<F>> for O {
    #[inline(always)]
    fn velocity(&self, t: &Lanes<F, LANES>, x: &Vec<Lanes<F, LANES>>, p: &Vec<Num<Lanes<F, LANES>>>) -> Vec<Lanes<F, LANES>> {
        let mut numbers = Vec::with_capacity(x.len());
        for i in 0..x.len() {
            numbers.push(Num(x[i]));
        }
        let rates = self.rhs_with(&Num(*t), &numbers, p);
        let (found, expected) = (rates.len(), x.len());
        assert!(found == expected, "the ODE has {found} rates for a state of {expected} coordinates");
        let mut velocity = Vec::with_capacity(found);
        for i in 0..found {
            velocity.push(rates[i].0);
        }
        velocity
    }
    #[inline(always)]
    fn stops(&self, s: &Lanes<F, LANES>, t: &Lanes<F, LANES>, p: &Vec<Num<Lanes<F, LANES>>>) -> Vec<Lanes<F, LANES>> {
        self.stops_with(&Num(*s), &Num(*t), p).into_iter().map(Num::into_inner).collect()
    }
}
