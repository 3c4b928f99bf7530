/* The Inception Score of samples under our own classifier:
 *   exp(E_x KL(p(y|x) || p(y)))                                          (Salimans et al. 2016)
 * between 1 and the number of classes: high when every sample is surely of one class and all
 * classes occur. With another network's probabilities it is not comparable. */
#pragma once

#include "metrics/interval.h"

#define LIM_INCEPTION_SPLITS 10

/* p [n][classes], rows add up to 1. The usual protocol: the score of each of ten equal parts; their
 * mean, with its 95 % interval, and their standard deviation. n >= 2 LIM_INCEPTION_SPLITS. */
LimMeasure lim_inception_score(const float *p, int n, int classes, double *sd);
