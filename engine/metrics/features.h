/* Pictures as a classifier's features: the space in which generators are measured here.
 *
 * A feature vector is what our own classifier computes before its last layer (after global average
 * pooling), not Inception's: distances in it are comparable only with distances under the same
 * classifier file. So a file of features names the classifier by the hash of its weights. */
#pragma once

#include "data/dataset.h"
#include "models/predictor.h"
#include "run/task.h"

typedef struct LimFeatures {
    char name[64], split[16]; /* of the data set; "" for generated pictures */
    int n, size, classes;     /* vectors, their length */
    float *x;                 /* [n][size] */
    float *probability;       /* [n][classes] of the classifier, or NULL (features from a file) */
    int32_t *label;           /* [n] true class, or the class asked for */
} LimFeatures;

/* Zeros, with probabilities. */
LimFeatures *lim_features_new(int n, int size, int classes);
void lim_features_free(LimFeatures *f); /* NULL is fine */
/* Those of one class, in order; a copy. */
LimFeatures *lim_features_class(const LimFeatures *f, int label);

/* A task over pictures index[0..n) of a data set (index NULL: the first n); all are borrowed. After
 * LIM_STEP_DONE, once: the features; the caller owns them. */
LimTask *lim_features_task_new(LimPredictor *c, const LimDataset *d, const uint32_t *index, int n,
                               LimError *err);
LimFeatures *lim_features_task_steal(LimTask *t);

/* Files: safetensors with float16 "features" [n][size] and uint8 "label" [n]. Loading fails when
 * the file was made with another classifier than c. */
LimStatus lim_features_save(const LimFeatures *f, const LimPredictor *c, const char *command,
                            const char *path, LimError *err);
LimFeatures *lim_features_load(const char *path, const LimPredictor *c, LimError *err);
