/* General matrix product, cut into blocks for the pool. The cut is a function of the dimensions
 * alone, so a result does not depend on the number of threads. */
#include "kernels/fast/blas.h"
#include "kernels/fast/fast.h"

/* Below this many multiplications per block, the join costs more than the second thread saves. */
#define BLOCK_WORK (1 << 19)
#define MAX_BLOCKS 16

typedef struct Gemm {
    bool ta, tb;
    int m, n, k;
    float alpha, beta;
    const float *a, *b;
    float *c;
    int lda, ldb, ldc;
    int64_t sa, sb, sc;
    int step; /* rows or columns of C per block */
} Gemm;

static void
row_block(void *ctx, int i, int thread)
{
    const Gemm *g = ctx;
    int m0 = i * g->step, m = lim_min_int(g->step, g->m - m0);
    const float *a = g->a + (g->ta ? (ptrdiff_t)m0 : (ptrdiff_t)m0 * g->lda);

    lim_blas_gemm(g->ta, g->tb, m, g->n, g->k, g->alpha, a, g->lda, g->b, g->ldb, g->beta,
                  g->c + (ptrdiff_t)m0 * g->ldc, g->ldc);
}

static void
column_block(void *ctx, int i, int thread)
{
    const Gemm *g = ctx;
    int n0 = i * g->step, n = lim_min_int(g->step, g->n - n0);
    const float *b = g->b + (g->tb ? (ptrdiff_t)n0 * g->ldb : (ptrdiff_t)n0);

    lim_blas_gemm(g->ta, g->tb, g->m, n, g->k, g->alpha, g->a, g->lda, b, g->ldb, g->beta,
                  g->c + n0, g->ldc);
}

void
LIM_FN(lim_fast_gemm)(LimPool *pool, bool ta, bool tb, int m, int n, int k, float alpha,
                      const float *a, int lda, const float *b, int ldb, float beta, float *c,
                      int ldc)
{
    Gemm g = {.ta = ta,
              .tb = tb,
              .m = m,
              .n = n,
              .k = k,
              .alpha = alpha,
              .beta = beta,
              .a = a,
              .b = b,
              .c = c,
              .lda = lda,
              .ldb = ldb,
              .ldc = ldc};
    int64_t blocks = (int64_t)m * n * k / BLOCK_WORK;
    int longest = lim_max_int(m, n);

    if (blocks > MAX_BLOCKS)
        blocks = MAX_BLOCKS;
    if (blocks < 1)
        blocks = 1;
    g.step = lim_pieces(lim_pieces(longest, (int)blocks), 16) * 16;
    lim_pool_for(pool, lim_pieces(longest, g.step), m >= n ? row_block : column_block, &g);
}

static void
one_product(void *ctx, int i, int thread)
{
    const Gemm *g = ctx;

    lim_blas_gemm(g->ta, g->tb, g->m, g->n, g->k, g->alpha, g->a + i * g->sa, g->lda,
                  g->b + i * g->sb, g->ldb, g->beta, g->c + i * g->sc, g->ldc);
}

void
LIM_FN(lim_fast_gemm_batch)(LimPool *pool, int batch, bool ta, bool tb, int m, int n, int k,
                            float alpha, const float *a, int64_t sa, const float *b, int64_t sb,
                            float beta, float *c, int64_t sc)
{
    Gemm g = {.ta = ta,
              .tb = tb,
              .m = m,
              .n = n,
              .k = k,
              .alpha = alpha,
              .beta = beta,
              .a = a,
              .b = b,
              .c = c,
              .lda = ta ? m : k,
              .ldb = tb ? k : n,
              .ldc = n,
              .sa = sa,
              .sb = sb,
              .sc = sc};

    lim_pool_for(pool, batch, one_product, &g);
}
