/* Counting what is asked, and the victim that is a network of ours.
 *
 * A question about n pictures is cut into batches of at most LIM_VICTIM_BATCH. Plans are kept per
 * question and batch size; sizes are rounded up to a few (the rest of such a batch repeats the last
 * picture, which nobody asked for and nobody counts), so that an attack whose pictures finish one
 * by one does not make a plan for every number. */
#include "attacks/victim.h"

#include "graph/plan.h"
#include "ops/ops.h"

#include <stdlib.h>
#include <string.h>

/* ---- what all kinds share ---------------------------------------------------------------------
 */

void
lim_victim_free(LimVictim *v)
{
    if (!v)
        return;
    free(v->queries);
    free(v->gradients);
    v->klass->free(v);
}

void
lim_victim_begin(LimVictim *v, int pictures, int64_t budget)
{
    free(v->queries);
    free(v->gradients);
    v->pictures = pictures;
    v->budget = budget;
    v->stopped = false;
    v->queries = lim_alloc((size_t)pictures, sizeof *v->queries);
    v->gradients = lim_alloc((size_t)pictures, sizeof *v->gradients);
}

int64_t
lim_victim_left(const LimVictim *v, int picture)
{
    return v->budget == 0 ? INT64_MAX : v->budget - v->queries[picture];
}

int32_t
lim_victim_seen(const LimVictim *v, const float *logits)
{
    int32_t best = 0;
    for (int32_t k = 1; k < v->classes; k++)
        if (logits[k] > logits[best])
            best = k;
    return best;
}

static int
owner_of(const int *owner, int row)
{
    return owner ? owner[row] : row;
}

/* Before a question: everybody in it still has one left (a picture may own several rows). */
static void
check_budget(LimVictim *v, const int *owner, int n)
{
    if (v->budget == 0)
        return;
    for (int i = 0; i < n; i++)
        v->queries[owner_of(owner, i)]++;
    for (int i = 0; i < n; i++)
        LIM_ASSERT(v->queries[owner_of(owner, i)] <= v->budget);
    for (int i = 0; i < n; i++)
        v->queries[owner_of(owner, i)]--;
}

static void
count(LimVictim *v, const int *owner, int from, int n, int gradients)
{
    for (int i = from; i < from + n; i++) {
        v->queries[owner_of(owner, i)]++;
        v->gradients[owner_of(owner, i)] += gradients;
    }
}

static int
batch_at(int done, int n)
{
    return n - done < LIM_VICTIM_BATCH ? n - done : LIM_VICTIM_BATCH;
}

LimStatus
lim_victim_labels(LimVictim *v, const LimExec *exec, const float *x, const int *owner, int n,
                  int32_t *label, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(v->image);
    LimStatus status = LIM_OK;
    check_budget(v, owner, n);
    for (int at = 0, b; at < n && status == LIM_OK; at += b) {
        b = batch_at(at, n);
        status = v->klass->labels(v, exec, x + (size_t)at * size, b, label + at, err);
        if (status == LIM_OK)
            count(v, owner, at, b, 0);
    }
    return status;
}

LimStatus
lim_victim_logits(LimVictim *v, const LimExec *exec, const float *x, const int *owner, int n,
                  float *logits, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(v->image), k = (size_t)v->classes;
    LIM_ASSERT(v->access >= LIM_ACCESS_LOGITS);
    LimStatus status = LIM_OK;
    check_budget(v, owner, n);
    for (int at = 0, b; at < n && status == LIM_OK; at += b) {
        b = batch_at(at, n);
        status = v->klass->logits(v, exec, x + (size_t)at * size, b, logits + (size_t)at * k, err);
        if (status == LIM_OK)
            count(v, owner, at, b, 0);
    }
    return status;
}

LimStatus
lim_victim_loss_gradient(LimVictim *v, const LimExec *exec, LimVictimLoss loss, double temperature,
                         const float *x, const int *owner, const int32_t *label, int n,
                         float *value, float *logits, float *gradient, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(v->image), k = (size_t)v->classes;
    LIM_ASSERT(v->access >= LIM_ACCESS_GRADIENT);
    LimStatus status = LIM_OK;
    check_budget(v, owner, n);
    for (int at = 0, b; at < n && status == LIM_OK; at += b) {
        b = batch_at(at, n);
        status = v->klass->loss_gradient(v, exec, loss, temperature, x + (size_t)at * size,
                                         label + at, b, value ? value + at : NULL,
                                         logits ? logits + (size_t)at * k : NULL,
                                         gradient + (size_t)at * size, err);
        if (status == LIM_OK)
            count(v, owner, at, b, 1);
    }
    return status;
}

LimStatus
lim_victim_jacobian(LimVictim *v, const LimExec *exec, const float *x, const int *owner, int n,
                    float *logits, float *jacobian, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(v->image), k = (size_t)v->classes;
    LIM_ASSERT(v->access >= LIM_ACCESS_GRADIENT);
    LimStatus status = LIM_OK;
    check_budget(v, owner, n);
    for (int at = 0, b; at < n && status == LIM_OK; at += b) {
        b = batch_at(at, n);
        status = v->klass->jacobian(v, exec, x + (size_t)at * size, b, logits + (size_t)at * k,
                                    jacobian + (size_t)at * k * size, err);
        if (status == LIM_OK)
            count(v, owner, at, b, v->classes);
    }
    return status;
}

/* ---- a network of ours ------------------------------------------------------------------------
 */

typedef enum Question { ASK_LOGITS, ASK_CROSS_ENTROPY, ASK_MARGIN, ASK_JACOBIAN } Question;

typedef struct Asked {
    Question question;
    double temperature;
    int n; /* rows of the plan */
    LimPlan *plan;
    LimVal x, label, logits, value, gradient, owner_feed;
    float *rows;     /* [n][c][h][w] when a batch has to be filled up */
    int32_t *labels; /* [n] */
    int32_t *owner;  /* [n][classes], of the rows of the Jacobian: their picture */
    float *seed;     /* [n][classes][classes]: the logit of each */
    uint64_t used;   /* when, for replacing the oldest */
} Asked;

#define KEPT          24 /* plans */
#define JACOBIAN_ROWS 40 /* of one pass */

typedef struct Network {
    LimVictim victim;
    LimPredictor *predictor;
    Asked asked[KEPT];
    uint64_t clock;
} Network;

static void
asked_clear(Asked *a)
{
    lim_plan_free(a->plan);
    free(a->rows);
    free(a->labels);
    free(a->owner);
    free(a->seed);
    *a = (Asked){0};
}

/* The smallest of 1 2 ... 8 10 12 14 16 20 24 28 32 40 48 56 64 that is not below n: what is
 * computed for nobody stays below a fifth. */
static int
round_up(int n)
{
    int step = 1;
    while (n > 8 * step)
        step *= 2;
    return (n + step - 1) / step * step;
}

/* All rows of the Jacobian in one pass: picture after picture, class after class. */
static void
differentiate_logits(Asked *a, LimGraph *g, int classes)
{
    const int rows = a->n * classes;
    a->owner = lim_alloc((size_t)rows, sizeof *a->owner);
    a->seed = lim_alloc((size_t)(rows * classes), sizeof *a->seed);
    for (int i = 0; i < rows; i++) {
        a->owner[i] = i / classes;
        a->seed[i * classes + i % classes] = 1;
    }
    a->owner_feed = lim_graph_feed(g, "owner", LIM_I32, LIM_SHAPE1(rows));
    const LimVal seed = lim_graph_constant(g, "seed", LIM_SHAPE2(rows, classes), a->seed);
    lim_graph_grad_rows(g, a->logits, a->owner_feed, seed, &a->x, &a->gradient, 1);
}

static void
differentiate_loss(Asked *a, LimGraph *g)
{
    a->label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(a->n));
    LimVal z = lim_affine(g, a->logits, 1 / a->temperature, 0);
    a->value =
        a->question == ASK_MARGIN ? lim_margin(g, z, a->label) : lim_cross_entropy(g, z, a->label);
    lim_graph_grad(g, a->value, LIM_NOVAL, &a->x, &a->gradient, 1);
}

static LimStatus
asked_init(Network *w, Asked *a, const LimExec *exec, LimError *err)
{
    const LimShape image = w->victim.image;
    LimGraph *g = lim_graph_new();
    a->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(a->n, image.d[0], image.d[1], image.d[2]));
    /* networks see [-1,1]; differentiating by x brings the gradient to [0,1] */
    a->logits = lim_predictor_build(w->predictor, g, lim_affine(g, a->x, 2, -1));
    if (a->question == ASK_JACOBIAN)
        differentiate_logits(a, g, w->victim.classes);
    else if (a->question != ASK_LOGITS)
        differentiate_loss(a, g);
    LimVal want[3] = {a->logits};
    int wanted = 1;
    if (lim_val_ok(a->gradient))
        want[wanted++] = a->gradient;
    if (lim_val_ok(a->value))
        want[wanted++] = a->value;
    a->plan = lim_plan_new(g, want, wanted, 0, exec, err);
    a->rows = lim_alloc((size_t)a->n * (size_t)lim_shape_size(image), sizeof(float));
    a->labels = lim_alloc((size_t)a->n, sizeof *a->labels);
    if (a->plan && a->owner)
        lim_plan_bind(a->plan, a->owner_feed, a->owner);
    return a->plan ? LIM_OK : LIM_E_SHAPE;
}

/* Runs a question on n pictures (label may be NULL where it has none). */
static LimStatus
ask(LimVictim *v, const LimExec *exec, Question question, double temperature, const float *x,
    const int32_t *label, int n, Asked **answer, LimError *err)
{
    Network *w = (Network *)v;
    const size_t size = (size_t)lim_shape_size(v->image);
    Asked *a = NULL, *oldest = &w->asked[0];
    for (int i = 0; i < KEPT && !a; i++) {
        Asked *at = &w->asked[i];
        if (at->plan && at->question == question && at->temperature == temperature &&
            at->n == round_up(n))
            a = at;
        else if (at->used < oldest->used)
            oldest = at;
    }
    if (!a) {
        a = oldest;
        asked_clear(a);
        a->question = question;
        a->temperature = temperature;
        a->n = round_up(n);
        LimStatus status = asked_init(w, a, exec, err);
        if (status != LIM_OK) {
            asked_clear(a);
            return status;
        }
    }
    a->used = ++w->clock;
    if (n < a->n) {
        memcpy(a->rows, x, (size_t)n * size * sizeof *x);
        for (int i = n; i < a->n; i++)
            memcpy(a->rows + (size_t)i * size, x + (size_t)(n - 1) * size, size * sizeof *x);
        x = a->rows;
    }
    lim_plan_bind(a->plan, a->x, x);
    if (label) {
        for (int i = 0; i < a->n; i++)
            a->labels[i] = label[i < n ? i : n - 1];
        lim_plan_bind(a->plan, a->label, a->labels);
    }
    *answer = a;
    return lim_plan_run(a->plan, exec, err);
}

static LimStatus
network_logits(LimVictim *v, const LimExec *exec, const float *x, int n, float *logits,
               LimError *err)
{
    Asked *a;
    const LimStatus status = ask(v, exec, ASK_LOGITS, 1, x, NULL, n, &a, err);
    if (status == LIM_OK)
        memcpy(logits, lim_plan_f32(a->plan, a->logits),
               (size_t)n * (size_t)v->classes * sizeof *logits);
    return status;
}

static LimStatus
network_labels(LimVictim *v, const LimExec *exec, const float *x, int n, int32_t *label,
               LimError *err)
{
    Asked *a;
    const LimStatus status = ask(v, exec, ASK_LOGITS, 1, x, NULL, n, &a, err);
    if (status != LIM_OK)
        return status;
    const float *logits = lim_plan_f32(a->plan, a->logits);
    for (int i = 0; i < n; i++)
        label[i] = lim_victim_seen(v, logits + (size_t)i * (size_t)v->classes);
    return LIM_OK;
}

static LimStatus
network_loss_gradient(LimVictim *v, const LimExec *exec, LimVictimLoss loss, double temperature,
                      const float *x, const int32_t *label, int n, float *value, float *logits,
                      float *gradient, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(v->image);
    Asked *a;
    const LimStatus status = ask(v, exec, loss == LIM_LOSS_MARGIN ? ASK_MARGIN : ASK_CROSS_ENTROPY,
                                 temperature, x, label, n, &a, err);
    if (status != LIM_OK)
        return status;
    if (value)
        memcpy(value, lim_plan_f32(a->plan, a->value), (size_t)n * sizeof *value);
    if (logits)
        memcpy(logits, lim_plan_f32(a->plan, a->logits),
               (size_t)n * (size_t)v->classes * sizeof *logits);
    memcpy(gradient, lim_plan_f32(a->plan, a->gradient), (size_t)n * size * sizeof *gradient);
    return LIM_OK;
}

/* A few pictures at a time: each has as many rows as there are classes, and all of them at once
 * would be neither in the caches nor in a small memory. */
static LimStatus
network_jacobian(LimVictim *v, const LimExec *exec, const float *x, int n, float *logits,
                 float *jacobian, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(v->image), classes = (size_t)v->classes;
    const int most = v->classes < JACOBIAN_ROWS ? JACOBIAN_ROWS / v->classes : 1;
    for (int at = 0, b; at < n; at += b) {
        Asked *a;
        b = n - at < most ? n - at : most;
        const LimStatus status =
            ask(v, exec, ASK_JACOBIAN, 1, x + (size_t)at * size, NULL, b, &a, err);
        if (status != LIM_OK)
            return status;
        const size_t rows = (size_t)b * classes, first = (size_t)at * classes;
        memcpy(logits + first, lim_plan_f32(a->plan, a->logits), rows * sizeof *logits);
        memcpy(jacobian + first * size, lim_plan_f32(a->plan, a->gradient),
               rows * size * sizeof *jacobian);
    }
    return LIM_OK;
}

static void
network_free(LimVictim *v)
{
    Network *w = (Network *)v;
    for (int i = 0; i < KEPT; i++)
        asked_clear(&w->asked[i]);
    free(w);
}

static const LimVictimClass network_class = {network_labels, network_logits, network_loss_gradient,
                                             network_jacobian, network_free};

LimVictim *
lim_victim_new(LimPredictor *predictor, LimAccess access)
{
    Network *w = lim_alloc(1, sizeof *w);
    w->victim.klass = &network_class;
    w->victim.access = access;
    w->victim.image = lim_predictor_image_shape(predictor);
    w->victim.classes = lim_predictor_classes(predictor);
    w->predictor = predictor;
    return &w->victim;
}
