/* Private to kernels/fast: the functions of one instruction set, and small helpers. */
#pragma once

#include "kernels/fast/isa.h"

static inline int
lim_min_int(int a, int b)
{
    return a < b ? a : b;
}

static inline int
lim_max_int(int a, int b)
{
    return a > b ? a : b;
}

/* How many pieces of at most `size` cover n. */
static inline int
lim_pieces(int n, int size)
{
    return (n + size - 1) / size;
}

/* Floats rounded up to whole cache lines, so that per-thread buffers share none. */
static inline size_t
lim_line_floats(size_t n)
{
    return (n + 15) / 16 * 16;
}

void LIM_FN(lim_fast_gemm)(LimPool *pool, bool ta, bool tb, int m, int n, int k, float alpha,
                           const float *a, int lda, const float *b, int ldb, float beta, float *c,
                           int ldc);
void LIM_FN(lim_fast_gemm_batch)(LimPool *pool, int batch, bool ta, bool tb, int m, int n, int k,
                                 float alpha, const float *a, int64_t sa, const float *b,
                                 int64_t sb, float beta, float *c, int64_t sc);

size_t LIM_FN(lim_fast_conv_prepared_size)(const LimConvDims *d);
void LIM_FN(lim_fast_conv_prepare)(LimPool *pool, const LimConvDims *d, const float *w,
                                   void *prepared);
size_t LIM_FN(lim_fast_conv_scratch)(const LimConvDims *d, int threads);
void LIM_FN(lim_fast_conv)(LimPool *pool, const LimConvDims *d, const float *x,
                           const void *prepared, const float *bias, float *y, void *scratch);
size_t LIM_FN(lim_fast_conv_dx_scratch)(const LimConvDims *d, int threads);
void LIM_FN(lim_fast_conv_dx)(LimPool *pool, const LimConvDims *d, const float *dy, const float *w,
                              float *dx, void *scratch);
size_t LIM_FN(lim_fast_conv_dw_scratch)(const LimConvDims *d, int threads);
void LIM_FN(lim_fast_conv_dw)(LimPool *pool, const LimConvDims *d, const float *x, const float *dy,
                              float *dw, void *scratch);
