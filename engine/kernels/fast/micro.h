/* The inner loop of every product: LIM_MR rows by LIM_NR columns of C stay in registers while k
 * runs. A is read one float at a time and broadcast, so it needs no particular layout: element (i,
 * l) is a[i*ars + l*acs]. B is read in rows of LIM_NR consecutive floats, row l at b + l*bs.
 *
 * 6x16 uses 12 of AVX2's 16 registers for C, 12x32 uses 24 of AVX-512's 32; both keep two fused
 * multiply-adds per cycle busy. A row's sum does not depend on how rows are grouped, so results do
 * not change with the blocking of m. */
#pragma once

#include "kernels/fast/vec.h"

#if LIM_VEC == 16
#define LIM_MR 12
#else
#define LIM_MR 6
#endif
#define LIM_NR (2 * LIM_VEC)

LIM_INLINE void
micro_rows(const int mr, int k, const float *a, ptrdiff_t ars, ptrdiff_t acs, const float *b,
           ptrdiff_t bs, float *c, ptrdiff_t ldc, bool add)
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
        float *out = c + i * ldc;
        if (add) {
            acc[i][0] += vec_load(out);
            acc[i][1] += vec_load(out + LIM_VEC);
        }
        vec_store(out, acc[i][0]);
        vec_store(out + LIM_VEC, acc[i][1]);
    }
}

/* C (mr x LIM_NR) = or += A B. */
LIM_INLINE void
micro(int mr, int k, const float *a, ptrdiff_t ars, ptrdiff_t acs, const float *b, ptrdiff_t bs,
      float *c, ptrdiff_t ldc, bool add)
{
#define ROWS(n)                                            \
    case n:                                                \
        micro_rows(n, k, a, ars, acs, b, bs, c, ldc, add); \
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

/* How many blocks m rows fall into; block i starts at row micro_row(m, blocks, i). They are of
 * nearly equal size, 8 is 4+4 and not 6+2, because few rows cannot hide the latency of the
 * additions. */
static inline int
micro_blocks(int m)
{
    return (m + LIM_MR - 1) / LIM_MR;
}

static inline int
micro_row(int m, int blocks, int i)
{
    return (int)((long)m * i / blocks);
}
