/* The row loops. Plain C that the compiler vectorises; sums run over LANES partial sums in a fixed
 * order, in float within BLOCK values and in double beyond, so a long row loses no accuracy. */
#include "kernels/fast/isa.h"
#include "kernels/rows.h"

#define LANES 32
#define BLOCK 4096

static void
add(const float *a, const float *b, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void
relu(const float *x, float *y, int64_t n, float slope)
{
    if (slope == 0)
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] > 0 ? x[i] : 0;
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

static void
relu_grad(const float *mask, const float *dy, float *dx, int64_t n, float slope)
{
    for (int64_t i = 0; i < n; i++) {
        const float t = dy[i];
        dx[i] = mask[i] > 0 ? t : slope * t;
    }
}

static double
collapse(const float lanes[LANES])
{
    double s = 0;
    for (int l = 0; l < LANES; l++)
        s += (double)lanes[l];
    return s;
}

/* Runs `each` with (i, l) over a block in lanes, the rest one by one. */
#define IN_LANES(from, to, each)              \
    do {                                      \
        int64_t i0 = from;                    \
        for (; i0 + LANES <= to; i0 += LANES) \
            for (int l = 0; l < LANES; l++) { \
                const int64_t i = i0 + l;     \
                each;                         \
            }                                 \
        for (int l = 0; i0 < to; i0++, l++) { \
            const int64_t i = i0;             \
            each;                             \
        }                                     \
    } while (0)

static int64_t
block_end(int64_t from, int64_t n)
{
    return from + BLOCK < n ? from + BLOCK : n;
}

static double
sum(const float *x, int64_t n)
{
    double s = 0;
    for (int64_t from = 0; from < n; from += BLOCK) {
        float a[LANES] = {0};
        const int64_t to = block_end(from, n);
        IN_LANES(from, to, a[l] += x[i]);
        s += collapse(a);
    }
    return s;
}

static double
dot(const float *x, const float *y, int64_t n)
{
    double s = 0;
    for (int64_t from = 0; from < n; from += BLOCK) {
        float a[LANES] = {0};
        const int64_t to = block_end(from, n);
        IN_LANES(from, to, a[l] += x[i] * y[i]);
        s += collapse(a);
    }
    return s;
}

static void
moments(const float *x, int64_t n, float shift, double *s, double *s2)
{
    for (int64_t from = 0; from < n; from += BLOCK) {
        float a[LANES] = {0}, q[LANES] = {0};
        const int64_t to = block_end(from, n);
        IN_LANES(from, to, {
            const float t = x[i] - shift;
            a[l] += t;
            q[l] += t * t;
        });
        *s += collapse(a);
        *s2 += collapse(q);
    }
}

static void
scale_shift(const float *x, float *y, int64_t n, float scale, float shift, bool with_relu)
{
    if (with_relu)
        for (int64_t i = 0; i < n; i++) {
            const float t = scale * x[i] + shift;
            y[i] = t > 0 ? t : 0;
        }
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = scale * x[i] + shift;
}

static void
norm_grad_sums(const float *x, const float *dy, int64_t n, float scale, float shift, bool with_relu,
               double *sg, double *sgx)
{
    *sg = *sgx = 0;
    for (int64_t from = 0; from < n; from += BLOCK) {
        float a[LANES] = {0}, q[LANES] = {0};
        const int64_t to = block_end(from, n);
        if (with_relu)
            IN_LANES(from, to, {
                const float g = scale * x[i] + shift > 0 ? dy[i] : 0;
                a[l] += g;
                q[l] += g * x[i];
            });
        else
            IN_LANES(from, to, {
                a[l] += dy[i];
                q[l] += dy[i] * x[i];
            });
        *sg += collapse(a);
        *sgx += collapse(q);
    }
}

static void
norm_grad(const float *restrict x, const float *restrict dy, float *restrict dx, int64_t n,
          float scale, float shift, bool with_relu, float a, float b)
{
    if (with_relu)
        for (int64_t i = 0; i < n; i++) {
            const float g = scale * x[i] + shift > 0 ? dy[i] : 0;
            dx[i] = g * scale - (a * x[i] + b);
        }
    else
        for (int64_t i = 0; i < n; i++)
            dx[i] = dy[i] * scale - (a * x[i] + b);
}

/* exp(x) for x <= 0 by 2^k times a polynomial (relative error below 3e-7), without a branch, so
 * that the loop over a row vectorises; results below about 1e-38 become 0. */
static inline float
exp_negative(float x)
{
    const float t = x * 1.44269504f;
    /* to the nearest, for t <= 0; of a NaN f below takes care */
    const int32_t k = (int32_t)((t > -126.0f ? t : -126.0f) - 0.5f);
    const float f = (t - (float)k) * 0.693147181f; /* |f| <= ln(2) / 2 */
    const float p =
        1 + f * (1 + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f / 720)))));
    union {
        int32_t i;
        float f;
    } two_k = {.i = (k + 127) << 23};
    return x < -87.0f ? 0 : p * two_k.f;
}

static void
softmax(const float *x, float *y, int n)
{
    float top = x[0];
    for (int i = 1; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++)
        y[i] = exp_negative(x[i] - top);
    const float scale = (float)(1 / sum(y, n));
    for (int i = 0; i < n; i++)
        y[i] *= scale;
}

static void
softmax_grad(const float *restrict y, const float *restrict dy, float *restrict dx, int n)
{
    const float d = (float)dot(y, dy, n);
    for (int i = 0; i < n; i++)
        dx[i] = y[i] * (dy[i] - d);
}

extern const LimRowKernels LIM_FN(lim_rows);
const LimRowKernels LIM_FN(lim_rows) = {
    .add = add,
    .relu = relu,
    .relu_grad = relu_grad,
    .sum = sum,
    .dot = dot,
    .moments = moments,
    .scale_shift = scale_shift,
    .norm_grad_sums = norm_grad_sums,
    .norm_grad = norm_grad,
    .softmax = softmax,
    .softmax_grad = softmax_grad,
};
