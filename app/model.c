/* Model files are read on the worker like everything else that takes time. */
#include "model.h"

#include "attacks/universalfile.h"
#include "models/modelfile.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct LimModel {
    atomic_int refs;
    LimGenerator *generator;
    char *path;
};

LimModel *
lim_model_ref(LimModel *m)
{
    atomic_fetch_add(&m->refs, 1);
    return m;
}

void
lim_model_unref(LimModel *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    lim_generator_free(m->generator);
    free(m->path);
    free(m);
}

LimGenerator *
lim_model_generator(LimModel *m)
{
    return m->generator;
}

const char *
lim_model_path(const LimModel *m)
{
    return m->path;
}

typedef struct {
    LimTask base;
    char *path;
    LimModel *model;
    char holds[64];
} LoadTask;

/* What a file holds that is no generator, as far as its head tells. */
static void
look_inside(LoadTask *self)
{
    LimModelFile *file = lim_modelfile_open(self->path, NULL);
    LimStFile *st = file ? NULL : lim_st_open(self->path, NULL);

    if (file)
        memcpy(self->holds, file->model, sizeof file->model);
    else if (st && lim_st_metadata(st, LIM_UNIVERSALFILE_KEY))
        strcpy(self->holds, "universal perturbation");
    lim_modelfile_free(file);
    if (st)
        lim_st_free(st);
}

static LimStep
load_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LoadTask *self = (LoadTask *)t;
    LimGenerator *generator = lim_generator_load(self->path, err);

    if (!generator) {
        look_inside(self);
        return LIM_STEP_FAILED;
    }
    self->model = lim_alloc(1, sizeof *self->model);
    atomic_init(&self->model->refs, 1);
    self->model->generator = generator;
    self->model->path = lim_strdup(self->path);
    return LIM_STEP_DONE;
}

static void
load_free(LimTask *t)
{
    LoadTask *self = (LoadTask *)t;

    lim_model_unref(self->model);
    free(self->path);
    free(self);
}

static const LimTaskClass load_class = {"load model", load_step, NULL, load_free};

LimTask *
lim_load_task_new(const char *path)
{
    LoadTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &load_class;
    self->path = lim_strdup(path);
    return &self->base;
}

const char *
lim_load_task_holds(const LimTask *t)
{
    return ((const LoadTask *)t)->holds;
}

const char *
lim_load_task_path(const LimTask *t)
{
    return ((const LoadTask *)t)->path;
}

LimModel *
lim_load_task_steal(LimTask *t)
{
    LoadTask *self = (LoadTask *)t;
    LimModel *model = self->model;

    self->model = NULL;
    return model;
}
