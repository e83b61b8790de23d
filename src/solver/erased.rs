//! Fields whose type a solver does not know, for builds that compile fast.
//!
//! A solver is compiled for every type of state and of field, so that the formula of the field becomes part of its loop. Builds
//! with debug assertions are compiled often and need not be fast: there a solver calls its field through a pointer, and is
//! compiled once for every type of state.

#[cfg(debug_assertions)]
pub(super) use pointer::*;
#[cfg(not(debug_assertions))]
pub(super) use typed::*;

#[cfg(debug_assertions)]
mod pointer {
    #[cfg(feature = "ensemble")]
    use crate::{Real, Row, solver::EnsembleOde};
    use crate::{State, VelocityField};

    /// `field` without its type.
    pub fn erased<'a, X: State, B: VelocityField<X> + ?Sized>(field: &'a &B) -> &'a dyn VelocityField<X> {
        field
    }

    /// `ode` without its type.
    #[cfg(feature = "ensemble")]
    pub fn erased_ode<X: Row<Item: Real>, P: Row>(ode: &impl EnsembleOde<X, P>) -> &dyn EnsembleOde<X, P> {
        ode
    }
}

#[cfg(not(debug_assertions))]
mod typed {
    /// `field` as it is.
    pub fn erased<'a, B: ?Sized>(field: &'a &B) -> &'a B {
        field
    }

    /// `ode` as it is.
    #[cfg(feature = "ensemble")]
    pub fn erased_ode<O>(ode: &O) -> &O {
        ode
    }
}
