/* From a plan to an attack that has begun. */
#include "panes/attack/run-private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL 200 /* pictures of the set to start from, for attacks that see labels only */

/* ---- listing ---- */

static LimStep
list_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimListTask *self = (LimListTask *)t;

    self->n = lim_bench_models(self->bench, &self->paths);
    self->n_denoisers = lim_bench_denoisers(self->bench, &self->denoisers);
    return LIM_STEP_DONE;
}

static void
list_free(LimTask *t)
{
    lim_bench_unref(((LimListTask *)t)->bench);
    free(t);
}

LimTask *
lim_list_task_new(LimBench *bench)
{
    static const LimTaskClass klass = {"list classifiers", list_step, NULL, list_free};
    LimListTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->bench = lim_bench_ref(bench);
    return &self->base;
}

/* ---- beginning ---- */

typedef struct {
    LimTask base;
    LimBench *bench;
    LimAttackPlan plan;
    LimAttackRun *from, *run;
} BeginTask;

static LimPredictor *
attacked(const LimAttackRun *r)
{
    return r->behind && r->plan.setup.through ? r->behind : r->predictor;
}

/* The victim of the plan. */
static LimVictim *
make_victim(LimAttackRun *r, const LimExec *exec, LimError *err)
{
    const LimOracleSettings *o = &r->plan.setup.oracle;

    if (!lim_attack_run_external(r))
        return lim_victim_new(attacked(r), r->plan.method->access);
    if (!*o->command) {
        lim_fail(err, LIM_E_PARAM,
                 "type the command of the program that is to be attacked, and press Enter");
        return NULL;
    }
    const LimOracleOptions options = {o->command, r->shape, o->timeout, o->retries};
    LimVictim *v = lim_oracle_new(&options, exec, err);
    if (v && v->classes > r->classes) {
        lim_fail(err, LIM_E_PARAM, "the program knows %d classes; names are known for %d only",
                 v->classes, r->classes);
        lim_victim_free(v);
        return NULL;
    }
    return v;
}

/* Bytes in [-1,1] -> exactly byte / 255. */
static void
to_unit(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = roundf((x[i] + 1) * 127.5F) / 255;
}

/* The picture of the plan in the shape of the classifier, and its class (-1: not known). */
static LimStatus
take_picture(LimAttackRun *r, LimError *err)
{
    const LimAttackSetup *s = &r->plan.setup;
    const int c = r->shape.d[0], h = r->shape.d[1], w = r->shape.d[2];

    r->right = -1;
    if (s->source == LIM_ATTACK_OWN) {
        const LimOwnPicture *own = &r->plan.own;
        if (own->path) {
            const char *slash = strrchr(own->path, '/');
            snprintf(r->what, sizeof r->what, "%s", slash ? slash + 1 : own->path);
            return lim_attackfile_picture(own->path, r->shape, r->clean, err);
        }
        if (!own->planes)
            return lim_fail(err, LIM_E_PARAM,
                            "there is no picture of your own yet: drop a PNG on this window, or "
                            "send a sample from Generate");
        if (own->c != c || own->h != h || own->w != w)
            return lim_fail(err, LIM_E_SHAPE,
                            "%s draws pictures of %d × %d; the classifier takes %d × %d", own->from,
                            own->w, own->h, w, h);
        memcpy(r->clean, own->planes, r->size * sizeof(float));
        snprintf(r->what, sizeof r->what, "sample %d of %s", own->index + 1, own->from);
        return LIM_OK;
    }
    const bool test = s->source == LIM_ATTACK_TEST;
    const LimDataset *d = lim_bench_dataset(r->bench, test ? "test" : "sample", err);
    if (!d)
        return err->code;
    if (d->c != c || d->h > h || d->w > w || h != w)
        return lim_fail(err, LIM_E_SHAPE, "pictures of %d × %d do not fit this classifier", d->w,
                        d->h);
    r->pictures = d->n;
    const uint32_t index = lim_attack_run_index(r);
    int32_t label;
    lim_dataset_batch(d, &index, 1, h, r->clean, &label);
    to_unit(r->clean, r->size);
    r->right = label;
    snprintf(r->what, sizeof r->what, "%s picture %u", test ? "test" : "sample", index);
    return LIM_OK;
}

/* Pictures to start from: the last of the data set that the picture comes from; for a picture of
 * one's own, of the test set where there is one. Returns how many. */
static int
take_pool(LimAttackRun *r, float **pool, int32_t **label)
{
    LimError none = LIM_ERROR_INIT; /* without data the attack starts from noise */
    const LimDataset *d =
        lim_bench_dataset(r->bench, r->plan.setup.source == LIM_ATTACK_SAMPLES ? "sample" : "test",
                          &none);
    uint32_t index[POOL];

    if (!d || d->c != r->shape.d[0] || d->h > r->shape.d[1] || d->w > r->shape.d[2])
        return 0;
    const int n = d->n < POOL ? d->n : POOL;
    for (int i = 0; i < n; i++)
        index[i] = (uint32_t)(d->n - n + i);
    *pool = lim_alloc((size_t)n * r->size, sizeof **pool);
    *label = lim_alloc((size_t)n, sizeof **label);
    lim_dataset_batch(d, index, n, r->shape.d[1], *pool, *label);
    to_unit(*pool, (size_t)n * r->size);
    return n;
}

/* Goes on from where another run has got, as far as it is the same attack. */
static void
resume(LimAttackRun *r, const LimAttackRun *from)
{
    if (!from || !from->trace || !lim_attack_plan_same_way(&r->plan, &from->plan))
        return;
    const int64_t allowed = lim_attack_left(r->attack, 0) - 1; /* one is about the original */
    int steps = lim_boundary_common(lim_attack_plan_restarts(&r->plan),
                                    lim_attack_plan_restarts(&from->plan));
    if (steps > lim_boundary_trace_n(from->trace))
        steps = lim_boundary_trace_n(from->trace);
    if (steps > allowed)
        steps = (int)allowed;
    if (steps < 1)
        return;
    lim_boundary_resume(r->attack, from->trace, steps - 1);
    lim_boundary_trace_unref(r->trace);
    r->trace = lim_boundary_dup_trace(r->attack, 0);
    const LimFrame *f;
    for (int i = 1; (f = lim_recording_frame(from->recording, i))->queries < BEFORE_TRACE; i++)
        lim_recording_append(r->recording, f, false);
}

/* Looking at pictures, one at a time, that nobody counts. */
static LimVictim *
new_eye(LimPredictor *of)
{
    LimVictim *eye = lim_victim_new(of, LIM_ACCESS_GRADIENT);

    lim_victim_begin(eye, 1, 0);
    return eye;
}

static LimStatus
open_denoiser(LimAttackRun *r, LimError *err)
{
    if (!r->plan.denoiser)
        return LIM_OK;
    if (!*r->plan.denoiser)
        return lim_fail(err, LIM_E_PARAM,
                        "choose the file of a denoiser, or another defence; limen-cli train "
                        "denoiser writes such files");
    r->denoiser = lim_bench_denoiser(r->bench, r->plan.denoiser, err);
    if (r->denoiser)
        r->behind = lim_predictor_behind(r->denoiser, r->predictor, err);
    if (!r->behind)
        return err->code;
    r->last = new_eye(r->behind);
    return LIM_OK;
}

static LimStatus
begin(LimAttackRun *r, const LimAttackRun *from, const LimExec *exec, LimError *err)
{
    const LimAttackSetup *s = &r->plan.setup;
    const char *const *paths;
    const char *path = r->plan.model;

    if (!path) {
        if (lim_bench_models(r->bench, &paths) == 0)
            return lim_fail(err, LIM_E_IO, "there is no classifier in the folder of models");
        path = paths[0];
    }
    r->model = lim_strdup(path);
    r->predictor = lim_bench_predictor(r->bench, path, err);
    if (!r->predictor)
        return err->code;
    r->shape = lim_predictor_image_shape(r->predictor);
    r->size = (size_t)lim_shape_size(r->shape);
    r->classes = lim_predictor_classes(r->predictor);
    r->clean = lim_alloc(r->size, sizeof(float));
    r->probability = lim_alloc((size_t)r->classes, sizeof(float));
    if (take_picture(r, err) != LIM_OK)
        return err->code;
    if (open_denoiser(r, err) != LIM_OK)
        return err->code;
    r->eye = new_eye(attacked(r));
    r->plain = new_eye(r->predictor);
    r->victim = make_victim(r, exec, err);
    if (!r->victim)
        return err->code;
    int32_t said = 0;
    if (!lim_attack_run_external(r)) {
        said = lim_attack_run_look(r, r->eye, exec, r->clean, r->probability, err);
        if (said < 0 || lim_attack_run_look(r, r->plain, exec, r->clean, r->probability, err) < 0)
            return err->code;
    } else if (r->right < 0) {
        lim_victim_begin(r->victim, 1, 0);
        if (lim_victim_labels(r->victim, exec, r->clean, NULL, 1, &said, err) != LIM_OK)
            said = -1;
    }
    if (said < 0)
        return err->code;
    if (r->right < 0)
        r->right = said; /* nobody says what a picture of one's own shows but the classifier */

    const int32_t label = r->right, target = s->target;
    const uint32_t index = lim_attack_run_index(r);
    float *pool = NULL;
    int32_t *pool_label = NULL;
    const int n_pool =
        r->plan.method->access == LIM_ACCESS_LABEL ? take_pool(r, &pool, &pool_label) : 0;
    const LimAttackInput input = {.n = 1,
                                  .image = r->clean,
                                  .label = &label,
                                  .target = target >= 0 ? &target : NULL,
                                  .index = &index,
                                  .pool = pool,
                                  .pool_label = pool_label,
                                  .n_pool = n_pool,
                                  .seed = s->seed,
                                  .budget = s->queries,
                                  .lattice_queries = s->lattice};
    r->attack = lim_attack_new(r->plan.method, r->plan.params, &input, r->victim, err);
    free(pool);
    free(pool_label);
    if (!r->attack)
        return err->code;
    r->norm = r->plan.method->norm ? r->plan.method->norm(r->plan.params) : LIM_NORM_L2;
    r->recording = lim_recording_new(r->size);
    if (r->plan.method == lim_attack_find("boundary")) {
        lim_boundary_record(r->attack, 0);
        r->trace = lim_boundary_dup_trace(r->attack, 0);
    }
    lim_attack_run_record(r);
    if (r->trace) {
        resume(r, from);
        lim_attack_run_record(r);
    }
    return LIM_OK;
}

static LimStep
begin_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    BeginTask *self = (BeginTask *)t;
    LimAttackRun *r = lim_alloc(1, sizeof *r);

    atomic_init(&r->refs, 1);
    self->run = r;
    r->bench = lim_bench_ref(self->bench);
    lim_attack_plan_copy(&r->plan, &self->plan);
    return begin(r, self->from, exec, err) == LIM_OK ? LIM_STEP_DONE : LIM_STEP_FAILED;
}

static void
begin_free(LimTask *t)
{
    BeginTask *self = (BeginTask *)t;

    lim_attack_run_unref(self->from);
    lim_attack_run_unref(self->run);
    lim_attack_plan_clear(&self->plan);
    lim_bench_unref(self->bench);
    free(self);
}

LimTask *
lim_begin_task_new(LimBench *bench, const LimAttackPlan *plan, LimAttackRun *from)
{
    static const LimTaskClass klass = {"begin an attack", begin_step, NULL, begin_free};
    BeginTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->bench = lim_bench_ref(bench);
    lim_attack_plan_copy(&self->plan, plan);
    self->from = from ? lim_attack_run_ref(from) : NULL;
    return &self->base;
}

LimAttackRun *
lim_begin_task_steal(LimTask *t)
{
    LimAttackRun *run = ((BeginTask *)t)->run;

    ((BeginTask *)t)->run = NULL;
    return run;
}
