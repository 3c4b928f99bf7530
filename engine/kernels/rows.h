/* Loops over contiguous floats, compiled for each instruction set: the memory-bound half of a
 * network. Each works on one row of n values; the ops cut tensors into rows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct LimRowKernels {
    void (*add)(const float *a, const float *b, float *y, int64_t n); /* y may be a */
    void (*relu)(const float *x, float *y, int64_t n, float slope);   /* y may be x */
    /* dx = dy where mask > 0, slope dy elsewhere; dx may be mask or dy */
    void (*relu_grad)(const float *mask, const float *dy, float *dx, int64_t n, float slope);
    double (*sum)(const float *x, int64_t n);
    double (*dot)(const float *a, const float *b, int64_t n);
    /* adds to s the sum of x - shift and to s2 that of its square */
    void (*moments)(const float *x, int64_t n, float shift, double *s, double *s2);
    /* y = scale x + shift, then max(0, y) with relu; y may be x */
    void (*scale_shift)(const float *x, float *y, int64_t n, float scale, float shift, bool relu);
    /* With g = dy where scale x + shift > 0 or without relu, else 0: the sums of g and of g x. */
    void (*norm_grad_sums)(const float *x, const float *dy, int64_t n, float scale, float shift,
                           bool relu, double *sg, double *sgx);
    /* dx = g scale - (a x + b) */
    void (*norm_grad)(const float *x, const float *dy, float *dx, int64_t n, float scale,
                      float shift, bool relu, float a, float b);
    void (*softmax)(const float *x, float *y, int n);
    void (*softmax_grad)(const float *y, const float *dy, float *dx, int n);
} LimRowKernels;
