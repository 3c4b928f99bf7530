/* One request, from settings to bytes. */
#pragma once

#include "model.h"

typedef struct LimDrawTask {
    LimTask base;
    LimModel *model;
    LimSampleRequest request;
    LimTask *sample;
    /* After LIM_STEP_DONE: */
    uint8_t *pixels; /* [count][h][w][c] */
    float *latents;  /* [count][latent] */
} LimDrawTask;

/* maps: also those of attention, for lim_sample_task_maps(sample); the model must have it. */
LimTask *lim_draw_task_new(LimModel *model, const LimSampleRequest *request, bool maps);
