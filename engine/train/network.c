/* One training step of one network. */
#include "train/network.h"

#include <stdlib.h>
#include <string.h>

LimStatus
lim_step_plan_init(LimStepPlan *s, LimBuild *b, LimVal loss, const LimVal *keep, int n_keep,
                   const LimExec *exec, LimError *err)
{
    memset(s, 0, sizeof *s);
    s->store = b->store;
    s->n = b->n_params;
    memcpy(s->entry, b->param_entry, sizeof s->entry);
    if (lim_val_ok(loss))
        lim_graph_grad(b->g, loss, LIM_NOVAL, b->param, s->gradient, b->n_params);
    s->n_updates = b->n_updates;
    memcpy(s->update_entry, b->update_entry, sizeof s->update_entry);
    memcpy(s->update, b->update, sizeof s->update);

    LimVal *want = lim_alloc((size_t)(s->n + s->n_updates + n_keep) + 1, sizeof *want);
    int n = 0;
    for (int i = 0; i < n_keep; i++)
        want[n++] = keep[i];
    for (int i = 0; i < s->n; i++)
        if (lim_val_ok(s->gradient[i]))
            want[n++] = s->gradient[i];
    for (int i = 0; i < s->n_updates; i++)
        want[n++] = s->update[i];
    s->plan = lim_plan_new(b->g, want, n, 0, exec, err);
    free(want);
    return s->plan ? LIM_OK : err ? err->code : LIM_E_SHAPE;
}

void
lim_step_plan_clear(LimStepPlan *s)
{
    lim_plan_free(s->plan);
    s->plan = NULL;
}

LimOptim *
lim_step_plan_optim(const LimStepPlan *s)
{
    return lim_optim_new(s->store, s->entry, s->n);
}

void
lim_step_plan_update_buffers(LimStepPlan *s)
{
    for (int i = 0; i < s->n_updates; i++) {
        const int e = s->update_entry[i];
        memcpy(lim_store_data(s->store, e), lim_plan_f32(s->plan, s->update[i]),
               (size_t)lim_shape_size(lim_store_shape(s->store, e)) * sizeof(float));
    }
}

LimStatus
lim_step_plan_run(LimStepPlan *s, LimOptim *o, const LimOptimParams *p, const LimExec *exec,
                  LimError *err)
{
    LimStatus status = lim_plan_run(s->plan, exec, err);
    if (status != LIM_OK)
        return status;
    const float *gradient[LIM_BUILD_MAX_PARAMS];
    for (int i = 0; i < s->n; i++)
        gradient[i] = lim_val_ok(s->gradient[i]) ? lim_plan_f32(s->plan, s->gradient[i]) : NULL;
    lim_step_plan_update_buffers(s);
    lim_optim_step(o, p, gradient, exec->pool);
    return LIM_OK;
}
