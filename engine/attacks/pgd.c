/* Steps along the gradient, each followed by the way back into the ball around the original and
 * then into the range of pictures: the iterative gradient sign method (Kurakin et al. 2017, "BIM"
 * or I-FGSM), which starts at the original, and projected gradient descent (Madry et al. 2018),
 * which starts at random places of the ball, several times if asked.
 *
 * Steps in l-infinity are signs, in l2 the gradient at unit length; a gradient of 0 moves nothing.
 * The gradient comes with the logits, so every place is judged at no cost, and a picture that fools
 * is finished unless it is told to go on. */
#include "attacks/params.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Params {
    double epsilon, step, temperature;
    int norm, steps, restarts, loss;
    bool all_steps;
} Params;

#define STEPS(usual, share)                                                                       \
    {.name = "steps",                                                                             \
     .label = "Steps",                                                                            \
     .help = "Gradient steps.",                                                                   \
     .unit = "steps",                                                                             \
     .kind = LIM_INT,                                                                             \
     .offset = offsetof(Params, steps),                                                           \
     .min = 1,                                                                                    \
     .max = 100000,                                                                               \
     .def = usual,                                                                                \
     .ui_min = 1,                                                                                 \
     .ui_max = 200},                                                                              \
    {                                                                                             \
        .name = "step-size", .label = "Step size", .help = "Of one step, as a share of epsilon.", \
        .unit = "epsilon", .kind = LIM_REAL, .offset = offsetof(Params, step), .min = 1e-6,       \
        .max = 10, .def = share, .ui_min = 0.001, .ui_max = 1                                     \
    }
#define ALL_STEPS                                                                               \
    {                                                                                           \
        .name = "all-steps", .label = "All steps",                                              \
        .help = "Go on after the picture fools, and keep the closest one seen. Off: the first " \
                "one that fools is the result.",                                                \
        .unit = "", .kind = LIM_BOOL, .offset = offsetof(Params, all_steps), .max = 1           \
    }

static const LimParamSpec bim_schema[] = {
    LIM_ATTACK_EPSILON(Params), STEPS(10, 0.2), ALL_STEPS, LIM_ATTACK_LOSS(Params), {0}};
static const LimParamSpec pgd_schema[] = {
    LIM_ATTACK_NORM(Params),
    LIM_ATTACK_EPSILON(Params),
    STEPS(40, 1.0 / 30),
    {.name = "restarts",
     .label = "Restarts",
     .help = "Random places in the ball to start from, one after the other.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(Params, restarts),
     .min = 1,
     .max = 1000,
     .def = 1,
     .ui_min = 1,
     .ui_max = 20},
    ALL_STEPS,
    LIM_ATTACK_LOSS(Params),
    {0}};

typedef struct Pgd {
    LimAttack attack;
    LimNorm norm;
    bool random;
    int restarts, restart, at; /* step of this restart */
    float *x;                  /* [n][size] */
    float *row, *gradient;     /* [n][size]: of the pictures that are asked about */
    float *logits;             /* [n][classes] */
    int *rows;                 /* [n] */
    int32_t *label;            /* [n] */
} Pgd;

static LimNorm
pgd_norm(const void *params)
{
    return ((const Params *)params)->norm == LIM_NORM_LINF ? LIM_NORM_LINF : LIM_NORM_L2;
}

static LimNorm
bim_norm(const void *params)
{
    return LIM_NORM_LINF;
}

static void
begin(Pgd *p)
{
    LimAttack *a = &p->attack;
    const size_t n = (size_t)a->n;
    p->x = lim_alloc(n * a->size, sizeof *p->x);
    p->row = lim_alloc(n * a->size, sizeof *p->row);
    p->gradient = lim_alloc(n * a->size, sizeof *p->gradient);
    p->logits = lim_alloc(n * (size_t)a->victim->classes, sizeof *p->logits);
    p->rows = lim_alloc(n, sizeof *p->rows);
    p->label = lim_alloc(n, sizeof *p->label);
}

static void
bim_begin(LimAttack *a)
{
    Pgd *p = (Pgd *)a;
    p->norm = LIM_NORM_LINF;
    p->restarts = 1;
    begin(p);
}

static void
pgd_begin(LimAttack *a)
{
    Pgd *p = (Pgd *)a;
    p->norm = pgd_norm(a->params);
    p->random = true;
    p->restarts = ((const Params *)a->params)->restarts;
    begin(p);
}

static void
clear(LimAttack *a)
{
    Pgd *p = (Pgd *)a;
    free(p->x);
    free(p->row);
    free(p->gradient);
    free(p->logits);
    free(p->rows);
    free(p->label);
}

/* Into the ball around the original, then into the range: the second leads no further away. */
static void
project(const Pgd *p, const float *original, float *x)
{
    const size_t size = p->attack.size;
    const double epsilon = ((const Params *)p->attack.params)->epsilon;
    const double length = p->norm == LIM_NORM_L2 ? lim_l2(x, original, size) : 0;
    const double scale = length > epsilon ? epsilon / length : 1;
    for (size_t j = 0; j < size; j++) {
        double d = (double)x[j] - (double)original[j];
        d = p->norm == LIM_NORM_L2 ? d * scale : fmax(-epsilon, fmin(epsilon, d));
        x[j] = (float)fmax(0, fmin(1, (double)original[j] + d));
    }
}

/* A random place: of the cube, or of the ball (a direction from normals, a radius from u^(1/d)). */
static void
start(Pgd *p, int i)
{
    LimAttack *a = &p->attack;
    const double epsilon = ((const Params *)a->params)->epsilon;
    const float *original = a->image + (size_t)i * a->size;
    float *x = p->x + (size_t)i * a->size;
    if (!p->random) {
        memcpy(x, original, a->size * sizeof *x);
        return;
    }
    const uint64_t stream = lim_attack_stream(a, "pgd-start", i);
    const uint64_t first = (uint64_t)p->restart * (a->size + 1);
    float *random = lim_alloc(a->size, sizeof *random);
    double scale = 2 * epsilon;
    if (p->norm == LIM_NORM_L2) {
        float u;
        double square = 0;
        lim_rng_normal(a->seed, stream, first, random, a->size);
        lim_rng_uniform(a->seed, stream, first + a->size, &u, 1);
        for (size_t j = 0; j < a->size; j++)
            square += (double)random[j] * (double)random[j];
        scale = epsilon * pow((double)u, 1 / (double)a->size) / sqrt(square);
    } else {
        lim_rng_uniform(a->seed, stream, first, random, a->size);
        for (size_t j = 0; j < a->size; j++)
            random[j] -= 0.5f;
    }
    for (size_t j = 0; j < a->size; j++)
        x[j] = (float)((double)original[j] + scale * (double)random[j]);
    project(p, original, x);
    free(random);
}

static void
walk(Pgd *p, int i, float *gradient)
{
    LimAttack *a = &p->attack;
    const Params *q = a->params;
    float *x = p->x + (size_t)i * a->size;
    double scale = q->step * q->epsilon * (double)lim_attack_direction(q->loss, a->target);
    if (p->norm == LIM_NORM_L2) {
        double square = 0;
        for (size_t j = 0; j < a->size; j++)
            square += (double)gradient[j] * (double)gradient[j];
        scale = square > 0 ? scale / sqrt(square) : 0;
    } else {
        lim_signs(gradient, gradient, a->size);
    }
    for (size_t j = 0; j < a->size; j++)
        x[j] = (float)((double)x[j] + scale * (double)gradient[j]);
    project(p, a->image + (size_t)i * a->size, x);
}

/* Those still at work; with_gradient: that can pay for a place and for judging where it leads. */
static int
gather(Pgd *p, int64_t least)
{
    LimAttack *a = &p->attack;
    const Params *q = a->params;
    int m = 0;
    for (int i = 0; i < a->n; i++) {
        const bool open = a->status[i] == LIM_ATTACK_RUNNING ||
                          (q->all_steps && a->status[i] == LIM_ATTACK_FOOLED);
        if (!open || lim_attack_left(a, i) < least)
            continue;
        if (p->at == 0)
            start(p, i);
        memcpy(p->row + (size_t)m * a->size, p->x + (size_t)i * a->size, a->size * sizeof *p->row);
        p->rows[m++] = i;
    }
    return m;
}

static LimStep
step(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Pgd *p = (Pgd *)a;
    const Params *q = a->params;
    const bool last = p->at == q->steps; /* nothing leads on from here: its label is enough */
    const int m = gather(p, last ? 1 : 2);
    const size_t classes = (size_t)a->victim->classes;
    LimStatus status;
    if (last) {
        status = lim_victim_labels(a->victim, exec, p->row, p->rows, m, p->label, err);
    } else {
        for (int k = 0; k < m; k++)
            p->label[k] = a->target ? a->target[p->rows[k]] : a->label[p->rows[k]];
        status = lim_victim_loss_gradient(a->victim, exec, (LimVictimLoss)q->loss, q->temperature,
                                          p->row, p->rows, p->label, m, NULL, p->logits,
                                          p->gradient, err);
        for (int k = 0; k < m; k++)
            p->label[k] = lim_victim_seen(a->victim, p->logits + (size_t)k * classes);
    }
    if (status != LIM_OK)
        return LIM_STEP_FAILED;
    for (int k = 0; k < m; k++) {
        lim_attack_offer(a, p->rows[k], p->row + (size_t)k * a->size, p->label[k]);
        if (!last)
            walk(p, p->rows[k], p->gradient + (size_t)k * a->size);
    }
    if (progress) {
        progress->fraction = (p->restart + p->at / (double)(q->steps + 1)) / (double)p->restarts;
        snprintf(progress->text, sizeof progress->text, "step %d of %d, %d pictures", p->at,
                 q->steps, m);
    }
    p->at++;
    if (last) {
        p->at = 0;
        p->restart++;
    }
    return m == 0 || p->restart == p->restarts ? LIM_STEP_DONE : LIM_STEP_MORE;
}

const LimAttackClass lim_attack_bim = {
    .name = "bim",
    .label = "Iterative FGSM",
    .help = "The basic iterative method: small steps along the sign of the gradient from the "
            "original, never further than epsilon from it. Stronger than one large step.",
    .access = LIM_ACCESS_GRADIENT,
    .targeted = true,
    .schema = bim_schema,
    .params_size = sizeof(Params),
    .norm = bim_norm,
    .size = sizeof(Pgd),
    .begin = bim_begin,
    .step = step,
    .clear = clear};

const LimAttackClass lim_attack_pgd = {
    .name = "pgd",
    .label = "PGD",
    .help = "Projected gradient descent: gradient steps from a random place near the original, "
            "brought back into the ball of radius epsilon after each. The usual yardstick for "
            "defences.",
    .access = LIM_ACCESS_GRADIENT,
    .targeted = true,
    .schema = pgd_schema,
    .params_size = sizeof(Params),
    .norm = pgd_norm,
    .size = sizeof(Pgd),
    .begin = pgd_begin,
    .step = step,
    .clear = clear};
