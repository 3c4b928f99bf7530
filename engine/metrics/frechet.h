/* The Frechet distance between two sets of features, each taken as a normal distribution:
 *   |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2)                          (Heusel et al. 2017, eq. 6)
 * with unbiased covariances. It is biased upwards, more so for few samples, and has no meaning
 * without the network whose features they are: state both. With Inception's features it is called
 * FID; ours is not that. */
#pragma once

#include "metrics/features.h"
#include "metrics/interval.h"

/* Of two normal distributions with means [n] and covariances [n][n]. NaN when a value is not
 * finite. */
double lim_frechet_normal(int n, const double *mean1, const double *cov1, const double *mean2,
                          const double *cov2);

/* Between samples and real pictures, at least two of each. The interval (jackknife) is over the
 * draw of samples; its ends are NaN with fewer than 2 LIM_JACKKNIFE_GROUPS samples. LIM_E_NUMERIC
 * when a feature is not finite. */
LimStatus lim_frechet(const LimExec *exec, const LimFeatures *samples, const LimFeatures *real,
                      LimMeasure *out, LimError *err);
