/* What attacks need again and again: the list of classifiers, those that were loaded, and the data
 * sets. It belongs to the worker thread; other threads only hold references. */
#pragma once

#include "data/dataset.h"
#include "models/denoiser.h"
#include "models/predictor.h"

typedef struct LimBench LimBench;
/* folder: where models are looked for; samples: the folder of the sample set. */
LimBench *lim_bench_new(const char *folder, const char *samples);
LimBench *lim_bench_ref(LimBench *b); /* atomic */
void lim_bench_unref(LimBench *b);    /* NULL is fine */

/* The paths of all classifiers in the folder, sorted, found at the first call. */
int lim_bench_models(LimBench *b, const char *const **paths);
/* The same of denoisers. */
int lim_bench_denoisers(LimBench *b, const char *const **paths);
LimDenoiser *lim_bench_denoiser(LimBench *b, const char *path, LimError *err);
/* Loaded at the first call for that path; borrowed. */
LimPredictor *lim_bench_predictor(LimBench *b, const char *path, LimError *err);
/* split: "sample" or "test". Borrowed. */
const LimDataset *lim_bench_dataset(LimBench *b, const char *split, LimError *err);
