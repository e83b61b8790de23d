//! The identities that characterize a flow map, and their residuals.
//!
//! A map `X_{s,t}`, continuous in both times, with `X_{s,s} = id` and the [tangent condition](Tangent), is the flow map of
//! `b` if and only if any one of these holds (arXiv 2505.18825, section 2):
//!
//! | name | identity |
//! |---|---|
//! | [`Lagrangian`] | `∂_t X_{s,t}(x) = b_t(X_{s,t}(x))` |
//! | [`Eulerian`] | `∂_s X_{s,t}(x) + ∇X_{s,t}(x) b_s(x) = 0` |
//! | [`Semigroup`] | `X_{u,t}(X_{s,u}(x)) = X_{s,t}(x)` |
//!
//! [`InverseConsistency`], `X_{t,s}(X_{s,t}(x)) = x`, is the semigroup property for the trip from `s` to `t` and back.
//!
//! The same residuals verify exact flows ([`verify`]), measure numerical ones and, on tensors with gradients, serve as the
//! losses that train neural flow maps.

mod quasi_random;
mod report;

pub use quasi_random::QuasiRandom;
pub use report::{Line, Report, Worst, measure, verify, verify_flow, verify_in_units_of};

use crate::{
    Result,
    field::VelocityField,
    flow::{AverageVelocity, FlowMap, between, check_fraction},
    number::{Dual, Number},
    state::{State, value_and_tangent},
};

/// A test case: times `s` and `t` and a state `x` at time `s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Case<X: State> {
    /// Start time.
    pub s: X::Time,
    /// End time, on either side of `s`.
    pub t: X::Time,
    /// The state at time `s`.
    pub x: X,
}

/// An identity that only the flow map of `field` satisfies: two terms whose sum vanishes.
///
/// It has two terms instead of one residual because objectives treat them differently: training often takes the second one as
/// data ([`Value::frozen`](crate::Value::frozen)).
///
/// ```
/// use flowmap::{characterization::{Characterization, Lagrangian}, exact::Rotation};
/// let turn = Rotation::new(1.0)?;
/// let residual = Lagrangian.residual(&turn, &turn, &0.0, &0.7, &[1.0, 2.0]);
/// assert!(residual.iter().all(|r: &f64| r.abs() < 1e-15));
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Characterization<X: State, M: ?Sized, B: ?Sized> {
    /// The two terms at `(s, t, x)`.
    fn terms(&self, map: &M, field: &B, s: &X::Time, t: &X::Time, x: &X) -> (X, X);

    /// The sum of the two terms; zero for the flow map of `field`.
    fn residual(&self, map: &M, field: &B, s: &X::Time, t: &X::Time, x: &X) -> X {
        let (first, second) = self.terms(map, field, s, t, x);
        first.plus(&second)
    }
}

/// The initial condition `X_{s,s}(x) - x = 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialCondition;

impl<X: State, M: FlowMap<X> + ?Sized, B: ?Sized> Characterization<X, M, B> for InitialCondition {
    fn terms(&self, map: &M, _field: &B, s: &X::Time, _t: &X::Time, x: &X) -> (X, X) {
        (map.flow(s, s, x), x.negated())
    }
}

/// The tangent condition: `∂_t X_{s,t}(x)` at `t = s` equals `b_s(x)`.
///
/// Without it the semigroup property does not determine `b`: the identity map is a semigroup, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tangent;

impl<X: State, M: FlowMap<Dual<X>> + ?Sized, B: VelocityField<X> + ?Sized> Characterization<X, M, B> for Tangent {
    fn terms(&self, map: &M, field: &B, s: &X::Time, _t: &X::Time, x: &X) -> (X, X) {
        (Lagrangian::end_derivative(map, s, s, x).1, field.velocity(s, x).negated())
    }
}

/// The Lagrangian identity `∂_t X_{s,t}(x) - b_t(X_{s,t}(x)) = 0`: the end point moves along the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagrangian;

impl Lagrangian {
    /// `X_{s,t}(x)` and `∂_t X_{s,t}(x)`, in one evaluation on duals.
    pub fn end_derivative<X: State, M: FlowMap<Dual<X>> + ?Sized>(map: &M, s: &X::Time, t: &X::Time, x: &X) -> (X, X) {
        let end = Dual::new(t.clone(), t.constant(1.0));
        value_and_tangent(map.flow(&Dual::constant(s.clone()), &end, &Dual::constant(x.clone())))
    }
}

impl<X: State, M: FlowMap<Dual<X>> + ?Sized, B: VelocityField<X> + ?Sized> Characterization<X, M, B> for Lagrangian {
    fn terms(&self, map: &M, field: &B, s: &X::Time, t: &X::Time, x: &X) -> (X, X) {
        let (end, derivative) = Self::end_derivative(map, s, t, x);
        (derivative, field.velocity(t, &end).negated())
    }
}

/// The Eulerian identity `∂_s X_{s,t}(x) + ∇X_{s,t}(x) b_s(x) = 0`: as the start moves along the field, the end point stays.
///
/// Its terms are two directional derivatives; the residual is a single one, along `(ds, dt, dx) = (1, 0, b_s(x))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eulerian;

impl Eulerian {
    /// `∂_s X_{s,t}(x)`.
    pub fn start_derivative<X: State, M: FlowMap<Dual<X>> + ?Sized>(map: &M, s: &X::Time, t: &X::Time, x: &X) -> X {
        let start = Dual::new(s.clone(), s.constant(1.0));
        value_and_tangent(map.flow(&start, &Dual::constant(t.clone()), &Dual::constant(x.clone()))).1
    }

    /// `∇X_{s,t}(x) b_s(x)`: the start's motion along the field, carried to the end.
    pub fn transport<X, M, B>(map: &M, field: &B, s: &X::Time, t: &X::Time, x: &X) -> X
    where
        X: State,
        M: FlowMap<Dual<X>> + ?Sized,
        B: VelocityField<X> + ?Sized,
    {
        let start = Dual::new(x.clone(), field.velocity(s, x));
        value_and_tangent(map.flow(&Dual::constant(s.clone()), &Dual::constant(t.clone()), &start)).1
    }
}

impl<X: State, M: FlowMap<Dual<X>> + ?Sized, B: VelocityField<X> + ?Sized> Characterization<X, M, B> for Eulerian {
    fn terms(&self, map: &M, field: &B, s: &X::Time, t: &X::Time, x: &X) -> (X, X) {
        (Self::start_derivative(map, s, t, x), Self::transport(map, field, s, t, x))
    }
    fn residual(&self, map: &M, field: &B, s: &X::Time, t: &X::Time, x: &X) -> X {
        let time = Dual::new(s.clone(), s.constant(1.0));
        let start = Dual::new(x.clone(), field.velocity(s, x));
        value_and_tangent(map.flow(&time, &Dual::constant(t.clone()), &start)).1
    }
}

/// The semigroup property `X_{u,t}(X_{s,u}(x)) - X_{s,t}(x) = 0`: flowing to `u`, then to `t`, equals flowing to `t`.
///
/// The field plays no part, so check the [tangent condition](Tangent) as well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Semigroup {
    fraction: f64,
}

impl Semigroup {
    /// With the intermediate time `u = s + fraction (t - s)`.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) unless `fraction` lies in `[0, 1]`.
    pub fn new(fraction: f64) -> Result<Self> {
        check_fraction(fraction)?;
        Ok(Self { fraction })
    }
}

impl<X: State, M: FlowMap<X> + ?Sized, B: ?Sized> Characterization<X, M, B> for Semigroup {
    fn terms(&self, map: &M, _field: &B, s: &X::Time, t: &X::Time, x: &X) -> (X, X) {
        let u = between(s, t, self.fraction);
        (map.flow(&u, t, &map.flow(s, &u, x)), map.flow(s, t, x).negated())
    }
}

/// Inverse consistency `X_{t,s}(X_{s,t}(x)) - x = 0`: flowing back returns to the start.
///
/// It is the [semigroup property](Semigroup) for `s → t → s`, where `t` does not lie between the ends: a map that was learned
/// forward in time only fails it first, and so does a solver whose errors do not cancel backward. The field plays no part.
/// [`verify`] leaves it out: where the flow contracts, its inverse amplifies rounding by the same factor, and some maps exist
/// only forward. Request it with [`measure`].
///
/// - domain: that of `X_{s,t}`, and of `X_{t,s}` at its image; NaN outside, which [`measure`] counts as an infinite residual
///
/// ```
/// use flowmap::{QuasiRandom, characterization::{InverseConsistency, measure}, exact::Rotation};
/// use flowmap::solver::{FixedSteps, RK4};
/// let turn = Rotation::new(1.0)?;
/// let cases = || QuasiRandom::new([0.0, 2.0], [[-1.0, 1.0]; 2]).map(|lattice| lattice.cases::<f64>(64));
/// let exact = measure("inverse", &InverseConsistency, &turn, &turn, cases()?);
/// let coarse = measure("inverse", &InverseConsistency, &FixedSteps::new(RK4, 10)?.of(turn), &turn, cases()?);
/// assert!(exact.max < 1e-15 && coarse.max > 1e-8);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: G. E. Christensen, H. J. Johnson, Consistent image registration, IEEE Trans. Med. Imaging 20, 2001, for the measure;
/// V. I. Arnold, Ordinary Differential Equations, section 1, for flows as groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InverseConsistency;

impl<X: State, M: FlowMap<X> + ?Sized, B: ?Sized> Characterization<X, M, B> for InverseConsistency {
    fn terms(&self, map: &M, _field: &B, s: &X::Time, t: &X::Time, x: &X) -> (X, X) {
        (map.flow(t, s, &map.flow(s, t, x)), x.negated())
    }
}

/// The semigroup property of the average velocity,
/// `v_{s,t}(x) - [(1-γ) v_{s,u}(x) + γ v_{u,t}(X_{s,u}(x))] = 0` with `u = γ s + (1-γ) t`.
///
/// It is the semigroup residual of `X` divided by `t - s`, without the cancellation that this division would cause in single
/// precision. `γ` is a time of the state's own kind: each sample of a batch may have its own.
#[derive(Clone, Debug, PartialEq)]
pub struct AverageSemigroup<T> {
    /// The weight `γ` of the second part; values lie in `[0, 1]`.
    pub weight: T,
}

impl<X, V, B> Characterization<X, V, B> for AverageSemigroup<X::Time>
where
    X: State,
    V: AverageVelocity<X> + ?Sized,
    B: ?Sized,
{
    fn terms(&self, map: &V, _field: &B, s: &X::Time, t: &X::Time, x: &X) -> (X, X) {
        let first = map.average_velocity(s, t, x);
        (first, self.two_ways(map, s, t, x).negated())
    }
}

impl<T: Number> AverageSemigroup<T> {
    /// The average velocity over both parts: `(1-γ) v_{s,u}(x) + γ v_{u,t}(X_{s,u}(x))`.
    pub fn two_ways<X, V>(&self, map: &V, s: &T, t: &T, x: &X) -> X
    where
        X: State<Time = T>,
        V: AverageVelocity<X> + ?Sized,
    {
        let rest = (-self.weight.clone()).shift(1.0);
        let u = self.weight.clone() * s + rest.clone() * t;
        let early = map.average_velocity(s, &u, x);
        let middle = x.plus(&early.scaled(&(u.clone() - s)));
        let late = map.average_velocity(&u, t, &middle);
        early.scaled(&rest).plus(&late.scaled(&self.weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Rotation;

    #[test]
    fn the_two_terms_of_the_eulerian_residual_add_up() {
        let turn = Rotation::new(1.3).unwrap();
        let (s, t, x) = (0.2, -1.1, [0.4, 2.0]);
        let (a, b) = Characterization::<[f64; 2], _, _>::terms(&Eulerian, &turn, &turn, &s, &t, &x);
        let merged: [f64; 2] = Eulerian.residual(&turn, &turn, &s, &t, &x);
        assert!(a.plus(&b).minus(&merged).norm() < 1e-15);
        assert!(a.norm() > 1.0, "the terms themselves do not vanish");
    }

    #[test]
    fn a_map_that_goes_forward_only_does_not_come_back() {
        let turn = Rotation::new(1.0).unwrap();
        // trained for s ≤ t only: the identity elsewhere
        let forward = crate::flow_map(|s: &f64, t: &f64, x: &[f64; 2]| if s <= t { turn.flow(s, t, x) } else { *x });
        let cases = || QuasiRandom::new([0.0, 1.0], [[-1.0, 1.0]; 2]).unwrap().cases::<f64>(64);
        let line = measure("inverse", &InverseConsistency, &forward, &turn, cases());
        assert!(line.cases == 64 && line.max > 0.1, "{line:?}");
        let nowhere = crate::flow_map(|_: &f64, _: &f64, x: &[f64; 2]| x.map(|_| f64::NAN));
        assert_eq!(measure("inverse", &InverseConsistency, &nowhere, &(), cases()).max, f64::INFINITY);
        // inverse consistency is the semigroup property of the ends
        let (s, t, x) = (0.2, 0.9, [0.3, 0.4]);
        let back: [f64; 2] = InverseConsistency.residual(&forward, &(), &s, &t, &x);
        assert!(back.minus(&turn.flow(&s, &t, &x).minus(&x)).norm() < 1e-15);
    }

    #[test]
    fn an_identity_of_its_own_is_a_line_of_the_report() {
        let turn = Rotation::new(1.0).unwrap();
        let cases = || QuasiRandom::new([0.0, 1.0], [[-1.0, 1.0]; 2]).unwrap().cases::<f64>(64);
        let mut report = verify(&turn, &turn, cases());
        assert_eq!(&measure("Lagrangian", &Lagrangian, &turn, &turn, cases()), report.line("Lagrangian").unwrap());
        report.lines.push(measure("inverse", &InverseConsistency, &turn, &turn, cases()));
        assert!(report.holds(1e-14) && report.to_string().contains("inverse"), "{report}");
    }

    #[test]
    fn the_velocity_form_is_the_semigroup_residual_divided_by_the_time() {
        struct Wrong;
        impl<X: crate::Coordinates<1>> AverageVelocity<X> for Wrong {
            fn average_velocity(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
                let [y] = x.split();
                X::join([y.sin() * (s.clone() + t).exp()])
            }
        }
        let (s, t, x) = (0.2, 1.4, [0.7]);
        let g = 0.3;
        let velocity: [f64; 1] = AverageSemigroup { weight: g }.residual(&Wrong, &(), &s, &t, &x);
        let map: [f64; 1] = Semigroup::new(1.0 - g).unwrap().residual(&crate::AverageVelocityMap(Wrong), &(), &s, &t, &x);
        assert!((velocity[0] + map[0] / (t - s)).abs() < 1e-14);
        assert!(map[0].abs() > 1e-3);
    }
}
