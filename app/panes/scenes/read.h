/* A PNG file that was dropped on the Scenes view: a picture, or one that was exported from there or
 * by `limen-cli attack dag` and carries the command that makes it again. */
#pragma once

#include "panes/scenes/run.h"

typedef struct LimScenesReadTask {
    LimTask base;
    char *path;
    /* after LIM_STEP_DONE */
    gboolean settings; /* it carries them: */
    LimScenesSetup setup;
    LimSceneSettings scenes;
    LimDagParams dag;
    gboolean fused; /* a sum, of these weights: */
    double weight[LIM_SCENES_NETS];
    gboolean permuted;
    char *own;       /* path of a person's own picture, or NULL */
    int wanted_size; /* 0: no painted segmentation */
    int32_t *wanted; /* [wanted_size][wanted_size] */
    char *gone;      /* the name of its file, which cannot be read; or NULL */
} LimScenesReadTask;
LimTask *lim_scenes_read_task_new(const char *path);
