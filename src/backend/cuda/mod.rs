//! NVIDIA's GPUs without a library of tensors in between: so far, the device.
//!
//! Builds on every machine, with no toolkit: the driver is looked for when the program runs. Tensors on a GPU are those of
//! `backend::dfdx`, with the feature `dfdx-cuda`.

use crate::{Error, Result, backend::driver};
use cudarc::driver::{CudaContext, DriverError, sys};
use std::{fmt, sync::Arc};

/// A GPU. Cloning is a reference count.
///
/// ```
/// use flowmap::{Error, backend::cuda::Device};
/// match Device::new(0) {
///     Ok(gpu) => println!("{gpu:?}"),
///     Err(Error::Device { reason, .. }) => println!("on the CPU then: {reason}"),
///     Err(error) => return Err(error),
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Device {
    context: Arc<CudaContext>,
    name: String,
    capability: (i32, i32),
}

impl Device {
    /// The GPU with the number `ordinal`, counted from 0 as `nvidia-smi` counts them.
    ///
    /// # Errors
    /// [`Error::Device`] if there is no driver, if it finds no GPU, none of that number, or cannot use it.
    pub fn new(ordinal: usize) -> Result<Self> {
        if !driver_is_there() {
            let reason =
                "the driver's library, libcuda.so.1 on Linux, is not found; install NVIDIA's driver, or compute on the CPU";
            return Err(Error::device(ordinal, reason));
        }
        let refused = |error: DriverError| driver::refused(ordinal, error.0 as u32, error.0);
        driver::check_ordinal(ordinal, CudaContext::device_count().map_err(refused)?)?;
        let context = CudaContext::new(ordinal).map_err(refused)?;
        let name = context.name().map_err(refused)?;
        let capability = context.compute_capability().map_err(refused)?;
        Ok(Self { context, name, capability })
    }

    /// Its number.
    #[must_use]
    pub fn ordinal(&self) -> usize {
        self.context.ordinal()
    }

    /// What its maker calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The two numbers of its compute capability, as `(9, 0)`: which kernels it can run.
    #[must_use]
    pub fn compute_capability(&self) -> (i32, i32) {
        self.capability
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (major, minor) = self.capability;
        write!(f, "CUDA device {}: {}, compute capability {major}.{minor}", self.ordinal(), self.name)
    }
}

/// Two handles are equal if they stand for one GPU.
impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        self.ordinal() == other.ordinal()
    }
}
impl Eq for Device {}

/// cudarc panics at the first call of a library that it cannot load.
#[allow(unsafe_code)]
fn driver_is_there() -> bool {
    // SAFETY: loads a library and forgets it. Loading runs the initializers of whatever stands under the driver's name, as any program
    // does that is linked with the driver; what comes under that name is for the system's administrator to decide.
    unsafe { sys::is_culib_present() }
}

#[cfg(test)]
mod tests {
    use super::{Device, driver_is_there};
    use crate::Error;

    /// Whatever the machine has, the answer is a device or an error that says what to do.
    #[test]
    fn a_machine_has_the_device_or_says_why_not() {
        match Device::new(0) {
            Ok(gpu) => {
                assert!(driver_is_there() && gpu.ordinal() == 0 && gpu == gpu.clone() && gpu.compute_capability().0 >= 5);
                println!("a driver and a GPU are there, so the error without a driver is not tested: {gpu:?}");
            }
            Err(Error::Device { what, reason }) => {
                assert_eq!(what, "CUDA device 0");
                assert_eq!(reason.contains("install NVIDIA's driver"), !driver_is_there(), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_number_that_no_machine_has_is_refused() {
        assert!(matches!(Device::new(usize::MAX), Err(Error::Device { .. })));
    }
}
