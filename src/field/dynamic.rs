//! ODEs whose dimension is only known at run time.

use super::{VelocityField, slope};
use crate::{
    number::{Dual, Num, Number, Row},
    state::{DynCoordinates, value_and_tangent},
};

/// An ODE whose number of coordinates is only known at run time, written once over [`Num<N>`](Num) for any [`Number`] `N`.
///
/// It is to [`Ode`](super::Ode) as a vector is to an array. [`field`](Self::field) turns it into a [`VelocityField`] on every
/// state with [coordinates](DynCoordinates): vectors `Vec<N>`, nalgebra's and ndarray's, batches in tensors, and their
/// [`Dual`]s.
///
/// ```
/// use flowmap::{DynOde, FlowMap, Num, Number, solver::{Adaptive, DOPRI5}};
/// /// Coupled oscillators: θ_i' = ω_i + K/n Σ_j sin(θ_j - θ_i).
/// struct Kuramoto { omega: Vec<f64>, k: f64 }
/// impl DynOde for Kuramoto {
///     fn rhs<N: Number>(&self, t: &Num<N>, theta: &[Num<N>]) -> Vec<Num<N>> {
///         let pull = self.k / theta.len() as f64;
///         let rate = |i: usize| {
///             let start = t.constant(self.omega[i]);
///             theta.iter().fold(start, |sum, other| sum + pull * (other - &theta[i]).sin())
///         };
///         (0..theta.len()).map(rate).collect()
///     }
/// }
/// let n = 50;
/// let swarm = Kuramoto { omega: vec![1.0; n], k: 2.0 };
/// let start: Vec<f64> = (0..n).map(|i| 0.02 * i as f64).collect();
/// let end = Adaptive::new(DOPRI5)?.of(swarm.field()).flow(&0.0, &9.0, &start);
/// // they pull each other together
/// assert!((end[0] - end[n - 1]).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait DynOde {
    /// The coordinates of `b_t(x)`, as many as those of `x`.
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>>;
    /// The times from `s` to `t`, both included, at which the velocity jumps: see [`VelocityField::stops`].
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        let _ = (s, t);
        Vec::new()
    }

    /// The field on every state with coordinates.
    fn field(self) -> DynPointwise<Self>
    where
        Self: Sized,
    {
        DynPointwise(self)
    }
}

impl<O: DynOde> DynOde for &O {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>> {
        (**self).rhs(t, x)
    }
    #[inline(always)]
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        (**self).stops(s, t)
    }
}

/// A [`DynOde`] with parameters that are numbers themselves: the counterpart of [`ParametricOde`](super::ParametricOde).
///
/// ```
/// use flowmap::{Dual, DynParametricOde, Num, Number, VelocityField};
/// /// A chain of reactions, each with a rate.
/// struct Chain;
/// impl DynParametricOde for Chain {
///     fn rhs_with<N: Number>(&self, _t: &Num<N>, x: &[Num<N>], rates: &[Num<N>]) -> Vec<Num<N>> {
///         let flows: Vec<_> = rates.iter().zip(x).map(|(k, x)| k * x).collect();
///         (0..x.len()).map(|i| if i == 0 { -&flows[0] } else { &flows[i - 1] - &flows[i] }).collect()
///     }
/// }
/// let velocity = Chain.with(vec![2.0, 1.0, 0.5]).velocity(&0.0, &vec![1.0, 1.0, 0.0]);
/// assert_eq!(velocity, [-2.0, 1.0, 1.0]);
/// // its derivative by the first rate
/// let rates = vec![Dual::new(2.0, 1.0), Dual::constant(1.0), Dual::constant(0.5)];
/// let moving = Chain.with(rates).velocity(&Dual::constant(0.0), &Dual::constant(vec![1.0, 1.0, 0.0]));
/// assert_eq!(moving.tangent(), &[-1.0, 1.0, 0.0]);
/// ```
pub trait DynParametricOde {
    /// The coordinates of `b_t(x)` with the parameters `p`.
    fn rhs_with<N: Number>(&self, t: &Num<N>, x: &[Num<N>], p: &[Num<N>]) -> Vec<Num<N>>;
    /// The times from `s` to `t`, both included, at which the velocity jumps; they may be parameters. See
    /// [`VelocityField::stops`].
    fn stops_with<N: Number>(&self, s: &Num<N>, t: &Num<N>, p: &[Num<N>]) -> Vec<Num<N>> {
        let _ = (s, t, p);
        Vec::new()
    }

    /// The field with these parameters.
    fn with<N: Number>(self, parameters: Vec<N>) -> DynWithParameters<Self, N>
    where
        Self: Sized,
    {
        DynWithParameters { ode: self, parameters: parameters.into_iter().map(Num).collect() }
    }
}

/// A [`DynOde`] has no parameters.
impl<O: DynOde> DynParametricOde for O {
    #[inline(always)]
    fn rhs_with<N: Number>(&self, t: &Num<N>, x: &[Num<N>], _p: &[Num<N>]) -> Vec<Num<N>> {
        self.rhs(t, x)
    }
    #[inline(always)]
    fn stops_with<N: Number>(&self, s: &Num<N>, t: &Num<N>, _p: &[Num<N>]) -> Vec<Num<N>> {
        self.stops(s, t)
    }
}

/// A [`DynOde`] as a [`VelocityField`] on every state with coordinates.
#[derive(Clone, Copy, Debug)]
pub struct DynPointwise<O>(pub O);

impl<O: DynOde, X: DynCoordinates> VelocityField<X> for DynPointwise<O> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        velocity(&self.0, t, x, &[])
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.0.stops(&Num::from(s), &Num::from(t)).into_iter().map(Num::into_inner).collect()
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        slope(self, t, x, v)
    }
}

/// A [`DynParametricOde`] with parameter values: a [`VelocityField`] on every state whose times are numbers of their kind.
#[derive(Clone, Debug)]
pub struct DynWithParameters<O, N> {
    ode: O,
    parameters: Vec<Num<N>>,
}

impl<O, N: Clone> DynWithParameters<O, N> {
    /// The values of the parameters.
    pub fn parameters(&self) -> Vec<N> {
        self.parameters.iter().map(|p| p.0.clone()).collect()
    }
}

impl<O: DynParametricOde, X: DynCoordinates> VelocityField<X> for DynWithParameters<O, X::Time> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        velocity(&self.ode, t, x, &self.parameters)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        let stops = self.ode.stops_with(&Num::from(s), &Num::from(t), &self.parameters);
        stops.into_iter().map(Num::into_inner).collect()
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        let parameters: Vec<_> = self.parameters.iter().map(|p| Num(Dual::constant(p.0.clone()))).collect();
        value_and_tangent(velocity(&self.ode, &Dual::constant(t.clone()), &Dual::new(x.clone(), v.clone()), &parameters)).1
    }
}

/// # Panics
/// Unless the ODE has as many rates as the state has coordinates.
fn velocity<X: DynCoordinates>(ode: &impl DynParametricOde, t: &X::Time, x: &X, p: &[Num<X::Time>]) -> X {
    let mut coordinates = x.coordinates();
    let numbers: Vec<_> = coordinates.items().iter().cloned().map(Num).collect();
    let rates = ode.rhs_with(&Num::from(t), &numbers, p);
    let (found, expected) = (rates.len(), numbers.len());
    assert!(found == expected, "the ODE has {found} rates for a state of {expected} coordinates");
    for (place, rate) in coordinates.items_mut().iter_mut().zip(rates) {
        // a single number may be the rate of a whole batch
        *place = rate.0.in_form_of(place);
    }
    x.with_coordinates(coordinates)
}
