/* Record, differentiate.
 *
 * A LimGraph records ops on symbolic values (LimVal). Gradients are nodes of the same graph, so
 * what nobody wants is pruned and one planner serves both directions. Errors stick: after the first
 * one every call returns an invalid value, and lim_graph_status() tells it. */
#pragma once

#include "base/status.h"
#include "tensor/tensor.h"

#include <stdint.h>

typedef struct LimGraph LimGraph;
typedef struct LimOpDef LimOpDef;
typedef struct LimVal {
    uint32_t id; /* 0: invalid */
} LimVal;
#define LIM_NOVAL ((LimVal){0})
static inline bool
lim_val_ok(LimVal v)
{
    return v.id != 0;
}

LimGraph *lim_graph_new(void);
void lim_graph_free(LimGraph *g);
LimStatus lim_graph_status(const LimGraph *g, LimError *first);
/* Records a failure found by building code (the first one sticks). */
void lim_graph_fail(LimGraph *g, LimStatus code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
LimShape lim_graph_shape(const LimGraph *g, LimVal v); /* nd 0 for invalid values */
LimType lim_graph_type(const LimGraph *g, LimVal v);   /* LIM_F32 or LIM_I32 */

/* A value given from outside at each run. */
LimVal lim_graph_feed(LimGraph *g, const char *name, LimType type, LimShape shape);
/* A value that changes rarely (parameters, buffers): nodes that depend only on constants are run
 * once and kept until lim_plan_touch(). data is borrowed for the life of any plan. */
LimVal lim_graph_constant(LimGraph *g, const char *name, LimShape shape, const float *data);
/* A parameter that changes at every step: like a feed, but bound to its memory once. */
LimVal lim_graph_variable(LimGraph *g, const char *name, LimShape shape, const float *data);

/* Appends a node. Absent optional inputs are LIM_NOVAL. params (copied) may be NULL: defaults. out
 * receives n_out values; returns out[0]. */
LimVal lim_graph_add(LimGraph *g, const LimOpDef *op, const LimVal *in, const void *params,
                     LimVal *out);
/* Names a value for dumps and probes; returns v. */
LimVal lim_graph_name(LimGraph *g, LimVal v, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends the nodes that compute d(of)/d(wrt[i]), given d(of) = seed (invalid: ones). of may have
 * any shape. dwrt[i] is invalid when `of` does not depend on it. */
void lim_graph_grad(LimGraph *g, LimVal of, LimVal seed, const LimVal *wrt, LimVal *dwrt, int n);
/* The same from several seeds in one pass. seed [r][..] has a seed a row, and row, int [r], says to
 * which row of `of` [n][..] it belongs; dwrt[i] is [r][..]. Rows must not depend on each other, and
 * every value between wrt and `of` has its rows outermost. */
void lim_graph_grad_rows(LimGraph *g, LimVal of, LimVal row, LimVal seed, const LimVal *wrt,
                         LimVal *dwrt, int n);
