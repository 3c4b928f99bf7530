/* What the networks for scenes share: two backbones, the settings, and loaded networks.
 *
 * A backbone turns a picture into feature maps in four stages of w, 2w, 4w, 8w channels, a 2x2 max
 * pool before every stage but the first.
 *   vgg       a pair of 3x3 convolutions with batch norm and ReLU in each stage (Simonyan and
 *             Zisserman 2015)
 *   residual  one such convolution in the first stage, a residual block in each other one (He et
 *             al. 2016)
 */
#pragma once

#include "base/param.h"
#include "models/modelfile.h"
#include "nn/build.h"

typedef enum LimBackbone { LIM_BACKBONE_VGG, LIM_BACKBONE_RESIDUAL } LimBackbone;

typedef struct LimSceneNetParams {
    int backbone; /* LimBackbone */
    int classes;  /* with the background, which is 0 */
    int width;    /* w */
} LimSceneNetParams;
extern const LimParamSpec lim_scene_net_schema[];

#define LIM_BACKBONE_STAGES 4
/* x [n][3][h][w] in [-1,1], sides multiples of 8; pools: how many stages begin with a pool, 2 or 3
 * (the last stages go without). stage[i] [n][w << i][h >> min(i, pools)][...]. */
void lim_backbone(LimBuild *b, const LimSceneNetParams *p, int pools, LimVal x,
                  LimVal stage[LIM_BACKBONE_STAGES]);

/* ---- a trained network ------------------------------------------------------------------------
 */

typedef enum LimSceneNetKind { LIM_SCENE_SEGMENTER, LIM_SCENE_DETECTOR } LimSceneNetKind;
extern const char *const lim_scene_net_kinds[]; /* "segmenter", "detector": as in model files */

typedef struct LimSceneNet {
    LimSceneNetKind kind;
    LimSceneNetParams params;
    LimStore *store; /* borrowed, or owned_store */
    LimStore *owned_store;
    char (*class_names)[32]; /* [classes]; NULL for one from memory */
    char *training;          /* JSON or NULL */
} LimSceneNet;

/* Loads a model file of `limen-cli train segmenter` or `train detector`. NULL and err on failure.
 */
LimSceneNet *lim_scene_net_load(const char *path, LimError *err);
/* From weights in memory (borrowed for the network's life). */
LimSceneNet *lim_scene_net_new(LimSceneNetKind kind, const LimSceneNetParams *p, LimStore *store);
void lim_scene_net_free(LimSceneNet *n); /* NULL is fine */
