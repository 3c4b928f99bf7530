/* The gradient of orthogonal regularisation against differences of the penalty itself. */
#include "base/rng.h"
#include "train/ortho.h"

#include <glib.h>
#include <math.h>
#include <string.h>

/* beta |W W^T * (1 - I)|_F^2 */
static double
penalty(const double *w, int rows, int cols, double beta)
{
    double sum = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            double dot = 0;
            for (int k = 0; k < cols && i != j; k++)
                dot += w[i * cols + k] * w[j * cols + k];
            sum += dot * dot;
        }
    return beta * sum;
}

static void
check(int rows, int cols, const LimExec *exec)
{
    const int n = rows * cols;
    float *w = g_new(float, n), *grad = g_new(float, n), *before = g_new(float, n);
    float *gram = g_new(float, rows *rows);
    double *wide = g_new(double, n);
    lim_rng_normal(1, LIM_STREAM_TEST, 0, w, (size_t)n);
    lim_rng_normal(2, LIM_STREAM_TEST, 0, before, (size_t)n);
    memcpy(grad, before, (size_t)n * sizeof *grad);
    for (int i = 0; i < n; i++)
        wide[i] = (double)w[i];
    const double beta = 0.3, h = 1e-5;
    lim_orthogonal_gradient(w, rows, cols, beta, grad, gram, exec);
    double worst = 0, largest = 0;
    for (int i = 0; i < n; i++) {
        wide[i] += h;
        const double up = penalty(wide, rows, cols, beta);
        wide[i] -= 2 * h;
        const double want = (up - penalty(wide, rows, cols, beta)) / (2 * h);
        wide[i] += h;
        worst = fmax(worst, fabs((double)grad[i] - (double)before[i] - want));
        largest = fmax(largest, fabs(want));
    }
    g_assert_cmpfloat(worst, <=, 1e-5 * (largest + 1));
    if (rows == 1)
        g_assert_cmpfloat(largest, <, 1e-9); /* one row is orthogonal to all others */
    g_free(w);
    g_free(grad);
    g_free(before);
    g_free(gram);
    g_free(wide);
}

static void
test_gradient(void)
{
    LimExec exec = {.kernels = lim_kernels_best()};
    for (int threads = 1; threads <= 2; threads++) {
        exec.pool = threads > 1 ? lim_pool_new(threads) : NULL;
        check(5, 9, &exec);
        check(9, 4, &exec);
        check(1, 7, &exec);
        check(32, 27, &exec);
        lim_pool_free(exec.pool);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ortho/gradient", test_gradient);
    return g_test_run();
}
