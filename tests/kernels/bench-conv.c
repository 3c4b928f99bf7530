/* Times convolution, forward and both gradients, over the shapes that the models use. Not a test.
 *
 *   bench-conv [table [threads]]
 *
 * Prints "effective" GFLOP/s: the multiplications and additions of direct convolution over the best
 * time, so that algorithms compare; and the milliseconds. The forward time includes no weight
 * preparation (a plan does that once); "prep" is that alone. */
#include "kernels/kernels.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Case {
    const LimKernels *k;
    LimPool *pool;
    LimConvDims d;
    float *x, *w, *bias, *y, *dw;
    void *prepared, *scratch;
} Case;

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
run_prepare(Case *c)
{
    c->k->conv_prepare(c->pool, &c->d, c->w, c->prepared);
}

static void
run_forward(Case *c)
{
    c->k->conv(c->pool, &c->d, c->x, c->prepared, c->bias, c->y, c->scratch);
}

static void
run_dx(Case *c)
{
    c->k->conv_dx(c->pool, &c->d, c->y, c->w, c->x, c->scratch);
}

static void
run_dw(Case *c)
{
    c->k->conv_dw(c->pool, &c->d, c->x, c->y, c->dw, c->scratch);
}

static double
best_time(Case *c, void (*run)(Case *))
{
    double best = 1e9, total = 0;

    run(c);
    for (int i = 0; i < 200 && (i < 3 || total < 0.25); i++) {
        double t = seconds();
        run(c);
        t = seconds() - t;
        total += t;
        best = t < best ? t : best;
    }
    return best;
}

static float *
filled(size_t n)
{
    float *p = lim_alloc(n, sizeof *p);
    unsigned state = 1;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        p[i] = (float)(state >> 8) / (float)(1 << 23) - 1;
    }
    return p;
}

static void
time_shape(const LimKernels *k, LimPool *pool, int n, int c, int size, int oc, int kernel)
{
    LimConvDims d = {.n = n,
                     .c = c,
                     .h = size,
                     .w = size,
                     .oc = oc,
                     .kh = kernel,
                     .kw = kernel,
                     .stride = 1,
                     .pad = kernel / 2,
                     .oh = size,
                     .ow = size};
    int threads = lim_pool_threads(pool);
    size_t plane = (size_t)(n * size * size), weights = (size_t)(oc * c * kernel * kernel);
    size_t scratch = k->conv_scratch(&d, threads);
    Case a = {.k = k, .pool = pool, .d = d};

    if (k->conv_dx_scratch(&d, threads) > scratch)
        scratch = k->conv_dx_scratch(&d, threads);
    if (k->conv_dw_scratch(&d, threads) > scratch)
        scratch = k->conv_dw_scratch(&d, threads);
    a.x = filled(plane * (size_t)c);
    a.y = filled(plane * (size_t)oc);
    a.w = filled(weights);
    a.dw = filled(weights);
    a.bias = filled((size_t)oc);
    a.prepared = lim_alloc(k->conv_prepared_size(&d), 1);
    a.scratch = lim_alloc(scratch + 64, 1);
    double prep = best_time(&a, run_prepare), dw = best_time(&a, run_dw);
    double forward = best_time(&a, run_forward), dx = best_time(&a, run_dx);
    double flops = 2e-9 * (double)plane * (double)weights;
    printf("%-8s %d thr n%-3d c%-3d %2dx%-2d oc%-3d k%d  fwd %7.1f dx %7.1f dw %7.1f GFLOP/s   (ms "
           "%.3f %.3f %.3f prep %.3f)\n",
           k->name, threads, n, c, size, size, oc, kernel, flops / forward, flops / dx, flops / dw,
           forward * 1e3, dx * 1e3, dw * 1e3, prep * 1e3);
    fflush(stdout);
    free(a.x);
    free(a.y);
    free(a.w);
    free(a.dw);
    free(a.bias);
    free(a.prepared);
    free(a.scratch);
}

int
main(int argc, char **argv)
{
    static const int shapes[][5] = {
        /* n, c, size, oc, kernel */
        {64, 128, 32, 128, 3}, {64, 128, 16, 128, 3}, {64, 128, 8, 128, 3}, {64, 128, 4, 128, 3},
        {16, 128, 32, 128, 3}, {1, 128, 32, 128, 3},  {1, 128, 16, 128, 3}, {1, 128, 8, 128, 3},
        {1, 128, 4, 128, 3},   {64, 64, 32, 64, 3},   {1, 64, 32, 64, 3},   {64, 32, 32, 64, 3},
        {64, 64, 16, 128, 3},  {64, 3, 32, 128, 3},   {1, 3, 32, 128, 3},   {64, 1, 32, 128, 3},
        {64, 3, 32, 128, 1},   {64, 128, 32, 3, 3},   {1, 128, 32, 3, 3},   {64, 128, 32, 128, 1},
        {64, 128, 16, 128, 1}, {1, 128, 16, 128, 1},  {64, 128, 8, 128, 1}, {64, 128, 16, 16, 1},
        {64, 128, 16, 64, 1},  {64, 64, 16, 128, 1},
    };
    const char *table = argc > 1 ? argv[1] : lim_kernels_best()->name;
    int threads = argc > 2 ? atoi(argv[2]) : 0, count = (int)(sizeof shapes / sizeof shapes[0]);

    for (const LimKernels *const *k = lim_kernels_all(); *k; k++)
        for (int t = 1; t <= 2 && strcmp((*k)->name, table) == 0; t++) {
            if (threads && t != threads)
                continue;
            LimPool *pool = lim_pool_new(t);
            for (int i = 0; i < count; i++)
                time_shape(*k, pool, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3],
                           shapes[i][4]);
            lim_pool_free(pool);
        }
    return 0;
}
