/* The inner product kernel that convolution and gemm share; private to kernels/fast.
 *
 * C is worked on in panels of LIM_NR columns and blocks of at most LIM_MR rows that stay in
 * registers while k runs: 6x16 uses 12 of AVX2's 16 registers, 12x32 uses 24 of AVX-512's 32, and
 * both keep two fused multiply-adds per cycle busy. An element's sum does not depend on how rows
 * and columns are grouped. */
#pragma once

#include "kernels/fast/fast.h"
#include "kernels/fast/vec.h"

#if LIM_VEC == 16
#define LIM_MR 12
#else
#define LIM_MR 6
#endif
#define LIM_NR (2 * LIM_VEC)

#define lim_pack_rows LIM_FN(lim_pack_rows)
#define lim_panel     LIM_FN(lim_panel)

/* C[m][n] = alpha A B + beta C + bias, for one panel, n <= LIM_NR.
 * A: element (i, l) is a[i*ars + l*acs]; with acs 0, a comes from lim_pack_rows().
 * B: row l is LIM_NR floats at b + l*bs, all of them readable.
 * beta 0 does not read C. bias: one per row, or NULL. */
void lim_panel(int m, int n, int k, float alpha, const float *a, ptrdiff_t ars, ptrdiff_t acs,
               const float *b, ptrdiff_t bs, float beta, float *c, ptrdiff_t ldc,
               const float *bias);

/* out (m*k floats): A in the order in which lim_panel() reads it. */
void lim_pack_rows(int m, int k, const float *a, ptrdiff_t ars, ptrdiff_t acs, float *out);
