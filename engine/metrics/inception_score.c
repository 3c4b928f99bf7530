/* log IS = mean_x sum_y p(y|x) log p(y|x) - sum_y p(y) log p(y), so one pass and the marginal are
 * enough. */
#include "metrics/inception_score.h"

#include "base/status.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static double
x_log_x(double x)
{
    return x > 0 ? x * log(x) : 0;
}

static double
score(const float *p, int n, int classes)
{
    double *marginal = lim_alloc((size_t)classes, sizeof *marginal), sum = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < classes; k++) {
            const double q = (double)p[(size_t)i * (size_t)classes + (size_t)k];
            sum += x_log_x(q) / n;
            marginal[k] += q / n;
        }
    for (int k = 0; k < classes; k++)
        sum -= x_log_x(marginal[k]);
    free(marginal);
    return exp(sum);
}

LimMeasure
lim_inception_score(const float *p, int n, int classes, double *sd)
{
    enum { SPLITS = LIM_INCEPTION_SPLITS };
    LIM_ASSERT(n >= 2 * SPLITS);
    double part[SPLITS];
    for (int s = 0; s < SPLITS; s++) {
        const int from = (int)((int64_t)n * s / SPLITS), to = (int)((int64_t)n * (s + 1) / SPLITS);
        part[s] = score(p + (size_t)from * (size_t)classes, to - from, classes);
    }
    return lim_mean_interval(part, SPLITS, sd);
}
