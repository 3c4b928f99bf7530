/* What is known of a run, and going on with it. */
#include "panes/attack/run-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

uint32_t
lim_attack_run_index(const LimAttackRun *r)
{
    const LimAttackSetup *s = &r->plan.setup;

    if (s->source == LIM_ATTACK_OWN)
        return r->plan.own.path ? 0 : (uint32_t)r->plan.own.index;
    return (uint32_t)(s->picture < r->pictures ? s->picture : r->pictures - 1);
}

/* ---- asking ---- */

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

int
lim_attack_run_look(LimAttackRun *r, LimVictim *eye, const LimExec *exec, const float *x,
                    float *probability, LimError *err)
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

/* ---- recording ---- */

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

void
lim_attack_run_record(LimAttackRun *r)
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
    lim_attack_run_record(r);
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
