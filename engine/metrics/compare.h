/* Samples against real pictures by every measure there is, as a whole and class by class. Also what
 * pictures of another split give: the floor, which no generator can be expected to beat. */
#pragma once

#include "metrics/features.h"
#include "metrics/interval.h"

/* Measures that could not be taken (too few pictures) are NaN. */
typedef struct LimMeasures {
    int samples, pictures;
    LimMeasure asked;             /* share that the classifier sees as the class asked for */
    LimMeasure frechet;           /* in features of the classifier: metrics/frechet.h */
    LimMeasure precision, recall; /* k = LIM_PRECISION_K */
    LimMeasure density, coverage; /* k = LIM_DENSITY_K */
    LimMeasure variety;           /* as a share of that of the real pictures: metrics/variety.h */
} LimMeasures;

typedef struct LimComparison {
    LimMeasures all;
    LimMeasure inception; /* of the samples alone: metrics/inception_score.h */
    double inception_sd;
    double real_variety; /* mean distance in features */
    int classes;
    LimMeasures *of; /* [classes]: samples asked for as k against pictures of class k */
    int *confusion;  /* [asked][seen] */
} LimComparison;

/* A stepper; both sets are borrowed, samples must have probabilities. Steps are longer than a
 * window would like (up to a second or two for 10,000 against 10,000), but each can be cancelled.
 */
LimTask *lim_compare_new(const LimFeatures *samples, const LimFeatures *real);
/* Borrowed; whole after LIM_STEP_DONE. */
const LimComparison *lim_compare_result(const LimTask *t);
