// The kernels of f32 tensors. Compiled by NVRTC for the GPU that is there; nothing is included.
//
// Each thread makes one element of the result by itself: no shared memory, no atomics, so a result depends on the operands only.
// Parameters come in this order: results, operands, sizes, scalars. The first size is the number of threads with work to do. A
// result may share the memory of an operand of the same shape: a thread reads what it needs before it writes.

#define KERNEL extern "C" __global__ void __launch_bounds__(256)

__device__ inline unsigned index() {
    return blockIdx.x * blockDim.x + threadIdx.x;
}

KERNEL fill(float *out, unsigned n, float c) {
    unsigned i = index();
    if (i < n) out[i] = c;
}

// f(x), with a constant c
#define UNARY(name, formula) \
    KERNEL unary_##name(float *out, const float *in, unsigned n, float c) { \
        unsigned i = index(); \
        if (i >= n) return; \
        float x = in[i]; \
        out[i] = formula; \
    }

UNARY(neg, -x)
UNARY(scale, c * x)
UNARY(shift, x + c)
UNARY(recip, 1.0f / x)
UNARY(exp, expf(x))
UNARY(exp_m1, expm1f(x))
UNARY(ln, logf(x))
UNARY(ln_1p, log1pf(x))
UNARY(sqrt, sqrtf(x))
UNARY(sin, sinf(x))
UNARY(cos, cosf(x))
UNARY(tan, tanf(x))
UNARY(sinh, sinhf(x))
UNARY(cosh, coshf(x))
UNARY(tanh, tanhf(x))
UNARY(abs, fabsf(x))
UNARY(atan, atanf(x))
UNARY(erf, erff(x))
UNARY(floor, floorf(x))
UNARY(powf, powf(x, c))
UNARY(complement, 1.0f - x)

// x^k; the exponent is a signed number in the bits of an unsigned one
KERNEL powi(float *out, const float *in, unsigned n, unsigned exponent) {
    unsigned i = index();
    if (i >= n) return;
    int e = (int)exponent;
    unsigned left = e < 0 ? 0u - exponent : exponent;
    float power = 1.0f;
    for (float square = in[i]; left != 0; left >>= 1, square *= square) {
        if (left & 1) power *= square;
    }
    out[i] = e < 0 ? 1.0f / power : power;
}

// f(a, b), with a constant c; a step of 0 repeats a scalar
#define BINARY(name, formula) \
    KERNEL binary_##name(float *out, const float *first, const float *second, unsigned n, unsigned first_step, unsigned second_step, \
                         float c) { \
        unsigned i = index(); \
        if (i >= n) return; \
        float a = first[i * first_step], b = second[i * second_step]; \
        out[i] = formula; \
    }

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a * b)
BINARY(div, a / b)
BINARY(atan2, atan2f(a, b))
BINARY(less, a < b ? 1.0f : 0.0f)
BINARY(lerp, fmaf(c, b - a, a))
BINARY(scale_onto, fmaf(c, b, a))

// a where the mask is not 0, b elsewhere
KERNEL choose(float *out, const float *mask, const float *a, const float *b, unsigned n, unsigned mask_step, unsigned a_step,
              unsigned b_step) {
    unsigned i = index();
    if (i < n) out[i] = mask[i * mask_step] != 0.0f ? a[i * a_step] : b[i * b_step];
}

// [outer, middle, inner] to [outer, parts, inner]: part p adds the elements p, p + parts, p + 2 parts, … of the middle axis, in
// this order. Neighbouring threads read neighbouring elements, along whichever axis. n = outer * parts * inner
KERNEL partial_sums(float *out, const float *in, unsigned n, unsigned middle, unsigned parts, unsigned inner) {
    unsigned i = index();
    if (i >= n) return;
    unsigned column = i % inner, rest = i / inner, part = rest % parts, block = rest / parts;
    const float *from = in + (block * middle + part) * inner + column;
    float sum = 0.0f;
    for (unsigned m = part; m < middle; m += parts, from += parts * inner) sum += *from;
    out[i] = sum;
}

// The same with the largest of these elements in place of their sum; NaN if there is one. No part is empty.
KERNEL partial_maxima(float *out, const float *in, unsigned n, unsigned middle, unsigned parts, unsigned inner) {
    unsigned i = index();
    if (i >= n) return;
    unsigned column = i % inner, rest = i / inner, part = rest % parts, block = rest / parts;
    const float *from = in + (block * middle + part) * inner + column;
    float largest = *from;
    for (unsigned m = part; m < middle; m += parts, from += parts * inner) {
        float x = *from;
        if (x > largest || x != x) largest = x;
    }
    out[i] = largest;
}

// [outer, first, second, inner] to [outer, second, first, inner]
KERNEL exchange(float *out, const float *in, unsigned n, unsigned first, unsigned second, unsigned inner) {
    unsigned i = index();
    if (i >= n) return;
    unsigned column = i % inner, rest = i / inner, a = rest % first, pair = rest / first, b = pair % second, block = pair / second;
    out[i] = in[((block * first + a) * second + b) * inner + column];
}

// [outer, inner] to [outer, middle, inner]
KERNEL expand(float *out, const float *in, unsigned n, unsigned middle, unsigned inner) {
    unsigned i = index();
    if (i < n) out[i] = in[i / (middle * inner) * inner + i % inner];
}

// the first `width` elements of every row, from column in_start of rows of length in_pitch to column out_start of rows of length
// out_pitch
KERNEL copy(float *out, const float *in, unsigned n, unsigned width, unsigned out_pitch, unsigned out_start, unsigned in_pitch,
            unsigned in_start) {
    unsigned i = index();
    if (i >= n) return;
    unsigned row = i / width, column = i % width;
    out[row * out_pitch + out_start + column] = in[row * in_pitch + in_start + column];
}

// Activations x σ(p(x)) with p(x) = a x + b x³.

struct Gate {
    float s, rest, dp; // σ(p), 1 - σ(p) without cancellation, p'
};

__device__ inline Gate gate(float x, float a, float b) {
    float square = x * x;
    float e = expf(fminf(fmaxf(-fmaf(square, b, a) * x, -87.0f), 87.0f));
    float s = 1.0f / (1.0f + e);
    Gate g = {s, e * s, fmaf(square, 3.0f * b, a)};
    return g;
}

__device__ inline float slope(Gate g, float x) {
    return fmaf(g.s * g.rest * x, g.dp, g.s);
}

KERNEL activate(float *out, const float *in, unsigned n, float a, float b) {
    unsigned i = index();
    if (i >= n) return;
    float x = in[i];
    out[i] = x * gate(x, a, b).s;
}

KERNEL activate_with_tangent(float *y, float *dy, const float *in, const float *dx, unsigned n, float a, float b) {
    unsigned i = index();
    if (i >= n) return;
    float x = in[i];
    Gate g = gate(x, a, b);
    y[i] = x * g.s;
    dy[i] = slope(g, x) * dx[i];
}

KERNEL activate_pullback(float *to_x, const float *in, const float *y, unsigned n, float a, float b) {
    unsigned i = index();
    if (i >= n) return;
    float x = in[i];
    to_x[i] = slope(gate(x, a, b), x) * y[i];
}

KERNEL activate_with_tangent_pullback(float *to_x, float *to_dx, const float *in, const float *dx, const float *y, const float *dy,
                                      unsigned n, float a, float b) {
    unsigned i = index();
    if (i >= n) return;
    float x = in[i];
    Gate g = gate(x, a, b);
    // f'' = σ(1-σ) (2 p' + x ((1-2σ) p'² + p''))
    float turn = (1.0f - 2.0f * g.s) * g.dp * g.dp + 6.0f * b * x;
    float curvature = g.s * g.rest * fmaf(x, turn, 2.0f * g.dp);
    float f1 = slope(g, x), upper = dy[i];
    to_x[i] = fmaf(f1, y[i], curvature * dx[i] * upper);
    to_dx[i] = f1 * upper;
}

// One step of Adam; a negative root leaves the denominator out.
KERNEL adam(float *parameter, float *first, float *second, const float *gradient, unsigned n, float beta1, float rest1, float beta2,
            float rest2, float clip, float rate, float root, float epsilon) {
    unsigned i = index();
    if (i >= n) return;
    float g = gradient[i] * clip;
    float m = beta1 * first[i] + rest1 * g, v = beta2 * second[i] + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    float change = rate * m;
    parameter[i] -= root < 0.0f ? change : change / (root * sqrtf(v) + epsilon);
}
