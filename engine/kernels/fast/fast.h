/* Private to kernels/fast: the functions of one instruction set, and small helpers. */
#pragma once

#include "kernels/fast/isa.h"

#define lim_fast_gemm               LIM_FN(lim_fast_gemm)
#define lim_fast_gemm_packed_size   LIM_FN(lim_fast_gemm_packed_size)
#define lim_fast_gemm_pack          LIM_FN(lim_fast_gemm_pack)
#define lim_fast_gemm_packed        LIM_FN(lim_fast_gemm_packed)
#define lim_fast_gemm_batch         LIM_FN(lim_fast_gemm_batch)
#define lim_fast_conv_prepared_size LIM_FN(lim_fast_conv_prepared_size)
#define lim_fast_conv_prepare       LIM_FN(lim_fast_conv_prepare)
#define lim_fast_conv_scratch       LIM_FN(lim_fast_conv_scratch)
#define lim_fast_conv_does          LIM_FN(lim_fast_conv_does)
#define lim_fast_conv               LIM_FN(lim_fast_conv)
#define lim_fast_conv_dx_scratch    LIM_FN(lim_fast_conv_dx_scratch)
#define lim_fast_conv_dx            LIM_FN(lim_fast_conv_dx)
#define lim_fast_conv_dw_scratch    LIM_FN(lim_fast_conv_dw_scratch)
#define lim_fast_conv_dw            LIM_FN(lim_fast_conv_dw)

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

/* As many as a pass that has this pool runs on. */
static inline int
lim_threads_of(const LimPool *pool)
{
    return pool ? lim_pool_threads(pool) : 1;
}

/* Floats rounded up to whole cache lines, so that per-thread buffers share none. */
static inline size_t
lim_line_floats(size_t n)
{
    return (n + 15) / 16 * 16;
}

void lim_fast_gemm(LimPool *pool, bool ta, bool tb, int m, int n, int k, float alpha,
                   const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
size_t lim_fast_gemm_packed_size(int m, int n, int k);
void lim_fast_gemm_pack(bool tb, int n, int k, const float *b, int ldb, void *packed);
void lim_fast_gemm_packed(LimPool *pool, bool ta, int m, int n, int k, float alpha, const float *a,
                          int lda, const void *packed, float *c, int ldc);
void lim_fast_gemm_batch(LimPool *pool, int batch, bool ta, bool tb, int m, int n, int k,
                         float alpha, const float *a, int64_t sa, const float *b, int64_t sb,
                         float beta, float *c, int64_t sc);

size_t lim_fast_conv_prepared_size(const LimConvDims *d);
void lim_fast_conv_prepare(LimPool *pool, const LimConvDims *d, const float *w, void *prepared);
size_t lim_fast_conv_scratch(const LimConvDims *d, int threads);
bool lim_fast_conv_does(const LimConvDims *d);
void lim_fast_conv(LimPool *pool, const LimConvDims *d, const float *x, const void *prepared,
                   const float *bias, float *y, void *scratch);
size_t lim_fast_conv_dx_scratch(const LimConvDims *d, int threads);
void lim_fast_conv_dx(LimPool *pool, const LimConvDims *d, const float *dy, const float *w,
                      float *dx, void *scratch);
size_t lim_fast_conv_dw_scratch(const LimConvDims *d, int threads);
void lim_fast_conv_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy,
                      float *dw, void *scratch);
