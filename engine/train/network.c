/* One training step of one network. */
#include "train/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LimVal
lim_gradient_penalty(LimGraph *g, LimVal score, LimVal x, double gamma)
{
    LimVal dx;
    lim_graph_grad(g, lim_sum(g, score), LIM_NOVAL, &x, &dx, 1);
    if (lim_graph_status(g, NULL) != LIM_OK)
        return LIM_NOVAL;
    LIM_ASSERT(lim_val_ok(dx));
    return lim_affine(g, lim_dot(g, dx, dx), gamma / 2 / lim_graph_shape(g, x).d[0], 0);
}

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
    for (int i = 0; s->sum && i < s->n; i++)
        free(s->sum[i]);
    free(s->sum);
    s->sum = NULL;
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

static int64_t
size_of(const LimStepPlan *s, int i)
{
    return lim_shape_size(lim_store_shape(s->store, s->entry[i]));
}

void
lim_step_plan_gather(LimStepPlan *s)
{
    s->sum = lim_alloc((size_t)s->n + 1, sizeof *s->sum);
    for (int i = 0; i < s->n; i++)
        s->sum[i] = lim_alloc((size_t)size_of(s, i), sizeof **s->sum);
}

LimStatus
lim_step_plan_add(LimStepPlan *s, double scale, const LimExec *exec, LimError *err)
{
    LimStatus status = lim_plan_run(s->plan, exec, err);
    for (int i = 0; status == LIM_OK && i < s->n; i++) {
        if (!lim_val_ok(s->gradient[i]))
            continue;
        const float *restrict d = lim_plan_f32(s->plan, s->gradient[i]);
        float *restrict sum = s->sum[i];
        const int64_t n = size_of(s, i);
        for (int64_t k = 0; k < n; k++)
            sum[k] += (float)scale * d[k];
    }
    return status;
}

void
lim_step_plan_finish(LimStepPlan *s, LimOptim *o, const LimOptimParams *p, const LimExec *exec)
{
    lim_step_plan_update_buffers(s);
    lim_optim_step(o, p, (const float *const *)s->sum, exec->pool);
    for (int i = 0; i < s->n; i++)
        memset(s->sum[i], 0, (size_t)size_of(s, i) * sizeof **s->sum);
}

static void
sum_name(const LimStepPlan *s, const char *prefix, int i, char out[320])
{
    snprintf(out, 320, "%s%s", prefix, lim_store_name(s->store, s->entry[i]));
}

void
lim_step_plan_write(const LimStepPlan *s, LimStWriter *w, const char *prefix)
{
    char name[320];
    for (int i = 0; i < s->n; i++) {
        sum_name(s, prefix, i, name);
        lim_st_writer_add(w, name, LIM_F32, LIM_SHAPE1((int32_t)size_of(s, i)), s->sum[i], false);
    }
}

LimStatus
lim_step_plan_read(LimStepPlan *s, const LimStFile *f, const char *prefix, LimError *err)
{
    char name[320];
    for (int i = 0; i < s->n; i++) {
        sum_name(s, prefix, i, name);
        LimTensor *t = lim_st_get(f, name, err);
        if (!t)
            return err ? err->code : LIM_E_FORMAT;
        const bool fits = lim_tensor_type(t) == LIM_F32 && lim_tensor_size(t) == size_of(s, i);
        if (fits)
            memcpy(s->sum[i], lim_tensor_f32(t), (size_t)size_of(s, i) * sizeof **s->sum);
        lim_tensor_unref(t);
        if (!fits)
            return lim_fail(err, LIM_E_FORMAT, "%s does not fit this network; start a new training",
                            name);
    }
    return LIM_OK;
}
