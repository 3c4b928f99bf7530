/* The geometry of attacks that walk by decisions: loops over pictures of n values in [0,1],
 * compiled for each instruction set. Pictures are float, everything between is computed and summed
 * in double. */
#pragma once

#include <stddef.h>

typedef struct LimStepKernels {
    /* The sum of x y. */
    double (*dot)(const float *x, const float *y, size_t n);
    /* The sum of v (x - y). */
    double (*dot_difference)(const float *v, const float *x, const float *y, size_t n);
    /* The sum of (x - y)^2. */
    double (*square_distance)(const float *x, const float *y, size_t n);
    /* v -= t (x - y); the sum of v^2 after it. */
    double (*subtract_difference)(float *v, double t, const float *x, const float *y, size_t n);
    /* out = from + share (to - from), clipped; out may be one of them. */
    void (*towards)(const float *from, const float *to, double share, float *out, size_t n);
    /* out = centre + back (length v - (centre - x)), clipped: with v orthogonal to centre - x and
     * back = 1 / sqrt(1 + (length |v| / |centre - x|)^2), a place as far from the centre as x. The
     * sum of (centre - out)^2. */
    double (*around)(const float *centre, const float *x, const float *v, double length,
                     double back, float *out, size_t n);
    /* x = a x + b y. */
    void (*mix)(float *x, float a, const float *y, float b, size_t n);
} LimStepKernels;
