/* Sample files (models/samplefile.h) as tasks: the picture of a request, and the settings back. */
#pragma once

#include "model.h"
#include "models/attention-sheet.h"
#include "models/sweep.h"

/* Computes the request and writes it to path. */
LimTask *lim_export_task_new(const char *path, LimModel *model, const LimSampleRequest *request);

/* The same of the maps of its samples (models/attention-sheet.h). */
LimTask *lim_attention_export_task_new(const char *path, LimModel *model,
                                       const LimAttentionSheet *sheet);

typedef struct LimRestoreTask {
    LimTask base;
    char *path;
    /* After LIM_STEP_DONE: */
    bool has_sweep, has_way, has_attention; /* the picture is a sheet, an interpolation, maps */
    bool of_attack; /* after LIM_STEP_FAILED: it is the result of an attack */
    LimSampleRequest request;
    LimSweep sweep;
    LimInterpolation way;
    LimAttentionSheet attention;
    char made_with[LIM_TEXT_MAX];
} LimRestoreTask;

LimTask *lim_restore_task_new(const char *path);
