//! Fields whose type a solver does not know, for builds that compile fast.
//!
//! A solver is compiled for every type of state and of field, so that the formula of the field becomes part of its loop. Builds
//! with debug assertions are compiled often and need not be fast: there a solver calls its field through a pointer, and is
//! compiled once for every type of state. This takes half the time where many fields are solved, as in tests.

#[cfg(feature = "ensemble")]
use super::EnsembleOde;
#[cfg(feature = "ensemble")]
use crate::{Real, Row};
use crate::{State, VelocityField};

/// `field`, without its type in builds with debug assertions.
#[cfg(debug_assertions)]
pub(super) fn erased<'a, X: State, B: VelocityField<X> + ?Sized>(field: &'a &B) -> &'a dyn VelocityField<X> {
    field
}

/// `field`, without its type in builds with debug assertions.
#[cfg(not(debug_assertions))]
pub(super) fn erased<'a, B: ?Sized>(field: &'a &B) -> &'a B {
    field
}

/// `ode`, without its type in builds with debug assertions.
#[cfg(all(debug_assertions, feature = "ensemble"))]
pub(super) fn erased_ode<'a, X: Row<Item: Real>, P: Row>(ode: &'a impl EnsembleOde<X, P>) -> &'a dyn EnsembleOde<X, P> {
    ode
}

/// `ode`, without its type in builds with debug assertions.
#[cfg(all(not(debug_assertions), feature = "ensemble"))]
pub(super) fn erased_ode<'a, X: Row<Item: Real>, P: Row>(ode: &'a impl EnsembleOde<X, P>) -> &'a impl EnsembleOde<X, P> {
    ode
}
