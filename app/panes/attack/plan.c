#include "panes/attack/plan.h"

#include "attacks/boundary.h"

#include <stdlib.h>
#include <string.h>

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

bool
lim_attack_plan_same_way(const LimAttackPlan *a, const LimAttackPlan *b)
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
    return lim_attack_plan_same_way(a, b) && a->setup.queries == b->setup.queries &&
           a->setup.lattice == b->setup.lattice &&
           (a->setup.model != LIM_ATTACK_EXTERNAL ||
            (a->setup.oracle.timeout == b->setup.oracle.timeout &&
             a->setup.oracle.retries == b->setup.oracle.retries)) &&
           same_text(lim_attack_plan_restarts(a), lim_attack_plan_restarts(b));
}
