//! Errors of the GPU's driver, and their remedies.

use crate::{Error, Result};
use std::fmt::Debug;

/// A GPU that cannot be used, with the reason and the remedy.
pub(super) fn unavailable(ordinal: usize, reason: impl Into<String>) -> Error {
    Error::Unavailable { what: format!("CUDA device {ordinal}"), reason: reason.into() }
}

/// A call of the driver failed, with this code and name of a `CUresult`.
pub(super) fn refused(ordinal: usize, code: u32, name: impl Debug) -> Error {
    let remedy = match code {
        2 => "its memory is full; take a smaller batch or network, and check in nvidia-smi what else uses it",
        34 => "the library found as the driver is the stub of a toolkit; take its folder off LD_LIBRARY_PATH",
        35 | 222 | 803 | 804 => "the driver is older than the toolkit that built the program; install a newer one",
        100 => "the driver finds no GPU; check what nvidia-smi lists, and whether CUDA_VISIBLE_DEVICES hides it",
        209 | 218 => {
            "the program was compiled for another kind of GPU; set CUDA_COMPUTE_CAP to this one's (as 90 for 9.0) and build it again"
        }
        _ => "check with nvidia-smi that it works",
    };
    unavailable(ordinal, format!("{name:?}: {remedy}"))
}

/// # Errors
/// [`Error::Unavailable`](crate::Error::Unavailable) if the machine has no device of that number.
pub(super) fn check_ordinal(ordinal: usize, count: i32) -> Result<()> {
    match usize::try_from(count) {
        Ok(count) if ordinal < count => Ok(()),
        Ok(1..) => Err(unavailable(ordinal, format!("GPUs found: {count}; the last is {}", count - 1))),
        _ => Err(refused(ordinal, 100, format_args!("no device"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_ordinal, refused};

    #[test]
    fn numbers_beyond_the_last_are_refused() {
        assert!(check_ordinal(1, 2).is_ok());
        assert_eq!(check_ordinal(2, 2).unwrap_err().to_string(), "CUDA device 2: GPUs found: 2; the last is 1");
        assert!(check_ordinal(0, 0).unwrap_err().to_string().contains("nvidia-smi"));
    }

    #[test]
    fn refusals_name_the_code_and_the_remedy() {
        let message = refused(0, 209, "NO_BINARY").to_string();
        assert!(message.starts_with("CUDA device 0: ") && message.contains("NO_BINARY") && message.contains("CUDA_COMPUTE_CAP"));
    }
}
