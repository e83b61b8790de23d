//! Projection of flow maps onto level sets of an invariant.

use super::{FlowMap, finite};
use crate::{
    Result,
    field::VelocityField,
    number::{Dual, Num, Number, Value},
    state::{Coordinates, State, value_and_tangent},
};
use std::array;

/// A first integral `I` of an ODE, over any [`Number`]: a quantity that is constant along a trajectory, such as an energy.
///
/// ```
/// use flowmap::{Invariant, Num, Number};
/// struct Energy; // of the pendulum θ'' = -sin θ
/// impl Invariant<2> for Energy {
///     fn at<N: Number>(&self, [angle, speed]: &[Num<N>; 2]) -> Num<N> { 0.5 * speed.powi(2) - angle.cos() }
/// }
/// assert_eq!(Energy.at(&[Num(0.0), Num(2.0)]).0, 1.0);
/// ```
pub trait Invariant<const D: usize> {
    /// `I(x)`.
    fn at<N: Number>(&self, x: &[Num<N>; D]) -> Num<N>;
}

impl<const D: usize, I: Invariant<D>> Invariant<D> for &I {
    fn at<N: Number>(&self, x: &[Num<N>; D]) -> Num<N> {
        (**self).at(x)
    }
}

/// A flow map, numerical or learned, projected onto `I(X_{s,t}(x)) = I(x)`; or its field, without the component that would
/// change `I`.
///
/// - flow: from `y = X_{s,t}(x)` a few Newton steps `y ← y - (I(y) - I(x)) ∇I(y) / |∇I(y)|²`. Each step squares the remaining
///   error of `I`, if it is small
/// - velocity: `b - (∇I · b) ∇I / |∇I|²`
/// - domain: that of the map, where `I` is finite and smooth
///
/// A step is taken where it changes the gradient by less than the gradient's own length, sample by sample. For a quadratic `I`
/// it then at least halves the error of `I`. Where the gradient is too small for that, at equilibria and close to them, end
/// points stay where they are. The exact flow is unchanged, up to rounding.
///
/// Derivatives pass through the steps. Those of the end points preserve `I`, too, to first order: `∇I(X)ᵀ ∇X = ∇I(x)ᵀ`.
///
/// ```
/// use flowmap::{FlowMap, Invariant, Num, Number, Projection, exact::Rotation, flow_map};
/// struct Radius;
/// impl Invariant<2> for Radius {
///     fn at<N: Number>(&self, [x, y]: &[Num<N>; 2]) -> Num<N> { x.powi(2) + y.powi(2) }
/// }
/// // an Euler step of a rotation leaves the circle
/// let euler = flow_map(|s: &f64, t: &f64, [x, y]: &[f64; 2]| [x - (t - s) * y, y + (t - s) * x]);
/// let map = Projection::new(euler, Radius);
/// let [x, y] = map.flow(&0.0, &0.1, &[1.0, 0.0]);
/// assert!((x * x + y * y - 1.0).abs() < 1e-15);
/// let [u, v]: [f64; 2] = Rotation::new(1.0)?.flow(&0.0, &0.1, &[1.0, 0.0]);
/// assert!((x - u).hypot(y - v) < 4e-4); // Euler: 5e-3
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration, section IV.4, for the projection, here with a new
/// gradient in each step; P. Deuflhard, Newton Methods for Nonlinear Problems, section 4.1, for steps taken where the
/// derivative changes little.
#[derive(Clone, Copy, Debug)]
pub struct Projection<M, I, const D: usize> {
    of: M,
    invariant: I,
    steps: u32,
}

impl<M, I: Invariant<D>, const D: usize> Projection<M, I, D> {
    /// The map, or the field, `of` with this invariant, by 3 Newton steps: they reduce an error of 1 percent to rounding.
    pub fn new(of: M, invariant: I) -> Self {
        Self { of, invariant, steps: 3 }
    }

    /// With `steps` Newton steps.
    #[must_use]
    pub fn steps(self, steps: u32) -> Self {
        Self { steps, ..self }
    }

    /// The invariant `I(x)`.
    fn at<N: Number>(&self, x: &[N; D]) -> N {
        self.invariant.at(&x.each_ref().map(Num::from)).0
    }

    /// The invariant `I(x)` and its gradient `∇I(x)`.
    fn level<N: Number>(&self, x: &[N; D]) -> (N, [N; D]) {
        let along = |j: usize| {
            let coordinate = |i: usize| Dual::from_parts(x[i].clone(), (i == j).then(|| x[i].constant(1.0)));
            self.at(&array::from_fn(coordinate)).into_parts()
        };
        let partials: [(N, Option<N>); D] = array::from_fn(along);
        let gradient = partials.each_ref().map(|(value, slope)| slope.clone().unwrap_or_else(|| value.constant(0.0)));
        (partials[0].0.clone(), gradient)
    }

    /// Moves `x` to where the invariant has its value at `start`.
    fn project<N: Number>(&self, start: &[N; D], mut x: [N; D]) -> [N; D] {
        let goal = self.at(start);
        for _ in 0..self.steps {
            let (value, gradient) = self.level(&x);
            let next = x.minus(&along(&gradient, value - &goal));
            // on frozen values: a step that is not taken must not affect derivatives
            let turned = self.level(&next.frozen()).1.minus(&gradient.frozen());
            let taken = turned.dot(&turned).less(&gradient.dot(&gradient));
            x = State::choose(&taken, &next, &x);
        }
        // NaN where the invariant is not defined, no change otherwise
        let nothing = (self.at(&x.frozen()) - goal.frozen()).scale(0.0).frozen();
        x.map(|x| x + &nothing)
    }
}

/// `by g / |g|²`: the displacement along which a function with gradient `g` grows by `by`, to first order; 0 where `g` is 0.
fn along<N: Number, const D: usize>(gradient: &[N; D], by: N) -> [N; D] {
    let square = gradient.dot(gradient);
    let slope = N::select(&square.constant(0.0).less(&square), &square, &square.constant(1.0));
    gradient.scaled(&(by / slope))
}

impl<X: Coordinates<D>, M: FlowMap<X>, I: Invariant<D>, const D: usize> FlowMap<X> for Projection<M, I, D> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        X::join(self.project(&x.split(), self.of.flow(s, t, x).split()))
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        finite(s, t, X::join(self.project(&x.split(), self.of.try_flow(s, t, x)?.split())))
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        let ends = self.of.flow_each(s, t, states);
        states.iter().zip(ends).map(|(x, end)| X::join(self.project(&x.split(), end.split()))).collect()
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        let ends = self.of.try_flow_each(s, t, states)?;
        states.iter().zip(ends).map(|(x, end)| finite(s, t, X::join(self.project(&x.split(), end.split())))).collect()
    }
}

impl<X: Coordinates<D>, B: VelocityField<X>, I: Invariant<D>, const D: usize> VelocityField<X> for Projection<B, I, D> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        let velocity = self.of.velocity(t, x).split();
        let (_, gradient) = self.level(&x.split());
        X::join(velocity.minus(&along(&gradient, gradient.dot(&velocity))))
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.of.stops(s, t)
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        let velocity = Dual::new(self.of.velocity(t, x), self.of.jvp(t, x, v)).split();
        let (_, gradient) = self.level(&Dual::new(x.clone(), v.clone()).split());
        value_and_tangent(Dual::<X>::join(velocity.minus(&along(&gradient, gradient.dot(&velocity))))).1
    }
}

#[cfg(test)]
mod tests;
