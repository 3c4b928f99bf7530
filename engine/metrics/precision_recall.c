/* Precision and recall are one function with the roles exchanged. */
#include "metrics/precision_recall.h"

#include <stdlib.h>

LimMeasure
lim_share_covered(const int *around, int n)
{
    int covered = 0;
    for (int i = 0; i < n; i++)
        covered += around[i] > 0;
    return lim_proportion(covered, n);
}

/* The share of points on the manifold of the centres. */
static LimStatus
share_on(const LimExec *exec, const LimPoints *centres, const LimPoints *points, LimMeasure *out,
         LimError *err)
{
    enum { K = LIM_PRECISION_K };
    double *nearest = lim_alloc((size_t)centres->n * K, sizeof *nearest);
    int *around = lim_alloc((size_t)points->n, sizeof *around);
    LimStatus status = lim_nearest(exec, centres, 0, centres->n, K, nearest, err);
    if (status == LIM_OK)
        status = lim_balls(exec, centres, 0, centres->n, nearest + K - 1, K, true, points, NULL,
                           around, err);
    *out = lim_share_covered(around, points->n);
    free(nearest);
    free(around);
    return status;
}

LimStatus
lim_precision_recall(const LimExec *exec, const LimPoints *samples, const LimPoints *real,
                     LimMeasure *precision, LimMeasure *recall, LimError *err)
{
    LimStatus status = share_on(exec, real, samples, precision, err);
    if (status == LIM_OK)
        status = share_on(exec, samples, real, recall, err);
    return status;
}
