/* The one file that includes cblas.h. OpenBLAS runs on one thread (kernels.c sees to that);
 * whoever calls this cuts the work and hands it to the pool. */
#include "kernels/fast/blas.h"

#include <cblas.h>

void
lim_blas_gemm(bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda,
              const float *b, int ldb, float beta, float *c, int ldc)
{
    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n,
                k, alpha, a, lda, b, ldb, beta, c, ldc);
}
