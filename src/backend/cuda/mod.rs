//! NVIDIA's GPUs by this crate's own kernels: tensors of `f32`, on which networks without convolutions train.
//!
//! **It compiles, NVRTC compiles its kernels, and on a CPU these compute the same as the other backends. It has never run on a
//! GPU.**
//!
//! Builds on every machine, without a toolkit. At run time it loads NVIDIA's driver, NVRTC, which compiles the kernels for the
//! GPU at hand, and cuBLAS, which multiplies matrices. CUDA 13, 12, and 11 from 11.2 on have the functions needed; within one
//! major version the libraries may be newer than the driver.
//!
//! ```no_run
//! use flowmap::{backend::cuda::{CudaTensor, Device}, distribution::{Checkerboard, Normal}};
//! # #[cfg(feature = "train")] {
//! use flowmap::{learn::{Independent, Settings, Trainer}, nn::{Mlp, MlpShape}};
//! let gpu = Device::new(0)?.with_tf32();
//! let network: Mlp<CudaTensor> = Mlp::new_on(&gpu, &MlpShape::new(2, 512, 4), 1)?;
//! let coupling = Independent::new(Normal::standard(2)?, Checkerboard)?;
//! let mut trainer = Trainer::new(network, coupling, Settings::default())?;
//! println!("{}", trainer.step()?.loss);
//! # }
//! # Ok::<(), flowmap::Error>(())
//! ```
//!
//! - No convolutions: [`CudaTensor`] is a [`Tensor`](crate::Tensor), not an [`ImageTensor`](crate::ImageTensor).
//! - Activations with their derivatives, Adam, and the steps of averages are one kernel each; a bias is laid out before the
//!   product that is added to it.
//! - The same operations on the same GPU with the same libraries give the same bits, run after run: no kernel here uses atomics,
//!   sums are added in a fixed order, and all work is in one stream, as cuBLAS asks for. An elementwise result, and a sum over
//!   the coordinates of a sample, is the same in every batch. **A row of a matrix product is not**: cuBLAS chooses its kernel by
//!   the sizes of the whole product, so the last bits of a sample may change with the batch around it.
//! - Memory comes from the driver's pool in the order of the stream, and is kept until the program ends.

mod compile;
mod engine;
mod launch;
mod library;
mod number;
mod tensor;

pub use number::CudaMask;
pub use tensor::CudaTensor;

use crate::Result;
use engine::Engine;
use std::{fmt, sync::Arc};

/// A GPU. Cloning is a reference count.
///
/// The first handle of a GPU takes a second or so to compile the kernels; later ones share them.
///
/// ```
/// use flowmap::{Error, backend::cuda::Device};
/// match Device::new(0) {
///     Ok(gpu) => println!("{gpu:?}"),
///     Err(Error::Unavailable { reason, .. }) => println!("on the CPU then: {reason}"),
///     Err(error) => return Err(error),
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Device {
    engine: Arc<Engine>,
    tf32: bool,
}

impl Device {
    /// The GPU with the number `ordinal`, counted from 0 as `nvidia-smi` counts them.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if there is no driver, if it finds no GPU, none of that number, or
    /// cannot use it; if NVRTC or cuBLAS is missing; if the kernels do not compile for this GPU.
    pub fn new(ordinal: usize) -> Result<Self> {
        Ok(Self { engine: Engine::of(ordinal)?, tf32: false })
    }

    /// The same GPU, where matrix products round their factors to TF32: 10 bits after the point instead of 23, several times
    /// faster on GPUs of compute capability 8.0 and newer. Others compute as before.
    ///
    /// This holds for tensors made on this handle, and for results computed from them; of two factors, the left one decides.
    ///
    /// ```
    /// use flowmap::backend::cuda::Device;
    /// if let Ok(gpu) = Device::new(0) {
    ///     assert!(!gpu.tf32() && gpu.with_tf32().tf32());
    /// }
    /// ```
    #[must_use]
    pub fn with_tf32(self) -> Self {
        Self { tf32: true, ..self }
    }

    /// Whether products round to TF32.
    #[must_use]
    pub fn tf32(&self) -> bool {
        self.tf32
    }

    /// The number of the GPU.
    #[must_use]
    pub fn ordinal(&self) -> usize {
        self.engine.ordinal()
    }

    /// The name of the GPU.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.engine.name
    }

    /// The two numbers of its compute capability, as `(9, 0)`: which kernels it can run.
    #[must_use]
    pub fn compute_capability(&self) -> (i32, i32) {
        self.engine.capability
    }

    fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (major, minor) = self.compute_capability();
        let tf32 = if self.tf32 { ", with TF32" } else { "" };
        write!(f, "CUDA device {}: {}, compute capability {major}.{minor}{tf32}", self.ordinal(), self.name())
    }
}

/// Two handles are equal if they stand for one GPU.
impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        self.ordinal() == other.ordinal()
    }
}
impl Eq for Device {}

#[cfg(test)]
mod tests {
    use super::{Device, engine::driver_is_there};
    use crate::Error;

    /// Whatever the machine has, the answer is a device or an error that says what to do.
    #[test]
    fn a_machine_has_the_device_or_says_why_not() {
        match Device::new(0) {
            Ok(gpu) => {
                assert!(driver_is_there() && gpu.ordinal() == 0 && gpu == gpu.clone() && gpu.compute_capability().0 >= 5);
                println!("a driver and a GPU are there, so the error without a driver is not tested: {gpu:?}");
            }
            Err(Error::Unavailable { what, reason }) => {
                assert_eq!(what, "CUDA device 0");
                assert_eq!(reason.contains("install NVIDIA's driver"), !driver_is_there(), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_number_that_no_machine_has_is_refused() {
        assert!(matches!(Device::new(usize::MAX), Err(Error::Unavailable { .. })));
    }
}
