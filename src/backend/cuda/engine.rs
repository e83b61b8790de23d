//! The engine of a GPU, made once: its context, its stream, cuBLAS and the compiled kernels.

use super::compile::{self, Target};
use super::library::{Kernel, SOURCE};
use crate::{Result, backend::driver};
use cudarc::{
    cublas::CudaBlas,
    driver::{CudaContext, CudaFunction, CudaSlice, CudaStream, DriverError, result, sys},
    nvrtc::Ptx,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Numbers in the memory of a GPU.
pub type Buffer = CudaSlice<f32>;

/// Everything that computes on one GPU. All its work goes to one stream, in the order of the calls.
pub struct Engine {
    pub context: Arc<CudaContext>,
    pub stream: Arc<CudaStream>,
    pub blas: CudaBlas,
    pub name: String,
    pub capability: (i32, i32),
    /// In the order of `Kernel::ALL`.
    functions: Vec<CudaFunction>,
}

/// The engines made so far, kept until the program ends.
static ENGINES: Mutex<BTreeMap<usize, Arc<Engine>>> = Mutex::new(BTreeMap::new());

impl Engine {
    /// The engine of a GPU, made at the first call.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the GPU or one of NVIDIA's libraries is missing or cannot be used.
    pub fn of(ordinal: usize) -> Result<Arc<Self>> {
        if !driver_is_there() {
            let reason =
                "the driver's library, libcuda.so.1 on Linux, is not found; install NVIDIA's driver, or compute on the CPU";
            return Err(driver::unavailable(ordinal, reason));
        }
        let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(&ordinal) {
            return Ok(engine.clone());
        }
        let engine = Arc::new(Self::new(ordinal)?);
        engines.insert(ordinal, engine.clone());
        Ok(engine)
    }

    fn new(ordinal: usize) -> Result<Self> {
        let refused = |error: DriverError| driver::refused(ordinal, error.0 as u32, error.0);
        driver::check_ordinal(ordinal, CudaContext::device_count().map_err(refused)?)?;
        for (library, what, there) in [
            ("libnvrtc", "compiles the kernels,", compile::library_is_there()),
            ("libcublas", "multiplies matrices, or libcublasLt, on which it stands,", blas_is_there()),
        ] {
            if !there {
                let reason = format!(
                    "NVIDIA's library {library}, which {what} is not found; install the CUDA toolkit or its runtime libraries, \
                     and name their folder in LD_LIBRARY_PATH (PATH on Windows)"
                );
                return Err(driver::unavailable(ordinal, reason));
            }
        }
        let context = CudaContext::new(ordinal).map_err(refused)?;
        keep_one_stream(&context);
        let name = context.name().map_err(refused)?;
        let capability = context.compute_capability().map_err(refused)?;
        keep_memory(&context).map_err(refused)?;

        let image = compile::supported()
            .and_then(|supported| Target::choose(capability, &supported))
            .and_then(|target| Ok((target, compile::compile(SOURCE, target)?)))
            .map_err(|reason| driver::unavailable(ordinal, reason))?;
        let module = context.load_module(match image {
            (Target::Machine(_), bytes) => Ptx::from_binary(bytes),
            (Target::Portable(_), text) => Ptx::from_src(String::from_utf8_lossy(&text).trim_end_matches('\0')),
        });
        let module = module.map_err(refused)?;
        let functions = Kernel::ALL.iter().map(|k| module.load_function(k.name())).collect::<Result<_, _>>().map_err(refused)?;

        let stream = context.default_stream();
        let blas = CudaBlas::new(stream.clone()).map_err(|error| {
            let reason = format!(
                "cuBLAS cannot be used: {:?}; check whether the GPU's memory is full, and whether cuBLAS fits the driver",
                error.0
            );
            driver::unavailable(ordinal, reason)
        })?;
        Ok(Self { context, stream, blas, name, capability, functions })
    }

    pub fn ordinal(&self) -> usize {
        self.context.ordinal()
    }

    pub fn function(&self, kernel: Kernel) -> &CudaFunction {
        &self.functions[kernel as usize]
    }

    /// Unwraps a result whose failure cannot be handled: panics with the remedy.
    #[track_caller]
    pub fn must<T>(&self, result: Result<T, DriverError>) -> T {
        result.unwrap_or_else(|error| panic!("{}", driver::refused(self.ordinal(), error.0 as u32, error.0)))
    }
}

/// Turns off the events of each buffer, which order the work of several streams.
#[allow(unsafe_code)]
fn keep_one_stream(context: &CudaContext) {
    // SAFETY: this context belongs to its engine, which has one stream; so everything happens in the order of the calls
    unsafe { context.disable_event_tracking() }
}

/// Keeps freed memory with the program, instead of returning it to the driver whenever the host waits for the GPU.
#[allow(unsafe_code)]
fn keep_memory(context: &CudaContext) -> Result<(), DriverError> {
    if !context.has_async_alloc() {
        return Ok(());
    }
    let mut all = u64::MAX;
    // SAFETY: the device of a context that exists; the attribute is a number of 64 bits, and is read before the call returns
    unsafe {
        let pool = result::device::get_mem_pool(context.cu_device())?;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut all).cast())
    }
}

/// cudarc panics at the first call of a library that it cannot load.
#[allow(unsafe_code)]
pub fn driver_is_there() -> bool {
    // SAFETY: loads a library and forgets it. Loading runs the initializers of whatever stands under the driver's name, as any
    // program does that is linked with the driver; what comes under that name is for the system's administrator to decide.
    unsafe { sys::is_culib_present() }
}

#[allow(unsafe_code)]
fn blas_is_there() -> bool {
    // SAFETY: as for the driver
    unsafe { cudarc::cublas::sys::is_culib_present() }
}
