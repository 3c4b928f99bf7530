/* One frame of a run, looked at. */
#include "panes/attack/run-private.h"

#include <stdlib.h>

/* label: what is known of it already; an external program is not asked. */
static LimStatus
judge(LimAttackRun *r, LimVictim *eye, const LimExec *exec, const float *x, int label,
      LimJudged *out, LimError *err)
{
    const int target = r->plan.setup.target;

    if (lim_attack_run_external(r)) {
        out->label = label;
    } else {
        out->probability = lim_alloc((size_t)r->classes, sizeof(float));
        out->label = lim_attack_run_look(r, eye, exec, x, out->probability, err);
        if (out->label < 0)
            return err->code;
    }
    out->fools = out->label < 0 ? false
                 : target >= 0  ? out->label == target
                                : out->label != r->right;
    out->l2 = lim_l2(x, r->clean, r->size);
    out->linf = lim_linf(x, r->clean, r->size);
    out->mse = out->l2 * out->l2 / (double)r->size;
    return LIM_OK;
}

/* What the denoiser makes of x, and what is said of that. */
static LimStatus
look_denoised(LimLookTask *self, const LimExec *exec, const float *x, LimError *err)
{
    LimAttackRun *r = self->run;
    LimJudged *j = &self->denoised;

    if (!r->denoiser)
        return LIM_OK;
    self->picture = lim_alloc(r->size, sizeof(float));
    LimStatus status = lim_attack_run_denoise(r, r->denoiser, exec, x, self->picture, err);
    if (status != LIM_OK)
        return status;
    status = judge(r, r->last, exec, x, -1, j, err);
    j->l2 = lim_l2(self->picture, r->clean, r->size);
    j->linf = lim_linf(self->picture, r->clean, r->size);
    j->mse = j->l2 * j->l2 / (double)r->size;
    return status;
}

static LimStep
look_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimLookTask *self = (LimLookTask *)t;
    LimAttackRun *r = self->run;
    const float *x = lim_recording_picture(r->recording, self->frame);
    float *rounded = lim_alloc(r->size, sizeof *rounded);

    lim_round8(x, rounded, r->size);
    const int label = lim_recording_frame(r->recording, self->frame)->label;
    bool same8 = false; /* the program sees 8 bit anyway */
    if (lim_attack_run_external(r)) {
        self->clean_label =
            lim_recording_n(r->recording) > 1 ? lim_recording_frame(r->recording, 1)->label : -1;
        same8 = !lim_oracle_floats(r->victim);
    } else {
        self->clean = lim_memdup(r->probability, (size_t)r->classes, sizeof(float));
    }
    const bool ok =
        judge(r, r->plain, exec, x, label, &self->as_is, err) == LIM_OK &&
        judge(r, r->eye, exec, rounded, same8 ? label : -1, &self->rounded, err) == LIM_OK &&
        look_denoised(self, exec, x, err) == LIM_OK;
    free(rounded);
    return ok ? LIM_STEP_DONE : LIM_STEP_FAILED;
}

static void
look_free(LimTask *t)
{
    LimLookTask *self = (LimLookTask *)t;

    lim_attack_run_unref(self->run);
    free(self->clean);
    free(self->as_is.probability);
    free(self->rounded.probability);
    free(self->picture);
    free(self->denoised.probability);
    free(self);
}

LimTask *
lim_look_task_new(LimAttackRun *run, int frame)
{
    static const LimTaskClass klass = {"look at a picture", look_step, NULL, look_free};
    LimLookTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_attack_run_ref(run);
    self->frame = frame;
    return &self->base;
}
