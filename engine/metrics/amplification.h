/* Error amplification (Liao et al. 2018, section 3.2 and figure 3): how a small error of a picture
 * grows or shrinks through the layers of a classifier. For layer l of a classifier f, a clean
 * picture x and another one x' it is
 *
 *   |f_l(x') - f_l(x)|_1 / |f_l(x)|_1,
 *
 * with the picture itself, as the network sees it (in [-1,1]), as the first layer. */
#pragma once

#include "models/predictor.h"

#define LIM_AMPLIFICATION_LAYERS (LIM_CLASSIFIER_TAPS + 1)

typedef struct LimAmplifier LimAmplifier;

/* The classifier is borrowed, and must have taps (no ensemble). */
LimAmplifier *lim_amplifier_new(LimPredictor *classifier);
void lim_amplifier_free(LimAmplifier *a); /* NULL is fine */

/* The layers in the order in which they are computed: "picture", then those of LimClassifierTaps.
 * Known after the first run. */
int lim_amplifier_layers(const LimAmplifier *a);
const char *lim_amplifier_layer(const LimAmplifier *a, int layer); /* borrowed */

/* clean and other [n][c][h][w] in [-1,1], any n; ratio [n][lim_amplifier_layers()] receives the
 * relative error of each picture in each layer (room for LIM_AMPLIFICATION_LAYERS a picture; 0 / 0
 * is 0). */
LimStatus lim_amplifier_run(LimAmplifier *a, const LimExec *exec, const float *clean,
                            const float *other, int n, double *ratio, LimError *err);
