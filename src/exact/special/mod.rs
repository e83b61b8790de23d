//! Special functions used by closed forms, over any [`Number`](crate::Number).

pub(super) mod elliptic;
pub(super) mod hermitian;
pub(super) mod integrals;
pub(super) mod kepler;
pub(super) mod lambert;
pub(super) mod normal;
pub(super) mod root;
