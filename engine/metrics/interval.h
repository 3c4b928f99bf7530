/* How sure a measured number is: 95 % intervals. */
#pragma once

/* A measured value with its 95 % interval. */
typedef struct LimMeasure {
    double value, low, high;
} LimMeasure;

/* A proportion, right of n (Wilson 1927); of n = 0 nothing is known: 0.5 in 0 to 1. */
LimMeasure lim_proportion(int right, int n);

/* The mean of n independent values (Student's t); n >= 2. sd: their standard deviation, or NULL. */
LimMeasure lim_mean_interval(const double *x, int n, double *sd);

/* A statistic by the delete-a-group jackknife (Wolter 2007, chapter 4): value on all samples and on
 * all but group g, for `groups` >= 2 groups of equal size. For smooth statistics of the samples,
 * also where resampling with replacement would be biased (a Frechet distance, distances of pairs).
 */
LimMeasure lim_jackknife(double value, const double *without, int groups);
#define LIM_JACKKNIFE_GROUPS 20
