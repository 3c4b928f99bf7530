/* See steps.h. Plain C that the compiler vectorises; sums run over LANES partial sums in a fixed
 * order. */
#include "kernels/steps.h"

#include "kernels/fast/isa.h"

#define LANES 16

/* Runs `each` with (i, l) for every i < n, in lanes, the rest one by one. */
#define IN_LANES(each)                           \
    do {                                         \
        size_t i0 = 0;                           \
        for (; i0 + LANES <= n; i0 += LANES)     \
            for (int l = 0; l < LANES; l++) {    \
                const size_t i = i0 + (size_t)l; \
                each;                            \
            }                                    \
        for (int l = 0; i0 < n; i0++, l++) {     \
            const size_t i = i0;                 \
            each;                                \
        }                                        \
    } while (0)

static inline double
collapse(const double lanes[LANES])
{
    double s = 0;
    for (int l = 0; l < LANES; l++)
        s += lanes[l];
    return s;
}

static inline float
unit(double v)
{
    const double above = v > 0 ? v : 0;
    return (float)(above < 1 ? above : 1);
}

static double
dot(const float *x, const float *y, size_t n)
{
    double sum[LANES] = {0};
    IN_LANES(sum[l] += (double)x[i] * (double)y[i]);
    return collapse(sum);
}

static double
dot_difference(const float *v, const float *x, const float *y, size_t n)
{
    double sum[LANES] = {0};
    IN_LANES(sum[l] += (double)v[i] * ((double)x[i] - (double)y[i]));
    return collapse(sum);
}

static double
square_distance(const float *x, const float *y, size_t n)
{
    double sum[LANES] = {0};
    IN_LANES({
        const double d = (double)x[i] - (double)y[i];
        sum[l] += d * d;
    });
    return collapse(sum);
}

static double
subtract_difference(float *restrict v, double t, const float *restrict x, const float *restrict y,
                    size_t n)
{
    double sum[LANES] = {0};
    IN_LANES({
        v[i] = (float)((double)v[i] - t * ((double)x[i] - (double)y[i]));
        sum[l] += (double)v[i] * (double)v[i];
    });
    return collapse(sum);
}

static void
towards(const float *from, const float *to, double share, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = unit((double)from[i] + share * ((double)to[i] - (double)from[i]));
}

static double
around(const float *restrict centre, const float *restrict x, const float *restrict v,
       double length, double back, float *restrict out, size_t n)
{
    double sum[LANES] = {0};
    IN_LANES({
        const double c = (double)centre[i];
        out[i] = unit(c + back * (length * (double)v[i] - (c - (double)x[i])));
        sum[l] += (c - (double)out[i]) * (c - (double)out[i]);
    });
    return collapse(sum);
}

static void
mix(float *x, float a, const float *y, float b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = a * x[i] + b * y[i];
}

extern const LimStepKernels LIM_FN(lim_steps);
const LimStepKernels LIM_FN(lim_steps) = {
    .dot = dot,
    .dot_difference = dot_difference,
    .square_distance = square_distance,
    .subtract_difference = subtract_difference,
    .towards = towards,
    .around = around,
    .mix = mix,
};
