/* One harness for every op and every case: the fast run against the scalar reference in all kernel
 * tables, bit-identity for one, two and three threads, the double reference against the float one,
 * and the gradient against central differences in double. An op without cases fails; so does a
 * harness that cannot fail (see broken_op). */
#include "base/rng.h"
#include "graph/plan.h"
#include "graph/op.h"
#include "ops/ops.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Setup {
    const LimOpDef *op;
    const LimOpCase *c;
    void *params;
    LimShape out[LIM_OP_MAX_OUT];
    void *in32[LIM_OP_MAX_IN];   /* float or int32_t */
    double *in64[LIM_OP_MAX_IN]; /* NULL for integers */
} Setup;

static void
setup_init(Setup *s, const LimOpDef *op, const LimOpCase *c)
{
    memset(s, 0, sizeof *s);
    s->op = op;
    s->c = c;
    if (op->params_size) {
        s->params = lim_alloc(1, op->params_size);
        lim_params_init(op->params, s->params);
        char **pairs = g_strsplit(c->params ? c->params : "", " ", -1);
        for (int i = 0; pairs[i] && *pairs[i]; i++) {
            char **kv = g_strsplit(pairs[i], "=", 2);
            LimError err = LIM_ERROR_INIT;
            lim_params_set(op->params, s->params, kv[0], kv[1], &err);
            g_assert_cmpstr(err.text, ==, "");
            g_strfreev(kv);
        }
        g_strfreev(pairs);
    }
    for (int i = 0; i < op->n_in; i++) {
        if (c->in[i].nd < 0 || (op->optional_from && i >= op->optional_from && c->in[i].nd == 0))
            continue;
        const size_t n = (size_t)lim_shape_size(c->in[i]);
        s->in32[i] = lim_alloc(n, 4);
        if (op->int_inputs & (1u << i)) {
            for (size_t k = 0; k < n; k++)
                ((int32_t *)s->in32[i])[k] =
                    (int32_t)lim_rng_below(1, LIM_STREAM_TEST, k, (uint32_t)c->label_below);
            continue;
        }
        float *x = s->in32[i];
        s->in64[i] = lim_alloc(n, sizeof(double));
        lim_rng_normal(17 + (uint64_t)i, LIM_STREAM_TEST, 0, x, n);
        if (c->fill[i] == LIM_FILL_POSITIVE)
            for (size_t k = 0; k < n; k++)
                x[k] = 0.5f + 1.0f / (1.0f + expf(x[k]));
        if (c->fill[i] == LIM_FILL_DISTINCT && n < 4096) { /* a shuffled ramp without 0 */
            uint32_t *order = lim_alloc(n, sizeof *order);
            lim_rng_permutation(5, LIM_STREAM_TEST, order, (uint32_t)n);
            for (size_t k = 0; k < n; k++)
                x[k] = 0.01f * ((float)order[k] - (float)(n / 2) + 0.5f);
            free(order);
        }
        for (size_t k = 0; k < n; k++)
            s->in64[i][k] = (double)x[k];
    }
    LimShape in[LIM_OP_MAX_IN];
    for (int i = 0; i < op->n_in; i++)
        in[i] = s->in32[i] ? c->in[i] : LIM_ABSENT;
    LimError err = LIM_ERROR_INIT;
    op->infer(in, s->params, s->out, &err);
    g_assert_cmpstr(err.text, ==, "");
}

static void
setup_clear(Setup *s)
{
    free(s->params);
    for (int i = 0; i < LIM_OP_MAX_IN; i++) {
        free(s->in32[i]);
        free(s->in64[i]);
    }
}

static LimNodeRun
node_run(const Setup *s, bool f64, void **out)
{
    LimNodeRun r = {.params = s->params};
    for (int i = 0; i < s->op->n_in; i++) {
        r.in[i] = f64 && s->in64[i] ? (void *)s->in64[i] : s->in32[i];
        r.in_shape[i] = s->in32[i] ? s->c->in[i] : LIM_ABSENT;
    }
    for (int i = 0; i < s->op->n_out; i++) {
        out[i] = lim_alloc((size_t)lim_shape_size(s->out[i]), f64 ? 8 : 4);
        r.out[i] = out[i];
        r.out_shape[i] = s->out[i];
    }
    return r;
}

static void
free_out(const Setup *s, void **out)
{
    for (int i = 0; i < s->op->n_out; i++)
        free(out[i]);
}

static void
run_fast(const Setup *s, const LimExec *exec, void **out)
{
    LimNodeRun r = node_run(s, false, out);
    void *scratch = NULL, *prepared = NULL;
    if (s->op->scratch)
        r.scratch = scratch = lim_alloc(s->op->scratch(&r, exec) + 64, 1);
    const size_t weights = s->op->prepared ? s->op->prepared(&r, exec) : 0;
    if (weights) {
        r.prepared = prepared = lim_alloc(weights, 1);
        s->op->prepare(&r, exec);
    }
    s->op->run(&r, exec);
    free(scratch);
    free(prepared);
}

static double
worst_difference(const void *a, bool a64, const float *b, int64_t n, double *scale)
{
    double worst = 0;
    *scale = 0;
    for (int64_t k = 0; k < n; k++) {
        const double x = a64 ? ((const double *)a)[k] : (double)((const float *)a)[k];
        const double d = fabs(x - (double)b[k]);
        if (!(d <= worst))
            worst = d;
        *scale = fmax(*scale, fabs(x));
    }
    return worst;
}

/* largest |fast - reference| over max |reference|, over all outputs */
static double
fast_error(const Setup *s, const LimExec *exec)
{
    void *ref[LIM_OP_MAX_OUT], *fast[LIM_OP_MAX_OUT];
    LimNodeRun r = node_run(s, false, ref);
    s->op->ref_f32(&r);
    run_fast(s, exec, fast);
    double error = 0;
    for (int i = 0; i < s->op->n_out; i++) {
        double scale,
            d = worst_difference(ref[i], false, fast[i], lim_shape_size(s->out[i]), &scale);
        error = fmax(error, d / fmax(scale, 1e-3));
    }
    free_out(s, ref);
    free_out(s, fast);
    return error;
}

static void
test_fast(gconstpointer data)
{
    const LimOpDef *op = data;
    g_assert_cmpuint(op->n_cases, >, 0);
    g_assert_nonnull(op->ref_f32);
    g_assert_nonnull(op->ref_f64);
    for (size_t k = 0; k < op->n_cases; k++) {
        if (op->cases[k].bench && !g_test_slow())
            continue; /* large shapes: the scalar reference would take minutes */
        Setup s;
        setup_init(&s, op, &op->cases[k]);
        /* float reference against double reference */
        void *a[LIM_OP_MAX_OUT], *b[LIM_OP_MAX_OUT];
        LimNodeRun r32 = node_run(&s, false, a), r64 = node_run(&s, true, b);
        op->ref_f32(&r32);
        op->ref_f64(&r64);
        for (int i = 0; i < op->n_out; i++) {
            double scale, d = worst_difference(b[i], true, a[i], lim_shape_size(s.out[i]), &scale);
            g_assert_cmpfloat(d, <=, 1e-5 * fmax(scale, 1e-3));
        }
        free_out(&s, a);
        free_out(&s, b);
        for (const LimKernels *const *t = lim_kernels_all(); op->run && *t; t++) {
            void *one[LIM_OP_MAX_OUT];
            run_fast(&s, &(LimExec){.kernels = *t}, one);
            for (int threads = 1; threads <= 3; threads++) {
                LimPool *pool = lim_pool_new(threads);
                LimExec exec = {.kernels = *t, .pool = pool};
                const double tolerance = op->cases[k].tolerance > 0 ? op->cases[k].tolerance : 2e-5;
                const double error = fast_error(&s, &exec);
                if (!(error <= tolerance))
                    g_test_message("%s case %zu, %s, %d threads", op->name, k, (*t)->name, threads);
                g_assert_cmpfloat(error, <=, tolerance);
                void *many[LIM_OP_MAX_OUT];
                run_fast(&s, &exec, many);
                for (int i = 0; i < op->n_out; i++) {
                    const size_t n = (size_t)lim_shape_size(s.out[i]) * 4;
                    g_assert_cmpmem(one[i], n, many[i], n);
                }
                free_out(&s, many);
                lim_pool_free(pool);
            }
            free_out(&s, one);
        }
        setup_clear(&s);
    }
}

/* sum over out[0] of w out[0], with fixed weights w, by the double reference */
static double
weighted_sum(const Setup *s, const double *w)
{
    void *out[LIM_OP_MAX_OUT];
    LimNodeRun r = node_run(s, true, out);
    s->op->ref_f64(&r);
    double sum = 0;
    for (int64_t k = 0; k < lim_shape_size(s->out[0]); k++)
        sum += w[k] * ((double *)out[0])[k];
    free_out(s, out);
    return sum;
}

/* For spectral_norm u and v carry no gradient: the derivative holds where they have converged. */
static void
converge(Setup *s)
{
    if (strcmp(s->op->name, "spectral_norm") != 0)
        return;
    for (int k = 0; k < 3000; k++) {
        void *out[LIM_OP_MAX_OUT];
        LimNodeRun r = node_run(s, true, out);
        s->op->ref_f64(&r);
        memcpy(s->in64[1], out[1], (size_t)lim_shape_size(s->out[1]) * 8);
        free_out(s, out);
    }
}

/* Inputs that no gradient reaches although values depend on them. */
static bool
is_fixed(const LimOpDef *op, int i)
{
    return (strcmp(op->name, "spectral_norm") == 0 && i == 1) ||
           (strncmp(op->name, "norm_affine", 11) == 0 && i != 0 && i != 3) ||
           (strncmp(op->name, "roi_align", 9) == 0 && i == 1);
}

/* batch_norm_grad's own value is what the gradient of batch_norm checks */
static double
gradient_error(const LimOpDef *op, const LimOpCase *c)
{
    Setup s;
    setup_init(&s, op, c);
    converge(&s);
    const int64_t n_out = lim_shape_size(s.out[0]);
    double *w = lim_alloc((size_t)n_out, sizeof *w);
    float *w32 = lim_alloc((size_t)n_out, sizeof *w32);
    lim_rng_normal(99, LIM_STREAM_TEST, 0, w32, (size_t)n_out);
    for (int64_t k = 0; k < n_out; k++)
        w[k] = (double)w32[k];

    LimGraph *g = lim_graph_new();
    LimVal in[LIM_OP_MAX_IN] = {{0}}, out[LIM_OP_MAX_OUT], wrt[LIM_OP_MAX_IN], d[LIM_OP_MAX_IN];
    int wrt_input[LIM_OP_MAX_IN], n = 0;
    for (int i = 0; i < op->n_in; i++) {
        if (!s.in32[i])
            continue;
        const bool integer = op->int_inputs & (1u << i);
        in[i] = lim_graph_feed(g, "x", integer ? LIM_I32 : LIM_F32, c->in[i]);
        if (!integer && !is_fixed(op, i)) {
            wrt[n] = in[i];
            wrt_input[n++] = i;
        }
    }
    if (strcmp(op->name, "norm_affine") == 0)
        n = 1;
    lim_graph_add(g, op, in, s.params, out);
    LimVal seed = lim_graph_feed(g, "seed", LIM_F32, s.out[0]);
    lim_graph_grad(g, out[0], seed, wrt, d, n);
    LimVal want[LIM_OP_MAX_IN];
    int n_want = 0;
    for (int i = 0; i < n; i++)
        if (lim_val_ok(d[i]))
            want[n_want++] = d[i];
    LimError err = LIM_ERROR_INIT;
    LimExec exec = {.kernels = lim_kernels_best()};
    LimPlan *p = lim_plan_new(g, want, n_want, LIM_PLAN_F64, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < op->n_in; i++)
        if (s.in32[i])
            lim_plan_bind(p, in[i], s.in64[i] ? (void *)s.in64[i] : s.in32[i]);
    lim_plan_bind(p, seed, w);
    lim_plan_run(p, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");

    double worst = 0;
    for (int i = 0; i < n; i++) {
        double *x = s.in64[wrt_input[i]];
        const int64_t size = lim_shape_size(c->in[wrt_input[i]]);
        const double *got = lim_val_ok(d[i]) ? lim_plan_get(p, d[i]) : NULL;
        double scale = 1e-3;
        for (int64_t k = 0; got && k < size; k++)
            scale = fmax(scale, fabs(got[k]));
        for (int64_t k = 0; k<size; k += size> 400 ? size / 97 : 1) {
            const double keep = x[k], h = 1e-5;
            x[k] = keep + h;
            const double up = weighted_sum(&s, w);
            x[k] = keep - h;
            const double down = weighted_sum(&s, w);
            x[k] = keep;
            const double numeric = (up - down) / (2 * h);
            const double error = fabs(numeric - (got ? got[k] : 0)) / scale;
            if (!(error <= worst))
                worst = error;
        }
    }
    lim_plan_free(p);
    free(w);
    free(w32);
    setup_clear(&s);
    return worst;
}

static void
test_gradient(gconstpointer data)
{
    const LimOpDef *op = data;
    for (size_t k = 0; k < op->n_cases; k++) {
        if (op->cases[k].bench)
            continue;
        const double error = gradient_error(op, &op->cases[k]);
        if (!(error <= 1e-6))
            g_test_message("%s case %zu", op->name, k);
        g_assert_cmpfloat(error, <=, 1e-6);
    }
}

/* ---- the harness must be able to fail ---------------------------------------------------------
 */

static void
broken_run(const LimNodeRun *n, const LimExec *exec)
{
    for (int64_t i = 0; i < lim_shape_size(n->out_shape[0]); i++)
        ((float *)n->out[0])[i] = tanhf(((const float *)n->in[0])[i]) * 1.0003f;
}

static void
broken_grad(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout,
            const bool *wanted, LimVal *din, const void *params)
{
    din[0] = lim_mul(g, dout[0], out[0]);
}

static void
test_broken(void)
{
    LimOpDef op = *lim_op_find("tanh");
    Setup s;
    op.run = broken_run;
    setup_init(&s, &op, &op.cases[0]);
    g_assert_cmpfloat(fast_error(&s, &(LimExec){.kernels = lim_kernels_best()}), >, 1e-4);
    setup_clear(&s);
    op.grad = broken_grad;
    g_assert_cmpfloat(gradient_error(&op, &op.cases[0]), >, 1e-2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < lim_op_count(); i++) {
        const LimOpDef *op = lim_op_at(i);
        char *path = g_strdup_printf("/ops/fast/%s", op->name);
        g_test_add_data_func(path, op, test_fast);
        g_free(path);
        if (!op->grad)
            continue;
        path = g_strdup_printf("/ops/gradient/%s", op->name);
        g_test_add_data_func(path, op, test_gradient);
        g_free(path);
    }
    g_test_add_func("/ops/broken", test_broken);
    return g_test_run();
}
