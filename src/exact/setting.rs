//! Checks of constructor arguments.

use crate::{Error, Result};

/// Checks that all of these numbers are finite.
pub(super) fn finite(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(bad) => Err(Error::invalid(what, format!("{bad} is not finite"))),
        None => Ok(()),
    }
}

/// Checks that the number is positive and finite.
pub(super) fn positive(what: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Error::invalid(what, format!("{value} is not a positive finite number")))
    }
}

/// Checks that the number is finite and not negative.
pub(super) fn not_negative(what: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Error::invalid(what, format!("{value} is not a finite number of 0 or more")))
    }
}
