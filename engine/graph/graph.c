/* The recorder and the differentiator.
 *
 * Nodes are kept in recording order, which is a topological order: a node only refers to values
 * that exist. Differentiation walks that order backwards over the nodes present when it is called,
 * and appends what each op's grad() says, so the result is again a recording. */
#include "graph/graph-private.h"

#include "kernels/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LimGraph *
lim_graph_new(void)
{
    LimGraph *g = lim_alloc(1, sizeof *g);
    g->arena = lim_arena_new();
    g->n_values = 1; /* id 0 is the invalid value */
    g->cap_values = 64;
    g->values = lim_alloc(g->cap_values, sizeof *g->values);
    return g;
}

void
lim_graph_free(LimGraph *g)
{
    if (!g)
        return;
    lim_arena_free(g->arena);
    free(g->values);
    free(g->nodes);
    free(g);
}

LimStatus
lim_graph_status(const LimGraph *g, LimError *first)
{
    if (first && g->error.code != LIM_OK)
        *first = g->error;
    return g->error.code;
}

void
lim_graph_fail(LimGraph *g, LimStatus code, const char *fmt, ...)
{
    char text[sizeof g->error.text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    lim_fail(&g->error, code, "%s", text);
}

LimShape
lim_graph_shape(const LimGraph *g, LimVal v)
{
    return v.id && v.id < g->n_values ? g->values[v.id].shape : LIM_SHAPE0;
}

LimType
lim_graph_type(const LimGraph *g, LimVal v)
{
    return v.id && v.id < g->n_values ? g->values[v.id].type : LIM_F32;
}

static void *
grow(void *old, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    uint32_t cap2 = *cap ? *cap * 2 : 64;
    void *p = lim_alloc(cap2, size);
    if (old)
        memcpy(p, old, (size_t)n * size);
    free(old);
    *cap = cap2;
    return p;
}

static LimVal
new_value(LimGraph *g, LimValue value)
{
    g->values = grow(g->values, g->n_values, &g->cap_values, sizeof *g->values);
    g->values[g->n_values] = value;
    return (LimVal){g->n_values++};
}

static LimVal
new_source(LimGraph *g, LimValueKind kind, const char *name, LimType type, LimShape shape,
           const void *data)
{
    if (g->error.code != LIM_OK)
        return LIM_NOVAL;
    if (!lim_shape_valid(shape)) {
        char buf[64];
        lim_graph_fail(g, LIM_E_SHAPE, "%s: %s is not a shape this engine can hold", name,
                       lim_shape_text(shape, buf));
        return LIM_NOVAL;
    }
    return new_value(g, (LimValue){.kind = kind,
                                   .type = type,
                                   .shape = shape,
                                   .name = lim_arena_strdup(g->arena, name),
                                   .data = data});
}

LimVal
lim_graph_feed(LimGraph *g, const char *name, LimType type, LimShape shape)
{
    LIM_ASSERT(type == LIM_F32 || type == LIM_I32);
    return new_source(g, LIM_VALUE_FEED, name, type, shape, NULL);
}

LimVal
lim_graph_constant(LimGraph *g, const char *name, LimShape shape, const float *data)
{
    return new_source(g, LIM_VALUE_CONSTANT, name, LIM_F32, shape, data);
}

LimVal
lim_graph_variable(LimGraph *g, const char *name, LimShape shape, const float *data)
{
    return new_source(g, LIM_VALUE_VARIABLE, name, LIM_F32, shape, data);
}

LimVal
lim_graph_name(LimGraph *g, LimVal v, const char *fmt, ...)
{
    if (!v.id)
        return v;
    char text[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    g->values[v.id].name = lim_arena_strdup(g->arena, text);
    return v;
}

/* "conv2d(64x3x32x32, 8x3x3x3): reason" */
static void
fail_at(LimGraph *g, const LimOpDef *op, const LimShape *in, const char *why)
{
    char list[256] = "", buf[64];
    for (int i = 0; i < op->n_in; i++) {
        if (in[i].nd < 0)
            continue;
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", lim_shape_text(in[i], buf));
    }
    lim_graph_fail(g, LIM_E_SHAPE, "%s(%s): %s", op->name, list, why);
}

LimVal
lim_graph_add(LimGraph *g, const LimOpDef *op, const LimVal *in, const void *params, LimVal *out)
{
    LimVal none[LIM_OP_MAX_OUT];
    if (!out)
        out = none;
    for (int i = 0; i < op->n_out; i++)
        out[i] = LIM_NOVAL;
    if (g->error.code != LIM_OK)
        return LIM_NOVAL;

    LimNode node = {.op = op};
    LimShape in_shape[LIM_OP_MAX_IN], out_shape[LIM_OP_MAX_OUT] = {{0}};
    int n_required = op->optional_from ? op->optional_from : op->n_in;
    for (int i = 0; i < op->n_in; i++) {
        in_shape[i] = LIM_ABSENT;
        if (!in[i].id) {
            if (i < n_required)
                lim_bug(__FILE__, __LINE__, op->name); /* builders must not pass invalid values */
            continue;
        }
        LIM_ASSERT(in[i].id < g->n_values);
        const LimValue *v = &g->values[in[i].id];
        LIM_ASSERT((v->type == LIM_I32) == !!(op->int_inputs & (1u << i)));
        in_shape[i] = v->shape;
        node.in[i] = in[i].id;
    }
    if (op->params_size) {
        node.params = lim_arena_alloc(g->arena, 1, op->params_size);
        if (params)
            memcpy(node.params, params, op->params_size);
        else
            lim_params_init(op->params, node.params);
    }
    LimError err = LIM_ERROR_INIT;
    if (op->infer(in_shape, node.params, out_shape, &err) != LIM_OK) {
        fail_at(g, op, in_shape, err.text);
        return LIM_NOVAL;
    }
    g->nodes = grow(g->nodes, g->n_nodes, &g->cap_nodes, sizeof *g->nodes);
    for (int i = 0; i < op->n_out; i++) {
        if (!lim_shape_valid(out_shape[i])) {
            fail_at(g, op, in_shape, "the result is empty or too large");
            return LIM_NOVAL;
        }
        out[i] = new_value(g, (LimValue){.kind = LIM_VALUE_NODE,
                                         .type = LIM_F32,
                                         .shape = out_shape[i],
                                         .node = g->n_nodes,
                                         .slot = i});
        node.out[i] = out[i].id;
    }
    g->nodes[g->n_nodes++] = node;
    return out[0];
}

/* ---- differentiation ------------------------------------------------------------------------ */

/* What differentiation knows of the values that were there when it began. */
typedef struct Backward {
    LimGraph *g;
    bool *needs;  /* depends on some wrt */
    LimVal *grad; /* d(of)/d(value), summed so far */
    LimVal row; /* int [r], which row of `of` each row of a gradient belongs to; invalid: itself */
    LimVal *rows; /* the value with its rows as `row` says; invalid: not asked for yet */
} Backward;

/* A value for op->grad(). Where nobody takes what is recorded here, no plan contains it. */
static LimVal
value_at_rows(Backward *b, uint32_t id)
{
    LimGraph *g = b->g;
    LimVal v = {id};
    if (!lim_val_ok(b->row) || !b->needs[id] || g->error.code != LIM_OK)
        return v;
    if (!lim_val_ok(b->rows[id])) {
        LimShape s = g->values[id].shape;
        const int n = s.d[0], rest = (int)(lim_shape_size(s) / n);
        const LimReshapeParams flat = {2, n, rest, 0, 0};
        v = lim_graph_add(g, lim_op_find("reshape"), &v, &flat, NULL);
        v = lim_graph_add(g, lim_op_find("gather_rows"), (LimVal[]){v, b->row}, NULL, NULL);
        s.d[0] = g->values[b->row.id].shape.d[0];
        const LimReshapeParams back = {s.nd, s.d[0], s.d[1], s.d[2], s.d[3]};
        b->rows[id] = lim_graph_add(g, lim_op_find("reshape"), &v, &back, NULL);
    }
    return b->rows[id];
}

static void
find_needs(Backward *b, const LimVal *wrt, int n)
{
    const LimGraph *g = b->g;
    for (int i = 0; i < n; i++)
        b->needs[wrt[i].id] = true;
    b->needs[0] = false;
    for (uint32_t k = 0; k < g->n_nodes; k++) {
        const LimNode *node = &g->nodes[k];
        bool any = false;
        for (int i = 0; i < node->op->n_in; i++)
            any |= b->needs[node->in[i]];
        for (int i = 0; any && i < node->op->n_out; i++)
            b->needs[node->out[i]] = true;
    }
}

/* From what is known of the outputs of node k to its inputs. */
static void
step_back(Backward *b, uint32_t k)
{
    LimGraph *g = b->g;
    const LimNode node = g->nodes[k]; /* a copy: the array grows below */
    const LimOpDef *op = node.op;
    bool wanted[LIM_OP_MAX_IN] = {false}, any_wanted = false, any_grad = false;
    LimVal in[LIM_OP_MAX_IN] = {{0}}, out[LIM_OP_MAX_OUT] = {{0}};
    LimVal dout[LIM_OP_MAX_OUT] = {{0}}, din[LIM_OP_MAX_IN] = {{0}};
    for (int i = 0; i < op->n_out; i++) {
        dout[i] = b->grad[node.out[i]];
        any_grad |= lim_val_ok(dout[i]);
    }
    for (int i = 0; i < op->n_in; i++) {
        wanted[i] = b->needs[node.in[i]];
        any_wanted |= wanted[i];
    }
    if (!any_grad || !any_wanted)
        return;
    if (!op->grad) {
        lim_graph_fail(g, LIM_E_UNSUPPORTED, "%s has no derivative", op->name);
        return;
    }
    for (int i = 0; i < op->n_out; i++)
        out[i] = value_at_rows(b, node.out[i]);
    for (int i = 0; i < op->n_in; i++)
        in[i] = value_at_rows(b, node.in[i]);
    op->grad(g, in, out, dout, wanted, din, node.params);
    for (int i = 0; i < op->n_in; i++) {
        if (!lim_val_ok(din[i]) || !wanted[i])
            continue;
        LimVal *sum = &b->grad[node.in[i]];
        if (lim_val_ok(*sum))
            *sum = lim_graph_add(g, lim_op_find("add"), (LimVal[]){*sum, din[i]}, NULL, NULL);
        else
            *sum = din[i];
    }
}

static void
differentiate(LimGraph *g, LimVal of, LimVal row, LimVal seed, const LimVal *wrt, LimVal *dwrt,
              int n)
{
    for (int i = 0; i < n; i++)
        dwrt[i] = LIM_NOVAL;
    if (g->error.code != LIM_OK)
        return;
    const uint32_t n_values = g->n_values;
    Backward b = {.g = g,
                  .needs = lim_alloc(n_values, sizeof *b.needs),
                  .grad = lim_alloc(n_values, sizeof *b.grad),
                  .row = row,
                  .rows = lim_alloc(n_values, sizeof *b.rows)};
    find_needs(&b, wrt, n);
    const uint32_t n_nodes = g->n_nodes;
    if (!seed.id)
        seed = lim_graph_add(g, lim_op_find("fill_like"), &of, &(double){1.0}, NULL);
    b.grad[of.id] = seed;
    for (uint32_t k = n_nodes; k-- > 0 && g->error.code == LIM_OK;)
        step_back(&b, k);
    for (int i = 0; i < n; i++)
        dwrt[i] = g->error.code == LIM_OK ? b.grad[wrt[i].id] : LIM_NOVAL;
    free(b.needs);
    free(b.grad);
    free(b.rows);
}

void
lim_graph_grad(LimGraph *g, LimVal of, LimVal seed, const LimVal *wrt, LimVal *dwrt, int n)
{
    differentiate(g, of, LIM_NOVAL, seed, wrt, dwrt, n);
}

void
lim_graph_grad_rows(LimGraph *g, LimVal of, LimVal row, LimVal seed, const LimVal *wrt,
                    LimVal *dwrt, int n)
{
    differentiate(g, of, row, seed, wrt, dwrt, n);
}
