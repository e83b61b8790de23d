//! Kernels from source to machine code, by NVRTC. Needs no GPU.

use cudarc::nvrtc::{result, sys};
use std::ffi::CString;

/// The target of a compilation by NVRTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Machine code for GPUs of this compute capability (90 for 9.0), which any driver of the library's major version loads.
    Machine(u32),
    /// Code that the driver translates for GPUs newer than the library.
    Portable(u32),
}

impl Target {
    /// The best target for a GPU, of those that the library has.
    ///
    /// # Errors
    /// A reason with its remedy, if the GPU is older than all of them.
    pub fn choose((major, minor): (i32, i32), supported: &[u32]) -> Result<Self, String> {
        let wanted = (10 * major + minor).unsigned_abs();
        match supported.iter().copied().filter(|&have| have <= wanted).max() {
            Some(have) if have == wanted => Ok(Self::Machine(wanted)),
            Some(have) => Ok(Self::Portable(have)),
            None => Err(format!(
                "NVRTC, NVIDIA's compiler, has no GPU of compute capability {major}.{minor} among those it compiles for, {supported:?}; \
                 put the libnvrtc of an older CUDA on the library path"
            )),
        }
    }

    fn option(self) -> String {
        match self {
            Self::Machine(capability) => format!("--gpu-architecture=sm_{capability}"),
            Self::Portable(capability) => format!("--gpu-architecture=compute_{capability}"),
        }
    }
}

/// The compute capabilities that the library compiles for.
///
/// # Panics
/// If the library is missing: see [`library_is_there`].
#[allow(unsafe_code)]
pub fn supported() -> Result<Vec<u32>, String> {
    let mut count = 0;
    // SAFETY: a pointer to one number, which the function writes
    unsafe { sys::nvrtcGetNumSupportedArchs(&raw mut count) }.result().map_err(failed)?;
    let mut all = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: a pointer to as many numbers as the function has just said that it writes
    unsafe { sys::nvrtcGetSupportedArchs(all.as_mut_ptr()) }.result().map_err(failed)?;
    Ok(all.into_iter().filter_map(|arch| u32::try_from(arch).ok()).collect())
}

/// Compiles a source: to an ELF image for [`Target::Machine`], to PTX for [`Target::Portable`].
///
/// # Errors
/// The compiler's messages, line by line.
///
/// # Panics
/// If the library is missing: see [`library_is_there`].
#[allow(unsafe_code)]
pub fn compile(source: &str, target: Target) -> Result<Vec<u8>, String> {
    let source = CString::new(source).map_err(|e| e.to_string())?;
    let program = Program(result::create_program(&source, Some(c"kernels.cu")).map_err(failed)?);
    // SAFETY: the program lives until the end of this function
    if let Err(error) = unsafe { result::compile_program(program.0, &[target.option()]) } {
        // SAFETY: as above
        let log = unsafe { result::get_program_log(program.0) }.unwrap_or_default();
        let log: Vec<u8> = log.into_iter().map(|c| c as u8).filter(|&c| c != 0).collect();
        return Err(format!("{}:\n{}", failed(error), String::from_utf8_lossy(&log)));
    }
    let image = match target {
        // SAFETY: as above; the text ends with a zero, as the driver expects of PTX
        Target::Portable(_) => unsafe { result::get_ptx(program.0) }.map_err(failed)?,
        Target::Machine(_) => {
            let mut size = 0;
            // SAFETY: as above, and a pointer to one number, which the function writes
            unsafe { sys::nvrtcGetCUBINSize(program.0, &raw mut size) }.result().map_err(failed)?;
            let mut image = vec![0; size];
            // SAFETY: as above, and a pointer to as many bytes as the function has just said that it writes
            unsafe { sys::nvrtcGetCUBIN(program.0, image.as_mut_ptr()) }.result().map_err(failed)?;
            image
        }
    };
    Ok(image.into_iter().map(|c| c as u8).collect())
}

struct Program(sys::nvrtcProgram);

#[allow(unsafe_code)]
impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: made by `create_program`, destroyed here alone. There is nothing to do about a failure.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

fn failed(error: result::NvrtcError) -> String {
    format!("NVRTC, NVIDIA's compiler, fails with {:?}", error.0)
}

/// cudarc panics at the first call of a library that it cannot load.
#[allow(unsafe_code)]
pub fn library_is_there() -> bool {
    // SAFETY: loads a library of NVIDIA's and forgets it, which runs its initializers; what stands under its name is for the
    // system's administrator to decide
    unsafe { sys::is_culib_present() }
}

#[cfg(test)]
mod tests {
    use super::super::library::{Kernel, SOURCE};
    use super::{Target, compile, library_is_there, supported};

    #[test]
    fn targets_are_the_gpu_or_the_best_below_it() {
        let supported = [75, 80, 86, 90];
        assert_eq!(Target::choose((8, 6), &supported), Ok(Target::Machine(86)));
        assert_eq!(Target::choose((8, 9), &supported), Ok(Target::Portable(86)));
        assert_eq!(Target::choose((12, 0), &supported), Ok(Target::Portable(90)));
        let reason = Target::choose((7, 0), &supported).unwrap_err();
        assert!(reason.contains("7.0") && reason.contains("older CUDA"), "{reason}");
    }

    /// With the library on the path, on any machine: every kernel, for every kind of GPU that the library knows. Skipped without,
    /// unless `FLOWMAP_NVRTC=required` is in the environment.
    #[test]
    fn kernels_compile_for_every_gpu() {
        if !library_is_there() {
            assert!(std::env::var_os("FLOWMAP_NVRTC").is_none(), "libnvrtc is required here, and not found");
            println!("skipped: libnvrtc, which compiles the kernels, is not found; scripts/cuda-toolkit.sh brings it");
            return;
        }
        let all = supported().unwrap();
        assert!(all.contains(&80) && all.contains(&90), "{all:?}");
        for &capability in &all {
            let image = compile(SOURCE, Target::Machine(capability)).unwrap_or_else(|e| panic!("{capability}: {e}"));
            assert!(image.starts_with(b"\x7fELF"), "{capability}");
            for kernel in Kernel::ALL {
                // the name of the section that holds its instructions
                let section = format!(".text.{}\0", kernel.name());
                assert!(image.windows(section.len()).any(|w| w == section.as_bytes()), "{capability}: {kernel:?}");
            }
        }
        let text = String::from_utf8(compile(SOURCE, Target::Portable(80)).unwrap()).unwrap();
        assert!(Kernel::ALL.iter().all(|kernel| text.contains(&format!(".entry {}(", kernel.name()))) && text.ends_with('\0'));
        let error = compile("__global__ void wrong() { nothing; }", Target::Machine(80)).unwrap_err();
        assert!(error.contains("kernels.cu") && error.contains("nothing"), "{error}");
    }
}
