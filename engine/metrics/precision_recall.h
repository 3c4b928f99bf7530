/* Improved precision and recall (Kynkaanniemi et al. 2019, equations 1 and 2). The manifold of a
 * set is the union of closed balls around its points, each as large as the distance to the point's
 * k-th nearest other. precision: the share of samples on the manifold of real pictures; recall: the
 * share of real pictures on the manifold of samples. */
#pragma once

#include "metrics/interval.h"
#include "metrics/neighbours.h"

#define LIM_PRECISION_K 3

/* The share of points that lie in some of the balls; around [n] as lim_balls() counts it. */
LimMeasure lim_share_covered(const int *around, int n);

/* Both at once, with as many samples as real pictures or not; more than LIM_PRECISION_K of each.
 * Sets the intervals over samples (precision) and over real pictures (recall). For big sets cut
 * into steps, call lim_nearest() and lim_balls() in ranges. */
LimStatus lim_precision_recall(const LimExec *exec, const LimPoints *samples, const LimPoints *real,
                               LimMeasure *precision, LimMeasure *recall, LimError *err);
