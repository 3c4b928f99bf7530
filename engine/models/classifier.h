/* Classifiers for 32x32 pictures, in three families that share their parameters, trainer, files and
 * predictor. The residual one is the default; its last feature vector (after global average
 * pooling) is also the feature space in which this project measures generators. */
#pragma once

#include "base/param.h"
#include "nn/build.h"

typedef enum LimClassifierArchitecture {
    LIM_CLASSIFIER_RESIDUAL, /* stem, three residual stages, global average pool (He et al. 2016) */
    LIM_CLASSIFIER_PLAIN,    /* the test net of Carlini and Wagner 2017 (their table 1): 3x3 without
                              * padding w, w, pool, 2w, 2w, pool, two hidden layers, dropout */
    LIM_CLASSIFIER_VGG       /* pairs of 3x3 with batch norm, w, 2w, 4w, a pool after each pair, one
                              * hidden layer, dropout (Simonyan and Zisserman 2015) */
} LimClassifierArchitecture;

typedef struct LimClassifierParams {
    int architecture; /* LimClassifierArchitecture */
    int channels;     /* of pictures */
    int classes;
    int width;  /* w: channels of the first stage */
    int hidden; /* units of a hidden layer (plain, vgg) */
} LimClassifierParams;

extern const LimParamSpec lim_classifier_schema[];
#define LIM_CLASSIFIER_SIZE 32

/* What lies inside, in the order in which it is computed: the activations of every layer (a
 * residual block counts as one) and the logits. */
#define LIM_CLASSIFIER_TAPS 16
typedef struct LimClassifierTaps {
    LimVal features; /* [n][lim_classifier_features()]: what the last layer sees */
    LimVal map;      /* [n][c][h][w]: activations of the last convolution, before any pooling */
    int n;
    LimVal value[LIM_CLASSIFIER_TAPS];  /* [n].. */
    char name[LIM_CLASSIFIER_TAPS][16]; /* as in the names of the weights: "conv1", "linear" */
} LimClassifierTaps;

/* x [n][channels][32][32] in [-1,1] -> logits [n][classes]; taps may be NULL. */
LimVal lim_classifier(LimBuild *b, const LimClassifierParams *p, LimVal x, LimClassifierTaps *taps);
/* Length of the feature vector: residual 4 width, plain and vgg hidden. */
int lim_classifier_features(const LimClassifierParams *p);
