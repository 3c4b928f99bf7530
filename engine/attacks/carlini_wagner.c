/* Carlini and Wagner's attack in l2 (2017): minimises |x' - x|^2 + c max(0, margin + confidence)
 * over w, where x' = (1 + tanh(w)) / 2 stays in range by itself. Adam from w = atanh(2x - 1), anew
 * in each round; c is searched by rounds: times ten until a picture fools, then bisection.
 *
 * 2x - 1 is scaled by 0.999999 first, or values of 0 and 1 (half of a Fashion-MNIST picture) could
 * never move. The margin is that of the right class over the best other one (untargeted), or of the
 * best other over the target. Every picture has a clock of its own: it leaves a round early when
 * its loss has stopped falling, and leaves the batch after its last round, so that a picture's
 * result does not depend on the others. */
#include "attacks/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Params {
    int rounds, steps;
    double rate, c, confidence;
    bool abort_early;
} Params;

static const LimParamSpec schema[] = {
    {.name = "rounds",
     .label = "Rounds",
     .help = "Values of c that are tried for each picture.",
     .unit = "rounds",
     .kind = LIM_INT,
     .offset = offsetof(Params, rounds),
     .min = 1,
     .max = 100,
     .def = 9,
     .ui_min = 1,
     .ui_max = 12},
    {.name = "steps",
     .label = "Steps",
     .help = "Steps of a round at most.",
     .unit = "steps",
     .kind = LIM_INT,
     .offset = offsetof(Params, steps),
     .min = 1,
     .max = 100000,
     .def = 1000,
     .ui_min = 10,
     .ui_max = 2000},
    {.name = "learning-rate",
     .label = "Learning rate",
     .help = "Of Adam.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Params, rate),
     .min = 1e-6,
     .max = 10,
     .def = 0.01,
     .ui_min = 0.001,
     .ui_max = 0.1},
    {.name = "c",
     .label = "First c",
     .help = "Weight of fooling against closeness in the first round.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Params, c),
     .min = 1e-9,
     .max = 1e9,
     .def = 1e-3,
     .ui_min = 1e-4,
     .ui_max = 10},
    {.name = "confidence",
     .label = "Confidence",
     .help = "By how much the logit of the wrong class must lead (kappa).",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Params, confidence),
     .max = 1000,
     .ui_max = 40},
    {.name = "abort-early",
     .label = "Leave early",
     .help = "End the round of a picture whose loss has not fallen over a tenth of its steps.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(Params, abort_early),
     .max = 1,
     .def = 1},
    {0}};

typedef struct Clock {
    int round, at; /* of a picture */
    bool found;    /* in this round */
    double c, low, high, loss;
} Clock;

typedef struct CarliniWagner {
    LimAttack attack;
    Clock *clock;                 /* [n] */
    float *origin, *centre;       /* [n][size]: atanh of the original; the picture it gives */
    float *w, *moment1, *moment2; /* [n][size]: offset from origin, and Adam's */
    float *row, *gradient;        /* [n][size] */
    float *logits, *margin;       /* [n][classes], [n] */
    int *rows;                    /* [n] */
    int32_t *label;               /* [n] */
} CarliniWagner;

static void
begin_round(CarliniWagner *w, int i)
{
    const size_t size = w->attack.size, base = (size_t)i * size;
    Clock *c = &w->clock[i];
    memset(w->w + base, 0, size * sizeof *w->w);
    memset(w->moment1 + base, 0, size * sizeof *w->w);
    memset(w->moment2 + base, 0, size * sizeof *w->w);
    c->at = 0;
    c->found = false;
    c->loss = (double)INFINITY;
}

static void
begin(LimAttack *a)
{
    CarliniWagner *w = (CarliniWagner *)a;
    const size_t n = (size_t)a->n, all = n * a->size;
    w->clock = lim_alloc(n, sizeof *w->clock);
    w->origin = lim_alloc(all, sizeof *w->origin);
    w->centre = lim_alloc(all, sizeof *w->centre);
    w->w = lim_alloc(all, sizeof *w->w);
    w->moment1 = lim_alloc(all, sizeof *w->moment1);
    w->moment2 = lim_alloc(all, sizeof *w->moment2);
    w->row = lim_alloc(all, sizeof *w->row);
    w->gradient = lim_alloc(all, sizeof *w->gradient);
    w->logits = lim_alloc(n * (size_t)a->victim->classes, sizeof *w->logits);
    w->margin = lim_alloc(n, sizeof *w->margin);
    w->rows = lim_alloc(n, sizeof *w->rows);
    w->label = lim_alloc(n, sizeof *w->label);
    for (size_t j = 0; j < all; j++) {
        w->origin[j] = atanhf((2 * fmaxf(0, fminf(1, a->image[j])) - 1) * 0.999999f);
        w->centre[j] = 0.5f + 0.5f * tanhf(w->origin[j]);
    }
    for (int i = 0; i < a->n; i++) {
        w->clock[i] = (Clock){.c = ((const Params *)a->params)->c, .high = (double)INFINITY};
        begin_round(w, i);
    }
}

static void
clear(LimAttack *a)
{
    CarliniWagner *w = (CarliniWagner *)a;
    free(w->clock);
    free(w->origin);
    free(w->centre);
    free(w->w);
    free(w->moment1);
    free(w->moment2);
    free(w->row);
    free(w->gradient);
    free(w->logits);
    free(w->margin);
    free(w->rows);
    free(w->label);
}

/* The picture of row k from w. */
static void
draw(void *ctx, int k, int thread)
{
    const CarliniWagner *w = ctx;
    const size_t size = w->attack.size, base = (size_t)w->rows[k] * size;
    for (size_t j = 0; j < size; j++)
        w->row[(size_t)k * size + j] = 0.5f + 0.5f * tanhf(w->origin[base + j] + w->w[base + j]);
}

/* How far row k is from fooling with confidence: what the hinge sees. */
static double
missing(const CarliniWagner *w, int k)
{
    const Params *p = w->attack.params;
    return (double)(w->attack.target ? -w->margin[k] : w->margin[k]) + p->confidence;
}

/* One step of Adam for row k. */
static void
descend(void *ctx, int k, int thread)
{
    CarliniWagner *w = ctx;
    const LimAttack *a = &w->attack;
    const Params *p = a->params;
    const int i = w->rows[k];
    const Clock *c = &w->clock[i];
    const size_t size = a->size, base = (size_t)i * size, row = (size_t)k * size;
    const float weight = (float)(missing(w, k) <= 0 ? 0 : a->target ? -c->c : c->c);
    const double t = c->at + 1;
    const float rate = (float)(p->rate * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t)));
    const float tiny = (float)(1e-8 * sqrt(1 - pow(0.999, t)));
    for (size_t j = 0; j < size; j++) {
        const float x = w->row[row + j], slope = 2 * x * (1 - x); /* (1 - tanh^2) / 2 */
        const float g = (2 * (x - w->centre[base + j]) + weight * w->gradient[row + j]) * slope;
        float *m1 = &w->moment1[base + j], *m2 = &w->moment2[base + j];
        *m1 += 0.1f * (g - *m1);
        *m2 += 0.001f * (g * g - *m2);
        w->w[base + j] -= rate * *m1 / (sqrtf(*m2) + tiny);
    }
}

static void
end_round(CarliniWagner *w, int i)
{
    const Params *p = w->attack.params;
    Clock *c = &w->clock[i];
    *(c->found ? &c->high : &c->low) = c->c;
    c->c = isinf(c->high) ? c->c * 10 : (c->low + c->high) / 2;
    if (++c->round == p->rounds - 1 && p->rounds >= 10 && !isinf(c->high))
        c->c = c->high; /* the last of many rounds: what is known to fool, again */
    begin_round(w, i);
}

/* Keeps what fools with confidence; what does not fool is a try. */
static void
judge(CarliniWagner *w, int k)
{
    LimAttack *a = &w->attack;
    const Params *p = a->params;
    const int i = w->rows[k];
    Clock *c = &w->clock[i];
    const float *x = w->row + (size_t)k * a->size;
    const int32_t seen =
        lim_victim_seen(a->victim, w->logits + (size_t)k * (size_t)a->victim->classes);
    const bool fools = lim_attack_fools(a, i, seen);
    const double lack = missing(w, k);
    const bool sure = fools && (p->confidence == 0 || lack <= 0);
    if (sure || !fools)
        lim_attack_offer(a, i, x, seen);
    c->found |= sure;
    const double away = lim_l2(x, w->centre + (size_t)i * a->size, a->size);
    const double loss = away * away + c->c * fmax(0, lack);
    const int tenth = (p->steps + 9) / 10;
    bool over = ++c->at == p->steps;
    if (p->abort_early && (c->at - 1) % tenth == 0) {
        /* values at 0 and 1 need the first tenth to get under way */
        over |= c->at - 1 > tenth && !(loss <= 0.9999 * c->loss);
        c->loss = loss;
    }
    if (over)
        end_round(w, i);
}

static LimStep
step(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err)
{
    CarliniWagner *w = (CarliniWagner *)a;
    const Params *p = a->params;
    int m = 0;
    double done = 0;
    for (int i = 0; i < a->n; i++) {
        const Clock *c = &w->clock[i];
        const bool open =
            a->status[i] != LIM_ATTACK_ALREADY && c->round < p->rounds && lim_attack_left(a, i) > 0;
        done += open ? (c->round + c->at / (double)p->steps) / p->rounds : 1;
        if (!open)
            continue;
        w->label[m] = a->target ? a->target[i] : a->label[i];
        w->rows[m++] = i;
    }
    lim_pool_for(exec->pool, m, draw, w);
    if (lim_victim_loss_gradient(a->victim, exec, LIM_LOSS_MARGIN, 1, w->row, w->rows, w->label, m,
                                 w->margin, w->logits, w->gradient, err) != LIM_OK)
        return LIM_STEP_FAILED;
    lim_pool_for(exec->pool, m, descend, w);
    for (int k = 0; k < m; k++)
        judge(w, k);
    if (progress) {
        progress->fraction = done / a->n;
        snprintf(progress->text, sizeof progress->text, "%d pictures at work", m);
    }
    return m > 0 ? LIM_STEP_MORE : LIM_STEP_DONE;
}

const LimAttackClass lim_attack_carlini_wagner = {
    .name = "carlini-wagner",
    .label = "Carlini-Wagner",
    .help = "Searches for the closest picture that fools with an optimiser and many gradients. "
            "The strongest of these attacks, and the slowest.",
    .access = LIM_ACCESS_GRADIENT,
    .targeted = true,
    .schema = schema,
    .params_size = sizeof(Params),
    .size = sizeof(CarliniWagner),
    .begin = begin,
    .step = step,
    .clear = clear};
