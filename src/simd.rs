//! SIMD instructions chosen at run time.
//!
//! Every instruction set needs its own copy of the machine code, and compiling these copies takes most of the time of a build of the
//! tests. So builds with debug assertions contain fewer of them.

use pulp::NullaryFnOnce;

/// Runs an elementwise kernel with the widest SIMD instructions of this machine; with debug assertions, AVX2 and FMA at most.
#[cfg(feature = "ndarray")]
pub fn run_kernel<R>(kernel: impl NullaryFnOnce<Output = R>) -> R {
    #[cfg(all(debug_assertions, target_arch = "x86_64"))]
    match pulp::x86::V3::try_new() {
        Some(simd) => simd.vectorize(kernel),
        None => kernel.call(),
    }
    #[cfg(not(all(debug_assertions, target_arch = "x86_64")))]
    pulp::Arch::new().dispatch(kernel)
}

/// Runs a whole solve with the widest SIMD instructions of this machine; with debug assertions, with those of the build target.
#[cfg(feature = "ensemble")]
pub fn run_solve<R>(solve: impl NullaryFnOnce<Output = R>) -> R {
    #[cfg(debug_assertions)]
    return solve.call();
    #[cfg(not(debug_assertions))]
    pulp::Arch::new().dispatch(solve)
}
