/* Plan memory, run.
 *
 * A plan fixes what is computed (the wanted values), in which order, and where every activation
 * lives in one slab whose size is known before the first run. Running allocates nothing. */
#pragma once

#include "graph/graph.h"
#include "run/exec.h"

typedef struct LimPlan LimPlan;

enum {
    LIM_PLAN_KEEP = 1 << 0, /* keep every value readable after a run (probes) */
    LIM_PLAN_F64 = 1 << 1   /* compute everything with the double references (gradient checks) */
};

/* Takes the graph (freed with the plan, also on failure). NULL and err when the graph holds an
 * error. exec decides the size of scratch, which has a part for each thread. */
LimPlan *lim_plan_new(LimGraph *take, const LimVal *want, int n, unsigned flags,
                      const LimExec *exec, LimError *err);
void lim_plan_free(LimPlan *p);
size_t lim_plan_bytes(const LimPlan *p); /* slab + constants + scratch */
int lim_plan_nodes(const LimPlan *p);

/* Binds a feed to memory that stays valid during runs (float, int32_t; double with LIM_PLAN_F64).
 */
void lim_plan_bind(LimPlan *p, LimVal feed, const void *data);
/* Constants changed: recompute what depends on them at the next run. */
void lim_plan_touch(LimPlan *p);
/* With kernels and a pool of as many threads as the plan was made for (asserts). LIM_CANCELLED
 * between nodes when exec->cancel asks. */
LimStatus lim_plan_run(LimPlan *p, const LimExec *exec, LimError *err);
/* The value after a run: float, int32_t (double with LIM_PLAN_F64). Valid until the next run. Only
 * wanted values (any value with LIM_PLAN_KEEP). */
const void *lim_plan_get(const LimPlan *p, LimVal v);
const float *lim_plan_f32(const LimPlan *p, LimVal v);
/* A text table of nodes (name, op, shapes, offsets); the caller frees. */
char *lim_plan_dump(const LimPlan *p);
/* Per-node seconds of the last runs (sum) for profiling, by op name; the caller frees. */
char *lim_plan_profile(const LimPlan *p);
