/* Decoupled direction and norm (Rony et al. 2019): the direction follows the gradient, the length
 * is set apart from it, a little shorter after every place that fools and a little longer after
 * every other. About as close as Carlini and Wagner's in a hundredth of the gradients. */
#include "attacks/params.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Params {
    double length, gamma, temperature;
    int steps, loss;
} Params;

static const LimParamSpec schema[] = {
    {.name = "steps",
     .label = "Steps",
     .help = "Gradient steps; their length falls along a cosine from 1 to 0.01.",
     .unit = "steps",
     .kind = LIM_INT,
     .offset = offsetof(Params, steps),
     .min = 1,
     .max = 100000,
     .def = 100,
     .ui_min = 10,
     .ui_max = 1000},
    {.name = "length",
     .label = "First length",
     .help = "The l2 length of the change that the search begins with.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Params, length),
     .min = 1e-6,
     .max = 1000,
     .def = 1,
     .ui_min = 0.1,
     .ui_max = 5},
    {.name = "gamma",
     .label = "Gamma",
     .help = "The length shrinks or grows by this share at each step.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Params, gamma),
     .min = 0.0001,
     .max = 0.9,
     .def = 0.05,
     .ui_min = 0.01,
     .ui_max = 0.2},
    LIM_ATTACK_LOSS(Params),
    {0}};

typedef struct Ddn {
    LimAttack attack;
    int at;
    double *length;        /* [n] */
    double *most;          /* [n]: the length to the farthest corner */
    float *x;              /* [n][size] */
    float *row, *gradient; /* [n][size] */
    float *logits;         /* [n][classes] */
    int *rows;             /* [n] */
    int32_t *label;        /* [n] */
} Ddn;

static void
begin(LimAttack *a)
{
    Ddn *d = (Ddn *)a;
    const Params *p = a->params;
    const size_t n = (size_t)a->n;
    d->length = lim_alloc(n, sizeof *d->length);
    d->most = lim_alloc(n, sizeof *d->most);
    d->x = lim_alloc(n * a->size, sizeof *d->x);
    memcpy(d->x, a->image, n * a->size * sizeof *d->x);
    d->row = lim_alloc(n * a->size, sizeof *d->row);
    d->gradient = lim_alloc(n * a->size, sizeof *d->gradient);
    d->logits = lim_alloc(n * (size_t)a->victim->classes, sizeof *d->logits);
    d->rows = lim_alloc(n, sizeof *d->rows);
    d->label = lim_alloc(n, sizeof *d->label);
    for (size_t i = 0; i < n; i++) {
        d->length[i] = p->length;
        for (size_t j = 0; j < a->size; j++) {
            const double v = (double)a->image[i * a->size + j], far = fmax(v, 1 - v);
            d->most[i] += far * far;
        }
        d->most[i] = sqrt(d->most[i]);
    }
}

static void
clear(LimAttack *a)
{
    Ddn *d = (Ddn *)a;
    free(d->length);
    free(d->most);
    free(d->x);
    free(d->row);
    free(d->gradient);
    free(d->logits);
    free(d->rows);
    free(d->label);
}

/* A step along the gradient, then the change at the new length, within the range. A gradient of 0
 * becomes a random direction. */
static void
walk(Ddn *d, int i, float *gradient, bool fools)
{
    LimAttack *a = &d->attack;
    const Params *p = a->params;
    const float *o = a->image + (size_t)i * a->size;
    float *x = d->x + (size_t)i * a->size;
    double square = 0;
    for (int again = 0; again < 2 && square == 0; again++) {
        if (again)
            lim_rng_normal(a->seed, lim_attack_stream(a, "ddn", i), (uint64_t)d->at * a->size,
                           gradient, a->size);
        for (size_t j = 0; j < a->size; j++)
            square += (double)gradient[j] * (double)gradient[j];
    }
    const double pi = 3.14159265358979323846;
    const double step = 0.01 + 0.99 * (1 + cos(pi * d->at / p->steps)) / 2;
    const double along = step * (double)lim_attack_direction(p->loss, a->target) / sqrt(square);
    double length = 0;
    for (size_t j = 0; j < a->size; j++) {
        const double to = (double)x[j] - (double)o[j] + along * (double)gradient[j];
        length += to * to;
    }
    d->length[i] = fmin(d->length[i] * (fools ? 1 - p->gamma : 1 + p->gamma), d->most[i]);
    const double scale = length > 0 ? d->length[i] / sqrt(length) : 0;
    for (size_t j = 0; j < a->size; j++) {
        const double to = (double)x[j] - (double)o[j] + along * (double)gradient[j];
        x[j] = (float)fmax(0, fmin(1, (double)o[j] + scale * to));
    }
}

static LimStep
step(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Ddn *d = (Ddn *)a;
    const Params *p = a->params;
    int m = 0;
    for (int i = 0; i < a->n; i++) {
        if (a->status[i] == LIM_ATTACK_ALREADY || lim_attack_left(a, i) < 1)
            continue;
        memcpy(d->row + (size_t)m * a->size, d->x + (size_t)i * a->size, a->size * sizeof *d->row);
        d->label[m] = a->target ? a->target[i] : a->label[i];
        d->rows[m++] = i;
    }
    if (lim_victim_loss_gradient(a->victim, exec, (LimVictimLoss)p->loss, p->temperature, d->row,
                                 d->rows, d->label, m, NULL, d->logits, d->gradient, err) != LIM_OK)
        return LIM_STEP_FAILED;
    for (int k = 0; k < m; k++) {
        const int32_t seen =
            lim_victim_seen(a->victim, d->logits + (size_t)k * (size_t)a->victim->classes);
        lim_attack_offer(a, d->rows[k], d->row + (size_t)k * a->size, seen);
        walk(d, d->rows[k], d->gradient + (size_t)k * a->size,
             lim_attack_fools(a, d->rows[k], seen));
    }
    d->at++;
    if (progress) {
        progress->fraction = (double)d->at / p->steps;
        snprintf(progress->text, sizeof progress->text, "step %d of %d, %d pictures", d->at,
                 p->steps, m);
    }
    return m == 0 || d->at == p->steps ? LIM_STEP_DONE : LIM_STEP_MORE;
}

const LimAttackClass lim_attack_ddn = {
    .name = "ddn",
    .label = "DDN",
    .help = "Decoupled direction and norm: steps along the gradient on a sphere that shrinks after "
            "every picture that fools and grows after every other. Close and quick.",
    .access = LIM_ACCESS_GRADIENT,
    .targeted = true,
    .schema = schema,
    .params_size = sizeof(Params),
    .size = sizeof(Ddn),
    .begin = begin,
    .step = step,
    .clear = clear};
