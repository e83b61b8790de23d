//! What every constructor of a flow asks of its settings.

use crate::{Error, Result};

/// Every one of these numbers is finite.
pub(super) fn finite(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(bad) => Err(Error::invalid(what, format!("{bad} is not finite"))),
        None => Ok(()),
    }
}

/// The number is finite and above zero.
pub(super) fn positive(what: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(Error::invalid(what, format!("{value} is not a positive number"))) }
}

/// The number is finite and not below zero.
pub(super) fn not_negative(what: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Error::invalid(what, format!("{value} is not a number from 0 on")))
    }
}
