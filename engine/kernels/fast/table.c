/* The table of one instruction set. */
#include "kernels/fast/fast.h"
#include "kernels/fast/vec.h"

extern const LimRowKernels LIM_FN(lim_rows);
extern const LimStepKernels LIM_FN(lim_steps);
extern const LimKernels LIM_FN(lim_kernels);

const LimKernels LIM_FN(lim_kernels) = {
    .name = LIM_ISA_NAME,
    .rows = &LIM_FN(lim_rows),
    .steps = &LIM_FN(lim_steps),
    .gemm = lim_fast_gemm,
    .gemm_packed_size = lim_fast_gemm_packed_size,
    .gemm_pack = lim_fast_gemm_pack,
    .gemm_packed = lim_fast_gemm_packed,
    .gemm_batch = lim_fast_gemm_batch,
    .conv_prepared_size = lim_fast_conv_prepared_size,
    .conv_prepare = lim_fast_conv_prepare,
    .conv_scratch = lim_fast_conv_scratch,
    .lanes = LIM_VEC,
    .conv_does = lim_fast_conv_does,
    .conv = lim_fast_conv,
    .conv_dx_scratch = lim_fast_conv_dx_scratch,
    .conv_dx = lim_fast_conv_dx,
    .conv_dw_scratch = lim_fast_conv_dw_scratch,
    .conv_dw = lim_fast_conv_dw,
};
