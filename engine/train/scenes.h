/* Trainer of the networks for scenes, segmenters and detectors. A stepper: one step is one batch.
 *
 * Scenes are made as the training goes, number step * batch and on of the training split, so none
 * comes twice. Each gets Gaussian noise of a standard deviation drawn up to `noise`, so that grain
 * by itself means nothing to the network. Adam; the learning rate rises over the first 2 % of the
 * steps and then falls to 0 along half a cosine. */
#pragma once

#include "data/scenes.h"
#include "models/scene-net.h"
#include "train/supervised.h"

typedef struct LimSceneTraining {
    LimSceneNetParams model;
    LimSceneSettings scenes;
    uint64_t seed;
    int steps, batch;
    double lr;
    double noise;            /* of 255 */
    char from[LIM_TEXT_MAX]; /* model file to begin with; empty: weights are drawn */
    int checkpoint_every;    /* steps; 0: only at the end */
} LimSceneTraining;
extern const LimParamSpec lim_scene_training_schema[];

/* scenes: the training split under p->scenes (borrowed). checkpoint: path of the checkpoint,
 * resumed from when it exists (then its settings must equal p's); NULL: none. */
LimTask *lim_scene_trainer_new(LimSceneNetKind kind, const LimSceneTraining *p,
                               const LimScenes *scenes, const char *checkpoint, LimTrainLog log,
                               const LimExec *exec, LimError *err);
/* Writes the model file (float16). measured: what was measured on it, an object (taken). */
LimStatus lim_scene_trainer_save(LimTask *t, const char *path, const char *command,
                                 struct json_t *measured, LimError *err);
struct json_t *lim_scene_trainer_measured(const LimTask *t); /* by the last save; borrowed */
LimSceneNetKind lim_scene_trainer_kind(const LimTask *t);
