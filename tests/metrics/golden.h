/* The values of tests/golden/metrics.safetensors. */
#pragma once

#include "metrics/features.h"

#include <glib.h>

/* Borrowed until golden_clear(), as all others; length (may be NULL) is the number of values. */
const double *golden_f64(const char *name, int *length);
/* The set "real" or "samples", without probabilities; samples have the labels of the file. */
LimFeatures *golden_features(const char *name);
/* "mask" [2][n]. */
const int32_t *golden_i32(const char *name, int *n);
/* "probability" [n][classes]; "found", "truth" [n][columns]. */
const float *golden_f32(const char *name, int *n, int *classes);
void golden_clear(void);
