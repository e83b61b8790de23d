//! Velocity fields: the right-hand sides of ODEs.

mod parametric;
mod with_stops;

pub use parametric::{ParametricOde, WithParameters};
pub use with_stops::WithStops;
pub(crate) use with_stops::in_order;

use crate::{
    number::{Dual, Num, Number, Value, unwrapped, wrapped},
    state::{Coordinates, State},
};

/// The right-hand side of `dx/dt = b_t(x)`.
///
/// Implemented by references and boxes of fields, by closures through [`field`], by every [`Ode`] through [`Pointwise`], by
/// the [exact flows](crate::exact), and by neural velocities through [`Learned`](crate::Learned).
///
/// ```
/// use flowmap::{field, VelocityField};
/// let decay = field(|t: &f64, x: &[f64; 1]| [-t * x[0]]);
/// assert_eq!(decay.velocity(&2.0, &[3.0]), [-6.0]);
/// ```
pub trait VelocityField<X: State> {
    /// `b_t(x)`.
    fn velocity(&self, t: &X::Time, x: &X) -> X;
    /// The times from `s` to `t`, both included, at which the velocity, or a derivative of it, jumps; there are none by default. Solvers
    /// [end a step](crate::solver::Adaptive::stops) at each, sample by sample. Times elsewhere, doubled ones and any order do no harm.
    ///
    /// A pulse whose times are parameters has derivatives by them, too:
    ///
    /// ```
    /// use flowmap::{Dual, FlowMap, Num, Number, ParametricOde, solver::{Adaptive, DOPRI5, Solver}};
    /// /// x' = 3 between two times, and 0 elsewhere.
    /// struct Pulse;
    /// impl ParametricOde<1, 2> for Pulse {
    ///     fn rhs_with<N: Number>(&self, t: &Num<N>, _x: &[Num<N>; 1], [on, off]: &[Num<N>; 2]) -> [Num<N>; 1] {
    ///         [(t.gt(on) & t.lt(off)).choose(3.0, 0.0)]
    ///     }
    ///     fn stops_with<N: Number>(&self, _s: &Num<N>, _t: &Num<N>, [on, off]: &[Num<N>; 2]) -> Vec<Num<N>> {
    ///         vec![on.clone(), off.clone()]
    ///     }
    /// }
    /// // by the time at which it goes on
    /// let pulse = Pulse.with([Dual::new(1.0, 1.0), Dual::constant(1.5)]);
    /// let map = Adaptive::new(DOPRI5)?.of(pulse);
    /// let end = map.flow(&Dual::constant(0.0), &Dual::constant(9.0), &Dual::constant([0.0]));
    /// assert!((end.value()[0] - 1.5_f64).abs() < 1e-12 && (end.tangent()[0] + 3.0).abs() < 1e-12);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// [`WithStops`] names them for a field that does not.
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        let _ = (s, t);
        Vec::new()
    }
}

impl<X: State, B: VelocityField<X> + ?Sized> VelocityField<X> for &B {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        (**self).velocity(t, x)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        (**self).stops(s, t)
    }
}

impl<X: State, B: VelocityField<X> + ?Sized> VelocityField<X> for Box<B> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        (**self).velocity(t, x)
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        (**self).stops(s, t)
    }
}

/// A closure `|t, x| …` as a [`VelocityField`], see [`field`].
#[derive(Clone, Copy, Debug)]
pub struct Field<F>(F);

/// Makes a [`VelocityField`] of a closure `|t, x| …` on one type of state.
///
/// ```
/// use flowmap::{field, VelocityField};
/// let pendulum = field(|_: &f64, [angle, speed]: &[f64; 2]| [*speed, -angle.sin()]);
/// assert_eq!(pendulum.velocity(&0.0, &[0.0, 1.0]), [1.0, 0.0]);
/// ```
pub fn field<X: State, F: Fn(&X::Time, &X) -> X>(b: F) -> Field<F> {
    Field(b)
}

impl<X: State, F: Fn(&X::Time, &X) -> X> VelocityField<X> for Field<F> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        (self.0)(t, x)
    }
}

/// A velocity field that its user's derivatives and gradients do not enter: inputs and output are constants.
///
/// This is the stop gradient `sg v(sg x)` of self-distillation, visible where an objective is built. Parameters are frozen by
/// passing a field that holds constants.
///
/// ```
/// use flowmap::{field, Dual, Frozen, VelocityField};
/// let b = field(|_: &Dual<f64>, x: &Dual<[f64; 1]>| x.clone());
/// let moving = Dual::new([1.0], [1.0]);
/// assert!(b.velocity(&Dual::constant(0.0), &moving).moving().is_some());
/// assert!(Frozen(&b).velocity(&Dual::constant(0.0), &moving).moving().is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Frozen<B>(pub B);

impl<X: State, B: VelocityField<X>> VelocityField<X> for Frozen<B> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        self.0.velocity(&t.frozen(), &x.frozen()).frozen()
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.0.stops(&s.frozen(), &t.frozen()).iter().map(X::Time::frozen).collect()
    }
}

/// An ODE in `D` dimensions, written once, coordinate by coordinate, over [`Num<N>`](Num) for any [`Number`] `N`.
///
/// [`field`](Self::field) makes it a [`VelocityField`] of every state with `D` coordinates: points, batches, duals, tensors.
///
/// ```
/// use flowmap::{Num, Number, Ode, VelocityField};
/// /// Hunters and prey: x' = a x - x y, y' = x y - b y.
/// struct LotkaVolterra { a: f64, b: f64 }
/// impl Ode<2> for LotkaVolterra {
///     fn rhs<N: Number>(&self, _t: &Num<N>, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
///         [self.a * x - x * y, x * y - self.b * y]
///     }
/// }
/// let b = LotkaVolterra { a: 1.5, b: 3.0 }.field();
/// assert_eq!(b.velocity(&0.0, &[1.0, 1.0]), [0.5, -2.0]);
/// assert_eq!(b.velocity(&0.0, &[1.0_f32, 1.0]), [0.5, -2.0]);
/// ```
pub trait Ode<const D: usize> {
    /// The `D` coordinates of `b_t(x)`.
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D];
    /// The times from `s` to `t`, both included, at which it jumps: see [`VelocityField::stops`].
    #[inline(always)]
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        let _ = (s, t);
        Vec::new()
    }

    /// The field of every state with `D` coordinates.
    fn field(self) -> Pointwise<Self, D>
    where
        Self: Sized,
    {
        Pointwise(self)
    }
}

impl<const D: usize, O: Ode<D>> Ode<D> for &O {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        (**self).rhs(t, x)
    }
    #[inline(always)]
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        (**self).stops(s, t)
    }
}

/// An [`Ode`] as a [`VelocityField`] of every state with `D` coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Pointwise<O, const D: usize>(pub O);

impl<const D: usize, O: Ode<D>, X: Coordinates<D>> VelocityField<X> for Pointwise<O, D> {
    #[inline(always)]
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        X::join(unwrapped(self.0.rhs(&Num(t.clone()), &wrapped(x.split()))))
    }
    #[inline(always)]
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.0.stops(&Num(s.clone()), &Num(t.clone())).into_iter().map(|stop| stop.0).collect()
    }
}

/// The Jacobian of an ODE's right-hand side, row by row: `∂b_i/∂x_j`, exact, by forward mode.
///
/// ```
/// use flowmap::{exact::Rotation, rhs_jacobian};
/// assert_eq!(rhs_jacobian(&Rotation::new(2.0)?, &0.0, &[1.0, 1.0]), [[0.0, -2.0], [2.0, 0.0]]);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn rhs_jacobian<const D: usize, N: Number>(ode: &impl Ode<D>, t: &N, x: &[N; D]) -> [[N; D]; D] {
    columns(|j| {
        let moving = std::array::from_fn(|i| Dual::new(x[i].clone(), x[i].constant(f64::from(u8::from(i == j)))));
        moving.through(|x| ode.rhs(&Num(Dual::constant(t.clone())), x))
    })
}

/// The matrix whose `j`-th column is the tangent of `image(j)`.
pub(crate) fn columns<const D: usize, N: Number>(image: impl Fn(usize) -> [Dual<N>; D]) -> [[N; D]; D] {
    let images: [[Dual<N>; D]; D] = std::array::from_fn(image);
    std::array::from_fn(|i| {
        std::array::from_fn(|j| images[j][i].moving().cloned().unwrap_or_else(|| images[j][i].value().constant(0.0)))
    })
}
