// Stands in for NVIDIA's driver, NVRTC and cuBLAS, for tests on machines without a GPU: the functions that `backend::cuda` calls,
// and its kernels, compiled for the CPU and run one thread after the other. Built by cuda-on-cpu.sh, which also writes the list
// of kernels.
//
// It finds mistakes in kernels, in their arguments and in the order of calls; not those of the GPU's own compiler, speed, or
// races between threads. Memory is filled with NaN when it is allocated, and so is a guard behind its end, which must be
// unchanged when it is freed.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

namespace gpu {

struct Dimension {
    unsigned x;
};
thread_local Dimension blockIdx, threadIdx, blockDim;

#define __global__
#define __device__ static
#define __launch_bounds__(threads)
#include "kernels.cu"

} // namespace gpu

namespace {

// Runs a kernel from pointers to its parameters.
using Launch = void (*)(unsigned blocks, unsigned threads, void **parameters);

template <auto kernel, class... A, size_t... I> void each_thread(void (*)(A...), unsigned blocks, unsigned threads, void **p, std::index_sequence<I...>) {
    gpu::blockDim.x = threads;
    for (gpu::blockIdx.x = 0; gpu::blockIdx.x < blocks; ++gpu::blockIdx.x)
        for (gpu::threadIdx.x = 0; gpu::threadIdx.x < threads; ++gpu::threadIdx.x) kernel(*static_cast<A *>(p[I])...);
}
template <class... A> constexpr auto positions(void (*)(A...)) {
    return std::index_sequence_for<A...>{};
}
template <auto kernel> void launch(unsigned blocks, unsigned threads, void **parameters) {
    each_thread<kernel>(kernel, blocks, threads, parameters, positions(kernel));
}

struct Function {
    const char *name;
    Launch launch;
};
Function functions[] = {
#define LISTED(name) {#name, launch<gpu::name>},
#include "kernels.inc"
};

std::mutex mutex;
std::map<uint64_t, size_t> allocated;
constexpr size_t guard = 64;
constexpr unsigned char nan_byte = 0xff; // four of them are a NaN

[[noreturn]] void broken(const char *what) {
    fprintf(stderr, "cuda-on-cpu: %s\n", what);
    abort();
}

int allocate(uint64_t *pointer, size_t size) {
    if (size == 0) return 1;
    auto *memory = static_cast<unsigned char *>(malloc(size + guard));
    if (!memory) return 2;
    memset(memory, nan_byte, size + guard);
    *pointer = reinterpret_cast<uint64_t>(memory);
    std::lock_guard lock(mutex);
    allocated[*pointer] = size;
    return 0;
}

int release(uint64_t pointer) {
    std::lock_guard lock(mutex);
    auto found = allocated.find(pointer);
    if (found == allocated.end()) broken("memory is freed that was not allocated");
    auto *memory = reinterpret_cast<unsigned char *>(pointer);
    for (size_t i = 0; i < guard; ++i)
        if (memory[found->second + i] != nan_byte) broken("something was written beyond the end of its memory");
    allocated.erase(found);
    free(memory);
    return 0;
}

// Work of several host threads, one after the other in some order.
std::mutex stream;

} // namespace

extern "C" {

int cuInit(unsigned) { return 0; }
int cuDeviceGetCount(int *count) { return *count = 1, 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetName(char *name, int size, int) { return snprintf(name, size, "a CPU that stands in for a GPU"), 0; }
int cuDeviceGetAttribute(int *value, int attribute, int) {
    switch (attribute) {
    case 75: *value = 9; return 0;  // the compute capability
    case 76: *value = 0; return 0;
    case 115: *value = 1; return 0; // memory pools
    default: return 1;
    }
}
int cuDevicePrimaryCtxRetain(void **context, int) { return *context = &mutex, 0; }
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxGetCurrent(void **context) { return *context = &mutex, 0; }
int cuCtxSetCurrent(void *) { return 0; }
int cuCtxSynchronize() { return 0; }
int cuStreamSynchronize(void *) { return 0; }
int cuDeviceGetMemPool(void **pool, int) { return *pool = &allocated, 0; }
int cuMemPoolSetAttribute(void *, int, void *) { return 0; }
int cuMemAllocAsync(uint64_t *pointer, size_t size, void *) { return allocate(pointer, size); }
int cuMemFreeAsync(uint64_t pointer, void *) { return release(pointer); }
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *) {
    return memcpy(reinterpret_cast<void *>(to), from, size), 0;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *) {
    return memcpy(to, reinterpret_cast<void *>(from), size), 0;
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size, void *) {
    return memcpy(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), size), 0;
}
int cuModuleLoadData(void **module, const void *image) { return *module = functions, memcmp(image, "\x7f" "ELF", 4) == 0 ? 0 : 200; }
int cuModuleUnload(void *) { return 0; }
int cuModuleGetFunction(void **function, void *, const char *name) {
    for (auto &known : functions)
        if (strcmp(known.name, name) == 0) return *function = &known, 0;
    return 500;
}
int cuLaunchKernel(void *function, unsigned blocks, unsigned rows, unsigned layers, unsigned threads, unsigned y, unsigned z, unsigned shared,
                   void *, void **parameters, void **extra) {
    if (!blocks || threads > 256 || rows != 1 || layers != 1 || y != 1 || z != 1 || shared || extra) return 1;
    std::lock_guard lock(stream);
    static_cast<Function *>(function)->launch(blocks, threads, parameters);
    return 0;
}

int nvrtcGetNumSupportedArchs(int *count) { return *count = 2, 0; }
int nvrtcGetSupportedArchs(int *archs) { return archs[0] = 80, archs[1] = 90, 0; }
int nvrtcCreateProgram(void **program, const char *, const char *, int, const char *const *, const char *const *) {
    return *program = functions, 0;
}
int nvrtcCompileProgram(void *, int count, const char *const *options) {
    return count == 1 && strcmp(options[0], "--gpu-architecture=sm_90") == 0 ? 0 : 5;
}
int nvrtcGetProgramLogSize(void *, size_t *size) { return *size = 1, 0; }
int nvrtcGetProgramLog(void *, char *log) { return *log = 0, 0; }
int nvrtcGetCUBINSize(void *, size_t *size) { return *size = 4, 0; }
int nvrtcGetCUBIN(void *, char *image) { return memcpy(image, "\x7f" "ELF", 4), 0; }
int nvrtcDestroyProgram(void **) { return 0; }

int cublasCreate_v2(void **handle) { return *handle = functions, 0; }
int cublasDestroy_v2(void *) { return 0; }
int cublasSetStream_v2(void *, void *) { return 0; }

// Column-major; f32 everywhere, computed in f32 (68) or by TF32 (77), which is f32 here with the bits cut off that TF32 lacks.
int cublasGemmStridedBatchedEx(void *, int a_operation, int b_operation, int m, int n, int k, const float *alpha, const float *a, int a_type,
                               int lda, long long a_stride, const float *b, int b_type, int ldb, long long b_stride, const float *beta, float *c,
                               int c_type, int ldc, long long c_stride, int count, int mode, int) {
    auto least = [](int operation, int rows, int columns) { return operation == 0 ? rows : columns; };
    if (count <= 0 || m <= 0 || n <= 0 || k <= 0 || a_type || b_type || c_type || (mode != 68 && mode != 77) || a_operation > 1 || b_operation > 1 ||
        lda < least(a_operation, m, k) || ldb < least(b_operation, k, n) || ldc < m)
        return 7;
    std::lock_guard lock(stream);
    auto rounded = [&](float x) {
        uint32_t bits;
        memcpy(&bits, &x, 4);
        if (mode == 77) bits &= ~0x1fffu;
        memcpy(&x, &bits, 4);
        return x;
    };
    for (; count > 0; --count, a += a_stride, b += b_stride, c += c_stride)
        for (int j = 0; j < n; ++j)
            for (int i = 0; i < m; ++i) {
                double sum = 0;
                for (int l = 0; l < k; ++l) {
                    float x = a[a_operation == 0 ? i + size_t(l) * lda : l + size_t(i) * lda];
                    float y = b[b_operation == 0 ? l + size_t(j) * ldb : j + size_t(l) * ldb];
                    sum += double(rounded(x)) * rounded(y);
                }
                float &out = c[i + size_t(j) * ldc];
                out = float(*alpha * sum + (*beta == 0 ? 0.0 : double(*beta) * out));
            }
    return 0;
}

} // extern "C"
