/* Files are read and written on the worker: a slow disk must not hold the window up. */
#include "panes/generate/file-task.h"

#include "attacks/attackfile.h"
#include "models/samplefile.h"
#include "models/strip.h"

#include <stdlib.h>

typedef struct {
    LimTask base;
    char *path;
    LimModel *model;
    LimSampleRequest request;
    LimTask *sample;
} ExportTask;

static LimStep
export_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    ExportTask *self = (ExportTask *)t;
    LimStep step = lim_task_step(self->sample, exec, progress, err);

    if (step != LIM_STEP_DONE)
        return step;
    return lim_samplefile_write(self->path, lim_sample_task_image(self->sample),
                                lim_model_path(self->model), &self->request, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
export_free(LimTask *t)
{
    ExportTask *self = (ExportTask *)t;

    lim_task_free(self->sample);
    lim_model_unref(self->model);
    free(self->path);
    free(self);
}

LimTask *
lim_export_task_new(const char *path, LimModel *model, const LimSampleRequest *request)
{
    static const LimTaskClass klass = {"export samples", export_step, NULL, export_free};
    ExportTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->path = lim_strdup(path);
    self->model = lim_model_ref(model);
    self->request = *request;
    self->sample = lim_sample_task_new(lim_model_generator(model), request);
    return &self->base;
}

typedef struct {
    LimTask base;
    char *path;
    LimModel *model;
    LimAttentionSheet sheet;
    LimTask *draw;
} AttentionTask;

static LimStep
attention_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    AttentionTask *self = (AttentionTask *)t;
    LimGenerator *g = lim_model_generator(self->model);

    if (!self->draw && !(self->draw = lim_attention_task_new(g, &self->sheet, err)))
        return LIM_STEP_FAILED;
    LimStep step = lim_task_step(self->draw, exec, progress, err);
    if (step != LIM_STEP_DONE)
        return step;
    return lim_attention_write(self->path, self->draw, g, lim_model_path(self->model), &self->sheet,
                               LIM_SAMPLE_SCALE, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
attention_free(LimTask *t)
{
    AttentionTask *self = (AttentionTask *)t;

    lim_task_free(self->draw);
    lim_model_unref(self->model);
    free(self->path);
    free(self);
}

LimTask *
lim_attention_export_task_new(const char *path, LimModel *model, const LimAttentionSheet *sheet)
{
    static const LimTaskClass klass = {"export maps", attention_step, NULL, attention_free};
    AttentionTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->path = lim_strdup(path);
    self->model = lim_model_ref(model);
    self->sheet = *sheet;
    return &self->base;
}

static LimStep
restore_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimRestoreTask *self = (LimRestoreTask *)t;

    /* Settings of mere samples are also in the others, so they are looked for last. */
    if (lim_attention_read(self->path, &self->attention, self->made_with, NULL) == LIM_OK) {
        self->has_attention = true;
        self->request = self->attention.request;
    } else if (lim_sweep_read(self->path, &self->sweep, self->made_with, NULL) == LIM_OK) {
        self->has_sweep = true;
        self->request = self->sweep.request;
    } else if (lim_strip_read(self->path, &self->way, self->made_with, NULL) == LIM_OK) {
        self->has_way = true;
        self->request = self->way.from.request;
    } else if (lim_samplefile_read(self->path, &self->request, self->made_with, err) != LIM_OK) {
        LimAttackRead attack;
        self->of_attack = lim_attackfile_read(self->path, &attack, NULL) == LIM_OK;
        if (self->of_attack)
            free(attack.params);
        return LIM_STEP_FAILED;
    }
    return LIM_STEP_DONE;
}

static void
restore_free(LimTask *t)
{
    free(((LimRestoreTask *)t)->path);
    free(t);
}

LimTask *
lim_restore_task_new(const char *path)
{
    static const LimTaskClass klass = {"read settings", restore_step, NULL, restore_free};
    LimRestoreTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->path = lim_strdup(path);
    return &self->base;
}
