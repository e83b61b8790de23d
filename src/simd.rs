//! SIMD instructions that are chosen at run time.
//!
//! Each set of instructions is a copy of the machine code. Builds with debug assertions make fewer copies, since they are built to be
//! tested, and compiling them takes most of the time.

use pulp::NullaryFnOnce;

/// Runs `op` with the widest SIMD instructions of this machine; with debug assertions with AVX2 and FMA at most.
#[cfg(feature = "ndarray")]
pub fn widest<R>(op: impl NullaryFnOnce<Output = R>) -> R {
    #[cfg(all(debug_assertions, target_arch = "x86_64"))]
    {
        match pulp::x86::V3::try_new() {
            Some(simd) => simd.vectorize(op),
            None => op.call(),
        }
    }
    #[cfg(not(all(debug_assertions, target_arch = "x86_64")))]
    pulp::Arch::new().dispatch(op)
}

/// Runs `op`, a whole solve, with the widest SIMD instructions of this machine; with debug assertions with those of the target.
#[cfg(feature = "ensemble")]
pub fn widest_for_solves<R>(op: impl NullaryFnOnce<Output = R>) -> R {
    #[cfg(debug_assertions)]
    return op.call();
    #[cfg(not(debug_assertions))]
    pulp::Arch::new().dispatch(op)
}
