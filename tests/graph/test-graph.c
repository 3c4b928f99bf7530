/* Recording and differentiating: shape errors that say what does not fit and stick, sums of
 * gradients over several uses, gradients by inner values, second derivatives against central
 * differences in double, and that whatever a shape rule accepts runs inside its memory. */
#include "base/rng.h"
#include "graph/graph-private.h"
#include "graph/plan.h"
#include "ops/ops.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors -----------------------------------------------------------------------------------
 */

typedef struct Sources {
    LimGraph *g;
    LimVal v3, v4, m23, m34, x, odd, w, b, label3, label4;
} Sources;

static LimVal
feed(LimGraph *g, LimShape s)
{
    return lim_graph_feed(g, "f", LIM_F32, s);
}

static Sources
sources(void)
{
    Sources s = {.g = lim_graph_new()};
    s.v3 = feed(s.g, LIM_SHAPE1(3));
    s.v4 = feed(s.g, LIM_SHAPE1(4));
    s.m23 = feed(s.g, LIM_SHAPE2(2, 3));
    s.m34 = feed(s.g, LIM_SHAPE2(3, 4));
    s.x = feed(s.g, LIM_SHAPE4(2, 3, 4, 6));
    s.odd = feed(s.g, LIM_SHAPE4(2, 3, 5, 1));
    s.w = feed(s.g, LIM_SHAPE4(5, 3, 3, 3));
    s.b = feed(s.g, LIM_SHAPE1(5));
    s.label3 = lim_graph_feed(s.g, "label", LIM_I32, LIM_SHAPE1(3));
    s.label4 = lim_graph_feed(s.g, "label", LIM_I32, LIM_SHAPE1(4));
    return s;
}

#define BAD(name, expression)          \
    static void name(Sources *s)       \
    {                                  \
        LimGraph *g = s->g;            \
        (void)g;                       \
        LimVal v = expression;         \
        g_assert_false(lim_val_ok(v)); \
    }
BAD(bad_add, lim_add(g, s->v3, s->v4))
BAD(bad_add_rank, lim_add(g, s->m23, s->x))
BAD(bad_matmul, lim_matmul(g, s->m23, s->m34, true, false))
BAD(bad_matmul_rank, lim_matmul(g, s->x, s->m34, false, false))
BAD(bad_linear, lim_linear(g, s->m23, s->m34, LIM_NOVAL))
BAD(bad_bias, lim_bias_add(g, s->m34, s->v3))
BAD(bad_conv, lim_conv2d(g, s->x, lim_slice(g, s->w, 1, 0, 2), LIM_NOVAL, 1, 1))
BAD(bad_conv_bias, lim_conv2d(g, s->x, s->w, s->v3, 1, 1))
BAD(bad_conv_small, lim_conv2d(g, s->odd, s->w, s->b, 1, 0))
BAD(bad_conv_matrix, lim_conv2d(g, s->m23, s->w, s->b, 1, 0))
BAD(bad_pool, lim_avg_pool2(g, s->odd))
BAD(bad_max_pool, lim_max_pool2(g, s->odd))
BAD(bad_upsample, lim_upsample2(g, s->m23))
BAD(bad_norm, lim_batch_norm(g, s->x, s->v4, s->v4, 1, 1e-4, false, NULL, NULL))
BAD(bad_norm_affine, lim_norm_affine(g, s->x, s->v3, s->v3, s->v3, s->v4, 1, 1e-4, false))
BAD(bad_spectral, lim_spectral_norm(g, s->w, s->v4, 1e-4, NULL, NULL))
BAD(bad_cross_entropy, lim_cross_entropy(g, s->m34, s->label4))
BAD(bad_soft_cross_entropy, lim_soft_cross_entropy(g, s->m34, s->m23))
BAD(bad_gather, lim_gather_rows(g, s->v3, s->label3))
BAD(bad_row_dot, lim_row_dot(g, s->m23, s->m34))
BAD(bad_row_scale, lim_row_scale(g, s->m23, s->m34))
BAD(bad_scale_by, lim_scale_by(g, s->m23, s->v3))
BAD(bad_reshape, lim_reshape(g, s->m23, LIM_SHAPE1(7)))
BAD(bad_concat, lim_concat(g, s->m23, s->m34, 0))
BAD(bad_slice, lim_slice(g, s->m23, 1, 2, 2))
BAD(bad_lerp, lim_lerp(g, s->v3, s->v3, s->v3))
BAD(bad_huge, lim_upsample2(g, feed(g, LIM_SHAPE4(1 << 10, 1 << 10, 1 << 5, 1 << 5))))
BAD(bad_feed, feed(g, LIM_SHAPE2(3, 0)))

static const struct {
    void (*build)(Sources *s);
    const char *says[3]; /* what the sentence must contain */
} bad[] = {
    {bad_add, {"add(3, 4)"}},
    {bad_add_rank, {"add(2x3, 2x3x4x6)"}},
    {bad_matmul, {"matmul(2x3, 3x4)", "inner"}},
    {bad_matmul_rank, {"matmul(2x3x4x6, 3x4)"}},
    {bad_linear, {"matmul(2x3, 3x4)"}},
    {bad_bias, {"bias_add(3x4, 3)", "channel"}},
    {bad_conv, {"conv2d(2x3x4x6, 5x2x3x3)"}},
    {bad_conv_bias, {"conv2d(2x3x4x6, 5x3x3x3, 3)", "bias"}},
    {bad_conv_small, {"conv2d(2x3x5x1", "larger"}},
    {bad_conv_matrix, {"conv2d(2x3, 5x3x3x3, 5)"}},
    {bad_pool, {"2x3x5x1", "even"}},
    {bad_max_pool, {"max_pool2(2x3x5x1)"}},
    {bad_upsample, {"upsample2(2x3)"}},
    {bad_norm, {"batch_norm(2x3x4x6, 4, 4)"}},
    {bad_norm_affine, {"norm_affine(2x3x4x6, 3, 3, 3, 4)"}},
    {bad_spectral, {"spectral_norm(5x3x3x3, 4)"}},
    {bad_cross_entropy, {"cross_entropy(3x4, 4)", "labels"}},
    {bad_soft_cross_entropy, {"row_dot(2x3, 3x4)"}},
    {bad_gather, {"gather_rows(3, 3)", "table"}},
    {bad_row_dot, {"row_dot(2x3, 3x4)"}},
    {bad_row_scale, {"row_scale(2x3, 3x4)"}},
    {bad_scale_by, {"scale_by(2x3, 3)"}},
    {bad_reshape, {"reshape(2x3)", "elements"}},
    {bad_concat, {"concat(2x3, 3x4)", "axis"}},
    {bad_slice, {"slice(2x3)", "outside"}},
    {bad_lerp, {"lerp(3, 3, 3)"}},
    {bad_huge, {"upsample2(1024x1024x32x32)", "too large"}},
    {bad_feed, {"3x0"}},
};

static void
test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Sources s = sources();
        g_assert_cmpint(lim_graph_status(s.g, NULL), ==, LIM_OK);
        bad[i].build(&s);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_graph_status(s.g, &err), ==, LIM_E_SHAPE);
        for (int k = 0; k < 3 && bad[i].says[k]; k++)
            if (!strstr(err.text, bad[i].says[k]))
                g_error("\"%s\" does not say \"%s\"", err.text, bad[i].says[k]);
        /* the first one sticks: nothing is recorded any more, and nothing else is said */
        const uint32_t n_nodes = s.g->n_nodes;
        g_assert_false(lim_val_ok(lim_relu(s.g, s.x, 0)));
        g_assert_false(lim_val_ok(lim_graph_feed(s.g, "late", LIM_F32, LIM_SHAPE1(2))));
        bad_add(&s);
        lim_graph_fail(s.g, LIM_E_PARAM, "another");
        LimVal d;
        lim_graph_grad(s.g, s.x, LIM_NOVAL, &s.x, &d, 1);
        g_assert_false(lim_val_ok(d));
        g_assert_cmpuint(s.g->n_nodes, ==, n_nodes);
        LimError again = LIM_ERROR_INIT;
        lim_graph_status(s.g, &again);
        g_assert_cmpstr(again.text, ==, err.text);
        lim_graph_free(s.g);
    }
}

/* ---- what a shape rule accepts runs inside its memory (AddressSanitizer looks) ----------------
 */

static void
run_alone(const LimOpDef *op, const LimShape *in, const void *params, const LimShape *out)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimNodeRun r = {.params = params};
    for (int i = 0; i < op->n_in; i++) {
        r.in_shape[i] = in[i];
        if (in[i].nd < 0)
            continue;
        const size_t n = (size_t)lim_shape_size(in[i]);
        float *x = g_new0(float, n);
        for (size_t k = 0; k < n && !(op->int_inputs & (1u << i)); k++)
            x[k] = 0.5f + (float)(k % 7);
        r.in[i] = x;
    }
    for (int i = 0; i < op->n_out; i++) {
        r.out_shape[i] = out[i];
        r.out[i] = g_new0(float, lim_shape_size(out[i]));
    }
    op->ref_f32(&r);
    if (op->run) {
        void *scratch = NULL, *prepared = NULL;
        if (op->scratch)
            r.scratch = scratch = lim_alloc(op->scratch(&r, &exec) + 64, 1);
        r.constant_weights = true;
        const size_t weights = op->prepared ? op->prepared(&r, &exec) : 0;
        if (weights) {
            r.prepared = prepared = lim_alloc(weights, 1);
            op->prepare(&r, &exec);
        }
        op->run(&r, &exec);
        free(scratch);
        free(prepared);
    }
    for (int i = 0; i < op->n_in; i++)
        g_free((void *)(uintptr_t)r.in[i]);
    for (int i = 0; i < op->n_out; i++)
        g_free(r.out[i]);
}

/* Every case of every op with one input's shape altered. */
static void
test_altered_shapes(void)
{
    int accepted = 0, refused = 0;
    for (size_t o = 0; o < lim_op_count(); o++) {
        const LimOpDef *op = lim_op_at(o);
        for (size_t k = 0; k < op->n_cases; k++) {
            const LimOpCase *c = &op->cases[k];
            void *params = op->params_size ? lim_alloc(1, op->params_size) : NULL;
            if (params) {
                lim_params_init(op->params, params);
                char **pairs = g_strsplit(c->params ? c->params : "", " ", -1);
                for (int i = 0; pairs[i] && *pairs[i]; i++) {
                    char **kv = g_strsplit(pairs[i], "=", 2);
                    g_assert_cmpint(lim_params_set(op->params, params, kv[0], kv[1], NULL), ==,
                                    LIM_OK);
                    g_strfreev(kv);
                }
                g_strfreev(pairs);
            }
            for (int i = 0; i < op->n_in && !c->bench; i++)
                for (int way = 0; way < 12; way++) {
                    LimShape in[LIM_OP_MAX_IN], out[LIM_OP_MAX_OUT] = {{0}};
                    bool absent = false;
                    for (int j = 0; j < op->n_in; j++) {
                        in[j] = c->in[j];
                        if (op->optional_from && j >= op->optional_from && c->in[j].nd <= 0)
                            in[j] = LIM_ABSENT;
                        absent |= j == i && in[j].nd < 0;
                    }
                    if (absent)
                        break;
                    LimShape *s = &in[i];
                    if (way < 4) { /* a dimension one larger */
                        if (way >= s->nd)
                            continue;
                        s->d[way]++;
                    } else if (way < 8) { /* ... one smaller */
                        if (way - 4 >= s->nd || s->d[way - 4] < 2)
                            continue;
                        s->d[way - 4]--;
                    } else if (way == 8) { /* the first dimension gone */
                        for (int j = 0; j + 1 < s->nd; j++)
                            s->d[j] = s->d[j + 1];
                        s->d[--s->nd] = 0;
                        if (s->nd < 0)
                            continue;
                    } else if (way == 9) { /* one more */
                        if (s->nd == LIM_MAX_DIM)
                            continue;
                        s->d[s->nd++] = 2;
                    } else if (way == 10) { /* one element */
                        *s = LIM_SHAPE1(1);
                    } else { /* two dimensions swapped */
                        if (s->nd < 2)
                            continue;
                        const int d0 = s->d[0];
                        s->d[0] = s->d[1];
                        s->d[1] = d0;
                    }
                    LimError err = LIM_ERROR_INIT;
                    const LimStatus status = op->infer(in, params, out, &err);
                    bool valid = status == LIM_OK;
                    for (int j = 0; j < op->n_out && valid; j++)
                        valid = lim_shape_valid(out[j]);
                    if (status != LIM_OK) {
                        g_assert_cmpint(status, ==, LIM_E_SHAPE);
                        g_assert_cmpstr(err.text, !=, "");
                        refused++;
                    } else if (valid && !(op->flags & LIM_OP_VIEW)) {
                        run_alone(op, in, params, out);
                        accepted++;
                    }
                }
            free(params);
        }
    }
    g_assert_cmpint(accepted, >, 100);
    g_assert_cmpint(refused, >, 100);
}

/* ---- gradients --------------------------------------------------------------------------------
 */

/* Runs a graph in double on the given feeds; values come back as want[i][0]. */
typedef struct Feed {
    LimVal val;
    double *data;
} Feed;

static LimPlan *
plan_double(LimGraph *g, const LimVal *want, int n, const Feed *feeds, int n_feeds)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    LimPlan *p = lim_plan_new(g, want, n, LIM_PLAN_F64, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < n_feeds; i++)
        lim_plan_bind(p, feeds[i].val, feeds[i].data);
    g_assert_cmpint(lim_plan_run(p, &exec, &err), ==, LIM_OK);
    return p;
}

static void
rerun(LimPlan *p)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    g_assert_cmpint(lim_plan_run(p, &exec, NULL), ==, LIM_OK);
}

static double
first(const LimPlan *p, LimVal v)
{
    return *(const double *)lim_plan_get(p, v);
}

/* y = x x + 3 x + tanh(x) + x[reshaped] : every use of x adds its share */
static void
test_several_uses(void)
{
    double x[1] = {0.7};
    LimGraph *g = lim_graph_new();
    LimVal xv = feed(g, LIM_SHAPE1(1));
    LimVal y = lim_add(g, lim_mul(g, xv, xv), lim_affine(g, xv, 3, 5));
    y = lim_add(g, y, lim_tanh(g, xv));
    y = lim_add(g, y, lim_reshape(g, lim_reshape(g, xv, LIM_SHAPE2(1, 1)), LIM_SHAPE1(1)));
    LimVal d, dd;
    lim_graph_grad(g, y, LIM_NOVAL, &xv, &d, 1);
    lim_graph_grad(g, d, LIM_NOVAL, &xv, &dd, 1); /* and again */
    LimPlan *p = plan_double(g, (LimVal[]){d, dd}, 2, &(Feed){xv, x}, 1);
    const double t = tanh(x[0]);
    g_assert_cmpfloat_with_epsilon(first(p, d), 2 * x[0] + 3 + (1 - t * t) + 1, 1e-12);
    g_assert_cmpfloat_with_epsilon(first(p, dd), 2 - 2 * t * (1 - t * t), 1e-12);
    lim_plan_free(p);
}

/* By an inner value, by the value itself, by one it does not depend on, with a seed. */
static void
test_what_by_what(void)
{
    double x[2] = {0.5, -0.25}, seed[2] = {10, 100};
    LimGraph *g = lim_graph_new();
    LimVal xv = feed(g, LIM_SHAPE1(2)), other = feed(g, LIM_SHAPE1(2)), sv = feed(g, LIM_SHAPE1(2));
    LimVal inner = lim_affine(g, xv, 2, 1), y = lim_mul(g, inner, inner);
    LimVal unused = lim_affine(g, y, 2, 0);
    LimVal d[5];
    lim_graph_grad(g, y, sv, (LimVal[]){xv, inner, y, other, unused}, d, 5);
    g_assert_false(lim_val_ok(d[3]));
    g_assert_false(lim_val_ok(d[4]));
    g_assert_cmpuint(d[2].id, ==, sv.id);
    LimPlan *p = plan_double(g, d, 3, (Feed[]){{xv, x}, {sv, seed}}, 2);
    const double *dx = lim_plan_get(p, d[0]), *di = lim_plan_get(p, d[1]);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpfloat_with_epsilon(di[i], seed[i] * 2 * (2 * x[i] + 1), 1e-12);
        g_assert_cmpfloat_with_epsilon(dx[i], seed[i] * 4 * (2 * x[i] + 1), 1e-12);
    }
    lim_plan_free(p);
}

/* Several seeds in one pass, in any order: each row is what a pass of its own says. */
static void
test_rows(void)
{
    enum { N = 3, R = 5, C = 2, IN = 2 * 6 * 6 };
    static int32_t owner[R] = {2, 0, 2, 1, 0};
    double x[N * IN], seeds[R * C], one[R][N * C] = {{0}};
    float w[4 * 2 * 9], m[C * 4 * 9];
    for (int i = 0; i < N * IN; i++)
        x[i] = sin(1.7 * i);
    for (int i = 0; i < R * C; i++)
        seeds[i] = cos(2.3 * i);
    lim_rng_normal(3, LIM_STREAM_TEST, 0, w, G_N_ELEMENTS(w));
    lim_rng_normal(4, LIM_STREAM_TEST, 0, m, G_N_ELEMENTS(m));
    LimGraph *g = lim_graph_new();
    LimVal xv = feed(g, LIM_SHAPE4(N, 2, 6, 6)), seed = feed(g, LIM_SHAPE2(R, C));
    LimVal row = lim_graph_feed(g, "row", LIM_I32, LIM_SHAPE1(R));
    LimVal h =
        lim_conv2d(g, xv, lim_graph_constant(g, "w", LIM_SHAPE4(4, 2, 3, 3), w), LIM_NOVAL, 1, 1);
    h = lim_reshape(g, lim_max_pool2(g, lim_relu(g, h, 0.1)), LIM_SHAPE2(N, 4 * 9));
    LimVal y = lim_matmul(g, h, lim_graph_constant(g, "m", LIM_SHAPE2(C, 4 * 9), m), false, true);
    y = lim_tanh(g, lim_mul(g, lim_affine(g, y, 0.02, 0), lim_affine(g, y, 0.1, 1)));
    LimVal d[R + 1];
    Feed feeds[R + 3] = {{xv, x}, {seed, seeds}, {row, (void *)owner}};
    lim_graph_grad_rows(g, y, row, seed, &xv, &d[R], 1);
    for (int r = 0; r < R; r++) {
        for (int c = 0; c < C; c++)
            one[r][owner[r] * C + c] = seeds[r * C + c];
        feeds[3 + r] = (Feed){feed(g, LIM_SHAPE2(N, C)), one[r]};
        lim_graph_grad(g, y, feeds[3 + r].val, &xv, &d[r], 1);
    }
    g_assert_true(lim_shape_equal(lim_graph_shape(g, d[R]), LIM_SHAPE4(R, 2, 6, 6)));
    LimPlan *p = plan_double(g, d, R + 1, feeds, R + 3);
    const double *all = lim_plan_get(p, d[R]);
    for (int r = 0; r < R; r++) {
        const double *alone = (const double *)lim_plan_get(p, d[r]) + owner[r] * IN;
        double size = 0;
        for (int i = 0; i < IN; i++) {
            g_assert_cmpfloat_with_epsilon(all[r * IN + i], alone[i], 1e-12);
            size += fabs(alone[i]);
        }
        g_assert_cmpfloat(size, >, 0.1);
    }
    lim_plan_free(p);
}

/* A derivative that does not exist is refused in words. */
static void
test_no_derivative(void)
{
    LimGraph *g = lim_graph_new();
    LimVal a = feed(g, LIM_SHAPE1(3)), m = feed(g, LIM_SHAPE1(1)), d;
    LimVal y = lim_lerp(g, a, a, m);
    lim_graph_grad(g, y, LIM_NOVAL, &a, &d, 1);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_graph_status(g, &err), ==, LIM_E_UNSUPPORTED);
    g_assert_nonnull(strstr(err.text, "lerp"));
    g_assert_false(lim_val_ok(d));
    lim_graph_free(g);

    g = lim_graph_new();
    LimVal x = feed(g, LIM_SHAPE4(2, 3, 4, 4)), c = feed(g, LIM_SHAPE1(3)), mean;
    lim_batch_norm(g, x, c, c, 0, 1e-4, false, &mean, NULL);
    lim_graph_grad(g, lim_sum(g, mean), LIM_NOVAL, &x, &d, 1);
    g_assert_cmpint(lim_graph_status(g, NULL), ==, LIM_E_UNSUPPORTED);
    lim_graph_free(g);
}

/* Gradients of several results of one op, one of them unused, meet. */
static void
test_slices_meet(void)
{
    double x[6] = {1, 2, 3, 4, 5, 6};
    LimGraph *g = lim_graph_new();
    LimVal xv = feed(g, LIM_SHAPE2(2, 3));
    LimVal left = lim_slice(g, xv, 1, 0, 2), right = lim_slice(g, xv, 1, 1, 2);
    LimVal both = lim_concat(g, left, right, 0); /* the middle column twice */
    LimVal d, y = lim_dot(g, both, both);
    lim_graph_grad(g, y, LIM_NOVAL, &xv, &d, 1);
    LimPlan *p = plan_double(g, &d, 1, &(Feed){xv, x}, 1);
    const double *dx = lim_plan_get(p, d), times[3] = {2, 4, 2};
    for (int i = 0; i < 6; i++)
        g_assert_cmpfloat_with_epsilon(dx[i], times[i % 3] * x[i], 1e-12);
    lim_plan_free(p);
}

/* R1 (Mescheder et al. 2018, equation 9): penalty = |dD/dx|^2, and its gradient by the weights, for
 * a small network of convolutions against central differences of the penalty. */
static void
test_second_derivative(void)
{
    enum { N = 2, C = 2, H = 4, W = 6, OC = 3 };
    const LimShape shapes[] = {LIM_SHAPE4(N, C, H, W),   LIM_SHAPE4(OC, C, 3, 3), LIM_SHAPE1(OC),
                               LIM_SHAPE4(OC, OC, 3, 3), LIM_SHAPE4(OC, C, 1, 1), LIM_SHAPE2(1, OC),
                               LIM_SHAPE2(5, OC)};
    enum { SOURCES = G_N_ELEMENTS(shapes) };
    Feed feeds[SOURCES];
    LimVal v[SOURCES];
    LimGraph *g = lim_graph_new();
    for (int i = 0; i < SOURCES; i++) {
        const size_t n = (size_t)lim_shape_size(shapes[i]);
        float *x = g_new(float, n);
        lim_rng_normal(11, LIM_STREAM_TEST, (uint64_t)i * 1000, x, n);
        feeds[i].data = g_new(double, n);
        for (size_t k = 0; k < n; k++)
            feeds[i].data[k] = 0.5 * (double)x[k];
        g_free(x);
        v[i] = feeds[i].val = feed(g, shapes[i]);
    }
    int32_t label[N] = {3, 1};
    LimVal lv = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(N));
    LimVal h = lim_tanh(g, lim_conv2d(g, v[0], v[1], v[2], 1, 1));
    h = lim_relu(g, lim_conv2d(g, h, v[3], LIM_NOVAL, 1, 1), 0.2);
    h = lim_add(g, lim_avg_pool2(g, h),
                lim_conv2d(g, lim_avg_pool2(g, v[0]), v[4], LIM_NOVAL, 1, 0));
    h = lim_tanh(g, lim_spatial_sum(g, h));
    LimVal score = lim_add(g, lim_linear(g, h, v[5], LIM_NOVAL),
                           lim_row_dot(g, lim_gather_rows(g, v[6], lv), h));
    LimVal dx;
    lim_graph_grad(g, lim_sum(g, score), LIM_NOVAL, &v[0], &dx, 1);
    LimVal penalty = lim_dot(g, dx, dx), d[SOURCES];
    lim_graph_grad(g, penalty, LIM_NOVAL, v, d, SOURCES);
    LimVal want[SOURCES + 1];
    for (int i = 0; i < SOURCES; i++) {
        g_assert_true(lim_val_ok(d[i]));
        want[i] = d[i];
    }
    want[SOURCES] = penalty;
    LimError err = LIM_ERROR_INIT;
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimPlan *p = lim_plan_new(g, want, SOURCES + 1, LIM_PLAN_F64, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < SOURCES; i++)
        lim_plan_bind(p, v[i], feeds[i].data);
    lim_plan_bind(p, lv, label);
    rerun(p);
    g_assert_cmpfloat(first(p, penalty), >, 1e-3);
    for (int i = 0; i < SOURCES; i++) {
        const int n = (int)lim_shape_size(shapes[i]);
        double *exact = g_memdup2(lim_plan_get(p, d[i]), (gsize)n * sizeof(double)), largest = 0;
        for (int k = 0; k < n; k++)
            largest = fmax(largest, fabs(exact[k]));
        g_assert_cmpfloat(largest, >, 1e-3);
        for (int k = 0; k < n; k++) {
            const double x = feeds[i].data[k], step = 1e-5;
            feeds[i].data[k] = x + step;
            rerun(p);
            const double up = first(p, penalty);
            feeds[i].data[k] = x - step;
            rerun(p);
            const double down = first(p, penalty);
            feeds[i].data[k] = x;
            g_assert_cmpfloat_with_epsilon((up - down) / (2 * step), exact[k],
                                           1e-6 * (1 + largest));
        }
        g_free(exact);
        rerun(p);
    }
    for (int i = 0; i < SOURCES; i++)
        g_free(feeds[i].data);
    lim_plan_free(p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/graph/errors", test_errors);
    g_test_add_func("/graph/altered-shapes", test_altered_shapes);
    g_test_add_func("/graph/several-uses", test_several_uses);
    g_test_add_func("/graph/what-by-what", test_what_by_what);
    g_test_add_func("/graph/rows", test_rows);
    g_test_add_func("/graph/no-derivative", test_no_derivative);
    g_test_add_func("/graph/slices-meet", test_slices_meet);
    g_test_add_func("/graph/second-derivative", test_second_derivative);
    return g_test_run();
}
