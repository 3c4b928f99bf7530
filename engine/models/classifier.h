/* A residual classifier for 32x32 pictures. Its last feature vector (after global average pooling)
 * is also the feature space in which this project measures generators. */
#pragma once

#include "base/param.h"
#include "nn/build.h"

typedef struct LimClassifierParams {
    int channels; /* of pictures */
    int classes;
    int width; /* channels of the first stage; the stages have width, 2 width, 4 width */
} LimClassifierParams;

extern const LimParamSpec lim_classifier_schema[];
#define LIM_CLASSIFIER_SIZE 32

/* x [n][channels][32][32] in [-1,1] -> logits [n][classes]; features [n][4 width] when not NULL. */
LimVal lim_classifier(LimBuild *b, const LimClassifierParams *p, LimVal x, LimVal *features);
