//! ODEs with parameters that are numbers themselves.

use super::{Ode, VelocityField, in_form};
use crate::{
    number::{Dual, Num, Number, wrapped},
    state::{Coordinates, value_and_tangent},
};

/// An ODE in `D` dimensions with `P` parameters, written once over [`Num<N>`](Num) for any [`Number`] `N`.
///
/// The constants of an [`Ode`] are plain floats; parameters are numbers of the state's kind: they have derivatives, may differ
/// between samples or lanes, and can be learned. [`with`](Self::with) gives them values and makes a [`VelocityField`]. An
/// [`Ode`] has no parameters, `P = 0`.
///
/// ```
/// use flowmap::{Dual, Num, Number, ParametricOde, VelocityField};
/// struct LotkaVolterra;
/// impl ParametricOde<2, 4> for LotkaVolterra {
///     fn rhs_with<N: Number>(&self, _t: &Num<N>, [prey, hunters]: &[Num<N>; 2], rates: &[Num<N>; 4]) -> [Num<N>; 2] {
///         let [birth, eaten, death, fed] = rates;
///         [birth * prey - eaten * prey * hunters, fed * prey * hunters - death * hunters]
///     }
/// }
/// assert_eq!(LotkaVolterra.with([1.5, 1.0, 3.0, 0.5]).velocity(&0.0, &[2.0, 1.0]), [1.0, -2.0]);
///
/// // the derivative with respect to the rate of birth
/// let [birth, eaten, death, fed] = [Dual::new(1.5, 1.0), Dual::constant(1.0), Dual::constant(3.0), Dual::constant(0.5)];
/// let moving = LotkaVolterra.with([birth, eaten, death, fed]);
/// let velocity = moving.velocity(&Dual::constant(0.0), &Dual::constant([2.0, 1.0]));
/// assert_eq!(velocity.tangent(), &[2.0, 0.0]);
/// ```
pub trait ParametricOde<const D: usize, const P: usize> {
    /// The `D` coordinates of `b_t(x)` with the parameters `p`.
    fn rhs_with<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D], p: &[Num<N>; P]) -> [Num<N>; D];

    /// The times from `s` to `t`, both included, at which the velocity jumps; they may be parameters. See
    /// [`VelocityField::stops`].
    #[inline(always)]
    fn stops_with<N: Number>(&self, s: &Num<N>, t: &Num<N>, p: &[Num<N>; P]) -> Vec<Num<N>> {
        let _ = (s, t, p);
        Vec::new()
    }

    /// The field with these parameters.
    fn with<N: Number>(self, parameters: [N; P]) -> WithParameters<Self, N, D, P>
    where
        Self: Sized,
    {
        WithParameters { ode: self, parameters: parameters.map(Num) }
    }
}

impl<const D: usize, O: Ode<D>> ParametricOde<D, 0> for O {
    #[inline(always)]
    fn rhs_with<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D], []: &[Num<N>; 0]) -> [Num<N>; D] {
        self.rhs(t, x)
    }
    #[inline(always)]
    fn stops_with<N: Number>(&self, s: &Num<N>, t: &Num<N>, []: &[Num<N>; 0]) -> Vec<Num<N>> {
        self.stops(s, t)
    }
}

/// A [`ParametricOde`] with parameter values: a [`VelocityField`] on every state whose times are numbers of their kind.
///
/// On a batch in a tensor, a parameter has the shape `[batch]`, one for each sample, or `[]`, one for all.
#[derive(Clone, Copy, Debug)]
pub struct WithParameters<O, N, const D: usize, const P: usize> {
    ode: O,
    parameters: [Num<N>; P],
}

impl<O, N: Clone, const D: usize, const P: usize> WithParameters<O, N, D, P> {
    /// The values of the parameters.
    pub fn parameters(&self) -> [N; P] {
        self.parameters.clone().map(|p| p.0)
    }
}

impl<O, N, const D: usize, const P: usize> WithParameters<O, N, D, P> {
    #[inline(always)]
    fn rates<X: Coordinates<D>>(&self, t: &X::Time, x: &X, parameters: &[Num<X::Time>; P]) -> X
    where
        O: ParametricOde<D, P>,
    {
        let x = wrapped(x.split());
        X::join(in_form(self.ode.rhs_with(&Num::from(t), &x, parameters), &x))
    }
}

impl<O, X, const D: usize, const P: usize> VelocityField<X> for WithParameters<O, X::Time, D, P>
where
    O: ParametricOde<D, P>,
    X: Coordinates<D>,
{
    #[inline(always)]
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.rates(t, x, &self.parameters)
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        let parameters = self.parameters.clone().map(|p| Num(Dual::constant(p.0)));
        value_and_tangent(self.rates(&Dual::constant(t.clone()), &Dual::new(x.clone(), v.clone()), &parameters)).1
    }
    #[inline(always)]
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        let stops = self.ode.stops_with(&Num::from(s), &Num::from(t), &self.parameters);
        stops.into_iter().map(|stop| stop.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dual, Lanes, exact::Rotation};

    #[derive(Clone, Copy)]
    struct LotkaVolterra;

    impl ParametricOde<2, 4> for LotkaVolterra {
        fn rhs_with<N: Number>(
            &self,
            _t: &Num<N>,
            [prey, hunters]: &[Num<N>; 2],
            [birth, eaten, death, fed]: &[Num<N>; 4],
        ) -> [Num<N>; 2] {
            [birth * prey - eaten * prey * hunters, fed * prey * hunters - death * hunters]
        }
    }

    /// An ODE with one parameter, besides the [`Ode`](crate::Ode) with none.
    impl ParametricOde<2, 1> for Rotation {
        fn rhs_with<N: Number>(&self, _t: &Num<N>, [x, y]: &[Num<N>; 2], [speed]: &[Num<N>; 1]) -> [Num<N>; 2] {
            [-speed * y, speed * x]
        }
    }

    const PARAMETERS: [f64; 4] = [1.5, 1.0, 3.0, 0.5];
    const STATE: [f64; 2] = [2.0, 0.7];

    #[test]
    fn derivatives_with_respect_to_each_parameter() {
        for k in 0..4 {
            let at = |shift: f64| {
                let mut p = PARAMETERS;
                p[k] += shift;
                LotkaVolterra.with(p).velocity(&0.0, &STATE)
            };
            let moving = std::array::from_fn(|i| Dual::new(PARAMETERS[i], if i == k { 1.0 } else { 0.0 }));
            let found = LotkaVolterra.with(moving).velocity(&Dual::constant(0.0), &Dual::constant(STATE));
            let h = 1e-5;
            for i in 0..2 {
                let expected = (at(h)[i] - at(-h)[i]) / (2.0 * h);
                assert!((found.tangent()[i] - expected).abs() < 1e-9, "{found:?}: {expected}");
            }
        }
    }

    #[test]
    fn each_lane_has_its_own_parameters() {
        let births = [0.5, 1.0, 1.5, 2.0];
        let [_, eaten, death, fed] = PARAMETERS.map(Lanes::<f64, 4>::splat);
        let b = LotkaVolterra.with([Lanes::from(births), eaten, death, fed]);
        let found = b.velocity(&Lanes::splat(0.0), &STATE.map(Lanes::splat));
        for (i, birth) in births.into_iter().enumerate() {
            let alone = LotkaVolterra.with([birth, 1.0, 3.0, 0.5]).velocity(&0.0, &STATE);
            assert_eq!(found.map(|c| c.lane(i)), alone);
        }
    }

    #[test]
    fn an_ode_has_no_parameters_and_may_have_some() {
        let turn = Rotation::new(2.0).unwrap();
        assert_eq!(turn.with([]).velocity(&0.0, &STATE), turn.velocity(&0.0, &STATE));
        assert_eq!(turn.with([3.0]).velocity(&0.0, &[1.0, 0.0]), [0.0, 3.0]);
        assert_eq!(turn.with([3.0]).parameters(), [3.0]);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn gradients_with_respect_to_parameters_over_a_batch() {
        use crate::{Tape, Tensor, backend::ndarray::NdTensor};
        /// Both rates are parameters, used directly.
        struct Drift;
        impl ParametricOde<2, 2> for Drift {
            fn rhs_with<N: Number>(&self, _t: &Num<N>, [x, _]: &[Num<N>; 2], [wind, pull]: &[Num<N>; 2]) -> [Num<N>; 2] {
                [wind.clone(), pull * x]
            }
        }
        let tape = Tape::new();
        let tensor = |values: &[f64], shape: &[usize]| NdTensor::from_slice(values, shape);
        let parameters = [0.5, 2.0].map(|p| tape.leaf(tensor(&[p], &[])));
        let x = tape.leaf(tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]));
        let rates = Drift.with(parameters.clone()).velocity(&x.constant(0.0).slice(1, 0..1).reshape(&[3]), &x);
        assert_eq!(rates.to_vec(), [0.5, 2.0, 0.5, 6.0, 0.5, 10.0]);
        let mut gradients = tape.gradients(&rates.sum(0..2));
        let [wind, pull] = parameters.map(|p| gradients.take(&p).unwrap());
        assert_eq!((wind.to_vec(), pull.to_vec()), (vec![3.0], vec![9.0]));
        assert!(wind.shape().is_empty());
    }
}
