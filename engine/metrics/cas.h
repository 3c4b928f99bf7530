/* Classification accuracy score (Ravuri and Vinyals 2019): a classifier is trained on generated
 * samples only and tested on real pictures. It falls when samples are of another class than asked,
 * and when they lack what real pictures have. The ceiling is what the same training on real
 * pictures gives. */
#pragma once

#include "metrics/interval.h"
#include "models/generator.h"
#include "train/classifier.h"

typedef struct LimCasSettings {
    int samples;      /* to train on; the paper takes as many as there are real training pictures */
    double threshold; /* 0: untruncated, as in the paper */
    int truncation;   /* LimTruncation */
    uint64_t seed;    /* of the samples */
    LimClassifierTraining training; /* channels and classes are set from the generator */
} LimCasSettings;

/* A stepper: draws the samples (rounded to 8 bit), trains, tests. The generator and the real
 * pictures are borrowed. NULL and err when they do not fit together. */
LimTask *lim_cas_new(LimGenerator *g, const LimDataset *test, const LimCasSettings *settings,
                     LimError *err);
typedef struct LimCas {
    int samples, steps, pictures;
    LimMeasure accuracy; /* on the real pictures */
    int classes;
    int *confusion; /* [true][predicted] */
} LimCas;
/* Borrowed; after LIM_STEP_DONE, before that NULL. */
const LimCas *lim_cas_result(const LimTask *t);
