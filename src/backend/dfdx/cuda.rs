//! Opens a GPU without panicking.

use crate::{Result, backend::driver};
use ::dfdx::{
    tensor::{Cuda, CudaError, ZerosTensor},
    tensor_ops::TryAdd,
};
use dfdx_cudarc::driver::{DriverError, result};

/// dfdx's device for the GPU with the number `ordinal`, counted from 0 as `nvidia-smi` counts them.
///
/// Needs the feature `dfdx-cuda`; see `docs/gpu.md` for the machines that can build it and those that can run it. Tensors are
/// then `DfdxTensor<f32, Cuda>`.
///
/// A program with this feature is linked with the driver. Without a driver, as on a machine without an NVIDIA GPU, it does not
/// reach this function: the system's loader ends it with *error while loading shared libraries: libcuda.so.1*.
/// `backend::cuda::Device`, of the feature `cuda`, looks for the driver at run time.
///
/// # Errors
/// [`Error::Unavailable`](crate::Error::Unavailable) if the driver finds no GPU, none of that number, or cannot use
/// it; or if the program's kernels were compiled for another kind of GPU.
///
/// # Example
/// ```no_run
/// use flowmap::{Number, Tensor, backend::dfdx::{DfdxTensor, cuda}};
/// let gpu = cuda(0)?;
/// let x = DfdxTensor::from_slice_on(&gpu, &[0.0_f32, 1.0], &[2]);
/// assert_eq!(x.shift(1.0).to_vec(), [1.0, 2.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn cuda(ordinal: usize) -> Result<Cuda> {
    // dfdx itself would panic where there is no driver or no such device
    let refused = |error: DriverError| driver::refused(ordinal, error.0 as u32, error.0);
    result::init().map_err(refused)?;
    driver::check_ordinal(ordinal, result::device::get_count().map_err(refused)?)?;

    let refused = |error: CudaError| match error {
        CudaError::Driver(error) => refused(error),
        CudaError::Blas(error) => driver::unavailable(ordinal, format!("cuBLAS cannot be used: {:?}", error.0)),
        CudaError::Cpu(error) => driver::unavailable(ordinal, format!("the host is out of memory: {error:?}")),
    };
    let device = Cuda::try_build(ordinal, 0).map_err(refused)?;
    // whether kernels fit the GPU shows when the first is loaded
    let zero = ZerosTensor::<f32>::try_zeros_like(&device, &(1,)).map_err(refused)?;
    zero.try_add(1.0).map_err(refused)?;
    Ok(device)
}
