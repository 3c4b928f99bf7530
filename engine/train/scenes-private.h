/* What segmenters and detectors do differently in training. */
#pragma once

#include "train/scenes.h"

#define LIM_SCENE_NET_SPECS 3
#define LIM_SCENE_SPECS     4

typedef struct LimSceneTrainer {
    LimSupervised base;
    const struct LimSceneTraineeClass *klass;
    LimSceneTraining p, same; /* same: without what a resumed training may change */
    LimParamSpec setting[LIM_SCENE_NET_SPECS + LIM_SCENE_SPECS + 1]; /* of same's network, scenes */
    const LimScenes *scenes;
    float *x;        /* [batch][3][size][size] */
    float *noise;    /* as x */
    int32_t *mask;   /* [batch][size][size] */
    LimScene *scene; /* [batch] */
    struct json_t *measured;
    void *extra; /* of the class */
} LimSceneTrainer;

typedef struct LimSceneTraineeClass {
    LimSceneNetKind kind;
    const char *training; /* "a segmenter training", for sentences */
    int losses;
    const char *loss_name[LIM_SUPERVISED_LOSSES];
    /* Plans the step into base.plan, the losses into base.loss, and binds its feeds. */
    LimStatus (*plan)(LimSceneTrainer *t, const LimExec *exec, LimError *err);
    /* Optional: what the step needs besides x, mask and scene. */
    LimStatus (*prepare)(LimSceneTrainer *t, const LimExec *exec, LimError *err);
    void (*clear)(LimSceneTrainer *t); /* optional */
} LimSceneTraineeClass;

extern const LimSceneTraineeClass lim_scene_segmenter_class, lim_scene_detector_class;
