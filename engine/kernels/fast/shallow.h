/* Convolution of pictures with few channels, the first layer of every network that looks at them;
 * private to kernels/fast. */
#pragma once

#include "kernels/fast/fast.h"

#define lim_shallow_fits           LIM_FN(lim_shallow_fits)
#define lim_shallow_scratch_floats LIM_FN(lim_shallow_scratch_floats)
#define lim_shallow_blocks         LIM_FN(lim_shallow_blocks)
#define lim_shallow_prepare        LIM_FN(lim_shallow_prepare)
#define lim_shallow_conv           LIM_FN(lim_shallow_conv)

/* Is this convolution one for this kernel? A function of the dimensions. */
bool lim_shallow_fits(const LimConvDims *d);
size_t lim_shallow_scratch_floats(const LimConvDims *d, int threads);
/* Can it write y in blocks of channels? */
bool lim_shallow_blocks(const LimConvDims *d);
/* w [oc][c][kh][kw] for that: out [oc / LIM_VEC][c][kh][kw][LIM_VEC]. */
void lim_shallow_prepare(const LimConvDims *d, const float *w, float *out);
/* w as it is, or prepared for d->blocked_y. Does d->relu. */
void lim_shallow_conv(LimPool *pool, const LimConvDims *d, const float *x, const float *w,
                      const float *bias, float *y, float *scratch);
