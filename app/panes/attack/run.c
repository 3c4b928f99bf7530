/* The attack itself is touched by the worker thread only; what the window sees of it is the
 * recording.
 *
 * Pictures are looked at through a victim of their own, so that looking is not counted; it asks
 * one picture at a time, as the attack does, because the last bits of logits differ between
 * batches. */
#include "panes/attack/run.h"

#include "attacks/boundary.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct LimAttackRun {
    atomic_int refs;
    LimBench *bench; /* keeps the predictor alive */
    LimAttackPlan plan;
    char *model;
    LimPredictor *predictor;
    LimDenoiser *denoiser;   /* of the bench, or NULL */
    LimPredictor *behind;    /* the predictor behind it */
    LimAmplifier *amplifier; /* of the predictor, made when it is asked for */
    LimShape shape;
    size_t size;
    float *clean;       /* [size] */
    float *probability; /* [classes], of the clean picture */
    int classes, right, pictures;
    char what[128];
    LimNorm norm;

    LimVictim *victim, *eye; /* the eye looks at what is attacked, */
    LimVictim *plain, *last; /* these at the classifier alone and behind the denoiser */
    LimAttack *attack;
    LimRecording *recording;
    LimBoundaryTrace *trace; /* of the Boundary Attack, or NULL; the recording shows its pictures */
    int traced;              /* steps of it that are recorded */
    atomic_bool ended;
    atomic_int status;
    LimNearest8 nearest8; /* once it has ended */
};

#define BEFORE_TRACE 2 /* queries when the trace has its step 0: the original came first */

#define POOL 200 /* pictures of the set to start from, for attacks that see labels only */

static size_t
params_size(const LimAttackPlan *p)
{
    return p->method ? p->method->params_size : 0;
}

static size_t
own_size(const LimOwnPicture *p)
{
    return (size_t)p->c * (size_t)p->h * (size_t)p->w;
}

static void *
copy(const void *from, size_t bytes)
{
    if (!from || !bytes)
        return NULL;
    void *to = lim_alloc(bytes, 1);
    memcpy(to, from, bytes);
    return to;
}

void
lim_own_copy(LimOwnPicture *to, const LimOwnPicture *from)
{
    *to = *from;
    to->path = from->path ? lim_strdup(from->path) : NULL;
    to->planes = copy(from->planes, own_size(from) * sizeof(float));
    to->from = from->from ? lim_strdup(from->from) : NULL;
    to->flags = from->flags ? lim_strdup(from->flags) : NULL;
}

void
lim_own_clear(LimOwnPicture *own)
{
    free(own->path);
    free(own->planes);
    free(own->from);
    free(own->flags);
    *own = (LimOwnPicture){.path = NULL};
}

void
lim_attack_plan_copy(LimAttackPlan *to, const LimAttackPlan *from)
{
    *to = *from;
    to->model = from->model ? lim_strdup(from->model) : NULL;
    to->denoiser = from->denoiser ? lim_strdup(from->denoiser) : NULL;
    to->params = copy(from->params, params_size(from));
    lim_own_copy(&to->own, &from->own);
}

void
lim_attack_plan_clear(LimAttackPlan *plan)
{
    free(plan->model);
    free(plan->denoiser);
    free(plan->params);
    lim_own_clear(&plan->own);
    *plan = (LimAttackPlan){.method = NULL};
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The parameter "restarts" [LIM_TEXT_MAX] of a Boundary Attack among the params of the plan, or
 * NULL. */
static char *
restarts_of(const LimAttackPlan *plan, void *params)
{
    const bool walks = plan->method && plan->method == lim_attack_find("boundary");
    const LimParamSpec *spec = walks ? lim_params_find(plan->method->schema, "restarts") : NULL;
    return spec && params ? (char *)params + spec->offset : NULL;
}

const char *
lim_attack_plan_restarts(const LimAttackPlan *plan)
{
    return restarts_of(plan, plan->params);
}

int
lim_attack_plan_spare(const LimAttackPlan *plan)
{
    return plan->setup.queries - plan->setup.lattice - LIM_ATTACK_CHECKS;
}

/* Do they walk the same way, as long as there is no restart? */
static bool
same_way(const LimAttackPlan *a, const LimAttackPlan *b)
{
    const LimAttackSetup *s = &a->setup, *t = &b->setup;

    if (s->source != t->source || s->picture != t->picture || s->method != t->method ||
        s->target != t->target || s->seed != t->seed || s->through != t->through ||
        !same_text(a->denoiser, b->denoiser) || a->method != b->method ||
        !same_text(a->model, b->model) || s->model != t->model)
        return false;
    if (s->model == LIM_ATTACK_EXTERNAL && strcmp(s->oracle.command, t->oracle.command) != 0)
        return false;
    if (params_size(a)) {
        void *p = copy(a->params, params_size(a)), *q = copy(b->params, params_size(b));
        char *r = restarts_of(a, p), *u = restarts_of(b, q);
        if (r)
            memset(r, 0, LIM_TEXT_MAX);
        if (u)
            memset(u, 0, LIM_TEXT_MAX);
        const bool same = memcmp(p, q, params_size(a)) == 0;
        free(p);
        free(q);
        if (!same)
            return false;
    }
    if (s->source != LIM_ATTACK_OWN)
        return true;
    return same_text(a->own.path, b->own.path) && a->own.index == b->own.index &&
           own_size(&a->own) == own_size(&b->own) && a->own.w == b->own.w &&
           (!own_size(&a->own) ||
            memcmp(a->own.planes, b->own.planes, own_size(&a->own) * sizeof(float)) == 0);
}

bool
lim_attack_plan_equal(const LimAttackPlan *a, const LimAttackPlan *b)
{
    return same_way(a, b) && a->setup.queries == b->setup.queries &&
           a->setup.lattice == b->setup.lattice &&
           (a->setup.model != LIM_ATTACK_EXTERNAL ||
            (a->setup.oracle.timeout == b->setup.oracle.timeout &&
             a->setup.oracle.retries == b->setup.oracle.retries)) &&
           same_text(lim_attack_plan_restarts(a), lim_attack_plan_restarts(b));
}

/* ---- the run ---- */

LimAttackRun *
lim_attack_run_ref(LimAttackRun *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void
lim_attack_run_unref(LimAttackRun *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    lim_task_free(r->attack ? lim_attack_task(r->attack) : NULL);
    lim_victim_free(r->victim);
    lim_victim_free(r->eye);
    lim_victim_free(r->plain);
    lim_victim_free(r->last);
    lim_predictor_free(r->behind);
    lim_amplifier_free(r->amplifier);
    lim_recording_free(r->recording);
    lim_boundary_trace_unref(r->trace);
    lim_attack_plan_clear(&r->plan);
    lim_bench_unref(r->bench);
    free(r->model);
    free(r->clean);
    free(r->probability);
    free(r);
}

LimBench *
lim_attack_run_bench(const LimAttackRun *r)
{
    return r->bench;
}

const LimAttackPlan *
lim_attack_run_plan(const LimAttackRun *r)
{
    return &r->plan;
}

const char *
lim_attack_run_model(const LimAttackRun *r)
{
    return lim_attack_run_external(r) ? LIM_ATTACKFILE_PROGRAM : r->model;
}

bool
lim_attack_run_external(const LimAttackRun *r)
{
    return r->plan.setup.model == LIM_ATTACK_EXTERNAL;
}

LimPredictor *
lim_attack_run_predictor(const LimAttackRun *r)
{
    return r->predictor;
}

LimShape
lim_attack_run_shape(const LimAttackRun *r)
{
    return r->shape;
}

const float *
lim_attack_run_clean(const LimAttackRun *r)
{
    return r->clean;
}

int
lim_attack_run_classes(const LimAttackRun *r)
{
    return r->classes;
}

const char *
lim_attack_run_class_name(const LimAttackRun *r, int k)
{
    return lim_predictor_class_name(r->predictor, k);
}

int
lim_attack_run_right(const LimAttackRun *r)
{
    return r->right;
}

const char *
lim_attack_run_what(const LimAttackRun *r)
{
    return r->what;
}

int
lim_attack_run_pictures(const LimAttackRun *r)
{
    return r->pictures;
}

LimNorm
lim_attack_run_norm(const LimAttackRun *r)
{
    return r->norm;
}

const LimRecording *
lim_attack_run_recording(const LimAttackRun *r)
{
    return r->recording;
}

int
lim_attack_run_step(const LimAttackRun *r, int frame, int *n)
{
    *n = r->trace ? lim_boundary_trace_n(r->trace) : 0;
    const int64_t step = lim_recording_frame(r->recording, frame)->queries - BEFORE_TRACE;
    return step >= 0 && step < *n ? (int)step : -1;
}

size_t
lim_attack_run_bytes(const LimAttackRun *r)
{
    return lim_recording_bytes(r->recording) + (r->trace ? lim_boundary_trace_bytes(r->trace) : 0);
}

bool
lim_attack_run_ended(const LimAttackRun *r)
{
    return atomic_load(&((LimAttackRun *)(void *)r)->ended);
}

LimAttackStatus
lim_attack_run_status(const LimAttackRun *r)
{
    return (LimAttackStatus)atomic_load(&((LimAttackRun *)(void *)r)->status);
}

LimNearest8
lim_attack_run_nearest8(const LimAttackRun *r)
{
    return lim_attack_run_ended(r) ? r->nearest8 : (LimNearest8){.label = -1};
}

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

/* Logits [classes] -> probabilities in place; returns the class with the largest. */
static int
softmax(float *z, int classes)
{
    int top = 0;
    double sum = 0;

    for (int k = 1; k < classes; k++)
        if (z[k] > z[top])
            top = k;
    const double largest = (double)z[top];
    for (int k = 0; k < classes; k++)
        sum += exp((double)z[k] - largest);
    for (int k = 0; k < classes; k++)
        z[k] = (float)(exp((double)z[k] - largest) / sum);
    return top;
}

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

/* One picture: its class, or -1. */
static int
look(LimAttackRun *r, LimVictim *eye, const LimExec *exec, const float *x, float *probability,
     LimError *err)
{
    if (lim_victim_logits(eye, exec, x, NULL, 1, probability, err) != LIM_OK)
        return -1;
    return softmax(probability, r->classes);
}

LimStatus
lim_attack_run_ask(LimAttackRun *r, const LimExec *exec, const float *x, int n, int *label,
                   float *confidence, float *probability, LimError *err)
{
    const size_t classes = (size_t)r->classes;
    float *z = lim_alloc((size_t)n * classes, sizeof *z);
    int *owner = lim_alloc((size_t)n, sizeof *owner); /* all belong to picture 0 */
    const LimStatus status = lim_victim_logits(r->eye, exec, x, owner, n, z, err);

    for (int i = 0; i < n && status == LIM_OK; i++) {
        float *p = z + (size_t)i * classes;
        label[i] = softmax(p, r->classes);
        confidence[i] = p[label[i]];
    }
    if (probability && status == LIM_OK)
        memcpy(probability, z, (size_t)n * classes * sizeof *z);
    free(owner);
    free(z);
    return status;
}

bool
lim_attack_run_defended(const LimAttackRun *r)
{
    return r->denoiser != NULL;
}

LimStatus
lim_attack_run_denoise(const LimAttackRun *r, LimDenoiser *by, const LimExec *exec, const float *x,
                       float *out, LimError *err)
{
    for (size_t i = 0; i < r->size; i++)
        out[i] = 2 * x[i] - 1;
    const LimStatus status =
        lim_denoiser_run(by, exec, out, 1, r->shape.d[1], r->shape.d[2], out, err);
    for (size_t i = 0; i < r->size; i++)
        out[i] = (out[i] + 1) / 2;
    return status;
}

LimStatus
lim_attack_run_amplification(LimAttackRun *r, const LimExec *exec, const float *x, int n,
                             double *ratio, LimError *err)
{
    const size_t all = (size_t)n * r->size;
    float *clean = lim_alloc(all, sizeof *clean), *other = lim_alloc(all, sizeof *other);

    if (!r->amplifier)
        r->amplifier = lim_amplifier_new(r->predictor);
    for (size_t i = 0; i < all; i++) { /* in [-1,1] */
        clean[i] = 2 * r->clean[i % r->size] - 1;
        other[i] = 2 * x[i] - 1;
    }
    const LimStatus status = lim_amplifier_run(r->amplifier, exec, clean, other, n, ratio, err);
    free(clean);
    free(other);
    return status;
}

const LimAmplifier *
lim_attack_run_amplifier(const LimAttackRun *r)
{
    return r->amplifier;
}

static uint32_t
picture_index(const LimAttackRun *r)
{
    const LimAttackSetup *s = &r->plan.setup;

    if (s->source == LIM_ATTACK_OWN)
        return r->plan.own.path ? 0 : (uint32_t)r->plan.own.index;
    return (uint32_t)(s->picture < r->pictures ? s->picture : r->pictures - 1);
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
    const uint32_t index = picture_index(r);
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

/* What was said of the picture that a step shows: the current one, or without one what was tried.
 */
static int
step_label(const LimAttackRun *r, const LimBoundaryStep *b)
{
    const int n = lim_recording_n(r->recording);
    return b->accepted || b->picture < 0 ? b->label
           : n > 0                       ? lim_recording_frame(r->recording, n - 1)->label
                                         : -1;
}

/* A step of the Boundary Attack: its trace knows more than the best so far. */
static void
record_step(LimAttackRun *r, int step)
{
    const LimBoundaryStep *b = lim_boundary_trace_step(r->trace, step);
    const float *picture = lim_boundary_trace_picture(r->trace, step);
    const bool walks = b->kind >= LIM_BOUNDARY_ORTHOGONAL;
    float *asked = NULL;

    if (!picture) { /* no start yet: what was tried */
        asked = lim_alloc(r->size, sizeof *asked);
        lim_boundary_trace_asked(r->trace, step, asked);
    }
    const LimFrame f = {.queries = step + BEFORE_TRACE,
                        .distance = picture ? b->distance : b->proposed,
                        .l2 = picture ? b->distance : b->proposed,
                        .size = {walks ? b->delta : (double)NAN, walks ? b->epsilon : (double)NAN},
                        .rate = {(double)b->orthogonal_rate, (double)b->source_rate},
                        .label = step_label(r, b),
                        .fools = picture != NULL,
                        .proposal = b->kind == LIM_BOUNDARY_PROPOSAL,
                        .accepted = b->kind == LIM_BOUNDARY_PROPOSAL && b->accepted,
                        .picture = picture ? picture : asked};
    lim_recording_append(r->recording, &f, picture != NULL);
    free(asked);
}

/* What the attack has now becomes a frame; of the Boundary Attack, every step since. */
static void
record(LimAttackRun *r)
{
    LimAttackResult result;

    for (int n = r->trace ? lim_boundary_trace_n(r->trace) : 0; r->traced < n; r->traced++)
        record_step(r, r->traced);
    lim_attack_result(r->attack, 0, &result);
    const int n = lim_recording_n(r->recording);
    const LimFrame *last = n ? lim_recording_frame(r->recording, n - 1) : NULL;
    LimFrame f = {.queries = result.queries,
                  .gradients = result.gradients,
                  .distance = r->norm == LIM_NORM_L2 ? result.l2 : result.linf,
                  .l2 = result.l2,
                  .size = {NAN, NAN},
                  .rate = {NAN, NAN},
                  .label = result.label,
                  .fools =
                      result.status == LIM_ATTACK_FOOLED || result.status == LIM_ATTACK_ALREADY,
                  .picture = result.image};
    atomic_store(&r->status, (int)result.status);
    if (!last || last->queries != f.queries || last->gradients != f.gradients)
        lim_recording_append(r->recording, &f, false);
}

/* Goes on from where another run has got, as far as it is the same attack. */
static void
resume(LimAttackRun *r, const LimAttackRun *from)
{
    if (!from || !from->trace || !same_way(&r->plan, &from->plan))
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
        said = look(r, r->eye, exec, r->clean, r->probability, err);
        if (said < 0 || look(r, r->plain, exec, r->clean, r->probability, err) < 0)
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
    const uint32_t index = picture_index(r);
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
    record(r);
    if (r->trace) {
        resume(r, from);
        record(r);
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

/* ---- going on ---- */

typedef struct {
    LimTask base;
    LimAttackRun *run;
    int frames;
    bool accepted;
} AdvanceTask;

static LimStep
advance_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    AdvanceTask *self = (AdvanceTask *)t;
    LimAttackRun *r = self->run;
    const int before = lim_recording_n(r->recording);

    if (atomic_load(&r->ended) || (before >= self->frames && !self->accepted))
        return LIM_STEP_DONE;
    const LimStep step = lim_task_step(lim_attack_task(r->attack), exec, progress, err);
    if (step == LIM_STEP_FAILED)
        return step;
    record(r);
    if (step == LIM_STEP_DONE) {
        LimAttackResult result;
        lim_attack_result(r->attack, 0, &result);
        r->nearest8 = (LimNearest8){.asked = result.label8 >= 0,
                                    .fools = result.fools8,
                                    .label = result.label8,
                                    .l2 = result.l2_8,
                                    .image = result.image8};
        atomic_store(&r->ended, true);
    }
    const int n = lim_recording_n(r->recording);
    for (int i = before; i < n && self->accepted; i++)
        if (lim_recording_frame(r->recording, i)->accepted)
            return LIM_STEP_DONE;
    if (progress) {
        progress->fraction =
            r->plan.setup.queries > 0
                ? (double)lim_recording_frame(r->recording, n - 1)->queries / r->plan.setup.queries
                : -1;
    }
    return step == LIM_STEP_DONE || (n >= self->frames && !self->accepted) ? LIM_STEP_DONE
                                                                           : LIM_STEP_MORE;
}

static void
advance_free(LimTask *t)
{
    lim_attack_run_unref(((AdvanceTask *)t)->run);
    free(t);
}

LimTask *
lim_advance_task_new(LimAttackRun *run, int frames, bool accepted)
{
    static const LimTaskClass klass = {"attack", advance_step, NULL, advance_free};
    AdvanceTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_attack_run_ref(run);
    self->frames = frames;
    self->accepted = accepted;
    return &self->base;
}

/* ---- looking ---- */

/* label: what is known of it already; an external program is not asked. */
static LimStatus
judge(LimAttackRun *r, LimVictim *eye, const LimExec *exec, const float *x, int label,
      LimJudged *out, LimError *err)
{
    const int target = r->plan.setup.target;

    if (lim_attack_run_external(r)) {
        out->label = label;
    } else {
        out->probability = lim_alloc((size_t)r->classes, sizeof(float));
        out->label = look(r, eye, exec, x, out->probability, err);
        if (out->label < 0)
            return err->code;
    }
    out->fools = out->label < 0 ? false
                 : target >= 0  ? out->label == target
                                : out->label != r->right;
    out->l2 = lim_l2(x, r->clean, r->size);
    out->linf = lim_linf(x, r->clean, r->size);
    out->mse = out->l2 * out->l2 / (double)r->size;
    return LIM_OK;
}

/* What the denoiser makes of x, and what is said of that. */
static LimStatus
look_denoised(LimLookTask *self, const LimExec *exec, const float *x, LimError *err)
{
    LimAttackRun *r = self->run;
    LimJudged *j = &self->denoised;

    if (!r->denoiser)
        return LIM_OK;
    self->picture = lim_alloc(r->size, sizeof(float));
    LimStatus status = lim_attack_run_denoise(r, r->denoiser, exec, x, self->picture, err);
    if (status != LIM_OK)
        return status;
    status = judge(r, r->last, exec, x, -1, j, err);
    j->l2 = lim_l2(self->picture, r->clean, r->size);
    j->linf = lim_linf(self->picture, r->clean, r->size);
    j->mse = j->l2 * j->l2 / (double)r->size;
    return status;
}

static LimStep
look_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimLookTask *self = (LimLookTask *)t;
    LimAttackRun *r = self->run;
    const float *x = lim_recording_picture(r->recording, self->frame);
    float *rounded = lim_alloc(r->size, sizeof *rounded);

    lim_round8(x, rounded, r->size);
    const int label = lim_recording_frame(r->recording, self->frame)->label;
    bool same8 = false; /* the program sees 8 bit anyway */
    if (lim_attack_run_external(r)) {
        self->clean_label =
            lim_recording_n(r->recording) > 1 ? lim_recording_frame(r->recording, 1)->label : -1;
        same8 = !lim_oracle_floats(r->victim);
    } else {
        self->clean = copy(r->probability, (size_t)r->classes * sizeof(float));
    }
    const bool ok =
        judge(r, r->plain, exec, x, label, &self->as_is, err) == LIM_OK &&
        judge(r, r->eye, exec, rounded, same8 ? label : -1, &self->rounded, err) == LIM_OK &&
        look_denoised(self, exec, x, err) == LIM_OK;
    free(rounded);
    return ok ? LIM_STEP_DONE : LIM_STEP_FAILED;
}

static void
look_free(LimTask *t)
{
    LimLookTask *self = (LimLookTask *)t;

    lim_attack_run_unref(self->run);
    free(self->clean);
    free(self->as_is.probability);
    free(self->rounded.probability);
    free(self->picture);
    free(self->denoised.probability);
    free(self);
}

LimTask *
lim_look_task_new(LimAttackRun *run, int frame)
{
    static const LimTaskClass klass = {"look at a picture", look_step, NULL, look_free};
    LimLookTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_attack_run_ref(run);
    self->frame = frame;
    return &self->base;
}

/* ---- files ---- */

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
                                  .picture = picture_index(r),
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
