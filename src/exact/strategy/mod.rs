//! proptest strategies for [exact flows](super): random flows, and random times and points in their domains.
//!
//! They test this crate, and code built on it: your own solver, network derivative or exact flow.
//!
//! ```
//! use flowmap::{FlowMap, VelocityField, exact::strategy::{affine, with_case}};
//! use proptest::{prop_assert, test_runner::TestRunner};
//!
//! // Euler's method is right to first order, whatever the affine system
//! TestRunner::default().run(&with_case(affine::<3>()), |(flow, case)| {
//!     let (dt, x) = (1e-6, case.x);
//!     let exact = flow.flow(&case.s, &(case.s + dt), &x);
//!     let velocity = flow.velocity(&case.s, &x);
//!     for i in 0..3 {
//!         prop_assert!((exact[i] - (x[i] + dt * velocity[i])).abs() < 1e-9);
//!     }
//!     Ok(())
//! })?;
//! # Ok::<(), proptest::test_runner::TestError<_>>(())
//! ```

mod distribution;
mod linear;
mod nonlinear;
mod scalar;

pub use distribution::*;
pub use linear::*;
pub use nonlinear::*;
pub use scalar::*;

use super::{Affine, Blowup, CouplingFlow, CouplingLayer, ExactFlow, Logistic, PeriodicGrowth, Rotation};
use crate::{Case, Error};
use proptest::{array::uniform, collection::vec, prelude::*};
use std::fmt::Debug;

#[cfg(feature = "nalgebra")]
use super::Gaussian;
#[cfg(feature = "nalgebra")]
use crate::interpolant::Interpolant;

/// Typical times and points of an exact flow, to test it at: where its behaviour shows and condition numbers stay moderate.
///
/// ```
/// use flowmap::exact::{strategy::Typical, Logistic};
/// let growth = Logistic::new(1.0, 10.0)?;
/// assert_eq!(growth.typical_box(), [[-10.0, 20.0]]); // below nothing and above the capacity, too
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Typical<const D: usize>: ExactFlow<D> + Clone + Debug + 'static {
    /// The interval from which both times are drawn.
    fn typical_times(&self) -> [f64; 2] {
        [-1.0, 1.0]
    }
    /// The intervals from which the coordinates are drawn.
    fn typical_box(&self) -> [[f64; 2]; D] {
        [[-2.0, 2.0]; D]
    }
}

impl Typical<1> for Blowup {}
impl Typical<1> for PeriodicGrowth {
    fn typical_times(&self) -> [f64; 2] {
        [-10.0, 10.0]
    }
}
impl Typical<1> for Logistic {
    fn typical_box(&self) -> [[f64; 2]; 1] {
        [[-self.capacity(), 2.0 * self.capacity()]]
    }
}
impl Typical<2> for Rotation {
    fn typical_times(&self) -> [f64; 2] {
        [-10.0, 10.0]
    }
}
impl<const D: usize> Typical<D> for Affine<D> {}
impl<const D: usize> Typical<D> for CouplingFlow<D> {}
#[cfg(feature = "nalgebra")]
impl<const D: usize, I: Interpolant + Clone + Debug + 'static> Typical<D> for Gaussian<D, I> {
    fn typical_times(&self) -> [f64; 2] {
        self.interpolant().span()
    }
}

/// Cases of a flow at its [typical](Typical) times and points; see [`cases_in`].
///
/// ```
/// use flowmap::exact::{strategy::cases, Blowup};
/// use proptest::{prop_assert, test_runner::TestRunner};
/// TestRunner::default().run(&cases(&Blowup), |case| {
///     prop_assert!(case.x[0] * (case.t - case.s) < 1.0, "inside the domain");
///     Ok(())
/// })?;
/// # Ok::<(), proptest::test_runner::TestError<_>>(())
/// ```
pub fn cases<const D: usize, F: Typical<D>>(flow: &F) -> impl Strategy<Value = Case<[f64; D]>> + use<D, F> {
    cases_in(flow, flow.typical_times(), flow.typical_box())
}

/// Cases `(s, t, x)` of a flow, both times from `times`, in either order, and the `i`-th coordinate from `sides[i]`.
///
/// Only cases inside the flow's [domain](ExactFlow::domain) are drawn, and for a solution that blows up only those in the first
/// four fifths of its lifetime: closer to the blow-up, rounding errors grow without bound.
///
/// # Panics
/// If an interval is not in order. If the domain has no such case, the strategy rejects forever, and proptest gives up.
///
/// ```
/// use flowmap::exact::{strategy::cases_in, Rotation};
/// use proptest::{prop_assert, test_runner::TestRunner};
/// let strategy = cases_in(&Rotation::new(1.0)?, [0.0, 1.0], [[5.0, 6.0], [0.0, 0.0]]);
/// TestRunner::default().run(&strategy, |case| {
///     prop_assert!(case.x[0] >= 5.0 && case.x[1] == 0.0);
///     Ok(())
/// }).unwrap();
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn cases_in<const D: usize, F: ExactFlow<D> + Clone + 'static>(
    flow: &F,
    times: [f64; 2],
    sides: [[f64; 2]; D],
) -> impl Strategy<Value = Case<[f64; D]>> + use<D, F> {
    let flow = flow.clone();
    let time = || times[0]..=times[1];
    let drawn = (time(), time(), sides.map(|[low, high]| low..=high)).prop_map(|(s, t, x)| Case { s, t, x });
    drawn.prop_filter("outside the flow's domain, or close to a blow-up", move |Case { s, t, x }| {
        let later = t + 0.25 * (t - s);
        flow.domain(*s, *t, x).is_ok() && !matches!(flow.domain(*s, later, x), Err(Error::BlowUp { .. }))
    })
}

/// A random flow together with one of its [cases](cases()).
///
/// ```
/// use flowmap::{exact::strategy::{logistic, with_case}, verify};
/// use proptest::{prop_assert, test_runner::TestRunner};
/// TestRunner::default().run(&with_case(logistic()), |(flow, case)| {
///     let report = verify(&flow, &flow, [case]);
///     prop_assert!(report.holds(1e-9), "{report}");
///     Ok(())
/// })?;
/// # Ok::<(), proptest::test_runner::TestError<_>>(())
/// ```
pub fn with_case<const D: usize, F: Typical<D>>(flows: impl Strategy<Value = F>) -> impl Strategy<Value = (F, Case<[f64; D]>)> {
    flows.prop_flat_map(|flow| {
        let cases = cases(&flow);
        (Just(flow), cases)
    })
}

/// [`Blowup`], which has no parameters.
pub fn blowup() -> impl Strategy<Value = Blowup> {
    Just(Blowup)
}

/// [`PeriodicGrowth`], with amplitude up to 2.
pub fn periodic_growth() -> impl Strategy<Value = PeriodicGrowth> {
    (-2.0..2.0).prop_map(|a| PeriodicGrowth::new(a).expect("finite"))
}

/// [`Logistic`], with rates up to 3 of both signs and capacities from 1/2 to 4.
pub fn logistic() -> impl Strategy<Value = Logistic> {
    (-3.0..3.0, 0.5..4.0).prop_map(|(rate, capacity)| Logistic::new(rate, capacity).expect("finite and positive"))
}

/// [`Rotation`], with angular velocities up to 3 of both signs.
pub fn rotation() -> impl Strategy<Value = Rotation> {
    (-3.0..3.0).prop_map(|omega| Rotation::new(omega).expect("finite"))
}

/// [`Affine`], with entries up to 1 of both signs: growing, decaying, rotating and nearly singular ones.
pub fn affine<const D: usize>() -> impl Strategy<Value = Affine<D>> {
    (square(1.0), uniform(-1.0..1.0)).prop_map(|(matrix, offset)| Affine::new(matrix, offset).expect("finite"))
}

/// [`CouplingFlow`], of two to four layers with stretches up to 1/2, shifts and weights up to 1.
///
/// # Panics
/// When a case is drawn, if `D < 2`.
pub fn coupling<const D: usize>() -> impl Strategy<Value = CouplingFlow<D>> {
    let layer = (uniform(-0.5..0.5), uniform(-1.0..1.0), square(1.0));
    let layer = layer.prop_map(|(stretch, shift, weights)| CouplingLayer { stretch, shift, weights });
    vec(layer, 2..=4).prop_map(|layers| CouplingFlow::new(layers).expect("two coordinates or more"))
}

/// [`Gaussian`] along `interpolant`, with means up to 2 and [covariances](covariance) that in general do not commute.
#[cfg(feature = "nalgebra")]
pub fn gaussian<const D: usize, I>(interpolant: I) -> impl Strategy<Value = Gaussian<D, I>>
where
    I: Interpolant + Clone + Debug + 'static,
{
    let distributions = (uniform(uniform(-2.0..2.0)), [covariance(), covariance()]);
    distributions.prop_map(move |(means, covariances)| {
        Gaussian::new(interpolant.clone(), means, covariances).expect("symmetric and positive definite")
    })
}

/// Symmetric positive definite matrices: `A Aᵀ + 1/10`, entries of `A` up to 1 of both signs.
///
/// ```
/// use flowmap::exact::strategy::covariance;
/// use proptest::{prop_assert, test_runner::TestRunner};
/// TestRunner::default().run(&covariance::<2>(), |[[a, b], [c, d]]| {
///     prop_assert!(b == c && a * d - b * c > 0.009);
///     Ok(())
/// })?;
/// # Ok::<(), proptest::test_runner::TestError<_>>(())
/// ```
pub fn covariance<const D: usize>() -> impl Strategy<Value = [[f64; D]; D]> {
    square(1.0).prop_map(|a: [[f64; D]; D]| {
        let product = |i: usize, j: usize| (0..D).map(|k| a[i][k] * a[j][k]).sum::<f64>();
        std::array::from_fn(|i| std::array::from_fn(|j| product(i, j) + if i == j { 0.1 } else { 0.0 }))
    })
}

/// Square matrices with entries up to `size` of both signs.
fn square<const D: usize>(size: f64) -> impl Strategy<Value = [[f64; D]; D]> {
    uniform(uniform(-size..size))
}
