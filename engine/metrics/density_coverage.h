/* Density and coverage (Naeem et al. 2020, equations 4 and 6). Around every real picture lies an
 * open ball as large as the distance to its k-th nearest other real picture. density: in how many
 * balls a sample lies, on average, divided by k (it can exceed 1); coverage: the share of balls
 * that hold a sample. Unlike precision, density is not fooled by one outlier's huge ball; unlike
 * recall, coverage is not by samples that are outliers. */
#pragma once

#include "metrics/interval.h"
#include "metrics/neighbours.h"

#define LIM_DENSITY_K 5

/* Intervals are over samples (density) and over real pictures (coverage). At least 2 samples, more
 * than LIM_DENSITY_K pictures. */
LimStatus lim_density_coverage(const LimExec *exec, const LimPoints *samples, const LimPoints *real,
                               LimMeasure *density, LimMeasure *coverage, LimError *err);
