/* A matrix product proposes, exact distances decide. |a - b|^2 = |a|^2 + |b|^2 - 2ab costs one
 * product for all pairs of two blocks, but in float it is off by a little; so it only rules out the
 * pairs that are too far even at the largest possible error, and the few that remain are measured
 * directly in double. Blocks of 128 x 1024 products stay in the cache: no matrix of all pairs is
 * ever in memory. */
#include "metrics/neighbours.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define ROWS  128
#define TILE  1024
#define CHUNK 16

void
lim_points_init(LimPoints *p, const float *x, int n, int size)
{
    *p = (LimPoints){.x = x, .n = n, .size = size};
    /* Rounding of a float dot product of this length, and of the few operations around it, as a
     * share of |a|^2 + |b|^2 >= 2 |ab|. */
    p->slack = (size + 8) * 0x1p-24;
    p->low = lim_alloc((size_t)n, sizeof *p->low);
    for (int i = 0; i < n; i++) {
        const float *v = x + (size_t)i * (size_t)size;
        double norm = 0;
        for (int k = 0; k < size; k++)
            norm += (double)v[k] * (double)v[k];
        p->low[i] = (float)(norm * (1 - p->slack));
    }
}

void
lim_points_clear(LimPoints *p)
{
    free(p->low);
}

static double
distance2(const LimPoints *a, int i, const LimPoints *b, int j)
{
    const float *x = a->x + (size_t)i * (size_t)a->size;
    const float *y = b->x + (size_t)j * (size_t)b->size;
    double sum[4] = {0};
    int k = 0;
    for (; k + 4 <= a->size; k += 4)
        for (int l = 0; l < 4; l++) {
            const double gap = (double)x[k + l] - (double)y[k + l];
            sum[l] += gap * gap;
        }
    for (; k < a->size; k++)
        sum[0] += ((double)x[k] - (double)y[k]) * ((double)x[k] - (double)y[k]);
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/* Is low[j] - 2 dot[j] <= limit anywhere among CHUNK values? */
static bool
any_within(const float *dot, const float *low, float limit)
{
    int hit = 0;
    for (int j = 0; j < CHUNK; j++)
        hit |= low[j] - 2 * dot[j] <= limit;
    return hit;
}

typedef struct Work {
    const LimExec *exec;
    const LimPoints *a, *b; /* rows; columns */
    int first, rows, k;
    double *nearest; /* of lim_nearest() */
    const double *radius2;
    int stride;
    bool closed;
    int *inside, *around;
    float *scratch; /* [threads][ROWS][TILE] */
} Work;

/* The dot products of a block of rows with a tile of columns. */
static const float *
products(const Work *w, int thread, int row, int rows, int column, int columns)
{
    const int size = w->a->size;
    float *dot = w->scratch + (size_t)thread * ROWS * TILE;
    w->exec->kernels->gemm(NULL, false, true, rows, columns, size, 1,
                           w->a->x + (size_t)row * (size_t)size, size,
                           w->b->x + (size_t)column * (size_t)size, size, 0, dot, TILE);
    return dot;
}

static void
insert(double *nearest, int k, double d2)
{
    int at = k - 1;
    for (; at > 0 && nearest[at - 1] > d2; at--)
        nearest[at] = nearest[at - 1];
    nearest[at] = d2;
}

/* The largest value of low[j] - 2 dot[j] that does not rule out a distance of d2 or less. */
static float
limit_of(const LimPoints *a, int row, double d2)
{
    return nextafterf((float)(d2 - (double)a->low[row]), INFINITY);
}

static void
nearest_row(const Work *w, int row, const float *dot, int column, int columns)
{
    double *nearest = w->nearest + (size_t)(row - w->first) * (size_t)w->k;
    const double *last = nearest + w->k - 1;
    const float *low = w->b->low + column;
    float limit = limit_of(w->a, row, *last);
    for (int j = 0; j < columns; j += CHUNK) {
        const int n = columns - j < CHUNK ? columns - j : CHUNK;
        if (n == CHUNK && !any_within(dot + j, low + j, limit))
            continue;
        for (int l = j; l < j + n; l++) {
            if (low[l] - 2 * dot[l] > limit || column + l == row)
                continue;
            const double d2 = distance2(w->a, row, w->b, column + l);
            if (d2 < *last) {
                insert(nearest, w->k, d2);
                limit = limit_of(w->a, row, *last);
            }
        }
    }
}

static void
ball_row(const Work *w, int row, const float *dot, int column, int columns)
{
    const double r2 = w->radius2[(size_t)(row - w->first) * (size_t)w->stride];
    const float limit = limit_of(w->a, row, r2), *low = w->b->low + column;
    for (int j = 0; j < columns; j += CHUNK) {
        const int n = columns - j < CHUNK ? columns - j : CHUNK;
        if (n == CHUNK && !any_within(dot + j, low + j, limit))
            continue;
        for (int l = j; l < j + n; l++) {
            if (low[l] - 2 * dot[l] > limit)
                continue;
            const double d2 = distance2(w->a, row, w->b, column + l);
            if (d2 < r2 || (w->closed && d2 <= r2)) {
                if (w->inside)
                    w->inside[row - w->first]++;
                if (w->around) /* whole numbers: the order does not matter */
                    __atomic_fetch_add(&w->around[column + l], 1, __ATOMIC_RELAXED);
            }
        }
    }
}

/* One block of rows against all columns. */
static void
block(void *ctx, int i, int thread)
{
    const Work *w = ctx;
    const int row = w->first + i * ROWS, end = w->first + w->rows;
    const int rows = end - row < ROWS ? end - row : ROWS;
    for (int column = 0; column < w->b->n && !lim_cancelled(w->exec->cancel); column += TILE) {
        const int columns = w->b->n - column < TILE ? w->b->n - column : TILE;
        const float *dot = products(w, thread, row, rows, column, columns);
        for (int r = 0; r < rows; r++)
            (w->nearest ? nearest_row : ball_row)(w, row + r, dot + (size_t)r * TILE, column,
                                                  columns);
    }
}

static LimStatus
run(Work *w, LimError *err)
{
    LIM_ASSERT(w->a->size == w->b->size && w->first >= 0 && w->first + w->rows <= w->a->n);
    const int threads = w->exec->pool ? lim_pool_threads(w->exec->pool) : 1;
    w->scratch = lim_alloc((size_t)threads * ROWS * TILE, sizeof *w->scratch);
    lim_pool_for(w->exec->pool, (w->rows + ROWS - 1) / ROWS, block, w);
    free(w->scratch);
    return lim_cancelled(w->exec->cancel) ? lim_fail(err, LIM_CANCELLED, "stopped") : LIM_OK;
}

LimStatus
lim_nearest(const LimExec *exec, const LimPoints *p, int first, int rows, int k, double *nearest,
            LimError *err)
{
    LIM_ASSERT(k >= 1 && k < p->n);
    for (size_t i = 0; i < (size_t)rows * (size_t)k; i++)
        nearest[i] = INFINITY;
    Work w = {
        .exec = exec, .a = p, .b = p, .first = first, .rows = rows, .k = k, .nearest = nearest};
    return run(&w, err);
}

LimStatus
lim_balls(const LimExec *exec, const LimPoints *centres, int first, int rows, const double *radius2,
          int stride, bool closed, const LimPoints *points, int *inside, int *around, LimError *err)
{
    for (int i = 0; i < rows && inside; i++)
        inside[i] = 0;
    Work w = {.exec = exec,
              .a = centres,
              .b = points,
              .first = first,
              .rows = rows,
              .radius2 = radius2,
              .stride = stride,
              .closed = closed,
              .inside = inside,
              .around = around};
    return run(&w, err);
}
