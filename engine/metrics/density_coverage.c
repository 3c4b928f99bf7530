/* Both from one pass over the real pictures' balls: how many samples are inside each, and inside
 * how many each sample is. */
#include "metrics/density_coverage.h"

#include <stdlib.h>

LimStatus
lim_density_coverage(const LimExec *exec, const LimPoints *samples, const LimPoints *real,
                     LimMeasure *density, LimMeasure *coverage, LimError *err)
{
    enum { K = LIM_DENSITY_K };
    double *nearest = lim_alloc((size_t)real->n * K, sizeof *nearest);
    double *share = lim_alloc((size_t)samples->n, sizeof *share);
    int *inside = lim_alloc((size_t)real->n, sizeof *inside);
    int *around = lim_alloc((size_t)samples->n, sizeof *around);
    LimStatus status = lim_nearest(exec, real, 0, real->n, K, nearest, err);
    if (status == LIM_OK)
        status = lim_balls(exec, real, 0, real->n, nearest + K - 1, K, false, samples, inside,
                           around, err);
    if (status == LIM_OK) {
        int held = 0;
        for (int i = 0; i < real->n; i++)
            held += inside[i] > 0;
        for (int i = 0; i < samples->n; i++)
            share[i] = (double)around[i] / K;
        *coverage = lim_proportion(held, real->n);
        *density = lim_mean_interval(share, samples->n, NULL);
    }
    free(nearest);
    free(share);
    free(inside);
    free(around);
    return status;
}
