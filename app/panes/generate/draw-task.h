/* One request, from settings to bytes. */
#pragma once

#include "model.h"

typedef struct LimDrawTask {
    LimTask base;
    LimModel *model;
    LimSampleRequest request;
    LimTask *sample;
    uint8_t *pixels; /* after LIM_STEP_DONE: [count][h][w][c] */
} LimDrawTask;

LimTask *lim_draw_task_new(LimModel *model, const LimSampleRequest *request);
