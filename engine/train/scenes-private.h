/* What segmenters and detectors do differently in training. */
#pragma once

#include "train/network.h"
#include "train/scenes.h"

#define LIM_SCENE_LOSSES 4

typedef struct LimSceneTrainer {
    LimTask base;
    const struct LimSceneTraineeClass *klass;
    LimSceneTraining p;
    const LimScenes *scenes;
    char *checkpoint;
    LimTrainLog log;
    LimStore *store;
    LimOptim *optim;
    LimStepPlan plan;
    LimVal loss[LIM_SCENE_LOSSES];
    float *x;        /* [batch][3][size][size] */
    float *noise;    /* as x */
    int32_t *mask;   /* [batch][size][size] */
    LimScene *scene; /* [batch] */
    float momentum;
    int32_t step, n_sum;
    double sum[LIM_SCENE_LOSSES];
    struct json_t *measured;
    void *extra; /* of the class */
} LimSceneTrainer;

typedef struct LimSceneTraineeClass {
    LimSceneNetKind kind;
    const char *training; /* "a segmenter training", for sentences */
    int losses;
    const char *loss_name[LIM_SCENE_LOSSES];
    /* Plans the step into t->plan, the losses into t->loss, and binds its feeds. */
    LimStatus (*plan)(LimSceneTrainer *t, const LimExec *exec, LimError *err);
    /* Optional: what the step needs besides x, mask and scene. */
    LimStatus (*prepare)(LimSceneTrainer *t, const LimExec *exec, LimError *err);
    void (*clear)(LimSceneTrainer *t); /* optional */
} LimSceneTraineeClass;

extern const LimSceneTraineeClass lim_scene_segmenter_class, lim_scene_detector_class;
