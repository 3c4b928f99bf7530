/* A trained classifier, ready to be asked: logits and features of pictures in batches. Two are made
 * of others and can be asked, differentiated and attacked like any: a classifier behind a denoiser,
 * and several that answer together. */
#pragma once

#include "models/classifier.h"
#include "models/denoiser.h"
#include "run/exec.h"

typedef struct LimPredictor LimPredictor;

/* Loads a model file written by `limen-cli train classifier`. NULL and err on failure. */
LimPredictor *lim_predictor_load(const char *path, LimError *err);
/* From weights in memory (borrowed for the predictor's life). */
LimPredictor *lim_predictor_new(const LimClassifierParams *p, LimStore *store);
/* c behind d: what c says of the denoised picture, gradients through both (both borrowed, and asked
 * by one thread at a time, as everything of theirs). Features and taps are c's. LIM_E_SHAPE when d
 * is for other pictures. */
LimPredictor *lim_predictor_behind(LimDenoiser *d, LimPredictor *c, LimError *err);
/* The mean of the logits of n >= 1 classifiers (borrowed) of the same pictures and classes; it has
 * no features and no taps. */
#define LIM_PREDICTOR_PARTS 8
LimPredictor *lim_predictor_ensemble(LimPredictor *const *parts, int n, LimError *err);
void lim_predictor_free(LimPredictor *c); /* NULL is fine */
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
