/* See product.h. A is read one float at a time and broadcast, so it needs no particular layout;
 * packing it only makes its reads consecutive. */
#include "kernels/fast/product.h"

/* Rows fall into blocks of nearly equal size, 8 into 4+4 and not 6+2, because few rows cannot hide
 * the latency of the additions. The first `longer` blocks have rows + 1 rows, the others rows. */
typedef struct Blocks {
    int count, rows, longer;
} Blocks;

static Blocks
blocks_of(int m)
{
    int count = lim_pieces(m, LIM_MR);

    return (Blocks){count, m / count, m % count};
}

LIM_INLINE void
block_rows(const int mr, int k, float alpha, const float *a, ptrdiff_t ars, ptrdiff_t acs,
           const float *b, ptrdiff_t bs, float beta, float *c, ptrdiff_t ldc, const float *bias)
{
    Vec acc[LIM_MR][2];
    /* A pointer for each three rows: the other two are a scaled register away. */
    const float *row[(LIM_MR + 2) / 3];

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
        acc[i][0] = acc[i][1] = (Vec){0};
#pragma GCC unroll 16
    for (int i = 0; i < mr; i += 3)
        row[i / 3] = a + i * ars;
    for (int l = 0; l < k; l++) {
        Vec b0 = vec_load(b), b1 = vec_load(b + LIM_VEC);
        b += bs;
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            Vec s = vec_all(row[i / 3][i % 3 * ars]);
            acc[i][0] += s * b0;
            acc[i][1] += s * b1;
        }
#pragma GCC unroll 16
        for (int i = 0; i < mr; i += 3)
            row[i / 3] += acs;
    }
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) {
        acc[i][0] *= alpha;
        acc[i][1] *= alpha;
    }
    if (beta != 0) {
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            acc[i][0] += beta * vec_load(c + i * ldc);
            acc[i][1] += beta * vec_load(c + i * ldc + LIM_VEC);
        }
    }
    if (bias) {
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            acc[i][0] += vec_all(bias[i]);
            acc[i][1] += vec_all(bias[i]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) {
        vec_store(c + i * ldc, acc[i][0]);
        vec_store(c + i * ldc + LIM_VEC, acc[i][1]);
    }
}

static void
block(int mr, int k, float alpha, const float *a, ptrdiff_t ars, ptrdiff_t acs, const float *b,
      ptrdiff_t bs, float beta, float *c, ptrdiff_t ldc, const float *bias)
{
#define ROWS(n)                                                          \
    case n:                                                              \
        block_rows(n, k, alpha, a, ars, acs, b, bs, beta, c, ldc, bias); \
        break
    switch (mr) {
        ROWS(1);
        ROWS(2);
        ROWS(3);
        ROWS(4);
        ROWS(5);
        ROWS(6);
#if LIM_MR == 12
        ROWS(7);
        ROWS(8);
        ROWS(9);
        ROWS(10);
        ROWS(11);
        ROWS(12);
#endif
    }
#undef ROWS
}

void
lim_panel(int m, int n, int k, float alpha, const float *a, ptrdiff_t ars, ptrdiff_t acs,
          const float *b, ptrdiff_t bs, float beta, float *c, ptrdiff_t ldc, const float *bias)
{
    Blocks in = blocks_of(m);

    for (int i = 0, row = 0, rows; i < in.count; i++, row += rows) {
        rows = in.rows + (i < in.longer);
        const float *from = acs ? a + row * ars : a + (ptrdiff_t)row * k;
        const float *add = bias ? bias + row : NULL;
        float *to = c + row * ldc;
        if (n == LIM_NR) {
            block(rows, k, alpha, from, acs ? ars : 1, acs ? acs : rows, b, bs, beta, to, ldc, add);
            continue;
        }
        float part[LIM_MR][LIM_NR] __attribute__((aligned(64)));
        for (int r = 0; beta != 0 && r < rows; r++)
            for (int j = 0; j < LIM_NR; j++)
                part[r][j] = j < n ? to[r * ldc + j] : 0;
        block(rows, k, alpha, from, acs ? ars : 1, acs ? acs : rows, b, bs, beta, part[0], LIM_NR,
              add);
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < n; j++)
                to[r * ldc + j] = part[r][j];
    }
}

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

/* Copies rows >= 4 floats, the last four overlapping what came before. */
LIM_INLINE void
pack_column(const int rows, const float *a, float *to)
{
    Four v[(LIM_MR + 3) / 4];

#pragma GCC unroll 4
    for (int r = 0; r < rows; r += 4)
        v[r / 4] = *(const Four *)(a + (r > rows - 4 ? rows - 4 : r));
#pragma GCC unroll 4
    for (int r = 0; r < rows; r += 4)
        *(Four *)(to + (r > rows - 4 ? rows - 4 : r)) = v[r / 4];
}

void
lim_pack_rows(int m, int k, const float *a, ptrdiff_t ars, ptrdiff_t acs, float *out)
{
    Blocks in = blocks_of(m);

    for (int i = 0, row = 0, rows; i < in.count; i++, row += rows) {
        rows = in.rows + (i < in.longer);
        const float *from = a + row * ars;
        float *to = out + (ptrdiff_t)row * k;
        for (int l = 0; l < k; l++, from += acs, to += rows) {
            if (ars == 1 && rows == LIM_MR)
                pack_column(LIM_MR, from, to);
            else if (ars == 1 && rows == LIM_MR - 1)
                pack_column(LIM_MR - 1, from, to);
            else
                for (int r = 0; r < rows; r++)
                    to[r] = from[r * ars];
        }
    }
}
