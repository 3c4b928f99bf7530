/* Variety within a class: the mean Euclidean distance between the features of two different samples
 * of it. 0 when a class is one picture; no bias from the number of samples, so it may be compared
 * between sets of different sizes, and with the same mean of real pictures. */
#pragma once

#include "metrics/features.h"
#include "metrics/interval.h"

/* of [classes]: each class's mean (NaN for classes of fewer than two); may be NULL. all: the mean
 * of those, with a jackknife interval whose ends are NaN when a class has fewer than 4 samples. */
LimStatus lim_variety(const LimExec *exec, const LimFeatures *f, LimMeasure *of, LimMeasure *all,
                      LimError *err);
