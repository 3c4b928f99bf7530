/* Algorithm 1 of Moosavi-Dezfooli et al. 2017: pictures that v does not fool are taken over the
 * boundary by DeepFool, and their ways are added to v.
 *
 * Each starts at clip(x + v), against the label there, and stays within the range of pictures. What
 * it moved is added to v, and v is not made anew from clip(x + v): where that was clipped, this
 * picture says nothing about what v should be for others. A picture that does not reach the
 * boundary within its steps adds nothing. The pictures of a batch start from the same v; before a
 * way is added, its picture is asked again, because those before it may have fooled it by now. */
#include "attacks/universal-private.h"

#include "attacks/deepfool.h"

#include <stdlib.h>
#include <string.h>

#define CANDIDATES 10 /* classes */

typedef struct Rule {
    int step;        /* 0: the batch begins */
    int m, *active;  /* rows that are on their way */
    bool *over;      /* [batch]: beyond the boundary */
    bool *candidate; /* [batch][classes] */
    double *way;     /* [batch][size] */
    float *place;    /* [batch][size] */
    float *asked;    /* [batch][size], of the active ones */
    float *logits;   /* [batch][classes] */
    float *jacobian; /* [batch][classes][size] */
    float *v;        /* [size] */
    int32_t *label;  /* [batch] */
    int *owner;      /* [batch] */
} Rule;

static void *
new_rule(const LimUniversal *u)
{
    const size_t b = (size_t)u->p.batch, classes = (size_t)u->in.victim->classes;
    Rule *r = lim_alloc(1, sizeof *r);
    r->active = lim_alloc(b, sizeof *r->active);
    r->over = lim_alloc(b, sizeof *r->over);
    r->candidate = lim_alloc(b * classes, sizeof *r->candidate);
    r->way = lim_alloc(b * u->size, sizeof *r->way);
    r->place = lim_alloc(b * u->size, sizeof *r->place);
    r->asked = lim_alloc(b * u->size, sizeof *r->asked);
    r->logits = lim_alloc(b * classes, sizeof *r->logits);
    r->jacobian = lim_alloc(b * classes * u->size, sizeof *r->jacobian);
    r->v = lim_alloc(u->size, sizeof *r->v);
    r->label = lim_alloc(b, sizeof *r->label);
    r->owner = lim_alloc(b, sizeof *r->owner);
    return r;
}

static void
free_rule(void *rule)
{
    Rule *r = rule;
    free(r->active);
    free(r->over);
    free(r->candidate);
    free(r->way);
    free(r->place);
    free(r->asked);
    free(r->logits);
    free(r->jacobian);
    free(r->v);
    free(r->label);
    free(r->owner);
    free(r);
}

static void
gather(Rule *r, const LimUniversal *u)
{
    for (int k = 0; k < r->m; k++) {
        memcpy(r->asked + (size_t)k * u->size, r->place + (size_t)r->active[k] * u->size,
               u->size * sizeof *r->asked);
        r->owner[k] = u->rows[r->active[k]];
    }
}

static LimStatus
begin(Rule *r, LimUniversal *u, const LimExec *exec, LimError *err)
{
    const LimStatus status = lim_universal_visit(u, exec, err);
    if (status != LIM_OK)
        return status;
    r->m = 0;
    for (int k = 0; k < u->n_rows; k++) {
        r->over[k] = false;
        if (u->label[k] == u->own[u->rows[k]])
            r->active[r->m++] = k;
    }
    memset(r->way, 0, (size_t)u->n_rows * u->size * sizeof *r->way);
    memcpy(r->place, u->x, (size_t)u->n_rows * u->size * sizeof *r->place);
    return LIM_OK;
}

/* One linearisation for all that are on their way. */
static LimStatus
walk(Rule *r, LimUniversal *u, const LimExec *exec, LimError *err)
{
    const int classes = u->in.victim->classes;
    gather(r, u);
    LimStatus status = lim_victim_jacobian(u->in.victim, exec, r->asked, r->owner, r->m, r->logits,
                                           r->jacobian, err);
    for (int k = 0; k < r->m && status == LIM_OK; k++) {
        const int row = r->active[k];
        const size_t at = (size_t)row * u->size;
        const float *z = r->logits + (size_t)k * (size_t)classes;
        bool *candidate = r->candidate + (size_t)row * (size_t)classes;
        if (r->step == 1)
            lim_deepfool_candidates(z, classes, u->label[row], CANDIDATES, candidate);
        if (lim_deepfool_step(LIM_NORM_L2, z, r->jacobian + (size_t)(k * classes) * u->size,
                              candidate, classes, u->label[row], u->size, r->way + at))
            lim_deepfool_place(u->x + at, r->way + at, u->p.overshoot, u->size, r->place + at);
    }
    if (status != LIM_OK)
        return status;
    gather(r, u);
    status = lim_victim_labels(u->in.victim, exec, r->asked, r->owner, r->m, r->label, err);
    int left = 0;
    for (int k = 0; k < r->m && status == LIM_OK; k++) {
        const int row = r->active[k];
        r->over[row] = r->label[k] != u->label[row];
        if (!r->over[row])
            r->active[left++] = row;
    }
    r->m = left;
    return status;
}

/* Adds the ways, one after the other; all of them or, when a question fails, none. */
static LimStatus
add(Rule *r, LimUniversal *u, const LimExec *exec, LimError *err)
{
    int added = 0;
    memcpy(r->v, u->v, u->size * sizeof *r->v);
    for (int k = 0; k < u->n_rows; k++) {
        if (!r->over[k])
            continue;
        if (added > 0) {
            const float *x = u->in.image + (size_t)u->rows[k] * u->size;
            lim_universal_apply(x, r->v, 1, u->size, r->asked);
            int32_t label;
            const LimStatus status =
                lim_victim_labels(u->in.victim, exec, r->asked, &u->rows[k], 1, &label, err);
            if (status != LIM_OK)
                return status;
            if (label != u->own[u->rows[k]])
                continue;
        }
        const float *from = u->x + (size_t)k * u->size, *to = r->place + (size_t)k * u->size;
        for (size_t j = 0; j < u->size; j++)
            r->v[j] += to[j] - from[j];
        lim_universal_project((LimNorm)u->p.norm, u->p.xi, r->v, u->size);
        r->active[added++] = k;
    }
    memcpy(u->v, r->v, u->size * sizeof *r->v);
    for (int i = 0; i < added; i++)
        lim_universal_added(u, r->active[i]);
    return LIM_OK;
}

static LimStep
step(void *rule, LimUniversal *u, const LimExec *exec, LimError *err)
{
    Rule *r = rule;
    LimStatus status = LIM_OK;
    if (r->step == 0)
        status = begin(r, u, exec, err);
    else
        status = walk(r, u, exec, err);
    if (status == LIM_OK && r->step < u->p.steps && r->m > 0) {
        r->step++;
        return LIM_STEP_MORE;
    }
    r->step = 0;
    if (status == LIM_OK)
        status = add(r, u, exec, err);
    return status == LIM_OK ? LIM_STEP_DONE : LIM_STEP_FAILED;
}

const LimUniversalRule lim_universal_deepfool = {.new = new_rule, .step = step, .free = free_rule};
