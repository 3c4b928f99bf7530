/* Attacks as files. */
#include "panes/attack/run-private.h"

#include <limits.h>
#include <stdlib.h>

typedef struct {
    LimTask base;
    LimTask *advance;
    LimAttackRun *run;
    char *path;
} SaveTask;

static LimStep
save_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    SaveTask *self = (SaveTask *)t;
    const LimAttackRun *r = self->run;
    const LimAttackSetup *s = &r->plan.setup;
    const LimStep step = lim_task_step(self->advance, exec, progress, err);

    if (step != LIM_STEP_DONE)
        return step;
    LimAttackResult result;
    lim_attack_result(r->attack, 0, &result);
    const LimAttackAbout about = {.klass = r->plan.method,
                                  .params = r->plan.params,
                                  .model = lim_attack_run_model(r),
                                  .denoiser = r->plan.denoiser,
                                  .oblivious = !s->through,
                                  .from = s->source == LIM_ATTACK_SAMPLES ? "sample"
                                          : s->source == LIM_ATTACK_TEST  ? "test"
                                          : r->plan.own.path              ? r->plan.own.path
                                                                          : r->plan.own.from,
                                  .picture = lim_attack_run_index(r),
                                  .right = r->right,
                                  .target = s->target,
                                  .queries = s->queries,
                                  .lattice = s->lattice,
                                  .seed = s->seed};
    return lim_attackfile_write(self->path, &about, r->shape, &result, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
save_free(LimTask *t)
{
    SaveTask *self = (SaveTask *)t;

    lim_task_free(self->advance);
    lim_attack_run_unref(self->run);
    free(self->path);
    free(self);
}

LimTask *
lim_save_task_new(LimAttackRun *run, const char *path)
{
    static const LimTaskClass klass = {"export an attack", save_step, NULL, save_free};
    SaveTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->advance = lim_advance_task_new(run, INT_MAX, false);
    self->run = lim_attack_run_ref(run);
    self->path = lim_strdup(path);
    return &self->base;
}

static LimStep
read_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimReadTask *self = (LimReadTask *)t;

    return lim_attackfile_read(self->path, &self->read, err) == LIM_OK ? LIM_STEP_DONE
                                                                       : LIM_STEP_FAILED;
}

static void
read_free(LimTask *t)
{
    LimReadTask *self = (LimReadTask *)t;

    free(self->read.params);
    free(self->path);
    free(self);
}

LimTask *
lim_read_task_new(const char *path)
{
    static const LimTaskClass klass = {"read settings", read_step, NULL, read_free};
    LimReadTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->path = lim_strdup(path);
    return &self->base;
}
