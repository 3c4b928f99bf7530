/* What every attack has in common: its beginning (are the pictures misclassified already?), the
 * bookkeeping of the best so far, and its end (the stored pictures are judged again, as they are
 * and in 8 bit). */
#include "attacks/lattice.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const lim_attack_status_names[] = {"running",  "fooled", "already",
                                               "no-start", "failed", NULL};

enum { STAGE_ORIGINALS, STAGE_ATTACK, STAGE_FLOATS, STAGE_LATTICE, STAGE_EIGHT_BIT, STAGE_DONE };
#define CLOSING 2 /* queries to judge the two stored pictures */

double
lim_l2(const float *x, const float *y, size_t n)
{
    return sqrt(lim_kernels_best()->steps->square_distance(x, y, n));
}

double
lim_linf(const float *x, const float *y, size_t n)
{
    double top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, fabs((double)x[i] - (double)y[i]));
    return top;
}

void
lim_signs(const float *gradient, float *sign, size_t n)
{
    float top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmaxf(top, fabsf(gradient[i]));
    for (size_t i = 0; i < n; i++)
        sign[i] = (float)((gradient[i] > 1e-6f * top) - (gradient[i] < -1e-6f * top));
}

void
lim_round8(const float *x, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float above = x[i] > 0 ? x[i] : 0, v = 255 * (above < 1 ? above : 1);
        const float whole = (float)(int32_t)v; /* roundf() as plain arithmetic, which vectorises */
        out[i] = (v - whole >= 0.5F ? whole + 1 : whole) / 255;
    }
}

static LimNorm
norm_of(const LimAttack *a)
{
    return a->klass->norm ? a->klass->norm(a->params) : LIM_NORM_L2;
}

double
lim_attack_distance(const LimAttack *a, int picture, const float *x)
{
    const float *original = a->image + (size_t)picture * a->size;
    return norm_of(a) == LIM_NORM_L2 ? lim_l2(x, original, a->size)
                                     : lim_linf(x, original, a->size);
}

bool
lim_attack_fools(const LimAttack *a, int picture, int32_t label)
{
    return a->target ? label == a->target[picture] : label != a->label[picture];
}

bool
lim_attack_offer(LimAttack *a, int picture, const float *x, int32_t label)
{
    const bool fools = lim_attack_fools(a, picture, label);
    if (!fools && a->status[picture] != LIM_ATTACK_RUNNING)
        return false;
    const double distance = lim_attack_distance(a, picture, x);
    if (fools && !(distance < a->best_distance[picture]))
        return false;
    memcpy(a->best + (size_t)picture * a->size, x, a->size * sizeof *x);
    lim_round8(x, a->best8 + (size_t)picture * a->size, a->size);
    a->best_label[picture] = label;
    if (fools) {
        a->best_distance[picture] = distance;
        a->status[picture] = LIM_ATTACK_FOOLED;
    }
    return fools;
}

void
lim_attack_rewind(LimAttack *a, int i, const float *x, int32_t label, int64_t queries)
{
    const size_t at = (size_t)i * a->size;
    a->status[i] = LIM_ATTACK_RUNNING;
    a->best_distance[i] = INFINITY;
    a->best_label[i] = a->label8[i] = -1;
    memcpy(a->best + at, a->image + at, a->size * sizeof *a->best);
    lim_round8(a->best + at, a->best8 + at, a->size);
    if (x)
        lim_attack_offer(a, i, x, label);
    a->victim->queries[i] = queries;
    lim_lattice_free(a->lattice);
    a->lattice = NULL;
    a->stage = STAGE_ATTACK;
}

int64_t
lim_attack_left(const LimAttack *a, int picture)
{
    const int64_t left = lim_victim_left(a->victim, picture);
    const int64_t kept = CLOSING + a->lattice_queries;
    return left == INT64_MAX ? left : left > kept ? left - kept : 0;
}

uint64_t
lim_attack_stream(const LimAttack *a, const char *name, int picture)
{
    return lim_rng_stream(LIM_STREAM_ATTACK, name, a->index[picture]);
}

void
lim_attack_result(const LimAttack *a, int i, LimAttackResult *r)
{
    const float *original = a->image + (size_t)i * a->size;
    *r = (LimAttackResult){.status = a->status[i],
                           .image = a->best + (size_t)i * a->size,
                           .label = a->best_label[i],
                           .queries = a->victim->queries[i],
                           .gradients = a->victim->gradients[i],
                           .image8 = a->best8 + (size_t)i * a->size,
                           .label8 = a->label8[i],
                           .fools8 = a->label8[i] >= 0 && lim_attack_fools(a, i, a->label8[i])};
    r->l2 = lim_l2(r->image, original, a->size);
    r->linf = lim_linf(r->image, original, a->size);
    r->mse = r->l2 * r->l2 / (double)a->size;
    r->l2_8 = lim_l2(r->image8, original, a->size);
    r->linf_8 = lim_linf(r->image8, original, a->size);
}

/* ---- the task ---------------------------------------------------------------------------------
 */

/* Asks about pictures (those with a query left and wanted()), in one go. */
static LimStatus
ask_labels(LimAttack *a, const LimExec *exec, const float *pictures,
           bool (*wanted)(const LimAttack *a, int i), int32_t *label, int *rows, int *n_rows,
           LimError *err)
{
    float *x = lim_alloc((size_t)a->n * a->size, sizeof *x);
    int n = 0;
    for (int i = 0; i < a->n; i++)
        if (wanted(a, i) && lim_victim_left(a->victim, i) > 0) {
            memcpy(x + (size_t)n * a->size, pictures + (size_t)i * a->size, a->size * sizeof *x);
            rows[n++] = i;
        }
    const LimStatus status = lim_victim_labels(a->victim, exec, x, rows, n, label, err);
    free(x);
    *n_rows = n;
    return status;
}

static bool
everybody(const LimAttack *a, int i)
{
    return true;
}

static bool
fooled(const LimAttack *a, int i)
{
    return a->status[i] == LIM_ATTACK_FOOLED;
}

static void
after_originals(LimAttack *a, int i, int32_t label)
{
    a->best_label[i] = label;
    if (lim_attack_fools(a, i, label)) {
        a->status[i] = LIM_ATTACK_ALREADY;
        a->best_distance[i] = 0;
    }
}

static void
after_floats(LimAttack *a, int i, int32_t label)
{
    a->best_label[i] = label;
    if (!lim_attack_fools(a, i, label)) { /* a model that does not keep to what it said */
        a->status[i] = LIM_ATTACK_FAILED;
        a->best_distance[i] = (double)INFINITY;
    }
}

static void
after_eight_bit(LimAttack *a, int i, int32_t label)
{
    a->label8[i] = label;
}

static LimStatus
judge(LimAttack *a, const LimExec *exec, LimError *err)
{
    int *rows = lim_alloc((size_t)a->n, sizeof *rows), n;
    int32_t *label = lim_alloc((size_t)a->n, sizeof *label);
    const bool original = a->stage == STAGE_ORIGINALS;
    const LimStatus status =
        ask_labels(a, exec,
                   original                      ? a->image
                   : a->stage == STAGE_EIGHT_BIT ? a->best8
                                                 : a->best,
                   a->stage == STAGE_FLOATS ? fooled : everybody, label, rows, &n, err);
    for (int i = 0; i < n && status == LIM_OK; i++)
        (original                   ? after_originals
         : a->stage == STAGE_FLOATS ? after_floats
                                    : after_eight_bit)(a, rows[i], label[i]);
    free(label);
    free(rows);
    return status;
}

static void
end_search(LimAttack *a)
{
    for (int i = 0; i < a->n; i++)
        if (a->status[i] == LIM_ATTACK_RUNNING)
            a->status[i] = LIM_ATTACK_FAILED;
    a->stage = STAGE_FLOATS;
}

void
lim_attack_stop(LimAttack *a)
{
    if (a->stage < STAGE_FLOATS)
        end_search(a);
    if (a->stage == STAGE_LATTICE)
        a->stage = STAGE_EIGHT_BIT;
    a->lattice_queries = 0;
    a->victim->stopped = true;
}

static LimStep
step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimAttack *a = (LimAttack *)task;
    if (a->stage == STAGE_ATTACK) {
        const LimStep more = a->klass->step(a, exec, progress, err);
        if (more != LIM_STEP_DONE)
            return more;
        end_search(a);
        return LIM_STEP_MORE;
    }
    if (a->stage == STAGE_LATTICE) {
        if (!a->lattice && a->lattice_queries > 0)
            a->lattice = lim_lattice_new(a);
        const LimStep more =
            a->lattice ? lim_lattice_step(a->lattice, exec, progress, err) : LIM_STEP_DONE;
        if (more == LIM_STEP_DONE)
            a->stage = STAGE_EIGHT_BIT;
        return more == LIM_STEP_DONE ? LIM_STEP_MORE : more;
    }
    if (a->stage == STAGE_DONE)
        return LIM_STEP_DONE;
    if (judge(a, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return ++a->stage == STAGE_DONE ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static LimTensor *
preview(LimTask *task)
{
    const LimAttack *a = (const LimAttack *)task;
    const LimShape s = a->victim->image;
    LimTensor *t = lim_tensor_new(LIM_F32, LIM_SHAPE4(a->n, s.d[0], s.d[1], s.d[2]));
    memcpy(lim_tensor_edit(t), a->best, (size_t)a->n * a->size * sizeof(float));
    return t;
}

static void
free_attack(LimTask *task)
{
    LimAttack *a = (LimAttack *)task;
    if (a->klass->clear)
        a->klass->clear(a);
    free(a->params);
    free(a->image);
    free(a->label);
    free(a->target);
    free(a->start);
    free(a->pool);
    free(a->pool_label);
    free(a->index);
    free(a->status);
    free(a->best);
    free(a->best8);
    lim_lattice_free(a->lattice);
    free(a->best_label);
    free(a->best_distance);
    free(a->label8);
    free(a);
}

static const LimTaskClass task_class = {"attack", step, preview, free_attack};

static LimStatus
check(const LimAttackClass *klass, const void *params, const LimAttackInput *in, const LimVictim *v,
      LimError *err)
{
    if (v->access < klass->access)
        return lim_fail(err, LIM_E_UNSUPPORTED,
                        "%s needs %s, and this model gives only its %s: choose the Boundary Attack",
                        klass->label, klass->access == LIM_ACCESS_GRADIENT ? "gradients" : "logits",
                        v->access == LIM_ACCESS_LABEL ? "decision" : "logits");
    if (in->target && !klass->targeted)
        return lim_fail(err, LIM_E_UNSUPPORTED, "%s cannot aim at a class: leave the target out",
                        klass->label);
    if (in->n < 1)
        return lim_fail(err, LIM_E_PARAM, "there is no picture to attack");
    const int64_t fewest = in->budget < in->lattice_queries ? in->budget : in->lattice_queries;
    if (fewest < 0)
        return lim_fail(err, LIM_E_PARAM, "a budget of %lld queries is below 0", (long long)fewest);
    for (int i = 0; i < in->n; i++) {
        if (in->label[i] < 0 || in->label[i] >= v->classes)
            return lim_fail(err, LIM_E_PARAM, "picture %d has class %d; the model knows 0 to %d", i,
                            in->label[i], v->classes - 1);
        if (in->target && (in->target[i] < 0 || in->target[i] >= v->classes))
            return lim_fail(err, LIM_E_PARAM, "target class %d: the model knows 0 to %d",
                            in->target[i], v->classes - 1);
    }
    if (klass->schema && lim_params_check(klass->schema, params, err) != LIM_OK)
        return err ? err->code : LIM_E_PARAM;
    return klass->check ? klass->check(params, err) : LIM_OK;
}

LimAttack *
lim_attack_new(const LimAttackClass *klass, const void *params, const LimAttackInput *in,
               LimVictim *victim, LimError *err)
{
    if (check(klass, params, in, victim, err) != LIM_OK)
        return NULL;
    const size_t size = (size_t)lim_shape_size(victim->image), n = (size_t)in->n;
    LimAttack *a = lim_alloc(1, klass->size);
    a->task.klass = &task_class;
    a->klass = klass;
    a->victim = victim;
    a->params = lim_memdup(params, 1, klass->params_size);
    a->n = in->n;
    a->size = size;
    a->seed = in->seed;
    a->image = lim_memdup(in->image, n * size, sizeof(float));
    a->label = lim_memdup(in->label, n, sizeof *a->label);
    a->target = lim_memdup(in->target, n, sizeof *a->target);
    a->start = lim_memdup(in->start, n * size, sizeof(float));
    if (in->n_pool > 0) {
        a->n_pool = in->n_pool;
        a->pool = lim_memdup(in->pool, (size_t)in->n_pool * size, sizeof(float));
        a->pool_label = lim_memdup(in->pool_label, (size_t)in->n_pool, sizeof *a->pool_label);
    }
    a->index = lim_alloc(n, sizeof *a->index);
    a->status = lim_alloc(n, sizeof *a->status);
    a->best = lim_memdup(in->image, n * size, sizeof(float));
    a->best8 = lim_alloc(n * size, sizeof *a->best8);
    lim_round8(in->image, a->best8, n * size);
    a->lattice_queries = in->lattice_queries;
    a->best_label = lim_alloc(n, sizeof *a->best_label);
    a->best_distance = lim_alloc(n, sizeof *a->best_distance);
    a->label8 = lim_alloc(n, sizeof *a->label8);
    for (uint32_t i = 0; i < n; i++) {
        a->index[i] = in->index ? in->index[i] : i;
        a->status[i] = LIM_ATTACK_RUNNING;
        a->best_label[i] = a->label8[i] = -1;
        a->best_distance[i] = (double)INFINITY;
    }
    lim_victim_begin(victim, in->n, in->budget);
    if (klass->begin)
        klass->begin(a);
    return a;
}
