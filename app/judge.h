/* The classifier that judges samples, and real pictures as it sees them: what several computations
 * share. Loaded when the first one asks. */
#pragma once

#include "metrics/features.h"

/* Reference-counted (atomically). What it holds belongs to the worker thread until
 * lim_judge_load() has succeeded there; from then on it does not change. */
typedef struct LimJudge LimJudge;
LimJudge *lim_judge_new(const char *classifier_path, const char *features_path);
LimJudge *lim_judge_ref(LimJudge *j);
void lim_judge_unref(LimJudge *j); /* NULL is fine */

/* On the worker thread. Does nothing the second time; a failure is tried again. */
LimStatus lim_judge_load(LimJudge *j, LimError *err);
/* After that; borrowed. */
LimPredictor *lim_judge_predictor(LimJudge *j);
const LimFeatures *lim_judge_real(LimJudge *j);
const char *lim_judge_path(const LimJudge *j); /* of the classifier; borrowed */
