//! Safe functions for the GPU, without `unsafe` for callers: memory, copies, kernels, matrix products.
//!
//! A failure is a panic that names the remedy, since tensor operations cannot return errors.

use super::engine::{Buffer, Engine};
use super::library::Kernel;
use crate::Transpose;
use cudarc::{
    cublas::{result::gemm_strided_batched_ex, sys as blas},
    driver::{DevicePtr, DevicePtrMut, LaunchConfig, PushKernelArg, sys::CUdeviceptr},
};

/// An operand of an elementwise kernel.
#[derive(Clone, Copy)]
pub enum Operand<'a> {
    /// One number for each element.
    Each(&'a Buffer),
    /// One number for all.
    One(&'a Buffer),
    /// The memory of the first result, which is updated.
    Result,
}

/// A matrix in row-major memory, as it is or transposed.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub values: &'a Buffer,
    pub rows: usize,
    pub columns: usize,
    pub transpose: Transpose,
}

/// The largest size of a tensor: kernels and cuBLAS count in 32 bits.
pub const LARGEST: usize = i32::MAX as usize;

const THREADS: u32 = 256;

#[allow(unsafe_code)]
impl Engine {
    /// Uninitialized memory for `size` numbers.
    #[track_caller]
    pub fn room(&self, size: usize) -> Buffer {
        assert!(size <= LARGEST, "a tensor on a GPU holds at most {LARGEST} values, not {size}; take smaller batches");
        // the driver cannot allocate 0 bytes. SAFETY: every caller fills the memory before it is read: by a kernel with `size`
        // threads, or a product with zero times its content
        self.must(unsafe { self.stream.alloc(size.max(1)) })
    }

    #[track_caller]
    pub fn upload(&self, values: &[f32]) -> Buffer {
        let mut buffer = self.room(values.len());
        if !values.is_empty() {
            self.must(self.stream.memcpy_htod(values, &mut buffer));
        }
        buffer
    }

    /// The first `size` numbers; waits for the GPU.
    #[track_caller]
    pub fn download(&self, buffer: &Buffer, size: usize) -> Vec<f32> {
        if size == 0 { vec![] } else { self.must(self.stream.clone_dtoh(&buffer.slice(..size))) }
    }

    #[track_caller]
    pub fn duplicate(&self, buffer: &Buffer) -> Buffer {
        self.must(self.stream.clone_dtod(buffer))
    }

    /// A kernel that makes `n` elements from the elements at the same place.
    #[track_caller]
    pub fn elementwise(
        &self,
        kernel: Kernel,
        n: usize,
        results: &mut [&mut Buffer],
        operands: &[Operand],
        extra: Option<u32>,
        scalars: &[f64],
    ) {
        let has_steps = kernel.signature().has_steps();
        let mut sizes = vec![n as u32];
        let mut read = Vec::with_capacity(operands.len());
        assert!(results.iter().all(|r| r.len() >= n));
        for operand in operands {
            let (pointer, step) = match operand {
                Operand::Each(x) => {
                    assert!(x.len() >= n, "{kernel:?}: an operand is too short");
                    (self.pointer(x), 1)
                }
                Operand::One(x) => {
                    assert!(has_steps, "{kernel:?} takes no scalars");
                    (self.pointer(x), 0)
                }
                Operand::Result => (self.pointer(results[0]), 1),
            };
            sizes.extend(has_steps.then_some(step));
            read.push(pointer);
        }
        sizes.extend(extra);
        // SAFETY: each of the n threads reads and writes element i < n of every buffer, or the first of one that is `One`, and
        // all buffers were seen to hold these
        unsafe { self.launch(kernel, n, results, &read, &sizes, scalars) }
    }

    /// `[outer, middle, inner]` to `[outer, parts, inner]`: part `p` is the sum, or for [`Kernel::PartialMaxima`] the largest, of
    /// elements `p, p + parts, …` of the middle axis.
    #[track_caller]
    pub fn partial(&self, kernel: Kernel, x: &Buffer, [outer, middle, parts, inner]: [usize; 4]) -> Buffer {
        let n = outer * parts * inner;
        let mut all = self.room(n);
        assert!(x.len() >= outer * middle * inner && middle <= LARGEST);
        assert!(kernel == Kernel::PartialSums || (kernel == Kernel::PartialMaxima && 0 < parts && parts <= middle));
        let sizes = [n, middle, parts, inner].map(|size| size as u32);
        // SAFETY: a thread reads columns below `inner` of rows below `middle` of blocks below `outer`, for which x has room; also
        // the maxima, whose parts hold an element each
        unsafe { self.launch(kernel, n, &mut [&mut all], &[self.pointer(x)], &sizes, &[]) }
        all
    }

    /// `[outer, first, second, inner]` to `[outer, second, first, inner]`.
    #[track_caller]
    pub fn exchange(&self, x: &Buffer, [outer, first, second, inner]: [usize; 4]) -> Buffer {
        let n = outer * first * second * inner;
        let mut all = self.room(n);
        assert!(x.len() >= n);
        let sizes = [n, first, second, inner].map(|size| size as u32);
        // SAFETY: a thread reads columns below `inner` of rows below `first` and `second` of blocks below `outer`, for which x has
        // room
        unsafe { self.launch(Kernel::Exchange, n, &mut [&mut all], &[self.pointer(x)], &sizes, &[]) }
        all
    }

    /// `[outer, inner]` to `[outer, middle, inner]`.
    #[track_caller]
    pub fn expand(&self, x: &Buffer, [outer, middle, inner]: [usize; 3]) -> Buffer {
        let n = outer * middle * inner;
        let mut all = self.room(n);
        assert!(n == 0 || x.len() >= outer * inner);
        let sizes = [n, middle, inner].map(|size| size as u32);
        // SAFETY: a thread reads columns below `inner` of rows below `outer`, for which x has room
        unsafe { self.launch(Kernel::Expand, n, &mut [&mut all], &[self.pointer(x)], &sizes, &[]) }
        all
    }

    /// Copies `width` columns of each of `rows` rows, from `x` to `out`; a place is the rows' length and the first of the
    /// columns.
    #[track_caller]
    pub fn copy(&self, [rows, width]: [usize; 2], x: &Buffer, from: [usize; 2], out: &mut Buffer, to: [usize; 2]) {
        let n = rows * width;
        let fits = |buffer: &Buffer, [length, first]: [usize; 2]| first + width <= length && rows * length <= buffer.len();
        assert!(n == 0 || (fits(x, from) && fits(out, to)));
        let sizes = [n, width, to[0], to[1], from[0], from[1]].map(|size| size as u32);
        // SAFETY: a thread reads and writes columns below the rows' lengths of rows below `rows`, for which both have room
        unsafe { self.launch(Kernel::Copy, n, &mut [out], &[self.pointer(x)], &sizes, &[]) }
    }

    /// `a b` for each of `count` matrices that follow one another, added to what `out` holds if it `adds`. None of the sizes may
    /// be 0.
    #[track_caller]
    pub fn products(&self, count: usize, a: Matrix, b: Matrix, out: &mut Buffer, adds: bool, tf32: bool) {
        let (m, k, n) = (a.rows, a.columns, b.columns);
        assert!(k == b.rows && count * m * k * n > 0 && count <= LARGEST);
        assert!(a.values.len() >= count * m * k && b.values.len() >= count * k * n && out.len() >= count * m * n);
        let mode = if tf32 {
            blas::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32
        } else {
            blas::cublasComputeType_t::CUBLAS_COMPUTE_32F
        };
        let (one, start) = (1.0_f32, if adds { 1.0_f32 } else { 0.0 });
        let float = blas::cudaDataType_t::CUDA_R_32F;
        let [a_values, b_values] = [a.values, b.values].map(|x| self.pointer(x));
        let out = self.pointer_mut(out);
        self.must(self.context.bind_to_thread());
        // cuBLAS reads memory column by column and so sees every matrix transposed: it makes (a b)' = b' a'.
        // SAFETY: the buffers hold `count` times m x k, k x n and m x n numbers, at these distances of their rows and of the matrices;
        // the two factors are read before the call returns
        let done = unsafe {
            gemm_strided_batched_ex(
                *self.blas.handle(),
                b.operation(),
                a.operation(),
                n as i32,
                m as i32,
                k as i32,
                (&raw const one).cast(),
                b_values as *const _,
                float,
                b.distance(),
                (k * n) as i64,
                a_values as *const _,
                float,
                a.distance(),
                (m * k) as i64,
                (&raw const start).cast(),
                out as *mut _,
                float,
                n as i32,
                (m * n) as i64,
                count as i32,
                mode,
                blas::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        };
        if let Err(error) = done {
            let what = if count == 1 { "a product".into() } else { format!("{count} products") };
            panic!("CUDA device {}: {what} of {m} x {k} by {k} x {n} fails in cuBLAS: {:?}", self.ordinal(), error.0);
        }
    }

    /// Starts `threads` threads of a kernel, if any.
    ///
    /// # Safety
    /// The buffers must have room for what the kernel reads and writes with these sizes.
    #[track_caller]
    unsafe fn launch(
        &self,
        kernel: Kernel,
        threads: usize,
        results: &mut [&mut Buffer],
        operands: &[CUdeviceptr],
        sizes: &[u32],
        scalars: &[f64],
    ) {
        let signature = kernel.signature();
        let found = [results.len(), operands.len(), sizes.len(), scalars.len()];
        assert_eq!(found, [signature.results, signature.operands, signature.sizes, signature.scalars], "{kernel:?}");
        if threads == 0 {
            return;
        }
        assert!(threads <= LARGEST);
        let results: Vec<CUdeviceptr> = results.iter_mut().map(|r| self.pointer_mut(r)).collect();
        let scalars: Vec<f32> = scalars.iter().map(|&c| c as f32).collect();
        let mut builder = self.stream.launch_builder(self.function(kernel));
        results.iter().chain(operands).for_each(|pointer| {
            builder.arg(pointer);
        });
        sizes.iter().for_each(|size| {
            builder.arg(size);
        });
        scalars.iter().for_each(|c| {
            builder.arg(c);
        });
        let blocks = (threads as u32).div_ceil(THREADS);
        let config = LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (THREADS, 1, 1), shared_mem_bytes: 0 };
        // SAFETY: as many parameters of each kind as the kernel has, in its order (asserted above, and the signatures are tested
        // against the source); the caller answers for the memory. It is freed in the order of the stream, so after the kernel.
        self.must(unsafe { builder.launch(config) });
    }

    #[track_caller]
    fn pointer(&self, x: &Buffer) -> CUdeviceptr {
        let (here, there) = (self.ordinal(), x.ordinal());
        assert!(
            here == there,
            "tensors on CUDA devices {here} and {there} meet in one operation; copy one to the other's device"
        );
        x.device_ptr(&self.stream).0
    }

    #[track_caller]
    fn pointer_mut(&self, x: &mut Buffer) -> CUdeviceptr {
        self.pointer(x);
        x.device_ptr_mut(&self.stream).0
    }
}

impl Matrix<'_> {
    fn operation(&self) -> blas::cublasOperation_t {
        match self.transpose {
            Transpose::No => blas::cublasOperation_t::CUBLAS_OP_N,
            Transpose::Yes => blas::cublasOperation_t::CUBLAS_OP_T,
        }
    }

    /// From one row in memory to the next.
    fn distance(&self) -> i32 {
        (if self.transpose == Transpose::No { self.columns } else { self.rows }) as i32
    }
}
