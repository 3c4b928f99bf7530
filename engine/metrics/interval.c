/* Intervals. All are two-sided, 95 %. Samples of a generator are independent draws, so the formulas
 * of independent samples hold; what a number is compared with (test pictures, a classifier) is
 * taken as given. */
#include "metrics/interval.h"

#include "base/status.h"

#include <math.h>

#define Z 1.959964

/* The 0.975 quantile of Student's t, by the expansion of Cornish and Fisher (Abramowitz and Stegun
 * 26.7.5): within 0.3 % from 3 degrees of freedom on. */
static double
student(int freedom)
{
    const double z2 = Z * Z, v = freedom;
    const double g1 = (z2 + 1) * Z / 4, g2 = ((5 * z2 + 16) * z2 + 3) * Z / 96;
    const double g3 = (((3 * z2 + 19) * z2 + 17) * z2 - 15) * Z / 384;
    const double g4 = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) * Z / 92160;
    return freedom == 1   ? 12.7062
           : freedom == 2 ? 4.30265
                          : Z + (g1 + (g2 + (g3 + g4 / v) / v) / v) / v;
}

LimMeasure
lim_proportion(int right, int n)
{
    if (n == 0)
        return (LimMeasure){0.5, 0, 1};
    const double p = (double)right / n, z2n = Z * Z / n;
    const double centre = (p + z2n / 2) / (1 + z2n);
    const double half = Z / (1 + z2n) * sqrt(p * (1 - p) / n + z2n / (4 * n));
    /* exactly 0 and 1 where rounding leaves nearly that */
    return (LimMeasure){p, right == 0 ? 0 : centre - half, right == n ? 1 : centre + half};
}

LimMeasure
lim_mean_interval(const double *x, int n, double *sd)
{
    LIM_ASSERT(n >= 2);
    double mean = 0, squares = 0;
    for (int i = 0; i < n; i++)
        mean += x[i] / n;
    for (int i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    const double deviation = sqrt(squares / (n - 1));
    if (sd)
        *sd = deviation;
    const double half = student(n - 1) * deviation / sqrt(n);
    return (LimMeasure){mean, mean - half, mean + half};
}

LimMeasure
lim_jackknife(double value, const double *without, int groups)
{
    LIM_ASSERT(groups >= 2);
    double mean = 0, squares = 0;
    for (int g = 0; g < groups; g++)
        mean += without[g] / groups;
    for (int g = 0; g < groups; g++)
        squares += (without[g] - mean) * (without[g] - mean);
    const double half = student(groups - 1) * sqrt(squares * (groups - 1) / groups);
    return (LimMeasure){value, value - half, value + half};
}
