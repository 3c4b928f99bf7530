/* Denoisers: networks that take an adversarial picture back towards the clean one (Liao et al.
 * 2018, "Defense against Adversarial Attacks Using High-Level Representation Guided Denoiser").
 *
 * A unit is a 3x3 convolution without bias, batch norm, ReLU. Five stages of 2, 3, 3, 3, 3 units
 * encode, the first unit of each but the first with stride 2; channels w, 2w, 4w, 4w, 4w. Four
 * stages of 3, 3, 3, 2 units decode, each behind bilinear upsampling to the size that the encoder
 * had there (halves are rounded up, so every size works); channels 4w, 4w, 2w, w. A 1x1 convolution
 * without bias ends it.
 *
 * DUNET joins what the encoder had at each size (lateral links) and adds its output to the picture:
 * it learns the negative perturbation, and begins as the identity. DAE, the baseline, has neither:
 * everything goes through the bottleneck. Trained values with c colour channels:
 *   dunet  2691 w^2 + (152 + 10 c) w   (11,033,984 for the paper's w = 64, c = 3; 691,488 for 16,
 * 1) dae    2358 w^2 + (152 + 10 c) w */
#pragma once

#include "base/param.h"
#include "nn/build.h"
#include "run/exec.h"

typedef enum LimDenoiserArchitecture {
    LIM_DENOISER_DUNET,
    LIM_DENOISER_DAE
} LimDenoiserArchitecture;

typedef struct LimDenoiserParams {
    int architecture; /* LimDenoiserArchitecture */
    int channels;     /* of pictures */
    int width;        /* w */
} LimDenoiserParams;

extern const LimParamSpec lim_denoiser_schema[];

/* x [n][channels][h][w] in [-1,1] -> the same shape. Not clipped: classifiers see it as it is. */
LimVal lim_denoiser_network(LimBuild *b, const LimDenoiserParams *p, LimVal x);

/* ---- a trained denoiser, ready for use --------------------------------------------------------
 */

typedef struct LimDenoiser LimDenoiser;

/* Loads a model file written by `limen-cli train denoiser` (kind "denoiser"; its class names are
 * those of the pictures it was trained on). NULL and err on failure. */
LimDenoiser *lim_denoiser_load(const char *path, LimError *err);
/* From weights in memory (borrowed for the denoiser's life). */
LimDenoiser *lim_denoiser_new(const LimDenoiserParams *p, LimStore *store);
void lim_denoiser_free(LimDenoiser *d);                             /* NULL is fine */
const LimDenoiserParams *lim_denoiser_params(const LimDenoiser *d); /* borrowed */
const char *lim_denoiser_training(const LimDenoiser *d);            /* JSON, borrowed; or NULL */
uint64_t lim_denoiser_hash(const LimDenoiser *d);                   /* of its weights */

/* x and y [n][channels][h][w] in [-1,1], any n, h, w; y is not clipped and may be x. */
LimStatus lim_denoiser_run(LimDenoiser *d, const LimExec *exec, const float *x, int n, int h, int w,
                           float *y, LimError *err);
/* Appends the network with its weights to a graph of somebody else. The denoiser must outlive every
 * plan made of it. */
LimVal lim_denoiser_build(LimDenoiser *d, LimGraph *g, LimVal x);
