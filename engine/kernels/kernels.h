/* The compute kernels that are worth optimising, as plain functions over pointers and sizes.
 *
 * A LimKernels table holds one implementation of each: "portable", "avx2" and "avx512" are the same
 * sources compiled for three instruction sets. The scalar reference for each op lives in
 * kernels/ref. Everything is NCHW float32, dense. Rules for every kernel: results do not depend on
 * the number of threads; outputs never alias inputs unless said; no allocation (scratch comes from
 * the caller, 64-byte aligned, its size a pure function of the dimensions). */
#pragma once

#include "base/pool.h"
#include "kernels/rows.h"
#include "kernels/steps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* y[n][oc][oh][ow] = b[oc] + sum_{c,i,j} x[n][c][y*stride+i-pad][x*stride+j-pad] w[oc][c][i][j]
 * Of the forward pass only, where conv_does() says so: what follows it is done on the way out, and
 * x or y lie in blocks of channels, [n][c / lanes][h][w][lanes] instead of [n][c][h][w], `lanes`
 * being the table's. Kernels whose vectors run over channels read and write that without turning
 * anything, so a plan uses it for what one of them hands to the next and nobody else reads; the
 * numbers are the same. */
typedef struct LimConvDims {
    int n, c, h, w;
    int oc, kh, kw;
    int stride, pad;
    int oh, ow; /* (h + 2 pad - kh) / stride + 1, likewise ow */
    bool relu;  /* max(y, 0) */
    bool pool;  /* after it the largest of each 2x2; y is then [n][oc][oh / 2][ow / 2] */
    bool blocked_x, blocked_y;
} LimConvDims;

typedef struct LimKernels {
    const char *name;
    const LimRowKernels *rows;
    const LimStepKernels *steps;

    /* C[m][n] = alpha * op(A) op(B) + beta * C. Row-major; lda etc. are row strides in floats. With
     * ta, A is stored [k][m]; with tb, B is stored [n][k]. beta 0 does not read C. */
    void (*gemm)(LimPool *pool, bool ta, bool tb, int m, int n, int k, float alpha, const float *a,
                 int lda, const float *b, int ldb, float beta, float *c, int ldc);
    /* The same with beta 0 and a B that was brought into the kernel's own form, gemm_packed_size()
     * bytes: for weights that stay. Size 0: the product is too big to gain by it. */
    size_t (*gemm_packed_size)(int m, int n, int k);
    void (*gemm_pack)(bool tb, int n, int k, const float *b, int ldb, void *packed);
    void (*gemm_packed)(LimPool *pool, bool ta, int m, int n, int k, float alpha, const float *a,
                        int lda, const void *packed, float *c, int ldc);
    /* batch independent products: A_i = a + i*sa and so on; parallel over the batch. */
    void (*gemm_batch)(LimPool *pool, int batch, bool ta, bool tb, int m, int n, int k, float alpha,
                       const float *a, int64_t sa, const float *b, int64_t sb, float beta, float *c,
                       int64_t sc);

    /* Convolution. The weights are first brought into the kernel's own form (packed, Winograd):
     * conv_prepared_size() bytes, filled by conv_prepare(). A plan does that once for constant
     * weights and at each run otherwise. bias may be NULL. */
    size_t (*conv_prepared_size)(const LimConvDims *d);
    void (*conv_prepare)(LimPool *pool, const LimConvDims *d, const float *w, void *prepared);
    size_t (*conv_scratch)(const LimConvDims *d, int threads);
    int lanes;                               /* channels of a block */
    bool (*conv_does)(const LimConvDims *d); /* relu, pool, blocks, as far as they are asked for? */
    void (*conv)(LimPool *pool, const LimConvDims *d, const float *x, const void *prepared,
                 const float *bias, float *y, void *scratch);
    /* dx[n][c][h][w] from dy[n][oc][oh][ow] and w[oc][c][kh][kw] (not prepared). */
    size_t (*conv_dx_scratch)(const LimConvDims *d, int threads);
    void (*conv_dx)(LimPool *pool, const LimConvDims *d, const float *dy, const float *w, float *dx,
                    void *scratch);
    /* dw[oc][c][kh][kw], overwritten. */
    size_t (*conv_dw_scratch)(const LimConvDims *d, int threads);
    void (*conv_dw)(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
                    void *scratch);
} LimKernels;

/* The best table that this processor runs; LIMEN_ISA=portable|avx2|avx512 in the environment picks
 * a lesser one. Decided once. */
const LimKernels *lim_kernels_best(void);
/* All tables that this processor can run, best first, NULL-terminated (tests, benchmarks). */
const LimKernels *const *lim_kernels_all(void);
