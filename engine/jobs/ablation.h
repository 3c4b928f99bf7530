/* Ablations: what each part of BigGAN and SAGAN contributes on this data, at equal steps.
 *
 * A base training of a small network, and the same with one thing changed; groups of them answer
 * one question each (attention, residual block or none; spectral norm; learning rates; batch size;
 * orthogonal regularisation under truncation). Every run is measured at the same iterations, and
 * its numbers stay in the folder as <run>-<seed>.json with the log of its losses and the model;
 * finished runs are not repeated, and a run that was stopped goes on from its checkpoint. */
#pragma once

#include "base/param.h"
#include "metrics/features.h"

typedef struct LimAblationSettings {
    uint64_t seed;     /* of the first repetition; the others count up */
    int seeds;         /* repetitions of each run */
    int group;         /* index into the choices: 0 all, else one group */
    int iterations;    /* of each run */
    int measures;      /* how often a run is measured, the last time at its end */
    int width;         /* ch of both networks */
    int batch;         /* of the base training; others have half, twice and four times as much */
    double g_lr, d_lr; /* of the base training; "equal rates" uses their geometric mean */
    int standing;      /* passes of standing statistics before a measurement */
    int samples;       /* pictures per measurement */
    double threshold;  /* truncation of a second measurement at the end */
} LimAblationSettings;

extern const LimParamSpec lim_ablation_schema[];

/* Everything is borrowed; the folder must exist. real: the judge's features of real pictures, not
 * those of train. NULL and err when they do not fit together. */
LimTask *lim_ablation_new(const LimAblationSettings *s, const LimDataset *train,
                          LimPredictor *judge, const LimFeatures *real, const char *folder,
                          LimError *err);

/* What is known so far, a new JSON object:
 * {"settings": {...}, "data": name,
 *  "runs": {"base": [{"seed", "settings", "finished", "points": [{"iteration", "asked", "frechet",
 *    "precision", "recall", "density", "coverage", "feature_variety", ...}]}]},
 * the last point also has the same under truncation ("asked_truncated", ...); all have what the log
 * says, and the largest singular values;
 *  "groups": [{"name", "question", "runs": [{"run": "base", "label": "attention"}]}]} */
struct json_t;
struct json_t *lim_ablation_results(const LimTask *t);
