/* The table of one instruction set. */
#include "kernels/fast/fast.h"

extern const LimRowKernels LIM_FN(lim_rows);
extern const LimKernels LIM_FN(lim_kernels);

const LimKernels LIM_FN(lim_kernels) = {
    .name = LIM_ISA_NAME,
    .rows = &LIM_FN(lim_rows),
    .gemm = LIM_FN(lim_fast_gemm),
    .gemm_batch = LIM_FN(lim_fast_gemm_batch),
    .conv_prepared_size = LIM_FN(lim_fast_conv_prepared_size),
    .conv_prepare = LIM_FN(lim_fast_conv_prepare),
    .conv_scratch = LIM_FN(lim_fast_conv_scratch),
    .conv = LIM_FN(lim_fast_conv),
    .conv_dx_scratch = LIM_FN(lim_fast_conv_dx_scratch),
    .conv_dx = LIM_FN(lim_fast_conv_dx),
    .conv_dw_scratch = LIM_FN(lim_fast_conv_dw_scratch),
    .conv_dw = LIM_FN(lim_fast_conv_dw),
};
