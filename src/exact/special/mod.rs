//! Functions beyond the elementary ones that closed forms are made of, over any [`Number`](crate::Number).

pub(super) mod elliptic;
pub(super) mod hermitian;
pub(super) mod integrals;
pub(super) mod kepler;
pub(super) mod lambert;
pub(super) mod normal;
pub(super) mod root;
