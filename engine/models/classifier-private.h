/* One row per architecture of classifier.c's list: what stands between the picture and the last
 * layer. */
#pragma once

#include "models/classifier.h"

typedef struct LimClassifierFamily {
    /* x [n][channels][32][32] -> features [n][features(p)], with taps of what lies between. */
    LimVal (*build)(LimBuild *b, const LimClassifierParams *p, LimVal x, LimClassifierTaps *taps);
    int (*features)(const LimClassifierParams *p);
} LimClassifierFamily;

extern const LimClassifierFamily lim_classifier_residual, lim_classifier_plain, lim_classifier_vgg;

/* Records v under a name as the next tap; returns v. */
LimVal lim_classifier_tap(LimClassifierTaps *taps, LimVal v, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
