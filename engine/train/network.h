/* A network in training: a store, the plan of one step, an optimiser, and what to copy back after a
 * run. Shared by all trainers. */
#pragma once

#include "graph/plan.h"
#include "nn/build.h"
#include "nn/optim.h"

typedef struct LimStepPlan {
    LimPlan *plan;
    LimStore *store; /* borrowed: whose parameters the gradients belong to */
    int n;           /* parameters */
    int entry[LIM_BUILD_MAX_PARAMS];
    LimVal gradient[LIM_BUILD_MAX_PARAMS];
    int n_updates;
    int update_entry[LIM_BUILD_MAX_UPDATES];
    LimVal update[LIM_BUILD_MAX_UPDATES];
    float **sum; /* [n] gradients gathered so far, or NULL */
} LimStepPlan;

/* R1 (Mescheder et al. 2018): gamma / 2 times the mean over samples of |d score_i / d x_i|^2, as a
 * value [1] that can be differentiated again. score [n][1], x [n].. one sample each; no score may
 * depend on another sample's x (batch norm). */
LimVal lim_gradient_penalty(LimGraph *g, LimVal score, LimVal x, double gamma);

/* Differentiates `loss` by the parameters that b used, and plans it together with the values in
 * keep[0..n_keep). Takes b->g. */
LimStatus lim_step_plan_init(LimStepPlan *s, LimBuild *b, LimVal loss, const LimVal *keep,
                             int n_keep, const LimExec *exec, LimError *err);
void lim_step_plan_clear(LimStepPlan *s);
/* A new optimiser for the plan's parameters. */
LimOptim *lim_step_plan_optim(const LimStepPlan *s);
/* Runs the plan, copies buffer updates, steps the optimiser. When cancelled nothing has changed. */
LimStatus lim_step_plan_run(LimStepPlan *s, LimOptim *o, const LimOptimParams *p,
                            const LimExec *exec, LimError *err);
/* A step from several batches, or with terms of the gradient that the graph does not know. gather()
 * once provides the sums; add() runs the plan and adds scale times each gradient to its sum (when
 * cancelled nothing has changed); finish() steps the optimiser by the sums, copies the buffer
 * updates of the last batch, and clears the sums. In between, sum[i] may be added to. */
void lim_step_plan_gather(LimStepPlan *s);
LimStatus lim_step_plan_add(LimStepPlan *s, double scale, const LimExec *exec, LimError *err);
void lim_step_plan_finish(LimStepPlan *s, LimOptim *o, const LimOptimParams *p,
                          const LimExec *exec);
/* The sums as part of a checkpoint. */
void lim_step_plan_write(const LimStepPlan *s, LimStWriter *w, const char *prefix);
LimStatus lim_step_plan_read(LimStepPlan *s, const LimStFile *f, const char *prefix, LimError *err);
/* Copies the buffer updates only (the plan has run). */
void lim_step_plan_update_buffers(LimStepPlan *s);
