/* The gradient of orthogonal regularisation, by its formula: two products per weight matrix, once
 * per update however many batches it is made of. */
#include "train/ortho.h"

void
lim_orthogonal_gradient(const float *w, int rows, int cols, double beta, float *grad, float *gram,
                        const LimExec *exec)
{
    const LimKernels *k = exec->kernels;
    k->gemm(exec->pool, false, true, rows, rows, cols, 1, w, cols, w, cols, 0, gram, rows);
    for (int i = 0; i < rows; i++)
        gram[(int64_t)i * rows + i] = 0;
    k->gemm(exec->pool, false, false, rows, cols, rows, (float)(4 * beta), gram, rows, w, cols, 1,
            grad, cols);
}
