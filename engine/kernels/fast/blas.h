/* The one door to BLAS. */
#pragma once

#include <stdbool.h>

/* C[m][n] = alpha * op(A) op(B) + beta * C on the calling thread; arguments as LimKernels.gemm. */
void lim_blas_gemm(bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc);
