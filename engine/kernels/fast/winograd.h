/* Winograd convolution F(4x4,3x3); private to kernels/fast. */
#pragma once

#include "kernels/fast/fast.h"

#define lim_wino_fits              LIM_FN(lim_wino_fits)
#define lim_wino_prepared_floats   LIM_FN(lim_wino_prepared_floats)
#define lim_wino_prepare           LIM_FN(lim_wino_prepare)
#define lim_wino_scratch_floats    LIM_FN(lim_wino_scratch_floats)
#define lim_wino_conv              LIM_FN(lim_wino_conv)
#define lim_wino_dx_scratch_floats LIM_FN(lim_wino_dx_scratch_floats)
#define lim_wino_dx                LIM_FN(lim_wino_dx)
#define lim_wino_dw_scratch_floats LIM_FN(lim_wino_dw_scratch_floats)
#define lim_wino_dw                LIM_FN(lim_wino_dw)

/* Is this convolution one that Winograd can do and does faster? A function of the dimensions. */
bool lim_wino_fits(const LimConvDims *d);
size_t lim_wino_prepared_floats(const LimConvDims *d);
void lim_wino_prepare(LimPool *pool, const LimConvDims *d, const float *w, float *u);
size_t lim_wino_scratch_floats(const LimConvDims *d, int threads);
void lim_wino_conv(LimPool *pool, const LimConvDims *d, const float *x, const float *u,
                   const float *bias, float *y, float *scratch);
size_t lim_wino_dx_scratch_floats(const LimConvDims *d, int threads);
void lim_wino_dx(LimPool *pool, const LimConvDims *d, const float *dy, const float *w, float *dx,
                 float *scratch);
size_t lim_wino_dw_scratch_floats(const LimConvDims *d, int threads);
void lim_wino_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
                 float *scratch);
