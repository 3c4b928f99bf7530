/* General matrix product. Small and narrow ones, which is what layers and attention need, run on
 * the kernel of product.h: 1.1 to 2 times as fast as OpenBLAS there. Big ones go to OpenBLAS, which
 * is ahead by a tenth or two once all sides are in the hundreds. The cut into blocks is a function
 * of the dimensions alone, so a result does not depend on the number of threads. */
#include "kernels/fast/blas.h"
#include "kernels/fast/product.h"

/* Below this many multiplications per block, the join costs more than the second thread saves. */
#define BLOCK_WORK (1 << 20)
#define MAX_BLOCKS 16
/* Smallest side of a block of C: packing must pay off. */
#define MIN_SIDE 64
/* The part of A that stays in L2 while panels of B, packed a few at a time, pass through L1. */
#define MC     192
#define KC     256
#define PANELS 4
/* From how many multiplications on a block is OpenBLAS's; without FMA our kernel is no match. */
#if LIM_VEC > 4
#define BLAS_WORK (1 << 23)
#else
#define BLAS_WORK (1 << 15)
#endif

typedef struct Gemm {
    bool ta, tb;
    int m, n, k;
    float alpha, beta;
    const float *a, *b, *packed; /* b, or packed */
    float *c;
    int lda, ldb, ldc;
    int64_t sa, sb, sc;
    int mb, nb; /* size of a block of C */
    int across; /* blocks side by side */
} Gemm;

/* out [panel][k][LIM_NR] = n columns of op(B), the rest of the last panel zero. */
static void
pack_panels(bool tb, int n, int k, const float *b, ptrdiff_t ldb, float *out)
{
    ptrdiff_t size = (ptrdiff_t)k * LIM_NR;
    int full = n / LIM_NR, rest = n % LIM_NR;

    if (tb) {
        for (int half = 0; half < 2 * full; half++)
            vec_gather(b + half * LIM_VEC * ldb, ldb, k, out + half / 2 * size + half % 2 * LIM_VEC,
                       LIM_NR, 0);
    } else {
        for (int l = 0; l < k; l++)
            for (int p = 0; p < full; p++) {
                const float *from = b + l * ldb + p * LIM_NR;
                float *to = out + p * size + l * LIM_NR;
                vec_store(to, vec_load(from));
                vec_store(to + LIM_VEC, vec_load(from + LIM_VEC));
            }
    }
    if (rest == 0)
        return;
    b += tb ? full * LIM_NR * ldb : full * LIM_NR;
    out += full * size;
    for (int l = 0; l < k; l++)
        for (int j = 0; j < LIM_NR; j++)
            out[l * LIM_NR + j] = j < rest ? (tb ? b[j * ldb + l] : b[l * ldb + j]) : 0;
}

static ptrdiff_t
packed_width(int n)
{
    return (ptrdiff_t)lim_pieces(n, LIM_NR) * LIM_NR;
}

/* One block of C on the calling thread. packed: instead of b, the panels of all n_all columns (a
 * piece of k after the other, see lim_fast_gemm_pack()), of which those from n0 on are the block's.
 */
static void
product(bool ta, bool tb, int m, int n, int k, float alpha, const float *a, ptrdiff_t lda,
        const float *b, ptrdiff_t ldb, const float *packed, int n0, int n_all, float beta, float *c,
        ptrdiff_t ldc)
{
    if (!packed && (int64_t)m * n * k >= BLAS_WORK && lim_min_int(lim_min_int(m, n), k) >= 16) {
        lim_blas_gemm(ta, tb, m, n, k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
        return;
    }
    float rows[MC * KC] __attribute__((aligned(64)));
    float panels[PANELS * KC * LIM_NR] __attribute__((aligned(64)));

    for (int l = 0; l < k; l += KC) {
        int kc = lim_min_int(KC, k - l);
        for (int i = 0; i < m; i += MC) {
            int mc = lim_min_int(MC, m - i);
            const float *ai = ta ? a + i + l * lda : a + i * lda + l;
            ptrdiff_t ars = lda, acs = 1;
            /* Rows of A are fine as they lie, unless they lie a power of two apart, where they
             * compete for a few sets of the L1 cache. */
            if (ta || (lda % 256 == 0 && n > 4 * LIM_NR)) {
                lim_pack_rows(mc, kc, ai, ta ? 1 : lda, ta ? lda : 1, rows);
                ai = rows;
                acs = 0;
            }
            for (int j = 0; j < n; j += PANELS * LIM_NR) {
                int nc = lim_min_int(PANELS * LIM_NR, n - j);
                const float *from = panels;
                if (packed)
                    from = packed + l * packed_width(n_all) + (ptrdiff_t)(n0 + j) * kc;
                else
                    pack_panels(tb, nc, kc, tb ? b + j * ldb + l : b + l * ldb + j, ldb, panels);
                for (int p = 0; p < nc; p += LIM_NR)
                    lim_panel(mc, lim_min_int(LIM_NR, nc - p), kc, alpha, ai, ars, acs,
                              from + (ptrdiff_t)p * kc, LIM_NR, l == 0 ? beta : 1,
                              c + i * ldc + j + p, ldc, NULL);
            }
        }
    }
}

static void
block(void *ctx, int i, int thread)
{
    const Gemm *g = ctx;
    int m0 = i / g->across * g->mb, n0 = i % g->across * g->nb;
    ptrdiff_t a = g->ta ? m0 : (ptrdiff_t)m0 * g->lda, b = g->tb ? (ptrdiff_t)n0 * g->ldb : n0;

    product(g->ta, g->tb, lim_min_int(g->mb, g->m - m0), lim_min_int(g->nb, g->n - n0), g->k,
            g->alpha, g->a + a, g->lda, g->packed ? NULL : g->b + b, g->ldb, g->packed, n0, g->n,
            g->beta, g->c + (ptrdiff_t)m0 * g->ldc + n0, g->ldc);
}

static void
blocks_run(LimPool *pool, Gemm *g)
{
    g->mb = g->m;
    g->nb = g->n;
    /* Halve the longer side while that leaves enough work in each block. */
    for (int blocks = 1; blocks < MAX_BLOCKS && (int64_t)g->mb * g->nb * g->k >= 2 * BLOCK_WORK;
         blocks *= 2) {
        if (lim_max_int(g->mb, g->nb) < 2 * MIN_SIDE)
            break;
        if (g->mb > g->nb)
            g->mb = lim_pieces(g->mb, 2 * LIM_MR) * LIM_MR;
        else
            g->nb = lim_pieces(g->nb, 2 * LIM_NR) * LIM_NR;
    }
    g->across = lim_pieces(g->n, g->nb);
    lim_pool_for(pool, lim_pieces(g->m, g->mb) * g->across, block, g);
}

void
lim_fast_gemm(LimPool *pool, bool ta, bool tb, int m, int n, int k, float alpha, const float *a,
              int lda, const float *b, int ldb, float beta, float *c, int ldc)
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

    blocks_run(pool, &g);
}

/* Where OpenBLAS is faster, and for a single column, packing does not pay. */
size_t
lim_fast_gemm_packed_size(int m, int n, int k)
{
    bool big = (int64_t)m * n * k >= BLAS_WORK && lim_min_int(lim_min_int(m, n), k) >= 16;

    return big || n == 1 ? 0 : sizeof(float) * (size_t)packed_width(n) * (size_t)k;
}

void
lim_fast_gemm_pack(bool tb, int n, int k, const float *b, int ldb, void *packed)
{
    for (int l = 0; l < k; l += KC)
        pack_panels(tb, n, lim_min_int(KC, k - l), tb ? b + l : b + (ptrdiff_t)l * ldb, ldb,
                    (float *)packed + l * packed_width(n));
}

void
lim_fast_gemm_packed(LimPool *pool, bool ta, int m, int n, int k, float alpha, const float *a,
                     int lda, const void *packed, float *c, int ldc)
{
    Gemm g = {.ta = ta,
              .m = m,
              .n = n,
              .k = k,
              .alpha = alpha,
              .a = a,
              .packed = packed,
              .c = c,
              .lda = lda,
              .ldc = ldc};

    blocks_run(pool, &g);
}

static void
one_product(void *ctx, int i, int thread)
{
    const Gemm *g = ctx;

    product(g->ta, g->tb, g->m, g->n, g->k, g->alpha, g->a + i * g->sa, g->lda, g->b + i * g->sb,
            g->ldb, NULL, 0, 0, g->beta, g->c + i * g->sc, g->ldc);
}

void
lim_fast_gemm_batch(LimPool *pool, int batch, bool ta, bool tb, int m, int n, int k, float alpha,
                    const float *a, int64_t sa, const float *b, int64_t sb, float beta, float *c,
                    int64_t sc)
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
