//! Velocity fields: the right-hand sides of ODEs.

mod difference;
mod dynamic;
mod ode_macro;
mod parametric;
mod table;
mod with_stops;

pub use dynamic::{DynOde, DynParametricOde, DynPointwise, DynWithParameters};
pub use parametric::{ParametricOde, WithParameters};
pub use table::Table;
pub use with_stops::WithStops;
pub(crate) use with_stops::in_order;

use crate::{
    number::{Dual, Matrix, Num, Number, Value, unwrapped, wrapped},
    state::{Coordinates, DynCoordinates, State, matrix_of, value_and_tangent},
};

/// A velocity field: the right-hand side of `dx/dt = b_t(x)`.
///
/// Implemented by references and boxes of fields, by closures through [`field`], by every [`Ode`] through [`Pointwise`], by the
/// [exact flows](crate::exact), and by neural velocities through [`AverageVelocityMap`](crate::AverageVelocityMap).
///
/// ```
/// use flowmap::{VelocityField, field};
/// let decay = field(|t: &f64, x: &[f64; 1]| [-t * x[0]]);
/// assert_eq!(decay.velocity(&2.0, &[3.0]), [-6.0]);
/// ```
pub trait VelocityField<X: State> {
    /// `b_t(x)`.
    fn velocity(&self, t: &X::Time, x: &X) -> X;
    /// The times from `s` to `t`, both included, at which the velocity, or a derivative of it, jumps; none by default. Solvers
    /// [end a step](crate::solver::Adaptive::stops) at each, sample by sample. Times outside the interval, duplicates and any
    /// order are allowed.
    ///
    /// A pulse whose times are parameters has derivatives with respect to them, too:
    ///
    /// ```
    /// use flowmap::{Dual, FlowMap, Num, Number, ParametricOde, solver::{Adaptive, DOPRI5}};
    /// /// x' = 3 between two times, and 0 elsewhere.
    /// struct Pulse;
    /// impl ParametricOde<1, 2> for Pulse {
    ///     fn rhs_with<N: Number>(&self, t: &Num<N>, _x: &[Num<N>; 1], [on, off]: &[Num<N>; 2]) -> [Num<N>; 1] {
    ///         [(t.gt(on) & t.lt(off)).select(3.0, 0.0)]
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
    /// [`WithStops`] adds stops to a field that does not name them.
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        let _ = (s, t);
        Vec::new()
    }
    /// `∇b_t(x) v`, the derivative in the direction `v`, which implicit methods need.
    ///
    /// It is exact where the field is a formula, such as an [`Ode`]. By default, for closures, which run on one type of state,
    /// it is a difference quotient with an error of about the square root of a float's precision.
    ///
    /// ```
    /// use flowmap::{VelocityField, exact::Pendulum, field};
    /// let pendulum = Pendulum::new(1.0)?;
    /// let (x, v) = ([0.5_f64, 0.1], [1.0, 0.0]);
    /// assert_eq!(pendulum.jvp(&0.0, &x, &v), [0.0, -0.5_f64.cos()]);
    /// let closure = field(|_: &f64, [angle, speed]: &[f64; 2]| [*speed, -angle.sin()]);
    /// assert!((closure.jvp(&0.0, &x, &v)[1] + 0.5_f64.cos()).abs() < 1e-7);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    #[must_use]
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        difference::quotient(|x| self.velocity(t, x), x, v)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<X: State, B: VelocityField<X> + ?Sized> VelocityField<X> for $pointer {
            #[inline(always)]
            fn velocity(&self, t: &X::Time, x: &X) -> X {
                (**self).velocity(t, x)
            }
            #[inline(always)]
            fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
                (**self).stops(s, t)
            }
            fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
                (**self).jvp(t, x, v)
            }
        }
    )*};
}
forward!(&B, Box<B>, std::sync::Arc<B>);

/// A closure `|t, x| …` as a [`VelocityField`], see [`field`].
#[derive(Clone, Copy, Debug)]
pub struct Field<F>(F);

/// Turns a closure `|t, x| …` on one type of state into a [`VelocityField`].
///
/// ```
/// use flowmap::{VelocityField, field};
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

/// A velocity field that blocks derivatives and gradients: its inputs and output are constants.
///
/// This is the stop gradient `sg v(sg x)` of self-distillation, made explicit where an objective is built. To freeze
/// parameters, pass a field that holds constants.
///
/// ```
/// use flowmap::{Dual, Frozen, VelocityField, field};
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
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        self.0.jvp(&t.frozen(), &x.frozen(), &v.frozen()).frozen()
    }
}

/// An ODE in `D` dimensions, written once, coordinate by coordinate, over [`Num<N>`](Num) for any [`Number`] `N`.
///
/// [`field`](Self::field) turns it into a [`VelocityField`] on every state with `D` coordinates: points, batches, duals,
/// tensors. The macro [`ode!`](crate::ode) writes the struct and the implementation from the formula.
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
    /// The times from `s` to `t`, both included, at which the velocity jumps: see [`VelocityField::stops`].
    #[inline(always)]
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        let _ = (s, t);
        Vec::new()
    }

    /// The field on every state with `D` coordinates.
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

/// An [`Ode`] as a [`VelocityField`] on every state with `D` coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Pointwise<O, const D: usize>(pub O);

impl<const D: usize, O: Ode<D>, X: Coordinates<D>> VelocityField<X> for Pointwise<O, D> {
    #[inline(always)]
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        let x = wrapped(x.split());
        X::join(in_form(self.0.rhs(&Num::from(t), &x), &x))
    }
    #[inline(always)]
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.0.stops(&Num::from(s), &Num::from(t)).into_iter().map(Num::into_inner).collect()
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        slope(self, t, x, v)
    }
}

/// Rates in the shape of the coordinates: a single number may be the rate of a whole batch.
#[inline(always)]
fn in_form<N: Number, const D: usize>(mut rates: [Num<N>; D], x: &[Num<N>; D]) -> [N; D] {
    for i in 0..D {
        rates[i] = rates[i].clone().in_form_of(&x[i]);
    }
    unwrapped(rates)
}

/// The derivative, in the direction `v`, of a field that runs on duals.
pub(crate) fn slope<X: State>(field: &(impl VelocityField<Dual<X>> + ?Sized), t: &X::Time, x: &X, v: &X) -> X {
    value_and_tangent(field.velocity(&Dual::constant(t.clone()), &Dual::new(x.clone(), v.clone()))).1
}

/// Returns the Jacobian of a field, row by row: `∂b_i/∂x_j`, from its [derivatives](VelocityField::jvp).
///
/// ```
/// use flowmap::{exact::Rotation, rhs_jacobian};
/// assert_eq!(rhs_jacobian(&Rotation::new(2.0)?, &0.0, &[1.0, 1.0]), [[0.0, -2.0], [2.0, 0.0]]);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn rhs_jacobian<X, B>(field: &B, t: &X::Time, x: &X) -> Matrix<X::Row, X::Time>
where
    X: DynCoordinates,
    B: VelocityField<X> + ?Sized,
{
    matrix_of(x, |v| field.jvp(t, x, v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Clock, Conjugation, FiniteDifferences, Invariant, Product, Projection, Restriction, TimeChange,
        exact::{CouplingFlow, Pendulum},
        flow::Diffeomorphism,
        solver::{Adaptive, DOPRI5},
    };

    struct Late;
    impl Clock for Late {
        fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
            t + 0.3 * t.sin()
        }
    }

    struct Bent;
    impl Diffeomorphism<2> for Bent {
        fn forward<N: Number>(&self, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
            [x.sinh(), y * x.exp() + x.powi(2)]
        }
        fn inverse<N: Number>(&self, [u, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
            let x = (u + (u * u + 1.0).sqrt()).ln();
            [x.clone(), (v - x.powi(2)) / x.exp()]
        }
    }

    struct Energy;
    impl Invariant<2> for Energy {
        fn at<N: Number>(&self, [angle, speed]: &[Num<N>; 2]) -> Num<N> {
            0.5 * speed * speed - angle.cos()
        }
    }

    struct Forced;
    impl ParametricOde<2, 2> for Forced {
        fn rhs_with<N: Number>(&self, t: &Num<N>, [x, v]: &[Num<N>; 2], [a, b]: &[Num<N>; 2]) -> [Num<N>; 2] {
            [v * a, (b * t).cos() * x * v]
        }
    }

    struct Ring;
    impl DynParametricOde for Ring {
        fn rhs_with<N: Number>(&self, _t: &Num<N>, x: &[Num<N>], p: &[Num<N>]) -> Vec<Num<N>> {
            (0..x.len()).map(|i| &p[0] * x[i].sin() * &x[(i + 1) % x.len()]).collect()
        }
    }

    #[track_caller]
    fn passes_on<X: State>(field: &impl VelocityField<X>, moving: &impl VelocityField<Dual<X>>, [x, v]: [X; 2]) {
        let t = x.time(0.4);
        let (found, exact) = (field.jvp(&t, &x, &v), slope(moving, &t, &x, &v));
        let error = found.minus(&exact).norm().values()[0];
        assert!(error < 1e-10 && exact.norm().values()[0] > 0.1, "off by {error:e}");
    }

    /// A difference quotient would be off by some 1e-8.
    #[test]
    fn whatever_is_made_of_a_field_knows_its_exact_derivative() {
        let flow = CouplingFlow::<2>::random(3, 5).unwrap();
        let point = [[0.3, -0.7], [1.0, 0.5]];
        macro_rules! check {
            ($($field:expr),* $(,)?) => {$( passes_on::<[f64; 2]>(&$field, &$field, point); )*};
        }
        check!(
            flow,
            &flow,
            Box::new(&flow),
            std::sync::Arc::new(&flow),
            WithStops::new(&flow, [0.5]).unwrap(),
            TimeChange { of: &flow, clock: Late },
            Conjugation::<_, _, 2> { of: &flow, by: Bent },
            Projection::new(&flow, Energy),
            Projection::new(Pendulum::new(1.0).unwrap(), Energy),
            Restriction::new(&flow, [0.0, 1.0]).unwrap(),
            Adaptive::new(DOPRI5).unwrap().of(&flow),
            FiniteDifferences::<_, [f64; 2]>::new(&flow),
        );
        let both = Product(&flow, Pendulum::new(1.0).unwrap());
        passes_on(&both, &both, [(point[0], point[1]), (point[1], point[0])]);
        let constant = |p: &[f64]| p.iter().map(|p| Dual::constant(*p)).collect::<Vec<_>>();
        let dual = Forced.with([Dual::constant(0.5), Dual::constant(2.0)]);
        passes_on(&Forced.with([0.5, 2.0]), &dual, point);
        passes_on(&Ring.with(vec![0.7]), &Ring.with(constant(&[0.7])), point.map(Vec::from));
        let frozen = Frozen(&flow);
        assert_eq!(frozen.jvp(&0.4, &point[0], &point[1]), flow.jvp(&0.4, &point[0], &point[1]));
    }
}
