/* Samples, from settings to bytes. */
#pragma once

#include "model.h"

typedef struct LimDrawTask {
    LimTask base;
    LimModel *model;
    LimSample *samples; /* [n]; of a request: its samples in order; of a way: NULL */
    int n;
    LimTask *sample;
    bool want_latents;
    /* After LIM_STEP_DONE: */
    uint8_t *pixels; /* [n][h][w][c] */
    float *latents;  /* [n][latent] of a request, else NULL */
} LimDrawTask;

/* maps: also those of attention, for lim_sample_task_maps(sample); the model must have it. */
LimTask *lim_draw_request_task_new(LimModel *model, const LimSampleRequest *request, bool maps);
/* samples [n] are copied. */
LimTask *lim_draw_samples_task_new(LimModel *model, const LimSample *samples, int n, bool maps);
/* Picture [row][step] of the ways between two samples. */
LimTask *lim_draw_way_task_new(LimModel *model, const LimInterpolation *way);
