/* Descends on v, by the gradients of the margins of the own labels at clip(x + v).
 *
 * What counts is how many pictures are fooled, so every picture has a part as it has in the slope
 * of a sigmoid of its margin: much near the boundary, little where it is fooled by far or out of
 * reach. How far that is depends on the classifier (one trained at a high temperature has logits
 * and margins twenty times as large), so margins are taken in units of their mean size in the
 * batch.
 *
 * The way that is best in a ball is another one for each norm. In l-infinity every value can have
 * its full size: Adam, which takes all of them to the same size, fits. In l2 it would spread the
 * length that there is over all values alike; there v moves along the running mean of gradients of
 * unit length. Both rates fall to 0.
 *
 * Where x + v was clipped, the picture does not depend on v: the gradient is 0 there. */
#include "attacks/universal-private.h"

#include "train/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BETA1 0.9
#define BETA2 0.99
#define WIDTH 0.5 /* of the sigmoid, in mean margins */

typedef struct Rule {
    double *gradient, *first, *second; /* [size]; first, second: running means of it, and of its
                                        * squares (l-infinity) */
    float *each;                       /* [batch][size] */
    float *value, *logits;             /* [batch], [batch][classes] */
    int32_t *own;                      /* [batch] */
} Rule;

static void *
new_rule(const LimUniversal *u)
{
    const size_t b = (size_t)u->p.batch;
    Rule *r = lim_alloc(1, sizeof *r);
    r->gradient = lim_alloc(u->size, sizeof *r->gradient);
    r->first = lim_alloc(u->size, sizeof *r->first);
    r->second = lim_alloc(u->size, sizeof *r->second);
    r->each = lim_alloc(b * u->size, sizeof *r->each);
    r->value = lim_alloc(b, sizeof *r->value);
    r->logits = lim_alloc(b * (size_t)u->in.victim->classes, sizeof *r->logits);
    r->own = lim_alloc(b, sizeof *r->own);
    return r;
}

static void
free_rule(void *rule)
{
    Rule *r = rule;
    free(r->gradient);
    free(r->first);
    free(r->second);
    free(r->each);
    free(r->value);
    free(r->logits);
    free(r->own);
    free(r);
}

/* The slope of a sigmoid, 1 in the middle. */
static double
part(double margin, double scale)
{
    const double e = exp(-fabs(margin) / (WIDTH * scale + 1e-12));
    return 4 * e / ((1 + e) * (1 + e));
}

/* The weighted mean over the batch into r->gradient. */
static void
collect(Rule *r, LimUniversal *u)
{
    double scale = 0;
    for (int k = 0; k < u->n_rows; k++)
        scale += fabs((double)r->value[k]) / u->n_rows;
    memset(r->gradient, 0, u->size * sizeof *r->gradient);
    for (int k = 0; k < u->n_rows; k++) {
        const float *x = u->in.image + (size_t)u->rows[k] * u->size;
        const float *g = r->each + (size_t)k * u->size;
        const double w = part((double)r->value[k], scale) / u->n_rows;
        for (size_t j = 0; j < u->size; j++) {
            const float at = x[j] + u->v[j];
            if (at >= 0 && at <= 1)
                r->gradient[j] += w * (double)g[j];
        }
        if (u->label[k] == u->own[u->rows[k]])
            lim_universal_added(u, k);
    }
}

/* rate: length of the step, as a share of the bound. */
static void
descend_l2(Rule *r, LimUniversal *u, double rate)
{
    double gradient = 0, mean = 0;
    for (size_t j = 0; j < u->size; j++)
        gradient += r->gradient[j] * r->gradient[j];
    for (size_t j = 0; j < u->size; j++) {
        r->first[j] += (1 - BETA1) * (r->gradient[j] / (sqrt(gradient) + 1e-12) - r->first[j]);
        mean += r->first[j] * r->first[j];
    }
    for (size_t j = 0; j < u->size; j++)
        u->v[j] = (float)((double)u->v[j] - rate * u->p.xi * r->first[j] / (sqrt(mean) + 1e-12));
}

/* rate: of every value, as a share of the bound; t: steps, with this one. */
static void
descend_linf(Rule *r, LimUniversal *u, double rate, double t)
{
    for (size_t j = 0; j < u->size; j++) {
        const double g = r->gradient[j];
        r->first[j] += (1 - BETA1) * (g - r->first[j]);
        r->second[j] += (1 - BETA2) * (g * g - r->second[j]);
        const double m = r->first[j] / (1 - pow(BETA1, t)), s = r->second[j] / (1 - pow(BETA2, t));
        u->v[j] = (float)((double)u->v[j] - rate * u->p.xi * m / (sqrt(s) + 1e-12));
    }
}

static LimStep
step(void *rule, LimUniversal *u, const LimExec *exec, LimError *err)
{
    Rule *r = rule;
    for (int k = 0; k < u->n_rows; k++) {
        lim_universal_apply(u->in.image + (size_t)u->rows[k] * u->size, u->v, 1, u->size,
                            u->x + (size_t)k * u->size);
        r->own[k] = u->own[u->rows[k]];
    }
    if (lim_victim_loss_gradient(u->in.victim, exec, LIM_LOSS_MARGIN, 1, u->x, u->rows, r->own,
                                 u->n_rows, r->value, r->logits, r->each, err) != LIM_OK)
        return LIM_STEP_FAILED;
    for (int k = 0; k < u->n_rows; k++)
        u->label[k] =
            lim_victim_seen(u->in.victim, r->logits + (size_t)k * (size_t)u->in.victim->classes);
    collect(r, u);
    const double t = (double)u->batches + 1;
    const double all = (double)u->p.passes * lim_universal_batches(u);
    const double rate = u->p.rate * (1 - (t - 1) / all);
    if (u->p.norm == LIM_NORM_L2)
        descend_l2(r, u, rate);
    else
        descend_linf(r, u, rate, t);
    lim_universal_project((LimNorm)u->p.norm, u->p.xi, u->v, u->size);
    return LIM_STEP_DONE;
}

static void
write_rule(const void *rule, const LimUniversal *u, LimStWriter *w)
{
    const Rule *r = rule;
    lim_st_writer_add(w, "first", LIM_F64, LIM_SHAPE1((int)u->size), r->first, false);
    lim_st_writer_add(w, "second", LIM_F64, LIM_SHAPE1((int)u->size), r->second, false);
}

static LimStatus
read_rule(void *rule, const LimUniversal *u, const LimStFile *f, const char *path, LimError *err)
{
    Rule *r = rule;
    const LimStatus status =
        lim_checkpoint_numbers(f, path, "first", LIM_F64, (int)u->size, r->first, err);
    return status == LIM_OK
               ? lim_checkpoint_numbers(f, path, "second", LIM_F64, (int)u->size, r->second, err)
               : status;
}

const LimUniversalRule lim_universal_gradient = {
    .new = new_rule, .step = step, .write = write_rule, .read = read_rule, .free = free_rule};
