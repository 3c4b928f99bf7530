/* A trained classifier, ready to be asked: logits and features of pictures in batches. */
#pragma once

#include "models/classifier.h"
#include "run/exec.h"

typedef struct LimPredictor LimPredictor;

/* Loads a model file written by `limen-cli train classifier`. NULL and err on failure. */
LimPredictor *lim_predictor_load(const char *path, LimError *err);
/* From weights in memory (borrowed for the predictor's life). */
LimPredictor *lim_predictor_new(const LimClassifierParams *p, LimStore *store);
void lim_predictor_free(LimPredictor *c);
int lim_predictor_classes(const LimPredictor *c);
const char *lim_predictor_class_name(const LimPredictor *c, int k); /* borrowed; "" when unnamed */
LimShape lim_predictor_image_shape(const LimPredictor *c);          /* {c, h, w} */
int lim_predictor_features(const LimPredictor *c);                  /* length of a feature vector */
uint64_t lim_predictor_hash(const LimPredictor *c); /* of its weights: names a feature space */

/* x [n][c][h][w] in [-1,1], any n; logits [n][classes] and features [n][features] may be NULL. */
LimStatus lim_predictor_run(LimPredictor *c, const LimExec *exec, const float *x, int n,
                            float *logits, float *features, LimError *err);
/* The same with probabilities [n][classes], the softmax of the logits. */
LimStatus lim_predictor_judge(LimPredictor *c, const LimExec *exec, const float *x, int n,
                              float *probability, float *features, LimError *err);

/* Appends the network with its weights to a graph of somebody else: x [n][c][h][w] in [-1,1] ->
 * logits [n][classes]. The predictor must outlive every plan made of it. */
LimVal lim_predictor_build(LimPredictor *c, LimGraph *g, LimVal x);
/* The same, and what lies inside. */
LimVal lim_predictor_build_taps(LimPredictor *c, LimGraph *g, LimVal x, LimClassifierTaps *taps);
