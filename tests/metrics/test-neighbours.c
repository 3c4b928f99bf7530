/* Neighbours and balls against brute force in double, over sizes that blocks do not divide, with
 * duplicates and near-duplicates, in one go and in ranges, for every kernel table. */
#include "base/rng.h"
#include "metrics/neighbours.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* n vectors: far from the origin (where float products are worst), a tenth of them duplicates, a
 * tenth a hair away from another. */
static float *
cloud(int n, int size, uint64_t seed)
{
    float *x = g_new(float, n *size);
    lim_rng_normal(seed, LIM_STREAM_TEST, 0, x, (size_t)(n * size));
    for (int i = 0; i < n * size; i++)
        x[i] = 20 + 0.5f * x[i];
    for (int i = 10; i < n; i++) {
        float *v = x + i * size;
        if (i % 10 == 3)
            memcpy(v, x + (i / 2) * size, (size_t)size * sizeof *x);
        if (i % 10 == 7) {
            memcpy(v, x + (i / 3) * size, (size_t)size * sizeof *x);
            v[i % size] += 1e-4f;
        }
    }
    return x;
}

static double
distance2(const float *a, const float *b, int size)
{
    double sum = 0;
    for (int k = 0; k < size; k++)
        sum += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
    return sum;
}

static int
ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The same number up to the order of a sum. */
static bool
same(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(a, b);
}

static void
check(const LimExec *exec, int n, int m, int size, int k)
{
    g_autofree float *x = cloud(n, size, 1), *y = cloud(m, size, 2);
    memcpy(y, x, (size_t)(MIN(n, m) / 4 * size) * sizeof *x); /* points at distance 0 */
    LimPoints p, q;
    LimError err = LIM_ERROR_INIT;
    lim_points_init(&p, x, n, size);
    lim_points_init(&q, y, m, size);
    g_autofree double *nearest = g_new(double, n *k), *row = g_new(double, n);
    const int half = n / 3;
    g_assert_cmpint(lim_nearest(exec, &p, 0, half, k, nearest, &err), ==, LIM_OK);
    g_assert_cmpint(lim_nearest(exec, &p, half, n - half, k, nearest + half * k, &err), ==, LIM_OK);
    for (int i = 0; i < n; i++) {
        int others = 0;
        for (int j = 0; j < n; j++)
            if (j != i)
                row[others++] = distance2(x + i * size, x + j * size, size);
        qsort(row, (size_t)others, sizeof *row, ascending);
        for (int l = 0; l < k; l++)
            if (!same(nearest[i * k + l], row[l]))
                g_error("%d points of %d: neighbour %d of %d at %.17g, not %.17g", n, size, l, i,
                        row[l], nearest[i * k + l]);
    }
    for (int closed = 0; closed < 2; closed++) {
        g_autofree int *inside = g_new(int, n), *around = g_new0(int, m);
        g_autofree int *expected_inside = g_new0(int, n), *expected_around = g_new0(int, m);
        const double *r2 = nearest + k - 1;
        g_assert_cmpint(lim_balls(exec, &p, 0, half, r2, k, closed, &q, inside, around, &err), ==,
                        LIM_OK);
        g_assert_cmpint(lim_balls(exec, &p, half, n - half, r2 + half * k, k, closed, &q,
                                  inside + half, around, &err),
                        ==, LIM_OK);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < m; j++) {
                const double d2 = distance2(x + i * size, y + j * size, size), r = r2[i * k];
                const bool in = same(d2, r) ? closed : d2 < r;
                expected_inside[i] += in;
                expected_around[j] += in;
            }
        g_assert_cmpmem(inside, (gsize)n * sizeof(int), expected_inside, (gsize)n * sizeof(int));
        g_assert_cmpmem(around, (gsize)m * sizeof(int), expected_around, (gsize)m * sizeof(int));
    }
    lim_points_clear(&p);
    lim_points_clear(&q);
}

static void
test_brute_force(void)
{
    for (const LimKernels *const *t = lim_kernels_all(); *t; t++) {
        LimExec exec = {.kernels = *t};
        check(&exec, 7, 5, 3, 3);
        check(&exec, 130, 33, 19, 5);
        check(&exec, 300, 1500, 6, 3); /* two tiles of columns */
        check(&exec, 1100, 200, 64, 5);
        exec.pool = lim_pool_new(3);
        check(&exec, 517, 401, 16, 4);
        lim_pool_free(exec.pool);
    }
}

/* The same bits whatever runs it. */
static void
test_same_bits(void)
{
    enum { N = 700, SIZE = 40, K = 5 };
    g_autofree float *x = cloud(N, SIZE, 3);
    g_autofree double *first = NULL;
    LimPoints p;
    LimError err = LIM_ERROR_INIT;
    lim_points_init(&p, x, N, SIZE);
    for (const LimKernels *const *t = lim_kernels_all(); *t; t++)
        for (int threads = 1; threads <= 3; threads++) {
            LimExec exec = {.kernels = *t, .pool = lim_pool_new(threads)};
            double *nearest = g_new(double, N *K);
            g_assert_cmpint(lim_nearest(&exec, &p, 0, N, K, nearest, &err), ==, LIM_OK);
            if (first)
                g_assert_cmpmem(nearest, N * K * sizeof *nearest, first, N * K * sizeof *first);
            if (first)
                g_free(nearest);
            else
                first = nearest;
            lim_pool_free(exec.pool);
        }
    lim_points_clear(&p);
}

static void
test_cancel(void)
{
    g_autofree float *x = cloud(50, 4, 4);
    double nearest[50];
    int inside[50], around[50] = {0};
    LimCancel cancel = {0};
    LimExec exec = {.kernels = lim_kernels_best(), .cancel = &cancel};
    LimPoints p;
    lim_points_init(&p, x, 50, 4);
    lim_cancel(&cancel);
    g_assert_cmpint(lim_nearest(&exec, &p, 0, 50, 1, nearest, NULL), ==, LIM_CANCELLED);
    g_assert_cmpint(lim_balls(&exec, &p, 0, 50, nearest, 1, true, &p, inside, around, NULL), ==,
                    LIM_CANCELLED);
    lim_points_clear(&p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/neighbours/brute-force", test_brute_force);
    g_test_add_func("/neighbours/same-bits", test_same_bits);
    g_test_add_func("/neighbours/cancel", test_cancel);
    return g_test_run();
}
