/* The passes over X, the measuring between them, checkpoints; what v is changed by is in
 * universal-deepfool.c and universal-gradient.c. */
#include "attacks/universal-private.h"

#include "attacks/params.h"
#include "base/rng.h"
#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const lim_universal_methods[] = {"deepfool", "gradient", NULL};
const double lim_universal_bounds[] = {[LIM_NORM_L2] = 2, [LIM_NORM_LINF] = 0.1};

#define INT(field, key, text, teach, u, lo, hi, value, shown)                              \
    {                                                                                      \
        .name = key, .label = text, .help = teach, .unit = u, .kind = LIM_INT,             \
        .offset = offsetof(LimUniversalParams, field), .min = lo, .max = hi, .def = value, \
        .ui_min = lo, .ui_max = shown                                                      \
    }

const LimParamSpec lim_universal_schema[] = {
    {.name = "method",
     .label = "Method",
     .help = "What v is made by: the paper's DeepFool, picture by picture, or stochastic gradients "
             "on v itself.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimUniversalParams, method),
     .max = LIM_UNIVERSAL_METHODS - 1,
     .choices = lim_universal_methods},
    {.name = "norm",
     .label = "Norm",
     .help = "What is bounded: the length of v (l2) or its largest value (linf).",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimUniversalParams, norm),
     .max = 1,
     .def = LIM_NORM_LINF,
     .choices = lim_attack_norms},
    {.name = "xi",
     .label = "Bound",
     .help = "The norm of v at most, on the scale from 0 to 1. The paper's 10 of 255 is 0.04; on "
             "small pictures that is no better than noise, 0.1 in linf and 2 in l2 show what a "
             "universal perturbation is.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimUniversalParams, xi),
     .max = 64,
     .def = 0.1,
     .ui_max = 4,
     .def_by = "norm",
     .def_with = lim_universal_bounds},
    {.name = "delta",
     .label = "Delta",
     .help = "It ends when all but this share of X are fooled.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimUniversalParams, delta),
     .max = 1,
     .def = 0.2},
    INT(passes, "passes", "Passes", "Passes over X at most.", "passes", 1, 10000, 10, 50),
    INT(patience, "patience", "Patience",
        "It also ends when so many passes in a row fooled no more of X than the best before.",
        "passes", 1, 10000, 3, 20),
    INT(batch, "batch", "Batch",
        "Pictures that are judged from the same v, so that processors can work together: with "
        "DeepFool their ways are added one after the other, with gradients their mean is one step.",
        "pictures", 1, 64, 8, 64),
    INT(steps, "steps", "DeepFool steps",
        "Linearisations for one picture at most; a picture that needs more is left for the next "
        "pass.",
        "steps", 1, 1000, 10, 50),
    {.name = "overshoot",
     .label = "Overshoot",
     .help = "Each way is lengthened by this share, to end behind the boundary.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimUniversalParams, overshoot),
     .max = 1,
     .def = 0.02,
     .ui_max = 0.2},
    {.name = "rate",
     .label = "Learning rate",
     .help = "Of the gradient method: how far v (l2) or each of its values (linf) moves at first, "
             "as a share of the bound.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimUniversalParams, rate),
     .max = 10,
     .def = 0.1,
     .ui_max = 1},
    {.name = "seed",
     .label = "Seed",
     .help = "Of the order of the pictures: another one gives another v.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimUniversalParams, seed),
     .def = 1},
    {0}};

enum { STAGE_OWN, STAGE_LEARN, STAGE_X, STAGE_UNSEEN, STAGE_DONE };

/* ---- for everybody who has a v ----------------------------------------------------------------
 */

static double
length(const float *v, size_t size)
{
    double sum = 0;
    for (size_t j = 0; j < size; j++)
        sum += (double)v[j] * (double)v[j];
    return sqrt(sum);
}

void
lim_universal_project(LimNorm norm, double xi, float *v, size_t size)
{
    const float bound = (float)xi;
    if (norm == LIM_NORM_LINF) {
        for (size_t j = 0; j < size; j++)
            v[j] = fmaxf(-bound, fminf(bound, v[j]));
        return;
    }
    const double l2 = length(v, size);
    for (size_t j = 0; j < size && l2 > xi; j++)
        v[j] = (float)((double)v[j] * (xi / l2));
}

void
lim_universal_random(LimNorm norm, double xi, uint64_t seed, float *v, size_t size)
{
    lim_rng_normal(seed, lim_rng_stream(LIM_STREAM_ATTACK, "random universal", 0), 0, v, size);
    const double l2 = length(v, size);
    for (size_t j = 0; j < size; j++)
        v[j] = (float)(norm == LIM_NORM_LINF ? copysign(xi, (double)v[j]) : (double)v[j] * xi / l2);
}

void
lim_universal_apply(const float *x, const float *v, double scale, size_t size, float *out)
{
    for (size_t j = 0; j < size; j++)
        out[j] = (float)fmax(0, fmin(1, (double)x[j] + scale * (double)v[j]));
}

LimStatus
lim_universal_labels(LimVictim *victim, const LimExec *exec, const float *image, int n,
                     const float *v, double scale, int32_t *label, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(victim->image);
    float *x = lim_alloc(LIM_VICTIM_BATCH * size, sizeof *x);
    LimStatus status = LIM_OK;
    lim_victim_begin(victim, LIM_VICTIM_BATCH, 0);
    for (int at = 0, b; at < n && status == LIM_OK; at += b) {
        b = n - at < LIM_VICTIM_BATCH ? n - at : LIM_VICTIM_BATCH;
        const float *from = image + (size_t)at * size;
        for (int i = 0; i < b && v; i++)
            lim_universal_apply(from + (size_t)i * size, v, scale, size, x + (size_t)i * size);
        status = lim_victim_labels(victim, exec, v ? x : from, NULL, b, label + at, err);
    }
    free(x);
    return status;
}

double
lim_universal_ratio(const int32_t *own, const int32_t *label, int n)
{
    int changed = 0;
    for (int i = 0; i < n; i++)
        changed += own[i] != label[i];
    return (double)changed / n;
}

/* ---- batches ----------------------------------------------------------------------------------
 */

static const float *
picture(const LimUniversal *u, int i)
{
    return i < u->in.n ? u->in.image + (size_t)i * u->size
                       : u->in.unseen + (size_t)(i - u->in.n) * u->size;
}

static void
shuffle(LimUniversal *u)
{
    if (u->order_pass == u->pass)
        return;
    lim_rng_permutation(u->p.seed,
                        lim_rng_stream(LIM_STREAM_ATTACK, "universal", (uint64_t)u->pass), u->order,
                        (uint32_t)u->in.n);
    u->order_pass = u->pass;
}

static void
open_batch(LimUniversal *u)
{
    shuffle(u);
    for (; u->n_rows < u->p.batch && u->at + u->n_rows < u->in.n; u->n_rows++)
        u->rows[u->n_rows] = (int)u->order[u->at + u->n_rows];
}

LimStatus
lim_universal_visit(LimUniversal *u, const LimExec *exec, LimError *err)
{
    for (int k = 0; k < u->n_rows; k++)
        lim_universal_apply(picture(u, u->rows[k]), u->v, 1, u->size, u->x + (size_t)k * u->size);
    return lim_victim_labels(u->in.victim, exec, u->x, u->rows, u->n_rows, u->label, err);
}

void
lim_universal_added(LimUniversal *u, int k)
{
    u->recent[u->additions % LIM_UNIVERSAL_RECENT] = u->rows[k];
    u->additions++;
    u->pass_additions++;
}

int
lim_universal_batches(const LimUniversal *u)
{
    return (u->in.n + u->p.batch - 1) / u->p.batch;
}

/* ---- steps ------------------------------------------------------------------------------------
 */

static void
record(LimUniversal *u, double ratio, double unseen)
{
    const float *v = u->v;
    double linf = 0;
    for (size_t j = 0; j < u->size; j++)
        linf = fmax(linf, fabs((double)v[j]));
    u->history[u->n_history++] = (LimUniversalPass){.ratio = ratio,
                                                    .unseen = u->in.n_unseen ? unseen : (double)NAN,
                                                    .l2 = length(v, u->size),
                                                    .linf = linf,
                                                    .additions = u->pass_additions};
    u->pass_additions = u->fooled = 0;
    if (ratio > u->history[u->best_pass].ratio) {
        u->best_pass = u->n_history - 1;
        memcpy(u->best, v, u->size * sizeof *v);
    }
}

static bool
is_over(const LimUniversal *u)
{
    return u->pass >= u->p.passes || u->history[u->best_pass].ratio >= 1 - u->p.delta ||
           u->pass - u->best_pass >= u->p.patience;
}

/* The own labels, a batch of pictures a step. */
static LimStatus
step_own(LimUniversal *u, const LimExec *exec, LimError *err)
{
    const int all = u->in.n + u->in.n_unseen, first = u->measured;
    int owner[LIM_VICTIM_BATCH] = {0}, n = 0;
    const int end = first < u->in.n ? u->in.n : all; /* one array at a time */
    for (; n < LIM_VICTIM_BATCH && first + n < end; n++)
        owner[n] = first + n;
    const LimStatus status =
        lim_victim_labels(u->in.victim, exec, picture(u, first), owner, n, u->own + first, err);
    if (status != LIM_OK)
        return status;
    u->measured += n;
    if (u->measured == all) {
        u->stage = u->at == u->in.n ? STAGE_X : STAGE_LEARN;
        u->measured = 0;
        if (u->n_history == 0)
            record(u, 0, 0);
        else if (u->at < u->in.n && is_over(u))
            u->stage = STAGE_DONE;
    }
    return LIM_OK;
}

static void
end_pass(LimUniversal *u, double unseen)
{
    u->pass++;
    u->at = 0;
    record(u, u->ratio, unseen);
    u->stage = is_over(u) ? STAGE_DONE : STAGE_LEARN;
}

/* How many of X or of the unseen are fooled, a batch of pictures a step. */
static LimStatus
step_measure(LimUniversal *u, const LimExec *exec, LimError *err)
{
    const int first = u->stage == STAGE_X ? 0 : u->in.n;
    const int all = u->stage == STAGE_X ? u->in.n : u->in.n_unseen;
    int owner[LIM_VICTIM_BATCH] = {0}, n = 0;
    for (; n < LIM_VICTIM_BATCH && u->measured + n < all; n++) {
        owner[n] = first + u->measured + n;
        lim_universal_apply(picture(u, owner[n]), u->v, 1, u->size, u->x + (size_t)n * u->size);
    }
    const LimStatus status = lim_victim_labels(u->in.victim, exec, u->x, owner, n, u->label, err);
    if (status != LIM_OK)
        return status;
    for (int i = 0; i < n; i++)
        u->changed += u->label[i] != u->own[owner[i]];
    u->measured += n;
    if (u->measured < all)
        return LIM_OK;
    const double ratio = (double)u->changed / all;
    u->measured = u->changed = 0;
    if (u->stage == STAGE_X)
        u->ratio = ratio;
    if (u->stage == STAGE_X && u->in.n_unseen)
        u->stage = STAGE_UNSEEN;
    else
        end_pass(u, ratio);
    return LIM_OK;
}

static LimStep
step_learn(LimUniversal *u, const LimExec *exec, LimError *err)
{
    if (u->n_rows == 0)
        open_batch(u);
    const LimStep step = u->rule->step(u->state, u, exec, err);
    if (step != LIM_STEP_DONE)
        return step;
    for (int k = 0; k < u->n_rows; k++)
        u->fooled += u->label[k] != u->own[u->rows[k]];
    u->at += u->n_rows;
    u->n_rows = 0;
    u->batches++;
    if (u->at == u->in.n)
        u->stage = STAGE_X;
    return LIM_STEP_MORE;
}

static void
tell(const LimUniversal *u, LimProgress *progress)
{
    const LimUniversalPass *last = u->n_history ? &u->history[u->n_history - 1] : NULL;
    progress->fraction = (u->pass + (double)u->at / u->in.n) / u->p.passes;
    if (u->stage == STAGE_OWN || !last)
        snprintf(progress->text, sizeof progress->text, "what the model says");
    else
        snprintf(progress->text, sizeof progress->text,
                 "pass %d, picture %d of %d; fooled %.1f %%, unseen %.1f %%", u->pass + 1, u->at,
                 u->in.n, 100 * last->ratio, 100 * last->unseen);
}

static LimStep
step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimUniversal *u = (LimUniversal *)task;
    LimStatus status = LIM_OK;
    if (u->stage == STAGE_DONE)
        return LIM_STEP_DONE;
    if (u->stage == STAGE_OWN)
        status = step_own(u, exec, err);
    else if (u->stage == STAGE_LEARN)
        status = step_learn(u, exec, err) == LIM_STEP_FAILED ? LIM_E_NUMERIC : LIM_OK;
    else
        status = step_measure(u, exec, err);
    if (status != LIM_OK)
        return LIM_STEP_FAILED;
    if (progress)
        tell(u, progress);
    return u->stage == STAGE_DONE ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static LimTensor *
preview(LimTask *task)
{
    const LimUniversal *u = (const LimUniversal *)task;
    LimTensor *t = lim_tensor_new(LIM_F32, u->in.victim->image);
    memcpy(lim_tensor_edit(t), u->v, u->size * sizeof *u->v);
    return t;
}

static void
free_universal(LimTask *task)
{
    LimUniversal *u = (LimUniversal *)task;
    if (u->state)
        u->rule->free(u->state);
    free(u->own);
    free(u->v);
    free(u->rows);
    free(u->x);
    free(u->label);
    free(u->order);
    free(u->best);
    free(u->history);
    free(u);
}

static const LimTaskClass task_class = {"universal perturbation", step, preview, free_universal};

LimUniversal *
lim_universal_new(const LimUniversalParams *p, const LimUniversalInput *in, LimError *err)
{
    static const LimUniversalRule *const rules[] = {&lim_universal_deepfool,
                                                    &lim_universal_gradient};
    if (lim_params_check(lim_universal_schema, p, err) != LIM_OK)
        return NULL;
    if (in->n < 1 || in->victim->access < LIM_ACCESS_GRADIENT) {
        lim_fail(err, LIM_E_PARAM,
                 in->n < 1 ? "there is no picture to learn from; give some"
                           : "a universal perturbation needs a model that tells its gradients");
        return NULL;
    }
    LimUniversal *u = lim_alloc(1, sizeof *u);
    u->task.klass = &task_class;
    u->p = *p;
    u->in = *in;
    u->size = (size_t)lim_shape_size(in->victim->image);
    u->rule = rules[p->method];
    u->own = lim_alloc((size_t)(in->n + in->n_unseen), sizeof *u->own);
    u->v = lim_alloc(u->size, sizeof *u->v);
    u->best = lim_alloc(u->size, sizeof *u->best);
    u->rows = lim_alloc((size_t)p->batch, sizeof *u->rows);
    u->x = lim_alloc(LIM_VICTIM_BATCH * u->size, sizeof *u->x);
    u->label = lim_alloc(LIM_VICTIM_BATCH, sizeof *u->label);
    u->order = lim_alloc((size_t)in->n, sizeof *u->order);
    u->order_pass = -1;
    u->history = lim_alloc((size_t)p->passes + 1, sizeof *u->history);
    u->state = u->rule->new (u);
    lim_victim_begin(in->victim, in->n + in->n_unseen, 0);
    return u;
}

LimTask *
lim_universal_task(LimUniversal *u)
{
    return &u->task;
}

LimShape
lim_universal_shape(const LimUniversal *u)
{
    return u->in.victim->image;
}

const float *
lim_universal_v(const LimUniversal *u)
{
    return u->v;
}

const float *
lim_universal_best(const LimUniversal *u)
{
    return u->best;
}

int
lim_universal_best_pass(const LimUniversal *u)
{
    return u->best_pass;
}

int
lim_universal_passes(const LimUniversal *u)
{
    return u->n_history;
}

const LimUniversalPass *
lim_universal_pass(const LimUniversal *u, int i)
{
    return &u->history[i];
}

LimUniversalNow
lim_universal_now(const LimUniversal *u)
{
    LimUniversalNow now = {.pass = u->pass,
                           .visited = u->at,
                           .fooled = u->fooled,
                           .additions = u->additions};
    for (; now.n_recent < LIM_UNIVERSAL_RECENT && now.n_recent < u->additions; now.n_recent++)
        now.recent[now.n_recent] =
            u->recent[(u->additions - 1 - now.n_recent) % LIM_UNIVERSAL_RECENT];
    for (int i = 0; i < u->in.n + u->in.n_unseen; i++) {
        now.queries += u->in.victim->queries[i];
        now.gradients += u->in.victim->gradients[i];
    }
    return now;
}

/* ---- checkpoints ------------------------------------------------------------------------------
 */

/* What v depends on beside the settings. */
typedef struct Identity {
    char model[LIM_TEXT_MAX], pictures[LIM_TEXT_MAX];
} Identity;
static const LimParamSpec identity_schema[] = {
    {.name = "model", .kind = LIM_TEXT, .offset = offsetof(Identity, model)},
    {.name = "pictures", .kind = LIM_TEXT, .offset = offsetof(Identity, pictures)},
    {0}};

static LimCheckpoint
describe(const LimUniversal *u, Identity *id)
{
    const size_t bytes = u->size * sizeof(float);
    uint64_t h = lim_hash(LIM_HASH_BEGIN, &u->in.n, sizeof u->in.n);
    h = lim_hash(h, u->in.image, (size_t)u->in.n * bytes);
    if (u->in.n_unseen)
        h = lim_hash(h, u->in.unseen, (size_t)u->in.n_unseen * bytes);
    snprintf(id->model, sizeof id->model, "%016" PRIx64, u->in.identity);
    snprintf(id->pictures, sizeof id->pictures, "%016" PRIx64, h);
    return (LimCheckpoint){.kind = "universal",
                           .training = "a universal perturbation",
                           .schema = lim_universal_schema,
                           .params = &u->p,
                           .model_schema = identity_schema,
                           .model = id};
}

enum { POSITIONS = 7 };

LimStatus
lim_universal_checkpoint(const LimUniversal *u, const char *path, LimError *err)
{
    Identity id = {{0}, {0}};
    const LimCheckpoint c = describe(u, &id);
    LimStWriter *w = lim_checkpoint_writer(&c);
    const LimShape shape = u->in.victim->image;
    const int32_t at[POSITIONS] = {u->pass,      u->at,        u->fooled,   u->pass_additions,
                                   u->additions, u->best_pass, u->n_history};
    double *history = lim_alloc((size_t)u->n_history * 5 + 1, sizeof *history);
    for (int i = 0; i < u->n_history; i++) {
        const LimUniversalPass *h = &u->history[i];
        const double values[5] = {h->ratio, h->unseen, h->l2, h->linf, h->additions};
        memcpy(history + 5 * i, values, sizeof values);
    }
    lim_st_writer_add(w, "v", LIM_F32, shape, u->v, false);
    lim_st_writer_add(w, "best", LIM_F32, shape, u->best, false);
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(POSITIONS), at, false);
    lim_st_writer_add(w, "recent", LIM_I32, LIM_SHAPE1(LIM_UNIVERSAL_RECENT), u->recent, false);
    if (u->n_history)
        lim_st_writer_add(w, "history", LIM_F64, LIM_SHAPE1(5 * u->n_history), history, false);
    if (u->rule->write)
        u->rule->write(u->state, u, w);
    const LimStatus status = lim_st_writer_finish(w, path, err);
    free(history);
    return status;
}

static bool
sane(const LimUniversal *u, const int32_t at[POSITIONS])
{
    const int n = u->in.n;
    return at[0] >= 0 && at[0] <= u->p.passes && at[1] >= 0 && at[1] <= n &&
           (at[1] == n || at[1] % u->p.batch == 0) && at[2] >= 0 && at[2] <= n && at[3] >= 0 &&
           at[3] <= n && at[3] <= at[4] && at[4] <= (at[0] + 1) * (int64_t)n && at[5] >= 0 &&
           at[6] >= 0 && at[6] <= u->p.passes + 1 && at[5] < (at[6] ? at[6] : 1) &&
           at[0] == (at[6] ? at[6] - 1 : 0);
}

static bool
all_finite(const LimUniversal *u)
{
    bool all = true;
    for (size_t j = 0; j < u->size; j++)
        all &= isfinite(u->v[j]) && isfinite(u->best[j]);
    for (int i = 0; i < u->n_history; i++)
        all &= u->history[i].ratio >= 0 && u->history[i].ratio <= 1;
    for (int i = 0; i < LIM_UNIVERSAL_RECENT; i++)
        all &= u->recent[i] >= 0 && u->recent[i] < u->in.n;
    return all;
}

static LimStatus
read_state(LimUniversal *u, const LimStFile *f, const char *path, LimError *err)
{
    int32_t at[POSITIONS];
    LimStatus status = lim_checkpoint_numbers(f, path, "position", LIM_I32, POSITIONS, at, err);
    if (status == LIM_OK && !sane(u, at))
        status = lim_checkpoint_lost(path, err);
    if (status != LIM_OK)
        return status;
    double *history = lim_alloc((size_t)at[6] * 5 + 1, sizeof *history);
    status = lim_checkpoint_numbers(f, path, "v", LIM_F32, (int)u->size, u->v, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, path, "best", LIM_F32, (int)u->size, u->best, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, path, "recent", LIM_I32, LIM_UNIVERSAL_RECENT, u->recent,
                                        err);
    if (status == LIM_OK && at[6])
        status = lim_checkpoint_numbers(f, path, "history", LIM_F64, 5 * at[6], history, err);
    for (int i = 0; i < at[6] && status == LIM_OK; i++) {
        const double *h = history + 5 * i;
        if (!(h[4] >= 0 && h[4] <= u->in.n))
            status = lim_checkpoint_lost(path, err);
        else
            u->history[i] = (LimUniversalPass){h[0], h[1], h[2], h[3], (int)h[4]};
    }
    free(history);
    if (status == LIM_OK) {
        u->pass = at[0];
        u->at = at[1];
        u->fooled = at[2];
        u->pass_additions = at[3];
        u->additions = at[4];
        u->best_pass = at[5];
        u->n_history = at[6];
        u->batches =
            (int64_t)u->pass * lim_universal_batches(u) + (u->at + u->p.batch - 1) / u->p.batch;
    }
    return status;
}

LimStatus
lim_universal_resume(LimUniversal *u, const char *path, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    Identity id = {{0}, {0}};
    const LimCheckpoint c = describe(u, &id);
    LimStFile *f = lim_checkpoint_open(&c, path, err);
    if (!f)
        return err->code;
    LimStatus status = read_state(u, f, path, err);
    if (status == LIM_OK && u->rule->read)
        status = u->rule->read(u->state, u, f, path, err);
    if (status == LIM_OK && !all_finite(u))
        status = lim_checkpoint_lost(path, err);
    lim_st_free(f);
    return status;
}
