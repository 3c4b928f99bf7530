/* Convolution as matrix products over pixels, for every size; private to kernels/fast. */
#pragma once

#include "kernels/fast/fast.h"

#define lim_unroll_scratch_floats    LIM_FN(lim_unroll_scratch_floats)
#define lim_unroll_conv              LIM_FN(lim_unroll_conv)
#define lim_roll_scratch_floats      LIM_FN(lim_roll_scratch_floats)
#define lim_roll_conv                LIM_FN(lim_roll_conv)
#define lim_unroll_dw_scratch_floats LIM_FN(lim_unroll_dw_scratch_floats)
#define lim_unroll_dw                LIM_FN(lim_unroll_dw)

/* The convolution itself: y [oc][pixels] = W [oc][taps] unrolled x [taps][pixels]. Weight (o, t) is
 * w[o*ws + t*wt]. Good when the input has fewer channels than the output. */
size_t lim_unroll_scratch_floats(const LimConvDims *d, int threads);
void lim_unroll_conv(LimPool *pool, const LimConvDims *d, const float *x, const float *w,
                     ptrdiff_t ws, ptrdiff_t wt, const float *bias, float *y, float *scratch);

/* Its adjoint: x [c][h][w] from y, rolling W^T [taps][oc] y [oc][pixels] back into the image.
 * bias: one per channel of x, or NULL. Good when x has fewer channels than y. */
size_t lim_roll_scratch_floats(const LimConvDims *d, int threads);
void lim_roll_conv(LimPool *pool, const LimConvDims *d, const float *y, const float *w,
                   const float *bias, float *x, float *scratch);

/* The weight gradient, [oc][c][kh][kw]; with turn, [c][oc][kh][kw] and each filter turned by 180
 * degrees, which is what the weights look like when x and y change roles. */
size_t lim_unroll_dw_scratch_floats(const LimConvDims *d, int threads);
void lim_unroll_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
                   bool turn, float *scratch);
