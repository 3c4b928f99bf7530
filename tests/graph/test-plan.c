/* The planner. Random graphs with their gradients are run three ways: planned into one slab,
 * planned with LIM_PLAN_KEEP (nothing shares memory, nothing is in place), and by the interpreter
 * below, which knows no planner: every value in memory of its own. The three must agree to the last
 * bit, and the double references with the interpreter in double. The dump of each plan is checked
 * against the rule that makes that possible: no step writes where a value lies that is read
 * later. */
#include "base/rng.h"
#include "graph/graph-private.h"
#include "graph/plan.h"
#include "ops/ops.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the interpreter --------------------------------------------------------------------------
 */

typedef struct Interpreter {
    const LimGraph *g;
    const void *const *source; /* [value]: data of feeds, constants, variables */
    void **value;              /* [value] */
    bool *owned;
    bool f64;
} Interpreter;

static void
interpreter_run(Interpreter *in, const LimGraph *g, const void *const *source, bool f64,
                const LimExec *exec)
{
    *in = (Interpreter){.g = g, .source = source, .f64 = f64};
    in->value = g_new0(void *, g->n_values);
    in->owned = g_new0(bool, g->n_values);
    for (uint32_t v = 1; v < g->n_values; v++) {
        if (!source[v])
            continue;
        const bool widen = f64 && g->values[v].type == LIM_F32;
        in->value[v] = (void *)(uintptr_t)source[v];
        if (widen) {
            const int64_t n = lim_shape_size(g->values[v].shape);
            double *wide = g_new(double, n);
            for (int64_t k = 0; k < n; k++)
                wide[k] = (double)((const float *)source[v])[k];
            in->value[v] = wide;
            in->owned[v] = true;
        }
    }
    for (uint32_t k = 0; k < g->n_nodes; k++) {
        const LimNode *node = &g->nodes[k];
        const LimOpDef *op = node->op;
        if (op->flags & LIM_OP_VIEW) {
            in->value[node->out[0]] = in->value[node->in[0]];
            continue;
        }
        LimNodeRun r = {.params = node->params};
        for (int i = 0; i < op->n_in; i++) {
            r.in_shape[i] = node->in[i] ? g->values[node->in[i]].shape : LIM_ABSENT;
            r.in[i] = node->in[i] ? in->value[node->in[i]] : NULL;
        }
        for (int i = 0; i < op->n_out; i++) {
            r.out_shape[i] = g->values[node->out[i]].shape;
            const size_t size = (size_t)lim_shape_size(r.out_shape[i]) * (f64 ? 8 : 4);
            r.out[i] = in->value[node->out[i]] = g_malloc(size);
            memset(r.out[i], 0xa5, size);
            in->owned[node->out[i]] = true;
        }
        if (f64)
            op->ref_f64(&r);
        else if (!op->run)
            op->ref_f32(&r);
        else {
            void *scratch = NULL, *prepared = NULL;
            if (op->scratch)
                r.scratch = scratch = lim_alloc(op->scratch(&r, exec) + 64, 1);
            const size_t weights = op->prepared ? op->prepared(&r, exec) : 0;
            if (weights) {
                r.prepared = prepared = lim_alloc(weights, 1);
                op->prepare(&r, exec);
            }
            op->run(&r, exec);
            free(scratch);
            free(prepared);
        }
    }
}

static void
interpreter_clear(Interpreter *in)
{
    for (uint32_t v = 1; v < in->g->n_values; v++)
        if (in->owned[v])
            g_free(in->value[v]);
    g_free(in->value);
    g_free(in->owned);
}

/* ---- random graphs ----------------------------------------------------------------------------
 */

#define MAX_VALUES 512

typedef struct Net {
    LimGraph *g;
    GRand *r;
    LimVal val[MAX_VALUES]; /* what further nodes may use */
    int n;
    LimVal last[MAX_VALUES]; /* results that carry no gradient: only wanted, never used */
    int n_last;
    LimVal leaf[MAX_VALUES]; /* float feeds and variables: what gradients are by */
    int n_leaf;
    float *data[MAX_VALUES]; /* of every float source, by value */
    int32_t *labels[MAX_VALUES];
    int n_source;
} Net;

static int
pick(Net *n, int below)
{
    return g_rand_int_range(n->r, 0, below);
}

static LimVal
new_source(Net *n, LimShape shape, LimValueKind kind)
{
    const int64_t size = lim_shape_size(shape);
    float *data = g_new(float, size);
    lim_rng_normal(g_rand_int(n->r), LIM_STREAM_TEST, 0, data, (size_t)size);
    char name[32];
    g_snprintf(name, sizeof name, "s%d", n->n_source++);
    LimVal v;
    if (kind == LIM_VALUE_FEED)
        v = lim_graph_feed(n->g, name, LIM_F32, shape);
    else if (kind == LIM_VALUE_CONSTANT)
        v = lim_graph_constant(n->g, name, shape, data);
    else
        v = lim_graph_variable(n->g, name, shape, data);
    if (v.id >= MAX_VALUES)
        g_error("the random graph is too large");
    n->data[v.id] = data;
    if (kind != LIM_VALUE_CONSTANT)
        n->leaf[n->n_leaf++] = v;
    return v;
}

static LimVal
any_source(Net *n, LimShape shape)
{
    static const LimValueKind kinds[] = {LIM_VALUE_FEED, LIM_VALUE_CONSTANT, LIM_VALUE_VARIABLE};
    return new_source(n, shape, kinds[pick(n, 3)]);
}

static LimVal
positive_constant(Net *n, LimShape shape)
{
    LimVal v = new_source(n, shape, LIM_VALUE_CONSTANT);
    for (int64_t k = 0; k < lim_shape_size(shape); k++)
        n->data[v.id][k] = 0.5f + fabsf(n->data[v.id][k]);
    return v;
}

/* An earlier value of the same shape, often; else a source. */
static LimVal
partner(Net *n, LimVal like)
{
    const LimShape s = lim_graph_shape(n->g, like);
    for (int tries = 0; tries < 12; tries++) {
        LimVal v = n->val[pick(n, n->n)];
        if (lim_shape_equal(lim_graph_shape(n->g, v), s))
            return v;
    }
    return any_source(n, s);
}

static LimVal
of_rank(Net *n, int nd)
{
    for (;;) {
        LimVal v = n->val[pick(n, n->n)];
        if (lim_graph_shape(n->g, v).nd == nd)
            return v;
    }
}

/* One more node on a random value; values stay of moderate size through a tanh here and there. */
static LimVal
grow4(Net *n)
{
    LimGraph *g = n->g;
    LimVal x = of_rank(n, 4), y;
    const LimShape s = lim_graph_shape(g, x), c = LIM_SHAPE1(s.d[1]);
    const LimShape nc = LIM_SHAPE2(s.d[0], s.d[1]);
    switch (pick(n, 15)) {
    case 0:
    case 1: {
        const int k = pick(n, 2) ? 3 : 1;
        LimVal w = any_source(n, LIM_SHAPE4(1 + pick(n, 4), s.d[1], k, k));
        LimVal b = pick(n, 2) ? any_source(n, LIM_SHAPE1(lim_graph_shape(g, w).d[0])) : LIM_NOVAL;
        if (pick(n, 3) == 0 && lim_graph_shape(g, w).d[0] > 0) {
            LimVal u = any_source(n, LIM_SHAPE1(lim_graph_shape(g, w).d[0])), u2, sigma;
            w = lim_spectral_norm(g, w, u, 1e-4, &u2, &sigma);
            n->last[n->n_last++] = u2;
            n->last[n->n_last++] = sigma;
        }
        return lim_affine(g, lim_conv2d(g, x, w, b, 1 + pick(n, 2), k / 2), 0.3, 0);
    }
    case 2: {
        LimVal mean, var;
        const LimShape gain = pick(n, 2) ? c : nc;
        y = lim_batch_norm(g, x, any_source(n, gain), any_source(n, gain), 1, 1e-2, pick(n, 2),
                           &mean, &var);
        n->last[n->n_last++] = lim_affine(g, mean, 2, 1);
        n->last[n->n_last++] = var;
        n->last[n->n_last++] =
            lim_lerp(g, positive_constant(n, c), var, any_source(n, LIM_SHAPE1(1)));
        return y;
    }
    case 3:
        return lim_norm_affine(g, x, positive_constant(n, c), positive_constant(n, c),
                               positive_constant(n, c), positive_constant(n, c), 0, 1e-4,
                               pick(n, 2));
    case 4:
        return s.d[2] % 2 == 0 && s.d[3] % 2 == 0 ? lim_avg_pool2(g, x) : lim_abs(g, x);
    case 5:
        return s.d[2] * s.d[3] < 100 ? lim_upsample2(g, x) : lim_max_pool2(g, x);
    case 6:
        return s.d[2] >= 2 && s.d[3] >= 2 ? lim_max_pool2(g, x) : lim_tanh(g, x);
    case 7:
        return lim_spatial_mean(g, x);
    case 8:
        return lim_reshape(g, x, LIM_SHAPE2(s.d[0], s.d[1] * s.d[2] * s.d[3]));
    case 9:
        return lim_slice(g, lim_concat(g, x, partner(n, x), 1), 1, pick(n, s.d[1]), s.d[1]);
    case 10:
        return lim_relu(g, x, pick(n, 2) ? 0 : 0.2);
    case 11:
        return lim_tanh(g, x);
    case 12:
        return lim_add(g, x, partner(n, x));
    case 13:
        return lim_tanh(g, lim_mul(g, x, partner(n, x)));
    default:
        return lim_bias_add(g, x, any_source(n, c));
    }
}

static LimVal
grow2(Net *n)
{
    LimGraph *g = n->g;
    LimVal x = of_rank(n, 2);
    const LimShape s = lim_graph_shape(g, x);
    switch (pick(n, 12)) {
    case 0:
        return lim_tanh(g, lim_linear(g, x, any_source(n, LIM_SHAPE2(1 + pick(n, 6), s.d[1])),
                                      LIM_NOVAL));
    case 1:
        return lim_tanh(g, lim_matmul(g, x, partner(n, x), true, false)); /* [d][d] */
    case 2:
        return lim_softmax(g, x);
    case 3:
        return lim_sub(g, x, partner(n, x));
    case 4:
        return lim_mul(g, x, lim_tanh(g, partner(n, x)));
    case 5:
        return lim_row_scale(g, x, lim_row_dot(g, x, lim_affine(g, x, 0.1, 0)));
    case 6:
        return lim_scale_by(g, x, lim_tanh(g, lim_mean(g, x)));
    case 7:
        return lim_affine(g, x, -0.5, 0.25);
    case 8:
        return lim_mul(g, x, lim_expand_like(g, lim_dot(g, x, lim_affine(g, x, 0.01, 0)), x));
    case 9: {
        LimVal label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(4));
        n->labels[label.id] = g_new(int32_t, 4);
        for (int i = 0; i < 4; i++)
            n->labels[label.id][i] = pick(n, s.d[0]);
        return lim_gather_rows(g, x, label);
    }
    case 10:
        return lim_reshape(g, lim_relu(g, lim_reshape(g, x, LIM_SHAPE1(s.d[0] * s.d[1])), 0), s);
    default: {
        LimVal label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(s.d[0]));
        n->labels[label.id] = g_new(int32_t, s.d[0]);
        for (int i = 0; i < s.d[0]; i++)
            n->labels[label.id][i] = pick(n, s.d[1]);
        return lim_reshape(g, lim_cross_entropy(g, x, label), LIM_SHAPE2(s.d[0], 1));
    }
    }
}

/* Records a graph; want receives what is to be computed. */
static int
net_init(Net *n, uint32_t seed, LimVal *want)
{
    memset(n, 0, sizeof *n);
    n->g = lim_graph_new();
    n->r = g_rand_new_with_seed(seed);
    n->val[n->n++] = new_source(n, LIM_SHAPE4(2, 3, 4, 6), LIM_VALUE_FEED);
    n->val[n->n++] = any_source(n, LIM_SHAPE4(2, 3, 4, 6));
    n->val[n->n++] = any_source(n, LIM_SHAPE2(4, 5));
    const int nodes = 5 + pick(n, 25);
    for (int i = 0; i < nodes; i++) {
        n->val[n->n] = pick(n, 3) ? grow4(n) : grow2(n);
        n->n++;
    }
    int n_want = 0;
    for (int i = 0; i < 3; i++)
        want[n_want++] = n->val[pick(n, n->n)];
    for (int i = 0; i < n->n_last && i < 3; i++)
        want[n_want++] = n->last[pick(n, n->n_last)];
    if (pick(n, 4)) { /* and gradients of the last value by everything that can have one */
        LimVal d[MAX_VALUES];
        lim_graph_grad(n->g, n->val[n->n - 1], LIM_NOVAL, n->leaf, d, n->n_leaf);
        for (int i = 0; i < n->n_leaf; i++)
            if (lim_val_ok(d[i]) && pick(n, 3))
                want[n_want++] = d[i];
    }
    LimError err = LIM_ERROR_INIT;
    lim_graph_status(n->g, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpuint(n->g->n_values, <, MAX_VALUES);
    return n_want;
}

static void
net_clear(Net *n)
{
    for (int i = 0; i < MAX_VALUES; i++) {
        g_free(n->data[i]);
        g_free(n->labels[i]);
    }
    g_rand_free(n->r);
}

static void
sources(const Net *n, const void **source)
{
    for (int i = 0; i < MAX_VALUES; i++)
        source[i] = n->data[i] ? (void *)n->data[i] : n->labels[i];
}

static void
bind_feeds(const Net *n, LimPlan *p)
{
    for (uint32_t v = 1; v < n->g->n_values; v++)
        if (n->g->values[v].kind == LIM_VALUE_FEED)
            lim_plan_bind(p, (LimVal){v}, n->data[v] ? (void *)n->data[v] : n->labels[v]);
}

/* Other values everywhere, in the same memory. */
static void
change_sources(Net *n, bool constants)
{
    for (uint32_t v = 1; v < n->g->n_values; v++)
        if (n->data[v] && (constants || n->g->values[v].kind != LIM_VALUE_CONSTANT))
            for (int64_t k = 0; k < lim_shape_size(n->g->values[v].shape); k++)
                n->data[v][k] = 0.9f * n->data[v][k] + 0.05f;
}

static void
assert_equal(const Net *n, const LimPlan *plan, const Interpreter *in, const LimVal *want,
             int n_want, const char *what, uint32_t seed)
{
    for (int i = 0; i < n_want; i++) {
        const size_t size =
            (size_t)lim_shape_size(lim_graph_shape(n->g, want[i])) * (in->f64 ? 8 : 4);
        const void *have = lim_plan_get(plan, want[i]);
        if (memcmp(have, in->value[want[i].id], size) != 0) {
            char *dump = lim_plan_dump(plan);
            g_test_message("seed %u, %s, value %%%u\n%s", seed, what, want[i].id, dump);
            free(dump);
        }
        g_assert_cmpmem(have, size, in->value[want[i].id], size);
    }
}

/* ---- the dump ---------------------------------------------------------------------------------
 */

typedef struct Place {
    size_t from, to; /* bytes in the slab; to 0: not there */
    uint32_t root;   /* the value that a view looks at */
    int last;        /* last step that reads it, or its views */
} Place;

typedef struct DumpStep {
    const LimNode *node;
    bool constant;
} DumpStep;

/* No step writes over anything that is still to be read, nor over its own inputs unless it may. */
static void
check_dump(const LimGraph *g, const LimPlan *plan, const LimVal *want, int n_want)
{
    char *text = lim_plan_dump(plan);
    char **lines = g_strsplit(text, "\n", -1);
    const int n_steps = lim_plan_nodes(plan);
    Place *place = g_new0(Place, g->n_values);
    DumpStep *steps = g_new0(DumpStep, n_steps + 1);
    for (uint32_t v = 1; v < g->n_values; v++)
        place[v] = (Place){.root = v, .last = -1};
    for (int s = 0; s < n_steps; s++) {
        const char *line = lines[s + 1];
        const char *out = strstr(line, " -> ");
        g_assert_nonnull(out);
        steps[s].constant = strstr(line, " const ") && strstr(line, " const ") < out;
        const uint32_t first = (uint32_t)atoi(strchr(out, '%') + 1);
        g_assert_cmpint(g->values[first].kind, ==, LIM_VALUE_NODE);
        const LimNode *node = steps[s].node = &g->nodes[g->values[first].node];
        if (node->op->flags & LIM_OP_VIEW)
            place[node->out[0]].root = place[node->in[0]].root;
        for (int i = 0; i < node->op->n_in; i++)
            if (node->in[i])
                place[place[node->in[i]].root].last = s;
        for (int i = 0; i < node->op->n_out && !steps[s].constant; i++) {
            out = strchr(out, '@');
            g_assert_nonnull(out);
            const uint32_t v = node->out[i], root = place[v].root;
            const size_t from = (size_t)g_ascii_strtoull(out + 1, NULL, 10);
            if (root == v) {
                place[v].from = from;
                place[v].to = from + (size_t)lim_shape_size(g->values[v].shape) * 4;
            } else if (g->values[root].kind == LIM_VALUE_NODE && place[root].to)
                g_assert_cmpuint(from, ==, place[root].from);
            out++;
        }
    }
    for (int i = 0; i < n_want; i++)
        place[place[want[i].id].root].last = INT_MAX;
    for (int s = 0; s < n_steps; s++) {
        const LimNode *node = steps[s].node;
        if (steps[s].constant || (node->op->flags & LIM_OP_VIEW))
            continue;
        for (int i = 0; i < node->op->n_out; i++) {
            const Place *a = &place[node->out[i]];
            g_assert_cmpuint(a->to, >, a->from);
            for (int j = 0; j < s; j++) /* what earlier steps made */
                for (int k = 0; k < steps[j].node->op->n_out; k++) {
                    const Place *b = &place[steps[j].node->out[k]];
                    if (!b->to || b->to <= a->from || a->to <= b->from || b->last < s)
                        continue;
                    /* read at this very step: only by an op that works in place on this input */
                    const bool in_place =
                        b->last == s && i == 0 && (node->op->flags & LIM_OP_INPLACE) &&
                        place[node->in[0]].root == b->root && a->from == b->from && a->to == b->to;
                    bool twice = false;
                    for (int q = 1; q < node->op->n_in; q++)
                        twice |= node->in[q] && place[node->in[q]].root == b->root;
                    g_assert_true(in_place && !twice);
                }
            for (int k = 0; k < i; k++) {
                const Place *b = &place[node->out[k]];
                g_assert_true(b->to <= a->from || a->to <= b->from);
            }
        }
    }
    g_free(place);
    g_free(steps);
    g_strfreev(lines);
    free(text);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void
random_graph(uint32_t seed, const LimExec *exec)
{
    Net a, b, c; /* the same graph, once for each plan */
    LimVal want[MAX_VALUES];
    const void *source[MAX_VALUES];
    net_init(&b, seed, want);
    net_init(&c, seed, want);
    const int n_want = net_init(&a, seed, want);

    LimError err = LIM_ERROR_INIT;
    LimPlan *plan = lim_plan_new(a.g, want, n_want, 0, exec, &err);
    LimPlan *keep = lim_plan_new(b.g, want, n_want, LIM_PLAN_KEEP, exec, &err);
    LimPlan *wide = lim_plan_new(c.g, want, n_want, LIM_PLAN_F64, exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    check_dump(a.g, plan, want, n_want);
    check_dump(b.g, keep, want, n_want);
    g_assert_cmpuint(lim_plan_bytes(plan), <=, lim_plan_bytes(keep));
    bind_feeds(&a, plan);
    bind_feeds(&b, keep);
    for (int run = 0; run < 3; run++) {
        if (run) { /* stale bytes of the last run lie everywhere now */
            change_sources(&a, run == 2);
            change_sources(&b, run == 2);
        }
        if (run == 2) {
            lim_plan_touch(plan);
            lim_plan_touch(keep);
        }
        g_assert_cmpint(lim_plan_run(plan, exec, &err), ==, LIM_OK);
        g_assert_cmpint(lim_plan_run(keep, exec, &err), ==, LIM_OK);
        Interpreter in;
        sources(&a, source);
        interpreter_run(&in, a.g, source, false, exec);
        assert_equal(&a, plan, &in, want, n_want, "planned", seed);
        assert_equal(&b, keep, &in, want, n_want, "kept", seed);
        /* with KEEP everything that was planned is readable */
        for (uint32_t v = 1; v < b.g->n_values; v++)
            if (lim_plan_get(keep, (LimVal){v}))
                assert_equal(&b, keep, &in, &(LimVal){v}, 1, "kept", seed);
        interpreter_clear(&in);
    }

    Interpreter in;
    sources(&c, source);
    interpreter_run(&in, c.g, source, true, exec);
    for (uint32_t v = 1; v < c.g->n_values; v++)
        if (c.g->values[v].kind == LIM_VALUE_FEED)
            lim_plan_bind(wide, (LimVal){v}, in.value[v]);
    g_assert_cmpint(lim_plan_run(wide, exec, &err), ==, LIM_OK);
    assert_equal(&c, wide, &in, want, n_want, "double", seed);
    interpreter_clear(&in);

    lim_plan_free(plan);
    lim_plan_free(keep);
    lim_plan_free(wide);
    net_clear(&a);
    net_clear(&b);
    net_clear(&c);
}

static void
test_random(void)
{
    LimExec exec = {.kernels = lim_kernels_best()};
    for (uint32_t seed = 1; seed <= 300; seed++)
        random_graph(seed, &exec);
    exec.pool = lim_pool_new(2);
    for (uint32_t seed = 301; seed <= 320; seed++)
        random_graph(seed, &exec);
    lim_pool_free(exec.pool);
}

static double
largest(const float *x, LimShape s)
{
    double top = 0;
    for (int64_t k = 0; k < lim_shape_size(s); k++) {
        g_assert_true(isfinite(x[k]));
        top = fmax(top, fabs((double)x[k]));
    }
    return top;
}

/* Each node of a random graph against the reference, given the same inputs. */
static void
test_against_reference(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    for (uint32_t seed = 1; seed <= 100; seed++) {
        Net n;
        LimVal want[MAX_VALUES];
        const void *source[MAX_VALUES];
        net_init(&n, seed, want);
        sources(&n, source);
        Interpreter fast;
        interpreter_run(&fast, n.g, source, false, &exec);
        for (uint32_t k = 0; k < n.g->n_nodes; k++) {
            const LimNode *node = &n.g->nodes[k];
            LimNodeRun r = {.params = node->params};
            if (node->op->flags & LIM_OP_VIEW)
                continue;
            for (int i = 0; i < node->op->n_in; i++) {
                r.in_shape[i] = node->in[i] ? n.g->values[node->in[i]].shape : LIM_ABSENT;
                r.in[i] = node->in[i] ? fast.value[node->in[i]] : NULL;
            }
            for (int i = 0; i < node->op->n_out; i++) {
                r.out_shape[i] = n.g->values[node->out[i]].shape;
                r.out[i] = g_new(float, lim_shape_size(r.out_shape[i]));
            }
            node->op->ref_f32(&r);
            /* errors are as large as the rounding of what goes in, where results cancel */
            double scale = 0, worst = 0;
            for (int i = 0; i < node->op->n_in; i++)
                if (node->in[i] && !(node->op->int_inputs & (1u << i)))
                    scale = fmax(scale, largest(r.in[i], r.in_shape[i]));
            for (int i = 0; i < node->op->n_out; i++) {
                const float *have = fast.value[node->out[i]];
                float *ref = r.out[i];
                scale = fmax(scale, largest(ref, r.out_shape[i]));
                for (int64_t j = 0; j < lim_shape_size(r.out_shape[i]); j++)
                    ref[j] -= have[j];
                worst = fmax(worst, largest(ref, r.out_shape[i]));
                g_free(r.out[i]);
            }
            if (worst > 2e-5 * scale)
                g_test_message("seed %u, node %u, %s", seed, k, node->op->name);
            g_assert_cmpfloat(worst, <=, 2e-5 * scale);
        }
        interpreter_clear(&fast);
        lim_graph_free(n.g);
        net_clear(&n);
    }
}

/* ---- ops of this test: they count their runs, and one asks to stop --------------------------- */

typedef struct ProbeParams {
    int *runs;
    LimCancel *cancel;
} ProbeParams;

static LimStatus
probe_infer(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return LIM_OK;
}

static void
probe_run(const LimNodeRun *n)
{
    const ProbeParams *p = n->params;
    const float *x = n->in[0];
    float *y = n->out[0];
    for (int64_t k = 0; k < lim_shape_size(n->in_shape[0]); k++)
        y[k] = x[k] + 1;
    ++*p->runs;
    if (p->cancel)
        lim_cancel(p->cancel);
}

static const LimOpDef probe_op = {.name = "probe",
                                  .n_in = 1,
                                  .n_out = 1,
                                  .params_size = sizeof(ProbeParams),
                                  .infer = probe_infer,
                                  .ref_f32 = probe_run};
static const LimOpDef probe_op_in_place = {.name = "probe in place",
                                           .n_in = 1,
                                           .n_out = 1,
                                           .flags = LIM_OP_INPLACE,
                                           .params_size = sizeof(ProbeParams),
                                           .infer = probe_infer,
                                           .ref_f32 = probe_run};

static LimVal
probe(LimGraph *g, LimVal x, int *runs, LimCancel *cancel)
{
    return lim_graph_add(g, &probe_op, &x, &(ProbeParams){runs, cancel}, NULL);
}

static void
test_pruning(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    int wanted = 0, unwanted = 0;
    float x = 3;
    LimGraph *g = lim_graph_new();
    LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE1(1));
    LimVal a = probe(g, in, &wanted, NULL);
    probe(g, a, &unwanted, NULL);
    LimVal b = probe(g, a, &wanted, NULL);
    probe(g, probe(g, in, &unwanted, NULL), &unwanted, NULL);
    LimPlan *p = lim_plan_new(g, &b, 1, 0, &exec, NULL);
    g_assert_cmpint(lim_plan_nodes(p), ==, 2);
    lim_plan_bind(p, in, &x);
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
    g_assert_cmpint(wanted, ==, 2);
    g_assert_cmpint(unwanted, ==, 0);
    g_assert_cmpfloat(*lim_plan_f32(p, b), ==, 5);
    lim_plan_free(p);
}

static void
test_cancel(void)
{
    LimCancel cancel = {false};
    LimExec exec = {.kernels = lim_kernels_best(), .cancel = &cancel};
    int before = 0, at = 0, after = 0;
    float x = 3;
    LimGraph *g = lim_graph_new();
    LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE1(1));
    LimVal y = probe(g, probe(g, probe(g, in, &before, NULL), &at, &cancel), &after, NULL);
    LimPlan *p = lim_plan_new(g, &y, 1, 0, &exec, NULL);
    lim_plan_bind(p, in, &x);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_plan_run(p, &exec, &err), ==, LIM_CANCELLED);
    g_assert_cmpint(err.code, ==, LIM_CANCELLED);
    g_assert_cmpint(before, ==, 1);
    g_assert_cmpint(at, ==, 1);
    g_assert_cmpint(after, ==, 0);
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_CANCELLED); /* asked before the start */
    g_assert_cmpint(before, ==, 1);
    exec.cancel = NULL;
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
    g_assert_cmpint(after, ==, 1);
    g_assert_cmpfloat(*lim_plan_f32(p, y), ==, 6);
    lim_plan_free(p);
}

/* What depends on constants only runs once, and again when touched; a cancelled first run does not
 * count as one. */
static void
test_constants(void)
{
    LimCancel cancel = {false};
    LimExec exec = {.kernels = lim_kernels_best(), .cancel = &cancel};
    int folded = 0, tripped = 0, live = 0;
    float x = 3, k = 10, variable = 100;
    LimGraph *g = lim_graph_new();
    LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE1(1));
    LimVal constant = lim_graph_constant(g, "k", LIM_SHAPE1(1), &k);
    LimVal var = lim_graph_variable(g, "v", LIM_SHAPE1(1), &variable);
    LimVal a = probe(g, probe(g, constant, &folded, NULL), &tripped, &cancel);
    LimVal b = lim_add(g, probe(g, lim_add(g, in, var), &live, NULL), a);
    LimPlan *p = lim_plan_new(g, &b, 1, 0, &exec, NULL);
    lim_plan_bind(p, in, &x);
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_CANCELLED);
    exec.cancel = NULL;
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
    g_assert_cmpfloat(*lim_plan_f32(p, b), ==, 3 + 100 + 1 + 12);
    g_assert_cmpint(folded, ==, 2);
    g_assert_cmpint(live, ==, 1);
    x = 4;
    k = 20;
    variable = 200;
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
    g_assert_cmpfloat(*lim_plan_f32(p, b), ==, 4 + 200 + 1 + 12);
    g_assert_cmpint(folded, ==, 2);
    g_assert_cmpint(live, ==, 2);
    lim_plan_touch(p);
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
    g_assert_cmpfloat(*lim_plan_f32(p, b), ==, 4 + 200 + 1 + 22);
    g_assert_cmpint(folded, ==, 3);
    lim_plan_free(p);
}

/* Weights in a kernel's own form follow the same rule: kept while constant, remade after a touch,
 * remade every time when they are variables. */
static void
test_prepared_weights(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    for (int variable = 0; variable < 2; variable++) {
        float x[16], w[9] = {0}, bias = 0;
        for (int i = 0; i < 16; i++)
            x[i] = (float)i;
        w[4] = 1;
        LimGraph *g = lim_graph_new();
        const LimShape ws = LIM_SHAPE4(1, 1, 3, 3);
        LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 1, 4, 4));
        LimVal wv =
            variable ? lim_graph_variable(g, "w", ws, w) : lim_graph_constant(g, "w", ws, w);
        LimVal y = lim_conv2d(g, in, wv, lim_graph_variable(g, "b", LIM_SHAPE1(1), &bias), 1, 1);
        LimPlan *p = lim_plan_new(g, &y, 1, 0, &exec, NULL);
        lim_plan_bind(p, in, x);
        g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
        g_assert_cmpfloat_with_epsilon(lim_plan_f32(p, y)[5], 5, 1e-4);
        w[4] = 2;
        g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
        g_assert_cmpfloat_with_epsilon(lim_plan_f32(p, y)[5], variable ? 10 : 5, 1e-4);
        lim_plan_touch(p);
        g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
        g_assert_cmpfloat_with_epsilon(lim_plan_f32(p, y)[5], 10, 1e-4);
        lim_plan_free(p);
    }
}

/* A convolution does the ReLU and the pooling that follow, unless somebody wants what lies between;
 * the numbers are the same. */
static void
test_fusing(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    float x[16 * 13 * 14], w[16 * 16 * 9], all[16 * 6 * 7];
    for (size_t i = 0; i < G_N_ELEMENTS(x); i++)
        x[i] = (float)((i * 7919) % 1009) / 500 - 1;
    for (size_t i = 0; i < G_N_ELEMENTS(w); i++)
        w[i] = (float)((i * 104729) % 1013) / 5000 - 0.1F;
    static const struct {
        int steps;
        unsigned flags;
        bool want_conv, want_relu, read_relu, leaky;
    } cases[] = {
        {.steps = 3, .flags = LIM_PLAN_KEEP}, {.steps = 1},
        {.steps = 3, .want_conv = true},      {.steps = 2, .want_relu = true},
        {.steps = 3, .read_relu = true}, /* and one more step that reads it */
        {.steps = 3, .leaky = true},
    };
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        LimGraph *g = lim_graph_new();
        LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 16, 13, 14));
        LimVal y = lim_conv2d(g, in, lim_graph_constant(g, "w", LIM_SHAPE4(16, 16, 3, 3), w),
                              LIM_NOVAL, 1, 1);
        LimVal relu = lim_relu(g, y, cases[c].leaky ? 0.1 : 0), pool = lim_max_pool2(g, relu);
        LimVal want[3] = {pool};
        int n = 1;
        if (cases[c].want_conv)
            want[n++] = y;
        if (cases[c].want_relu)
            want[n++] = relu;
        if (cases[c].read_relu)
            want[n++] = lim_affine(g, relu, 2, 0);
        LimPlan *p = lim_plan_new(g, want, n, cases[c].flags, &exec, NULL);
        g_assert_cmpint(lim_plan_nodes(p), ==, cases[c].steps);
        lim_plan_bind(p, in, x);
        g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
        if (c == 0)
            memcpy(all, lim_plan_f32(p, pool), sizeof all);
        else if (!cases[c].leaky)
            g_assert_cmpmem(all, sizeof all, lim_plan_f32(p, pool), sizeof all);
        lim_plan_free(p);
    }
}

/* What one convolution hands to the next lies in blocks of channels, unless somebody else sees it:
 * the caller, another reader, a gradient. The numbers are the same. */
static void
test_blocks(void)
{
    enum { N = 2, C = 16, H = 15, W = 14, OC = 32 };
    const LimExec exec = {.kernels = lim_kernels_best()};
    static float x[N * C * H * W], w1[OC * C * 9], w2[C * OC * 9], all[N * C * 5 * 5];
    for (size_t i = 0; i < G_N_ELEMENTS(x); i++)
        x[i] = (float)((i * 7919) % 1009) / 500 - 1;
    for (size_t i = 0; i < G_N_ELEMENTS(w1); i++) {
        w1[i] = (float)((i * 104729) % 1013) / 5000 - 0.1F;
        w2[i] = (float)((i * 7907) % 1019) / 5000 - 0.1F;
    }
    static const struct {
        unsigned flags;
        bool want_between, read_between, gradient, blocks;
    } cases[] = {
        {.flags = LIM_PLAN_KEEP}, {.blocks = true},   {.want_between = true},
        {.read_between = true},   {.gradient = true},
    };
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        LimGraph *g = lim_graph_new();
        LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(N, C, H, W));
        LimVal a = lim_graph_constant(g, "w1", LIM_SHAPE4(OC, C, 3, 3), w1);
        LimVal b = lim_graph_constant(g, "w2", LIM_SHAPE4(C, OC, 3, 3), w2);
        LimVal between = lim_max_pool2(g, lim_relu(g, lim_conv2d(g, in, a, LIM_NOVAL, 1, 1), 0));
        LimVal y = lim_conv2d(g, between, b, LIM_NOVAL, 1, 0);
        LimVal want[2] = {y};
        int n = 1;
        if (cases[c].want_between)
            want[n++] = between;
        if (cases[c].read_between)
            want[n++] = lim_affine(g, between, 2, 0);
        if (cases[c].gradient) {
            LimVal dx;
            lim_graph_grad(g, lim_sum(g, y), LIM_NOVAL, &in, &dx, 1);
            want[n++] = dx;
        }
        LimPlan *p = lim_plan_new(g, want, n, cases[c].flags, &exec, NULL);
        char *dump = lim_plan_dump(p);
        g_assert_cmpint(strstr(dump, "to-blocks") != NULL, ==, cases[c].blocks);
        g_assert_cmpint(strstr(dump, "from-blocks") != NULL, ==, cases[c].blocks);
        free(dump);
        lim_plan_bind(p, in, x);
        g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
        if (c == 0)
            memcpy(all, lim_plan_f32(p, y), sizeof all);
        else
            g_assert_cmpmem(all, sizeof all, lim_plan_f32(p, y), sizeof all);
        lim_plan_free(p);
    }
}

/* In place where nobody reads the input later, and only there. */
static void
test_in_place(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    int runs = 0;
    float x = 1;
    for (int late_reader = 0; late_reader < 4; late_reader++) {
        LimGraph *g = lim_graph_new();
        LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE1(1));
        LimVal a = probe(g, in, &runs, NULL);
        LimVal view = lim_reshape(g, a, LIM_SHAPE2(1, 1));
        LimVal b = lim_graph_add(g, &probe_op_in_place, &a, &(ProbeParams){&runs, NULL}, NULL);
        LimVal c = probe(g, b, &runs, NULL);
        LimVal want[2] = {c, LIM_NOVAL};
        int n_want = 1;
        if (late_reader == 1) /* a itself is read after b was made */
            want[0] = lim_add(g, c, lim_affine(g, a, 1000, 0));
        if (late_reader == 2) /* ... through a view */
            want[0] = lim_add(g, c, lim_reshape(g, lim_affine(g, view, 1000, 0), LIM_SHAPE1(1)));
        if (late_reader == 3) /* ... from outside, through a view */
            want[n_want++] = view;
        LimPlan *p = lim_plan_new(g, want, n_want, 0, &exec, NULL);
        lim_plan_bind(p, in, &x);
        for (int i = 0; i < 2; i++)
            g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
        const float expected = late_reader == 1 || late_reader == 2 ? 2004 : 4;
        g_assert_cmpfloat(*lim_plan_f32(p, want[0]), ==, expected);
        if (n_want == 2)
            g_assert_cmpfloat(*lim_plan_f32(p, view), ==, 2);
        /* a and b share 64 bytes and c needs 64; a late reader needs a third place */
        if (late_reader == 0)
            g_assert_cmpuint(lim_plan_bytes(p), ==, 128);
        else
            g_assert_cmpuint(lim_plan_bytes(p), >, 128);
        lim_plan_free(p);
    }
}

/* Views of feeds follow the feed when it is bound anew; views need no memory. */
static void
test_views(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    float one[6] = {1, 2, 3, 4, 5, 6}, two[6] = {10, 20, 30, 40, 50, 60};
    LimGraph *g = lim_graph_new();
    LimVal in = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE2(2, 3));
    LimVal view = lim_reshape(g, lim_reshape(g, in, LIM_SHAPE1(6)), LIM_SHAPE2(3, 2));
    LimVal sum = lim_sum(g, lim_slice(g, view, 1, 1, 1)); /* elements 1, 3, 5 */
    LimPlan *p = lim_plan_new(g, (LimVal[]){sum, view}, 2, 0, &exec, NULL);
    lim_plan_bind(p, in, one);
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
    g_assert_cmpfloat(*lim_plan_f32(p, sum), ==, 12);
    g_assert_true(lim_plan_f32(p, view) == one);
    lim_plan_bind(p, in, two);
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
    g_assert_cmpfloat(*lim_plan_f32(p, sum), ==, 120);
    g_assert_true(lim_plan_f32(p, view) == two);
    g_assert_cmpuint(lim_plan_bytes(p), ==, 192); /* the slice, the sum, its scratch */
    lim_plan_free(p);
}

/* A graph with an error gives no plan but that error. */
static void
test_failed_graph(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimGraph *g = lim_graph_new();
    LimVal a = lim_graph_feed(g, "a", LIM_F32, LIM_SHAPE1(3));
    LimVal y = lim_add(g, a, lim_graph_feed(g, "b", LIM_F32, LIM_SHAPE1(4)));
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_plan_new(g, &y, 1, 0, &exec, &err));
    g_assert_cmpint(err.code, ==, LIM_E_SHAPE);
    g_assert_nonnull(strstr(err.text, "add(3, 4)"));
}

/* Scratch is for a number of threads: another number is a bug of the caller, and said so. */
static void
test_threads(void)
{
    if (g_test_subprocess()) {
        const LimExec one = {.kernels = lim_kernels_best()};
        const LimExec two = {.kernels = lim_kernels_best(), .pool = lim_pool_new(2)};
        LimGraph *g = lim_graph_new();
        LimVal a = lim_graph_feed(g, "a", LIM_F32, LIM_SHAPE1(3));
        LimVal y = lim_add(g, a, a);
        LimPlan *p = lim_plan_new(g, &y, 1, 0, &one, NULL);
        const float in[3] = {1, 2, 3};
        lim_plan_bind(p, a, in);
        g_assert_cmpint(lim_plan_run(p, &one, NULL), ==, LIM_OK);
        lim_plan_run(p, &two, NULL);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*threads_of(exec) == p->threads*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/random", test_random);
    g_test_add_func("/plan/against-reference", test_against_reference);
    g_test_add_func("/plan/pruning", test_pruning);
    g_test_add_func("/plan/cancel", test_cancel);
    g_test_add_func("/plan/constants", test_constants);
    g_test_add_func("/plan/prepared-weights", test_prepared_weights);
    g_test_add_func("/plan/fusing", test_fusing);
    g_test_add_func("/plan/blocks", test_blocks);
    g_test_add_func("/plan/in-place", test_in_place);
    g_test_add_func("/plan/views", test_views);
    g_test_add_func("/plan/threads", test_threads);
    g_test_add_func("/plan/failed-graph", test_failed_graph);
    return g_test_run();
}
