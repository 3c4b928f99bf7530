/* A generator, measured under one truncation threshold: draws samples, rounds them to 8 bit, asks
 * the classifier, compares with real pictures. */
#pragma once

#include "metrics/compare.h"
#include "models/generator.h"

typedef struct LimGanMetricsSettings {
    int samples;      /* the same number of every class (as far as it divides) */
    double threshold; /* 0: untruncated */
    int truncation;   /* LimTruncation */
    uint64_t seed;    /* sample i is sample i of a request with this seed */
} LimGanMetricsSettings;

/* A stepper. generator, predictor and real (that predictor's features of real pictures) are
 * borrowed. NULL and err when they do not fit together. */
LimTask *lim_gan_metrics_new(LimGenerator *g, LimPredictor *c, const LimFeatures *real,
                             const LimGanMetricsSettings *settings, LimError *err);
/* Borrowed; after LIM_STEP_DONE, before that NULL. */
const LimComparison *lim_gan_metrics_result(const LimTask *t);
